"""Strays: receipts that a carrier brought to a bind of this cell, and that are about another cell's text. All cells
bind with the same credentials, and a carrier sends receipts over whichever bind it likes; an account may also have
moved since its text was sent.

Such a receipt finds no attempt here and is parked, as one is that overtook its answer; it is acknowledged then. This
asks the other cells about what has been parked for a while, again and again at growing distances, and what one of them
knows leaves. This cell is asked too: the text may have been on its way to it when the receipt came. One node of each
cell does this (`duty:strays`); asked twice, a cell knows it already.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Final

import msgspec

from whimbrel.base.clock import SECOND_US, Chance, Clock
from whimbrel.base.metrics import Metrics
from whimbrel.journey.looking import Looking
from whimbrel.store.interface import ReceiptRow, Store, Write

_log = logging.getLogger("whimbrel.strays")
_EVERY_S: Final = 0.5
_PAGE: Final = 500
_PATIENCE_S: Final = 5.0  # with one cell, so that one that hangs does not hold up what others know
_AFTER_US: Final = tuple(seconds * SECOND_US for seconds in (1, 10, 60, 600, 3600, 21600))
"""How old a receipt is when it is asked about; then it waits for its attempt here until it is purged."""
_PARKED: Final = "parked"
_NONE: Final = -1
_decode = msgspec.json.Decoder(ReceiptRow).decode

_Due = tuple[int, ReceiptRow]


class _Row(msgspec.Struct, frozen=True, gc=False):
    """Columns of `parked_page`."""

    position: int
    received_at: int
    receipt: str


class Strays(Looking):
    """Brings receipts to the cells that they are for. `others`: stores of the cells that can be reached, by name."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        chance: Chance,
        metrics: Metrics,
        others: Callable[[], Mapping[str, Store]],
    ) -> None:
        super().__init__(_EVERY_S, _log, "parked receipts could not be looked at", clock=clock, chance=chance)
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._others = others
        self._known: frozenset[str] = frozenset()
        self._asked = [_NONE] * len(_AFTER_US)  # by age: the position up to which was asked at that age

    async def look(self) -> int:
        """Ask about all whose time it is; how many have left."""
        others = self._others()
        if not self._known.issuperset(others):  # one of them was away while the others were asked
            self._asked = [_NONE] * len(_AFTER_US)
        self._known = frozenset(others)
        left = 0
        for turn in reversed(range(len(_AFTER_US))) if others else ():
            left += await self._take_turn(turn, others)
        return left

    async def _take_turn(self, turn: int, others: Mapping[str, Store]) -> int:
        """Ask about those that have come to an age; how many have left. They are not asked about again at the ages that
        are behind them."""
        before, left = self._clock.now_us() - _AFTER_US[turn], 0
        while True:
            page = await self._store.fetch(_Row, "parked_page", self._asked[turn], before, _PAGE)
            due = list(takewhile(lambda row: row.received_at <= before, page))
            if due:
                left += await self._ask(others, [(row.position, _decode(row.receipt)) for row in due])
                reached = due[-1].position
                self._asked[: turn + 1] = [max(reached, position) for position in self._asked[: turn + 1]]
            if len(due) < _PAGE:
                return left

    async def _ask(self, others: Mapping[str, Store], due: Sequence[_Due]) -> int:
        """One cell after the other, about what is left."""
        left = 0
        for name, other in (("", self._store), *others.items()):
            if not due:
                break
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    results = await other.record_known_receipts([receipt for _, receipt in due])
            except Exception as error:
                _log.warning("a cell could not be asked about receipts", extra={"cell": name, "error": str(error)})
                continue
            judged = list(zip(due, results, strict=True))
            known = [(receipt.carrier_id, result) for (_, receipt), result in judged if result != _PARKED]
            await self._release([position for (position, _), result in judged if result != _PARKED])
            due = [each for each, result in judged if result == _PARKED]
            for carrier_id, result in known:
                self._metrics.receipts.labels(carrier_id, "elsewhere" if name else result).inc()
            left += len(known)
        return left

    async def _release(self, positions: Sequence[int]) -> None:
        if positions:
            await self._store.write([Write("parked_delete", tuple((position,) for position in positions))])
