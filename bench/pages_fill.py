"""Copies of messages that were really sent, with all that belongs to them, as if they had come in the day before: by
SQL inside the database, because sending millions takes an hour.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import apsw
import asyncpg

from whimbrel.domain.positions import DAY_US, NUMBER_BITS

SPREAD_US = 80_000_000_000  # within a day: partitions are there for yesterday
_CHUNK = 250  # copies of all messages in one transaction
_ROWS = 1_000_000  # more than a table has of the messages that are copied
_TIMES = ("created_at", "due_at", "expires_at", "updated_at", "sent_at", "final_at")
_ATTEMPT_TIMES = ("committed_at", "answered_at", "resolved_at")
_SHIFT = "step.copy * step.us"
_ID = "'SM' || {hex} || substr(message.id, 15)"
_NUMBERED = f"(step.copy * {_ROWS} + ROW_NUMBER() OVER ())"
_DAY = f"((message.created_at - {_SHIFT}) / {DAY_US})"
_TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "message_numbers": ("message_id", {"message_id": _ID}),
    "attempts": (
        "message_id",
        {
            "message_id": _ID,
            "position": f"(({_DAY} << {NUMBER_BITS}) + {_NUMBERED})",
            "carrier_key": "row.carrier_key || '-' || step.copy",
            **{name: f"row.{name} - {_SHIFT}" for name in _ATTEMPT_TIMES},
        },
    ),
    "events": (
        "subject_id",
        {"subject_id": _ID, "position": f"-{_NUMBERED}", "created_at": f"row.created_at - {_SHIFT}"},
    ),
    "messages": ("id", {"id": _ID, **{name: f"row.{name} - {_SHIFT}" for name in _TIMES}}),
}
"""What belongs to a message: the column that names it, and what differs in a copy."""


def _statement(table: str, columns: Sequence[str], hex_of: str, copies: str) -> str:
    named_by, differs = _TABLES[table]
    time = f"message.created_at / 1000 - {_SHIFT} / 1000"
    values = [differs.get(column, f"row.{column}").format(hex=hex_of.format(time)) for column in columns]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM ({copies}) AS step "
        f"CROSS JOIN sent_messages AS message JOIN sent_{table} AS row ON row.{named_by} = message.id"
    )


def _sent(table: str) -> str:
    """Keeps what is to be copied apart from the copies."""
    return f"CREATE TEMP TABLE sent_{table} AS SELECT * FROM {table}"


def _step_us(copies: int) -> int:
    """Whole milliseconds, which ids are made of."""
    return SPREAD_US // copies // 1000 * 1000


def fill_sqlite(path: Path, copies: int) -> None:
    """So many copies of everything that is in the file."""
    database = apsw.Connection(str(path))
    database.pragma("cache_size", -2_000_000)  # KiB, as a negative number
    database.pragma("synchronous", "OFF")  # what is filled here need not outlive a crash
    for table in _TABLES:
        database.execute(_sent(table))
    counted = (
        f"WITH RECURSIVE counted(copy) AS (VALUES (:first) UNION ALL SELECT copy + 1 FROM counted WHERE copy < :last) "
        f"SELECT copy, {_step_us(copies)} AS us FROM counted"
    )
    for first in range(1, copies + 1, _CHUNK):
        bound = {"first": first, "last": min(first + _CHUNK - 1, copies)}
        with database:
            for table in _TABLES:
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                database.execute(_statement(table, columns, "printf('%012x', {})", counted), bound)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


async def fill_postgresql(url: str, copies: int) -> None:
    """The same in a database of a server."""
    connection = await asyncpg.connect(url)
    try:
        for table in _TABLES:
            await connection.execute(f"{_sent(table)}; ANALYZE sent_{table}")
        counted = f"SELECT copy, {_step_us(copies)}::bigint AS us FROM generate_series($1::bigint, $2::bigint) AS copy"
        columns: dict[str, list[str]] = {}
        for table in _TABLES:
            query = "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0"
            columns[table] = [row[0] for row in await connection.fetch(f"{query} AND NOT attisdropped", table)]
        for first in range(1, copies + 1, _CHUNK):
            async with connection.transaction():
                for table, names in columns.items():
                    statement = _statement(table, names, "lpad(to_hex({}), 12, '0')", counted)
                    await connection.execute(statement, first, min(first + _CHUNK - 1, copies), timeout=600)
        for table in _TABLES:
            await connection.execute(f"VACUUM ANALYZE {table}", timeout=600)
    finally:
        await connection.close()
