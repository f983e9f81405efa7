"""Databases at the ends of a copy, and what tests look at in them."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, closing
from typing import Any

import apsw
import asyncpg

from whimbrel.base.clock import ManualClock
from whimbrel.store.copying.run import Line, copy
from whimbrel.store.copying.tables import TABLES
from whimbrel.store.postgresql import copying as postgresql
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.script import Executor
from whimbrel.store.sqlite import copying as sqlite
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore

NOW = 1_790_000_000_000_000
Rows = dict[str, list[tuple[Any, ...]]]


class Watching:
    """Who looks on, and may interrupt."""

    def __init__(self, interrupt: Callable[[str, int], None] = lambda _table, _rows: None) -> None:
        self.rows = self.done = 0
        self.at_first = 0
        self._interrupt = interrupt

    def begins(self, rows: int, done: int) -> None:
        self.rows, self.done = rows, done
        self.at_first = done

    def copied(self, table: str, rows: int) -> None:
        self.done += rows
        self._interrupt(table, self.done)

    def counts(self) -> None:
        assert self.done == self.rows


def is_postgresql(place: str) -> bool:
    return place.startswith("postgresql://")


async def carry(source: str, target: str, account: str | None = None, watching: Watching | None = None) -> list[Line]:
    """Copy one place to another one: a path of SQLite or a URL of PostgreSQL."""
    clock = ManualClock(NOW)
    async with AsyncExitStack() as stack:
        read: Any
        filled: Any
        if is_postgresql(source):
            read = await stack.enter_async_context(postgresql.source(source))
        else:
            read = stack.enter_context(sqlite.source(source))
        if is_postgresql(target):
            filled = await stack.enter_async_context(postgresql.target(target, clock, lambda _: None))
        else:
            filled = stack.enter_context(sqlite.target(target, clock))
        return await copy(read, filled, account, watching or Watching())


async def ask(place: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query, or what a statement does."""
    if is_postgresql(place):
        connection = await asyncpg.connect(place)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()
    return await asyncio.to_thread(_ask_file, place, sql)


def ask_meanwhile(place: str, sql: str) -> None:
    """The same, done before this returns: whoever calls it in the middle of something waits."""
    with ThreadPoolExecutor(1) as other:
        other.submit(lambda: asyncio.run(ask(place, sql))).result()


def _ask_file(path: str, sql: str) -> list[tuple[Any, ...]]:
    """By the library of the store: two SQLite libraries in one process do not see each other's locks."""
    with closing(apsw.Connection(path)) as connection:
        return connection.execute(sql).fetchall()


async def everything(place: str, source: str | None = None) -> Rows:
    """All rows of all tables that are copied, in the order of their keys. The columns in the order of `source`."""
    found = {}
    for table in TABLES:
        columns = ", ".join(await _columns(source or place, table.name))
        found[table.name] = sorted(await ask(place, f"SELECT {columns} FROM {table.name}"), key=repr)
    return found


async def _columns(place: str, table: str) -> Sequence[str]:
    if is_postgresql(place):
        rows = await ask(
            place,
            f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum",
        )
    else:
        rows = await ask(place, f"SELECT name FROM pragma_table_info('{table}')")
    return [row[0] for row in rows]


def store_of(place: str) -> SqlStore:
    clock = ManualClock(NOW)
    executor: Executor
    executor = PostgresExecutor(place, clock=clock) if is_postgresql(place) else SqliteExecutor(place, clock=clock)
    return SqlStore(executor)
