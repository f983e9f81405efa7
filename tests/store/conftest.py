"""The store under test. Behaviour is tested through `interface.Store`; a second dialect joins by a second parameter of
`store`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from store_samples import ACCOUNT, CREDIT, top_up

from whimbrel.base.clock import ManualClock
from whimbrel.store.sqlite import schema
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A file with the schema and nothing else."""
    path = str(tmp_path / "whimbrel.db")
    schema.apply(path, ManualClock())
    return path


@pytest.fixture(params=["sqlite"])
async def store(database: str) -> AsyncIterator[SqlStore]:
    """A started store with one account that has credit."""
    opened = SqlStore(SqliteExecutor(database))
    await opened.start()
    try:
        await opened.write(top_up(ACCOUNT, CREDIT))
        yield opened
    finally:
        await opened.stop()
