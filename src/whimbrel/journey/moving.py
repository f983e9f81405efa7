"""Moving: accounts that leave this cell are brought to their new one. No transaction crosses cells, so a move is many
small commits, each in one cell, in an order in which a crash between any two of them loses nothing and never leaves
two cells that serve the account.

    here: moving       no more requests are taken; what is queued is still sent, receipts and STOPs are applied
    here: parcels      messages leave, each with all that is its own; there: they arrive, and nothing of them is sent
    here: moved        the rest is copied; the account is not here any more
    there: active      all parcels are here and counted: the account is served
    there: placed      what was queued or scheduled goes on
    here: cleared      after a while, in which late comers are brought too

The state is in the two databases; a process that takes over goes on from it. One node of the old cell does this
(`duty:moves`); two that did it at the same time would do no harm.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from whimbrel.base import faults
from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.store.moving import ARRIVED, CLOSED, DEPARTING, MOVED, Move, Moves

_log = logging.getLogger("whimbrel.moving")
SETTLE_US: Final = 5 * SECOND_US
"""Until every node knows that the account moves, and customers' binds are closed."""
LATE_US: Final = 15 * SECOND_US
"""How long what comes late to the old cell is brought after: nodes know of the new one within 2 seconds."""
_LOOK_S: Final = 1.0
_PURGE_EVERY_US: Final = 3600 * SECOND_US
_UNDER_WAY: Final = "texts that carriers have not answered for, or events that are still being delivered"

CellOf = Callable[[str], Moves | None]
"""The cell of a name; None: it is not known, or cannot be reached now."""


class _Course(msgspec.Struct):
    """What is remembered of a move while this process does it."""

    brought: set[int]


class Moving:
    """Does the moves out of one cell. `events_before` says, at a time, which events are older than their retention;
    `settle_us` and `late_us` are shorter in tests."""

    def __init__(
        self,
        *,
        name: str,
        here: Moves,
        there: CellOf,
        clock: Clock,
        events_before: Callable[[int], int],
        settle_us: int = SETTLE_US,
        late_us: int = LATE_US,
    ) -> None:
        self._name = name
        self._here = here
        self._there = there
        self._clock = clock
        self._events_before = events_before
        self._purged_us: int | None = None
        self._settle_us = settle_us
        self._late_us = late_us
        self._courses: dict[str, _Course] = {}
        self._forgotten: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, or go on."""
        self._courses = {}
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop; another process goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
                await self._purge()
            except Exception:
                _log.exception("moves could not be looked for; trying again")
            await asyncio.sleep(_LOOK_S)

    async def _purge(self) -> None:
        """Events that came with accounts are in no partition that is dropped when it is old."""
        now = self._clock.now_us()
        if self._purged_us is None or now - self._purged_us >= _PURGE_EVERY_US:
            self._purged_us = now
            await self._here.purge(self._events_before(now))

    async def look(self) -> bool:
        """Bring every move on as far as it goes now; whether all are done."""
        every = await self._here.out()
        moves = [move for move in every if move.state != MOVED]
        await self._forget([move for move in every if move.state == MOVED])
        for move in moves:
            there = self._there(move.cell)
            if there is None:
                await self._wait(move, f"cell {move.cell}, which cannot be reached")
                continue
            try:
                await self._go_on(move, there)
            except Exception as error:
                _log.exception("a move failed; trying again", extra={"account_id": move.account_id})
                await self._wait(move, f"an error to go away: {error}")
        return not moves

    async def _forget(self, moves: Sequence[Move]) -> None:
        """Once for each: whoever did it before may have died before the new cell heard that it is over."""
        for move in moves:
            there = self._there(move.cell) if move.account_id not in self._forgotten else None
            if there is not None:
                await there.forget(move.account_id, self._name)
                self._forgotten.add(move.account_id)

    async def _go_on(self, move: Move, there: Moves) -> None:
        if move.account_id not in self._courses:
            self._courses[move.account_id] = _Course(set(await there.arrived(move.account_id)))
        if move.state == DEPARTING:
            await self._depart(move, there)
        elif move.state == CLOSED:
            await self._hand_over(move, there)
        elif move.state == ARRIVED:
            await self._wind_up(move, there)

    async def _depart(self, move: Move, there: Moves) -> None:
        """Everything leaves that can; then the account is closed here."""
        await there.expect(move, self._name, self._clock.now_us())
        faults.hit("move.expected")
        if self._clock.now_us() < move.started_at + self._settle_us:
            return
        held = await self._depart_messages(move, there)
        await self._here.depart_rows(move, self._clock.now_us())
        await self._bring(move, there)
        faults.hit("move.before_close")
        if held or not await self._here.close(move, self._clock.now_us()):
            await self._wait(move, _UNDER_WAY)
            return
        faults.hit("move.closed")
        await self._hand_over(move, there)

    async def _depart_messages(self, move: Move, there: Moves) -> int:
        """How many had to stay."""
        held, last = 0, ""
        while True:
            page = await self._here.depart_messages(move, last, self._clock.now_us())
            faults.hit("move.departed")
            if not page.last:
                return held
            held, last = held + page.held, page.last
            await self._bring(move, there)

    async def _bring(self, move: Move, there: Moves) -> None:
        """All parcels that are not there yet, in order."""
        brought = self._courses[move.account_id].brought
        for number in await self._here.parcels(move.account_id):
            if number in brought:
                continue
            kind, rows = await self._here.parcel(move.account_id, number)
            await there.arrive(move.account_id, number, kind, rows, self._clock.now_us())
            faults.hit("move.brought")
            brought.add(number)

    async def _hand_over(self, move: Move, there: Moves) -> None:
        """The account begins there, when everything is there."""
        await self._bring(move, there)
        sent, received = await self._here.sent(move.account_id), await there.received(move.account_id)
        if sent != received:
            differing = sorted(name for name in sent.keys() | received.keys() if sent.get(name) != received.get(name))
            _log.error("a move does not add up", extra={"account_id": move.account_id, "tables": differing})
            await self._wait(move, f"counts that differ: {', '.join(differing)}")
            return
        await there.activate(move, self._clock.now_us())
        faults.hit("move.activated")
        await self._here.has_arrived(move, self._clock.now_us())
        faults.hit("move.arrived")
        _log.info("an account has moved", extra={"account_id": move.account_id, "cell": move.cell, "rows": received})
        await there.place(move.account_id)

    async def _wind_up(self, move: Move, there: Moves) -> None:
        """What waits goes on there; what came late is brought; what was copied goes."""
        await there.place(move.account_id)
        faults.hit("move.placed")
        held = await self._depart_messages(move, there)
        await self._here.depart_late(move)
        await self._bring(move, there)
        await there.place(move.account_id)
        if held or self._clock.now_us() < move.updated_at + self._late_us:
            return
        await self._here.clear(move, self._clock.now_us())
        faults.hit("move.cleared")
        await there.forget(move.account_id, self._name)
        del self._courses[move.account_id]
        self._forgotten.discard(move.account_id)

    async def _wait(self, move: Move, reason: str) -> None:
        await self._here.waits(move, reason, self._clock.now_us())
