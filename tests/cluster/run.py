"""A run from beginning to end: the scene, the load with the storm beside it, calm, the end, and the judgement."""

import asyncio
import contextlib
import os
import time
from pathlib import Path

import asyncpg
import msgspec

from tests.faults.wire import until

from .evidence import gather
from .load import Client
from .oracle import Judgement, judge
from .scene import Scene, scene
from .storm import Storm

_SETTLE_S = 120.0
_UNDER_WAY = """SELECT
(SELECT count(*) FROM messages WHERE state IN ('scheduled', 'queued', 'sending', 'sent') AND direction = 'out')
+ (SELECT count(*) FROM deliveries WHERE next_at IS NOT NULL)"""


class Played(msgspec.Struct, frozen=True):
    """A run afterwards."""

    verdict: Judgement
    seconds: float
    settled_s: float  # from the last answer until nothing moved any more
    per_s: float
    answer_p50_ms: float
    answer_p99_ms: float
    asked_again: int
    done: dict[str, int]  # what the storm did
    statuses: list[int]  # of nodes that were stopped in order
    cpu_us: float  # of the machine, for each message


async def play(
    folder: Path,
    *,
    seconds: float,
    rate_per_s: float,
    throughput_per_s: int,
    seed: int,
    nodes: int = 3,
    batch: int = 10,
) -> Played:
    """Play a run in an empty folder. `throughput_per_s`: what each of the three carriers takes."""
    async with scene(folder, count=nodes, throughput_per_s=throughput_per_s, seed=seed) as its:
        await asyncio.gather(*(node.start() for node in its.nodes))
        client = Client(its.nodes, its.key, rate_per_s=rate_per_s, seconds=seconds, batch=batch)
        storm = Storm(its.nodes, seed)
        raging = asyncio.create_task(storm.run())
        began, busy = time.monotonic(), _busy_s()
        await client.run()
        loaded_s, busy = time.monotonic() - began, _busy_s() - busy
        raging.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await raging
        await _calm(its)
        await settle(its)
        settled_s = time.monotonic() - began - loaded_s
        for node in its.nodes:
            storm.statuses.append(await node.stop())
        evidence = await gather(its, client, throughput_per_s)
    took = sorted(client.took_s)
    return Played(
        verdict=judge(evidence),
        seconds=loaded_s,
        settled_s=settled_s,
        per_s=len(client.log) / loaded_s,
        answer_p50_ms=took[len(took) // 2] * 1000,
        answer_p99_ms=took[int(len(took) * 0.99)] * 1000,
        asked_again=client.asked_again,
        done=dict(storm.done),
        statuses=storm.statuses,
        cpu_us=busy * 1e6 / len(client.log),
    )


def _busy_s() -> float:
    """What all cores of the machine have worked so far."""
    user, nice, system = Path("/proc/stat").read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


async def _calm(its: Scene) -> None:
    """All nodes up: what the storm left down or frozen goes on."""
    for node in its.nodes:
        if node.is_frozen:
            node.thaw()
        if not node.is_up:
            await node.start()


async def settle(its: Scene) -> None:
    """Until nothing is under way and the sink hears nothing more. What is still missing when time is up is named by the
    judgement."""
    database = await asyncpg.connect(its.database)

    async def is_still() -> bool:
        if await database.fetchval(_UNDER_WAY):
            await asyncio.sleep(0.5)
            return False
        before = its.sink_log.stat().st_size
        await asyncio.sleep(3.0)
        return before == its.sink_log.stat().st_size

    try:
        with contextlib.suppress(TimeoutError):
            await until(is_still, _SETTLE_S, "everything at its end")
    finally:
        await database.close()
