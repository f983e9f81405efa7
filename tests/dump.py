"""Everything that a database holds, row by row, for tests that look for what must not be there."""

from pathlib import Path
from typing import Any

import apsw
import asyncpg

_TABLES = """SELECT c.oid::regclass::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')"""


async def rows_of(database: Path | str) -> list[str]:
    """Each row as its table's name and its values: of a file of SQLite, or of a database of PostgreSQL by its URL."""
    return _of_file(database) if isinstance(database, Path) else await _of_url(database)


def _of_file(file: Path) -> list[str]:
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return [_text(name, row) for name in names for row in connection.execute(f'SELECT * FROM "{name}"')]
    finally:
        connection.close()


async def _of_url(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        names = [record[0] for record in await connection.fetch(_TABLES)]
        return [_text(name, record) for name in names for record in await connection.fetch(f"SELECT * FROM {name}")]
    finally:
        await connection.close()


def _text(table: str, values: Any) -> str:
    """Octets as they are, so that what stands in them is found too."""
    shown = (value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values)
    return f"{table}: {' | '.join(shown)}"
