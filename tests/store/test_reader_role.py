"""Row-level security: whoever reads by the role of lists sees one account's rows, whatever the statement says."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from store_samples import ACCOUNT, CREDIT, INDEXED, NOW, OTHER_ACCOUNT, claim, events, message, submit, top_up

from whimbrel.base.clock import ManualClock
from whimbrel.domain.model import Message
from whimbrel.store.errors import SchemaError
from whimbrel.store.interface import Search
from whimbrel.store.postgresql import schema
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.store import SqlStore

READER = "whimbrel_reader"
EVERYTHING = """SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attname = 'account_id' AND n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"""

INSTALLATION = {"arrivals", "moves", "parcels", "users"}
"""Of accounts, and nothing that a list of an account's would show: moves between cells, and people's passwords."""


@pytest.fixture
async def reader(third: SqlStore, postgres: str) -> AsyncIterator[Any]:
    """A session that may do what the role may."""
    connection = await asyncpg.connect(postgres)
    await connection.execute(f"SET ROLE {READER}")
    yield connection
    await connection.close()


async def rows_of(third: SqlStore, account: str) -> Message:
    sent = message(account_id=account)
    await submit(third, sent)
    await claim(third, sent)
    await third.write([INDEXED])
    return sent


async def seen(reader: Any, table: str, column: str = "account_id") -> set[str]:
    return {row[0] for row in await reader.fetch(f"SELECT {column} FROM {table}")}


async def test_a_session_sees_the_rows_of_its_account_only(third: SqlStore, reader: Any) -> None:
    mine = await rows_of(third, ACCOUNT)
    await rows_of(third, OTHER_ACCOUNT)
    await reader.execute("SELECT set_config('whimbrel.account', $1, false)", ACCOUNT)
    for table in ("messages", "attempts", "events", "ledger", "balances"):
        assert await seen(reader, table) == {ACCOUNT}, table
    assert await seen(reader, "message_numbers", "message_id") == {mine.id}


async def test_without_an_account_there_is_nothing(third: SqlStore, reader: Any) -> None:
    await rows_of(third, ACCOUNT)
    for table in ("messages", "attempts", "events", "ledger", "balances", "message_numbers", "keys", "accounts"):
        assert await reader.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_every_table_of_accounts_is_guarded(reader: Any) -> None:
    tables = {row[0] for row in await reader.fetch(EVERYTHING)}
    guarded = {row[0] for row in await reader.fetch("SELECT relname FROM pg_class WHERE relrowsecurity")}
    conditions = "SELECT tablename, qual FROM pg_policies WHERE policyname = 'of_account'"
    policies = {row[0]: row[1] for row in await reader.fetch(conditions)}
    assert tables - guarded == set(), "their migration has to enable row-level security"
    assert {table for table in tables if "whimbrel.account" not in policies.get(table, "")} == set()
    assert {"accounts", "message_numbers", "smpp_owed"} <= guarded & policies.keys()


async def test_every_table_of_accounts_may_be_read_but_those_that_are_the_installations(reader: Any) -> None:
    tables = {row[0] for row in await reader.fetch(EVERYTHING)}
    granted = "SELECT has_table_privilege($1, 'SELECT')"
    assert {table for table in tables if not await reader.fetchval(granted, table)} == INSTALLATION


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM messages",
        "UPDATE balances SET available = 10",
        "INSERT INTO cursors VALUES ('x', 1)",
        "SELECT * FROM queue",
        "SELECT * FROM nodes",
        "SELECT * FROM carriers",
    ],
)
async def test_it_writes_nothing_and_sees_nothing_of_the_installation(reader: Any, sql: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute(sql)


async def test_partitions_are_no_way_around(third: SqlStore, reader: Any, postgres: str) -> None:
    await rows_of(third, OTHER_ACCOUNT)
    name = await reader.fetchval("SELECT relname FROM pg_class WHERE relname ~ '^events_' AND relkind = 'r' LIMIT 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.fetch(f"SELECT * FROM {name}")


async def test_an_owner_who_may_make_no_role_reads_all_the_same(empty_postgres: str) -> None:
    """On a server where somebody else made the role, and did not grant it."""
    admin = await asyncpg.connect(empty_postgres)
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"CREATE ROLE owner_of_{name} LOGIN; GRANT CREATE ON SCHEMA public TO owner_of_{name}")
    url = empty_postgres.replace("whimbrel@", f"owner_of_{name}@")
    try:
        await schema.apply(url, ManualClock(NOW))
        store = SqlStore(PostgresExecutor(url, clock=ManualClock(NOW)))
        await store.start()
        await store.write(top_up(ACCOUNT, CREDIT))
        sent = message()
        await submit(store, sent)
        assert [each.id for each in await store.search(Search(ACCOUNT, False), 10)] == [sent.id]
        await store.stop()
    finally:
        await admin.execute(f"DROP OWNED BY owner_of_{name}; DROP ROLE owner_of_{name}")
        await admin.close()


async def test_a_role_that_would_see_nothing_is_refused(postgres: str) -> None:
    """It may write to all tables, and does not own them: every key would be unknown, and nothing would say why."""
    admin = await asyncpg.connect(postgres)
    name = f"guest_of_{await admin.fetchval('SELECT current_database()')}"
    await admin.execute(f"CREATE ROLE {name} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
    try:
        with pytest.raises(SchemaError, match="belong to another role"):
            await SqlStore(PostgresExecutor(postgres.replace("whimbrel@", f"{name}@"))).start()
    finally:
        await admin.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
        await admin.close()


async def test_the_store_itself_sees_all(third: SqlStore) -> None:
    for account in (ACCOUNT, OTHER_ACCOUNT):
        assert await events(third, await rows_of(third, account))
