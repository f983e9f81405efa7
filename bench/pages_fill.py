"""Copies of what is really there, with all that belongs to it, as if it had come in the day before: by SQL inside the
database, because sending millions takes an hour.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import apsw
import asyncpg

from bench.pages_families import FAMILIES, MESSAGES, SHIFT, Family

SPREAD_US = 80_000_000_000  # within a day: partitions are there for yesterday
_CHUNK_ROWS = 250_000  # of a root in one transaction
_ROOT = "family_root"


class _Step(NamedTuple):
    """Copies `first` to `last` of a family."""

    first: int
    last: int


def _statement(family: Family, table: str, columns: Sequence[str], hex_of: str, copies: str) -> str:
    named_by, differs = family.tables[table]
    time = f"root.{family.time} / 1000 - {SHIFT} / 1000"
    values = [differs.get(column, f"row.{column}").replace("{hex}", hex_of.format(time)) for column in columns]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM ({copies}) AS step "
        f"CROSS JOIN {_ROOT} AS root JOIN sent_{table} AS row ON row.{named_by} = root.{_key(family)}"
    )


def _key(family: Family) -> str:
    """How the root is known."""
    return family.tables[family.root][0]


def _apart(family: Family) -> Iterator[str]:
    """Keeps what is to be copied apart from the copies."""
    yield f"CREATE TEMP TABLE {_ROOT} AS SELECT {family.select} FROM {family.root} WHERE {family.which}"
    for table, (named_by, _) in family.tables.items():
        roots = f"SELECT {_key(family)} FROM {_ROOT}"
        more = f" AND {family.which}" if table == family.root else ""
        yield f"CREATE TEMP TABLE sent_{table} AS SELECT * FROM {table} WHERE {named_by} IN ({roots}){more}"


def _forget(family: Family) -> Iterator[str]:
    for table in (_ROOT, *(f"sent_{table}" for table in family.tables)):
        yield f"DROP TABLE {table}"


def _steps(family: Family, there: int, rows: int) -> tuple[int, list[_Step]]:
    """How much earlier each copy is than the one before, in whole milliseconds, which ids are made of; and the copies
    of each transaction."""
    assert there, f"nothing of {family.root} is there to be copied"
    copies = (family.rows or rows) // there - 1
    chunk = max(1, _CHUNK_ROWS // there)
    steps = [_Step(first, min(first + chunk - 1, copies)) for first in range(1, copies + 1, chunk)]
    return SPREAD_US // max(1, copies) // 1000 * 1000, steps


def fill_sqlite(path: Path, messages: int) -> int:
    """So many messages, and the rest as `FAMILIES` has it; how many messages there are."""
    database = apsw.Connection(str(path))
    database.pragma("cache_size", -2_000_000)  # KiB, as a negative number
    database.pragma("synchronous", "OFF")  # what is filled here need not outlive a crash
    for family in (*FAMILIES, MESSAGES):
        for statement in _apart(family):
            database.execute(statement)
        ((there,),) = database.execute(f"SELECT count(*) FROM {_ROOT}")
        step_us, steps = _steps(family, there, messages)
        counted = (
            "WITH RECURSIVE c(copy) AS (VALUES (:first) UNION ALL SELECT copy + 1 FROM c WHERE copy < :last) "
            f"SELECT copy, {step_us} AS us FROM c"
        )
        for step in steps:
            with database:
                for table in family.tables:
                    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                    statement = _statement(family, table, columns, "printf('%012x', {})", counted)
                    database.execute(statement, step._asdict())
        for statement in _forget(family):
            database.execute(statement)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ((count,),) = database.execute("SELECT count(*) FROM messages")
    database.close()
    return int(count)


async def fill_postgresql(url: str, messages: int) -> int:
    """The same in a database of a server."""
    connection = await asyncpg.connect(url, command_timeout=900)
    try:
        for family in (*FAMILIES, MESSAGES):
            await _copied(connection, family, messages)
        return int(await connection.fetchval("SELECT count(*) FROM messages"))
    finally:
        await connection.close()


async def _copied(connection: "asyncpg.Connection[asyncpg.Record]", family: Family, messages: int) -> None:
    for statement in _apart(family):
        await connection.execute(statement)
    for table in (_ROOT, *(f"sent_{table}" for table in family.tables)):
        await connection.execute(f"ANALYZE {table}")
    there = await connection.fetchval(f"SELECT count(*) FROM {_ROOT}")
    step_us, steps = _steps(family, there, messages)
    counted = f"SELECT copy, {step_us}::bigint AS us FROM generate_series($1::bigint, $2::bigint) AS copy"
    names = "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped"
    columns = {table: [row[0] for row in await connection.fetch(names, table)] for table in family.tables}
    for step in steps:
        async with connection.transaction():
            for table, named in columns.items():
                await connection.execute(_statement(family, table, named, "lpad(to_hex({}), 12, '0')", counted), *step)
    for statement in _forget(family):
        await connection.execute(statement)
    for table in family.tables:
        await connection.execute(f"VACUUM ANALYZE {table}")
