"""The live tail of the list of messages. It asks for the newest messages, under the page's own filters, when the event
log has moved, and at most four times a second: so it costs the same at one message a second and at thousands, and what
it shows is what the list shows.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from whimbrel.edges.console.finding import Filters
from whimbrel.edges.console.live import Pieces
from whimbrel.edges.console.request import Request

REST_S: Final = 0.25
ROWS: Final = 20
"""Of one frame; how many more there were is told."""
_READ: Final = 200
_AFTERWARDS: Final = 12  # looks after the log stood still: the look-up by number follows it within two seconds


class Tail:
    """One browser's. `after`: the newest message that its page shows."""

    def __init__(self, request: Request, filters: Filters, values: dict[str, Any], after: str) -> None:
        self._request = request
        self._filters = filters
        self._values = values
        self._after = after
        self._seen: dict[str, str] = {}  # of those read last: when each was changed
        self._position = -1
        self._looks = _AFTERWARDS

    async def pieces(self) -> Pieces:
        """Rows of messages that are new or have changed, newest first."""
        await self._begin()
        while True:
            await asyncio.sleep(REST_S)
            if not await self._is_time():
                continue
            page = await self._read()
            changed = [row for row in page if self._seen.get(row.id) != row.updated_at]
            new = [row for row in changed if row.id not in self._seen and row.id > self._after]
            known = [row for row in changed if row.id in self._seen or row.id <= self._after]
            frame = [*new[:ROWS], *known[: max(0, ROWS - len(new))]]
            left = {row.id for row in known} - {row.id for row in frame}
            self._seen = {row.id: self._seen.get(row.id, "") if row.id in left else row.updated_at for row in page}
            if frame:
                yield "rows", self._rendered(frame, len(new) - len(new[:ROWS]), is_whole=len(page) < _READ)

    async def _begin(self) -> None:
        """What the page shows is not told again, unless it has changed since."""
        if not self._after:
            self._after = "0"
            return
        self._seen = {row.id: row.updated_at for row in await self._read() if row.id <= self._after}

    async def _is_time(self) -> bool:
        position = await self._request.there.store.last_position()
        self._looks = _AFTERWARDS if position != self._position else self._looks - 1
        self._position = position
        return self._looks > 0

    async def _read(self) -> Sequence[Any]:
        found = await self._request.api("listMessages", query=self._filters.query(limit=str(_READ)))
        rows: Sequence[Any] = found.data
        return rows

    def _rendered(self, rows: Sequence[Any], more: int, *, is_whole: bool) -> str:
        page = self._request.page("messages/tail.html", rows=rows, more=more, is_whole=is_whole, **self._values)
        return bytes(page.body).decode()
