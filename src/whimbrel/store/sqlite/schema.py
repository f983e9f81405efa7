"""The schema of a SQLite file: what it has, and the pending migrations applied, each in a transaction of its own."""

import os

import apsw

from whimbrel.base.clock import Clock
from whimbrel.store.errors import SchemaError
from whimbrel.store.migrations import Applied, Migration, SchemaStatus, compare, label, load, require_usable
from whimbrel.store.sqlite.connect import open_reader, open_writer
from whimbrel.store.sqlite.lock import OwnerLock

TABLE = """CREATE TABLE IF NOT EXISTS schema_migrations (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL,
    oldest INTEGER)"""
_COLUMNS = "SELECT COUNT(*) FROM pragma_table_info('schema_migrations') WHERE name = 'oldest'"
_ROWS = "SELECT number, name, checksum, applied_at, {oldest} FROM schema_migrations ORDER BY number"
_INSERT = "INSERT INTO schema_migrations (number, name, checksum, applied_at, oldest) VALUES (?1, ?2, ?3, ?4, ?5)"


def status(path: str) -> SchemaStatus:
    """Where a file stands; one that does not exist has nothing applied. Needs no lock: it may be in use."""
    if not os.path.exists(path):
        return compare(load("sqlite"), ())
    connection = open_reader(path)
    try:
        return read_status(connection)
    finally:
        connection.close()


def apply(path: str, clock: Clock) -> tuple[Migration, ...]:
    """Apply what is pending (making the file if need be) and give it. StoreBusy when a process uses the file."""
    with OwnerLock(path):
        connection = open_writer(path)
        try:
            connection.execute(TABLE)
            if not _knows_oldest(connection):
                connection.execute("ALTER TABLE schema_migrations ADD COLUMN oldest INTEGER")
            found = read_status(connection)
            if found.problem:
                raise SchemaError(found.problem)
            for migration in found.pending:
                _apply_one(connection, migration, clock.now_us())
            return found.pending
        finally:
            connection.close()


def read_status(connection: apsw.Connection) -> SchemaStatus:
    """Where the connection's file stands."""
    if not connection.table_exists(None, "schema_migrations"):
        return compare(load("sqlite"), ())
    oldest = "COALESCE(oldest, number)" if _knows_oldest(connection) else "number"
    rows = connection.execute(_ROWS.format(oldest=oldest))
    half_copied = connection.table_exists(None, "copying")
    return compare(load("sqlite"), [Applied(*row) for row in rows], half_copied=half_copied)


def _knows_oldest(connection: apsw.Connection) -> bool:
    """The first versions kept no word on older code with a migration: none runs on what it does not know."""
    return bool(connection.execute(_COLUMNS).fetchall()[0][0])


def check_usable(connection: apsw.Connection) -> SchemaStatus:
    """Where the file stands; SchemaError unless this version runs on it."""
    return require_usable(read_status(connection))


def _apply_one(connection: apsw.Connection, migration: Migration, at: int) -> None:
    """A failing migration leaves the file as it was before."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(migration.sql)
        connection.execute(
            _INSERT,
            (migration.number, migration.name, migration.checksum, at, migration.oldest),
        )
    except apsw.Error as error:
        connection.execute("ROLLBACK")
        raise SchemaError(f"Migration {label(migration)} failed: {error}") from error
    connection.execute("COMMIT")
