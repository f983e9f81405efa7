"""Index: messages by phone number. Keys that come in random order are dear in the accept commit, so this follows the
event log and fills the look-up table in sorted lists, within two seconds of the commit.
"""

import msgspec

from whimbrel.journey.follower import Follower, Taken
from whimbrel.store.interface import Store, Write

CURSOR = "message_numbers"
_READ = 2000
_EVERY_S = 1.0


class _New(msgspec.Struct, frozen=True, gc=False):
    """Columns of `events_to_index`."""

    position: int
    message_id: str
    recipient_hash: int
    sender_hash: int


class Index(Follower):
    """Keeps `message_numbers` up with the log."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, CURSOR, limit=_READ, idle_s=_EVERY_S)

    async def _take(self, position: int) -> Taken:
        """Where no message is new, what the log holds beside is passed over and not read again each time."""
        end = await self._store.last_position()
        rows = await self._store.fetch(_New, "events_to_index", position, _READ)
        last = rows[-1].position if rows else position
        reached = last if len(rows) == _READ else max(last, end)
        keys = {(number, row.message_id) for row in rows for number in (row.recipient_hash, row.sender_hash)}
        return Taken(len(rows), reached, (Write("message_number_insert", tuple(sorted(keys))),))
