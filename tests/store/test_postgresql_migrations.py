"""Migrations of PostgreSQL: once, whole or not at all, and without a stall for those who use the database meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest

from whimbrel.base.clock import ManualClock
from whimbrel.store.errors import SchemaError, StoreError
from whimbrel.store.migrations import Migration, load, parse
from whimbrel.store.postgresql import schema
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.store import SqlStore

NOW = 1_800_000_000_000_000
TABLE = parse(1, "table", "CREATE TABLE things (id bigint PRIMARY KEY, size bigint NOT NULL)")
WIDER = parse(2, "wider", "-- expand\nALTER TABLE things ADD COLUMN note text")
INDEX = parse(
    3,
    "index",
    "-- expand\n-- optional\n-- concurrently\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON things (size)",
)


@pytest.fixture
async def connection(empty_postgres: str) -> AsyncIterator[Any]:
    opened = await asyncpg.connect(empty_postgres)
    yield opened
    await opened.close()


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> list[Migration]:
    """The migrations of the version under test; the first two unless a test says otherwise."""
    listed = [TABLE, WIDER]
    monkeypatch.setattr(schema, "load", lambda _dialect: tuple(listed))
    monkeypatch.setattr(schema, "LOCK_WAIT_MS", 50)
    monkeypatch.setattr(schema, "LOCK_TRIES", 10_000)
    monkeypatch.setattr(schema, "_REST_S", 0.02)
    return listed


def numbers(migrations: Sequence[Any]) -> list[int]:
    return [each.number for each in migrations]


async def test_a_new_database_gets_the_whole_schema_and_the_next_run_has_nothing_to_do(empty_postgres: str):
    assert not (await schema.status(empty_postgres)).applied
    with pytest.raises(SchemaError, match="whimbrel migrate apply"):
        await SqlStore(PostgresExecutor(empty_postgres)).start()
    assert await schema.apply(empty_postgres, ManualClock(NOW)) == load("postgresql")
    found = await schema.status(empty_postgres)
    assert found.current
    assert {row.applied_at for row in found.applied} == {NOW}
    assert await schema.apply(empty_postgres, ManualClock(NOW)) == ()


async def test_two_that_migrate_at_once_do_it_once(empty_postgres: str, ours: list[Migration]):
    told: list[str] = []
    both_wait = asyncio.Event()

    def hear(words: str) -> None:
        told.append(words)
        if len(told) == 2:
            both_wait.set()

    async with schema.opened(empty_postgres) as third, schema.alone(third, schema.ignore):
        both = [asyncio.create_task(schema.apply(empty_postgres, ManualClock(NOW), hear)) for _ in range(2)]
        await asyncio.wait_for(both_wait.wait(), 60)
    assert sorted(map(numbers, await asyncio.gather(*both))) == [[], [1, 2]]
    assert told == ["another process changes this database: waiting for it"] * 2


async def test_a_migration_may_take_as_long_as_it_takes(empty_postgres: str):
    """An index on a large table takes minutes: neither the server nor we give it up."""
    async with schema.opened(empty_postgres) as connection:
        assert await connection.fetchval("SHOW statement_timeout") == "0"
        assert connection._config.command_timeout is None


async def test_a_failing_migration_leaves_nothing_behind(empty_postgres: str, connection: Any, ours: list[Migration]):
    ours[1] = parse(2, "broken", "CREATE TABLE other (x bigint); CREATE TABLE other (x bigint)")
    with pytest.raises(SchemaError, match=r"0002_broken.*already exists"):
        await schema.apply(empty_postgres, ManualClock(NOW))
    assert numbers((await schema.status(empty_postgres)).applied) == [1]
    assert await connection.fetchval("SELECT to_regclass('other')") is None


async def test_what_waits_for_a_lock_lets_others_through_and_tries_again(
    empty_postgres: str, connection: Any, ours: list[Migration]
):
    del ours[1]
    await schema.apply(empty_postgres, ManualClock(NOW))
    ours.append(WIDER)
    reader = await asyncpg.connect(empty_postgres)
    told: list[str] = []
    heard = asyncio.Event()

    def hear(words: str) -> None:
        told.append(words)
        heard.set()

    try:
        await reader.execute("BEGIN; SELECT * FROM things")
        applying = asyncio.create_task(schema.apply(empty_postgres, ManualClock(NOW), hear))
        await asyncio.wait_for(heard.wait(), 60)
        for number in range(20):  # they queue up behind the waiting ALTER TABLE, and get through each time it gives up
            await connection.execute("INSERT INTO things VALUES ($1, $1)", number, timeout=20)
        assert not applying.done()
        await reader.execute("COMMIT")
        assert numbers(await asyncio.wait_for(applying, 60)) == [2]
    finally:
        await reader.close()
    assert "0002_wider waits for locks that may be held by" in told[0]
    assert str(reader.get_server_pid() if not reader.is_closed() else "pid") in told[0]


async def test_tables_that_are_never_free_end_in_an_error(
    empty_postgres: str, connection: Any, ours: list[Migration], monkeypatch: pytest.MonkeyPatch
):
    del ours[1]
    await schema.apply(empty_postgres, ManualClock(NOW))
    ours.append(WIDER)
    monkeypatch.setattr(schema, "LOCK_TRIES", 2)
    await connection.execute("BEGIN; SELECT * FROM things")
    with pytest.raises(SchemaError, match="0002_wider found no moment"):
        await schema.apply(empty_postgres, ManualClock(NOW))
    await connection.execute("COMMIT")
    assert numbers((await schema.status(empty_postgres)).pending) == [2]


async def test_an_index_is_made_outside_of_a_transaction_also_after_one_that_failed(
    empty_postgres: str, connection: Any, ours: list[Migration]
):
    await schema.apply(empty_postgres, ManualClock(NOW))
    ours.append(INDEX)
    await connection.execute("INSERT INTO things VALUES (1, 7), (2, 7)")
    with pytest.raises(SchemaError, match="0003_index"):
        await schema.apply(empty_postgres, ManualClock(NOW))
    assert await connection.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") is False
    await connection.execute("DELETE FROM things WHERE id = 2")
    assert numbers(await schema.apply(empty_postgres, ManualClock(NOW))) == [3]
    assert await connection.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") is True


async def test_what_a_migration_says_of_older_code_is_read_by_that_code(empty_postgres: str, ours: list[Migration]):
    await schema.apply(empty_postgres, ManualClock(NOW))
    del ours[1]
    await schema.check_usable(empty_postgres)
    ours[:] = [TABLE, WIDER, parse(3, "narrow", "-- contract\nALTER TABLE things DROP COLUMN note")]
    await schema.apply(empty_postgres, ManualClock(NOW))
    del ours[2]
    with pytest.raises(SchemaError, match=r"0003_narrow.*newer version"):
        await schema.check_usable(empty_postgres)


async def test_nodes_that_use_a_database_are_named(postgres: str):
    connection = await asyncpg.connect(postgres)
    for name, seconds in (("tern", 60), ("gone", -60)):
        await connection.execute(
            "INSERT INTO nodes (id, name, version, started_at, alive_until, draining, roles) VALUES "
            "($1, $1, '1.2', 0, (extract(epoch FROM clock_timestamp()) + $2) * 1000000, 0, '')",
            name,
            seconds,
        )
    await connection.close()
    assert await schema.running(postgres) == ["tern (1.2)"]


async def test_a_server_that_is_not_there_is_named_without_the_password():
    with pytest.raises(StoreError, match=r"postgresql://us:\*\*\*@127.0.0.1:1/x cannot be reached"):
        await schema.status("postgresql://us:secret@127.0.0.1:1/x")


async def test_a_node_that_runs_notices_a_schema_that_it_does_not_run_on(postgres: str):
    store = SqlStore(PostgresExecutor(postgres))
    await store.start()
    try:
        await store.ping()
        connection = await asyncpg.connect(postgres)
        await connection.execute("INSERT INTO schema_migrations VALUES (900, 'wider', 'x', 0, 0)")
        await store.ping()
        await connection.execute("INSERT INTO schema_migrations VALUES (901, 'narrower', 'x', 0, 901)")
        await connection.close()
        with pytest.raises(SchemaError, match="0901_narrower, which this version does not know"):
            await store.ping()
    finally:
        await store.stop()


async def test_who_may_not_make_tables_is_told(empty_postgres: str, connection: Any):
    role = f"stranger_{connection.get_server_pid()}"
    await connection.execute(f"CREATE ROLE {role}")
    try:
        with pytest.raises(StoreError, match="permission denied for schema public"):
            await schema.apply(f"{empty_postgres}?role={role}", ManualClock(NOW))
    finally:
        await connection.execute(f"DROP ROLE {role}")


async def test_what_went_wrong_is_told_also_when_the_connection_cannot_roll_back(empty_postgres: str):
    connection = await asyncpg.connect(empty_postgres)
    with pytest.raises(StoreError, match="the disk is full"):
        async with schema.alone(connection, schema.ignore):
            busy = asyncio.ensure_future(connection.execute("SELECT pg_sleep(30)"))
            await asyncio.sleep(0)  # now it is under way, and no other statement can be
            raise StoreError("the disk is full")
    connection.terminate()
    assert isinstance((await asyncio.gather(busy, return_exceptions=True))[0], asyncpg.PostgresConnectionError)
