"""One installation as the provider of another, by the profile `whimbrel`: the texts of one are messages of the other,
whose webhooks bring back what became of them and what phones say.
"""

from urllib.parse import urlsplit

import pytest_asyncio

from whimbrel.store.interface import Search
from whimbrel_sandbox.network import PhoneText

from .edge_rig import SENDER, running_edge, until

PHONE = "+447911123456"


@pytest_asyncio.fixture
async def both(tmp_path):
    """The one that sends, and the one that it sends by."""
    for name in ("provider", "ours"):
        (tmp_path / name).mkdir()
    async with running_edge(tmp_path / "provider") as provider, running_edge(tmp_path / "ours") as ours:
        settings = {"profile": "whimbrel", "url": f"{provider.url}/v1/messages"}
        body = {"name": "upstream", "kind": "http", "settings": settings, "password": provider.customer.live}
        made = await ours.post("/v1/carriers", body, key=ours.operator)
        assert made.status == 201, made.body
        for name, events in (("receipts_url", ["message.*"]), ("inbound_url", ["message.received"])):
            hook = {"url": ours.url + urlsplit(made.json[name]).path, "events": events}
            assert (await provider.post("/v1/webhooks", hook)).status == 201
        (route,) = (await ours.get("/v1/routes", key=ours.operator)).json["data"]
        patch = {"carriers": [made.json["id"]]}
        assert (await ours.ask("PATCH", f"/v1/routes/{route['id']}", key=ours.operator, json=patch)).status == 200
        yield ours, provider


async def ended(edge, message_id):
    async def there():
        shown = (await edge.get(f"/v1/messages/{message_id}")).json
        return shown if shown["final_at"] else None

    return await until(there)


async def heard(edge, count):
    async def there():
        wanted = Search(account_id=edge.customer.id, test=False, direction="in")
        found = [message.text for message in await edge.app.store.search(wanted, 1000)][::-1]
        return found if len(found) >= count else None

    return await until(there)


async def test_texts_go_out_and_their_receipts_and_answers_come_back(both):
    ours, provider = both
    sent = (await ours.send(to=PHONE, text="Grüße 🐦")).json["id"]
    failing = (await ours.send(to="+15005550227")).json["id"]
    assert (await ended(ours, sent))["status"] == "delivered"
    shown = await ended(ours, failing)
    assert (shown["status"], shown["reason"]["code"]) == ("undelivered", "absent_subscriber")
    assert [text.text for text in provider.simulator.network.phones.read(PHONE[1:])] == ["Grüße 🐦"]
    provider.simulator.network.send_text(PHONE, PhoneText(to=SENDER, text="Thank you"))
    assert await heard(ours, 1) == ["Thank you"]
    assert await heard(provider, 1) == ["Thank you"]


async def test_what_the_other_refuses_is_told(both):
    ours, provider = both
    provider.simulator.network.send_text(PHONE, PhoneText(to=SENDER, text="STOP"))
    assert await heard(ours, 1) == ["STOP"]
    await until(lambda: ours.app.tables.opt_outs.get(ours.customer.id))  # it is stored a moment before it holds
    assert (await ours.send(to=PHONE)).code == "opted_out"  # it is heard here too, and before the other is asked
    suspended = await provider.post(f"/v1/accounts/{provider.customer.id}/suspend", key=provider.operator)
    assert suspended.status == 200, suspended.body
    shown = await ended(ours, (await ours.send(to="+447911123457")).json["id"])
    assert shown["status"] == "failed"
