"""Two databases: cells that know nothing of each other."""

from collections.abc import AsyncIterator

import pytest

from tests.pg import Postgres, fresh_database


@pytest.fixture
async def databases(postgres_server: Postgres) -> AsyncIterator[tuple[str, str]]:
    """The URLs of two databases with the schema and nothing else."""
    async with (
        fresh_database(postgres_server.url, postgres_server.template) as first,
        fresh_database(postgres_server.url, postgres_server.template) as second,
    ):
        yield first, second
