"""Steps that change the contact of a run: what they wish is read as a request would be, and written in the commit of
the turn. The contact is the one that has the run's phone; without one it is made.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.contacts import ContactWrite
from whimbrel.domain.flow_effects import ContactWish
from whimbrel.domain.flows import FlowRun
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context
from whimbrel.products.contacts.known import Known, known
from whimbrel.products.contacts.labels import ensure_tags
from whimbrel.products.contacts.shapes import NewContact
from whimbrel.products.contacts.writes import numbers_of, write_of
from whimbrel.store.interface import RunChange

REFUSED: Final = "flow_contact_refused"
_OWN: Final = frozenset({"name", "language", "time_zone"})
Whose = tuple[str, bool]  # account and mode


class ContactRefused(Exception):
    """The contact cannot be changed so; why, without values."""


class ContactSteps:
    """Writes turns with a change of a contact."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def known(self, runs: Iterable[FlowRun]) -> dict[Whose, Known]:
        """What contacts of these runs' accounts are described with."""
        return {whose: await known(self._ctx, *whose) for whose in {(run.account_id, run.test) for run in runs}}

    async def store(self, run: FlowRun, wish: ContactWish, change: RunChange, about: Known) -> bool:
        """Whether the turn was written; not where its run has gone on elsewhere. ContactRefused."""
        try:
            about = await ensure_tags(self._ctx, about, wish.add_tags)
            wanted = _write(wish, self._ctx.ids.new(ids.CONTACT), about)
        except WhimbrelError as error:
            if not error.spec.permanent:
                raise
            raise ContactRefused(_why(error)) from error
        scope = msgspec.structs.replace(about.scope(self._ctx.clock.now_us()), flow_run=run.id)
        done = await self._ctx.store.advance_flow_run_with_contact(change, scope, wanted)
        if done == "full":
            raise ContactRefused(f"has {limits.CONTACT_LABELS_MAX} tags and lists already")
        return done == "written"


def _write(wish: ContactWish, contact_id: str, about: Known) -> ContactWrite:
    checks = Checks()
    own = {name: _own(value, checks, name) for name, value in wish.values.items() if name in _OWN}
    said = NewContact(
        number=wish.phone,
        fields={name: value for name, value in wish.values.items() if name not in _OWN},
        tags=wish.add_tags,
        lists=wish.add_lists,
        **own,
    )
    write = write_of(said, contact_id, about, checks)
    there = [name for name in wish.remove_tags if ("tag", name) in about.labels]
    drop = numbers_of(there, "tag", about, checks, "/remove")
    drop += numbers_of(wish.remove_lists, "list", about, checks, "/remove_lists")
    checks.done()
    return msgspec.structs.replace(write, drop=drop)


def _own(value: Any, checks: Checks, name: str) -> str:
    """Of the contact itself; null clears as an empty text does."""
    checks.require(value is None or isinstance(value, str), f"/{name}", "must be a text")
    return value if isinstance(value, str) else ""


def _why(error: WhimbrelError) -> str:
    """The place and the rule, which name no person and hold no value."""
    return "; ".join(f"{each.pointer} {each.detail}" for each in error.errors) or error.code
