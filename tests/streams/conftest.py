"""A store (of each dialect, or of SQLite where the broker is what is tested), and a NATS server for each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.lite import with_schema
from tests.net.nats_server import NatsServer, nats_server
from tests.net.publishing import be_patient
from whimbrel.base.clock import SystemClock
from whimbrel.journey import streams
from whimbrel.net import kafka, nats
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.script import Executor
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that is slow because the machine is, is not given up: what it had would be published again."""
    be_patient(monkeypatch, nats, kafka)
    monkeypatch.setattr(streams, "_STOP_S", 60.0)


@pytest.fixture
def sqlite(tmp_path: Path) -> Executor:
    return SqliteExecutor(with_schema(tmp_path / "whimbrel.db"))


@pytest.fixture(params=["sqlite", "postgresql"])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite")
    return PostgresExecutor(request.getfixturevalue("postgres"), clock=SystemClock())


@pytest.fixture
async def store(executor: Executor) -> AsyncIterator[SqlStore]:
    async with _started(executor) as opened:
        yield opened


@pytest.fixture
async def one_store(sqlite: Executor) -> AsyncIterator[SqlStore]:
    async with _started(sqlite) as opened:
        yield opened


@asynccontextmanager
async def _started(executor: Executor) -> AsyncIterator[SqlStore]:
    opened = SqlStore(executor)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with nats_server(tmp_path / "nats") as made:
        yield made
