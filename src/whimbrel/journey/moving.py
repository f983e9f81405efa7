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
(`duty:moves`); two that did it at the same time would do no harm. A move that is called off goes back: `returning.py`.
"""

import logging
from collections.abc import Callable
from typing import Final

import msgspec

from whimbrel.base import faults
from whimbrel.base.clock import SECOND_US, Chance, Clock
from whimbrel.journey.looking import Looking
from whimbrel.journey.returning import AWAY, Returning
from whimbrel.store.moving import ARRIVED, BEFORE_ALL, CLEARED, CLOSED, DEPARTING, REFUSED, Move, Moves

_log = logging.getLogger("whimbrel.moving")
SETTLE_US: Final = 5 * SECOND_US
"""Until every node knows that the account moves, and customers' binds are closed."""
LATE_US: Final = 15 * SECOND_US
"""How long what comes late to the old cell is brought after: nodes know of the new one within 2 seconds."""
_LOOK_S: Final = 1.0
_PURGE_EVERY_US: Final = 3600 * SECOND_US
_UNDER_WAY: Final = "texts that carriers have not answered for, or events that are still being delivered"
_EARLIER: Final = "the new cell, where things of an earlier move still have to go"

CellOf = Callable[[str], Moves | None]
"""The cell of a name; None: it is not known, or cannot be reached now."""


class _Course(msgspec.Struct):
    """What is remembered of a move while this process does it: which parcels are there, and where to go on in the event
    log and in the tries."""

    started_at: int
    brought: set[int]
    events: int = BEFORE_ALL
    tries: int = BEFORE_ALL


class Moving(Looking):
    """Does the moves out of one cell. `events_before` says, at a time, which events are older than their retention;
    `settle_us` and `late_us` are shorter in tests."""

    def __init__(
        self,
        *,
        name: str,
        here: Moves,
        there: CellOf,
        clock: Clock,
        chance: Chance,
        events_before: Callable[[int], int],
        settle_us: int = SETTLE_US,
        late_us: int = LATE_US,
    ) -> None:
        super().__init__(_LOOK_S, _log, "moves could not be looked for", clock=clock, chance=chance)
        self._name = name
        self._here = here
        self._there = there
        self._clock = clock
        self._events_before = events_before
        self._purged_us: int | None = None
        self._settle_us = settle_us
        self._late_us = late_us
        self._courses: dict[str, _Course] = {}
        self._returning = Returning(name=name, here=here, clock=clock)

    async def start(self) -> None:
        """Begin, or go on."""
        self._courses = {}
        await super().start()

    async def look(self) -> bool:
        """Bring every move on as far as it goes now; whether all are done."""
        moves = await self._here.out()
        for move in moves:
            try:
                await self._look_at(move)
            except Exception as error:
                reason = f"an error to go away: {error}"
                if move.waits_for != reason:
                    _log.exception("a move failed; trying again", extra={"account_id": move.account_id})
                await self._wait(move, reason)
        for refused in await self._here.coming():
            if refused.state == REFUSED:
                await self._here.discard(refused)
        await self._purge()
        return not moves

    async def _purge(self) -> None:
        """Events that came with accounts are purged by age: they are in no partition of a day."""
        now = self._clock.now_us()
        if self._purged_us is None or now - self._purged_us >= _PURGE_EVERY_US:
            self._purged_us = now
            await self._here.purge(self._events_before(now))

    async def _look_at(self, move: Move) -> None:
        there = self._there(move.cell)
        if move.state in AWAY:
            self._courses.pop(move.account_id, None)
            await self._returning.go_on(move, there)
        elif there is None:
            await self._wait(move, f"cell {move.cell}, which cannot be reached")
        else:
            await self._go_on(move, there)

    async def _go_on(self, move: Move, there: Moves) -> None:
        course = self._courses.get(move.account_id)
        if course is None or course.started_at != move.started_at:
            course = _Course(move.started_at, set(await there.arrived(move.account_id)))
            self._courses[move.account_id] = course
        if move.state == DEPARTING:
            await self._depart(move, there, course)
        elif move.state == CLOSED:
            await self._hand_over(move, there, course)
        elif move.state == ARRIVED:
            await self._wind_up(move, there, course)
        elif move.state == CLEARED:
            await self._end(move, there)

    async def _depart(self, move: Move, there: Moves, course: _Course) -> None:
        """Everything leaves that can; then the account is closed here."""
        if not await there.expect(move, self._name, self._clock.now_us()):
            await self._wait(move, _EARLIER)
            return
        faults.hit("move.expected")
        if self._clock.now_us() < move.started_at + self._settle_us:
            return
        held = await self._depart_messages(move, there, course)
        await self._here.depart_rows(move)
        course.tries = await self._here.depart_tries(move, course.tries)
        held = held or await self._depart_events(move, course)
        await self._bring(move, there, course)
        faults.hit("move.before_close")
        if held or not await self._here.close(move, self._clock.now_us()):
            await self._wait(move, _UNDER_WAY)
            return
        faults.hit("move.closed")
        await self._hand_over(move, there, course)

    async def _depart_messages(self, move: Move, there: Moves, course: _Course) -> bool:
        """Whether any had to stay."""
        held, last = 0, ""
        while True:
            page = await self._here.depart_messages(move, last, self._clock.now_us())
            faults.hit("move.departed")
            if not page.last:
                return held > 0
            held, last = held + page.held, page.last
            await self._bring(move, there, course)

    async def _depart_events(self, move: Move, course: _Course) -> bool:
        """Whether any had to stay. Last of all: while its messages wait, the log is not looked through for it."""
        course.events, held = await self._here.depart_events(move, course.events, self._clock.now_us())
        return held

    async def _bring(self, move: Move, there: Moves, course: _Course) -> None:
        """All parcels that are not there yet, in order."""
        for number in await self._here.parcels(move.account_id):
            if number in course.brought:
                continue
            kind, rows = await self._here.parcel(move.account_id, number)
            await there.arrive(move.account_id, number, kind, rows, self._clock.now_us())
            faults.hit("move.brought")
            course.brought.add(number)

    async def _hand_over(self, move: Move, there: Moves, course: _Course) -> None:
        """The account begins there, when everything is there."""
        await self._bring(move, there, course)
        sent, received = await self._here.sent(move.account_id), await there.received(move.account_id)
        if sent != received:
            differing = sorted(name for name in sent.keys() | received.keys() if sent.get(name) != received.get(name))
            reason = f"counts that differ: {', '.join(differing)}"
            if move.waits_for != reason:
                _log.error("a move does not add up", extra={"account_id": move.account_id, "tables": differing})
            await self._wait(move, reason)
            return
        await there.activate(move, self._clock.now_us())
        faults.hit("move.activated")
        await self._here.has_arrived(move, self._clock.now_us())
        faults.hit("move.arrived")
        _log.info("an account has moved", extra={"account_id": move.account_id, "cell": move.cell, "rows": received})
        await there.place(move.account_id)

    async def _wind_up(self, move: Move, there: Moves, course: _Course) -> None:
        """What waits goes on there; what came late is brought; what was copied goes."""
        await there.place(move.account_id)
        faults.hit("move.placed")
        held = await self._depart_messages(move, there, course)
        await self._here.depart_late(move)
        held = held or await self._depart_events(move, course)
        await self._bring(move, there, course)
        await there.place(move.account_id)
        if held or self._clock.now_us() < move.updated_at + self._late_us:
            return
        await self._here.clear(move, self._clock.now_us())
        faults.hit("move.cleared")
        await self._end(move, there)

    async def _end(self, move: Move, there: Moves) -> None:
        """Last of all the other cell hears of it: until then it knows which parcels it has."""
        await there.forget(move.account_id, self._name)
        await self._here.over(move, self._clock.now_us())
        self._courses.pop(move.account_id, None)

    async def _wait(self, move: Move, reason: str) -> None:
        await self._here.waits(move, reason, self._clock.now_us())
