"""The end of a server that a test started."""

import asyncio
import contextlib
from collections.abc import Iterable

_PATIENCE_S = 10.0
_TURN_S = 0.005


async def ended(server: asyncio.Server, transports: Iterable[asyncio.Transport] = ()) -> None:
    """It listens no more, and its connections are gone: `transports` are aborted, and others, such as those that are
    still shaking hands (which no protocol of ours knows), end when they hear that their client has. What is left
    behind warns in some later test."""
    server.close()
    for transport in transports:
        transport.abort()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            while getattr(server, "_active_count", 0):  # noqa: ASYNC110 - `wait_closed` waits for them from 3.12 on
                await asyncio.sleep(_TURN_S)
            await server.wait_closed()
