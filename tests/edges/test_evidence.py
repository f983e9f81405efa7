"""What is told about a message beside its events: how it came in, and what webhooks were told."""

from tests.journey.sink import listening
from whimbrel.domain import retries
from whimbrel.domain.retries import HOUR_S

from .edge_rig import until


async def test_how_a_message_came_in_is_told(edge):
    message_id = (await edge.send()).json["id"]

    async def delivered():
        return (await edge.get(f"/v1/messages/{message_id}")).json["status"] == "delivered"

    await until(delivered)
    accepted = (await edge.get(f"/v1/messages/{message_id}/events")).json["accepted"]
    (carrier,) = accepted.pop("carriers")
    assert carrier["name"] == "Tern"
    assert accepted["route_id"].startswith("RT")
    assert (accepted["idempotency_key"], accepted["credential_id"]) == (None, None)
    assert (accepted["door"], accepted["held"], accepted["charged"]) == ("rest", "0.00", "0.0075")


async def test_the_key_of_its_request_is_told(edge):
    first = (await edge.send(headers={"Idempotency-Key": "order-4711"})).json["id"]
    test = (await edge.send(headers={"Idempotency-Key": "order-4711"}, key=edge.customer.test)).json["id"]
    texts = {"messages": [{"to": "+14155550123", "text": str(n)} for n in range(3)]}
    batch = (await edge.post("/v1/messages/batch", texts, headers={"Idempotency-Key": "batch-1"})).json["data"]

    async def key_of(message_id, key=None):
        told = (await edge.get(f"/v1/messages/{message_id}/events", key=key)).json
        return told["accepted"]["idempotency_key"]

    assert await key_of(first) == "order-4711"
    assert await key_of(test, edge.customer.test) == "order-4711"
    assert [await key_of(each["id"]) for each in batch] == ["batch-1"] * 3


async def test_what_webhooks_answered_about_a_message_is_told(edge, monkeypatch):
    monkeypatch.setattr(retries, "SCHEDULE_S", (0, *[HOUR_S] * 9))  # one try of each
    async with listening() as receiver:
        receiver.always["/bad"] = 500
        good = await edge.post("/v1/webhooks", {"url": f"{receiver.url}/good", "events": ["message.delivered"]})
        bad = await edge.post("/v1/webhooks", {"url": f"{receiver.url}/bad", "events": ["message.delivered"]})
        first, second = [(await edge.send()).json["id"] for _ in range(2)]

        async def told():
            found = (await edge.get(f"/v1/messages/{first}/deliveries")).json
            return found if len(found["data"]) == 2 and found["waiting"] else None

        found = await until(told)
        by_webhook = {row["webhook_id"]: row for row in found["data"]}
        assert (by_webhook[good.json["id"]]["status"], by_webhook[good.json["id"]]["ok"]) == (204, True)
        assert (by_webhook[bad.json["id"]]["status"], by_webhook[bad.json["id"]]["ok"]) == (500, False)
        (waiting,) = found["waiting"]
        assert (waiting["webhook_id"], waiting["state"], waiting["tries"]) == (bad.json["id"], "waiting", 1)
        assert waiting["event_id"] == by_webhook[good.json["id"]]["event_id"]
        assert (await edge.get(f"/v1/messages/{second}/deliveries")).json != found


async def test_nobody_else_is_told(edge):
    message_id = (await edge.send()).json["id"]
    other = await edge.new_customer("Other")
    assert (await edge.get(f"/v1/messages/{message_id}/deliveries", key=other.live)).code == "not_found"
    assert (await edge.get(f"/v1/messages/{message_id}/deliveries", key=edge.customer.test)).code == "not_found"
