"""A server that crashes while a commit is on its way: the number of its transaction may then be somebody else's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
from tests.pg import Server

from whimbrel.base.clock import SystemClock
from whimbrel.store.errors import CommitUnknown
from whimbrel.store.postgresql import writer as writers
from whimbrel.store.postgresql.connect import connect
from whimbrel.store.postgresql.statements import postgresql
from whimbrel.store.postgresql.writer import Writer
from whimbrel.store.script import Many, Script
from whimbrel.store.statements import Source

STATEMENTS = {"put": postgresql("put", Source("INSERT INTO things (id) VALUES ($1)"))}


def put(number: int) -> Script[int]:
    count: int = yield Many("put", [(number,)])
    return count


@pytest.fixture
def server() -> Any:
    """One that keeps what it has not committed off the disk for long, so that a crash loses it."""
    made = Server(durable=True, settings={"autovacuum": "off", "wal_writer_delay": "10s"})
    made.start()
    yield made
    made.remove()


class Crashes:
    """A connection whose server crashes at a commit, once. `then` is done when it is up again."""

    def __init__(self, connection: Any, server: Server, then: Callable[[str], Any], times: list[bool]) -> None:
        self._connection = connection
        self._server = server
        self._then = then
        self._times = times
        self._xid = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetchval(self, sql: str, *params: Any) -> Any:
        found = await self._connection.fetchval(sql, *params)
        self._xid = found if "pg_current_xact_id" in sql else self._xid
        return found

    async def execute(self, sql: str, *params: Any, **options: Any) -> Any:
        if sql != "COMMIT" or not self._times:
            return await self._connection.execute(sql, *params, **options)
        self._times.pop()
        await asyncio.to_thread(self._server.crash)
        await asyncio.to_thread(self._server.start)
        await self._then(self._xid)
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


@pytest.fixture
async def stored(server: Server) -> Callable[[], Any]:
    """The ids that are in the table."""

    async def ask() -> list[int]:
        connection = await asyncpg.connect(server.url)
        found = [row[0] for row in await connection.fetch("SELECT id FROM things ORDER BY id")]
        await connection.close()
        return found

    connection = await asyncpg.connect(server.url)
    await connection.execute("CREATE TABLE things (id bigint PRIMARY KEY)")
    await connection.execute("CHECKPOINT")
    await connection.close()
    return ask


@pytest.fixture
async def writer_that(
    server: Server, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., Any]]:
    monkeypatch.setattr(writers, "PATIENCE_S", 120.0)  # a server may take its time to start again
    made: list[Writer] = []

    async def start(then: Callable[[str], Any]) -> Writer:
        times = [True]

        async def open_() -> Any:
            return Crashes(await connect(server.url, hot=True), server, then, times)

        clock = SystemClock()
        made.append(Writer("test", open_, statements=STATEMENTS, types={}, on_commit=lambda _: None, clock=clock))
        await made[-1].start()
        return made[-1]

    yield start
    for writer in made:
        await writer.stop()


async def test_a_number_that_somebody_else_was_given_says_nothing(
    server: Server, stored: Any, writer_that: Callable[..., Any]
) -> None:
    async def another(xid: str) -> None:
        connection = await asyncpg.connect(server.url)
        await connection.execute("INSERT INTO things VALUES (7)")
        assert await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", xid) == "committed"
        await connection.close()

    writer = await writer_that(another)
    with pytest.raises(CommitUnknown, match="crashed"):
        await writer.jobs.submit(put, (1,), {})
    assert await stored() == [7]


async def test_what_a_crash_has_taken_is_stored_again(stored: Any, writer_that: Callable[..., Any]) -> None:
    async def nothing(xid: str) -> None:
        pass

    writer = await writer_that(nothing)
    assert await writer.jobs.submit(put, (1,), {}) == 1
    assert await stored() == [1]
