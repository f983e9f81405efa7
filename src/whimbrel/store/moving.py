"""What a cell's database does for accounts that move: the verbs of `verbs/departing.py` and `verbs/arriving.py` over an
executor. Apart from `interface`, because nothing of the journey asks for them; PostgreSQL only.
"""

from collections.abc import Sequence
from typing import Final

from whimbrel.store import reads
from whimbrel.store.rows import builder
from whimbrel.store.script import Executor, Query, Rows, Script
from whimbrel.store.verbs import arriving, departing
from whimbrel.store.verbs.departing import Move, Page

__all__ = ["ARRIVED", "CLOSED", "DEPARTING", "MOVED", "Move", "Moves", "Page"]

DEPARTING: Final = departing.DEPARTING
CLOSED: Final = departing.CLOSED
ARRIVED: Final = departing.ARRIVED
MOVED: Final = departing.MOVED
_TRIES: Final = 20_000  # positions of delivery tries in one statement
_BEFORE_ALL: Final = -(1 << 63)
_EVENTS: Final = 8_000  # events that are looked through in one


class Moves:
    """Accounts that leave a cell, and those that come to it."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    # both

    async def out(self) -> list[Move]:
        """Accounts that leave this cell, or have left it."""
        return await self._executor.read(reads.fetch, builder(Move), "moves_of", (departing.OUT,))

    async def coming(self) -> list[Move]:
        """Accounts that come to this cell, or have come lately."""
        return await self._executor.read(reads.fetch, builder(Move), "moves_of", (arriving.IN,))

    # the old cell

    async def depart(self, account_id: str, cell: str, now: int) -> None:
        """An account with its sub-accounts takes no more requests here. WhimbrelError not_found, conflict."""
        await self._executor.write(departing.depart, account_id, cell, now)

    async def depart_messages(self, move: Move, after_id: str, now: int) -> Page:
        """The next messages become a parcel; those stay of which something is under way."""
        return await self._executor.write(departing.depart_messages, move, after_id, now)

    async def depart_rows(self, move: Move, now: int) -> None:
        """What else there is, and grows only."""
        write = self._executor.write
        for statement in ("departing_ledger", "departing_audit", "departing_idempotency"):
            while await write(departing.depart_rows, move, statement):
                pass
        ((first, last),) = await self._executor.read(_rows, "departing_bounds", ())
        for start in range(first - 1, last, _TRIES):
            await write(departing.depart_stretch, move, "departing_tries", start, start + _TRIES, now)
        await self._depart_events(move, now)

    async def _depart_events(self, move: Move, now: int) -> None:
        """Events that are about no message. The log has no index by account: it is looked through once."""
        position = _BEFORE_ALL
        while True:
            ((count, end),) = await self._executor.read(_rows, "events_stretch_end", (position, _EVENTS))
            if not count:
                return
            await self._executor.write(departing.depart_stretch, move, "departing_events", position, end, now)
            position = end

    async def close(self, move: Move, now: int) -> bool:
        """The account is not here any more; False while something of it is."""
        return await self._executor.write(departing.close, move, now)

    async def depart_late(self, move: Move) -> None:
        """What came while the account was closed."""
        await self._executor.write(departing.depart_late, move)

    async def has_arrived(self, move: Move, now: int) -> None:
        """The other cell serves it."""
        await self._executor.write(departing.arrived, move, now)

    async def waits(self, move: Move, reason: str, now: int) -> None:
        """Why it does not go on."""
        await self._executor.write(departing.waits, move, reason, now)

    async def clear(self, move: Move, now: int) -> None:
        """Nothing stays but the note where the account has gone."""
        await self._executor.write(departing.clear, move, now)

    async def parcels(self, account_id: str) -> list[int]:
        """Their numbers."""
        return [row[0] for row in await self._executor.read(_rows, "parcels_numbers", (account_id,))]

    async def parcel(self, account_id: str, number: int) -> tuple[str, str]:
        """Kind and rows."""
        ((kind, rows),) = await self._executor.read(_rows, "parcel", (account_id, number))
        return kind, rows

    async def sent(self, account_id: str) -> dict[str, int]:
        """Rows of all parcels, by table."""
        return dict(await self._executor.read(_rows, "parcels_counts", (account_id,)))

    # the new cell

    async def expect(self, move: Move, cell: str, now: int) -> None:
        """The account comes from that cell."""
        await self._executor.write(arriving.expect, move, cell, now)

    async def arrived(self, account_id: str) -> list[int]:
        """Numbers of the parcels that are here."""
        return [row[0] for row in await self._executor.read(_rows, "arrivals_numbers", (account_id,))]

    async def arrive(self, account_id: str, number: int, kind: str, rows: str, now: int) -> bool:
        """Store a parcel; False when it was here."""
        return await self._executor.write(arriving.arrive, account_id, number, kind, rows, now)

    async def received(self, account_id: str) -> dict[str, int]:
        """Rows of all parcels that are here, by table."""
        return dict(await self._executor.read(_rows, "arrivals_counts", (account_id,)))

    async def activate(self, move: Move, now: int) -> None:
        """The account is served here from now on."""
        await self._executor.write(arriving.activate, move, now)

    async def place(self, account_id: str) -> None:
        """What waits takes its place in the queue."""
        while await self._executor.write(arriving.place, account_id):
            pass

    async def purge(self, before: int) -> None:
        """Events that came with accounts and are older than that go."""
        while await self._executor.write(arriving.purge, before) == arriving.PURGE_MAX:
            pass

    async def forget(self, account_id: str, cell: str) -> None:
        """The move from that cell is over."""
        await self._executor.write(arriving.forget, account_id, cell)


def _rows(statement: str, params: Sequence[object]) -> Script[Rows]:
    rows: Rows = yield Query(statement, tuple(params))
    return rows
