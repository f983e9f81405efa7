"""What a writer makes of everything that can go wrong with its connection: on a real server."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
from tests.pg import Server

from whimbrel.base.clock import SystemClock
from whimbrel.store import store as stores
from whimbrel.store.errors import CommitFailed, CommitUnknown, StoreError
from whimbrel.store.interface import Node
from whimbrel.store.postgresql import schema
from whimbrel.store.postgresql import writer as writers
from whimbrel.store.postgresql.connect import connect
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.postgresql.statements import postgresql
from whimbrel.store.postgresql.writer import Writer
from whimbrel.store.script import Many, Query, Rows, Script
from whimbrel.store.statements import Source
from whimbrel.store.store import SqlStore

STATEMENTS = {
    name: postgresql(name, Source(sql))
    for name, sql in {
        "put": "INSERT INTO things (id, note) VALUES ($1, $2)",
        "all": "SELECT id FROM things ORDER BY id",
        "lock": "UPDATE things SET note = 'locked' WHERE id = $1 RETURNING id",
        "sleep": "SELECT pg_sleep($1)",
        "hurry": "SELECT set_config('statement_timeout', '100ms', true)",
        "noted": "SELECT id FROM things WHERE note = ANY($1)",
        "pid": "SELECT pg_backend_pid()",
    }.items()
}


def put(*ids: int) -> Script[int]:
    count: int = yield Many("put", [(number, "x") for number in ids])
    return count


def put_slowly(number: int, seconds: float) -> Script[None]:
    yield Many("put", [(number, "slow")])
    yield Query("sleep", (seconds,))


def put_too_slowly(number: int) -> Script[None]:
    yield Many("put", [(number, "slow")])
    yield Query("hurry")
    yield Query("sleep", (5.0,))


def lock_in_turn(first: int, second: int) -> Script[None]:
    yield Query("lock", (first,))
    yield Query("sleep", (0.2,))
    yield Query("lock", (second,))


def noted(notes: list[str]) -> Script[int]:
    rows: Rows = yield Query("noted", (notes,))
    return len(rows)


def backend() -> Script[int]:
    rows: Rows = yield Query("pid")
    return int(rows[0][0])


class Rig:
    """Writers on one database, and a connection of our own to look."""

    def __init__(self, url: str, eye: Any) -> None:
        self.url = url
        self.eye = eye
        self.commits = 0
        self.troubles: list[str] = []
        self._started: list[Writer] = []

    async def writer(self, spoil: Callable[[Any], Any] = lambda connection: connection) -> Writer:
        """`spoil` may put something around each connection."""

        async def open_() -> Any:
            return spoil(await connect(self.url, hot=True))

        made = Writer(
            "test",
            open_,
            statements=STATEMENTS,
            types={},
            on_commit=self._committed,
            on_trouble=self.troubles.append,
            clock=SystemClock(),
        )
        await made.start()
        self._started.append(made)
        return made

    def _committed(self, scripts: int) -> None:
        self.commits += 1

    async def stored(self) -> list[int]:
        return [row[0] for row in await self.eye.fetch("SELECT id FROM things ORDER BY id")]

    async def stop(self) -> None:
        for writer in self._started:
            await writer.stop()


@pytest.fixture
async def rig(empty_postgres: str) -> AsyncIterator[Rig]:
    eye = await asyncpg.connect(empty_postgres)
    await eye.execute("CREATE TABLE things (id bigint PRIMARY KEY, note text)")
    made = Rig(empty_postgres, eye)
    try:
        yield made
    finally:
        await made.stop()
        await eye.close()


async def test_scripts_that_gather_are_one_commit(rig: Rig) -> None:
    writer = await rig.writer()
    first = writer.jobs.submit(put_slowly, (1, 0.1), {})
    await asyncio.sleep(0)
    others = [writer.jobs.submit(put, (number,), {}) for number in range(2, 30)]
    await asyncio.gather(first, *others)
    assert await rig.stored() == list(range(1, 30))
    assert rig.commits <= 2


async def test_a_script_that_fails_harms_no_other_and_leaves_nothing(rig: Rig) -> None:
    writer = await rig.writer()
    await writer.jobs.submit(put, (5,), {})
    jobs = [writer.jobs.submit(put, ids, {}) for ids in ((1,), (2, 3, 5), (4,))]
    good, bad, other = await asyncio.gather(*jobs, return_exceptions=True)
    assert (good, other) == (1, 1)
    assert isinstance(bad, asyncpg.UniqueViolationError)
    assert await rig.stored() == [1, 4, 5]


async def test_a_connection_that_went_while_nothing_was_under_way_is_made_anew(rig: Rig) -> None:
    writer = await rig.writer()
    pid = await writer.jobs.submit(backend, (), {})
    await rig.eye.execute("SELECT pg_terminate_backend($1)", pid)
    assert await writer.jobs.submit(put, (1, 2), {}) == 2
    assert await rig.stored() == [1, 2]


async def test_a_connection_that_is_lost_in_a_transaction_is_made_anew_and_the_group_runs_again(rig: Rig) -> None:
    writer = await rig.writer()
    pid = await writer.jobs.submit(backend, (), {})
    async with rig.eye.transaction():
        await rig.eye.execute("LOCK TABLE things IN SHARE MODE")
        held_up = writer.jobs.submit(put, (1,), {})
        asks = "SELECT 1 FROM pg_locks WHERE pid = $1 AND NOT granted"
        async with asyncio.timeout(30):
            while not await rig.eye.fetchval(asks, pid):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        await rig.eye.execute("SELECT pg_terminate_backend($1)", pid)
    assert await held_up == 1
    assert await rig.stored() == [1]


class LosesCommit:
    """A connection that is lost while it commits, once: before the server hears of it, or after it did it."""

    def __init__(self, connection: Any, lose: list[str]) -> None:
        self._connection = connection
        self._lose = lose

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, sql: str, *params: Any, **options: Any) -> Any:
        if sql != "COMMIT" or not self._lose:
            return await self._connection.execute(sql, *params, **options)
        if self._lose.pop() == "after":
            await self._connection.execute(sql)
        self._connection.terminate()
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_connection_that_is_lost_at_the_commit_stores_the_group_once(rig: Rig, when: str) -> None:
    lose: list[str] = []
    writer = await rig.writer(lambda connection: LosesCommit(connection, lose))
    lose.append(when)
    assert await writer.jobs.submit(put, (1, 2, 3), {}) == 3
    assert not lose
    assert await rig.stored() == [1, 2, 3]
    assert rig.troubles == ["connection_lost"]


async def test_after_a_promotion_nobody_can_say_what_became_of_a_commit(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose: list[str] = []
    writer = await rig.writer(lambda connection: LosesCommit(connection, lose))
    await writer.jobs.submit(put, (1,), {})

    async def another(connection: Any) -> tuple[str, str]:
        return "00000002", ""

    monkeypatch.setattr(writers, "history", another)
    lose.append("after")
    with pytest.raises(CommitUnknown):
        await writer.jobs.submit(put, (2,), {})
    assert rig.troubles == ["connection_lost", "commit_unknown"]
    assert await writer.jobs.submit(put, (3,), {}) == 1


@pytest.fixture
async def alone() -> AsyncIterator[Rig]:
    """A server whose commits can be made to wait for a standby that there is not."""
    server = Server()
    server.start()
    eye = await asyncpg.connect(server.url)
    try:
        await eye.execute("CREATE TABLE things (id bigint PRIMARY KEY, note text)")
        yield Rig(server.url, eye)
    finally:
        await eye.close()
        server.remove()


async def wait_for_a_standby(rig: Rig, name: str) -> None:
    """From now on commits wait for this standby; without a name for none. The checkpointer makes it so, some time after
    everybody can read it."""
    await rig.eye.execute("SET synchronous_commit = off")
    await rig.eye.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    await rig.eye.execute("SELECT pg_reload_conf()")
    await rig.eye.execute("CREATE TABLE IF NOT EXISTS probes (at timestamptz)")
    async with asyncio.timeout(30):
        while await commits(rig) == bool(name):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


async def commits(rig: Rig) -> bool:
    """Whether a commit ends, or waits for a standby."""
    connection = await asyncpg.connect(rig.url)
    asks = "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep'"
    commit = asyncio.ensure_future(connection.execute("INSERT INTO probes VALUES (now())"))
    try:
        while not commit.done():
            if await rig.eye.fetchval(asks, connection.get_server_pid()):
                return False
            await asyncio.sleep(0.01)
        return True
    finally:
        connection.terminate()
        await asyncio.gather(commit, return_exceptions=True)


async def stored_at_last(writer: Writer, number: int) -> None:
    """What is refused meanwhile is not stored, so it can be handed in again."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(CommitFailed):
                await writer.jobs.submit(put, (number,), {})
                return
            await asyncio.sleep(0.01)


async def test_a_commit_that_waits_for_a_standby_is_unknown_and_what_follows_refused(
    alone: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "PATIENCE_S", 0.3)
    writer = await alone.writer()
    await wait_for_a_standby(alone, "away")
    first = writer.jobs.submit(put, (1,), {})
    with pytest.raises(CommitUnknown, match="may or may not"):
        await first
    with pytest.raises(CommitFailed, match="nothing was stored"):
        await writer.jobs.submit(put, (2,), {})
    assert alone.troubles == ["commit_unknown"]
    monkeypatch.setattr(writers, "PATIENCE_S", 60.0)
    await wait_for_a_standby(alone, "")
    await stored_at_last(writer, 3)
    assert await alone.stored() == [1, 3], "it was the commit that hung, and it was left to its end"
    await alone.stop()


async def test_a_store_of_which_a_commit_hangs_does_not_answer_a_ping(
    alone: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a ping commits changes nothing, and would wait for no standby."""
    monkeypatch.setattr(stores, "HANGS_S", 0.2)
    monkeypatch.setattr(writers, "PATIENCE_S", 60.0)
    await schema.apply(alone.url, SystemClock())
    store = SqlStore(PostgresExecutor(alone.url))
    await store.start()
    await store.ping()
    await wait_for_a_standby(alone, "away")
    hanging = asyncio.ensure_future(store.join(Node("ND1", "one", "0.1.0", "api", 1, 2, False)))
    try:
        with pytest.raises(StoreError, match="has not ended"):
            async with asyncio.timeout(30):
                while True:
                    await store.ping()
                    await asyncio.sleep(0.01)
    finally:
        await wait_for_a_standby(alone, "")
    await hanging
    await store.ping()
    await store.stop()


async def test_a_server_that_hangs_and_is_replaced_is_given_up(alone: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "PATIENCE_S", 0.2)
    monkeypatch.setattr(writers, "LOOK_S", 0.05)
    writer = await alone.writer()
    await wait_for_a_standby(alone, "away")
    with pytest.raises(CommitUnknown):
        await writer.jobs.submit(put, (1,), {})
    monkeypatch.setattr(writers, "PATIENCE_S", 60.0)

    async def another(connection: Any) -> tuple[str, str]:
        return "00000002", ""

    monkeypatch.setattr(writers, "history", another)
    async with asyncio.timeout(30):
        while "connection_lost" not in alone.troubles:  # noqa: ASYNC110 - it is only counted
            await asyncio.sleep(0.01)
    await wait_for_a_standby(alone, "")
    await stored_at_last(writer, 2)
    await alone.stop()


async def test_what_waits_behind_a_server_that_is_gone_is_refused_with_it(
    alone: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = await alone.writer()
    gone = asyncio.Event()

    async def nobody() -> Any:
        gone.set()
        raise OSError("connection refused")

    pid = await writer.jobs.submit(backend, (), {})
    monkeypatch.setattr(writer, "_open", nobody)
    monkeypatch.setattr(writers, "PATIENCE_S", 0.3)
    await alone.eye.execute("SELECT pg_terminate_backend($1)", pid)
    first = writer.jobs.submit(put, (1,), {})
    await gone.wait()
    behind = writer.jobs.submit(put, (2,), {})
    for each in (first, behind):
        with pytest.raises(CommitFailed, match="cannot be reached"):
            await each
    await alone.stop()


async def test_a_dead_machine_is_noticed_by_its_silence(empty_postgres: str) -> None:
    connection = await connect(empty_postgres, hot=True)
    found = connection._transport.get_extra_info("socket")
    assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    seconds = [found.getsockopt(socket.IPPROTO_TCP, option) for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL)]
    assert sum(seconds) * found.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) < 20
    await connection.close()


async def test_a_deadlock_costs_time_and_nothing_else(rig: Rig) -> None:
    one, two = await rig.writer(), await rig.writer()
    await one.jobs.submit(put, (1, 2), {})
    await asyncio.gather(
        one.jobs.submit(lock_in_turn, (1, 2), {}),
        two.jobs.submit(lock_in_turn, (2, 1), {}),
    )


async def test_who_finds_a_table_locked_is_not_at_fault(rig: Rig) -> None:
    """As while somebody makes an index on it. An answer of a carrier that the store refuses for good is given up; this
    one has to be handed in again."""
    writer = await rig.writer(lambda connection: Set(connection, "lock_timeout", "100ms"))
    async with rig.eye.transaction():
        await rig.eye.execute("LOCK TABLE things IN SHARE MODE")
        group = [writer.jobs.submit(put, (number,), {}) for number in range(5)]
        for each in group:
            with pytest.raises(CommitFailed, match=r"nothing was stored: .*lock timeout"):
                await each
    assert await writer.jobs.submit(put, (1,), {}) == 1
    assert await rig.stored() == [1]


async def test_a_script_that_takes_too_long_is_not_at_fault_and_stops_no_other(rig: Rig) -> None:
    writer = await rig.writer()
    slow, quick = writer.jobs.submit(put_too_slowly, (1,), {}), writer.jobs.submit(put, (2,), {})
    with pytest.raises(CommitFailed, match=r"nothing was stored: .*statement timeout"):
        await slow
    await quick
    assert await rig.stored() == [2]


async def test_a_list_of_texts_with_nul_is_looked_for_without(rig: Rig) -> None:
    """A carrier that writes its ids so would bring the same receipt again for ever."""
    writer = await rig.writer()
    await writer.jobs.submit(put, (1,), {})
    assert await writer.jobs.submit(noted, (["x", "y\0"],), {}) == 1


class Set:
    """A connection with a setting of its own in each transaction."""

    def __init__(self, connection: Any, name: str, value: str) -> None:
        self._connection = connection
        self._setting = f"SET LOCAL {name} = '{value}'"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, sql: str, *params: Any, **options: Any) -> Any:
        return await self._connection.execute(f"BEGIN; {self._setting}" if sql == "BEGIN" else sql, *params, **options)


async def test_what_is_written_while_the_server_restarts_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "PATIENCE_S", 120.0)
    server = Server()
    server.start()
    try:
        eye = await asyncpg.connect(server.url)
        await eye.execute("CREATE TABLE things (id bigint PRIMARY KEY, note text)")
        await eye.close()
        rig = Rig(server.url, None)
        writer = await rig.writer()
        await writer.jobs.submit(put, (1,), {})
        await asyncio.to_thread(server.crash)
        waiting = writer.jobs.submit(put, (2,), {})
        await asyncio.to_thread(server.start)
        assert await waiting == 1
        await rig.stop()
    finally:
        server.remove()
