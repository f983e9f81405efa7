"""Clicks are counted many in one commit, and never in the way of texts: they wait in a queue with an end, a commit
takes so many and no more, and there is a rest after each. Whoever clicked has gone on by then. What does not fit, and
what a process takes with it that dies, is not counted.
"""

import asyncio
import logging
from collections import deque
from typing import Final

from whimbrel.base.limits import LINK_CLICKS_COMMIT, LINK_CLICKS_WAITING
from whimbrel.base.metrics import Metrics
from whimbrel.store.links import ClickRow, LinkRows

_REST_S: Final = 0.1
_TRIES: Final = 3
_log = logging.getLogger("whimbrel.links")


class Clicks:
    """The clicks of this process that are not counted yet."""

    def __init__(self, links: LinkRows, metrics: Metrics) -> None:
        self._links = links
        self._metrics = metrics
        self._waiting: deque[ClickRow] = deque()
        self._counting: asyncio.Task[None] | None = None

    def put(self, row: ClickRow) -> bool:
        """Count a click soon; False where too many wait."""
        if len(self._waiting) >= LINK_CLICKS_WAITING:
            self._metrics.link_clicks_lost.inc()
            return False
        self._waiting.append(row)
        if self._counting is None or self._counting.done():
            self._counting = asyncio.get_running_loop().create_task(self._count())
        return True

    async def drain(self) -> None:
        """Wait until all are counted."""
        if self._counting is not None:
            await self._counting

    async def _count(self) -> None:
        while self._waiting:
            rows = [self._waiting.popleft() for _ in range(min(len(self._waiting), LINK_CLICKS_COMMIT))]
            await self._written(rows)
            for row in rows:
                self._metrics.link_clicks.labels(row.click.kind).inc()
            await asyncio.sleep(_REST_S)

    async def _written(self, rows: list[ClickRow]) -> None:
        for _ in range(_TRIES):
            try:
                await self._links.clicked(rows)
            except Exception as error:
                _log.warning("clicks could not be counted", extra={"count": len(rows), "error": str(error)})
                await asyncio.sleep(_REST_S)
            else:
                return
        self._metrics.link_clicks_lost.inc(len(rows))
