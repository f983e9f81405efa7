"""Readers: they never write, do not wait for the writer, and a long read does not hold up a short one."""

import asyncio
import threading
from collections.abc import AsyncIterator

import apsw
import pytest
from store_samples import NOW, claim, lane, message, submit

from whimbrel.store.errors import StoreStopped
from whimbrel.store.script import One, Script
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore


@pytest.fixture
def of_dialect(database: str) -> SqliteExecutor:
    """`store` is this file only."""
    return SqliteExecutor(database)


def hold(entered: threading.Event, gate: threading.Event) -> Script[str]:
    entered.set()
    assert gate.wait(60)
    yield from ()
    return "done"


def nothing() -> Script[str]:
    yield from ()
    return "here"


def write() -> Script[int]:
    changed: int = yield One("deadline_set", ("SM1", NOW))
    return changed


@pytest.fixture
async def executor(database: str) -> AsyncIterator[SqliteExecutor]:
    made = SqliteExecutor(database, readers=2)
    await made.start()
    yield made
    await made.stop()


async def held(executor: SqliteExecutor, run) -> tuple[asyncio.Future[str], threading.Event]:
    """A script that keeps its thread busy until the event is set."""
    entered, gate = threading.Event(), threading.Event()
    future = run(hold, entered, gate)
    assert await asyncio.to_thread(entered.wait, 60)
    return future, gate


async def test_a_long_read_does_not_hold_up_short_ones(executor: SqliteExecutor):
    long, gate = await held(executor, executor.read)
    assert await asyncio.gather(*(executor.read(nothing) for _ in range(20))) == ["here"] * 20
    assert not long.done()
    gate.set()
    assert await long == "done"


async def test_reads_do_not_wait_for_the_writer(executor: SqliteExecutor):
    writing, gate = await held(executor, executor.write)
    assert await executor.read(nothing) == "here"
    assert not writing.done()
    gate.set()
    assert await writing == "done"


async def test_a_reader_cannot_write(executor: SqliteExecutor):
    with pytest.raises(apsw.ReadOnlyError):
        await executor.read(write)
    assert await executor.read(nothing) == "here"
    assert await executor.write(write) == 1


async def test_a_read_sees_what_was_acknowledged_before_it(store: SqlStore):
    for count in range(1, 30):
        sent = message()
        await submit(store, sent)
        assert len(await lane(store)) == count
    await claim(store, sent)
    assert sent.id not in await lane(store)


async def test_nothing_is_read_after_the_stop(database: str):
    made = SqliteExecutor(database)
    await made.start()
    await made.stop()
    for run in (made.read, made.write):
        with pytest.raises(StoreStopped):
            await run(nothing)
