"""Two nodes on one PostgreSQL, one of which follows the stream: the one that does is killed, or frozen until the other
has taken over, and so is the NATS server. The verdict: what a consumer that is not ours reads, against the events in
the database.
"""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from tests.cluster.load import Client
from tests.cluster.nodes import Node
from tests.cluster.scene import TOLD, Scene, scene
from tests.faults.wire import until
from tests.net.nats_server import NatsServer, ids_in_order, nats_server
from whimbrel.base.ids import event_id

RATE_PER_S = 100
_HOLDER = "SELECT n.name FROM leases l JOIN nodes n ON n.id = l.node_id WHERE l.name = 'duty:stream:ops'"


async def follower(database: asyncpg.Connection, its: Scene) -> Node:
    """The node that follows the stream."""

    async def there() -> Node | None:
        name = await database.fetchval(_HOLDER) or ""
        pid = name.rpartition(":")[2]
        return next((node for node in its.nodes if str(node._process.pid) == pid), None)

    return await until(there, 90, "a node that follows the stream")


async def torment(its: Scene, server: NatsServer, database: asyncpg.Connection, *, rounds: int) -> None:
    """One thing after the other happens to those who publish and to whom they publish to."""
    for number in range(rounds):
        await server.holds(await server.count() + 3 * RATE_PER_S, within_s=60)
        victim = await follower(database, its)
        if number % 3 == 0:
            await victim.kill()
            await victim.start()
        elif number % 3 == 1:
            victim.freeze()
            await _taken_over(database, its, victim)
            victim.thaw()
        else:
            await server.kill()
            await server.start()


async def _taken_over(database: asyncpg.Connection, its: Scene, victim: Node) -> None:
    async def there() -> bool:
        return await follower(database, its) is not victim

    await until(there, 90, "another node that follows the stream")


async def all_ended(database: asyncpg.Connection, messages: int) -> None:
    """Until each message has an event that is its last, or is in doubt because it was on the wire."""

    async def there() -> bool:
        asked = "SELECT count(DISTINCT subject_id) FROM events WHERE type = ANY($1)"
        return await database.fetchval(asked, list(TOLD)) >= messages

    await until(there, 90, "all messages ended")


@pytest.mark.ci
async def test_nodes_that_follow_a_stream_are_killed_and_frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with nats_server(tmp_path / "nats") as server:
        monkeypatch.setenv("WHIMBREL_STREAMS__OPS__SERVERS", server.address)
        monkeypatch.setenv("WHIMBREL_STREAMS__OPS__CREATE", "true")
        monkeypatch.setenv("WHIMBREL_STREAMS__OPS__START", "oldest")
        async with scene(tmp_path, count=2, throughput_per_s=300, seed=7) as its:
            await asyncio.gather(*(node.start() for node in its.nodes))
            database = await asyncpg.connect(its.database)
            try:
                client = Client(its.nodes, its.key, rate_per_s=RATE_PER_S, seconds=300, batch=10)
                sending = asyncio.create_task(client.run())
                try:
                    await torment(its, server, database, rounds=6)
                finally:
                    client.stop()
                    await sending
                await all_ended(database, len(client.log))
                rows = await database.fetch("SELECT subject_id, seq FROM events")
                wanted = {event_id(row["subject_id"], row["seq"]) for row in rows}
                await server.holds(len(wanted), within_s=60)
                seen = [each.event for each in await server.everything()]
            finally:
                await database.close()
    assert wanted - {event["id"] for event in seen} == set()
    orders = ids_in_order([event for event in seen if event["message_id"]])
    assert len(orders) == len(client.log)
    assert [order for order in orders.values() if order != list(range(1, len(order) + 1))] == []
