"""The store under test. Behaviour is tested through `interface.Store`, on both dialects, and on SQLite also as a
process beside the store process sees it: whatever uses `store` runs three times. Tests of SQLite's file use `database`,
those of PostgreSQL's server `postgres`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from after_submit import START, Rig
from node import Node
from one_by_one import Postgres as PostgresTest
from one_by_one import PostgresSession, Sqlite
from shared import SharedExecutor
from store_samples import ACCOUNT, CREDIT, NOW, OTHER_ACCOUNT, top_up
from tests.lite import with_schema
from tests.pg import Postgres, fresh_database

from whimbrel.base.clock import ManualClock
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.script import Executor
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A file with the schema and nothing else."""
    return with_schema(tmp_path / "whimbrel.db")


@pytest.fixture(params=["sqlite", "shared", "postgresql"])
def of_dialect(request: pytest.FixtureRequest) -> Executor:
    """One of each kind, on a database with the schema and nothing else."""
    if request.param == "shared":
        return SharedExecutor(request.getfixturevalue("database"))
    if request.param == "sqlite":
        return SqliteExecutor(request.getfixturevalue("database"))
    return PostgresExecutor(request.getfixturevalue("postgres"), clock=ManualClock(NOW))


@pytest.fixture(scope="session")
def postgres_session(postgres_server: Postgres) -> Iterator[PostgresSession]:
    """A connection to a database that no test changes."""
    with asyncio.Runner() as loop:
        made = fresh_database(postgres_server.url, postgres_server.template)
        session = PostgresSession(loop.run(made.__aenter__()), START)
        yield session
        session.close()
        loop.run(made.__aexit__(None, None, None))


@pytest.fixture(params=["sqlite", "postgresql"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """The verbs one by one, on both dialects."""
    database = Sqlite() if request.param == "sqlite" else PostgresTest(request.getfixturevalue("postgres_session"))
    yield Rig(database)
    database.close()


@pytest.fixture
async def store(of_dialect: Executor) -> AsyncIterator[SqlStore]:
    """A started store with one account that has credit."""
    opened = SqlStore(of_dialect)
    await opened.start()
    try:
        await opened.write(top_up(ACCOUNT, CREDIT))
        yield opened
    finally:
        await opened.stop()


@pytest.fixture
async def third(postgres: str) -> AsyncIterator[SqlStore]:
    """A store on PostgreSQL, beside the two nodes of `nodes`: two accounts that have credit."""
    opened = SqlStore(PostgresExecutor(postgres, clock=ManualClock(NOW)))
    await opened.start()
    try:
        await opened.write([*top_up(ACCOUNT, CREDIT), *top_up(OTHER_ACCOUNT, CREDIT)])
        yield opened
    finally:
        await opened.stop()


@pytest.fixture
async def nodes(third: SqlStore, postgres: str) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes that work on the same database, step by step."""
    one, two = [await Node.beside(postgres) for _ in range(2)]
    yield one, two
    for node in (one, two):
        node.connection.terminate()
