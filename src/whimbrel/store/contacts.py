"""Contacts in the store: lists are written by scripts of `verbs/contacts.py`, read by conditions. Apart from `Store`,
because nothing of the journey asks for them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from whimbrel.base import limits
from whimbrel.domain.audience_sql import condition
from whimbrel.domain.audience_terms import Term
from whimbrel.domain.contacts import Contact, ContactWrite, Outcome, Put, contact_of
from whimbrel.store.errors import StoreError
from whimbrel.store.script import Executor, Rows, Script, Where
from whimbrel.store.verbs import contact_imports, contacts
from whimbrel.store.verbs.contact_imports import Labelling, RowError, Stripped
from whimbrel.store.verbs.contacts import ContactScope

__all__ = ["TRIES", "ContactRows", "ContactScope", "Labelling", "RowError", "Stripped"]
TRIES: Final = 5


class ContactRows:
    """Contacts of all accounts over an executor."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._counts = asyncio.Semaphore(limits.SEGMENT_COUNTS_MAX)

    async def page(
        self, account_id: str, test: bool, term: Term, place: str, limit: int, *, oldest: bool = False
    ) -> list[Contact]:
        """Those that a term holds for, after a place: the newest first, or the oldest."""
        statement = "contacts_page_oldest" if oldest else "contacts_page"
        rows = await self._executor.report(
            account_id, _where, statement, (account_id, int(test), place, limit), term
        )  # fmt: skip
        return [contact_of(*row) for row in rows]

    async def count(self, account_id: str, test: bool, term: Term) -> int:
        """How many a term holds for. One at a time: each reads all contacts of its account."""
        async with self._counts:
            rows = await self._executor.report(account_id, _where, "contacts_count", (account_id, int(test)), term)
        return int(rows[0][0])

    async def put(self, scope: ContactScope, writes: Sequence[ContactWrite], *, create_only: bool = False) -> list[Put]:
        """Create or change contacts by number."""
        for _ in range(TRIES):
            done = await self._executor.write(contacts.put_contacts, scope, writes, create_only)
            if done is not None:
                return done
        raise StoreError("others make the same contacts at the same time")

    async def change(
        self,
        scope: ContactScope,
        ids: Sequence[str],
        columns: Mapping[str, Any],
        *,
        add: Sequence[int] = (),
        drop: Sequence[int] = (),
    ) -> dict[str, Outcome]:
        """Change contacts by id, all alike; what became of each."""
        return await self._executor.write(contacts.change_contacts, scope, ids, columns, add, drop)

    async def delete(self, scope: ContactScope, ids: Sequence[str]) -> int:
        """Erase contacts; how many there were."""
        return await self._executor.write(contacts.delete_contacts, scope, ids)

    async def merge(self, scope: ContactScope, into: str, ids: Sequence[str]) -> Contact | None:
        """Let contacts become one; None: one is not there."""
        return await self._executor.write(contacts.merge_contacts, scope, into, ids)

    async def take_rows(
        self,
        scope: ContactScope,
        import_id: str,
        position: int,
        writes: Sequence[ContactWrite],
        errors: Sequence[RowError],
    ) -> bool:
        """A stretch of an import, if it stands at this position."""
        write = self._executor.write
        return await write(contact_imports.import_contacts, scope, import_id, position, writes, errors)

    async def label(self, scope: ContactScope, what: Labelling, position: int, people: Sequence[str]) -> bool:
        """People get a label or lose it, if their import stands at this position."""
        return await self._executor.write(contact_imports.label_contacts, scope, what, position, people)

    async def strip(self, scope: ContactScope, what: Stripped, after_id: str, limit: int) -> str | None:
        """Clear a column or take a label off the next contacts that hold it; the last of them."""
        return await self._executor.write(contact_imports.strip_contacts, scope, what, after_id, limit)


def _where(statement: str, params: tuple[Any, ...], term: Term) -> Script[Rows]:
    rows: Rows = yield Where(statement, params, condition(term))
    return rows
