"""Strays: receipts that a carrier brought to a bind of this cell, and that are about another cell's text. All cells
bind with the same credentials, and a carrier sends receipts over whichever bind it likes; an account may also have
moved since its text was sent.

Such a receipt finds no attempt here and is parked, as one is that overtook its answer; it is acknowledged then. This
asks the other cells about what has been parked for a while, again and again at growing distances, and what one of them
knows leaves. One node of each cell does this (`duty:strays`); asked twice, the other cell knows it already.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.base.metrics import Metrics
from whimbrel.store.interface import ReceiptRow, Store, Write

_log = logging.getLogger("whimbrel.strays")
_EVERY_S: Final = 0.5
_PAGE: Final = 500
_AFTER_US: Final = tuple(seconds * SECOND_US for seconds in (1, 10, 60, 600, 3600, 21600))
"""How old a receipt is when it is asked about; then it waits for its attempt here until it is purged."""
_PARKED: Final = "parked"
_decode = msgspec.json.Decoder(ReceiptRow).decode

_Due = tuple[int, ReceiptRow]


class _Row(msgspec.Struct, frozen=True, gc=False):
    """Columns of `parked_page`."""

    position: int
    receipt: str


class Strays:
    """Brings receipts to the cells that they are for. `others`: stores of the cells that can be reached, by name."""

    def __init__(
        self, *, store: Store, clock: Clock, metrics: Metrics, others: Callable[[], Mapping[str, Store]]
    ) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._others = others
        self._asked: dict[int, int] = {}  # how often, by position
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._asked = {}
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End; what is parked stays."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                _log.exception("parked receipts could not be looked at; trying again")
            await asyncio.sleep(_EVERY_S)

    async def look(self) -> int:
        """Ask about all whose time it is; how many have left."""
        others = self._others()
        now = self._clock.now_us()
        position, left = -1, 0
        asked: dict[int, int] = {}
        while others:
            page = await self._store.fetch(_Row, "parked_page", position, now - _AFTER_US[0], _PAGE)
            if not page:
                break
            position = page[-1].position
            due = self._due(page, now)
            asked |= {row.position: self._asked.get(row.position, 0) for row in page}
            asked |= {place: asked[place] + 1 for place, _ in due}
            left += await self._ask(others, due)
        self._asked = asked
        return left

    def _due(self, page: Sequence[_Row], now: int) -> list[_Due]:
        found = []
        for row in page:
            turn = self._asked.get(row.position, 0)
            receipt = _decode(row.receipt)
            if turn < len(_AFTER_US) and receipt.at + _AFTER_US[turn] <= now:
                found.append((row.position, receipt))
        return found

    async def _ask(self, others: Mapping[str, Store], due: Sequence[_Due]) -> int:
        """One cell after the other, about what is left."""
        left = 0
        for name, other in others.items():
            if not due:
                break
            try:
                results = await other.record_known_receipts([receipt for _, receipt in due])
            except Exception as error:
                _log.warning("a cell could not be asked about receipts", extra={"cell": name, "error": str(error)})
                continue
            judged = list(zip(due, results, strict=True))
            known = [each for each, result in judged if result != _PARKED]
            due = [each for each, result in judged if result == _PARKED]
            await self._release(known)
            left += len(known)
        return left

    async def _release(self, known: Sequence[_Due]) -> None:
        if known:
            await self._store.write([Write("parked_delete", tuple((position,) for position, _ in known))])
        for _, receipt in known:
            self._metrics.receipts.labels(receipt.carrier_id, "elsewhere").inc()
