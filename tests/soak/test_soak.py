"""A short form of `make soak`, which plays ten minutes: all carriers misbehave, only faster."""

from pathlib import Path

import pytest

from .run import play


@pytest.mark.ci
async def test_a_minute_of_bad_carriers(tmp_path: Path):
    played = await play(tmp_path, seconds=60, rate_per_s=300, seed=2)
    assert played.verdict.broken == []
    assert played.verdict.refused > 0 and played.verdict.repeated > 0
    assert played.verdict.doubted > 100 and played.verdict.elsewhere > 0 and played.verdict.retried > 0
