"""Messages whose carrier is paused: those that have to wait for it hide no others."""

from pathlib import Path

import pytest

from tests.journey.rig import rig, simulated
from whimbrel.journey import sweep


async def test_a_text_that_has_another_way_finds_it_behind_one_that_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_LIST", 1)
    async with simulated() as second, rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        other = await r.add_carrier("other", simulator=second)
        await r.add_route(r.carrier_id, prefix="44", position=1)
        await r.add_route(r.carrier_id, other, prefix="33", position=2)
        r.behave(refuse_binds=0x0D)
        r.behave(drop=True)
        stuck, movable = await r.send(r.draft("+447911123456"), r.draft("+33612345678"))
        await r.pause()
        for _ in range(3):
            await r.app.sweep.reroute_strays()
        assert (await r.settled(movable, "delivered")).carrier_id == other
        assert (await r.message(stuck)).state == "queued"
