"""The primary is killed under load and its synchronous standby promoted: nothing that was acknowledged is lost, nothing
is sent twice, and texts are taken again within seconds. Judged by the logs of client, carriers and sink, as the storms
of tests/cluster are.
"""

import asyncio
import time

import pytest

from tests.cluster.evidence import gather
from tests.cluster.load import Client
from tests.cluster.oracle import judge
from tests.cluster.run import settle
from tests.cluster.scene import scene
from tests.faults.wire import until

from .pair import Pair

RATE_PER_S = 150
WORKS_AGAIN_S = 30.0


async def acknowledged_from(client: Client, count: int) -> bool:
    return sum(1 for sent in client.log if sent.id) >= count


@pytest.mark.parametrize(
    ("nodes", "seconds"),
    [pytest.param(1, 5.0, id="one node"), pytest.param(3, 40.0, id="three nodes", marks=pytest.mark.ci)],
)
async def test_a_failover_loses_nothing_and_sends_nothing_twice(tmp_path, nodes, seconds):
    pair = Pair()
    async with scene(tmp_path, count=nodes, throughput_per_s=1000, seed=1, server=pair) as its:
        await asyncio.gather(*(node.start() for node in its.nodes))
        client = Client(its.nodes, its.key, rate_per_s=RATE_PER_S, seconds=seconds, batch=5)
        load = asyncio.create_task(client.run())
        await until(lambda: acknowledged_from(client, RATE_PER_S), 20.0, "a client at work")
        await pair.fail_over()
        killed = time.monotonic()
        so_far = len(client.log)
        await until(lambda: acknowledged_from(client, so_far + RATE_PER_S), WORKS_AGAIN_S, "texts are taken again")
        again_s = time.monotonic() - killed
        await load
        await settle(its)
        for node in its.nodes:
            assert await node.stop() == 0, node.log.read_text()[-3000:]
        verdict = judge(await gather(its, client, 1000))
    assert verdict.broken == []
    assert verdict.lost == verdict.doubled == 0
    assert again_s < WORKS_AGAIN_S
