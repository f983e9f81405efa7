"""Whether a connection is one of ours as long as it lives. A pooler that hands out servers by the transaction gives us
another one each time: locks of a session, LISTEN and settings would be somebody else's, and nothing would say so.

A connection whose server is the process that the handshake named goes to PostgreSQL itself. Otherwise something stands
between, which is no harm by itself: two connections then look whether each has a server of its own, and keeps it while
the other one holds a transaction open.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from whimbrel.store.errors import StoreError

_OWN = "SELECT pg_backend_pid()"
_TURNS = 3
_CLOSE_S = 5.0


async def check_own_server(open_: Callable[[], Awaitable[Any]], pooled: str) -> None:
    """StoreError(pooled) when connections share servers."""
    first = await open_()
    try:
        if await server_of(first) == first.get_server_pid():
            return
        second = await open_()
        try:
            if await _share(first, second):
                raise StoreError(pooled)
        finally:
            await second.close(timeout=_CLOSE_S)
    finally:
        await first.close(timeout=_CLOSE_S)


async def server_of(connection: Any) -> int:
    """The process that serves a connection now. In a transaction, because question and answer are two steps, between
    which a pooler may change the server."""
    async with connection.transaction():
        return int(await connection.fetchval(_OWN))


async def _share(one: Any, other: Any) -> bool:
    """Poolers give out the server that came back last, or each in turn; either is seen here."""
    of_one, of_other = {await server_of(one)}, {await server_of(other)}
    for holds, asks, seen in ((one, other, of_other), (other, one, of_one)) * _TURNS:
        seen.add(await server_of(asks))
        async with holds.transaction():
            await holds.execute(_OWN)
            seen.add(await server_of(asks))
    return len(of_one) > 1 or len(of_other) > 1 or bool(of_one & of_other)
