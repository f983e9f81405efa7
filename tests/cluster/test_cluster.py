"""A short form of `make storm`, which plays five minutes of 2,000 messages a second."""

from pathlib import Path

import pytest

from .run import play


@pytest.mark.ci
async def test_a_minute_of_a_storm_over_three_nodes(tmp_path: Path) -> None:
    played = await play(tmp_path, seconds=60, rate_per_s=500, throughput_per_s=400, seed=2)
    assert played.verdict.broken == []
    assert sum(played.done.values()) >= 5
    assert set(played.statuses) == {0}
