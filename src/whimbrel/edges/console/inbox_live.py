"""The live parts of the inbox: the list and the thread that is open, as they are, whenever they are not what was sent
last. It looks when the event log has moved, and every few seconds, for that somebody has read is no event.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from whimbrel.edges.console.live import Pieces
from whimbrel.edges.console.request import Request

REST_S: Final = 0.4
_EVERY: Final = 5  # rests, after which it looks although the log stands still
_AFTERWARDS: Final = 3  # looks after the log stood still: conversations follow it within a second

Draw = Callable[[], Awaitable[Mapping[str, str]]]
"""The pieces as they are now, by name."""


async def pieces(request: Request, draw: Draw) -> Pieces:
    """Those that changed."""
    sent: Mapping[str, str] = {}
    position, still = -1, 0
    while True:
        now = await request.there.store.last_position()
        still = 0 if now != position else still + 1
        position = now
        if still <= _AFTERWARDS or still % _EVERY == 0:
            drawn = await draw()
            for name in [each for each, html in drawn.items() if sent.get(each) != html]:
                yield name, drawn[name]
            sent = drawn
        await asyncio.sleep(REST_S)
