"""The duty that clears what removed fields, tags and lists have left in contacts, some rows a commit. When none is left
the column, or the number, is free for the next one.
"""

import logging
from collections.abc import Callable
from typing import Final

from whimbrel.base import limits
from whimbrel.domain.audience_terms import Ask
from whimbrel.domain.contacts import ContactField, Label
from whimbrel.journey.looking import Looking
from whimbrel.manage.context import OLDEST, Context
from whimbrel.products.contacts.labels import holding
from whimbrel.store.contacts import ContactScope, Stripped
from whimbrel.store.interface import Write

_IDLE_S: Final = 1.0
_log = logging.getLogger("whimbrel.contacts")


class Clearing(Looking):
    """Implements `journey.duties.Part`. `is_active`: whether an account is served here now."""

    def __init__(self, ctx: Context, is_active: Callable[[str], bool]) -> None:
        super().__init__(_IDLE_S, _log, "contacts could not be cleared", clock=ctx.clock, chance=ctx.chance)
        self._ctx = ctx
        self._is_active = is_active

    async def look(self) -> None:
        """Clear what is removed as of now."""
        store = self._ctx.store
        for field in await store.fetch(ContactField, "contact_fields_removed"):
            if self._is_active(field.account_id):
                await self._clear(field.account_id, field.test, Stripped(Ask(field.column, "set"), field.column, 0))
                await store.write([Write("contact_field_delete", ((field.id,),))])
        for label in await store.fetch(Label, "contact_labels_removed"):
            if self._is_active(label.account_id):
                await self._clear(label.account_id, label.test, Stripped(holding(label), "", label.number))
                await store.write([Write("contact_label_delete", ((label.id,),))])

    async def _clear(self, account_id: str, test: bool, what: Stripped) -> None:
        scope = ContactScope(account_id, test, self._ctx.clock.now_us())
        place: str | None = OLDEST
        while place is not None:
            place = await self._ctx.store.contacts.strip(scope, what, place, limits.COMMIT_CHUNK)
