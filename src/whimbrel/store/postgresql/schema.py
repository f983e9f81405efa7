"""The schema of a PostgreSQL database: what it has, and the pending migrations applied, while nodes run on it.

- One process migrates at a time. Whoever does holds an advisory lock in a transaction of a connection of its own,
  which does nothing else (a lock of a session would be lost behind a pooler). Others ask for it again and again and do
  not wait in the server: CREATE INDEX CONCURRENTLY waits for all who wait there.
- Each migration is one transaction, so that a failing one leaves nothing behind.
- ALTER TABLE asks for a lock that excludes everybody, and while it waits for it all who come later wait behind it. So
  it waits for LOCK_WAIT_MS only, lets those through that queued up meanwhile, and asks again.
- What is made concurrently is made outside of a transaction. An index that an interrupted run left invalid is dropped
  first.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import asyncpg

from whimbrel.base.clock import Clock
from whimbrel.store.errors import SchemaError, StoreError
from whimbrel.store.migrations import Applied, Migration, SchemaStatus, compare, label, load, require_usable
from whimbrel.store.postgresql.connect import ANY_ERROR, GONE, connect, shown

LOCK: Final = 0x776D_6967  # key of the advisory lock of whoever changes the schema or fills the database
LOCK_WAIT_MS: Final = 500
LOCK_TRIES: Final = 60
_REST_S: Final = 1.0  # between two tries
_TURN_S: Final = 0.2  # between two questions for the advisory lock

_TABLE: Final = """CREATE TABLE IF NOT EXISTS schema_migrations (
    number bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at bigint NOT NULL,
    oldest bigint NOT NULL)"""
_ROWS: Final = "SELECT number, name, checksum, applied_at, oldest FROM schema_migrations ORDER BY number"
_INSERT: Final = (
    "INSERT INTO schema_migrations (number, name, checksum, applied_at, oldest) VALUES ($1, $2, $3, $4, $5)"
)
_HOLDERS: Final = """SELECT pid, application_name, state,
    extract(epoch FROM clock_timestamp() - xact_start)::bigint AS age_s
    FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
    ORDER BY xact_start LIMIT 3"""
_RUNNING: Final = """SELECT name, version FROM nodes
    WHERE alive_until > extract(epoch FROM clock_timestamp()) * 1000000 ORDER BY name, id"""
_INVALID: Final = """SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT i.indisvalid AND c.relname = ANY($1::text[]) AND pg_table_is_visible(c.oid)"""
_MADE: Final = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?:IF NOT EXISTS )?(\w+)", re.IGNORECASE)
_COMMENT: Final = re.compile(r"--[^\n]*")

Told = Callable[[str], None]


def ignore(_: str) -> None:
    """For those who want to hear nothing."""


async def status(url: str) -> SchemaStatus:
    """Where a database stands. Needs no lock: it may be in use."""
    async with opened(url) as connection:
        return await read_status(connection)


async def apply(url: str, clock: Clock, told: Told = ignore) -> tuple[Migration, ...]:
    """Apply what is pending and give what was applied: nothing when another process did it meanwhile. `told` hears of
    waits. SchemaError with what to do when it cannot be done; what was applied before stays."""
    async with opened(url) as guard, alone(guard, told), opened(url) as connection:
        await connection.execute(_TABLE)
        found = await read_status(connection)
        if found.problem:
            raise SchemaError(found.problem)
        for migration in found.pending:
            await _apply_one(connection, migration, clock, told)
        return found.pending


async def running(url: str) -> list[str]:
    """Nodes that use a database now, by name and version. By the server's clock, as theirs: ours may be wrong."""
    async with opened(url) as connection:
        return await read_running(connection)


async def read_running(connection: asyncpg.Connection) -> list[str]:
    """The same of the connection's database."""
    if await connection.fetchval("SELECT to_regclass('nodes')") is None:
        return []
    return [f"{name} ({version})" for name, version in await connection.fetch(_RUNNING)]


async def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in a database that this version understands; nothing in another one."""
    async with opened(url) as connection:
        if not (await read_status(connection)).usable:
            return []
        return [tuple(row) for row in await connection.fetch(query)]


async def read_status(connection: asyncpg.Connection) -> SchemaStatus:
    """Where the connection's database stands."""
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return compare(load("postgresql"), ())
    half_copied = await connection.fetchval("SELECT to_regclass('copying')") is not None
    return compare(
        load("postgresql"), [Applied(*row) for row in await connection.fetch(_ROWS)], half_copied=half_copied
    )


async def check_usable(url: str) -> SchemaStatus:
    """Where a database stands; SchemaError unless this version runs on it, as the role that the URL names."""
    async with opened(url) as connection:
        found = require_usable(await read_status(connection))
        if await connection.fetchval("SELECT row_security_active(to_regclass('accounts'))"):
            raise SchemaError(
                f"{shown(url)}: the tables belong to another role, so no row of them is seen. Connect as that one, or "
                "give them to this one (REASSIGN OWNED BY …)."
            )
        return found


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Any]:
    """A connection for work that may take long. StoreError when there is none to be had."""
    try:
        connection = await connect(url, hot=False, command_s=None)
    except GONE as error:
        raise StoreError(f"{shown(url)} cannot be reached: {error}") from error
    try:
        await connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        yield connection
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise StoreError(f"{shown(url)}: {error}") from error
    finally:
        with suppress(*ANY_ERROR):
            await connection.close()


@asynccontextmanager
async def alone(connection: asyncpg.Connection, told: Told) -> AsyncIterator[None]:
    """Nobody else changes the schema, or fills the database, in this block. `told` hears when somebody does now."""
    waits = False
    while not await _begun(connection):
        if not waits:
            told("another process changes this database: waiting for it")
        waits = True
        await asyncio.sleep(_TURN_S)
    try:
        yield
    finally:
        # A connection that breaks at this very moment says so in many ways; the server has ended its transaction then.
        with suppress(*ANY_ERROR):
            await connection.execute("ROLLBACK")


async def _begun(connection: asyncpg.Connection) -> bool:
    await connection.execute("BEGIN")
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK):
        await connection.execute("ROLLBACK")
        return False
    # Ends the portal of the question, and with it its snapshot: an index that is made concurrently waits for those.
    await connection.execute("SELECT 1")
    return True


async def _apply_one(connection: asyncpg.Connection, migration: Migration, clock: Clock, told: Told) -> None:
    """A failing migration leaves the database as it was before."""
    for turn in range(1, LOCK_TRIES + 1):
        try:
            await (_concurrently if migration.concurrent else _whole)(connection, migration, clock.now_us())
            return
        except asyncpg.LockNotAvailableError:
            told(f"{label(migration)} waits for locks that {await _holders(connection)} (try {turn} of {LOCK_TRIES})")
            await asyncio.sleep(_REST_S)
        except asyncpg.PostgresError as error:
            raise SchemaError(f"Migration {label(migration)} failed: {error}") from error
    raise SchemaError(
        f"Migration {label(migration)} found no moment in which its tables were free: end the transactions that hold "
        "them and run it again."
    )


async def _whole(connection: asyncpg.Connection, migration: Migration, at: int) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
        await connection.execute(migration.sql)
        await connection.execute(_INSERT, *_row(migration, at))


async def _concurrently(connection: asyncpg.Connection, migration: Migration, at: int) -> None:
    """It does not stall who comes later, so it may wait for as long as it takes."""
    await connection.execute("SET lock_timeout = 0")
    for row in await connection.fetch(_INVALID, _MADE.findall(migration.sql)):
        await connection.execute(f'DROP INDEX CONCURRENTLY "{row["relname"]}"')
    for statement in separate(migration.sql):
        await connection.execute(statement)
    await connection.execute(_INSERT, *_row(migration, at))


def separate(sql: str) -> Sequence[str]:
    """The statements of a file that holds nothing with a semicolon inside."""
    return [part.strip() for part in _COMMENT.sub("", sql).split(";") if part.strip()]


def _row(migration: Migration, at: int) -> tuple[Any, ...]:
    return migration.number, migration.name, migration.checksum, at, migration.oldest


async def _holders(connection: asyncpg.Connection) -> str:
    """In words: whose transactions are open."""
    rows = await connection.fetch(_HOLDERS)
    named = [
        f"{row['application_name'] or 'somebody'} (pid {row['pid']}, {row['state']}, {row['age_s']} s)" for row in rows
    ]
    return f"may be held by {', '.join(named)}" if named else "were held a moment ago"
