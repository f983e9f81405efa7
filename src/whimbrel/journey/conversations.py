"""Conversations begin with a phone's text, or go on with it. This follows the inbound texts of the event log, which
have an index of their own: outbound traffic costs nothing here, however much there is. What was sent joins a
conversation when it is read, by the numbers.

A database that is older than conversations has texts that were dealt with by other means: they are taken as read.
"""

import msgspec

from whimbrel.domain.conversations import begun
from whimbrel.journey.follower import Follower, Taken
from whimbrel.store.interface import Store, Write
from whimbrel.store.migrations import Applied
from whimbrel.store.rows import to_columns

CURSOR = "conversations"
_READ = 500
_IDLE_S = 0.5
_MIGRATION = "conversations"


class _Received(msgspec.Struct, frozen=True):
    position: int
    message_id: str


class Conversations(Follower):
    """Keeps `conversations` up with the log."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, CURSOR, limit=_READ, idle_s=_IDLE_S)
        self._since_us: int | None = None

    async def _take(self, position: int) -> Taken:
        rows = await self._store.fetch(_Received, "events_received_after", position, _READ)
        if not rows:
            return Taken(0, position)
        messages = await self._store.messages([row.message_id for row in rows])
        begun_now = begun(messages, await self._begin())
        writes = [Write("conversation_received", tuple(to_columns(each) for each in begun_now))]
        if messages:
            # the thread shows them with the conversation, and does not wait for the index
            writes.append(Write("message_numbers_add", (([message.id for message in messages],),)))
        return Taken(len(rows), rows[-1].position, tuple(writes) if messages else ())

    async def _begin(self) -> int:
        """When this database got its conversations."""
        if self._since_us is None:
            applied = await self._store.fetch(Applied, "schema_applied")
            self._since_us = next((each.applied_at for each in applied if each.name == _MIGRATION), 0)
        return self._since_us
