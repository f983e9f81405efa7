"""The live parts of a page: one stream of server-sent events a page, each a piece of HTML under the name by which the
page waits for it (`sse-swap`).

A stream ends soon after whoever looks is signed out, or may do less than before or sees another account, and after a
while in any case; the browser asks for another at once. A new one begins with what is there now, so nothing is missed
in between. Whoever makes pieces gathers first: a few a second, however much happens.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, aclosing
from typing import Final

from starlette.responses import Response

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.shared import sse
from whimbrel.edges.shared.asgi import Receive, Scope, Send

LONGEST_S: Final = 300.0
REST_S: Final = 0.3  # between two looks at what changed
_LOOK_S: Final = 1.0  # between two looks at whether the stream may go on
Pieces = AsyncGenerator[tuple[str, str], None]
_SAID_BY_STREAM: Final = frozenset({b"content-type", b"content-length", b"cache-control"})


class Live(Response):
    """The answer that goes on until the browser leaves, `pieces` end, or it has lasted for `LONGEST_S`."""

    def __init__(self, pieces: Pieces) -> None:
        super().__init__()
        self._pieces = pieces
        self._held = ExitStack()
        self._holds: Callable[[], Awaitable[bool]] = _always

    def last_while(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """End it within two seconds after `holds` says no, or cannot say."""
        self._holds = holds

    def take_place(self, streams: sse.Streams, whose: str) -> None:
        """Count it among the open ones of whoever looks. WhimbrelError too_many_streams."""
        self._held.enter_context(streams.place(whose))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await self._stream(receive, send)

    async def _stream(self, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in self.raw_headers if name not in _SAID_BY_STREAM]
        pieces = _encoded(self._pieces, asyncio.get_running_loop().time() + LONGEST_S)
        watch = asyncio.create_task(self._until_over())

        def still() -> None:
            if watch.done():
                raise WhimbrelError("unauthorized")

        try:
            await sse.stream(
                pieces, headers, receive, send, ping_s=limits.SSE_PING_S, frame=sse.piece_frame, still=still
            )
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _until_over(self) -> None:
        while await self._holds():  # noqa: ASYNC110 - another node may end it: only the database knows
            await asyncio.sleep(_LOOK_S)


async def _always() -> bool:
    return True


async def _encoded(pieces: Pieces, until: float) -> sse.Pieces:
    async with aclosing(pieces):
        async for name, html in pieces:
            if asyncio.get_running_loop().time() > until:
                return
            yield name, html.encode()
