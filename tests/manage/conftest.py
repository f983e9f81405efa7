"""A control plane on a real database in a folder of its own, with a clock and chance that tests hold."""

from collections.abc import AsyncIterator

import pytest

from tests.lite import with_schema
from whimbrel.base.clock import ManualClock, SeededChance
from whimbrel.base.ids import Ids
from whimbrel.base.vault import Vault
from whimbrel.journey.tables import Tables
from whimbrel.manage import accounts
from whimbrel.manage.context import Context
from whimbrel.net.addresses import Reach
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path) -> AsyncIterator[SqlStore]:
    store = SqlStore(SqliteExecutor(with_schema(tmp_path / "whimbrel.db")))
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
async def tables(store) -> Tables:
    tables = Tables(store, Vault(bytes(32), SeededChance(1)))
    await tables.load()
    return tables


@pytest.fixture
def ctx(store, tables, clock) -> Context:
    chance = SeededChance(2)
    return Context(
        store=store,
        tables=tables,
        vault=Vault(bytes(32), chance),
        clock=clock,
        chance=chance,
        ids=Ids(clock, chance),
        reach=Reach(("10.0.0.0/8",)),
        webhooks_per_account=3,
    )


@pytest.fixture
async def account(ctx) -> accounts.AccountCreated:
    return await accounts.create(ctx, "cli", accounts.NewAccount(name="Shop"))
