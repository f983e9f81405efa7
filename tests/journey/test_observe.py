"""The gauges that nobody else sets, on both databases."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg

from tests.journey.rig import POSTGRES, Rig, rig, until


def values(r: Rig, name: str) -> dict[str, float]:
    """Of a gauge, by the values of its labels."""
    (family,) = [found for found in r.app.metrics.registry.collect() if found.name == name]
    return {" ".join(sample.labels.values()): sample.value for sample in family.samples}


async def test_a_node_tells_who_is_there_and_what_it_has(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        await r.app.observe.look()
        assert values(r, "whimbrel_nodes") == {"": 1}
        leases = values(r, "whimbrel_leases")
        assert leases["carrier"] == 1 and leases["duty"] == len(r.app.duties.names)
        assert values(r, "whimbrel_lease_renewal_age_seconds")[""] < 6


async def test_a_carrier_that_is_here_no_more_is_another_ones_to_tell(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        await r.app.observe.look()
        (name,) = values(r, "whimbrel_binds")
        assert values(r, "whimbrel_binds")[name] > 0
        await r.pause()
        await until(lambda: not r.app.worker.health())
        await r.app.observe.look()
        for gauge in ("binds", "window_used", "window_stalled_seconds", "throttled", "set_aside", "ignored_requests"):
            assert values(r, f"whimbrel_{gauge}") == {}


async def test_what_holds_the_log_back_is_told_as_long_as_it_does(tmp_path: Path) -> None:
    """On SQLite, which has one writer, nothing does."""

    async def held_back(r: Rig) -> float:
        await r.app.observe.look()
        return values(r, "whimbrel_log_held_back_seconds")[""]

    async with rig(tmp_path) as r:
        await r.seed()
        assert await held_back(r) < 1
        url = tmp_path / POSTGRES
        other: Any = await asyncpg.connect(url.read_text()) if url.exists() else None
        if other is not None:
            await other.execute("BEGIN")
            await other.execute("SELECT pg_current_xact_id()")
        await r.send(r.draft())
        await held_back(r)
        await asyncio.sleep(0.1)
        assert (await held_back(r) >= 0.1) == (other is not None)
        if other is not None:
            await other.execute("ROLLBACK")
            await other.close()

        async def let_go() -> bool:
            return await held_back(r) < 0.1

        await until(let_go)
