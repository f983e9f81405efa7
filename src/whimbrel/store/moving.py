"""What a cell's database does for accounts that move: the verbs of `verbs/departing.py`, `verbs/arriving.py` and
`verbs/returning.py` over an executor. Apart from `interface`, because nothing of the journey asks for them; PostgreSQL
only.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final

from whimbrel.store import reads
from whimbrel.store.rows import builder
from whimbrel.store.script import Executor, Query, Rows, Script
from whimbrel.store.verbs import arriving, departing, returning
from whimbrel.store.verbs.arriving import ACTIVE, REFUSED
from whimbrel.store.verbs.departing import ARRIVED, CLEARED, CLOSED, DEPARTING, MOVED, Move, Page
from whimbrel.store.verbs.returning import RECALLED, RETURNED, RETURNING

__all__ = [
    "ACTIVE", "ARRIVED", "BEFORE_ALL", "CLEARED", "CLOSED", "DEPARTING", "MOVED", "RECALLED", "REFUSED", "RETURNED",
    "RETURNING", "Move", "Moves", "Page",
]  # fmt: skip

BEFORE_ALL: Final = -(1 << 63)
"""Below all positions."""
_ROWS: Final = (
    "departing_ledger",
    "departing_audit",
    "departing_idempotency",
    "departing_owed",
    "departing_contacts",
    "departing_campaign_recipients",
    "departing_documents",
    "departing_media_data",
    "departing_import_parts",
    "departing_contact_starts",
)
"""What leaves some rows at a time."""
_TRIES: Final = 20_000  # positions of delivery tries in one statement
_COUNTED: Final = 100  # parcels of which the rows are counted in one
_EVENTS: Final = 8_000  # events that are looked through in one


class Moves:
    """Accounts that leave a cell, and those that come to it."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    # both

    async def out(self) -> list[Move]:
        """Accounts that leave this cell, until that is over."""
        return await self._executor.read(reads.fetch, builder(Move), "moves_of", (departing.OUT,))

    async def coming(self) -> list[Move]:
        """Accounts that come to this cell, or have come lately."""
        return await self._executor.read(reads.fetch, builder(Move), "moves_of", (departing.IN,))

    async def of_account(self, account_id: str) -> Move | None:
        """Where an account goes from here, or has gone."""
        return await self._executor.read(departing.move_of, account_id, departing.OUT)

    # the old cell

    async def depart(self, account_id: str, cell: str, cells: Collection[str], now: int) -> None:
        """An account with its sub-accounts takes no more requests here. `cells`: all there are. WhimbrelError
        not_found, conflict."""
        await self._executor.write(departing.depart, account_id, cell, sorted(cells), now)

    async def depart_messages(self, move: Move, after_id: str, now: int) -> Page:
        """The next messages become a parcel; those stay of which something is under way."""
        return await self._executor.write(departing.depart_messages, move, after_id, now)

    async def depart_rows(self, move: Move) -> None:
        """What else there is, and grows only."""
        for statement in _ROWS:
            while await self._executor.write(departing.depart_rows, move, statement):
                pass

    async def depart_tries(self, move: Move, position: int) -> int:
        """Tries of deliveries after a position; from where to look the next time."""
        async for start, end in self._tries(position):
            await self._executor.write(departing.depart_tries, move, start, end)
            position = start
        return position

    async def depart_events(self, move: Move, position: int, now: int) -> tuple[int, bool]:
        """Events that are about no message, after a position; from where to look the next time, and whether any had to
        stay. The log has no index by account: it is looked through, once."""
        held: list[int] = []
        async for start, end in self._events(position):
            if await self._executor.write(departing.depart_events, move, start, end, now):
                held.append(start)
            position = end
        return (held[0] if held else position), bool(held)

    async def _tries(self, position: int) -> AsyncIterator[tuple[int, int]]:
        """Stretches of their table."""
        ((first, last),) = await self._executor.read(_rows, "departing_bounds", ())
        for start in range(max(first - 1, position), last, _TRIES):
            yield start, start + _TRIES

    async def _events(self, position: int) -> AsyncIterator[tuple[int, int]]:
        """Stretches of the log."""
        while True:
            ((count, end),) = await self._executor.read(_rows, "events_stretch_end", (position, _EVENTS))
            if not count:
                return
            yield position, end
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

    async def over(self, move: Move, now: int) -> None:
        """The other cell has heard that it is over."""
        await self._executor.write(departing.over, move, now)

    async def call_off(self, account_id: str, now: int, *, lost: bool) -> None:
        """The account stays. `lost`: the other cell is gone for good. WhimbrelError conflict."""
        await self._executor.write(returning.call_off, account_id, now, lost=lost)

    async def refused(self, move: Move, now: int) -> None:
        """The other cell will never serve the account."""
        await self._executor.write(returning.refused, move, now)

    async def too_late(self, move: Move, now: int) -> None:
        """The other cell serves it already."""
        await self._executor.write(returning.too_late, move, now)

    async def take_back(self, move: Move, number: int, now: int) -> None:
        """A parcel becomes rows again."""
        await self._executor.write(returning.take_back, move, number, now)

    async def end_return(self, move: Move, now: int) -> None:
        """The account is as it was, if all parcels are back."""
        await self._executor.write(returning.end, move, now)

    async def forgotten(self, move: Move) -> None:
        """Nothing of it is in the other cell any more."""
        await self._executor.write(returning.forgotten, move)

    async def parcels(self, account_id: str) -> list[int]:
        """Their numbers."""
        return [row[0] for row in await self._executor.read(_rows, "parcels_numbers", (account_id,))]

    async def parcel(self, account_id: str, number: int) -> tuple[str, str]:
        """Kind and rows."""
        ((kind, rows),) = await self._executor.read(_rows, "parcel", (account_id, number))
        return kind, rows

    async def sent(self, account_id: str) -> dict[str, int]:
        """Rows of all parcels, by table. Some parcels in one statement: they are megabytes each."""
        numbers, counts = await self.parcels(account_id), Counter[str]()
        for place in range(0, len(numbers), _COUNTED):
            some = numbers[place : place + _COUNTED]
            counts.update(dict(await self._executor.read(_rows, "parcels_counts", (account_id, some[0], some[-1]))))
        return counts

    # the new cell

    async def expect(self, move: Move, cell: str, now: int) -> bool:
        """The account comes from that cell; False while it cannot, for what an earlier move has left here."""
        return await self._executor.write(arriving.expect, move, cell, now)

    async def arrived(self, account_id: str) -> list[int]:
        """Numbers of the parcels that are here."""
        return [row[0] for row in await self._executor.read(_rows, "arrivals_numbers", (account_id,))]

    async def arrive(self, account_id: str, number: int, kind: str, rows: str, now: int) -> bool:
        """Store a parcel; False when it was here. WhimbrelError conflict when the move was called off."""
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

    async def refuse(self, move: Move, cell: str, now: int) -> str:
        """The move from that cell will not be: `active` when it is too late for that, `refused` while something of it
        is here, empty when nothing is."""
        return await self._executor.write(returning.refuse, move, cell, now)

    async def discard(self, move: Move) -> None:
        """What came of a refused move goes."""
        write = self._executor.write
        while await write(returning.discard_messages, move):
            pass
        for statement in _ROWS:
            while await write(returning.discard_rows, move, statement):
                pass
        async for start, end in self._tries(BEFORE_ALL):
            await write(returning.discard_stretch, move, "departed_delete_tries", start, end)
        async for start, end in self._events(BEFORE_ALL):
            if start >= 0:
                break
            await write(returning.discard_stretch, move, "departed_delete_events", start, min(end, -1))
        await write(returning.discarded, move)


def _rows(statement: str, params: Sequence[object]) -> Script[Rows]:
    rows: Rows = yield Query(statement, tuple(params))
    return rows
