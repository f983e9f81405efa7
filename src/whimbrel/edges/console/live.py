"""The live parts of a page: one stream of server-sent events a page, each a piece of HTML under the name by which the
page waits for it (`sse-swap`).

A stream ends after a while, and the browser asks for another at once: so whoever is signed out meanwhile, or may do
less than before, sees no more. A new one begins with what is there now, so nothing is missed in between. Whoever makes
pieces gathers first: a few a second, however much happens.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from typing import Final

from starlette.responses import Response

from whimbrel.base import limits
from whimbrel.edges.shared import sse
from whimbrel.edges.shared.asgi import Receive, Scope, Send

LONGEST_S: Final = 300.0
REST_S: Final = 0.3  # between two looks at what changed
Pieces = AsyncGenerator[tuple[str, str], None]
_SAID_BY_STREAM: Final = frozenset({b"content-type", b"content-length", b"cache-control"})


class Live(Response):
    """The answer that goes on until the browser leaves, `pieces` end, or it has lasted for `LONGEST_S`."""

    def __init__(self, pieces: Pieces) -> None:
        super().__init__()
        self._pieces = pieces
        self._held = ExitStack()

    def take_place(self, streams: sse.Streams, whose: str) -> None:
        """Count it among the open ones of whoever looks. WhimbrelError too_many_streams."""
        self._held.enter_context(streams.place(whose))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await self._stream(receive, send)

    async def _stream(self, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in self.raw_headers if name not in _SAID_BY_STREAM]
        pieces = _encoded(self._pieces, asyncio.get_running_loop().time() + LONGEST_S)
        await sse.stream(pieces, headers, receive, send, ping_s=limits.SSE_PING_S, frame=sse.piece_frame)


async def _encoded(pieces: Pieces, until: float) -> sse.Pieces:
    async with aclosing(pieces):
        async for name, html in pieces:
            if asyncio.get_running_loop().time() > until:
                return
            yield name, html.encode()
