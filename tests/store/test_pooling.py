"""Connections that share servers are told apart from others, in whichever order a pooler gives servers out."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from whimbrel.store.errors import StoreError
from whimbrel.store.postgresql.connect import connect
from whimbrel.store.postgresql.pooling import check_own_server


class Pooler:
    """Servers by their process ids, given out by the transaction or by the session."""

    def __init__(self, mode: str, servers: int) -> None:
        self.mode = mode
        self.idle = deque(range(100, 100 + servers))
        self.made = 0

    async def connect(self) -> "Pooled":
        self.made += 1
        return Pooled(self)

    def take(self) -> int:
        return self.idle.popleft() if self.mode == "each in turn" else self.idle.pop()

    def give(self, server: int) -> None:
        self.idle.append(server)


class Pooled:
    """A connection to the pooler, which names processes of its own."""

    def __init__(self, pooler: Pooler) -> None:
        self._pooler = pooler
        self._kept = pooler.take() if pooler.mode == "session" else None
        self._server: int | None = None

    def get_server_pid(self) -> int:
        return 7

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        self._server = self._pooler.take() if self._kept is None else self._kept
        yield
        if self._kept is None:
            self._pooler.give(self._server)

    async def execute(self, _: str) -> None:
        assert self._server is not None

    async def fetchval(self, _: str) -> int | None:
        return self._server

    async def close(self, **_: float) -> None:
        pass


@pytest.mark.parametrize("servers", [2, 3, 5, 8])
@pytest.mark.parametrize("mode", ["the last one back", "each in turn"])
async def test_a_pooler_by_the_transaction_is_refused(mode: str, servers: int) -> None:
    with pytest.raises(StoreError, match="in words"):
        await check_own_server(Pooler(mode, servers).connect, "in words")


async def test_a_pooler_by_the_session_is_not() -> None:
    pooler = Pooler("session", 2)
    await check_own_server(pooler.connect, "in words")
    assert pooler.made == 2


async def test_postgresql_itself_is_asked_once(postgres: str) -> None:
    made: list[Any] = []

    async def counted() -> Any:
        made.append(await partial(connect, postgres, hot=False)())
        return made[-1]

    await check_own_server(counted, "in words")
    assert len(made) == 1
    assert made[0].is_closed()
