"""Returning: a move that was called off goes back. Until all is back the account is told to come back, as before.

    here: recalled     the other cell is asked, and refuses the move: it will never serve the account by it
    here: returning    parcels become rows again
    here: returned     the account works; the other cell has still to forget what came to it

A move that had not closed the account yet begins with `returning`: nobody serves what is not closed. Nor does it need
the other cell, which may be gone.
"""

import logging
from typing import Final

from whimbrel.base import faults
from whimbrel.base.clock import Clock
from whimbrel.store.moving import ACTIVE, RECALLED, RETURNED, RETURNING, Move, Moves

_log = logging.getLogger("whimbrel.moving")
_TWICE: Final = "the other cell, which was not lost: it serves the account too"
AWAY: Final = frozenset({RECALLED, RETURNING, RETURNED})
"""States of a move that was called off."""


class Returning:
    """Brings back what was on its way out of one cell."""

    def __init__(self, *, name: str, here: Moves, clock: Clock) -> None:
        self._name = name
        self._here = here
        self._clock = clock

    async def go_on(self, move: Move, there: Moves | None) -> None:
        """As far as it goes now. `there`: the other cell; None while it cannot be reached."""
        if move.state == RETURNING:
            await self._take_back(move)
        elif there is None:
            awaited = f"cell {move.cell}, which cannot be reached"
            await self._here.waits(move, awaited, self._clock.now_us())
        elif move.state == RECALLED:
            await self._recall(move, there)
        else:
            await self._let_go(move, there)

    async def _recall(self, move: Move, there: Moves) -> None:
        now = self._clock.now_us()
        if await there.refuse(move, self._name, now) == ACTIVE:
            await self._here.too_late(move, now)
            return
        faults.hit("move.refused")
        await self._here.refused(move, now)

    async def _let_go(self, move: Move, there: Moves) -> None:
        left = await there.refuse(move, self._name, self._clock.now_us())
        if not left:
            await self._here.forgotten(move)
        elif left == ACTIVE and move.waits_for != _TWICE:
            _log.error("two cells serve an account", extra={"account_id": move.account_id, "cell": move.cell})
            await self._here.waits(move, _TWICE, self._clock.now_us())

    async def _take_back(self, move: Move) -> None:
        for number in await self._here.parcels(move.account_id):
            await self._here.take_back(move, number, self._clock.now_us())
            faults.hit("move.taken_back")
        await self._here.end_return(move, self._clock.now_us())
        _log.info("an account stays", extra={"account_id": move.account_id, "cell": self._name})
