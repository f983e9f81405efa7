"""What turns go by beside their runs: documents, the texts that answer, and the contacts of phones as they are now,
each read for a whole list of runs; contacts and people only where a document names them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from whimbrel.domain.flow_documents import Document
from whimbrel.domain.flows import FlowRun
from whimbrel.domain.model import Message
from whimbrel.manage.context import Context
from whimbrel.products.conversations.people import able
from whimbrel.products.flows.contacts import Whose, people
from whimbrel.products.flows.starting import Documents


class Sight(msgspec.Struct, frozen=True, gc=False):
    """Of a list of runs. `contacts`: by run, of those whose document names it; None where the phone has none.
    `people`: whom documents give conversations to and who may answer now, with their account."""

    documents: Mapping[tuple[str, int], Document]
    texts: Mapping[str, Message]
    contacts: Mapping[str, Mapping[str, Any] | None]
    people: Mapping[str, str | None] = {}

    def document(self, run: FlowRun) -> Document | None:
        """The one that a run goes by."""
        return self.documents.get((run.flow_id, run.version))


class _Holder(msgspec.Struct, frozen=True, gc=False):
    """Columns of `contact_ids_of_numbers`."""

    number: str
    id: str


async def sight_of(ctx: Context, documents: Documents, runs: Sequence[FlowRun]) -> Sight:
    """As things are now."""
    known = await documents.of((run.flow_id, run.version) for run in runs)
    wanted = [run.answer_id for run in runs if run.answer_id is not None]
    texts = await ctx.store.messages(wanted) if wanted else []
    asking = [run for run in runs if documents.names_contact(run.flow_id, run.version)]
    named = frozenset().union(*(documents.assignees(run.flow_id, run.version) for run in runs))
    contacts = await _contacts(ctx, asking)
    return Sight(known, {text.id: text for text in texts}, contacts, await able(ctx, named))


async def _contacts(ctx: Context, runs: Sequence[FlowRun]) -> dict[str, Mapping[str, Any] | None]:
    found: dict[str, Mapping[str, Any] | None] = {run.id: None for run in runs}
    by_owner: dict[Whose, list[FlowRun]] = defaultdict(list)
    for run in runs:
        if run.phone:
            by_owner[run.account_id, run.test].append(run)
    for (account_id, test), theirs in by_owner.items():
        numbers = sorted({run.phone for run in theirs})
        rows = await ctx.store.fetch(_Holder, "contact_ids_of_numbers", account_id, int(test), numbers)
        holders = {row.number: row.id for row in rows}
        told = await people(ctx, (account_id, test), holders.values())
        for run in theirs:
            contact = told.contacts.get(holders.get(run.phone, ""))
            found[run.id] = None if contact is None else told.described(contact)
    return found
