"""Events to NATS JetStream: a real server, the whole application, and as the verdict what a consumer that is not ours
reads from the stream, against the events of the store.
"""

from tests.net.nats_server import NatsServer, ids_in_order, nats_server
from whimbrel.domain.callbacks import event_view
from whimbrel.sections import Stream

from .rig import Rig, rig


def target(server: NatsServer, **more: object) -> Stream:
    return Stream(servers=(server.address,), **more)


async def expected(made: Rig) -> dict[str, str]:
    """Type of each event of live traffic in the log, by id."""
    events = [event for event in await made.app.store.events_after(0, 1_000_000) if not event.test]
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
