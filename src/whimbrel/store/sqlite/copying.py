"""The two ends of a copy in SQLite: a file that is read, a file that is filled. Both are held alone by the lock of
whoever owns a file. The work is done in threads, so that the other end can work meanwhile.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw
import msgspec

from whimbrel.base.clock import Clock
from whimbrel.store.copying.run import Done, Key, Origin, Row, Totals, noted, resumed
from whimbrel.store.copying.tables import FOLLOWS_EVENTS, TABLES, Place, Table, highest_sql, page_sql, totals_sql
from whimbrel.store.errors import StoreError
from whimbrel.store.migrations import require_usable
from whimbrel.store.sqlite import schema
from whimbrel.store.sqlite.connect import open_reader, open_writer
from whimbrel.store.sqlite.lock import OwnerLock

T = TypeVar("T")
_PARAMETER: Final = re.compile(r"\$(\d+)")
_CHECKPOINT_EVERY: Final = 50  # chunks: the log stays at some hundred MB
_DONE: Final = (
    """INSERT INTO copying (name, done) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET done = excluded.done"""
)


class SqliteEnd:
    """What both ends can do on a connection."""

    def __init__(self, path: str, connection: apsw.Connection) -> None:
        self.name = path
        self._connection = connection

    async def columns(self, table: Table) -> tuple[str, ...]:
        rows = await self._rows("SELECT name FROM pragma_table_info(?1) ORDER BY cid", (table.name,))
        return tuple(row[0] for row in rows)

    async def totals(self, table: Table, account_id: str | None) -> Totals:
        params = () if account_id is None or not table.whose else (account_id,)
        groups = len(table.groups)
        rows = await self._rows(totals_sql(table, account_id), params)
        return {
            tuple(map(str, row[:groups])): tuple(int(each or 0) for each in row[groups:]) for row in rows if row[groups]
        }

    async def page(
        self, table: Table, columns: tuple[str, ...], after: Key | None, *, account_id: str | None, limit: int
    ) -> list[Row]:
        account = () if account_id is None or not table.whose else (account_id,)
        return await self._rows(
            page_sql(table, columns, account_id, first=after is None), (limit, *account, *(after or ()))
        )

    async def highest(self, places: Sequence[Place]) -> int:
        found = [(await self._rows(highest_sql(place)))[0][0] for place in places]
        return max((each for each in found if each is not None), default=0)

    async def settled(self) -> None:
        """The lock of the file has kept everybody away."""

    async def _rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        ours = _PARAMETER.sub(r"?\1", sql)
        return await self._do(lambda connection: connection.execute(ours, params).fetchall())

    async def _do(self, work: Callable[[apsw.Connection], T]) -> T:
        """Ends with its thread, also when it is cancelled: the connection cannot be closed before."""
        working = asyncio.ensure_future(asyncio.to_thread(work, self._connection))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait([working])
            raise
        except apsw.Error as error:
            raise StoreError(f"{self.name}: {error}") from error


class SqliteTarget(SqliteEnd):
    """A file that is filled."""

    def __init__(self, path: str, connection: apsw.Connection) -> None:
        super().__init__(path, connection)
        self._chunks = 0

    async def begin(self, origin: Origin, highest: int) -> dict[str, Done]:
        if await self._rows("SELECT 1 FROM sqlite_schema WHERE name = 'copying'"):
            return resumed(self.name, dict(await self._rows("SELECT name, done FROM copying")), origin)
        for table in TABLES:
            if await self._rows(f"SELECT 1 FROM {table.name} LIMIT 1"):
                raise StoreError(f"{self.name} has data of its own ({table.name}): name a new file.")
        await self._do(lambda connection: _together(connection, lambda: _note(connection, origin)))
        return {}

    async def put(self, table: Table, columns: tuple[str, ...], rows: Sequence[Row], done: Done) -> None:
        places = ", ".join("?" * len(columns))
        insert = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})"
        how_far = msgspec.json.encode(done).decode()

        def write(connection: apsw.Connection) -> None:
            connection.executemany(insert, rows)
            connection.execute(_DONE, (table.name, how_far))

        await self._do(lambda connection: _together(connection, lambda: write(connection)))
        self._chunks += 1
        if self._chunks % _CHECKPOINT_EVERY == 0:
            await self._do(_checkpoint)

    async def settle(self) -> None:
        """SQLite goes on behind the last event that is there. Cursors of PostgreSQL can stand further: they come back,
        for nothing stands between."""
        last = "(SELECT COALESCE(MAX(position), 0) FROM events)"

        def lower(connection: apsw.Connection) -> None:
            connection.execute(f"UPDATE cursors SET position = {last} WHERE position > {last} AND {FOLLOWS_EVENTS}")
            connection.execute(f"UPDATE webhooks SET cursor = {last} WHERE cursor > {last}")

        await self._do(lambda connection: _together(connection, lambda: lower(connection)))

    async def finish(self) -> None:
        await self._do(lambda connection: connection.execute("DROP TABLE copying"))
        await self._do(_checkpoint)


@contextmanager
def source(path: str) -> Iterator[SqliteEnd]:
    """An installation that is read. StoreError when there is none; StoreBusy when a node uses it."""
    if not Path(path).exists():
        raise StoreError(f"{path} does not exist.")
    with OwnerLock(path):
        connection = _frugal(open_reader(path))
        try:
            schema.check_usable(connection)
            yield SqliteEnd(path, connection)
        finally:
            connection.close()


@contextmanager
def target(path: str, clock: Clock) -> Iterator[SqliteTarget]:
    """A file that is filled, made with the schema when it is not there. StoreBusy when somebody uses it."""
    if not (found := schema.status(path)).half_copied:
        require_usable(found) if found.applied else schema.apply(path, clock)
    with OwnerLock(path):
        connection = _frugal(open_writer(path))
        try:
            yield SqliteTarget(path, connection)
        finally:
            connection.close()


def _frugal(connection: apsw.Connection) -> apsw.Connection:
    """What is added up by group is sorted first, which takes the memory of a whole table or a file."""
    connection.pragma("temp_store", "FILE")
    return connection


def _note(connection: apsw.Connection, origin: Origin) -> None:
    connection.execute("CREATE TABLE copying (name TEXT PRIMARY KEY, done TEXT NOT NULL)")
    connection.execute(_DONE, ("", noted(origin)))


def _together(connection: apsw.Connection, work: Callable[[], None]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        work()
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _checkpoint(connection: apsw.Connection) -> None:
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
