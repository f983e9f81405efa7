"""A connection of each dialect on which scripts run one by one, for tests without an event loop."""

import asyncio
import itertools
import re
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import apsw
import asyncpg

from whimbrel.base.clock import DAY_US, ManualClock
from whimbrel.store.migrations import load
from whimbrel.store.postgresql.partitions import Partitions
from whimbrel.store.postgresql.runner import Runner as PostgresRunner
from whimbrel.store.postgresql.statements import for_postgresql
from whimbrel.store.script import Script
from whimbrel.store.sqlite.runner import Runner as SqliteRunner
from whimbrel.store.statements import for_sqlite

T = TypeVar("T")
_SQLITE = for_sqlite()
_POSTGRESQL = for_postgresql()


class Database(Protocol):
    """`execute` takes SQL with `?` for its parameters."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...
    def run(self, script: Script[T]) -> T:
        """In a transaction of its own."""
        ...

    def close(self) -> None: ...


class Sqlite:
    """In memory."""

    def __init__(self) -> None:
        self._connection = apsw.Connection(":memory:")
        for migration in load("sqlite"):
            self._connection.execute(migration.sql)
        self._runner = SqliteRunner(self._connection, _SQLITE)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, params).fetchall()

    def run(self, script: Script[T]) -> T:
        with self._connection:
            return self._runner.run(script)

    def close(self) -> None:
        self._connection.close()


class PostgresSession:
    """A connection for many tests, with partitions for the weeks from `first_us` on."""

    def __init__(self, url: str, first_us: int) -> None:
        self._loop = asyncio.Runner()
        self.connection = self.wait(asyncpg.connect(url))
        self.types: dict[str, tuple[str, ...]] = {}
        for day in range(0, 42, 3):
            self.wait(Partitions(lambda: asyncpg.connect(url), ManualClock(first_us + day * DAY_US)).make())

    def wait(self, coroutine: Any) -> Any:
        return self._loop.run(coroutine)

    def close(self) -> None:
        self.wait(self.connection.close())
        self._loop.close()


class Postgres:
    """A database as it was: what a test does is one transaction that is undone, and each script a part of it."""

    def __init__(self, session: PostgresSession) -> None:
        self._session = session
        self._runner = PostgresRunner(session.connection, _POSTGRESQL, session.types)
        self.execute("BEGIN")

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        numbers = itertools.count(1)
        written = re.sub(r"\?", lambda _: f"${next(numbers)}", sql)
        return [tuple(row) for row in self._session.wait(self._session.connection.fetch(written, *params))]

    def run(self, script: Script[T]) -> T:
        async def run() -> T:
            self._runner.begin()
            result = await self._runner.run(script)
            await self._runner.settle()
            return result

        self.execute("SAVEPOINT script")
        try:
            found: T = self._session.wait(run())
        except BaseException:
            self.execute("ROLLBACK TO SAVEPOINT script")
            raise
        self.execute("RELEASE SAVEPOINT script")
        return found

    def close(self) -> None:
        self.execute("ROLLBACK")
