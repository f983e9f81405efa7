"""The primary is killed under load and its synchronous standby promoted: nothing that was acknowledged is lost, nothing
is sent twice, and texts are taken again within seconds. Judged by the logs of client, carriers and sink, as the storms
of tests/cluster are.
"""

import asyncio
import time

import pytest

from tests.cluster.evidence import gather, read_line
from tests.cluster.load import Client
from tests.cluster.oracle import judge
from tests.cluster.run import settle
from tests.cluster.scene import PREFIXES, Scene, scene
from tests.faults.wire import Answer, Connection, call, request, until

from .pair import Pair

pytestmark = pytest.mark.ci
RATE_PER_S = 150
WORKS_AGAIN_S = 30.0


async def acknowledged_from(client: Client, count: int) -> bool:
    return sum(1 for sent in client.log if sent.id) >= count


@pytest.mark.parametrize(
    ("nodes", "seconds", "away_s"),
    [
        pytest.param(1, 20.0, 0.0, id="one node, at once"),
        pytest.param(3, 40.0, 0.0, id="three nodes, at once"),
        pytest.param(3, 40.0, 15.0, id="three nodes, as slow as Patroni"),
    ],
)
async def test_a_failover_loses_nothing_and_sends_nothing_twice(tmp_path, nodes, seconds, away_s):
    """With `away_s` nodes lose their leases meanwhile and take them again."""
    pair = Pair()
    async with scene(tmp_path, count=nodes, throughput_per_s=1000, seed=1, server=pair) as its:
        await asyncio.gather(*(node.start() for node in its.nodes))
        client = Client(its.nodes, its.key, rate_per_s=RATE_PER_S, seconds=seconds, batch=5)
        load = asyncio.create_task(client.run())
        await until(lambda: acknowledged_from(client, RATE_PER_S), 60.0, "a client at work")
        await pair.fail_over(away_s)
        promoted = time.monotonic()
        wanted = min(len(client.log) + RATE_PER_S, int(RATE_PER_S * seconds))  # all, when it took that long
        await until(lambda: acknowledged_from(client, wanted), WORKS_AGAIN_S, "texts are taken again")
        again_s = time.monotonic() - promoted
        await load
        await settle(its)
        for node in its.nodes:
            assert await node.stop() == 0, node.log.read_text()[-3000:]
        verdict = judge(await gather(its, client, 1000))
    assert verdict.broken == []
    assert verdict.lost == verdict.doubled == 0
    assert again_s < WORKS_AGAIN_S


class Asking:
    """One text after the other, each under a key of its own."""

    def __init__(self, its: Scene) -> None:
        self._port = its.nodes[0].port
        self._key = its.key

    async def send(self, number: int) -> tuple[Answer | None, float]:
        """The answer, None when the connection was closed without one, and after how many seconds."""
        body = {"to": f"+{PREFIXES[0]}{number:06d}", "text": f"number {number}"}
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": f"key-{number}"}
        connection = await Connection.open(self._port)
        began = time.monotonic()
        try:
            async with asyncio.timeout(30):
                answer = await connection.ask(request("POST", "/v1/messages", body, headers))
        except ConnectionError:
            answer = None
        finally:
            connection.close()
        return answer, time.monotonic() - began

    async def is_taken(self, number: int) -> bool:
        answer, _ = await self.send(number)
        return answer is not None and answer.status == 202

    async def metric(self, name: str) -> float:
        """Of the node."""
        text = (await call(self._port, "GET", "/metrics")).body.decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


async def test_while_the_standby_is_away_requests_are_refused_and_what_hung_is_sent_once_afterwards(tmp_path):
    pair = Pair()
    async with scene(tmp_path, count=1, throughput_per_s=1000, seed=1, server=pair) as its:
        await its.nodes[0].start()
        asking = Asking(its)
        await until(lambda: asking.is_taken(0), 60.0, "a first text")
        assert pair.standby is not None
        await asyncio.to_thread(pair.standby.kill)

        silent, seconds = await asking.send(1)
        assert silent is None and 8 < seconds < 20, "nobody can say whether it was stored, so nobody does"
        refused, seconds = await asking.send(2)
        assert refused is not None and refused.status == 503 and b"retry-after" in refused.head
        assert seconds < 2, "what would only wait is refused at once"
        assert await asking.metric('whimbrel_store_troubles_total{kind="commit_unknown"}') > 0
        assert await asking.metric('whimbrel_http_requests_total{door="rest",status="none"}') == 1

        await asyncio.to_thread(pair.standby.start)
        for number in (1, 2, 3):
            await until(lambda number=number: asking.is_taken(number), 90.0, "texts are taken again")
        carrier = its.carriers[0]
        words = {f"number {number}": 1 for number in range(4)}

        async def all_sent() -> bool:
            return {text: count for (_, text), count in read_line(carrier.name, carrier.log).taken.items()} == words

        await until(all_sent, 90.0, "every text at the carrier, once")
        await settle(its)
        assert {text for _, text in read_line(carrier.name, carrier.log).taken} == set(words)
        assert sum(read_line(carrier.name, carrier.log).taken.values()) == len(words)
        assert await its.nodes[0].stop() == 0
