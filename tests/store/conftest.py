"""The store under test. Behaviour is tested through `interface.Store`, on both dialects: whatever uses `store` runs
twice. Tests of SQLite's file use `database`, those of PostgreSQL's server `postgres`.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from store_samples import ACCOUNT, CREDIT, NOW, top_up

from whimbrel.base.clock import ManualClock
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.script import Executor
from whimbrel.store.sqlite import schema
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A file with the schema and nothing else."""
    path = str(tmp_path / "whimbrel.db")
    schema.apply(path, ManualClock())
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def executor(request: pytest.FixtureRequest) -> Executor:
    """One of each dialect, on a database with the schema and nothing else."""
    if request.param == "sqlite":
        return SqliteExecutor(request.getfixturevalue("database"))
    return PostgresExecutor(request.getfixturevalue("postgres"), clock=ManualClock(NOW))


@pytest.fixture
async def store(executor: Executor) -> AsyncIterator[SqlStore]:
    """A started store with one account that has credit."""
    opened = SqlStore(executor)
    await opened.start()
    try:
        await opened.write(top_up(ACCOUNT, CREDIT))
        yield opened
    finally:
        await opened.stop()
