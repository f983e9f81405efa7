"""Two databases: cells that know nothing of each other."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.cells import account as samples
from tests.cells.account import Cell, Killed
from tests.pg import Postgres, fresh_database
from whimbrel import cells as cells_module
from whimbrel import connected
from whimbrel.base import faults
from whimbrel.base.clock import ManualClock


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that is slow because the machine is, is not down."""
    for module in (connected, cells_module):
        monkeypatch.setattr(module, "PATIENCE_S", 30.0)


@pytest.fixture
async def databases(postgres_server: Postgres) -> AsyncIterator[tuple[str, str]]:
    """The URLs of two databases with the schema and nothing else."""
    async with (
        fresh_database(postgres_server.url, postgres_server.template) as first,
        fresh_database(postgres_server.url, postgres_server.template) as second,
    ):
        yield first, second


@pytest.fixture
async def cells(databases: tuple[str, str]) -> AsyncIterator[tuple[Cell, Cell]]:
    """Two cells at work, as far as their databases go, with one clock."""
    clock = ManualClock()
    eu, us = [await samples.opened(name, url, clock) for name, url in zip(samples.NAMES, databases, strict=True)]
    try:
        yield eu, us
    finally:
        await eu.store.stop()
        await us.store.stop()


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The points at which the mover ends, each once."""
    wanted: list[str] = []

    def hit(name: str) -> None:
        if name in wanted:
            wanted.remove(name)
            raise Killed(name)

    monkeypatch.setattr(faults, "hit", hit)
    yield wanted
    assert wanted == [], "never came by there"
