"""One installation with an SMPP door for each test that asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .customer import Door, running_door


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with running_door(tmp_path) as running:
        yield running
