"""Index: messages by phone number. Keys that come in random order are dear in the accept commit, so this follows the
event log and fills the look-up table in sorted lists, within two seconds of the commit.
"""

import asyncio
import logging

import msgspec

from whimbrel.store.interface import Deliveries, Store, Write

_log = logging.getLogger("whimbrel.index")
CURSOR = "message_numbers"
_READ = 2000
_EVERY_S = 1.0


class _New(msgspec.Struct, frozen=True, gc=False):
    """Columns of `events_to_index`."""

    position: int
    message_id: str
    recipient_hash: int
    sender_hash: int


class _Position(msgspec.Struct, frozen=True):
    position: int


class Index:
    """Keeps `message_numbers` up with the log."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._position = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Go on where the cursor stands."""
        rows = await self._store.fetch(_Position, "cursor_by_name", CURSOR)
        self._position = rows[0].position if rows else 0
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop following; the log keeps the rest."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                while await self.follow():
                    pass
            except Exception:
                _log.exception("numbers could not be indexed; trying again")
            await asyncio.sleep(_EVERY_S)

    async def follow(self) -> bool:
        """Index one list; whether there may be more. Where no message is new, what the log holds beside is passed over
        and not read again each time."""
        end = await self._store.last_position()
        rows = await self._store.fetch(_New, "events_to_index", self._position, _READ)
        has_more = len(rows) == _READ
        reached = rows[-1].position if has_more else max(self._position, end, *(row.position for row in rows[-1:]))
        if rows:
            keys = {(number, row.message_id) for row in rows for number in (row.recipient_hash, row.sender_hash)}
            also = (Write("message_number_insert", tuple(sorted(keys))),)
            await self._store.record_deliveries(Deliveries(cursors=((CURSOR, reached),), also=also))
        self._position = reached
        return has_more
