"""One running installation for each test that asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .edge_rig import Edge, running_edge


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    async with running_edge(tmp_path) as running:
        yield running
