"""What a reader makes of what can go wrong with its connection, or with a standby that it reads from."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
from store_samples import ACCOUNT, CREDIT, NOW, message, submit, top_up

from whimbrel.base.clock import ManualClock, SystemClock
from whimbrel.store.errors import StoreError
from whimbrel.store.interface import Search
from whimbrel.store.postgresql import reader as readers
from whimbrel.store.postgresql.connect import connect
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.postgresql.jobs import Jobs
from whimbrel.store.postgresql.reader import Reader
from whimbrel.store.postgresql.statements import postgresql
from whimbrel.store.script import Query, Rows, Script
from whimbrel.store.statements import Source
from whimbrel.store.store import SqlStore

STATEMENTS = {
    name: postgresql(name, Source(sql)) for name, sql in {"one": "SELECT 1", "sleep": "SELECT pg_sleep(5)"}.items()
}
NOBODY = "postgresql://whimbrel@127.0.0.1:1/none"


def ask(statement: str) -> Script[int]:
    rows: Rows = yield Query(statement)
    return len(rows)


@pytest.fixture
async def jobs() -> AsyncIterator[Jobs]:
    made = Jobs()
    yield made
    made.close()


@pytest.fixture
async def started(jobs: Jobs, empty_postgres: str) -> AsyncIterator[Callable[..., Any]]:
    """Starts a reader; `spoil` may put something around each connection."""
    made: list[Reader] = []

    async def start(spoil: Callable[[Any], Any] = lambda connection: connection) -> Reader:
        async def open_() -> Any:
            return spoil(await connect(empty_postgres, hot=True))

        made.append(Reader(jobs, open_, statements=STATEMENTS, types={}, clock=SystemClock()))
        await made[-1].start()
        return made[-1]

    yield start
    jobs.close()
    for reader in made:
        await reader.join()


async def test_reads_that_wait_for_a_server_that_is_gone_fail_together(
    jobs: Jobs, started: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not each after the patience of all before it."""
    monkeypatch.setattr(readers, "PATIENCE_S", 0.2)
    reader = await started()

    async def nobody() -> Any:
        raise OSError("connection refused")

    monkeypatch.setattr(reader, "_open", nobody)
    reader._drop()
    waiting = [jobs.submit(ask, ("one",), {}) for _ in range(100)]
    async with asyncio.timeout(30):
        for each in waiting:
            with pytest.raises(StoreError, match="cannot be reached"):
                await each


class Hinders:
    """A connection to a standby that breaks a query off, once, as it does for what the primary did meanwhile."""

    def __init__(self, connection: Any, times: list[str]) -> None:
        self._connection = connection
        self._times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, sql: str, *params: Any) -> Any:
        if self._times:
            raise asyncpg.SerializationError(self._times.pop())
        return await self._connection.fetch(sql, *params)


async def test_a_read_that_a_standby_breaks_off_is_repeated(jobs: Jobs, started: Callable[..., Any]) -> None:
    times = ["canceling statement due to conflict with recovery"]
    await started(lambda connection: Hinders(connection, times))
    assert await jobs.submit(ask, ("one",), {}) == 1
    assert times == []


async def test_a_read_that_takes_too_long_is_told_of_in_words(jobs: Jobs, started: Callable[..., Any]) -> None:
    reader = await started()
    await reader._runner.connection.execute("SET statement_timeout = '50ms'")
    with pytest.raises(StoreError, match="did not answer in time"):
        await jobs.submit(ask, ("sleep",), {})
    await reader._runner.connection.execute("RESET statement_timeout")
    assert await jobs.submit(ask, ("one",), {}) == 1


async def test_a_replica_that_is_away_keeps_no_node_from_its_work(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "PATIENCE_S", 0.1)
    store = SqlStore(PostgresExecutor(postgres, read_url=NOBODY, clock=SystemClock()))
    await store.start()
    try:
        await store.write(top_up(ACCOUNT, CREDIT))
        with pytest.raises(StoreError, match="cannot be reached"):
            await store.search(Search(ACCOUNT, False), 10)
    finally:
        await store.stop()


async def test_a_tag_is_found_beside_what_postgresql_takes_in_no_json(postgres: str) -> None:
    store = SqlStore(PostgresExecutor(postgres, clock=ManualClock(NOW)))
    await store.start()
    try:
        await store.write(top_up(ACCOUNT, CREDIT))
        nul = r'{"metadata":{"a":"x\u0000","b":"\\u0000"},"tags":["blue"]}'
        sent = message(options=nul)
        await submit(store, sent, message(options='{"tags":["red"]}'))
        assert [each.id for each in await store.search(Search(ACCOUNT, False, tag="blue"), 10)] == [sent.id]
    finally:
        await store.stop()
