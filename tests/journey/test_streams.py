"""Events to NATS JetStream: a real server, the whole application, and as the verdict what a consumer that is not ours
reads from the stream, against the events of the store.
"""

from pathlib import Path

import pytest

from tests.net.nats_server import NatsServer, ids_in_order, nats_server
from whimbrel.domain.callbacks import event_view
from whimbrel.sections import Stream

from .rig import POSTGRES, Rig, installation, rig, simulated, until


def target(server: NatsServer, **more: object) -> Stream:
    return Stream(servers=(server.address,), **more)


async def expected(made: Rig) -> dict[str, str]:
    """Type of each event of live traffic in the log, by id."""
    events = [event for event in await made.log() if not event.test]
    views = [event_view(event, None) for event in events]
    return {view.id: view.type for view in views}


async def test_every_event_goes_out_once_and_in_order(tmp_path):
    async with (
        nats_server(tmp_path / "nats") as server,
        rig(tmp_path, streams={"ops": target(server, create=True)}) as made,
    ):
        await made.seed()
        sent = await made.send(*[made.draft() for _ in range(200)])
        await made.all_settled(sent, "delivered")
        wanted = await expected(made)
        await server.holds(len(wanted))
        seen = await server.everything()
        assert [each.event["id"] for each in seen if each.headers["Nats-Msg-Id"] != each.event["id"]] == []
        assert {each.event["id"]: each.event["type"] for each in seen} == wanted
        assert len(seen) == len(wanted)
        orders = ids_in_order([each.event for each in seen])
        assert {tuple(order) for order in orders.values()} == {(1, 2, 3, 4)} or all(
            order == sorted(order) for order in orders.values()
        )
        first = seen[0]
        assert first.subject == f"whimbrel.events.{made.account_id}.{first.event['type']}"


async def test_what_is_redacted_while_the_broker_is_away_goes_out_without_its_number(tmp_path):
    server = NatsServer(tmp_path / "nats")
    async with rig(tmp_path) as made:
        await made.seed()
        sent, account_id = await made.send(made.draft()), made.account_id
        await made.all_settled(sent, "delivered")
    async with rig(tmp_path, streams={"ops": target(server, create=True, start="oldest")}) as made:
        stream = made.app.streams["ops"]
        await until(lambda: len(stream._list.records) == 5)  # all read at once, and waiting for the broker
        await made.app.cancel.redact(account_id, False, sent[0])
        await server.start()
        try:
            await server.holds(6)
            told = [each.event["data"] for each in await server.everything() if each.event["message_id"]]
        finally:
            await server.kill()
    assert [message["to"] for message in told] == [None] * 5


async def test_a_node_without_the_stream_leaves_it_to_one_that_has_it(tmp_path: Path):
    if not (tmp_path / POSTGRES).exists():
        pytest.skip("one process owns a SQLite file")
    async with nats_server(tmp_path / "nats") as server, simulated() as simulator:
        streams = {"ops": target(server, create=True, start="oldest")}
        async with (
            installation(tmp_path, simulator) as without,
            installation(tmp_path, simulator, streams=streams) as having,
        ):
            await until(lambda: having.app.owners.fence("duty:stream:ops"))
            await until(lambda: without.app.owners.figures().leases["duty"] > 0)
            await without.seed()
            await without.send(without.draft())
            await server.holds(1)
