"""The resources of the control plane over HTTP, each through its life, and lists page by page."""

import datetime

import pytest
import pytest_asyncio

from whimbrel.base import moments
from whimbrel.store import reads
from whimbrel.store.interface import Write
from whimbrel_sandbox.network import PhoneText

from .edge_rig import NUMBER, running_edge, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("resources")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    await installation.give_sender(installation.customer.id, "Acme")
    return installation


async def pages(edge, path, key=None):
    """Ids of a list read two by two."""
    found, cursor = [], ""
    while True:
        page = (await edge.get(f"{path}{'&' if '?' in path else '?'}limit=2{cursor}", key=key)).json
        assert len(page["data"]) <= 2
        found += [row["id"] for row in page["data"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


# ---------------------------------------------------------------- messages


async def final(edge, message_id):
    async def read():
        message = (await edge.get(f"/v1/messages/{message_id}")).json
        return message if message["final_at"] else None

    return await until(read)


async def test_a_text_from_the_request_to_its_receipt(edge):
    fields = {"text": "Your code is 123456.", "class": "otp", "metadata": {"order": 7}, "tags": ["signup"]}
    sent = (await edge.send(**fields)).json
    assert (sent["status"], sent["to"], sent["segments"], sent["price"]) == ("queued", NUMBER, 1, "0.0075")
    message = await final(edge, sent["id"])
    assert message["status"] == "delivered"
    same = set(sent) - {"status", "updated_at", "sent_at", "final_at", "carrier_id", "route_id"}
    assert {name: message[name] for name in same} == {name: sent[name] for name in same}
    timeline = (await edge.get(f"/v1/messages/{sent['id']}/events")).json
    told = [(event["seq"], event["type"]) for event in timeline["data"]]
    assert told == list(enumerate([f"message.{s}" for s in ("queued", "sending", "sent", "delivered")], 1))
    (attempt,) = timeline["attempts"]
    assert (attempt["state"], attempt["receipt_state"], attempt["carrier"]) == ("resolved", "delivered", "Tern")
    assert (await edge.get(f"/v1/messages/{sent['id']}/attempts")).json["data"] == [attempt]


async def test_the_number_is_answered_as_it_is_stored_and_the_text_as_it_is_sent(edge):
    sent = (await edge.send(to="+1 (415) 555-0123", text="“Fine” – it’s on…", smart=True)).json
    assert sent["to"] == NUMBER
    assert (sent["text"], sent["encoding"]) == ('"Fine" - it\'s on...', "gsm7")
    stored = (await edge.get(f"/v1/messages/{sent['id']}")).json
    assert (stored["text"], stored["replaced"]) == (sent["text"], sent["replaced"])


async def test_a_scheduled_text_is_canceled_redacted_and_deleted(edge):
    day = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=300)
    sent = (await edge.send(send_at=f"{day}T12:00:00+02:00")).json
    assert (sent["status"], sent["send_at"]) == ("scheduled", f"{day}T10:00:00.000000Z")
    path = f"/v1/messages/{sent['id']}"
    assert (await edge.post(f"{path}/redact")).code == "not_final"
    assert (await edge.ask("DELETE", path)).code == "not_final"
    for _ in range(2):
        assert (await edge.post(f"{path}/cancel")).json["status"] == "canceled"
    assert (await edge.post(f"{path}/redact")).json["text"] is None
    assert (await edge.ask("DELETE", path)).status == 204
    assert (await edge.get(path)).code == "not_found"


async def test_what_was_delivered_cannot_be_canceled(edge):
    sent = (await edge.send()).json
    await final(edge, sent["id"])
    answer = await edge.post(f"/v1/messages/{sent['id']}/cancel")
    assert (answer.status, answer.code) == (409, "not_cancelable")


async def test_explain_tells_every_step_and_stores_nothing(edge):
    answer = (await edge.post("/v1/messages/explain", {"to": NUMBER, "text": "Größe: 3 €, ok ✓"})).json
    assert answer["verdict"] == "accepted"
    assert [each["character"] for each in answer["encoding"]["foreign"]] == ["✓"]
    assert answer["routing"]["carriers"] and answer["price"]["price"] == "0.0075"
    refused = (await edge.post("/v1/messages/explain", {"to": "nobody", "text": "x"})).json
    assert (refused["verdict"], refused["refusal"]["code"]) == ("refused", "invalid_number")
    assert (await edge.get("/v1/messages")).json["data"] == []
    step = {"available": "100.00", "needed": "0.0075", "currency": "USD", "covered": True}
    assert answer["balance"] == step and refused["balance"] is None


async def test_explain_looks_at_the_balance_as_accept_does(edge):
    poor = await edge.new_customer("Poor", credit="0.01")
    await edge.give_sender(poor.id, "Poor")
    for text, verdict, covered in (("x", "accepted", True), ("x" * 161, "refused", False)):
        fields = {"to": NUMBER, "text": text}
        told = (await edge.post("/v1/messages/explain", fields, key=poor.live)).json
        assert (told["verdict"], told["balance"]["covered"], told["balance"]["available"]) == (verdict, covered, "0.01")
        if not covered:
            problem = (await edge.send(key=poor.live, text=text)).json
            refusal = told["refusal"]
            assert (refusal["code"], refusal["detail"]) == (problem["code"], problem["detail"])
            assert (refusal["code"], refusal["pointer"]) == ("insufficient_balance", "")
    dear = {"to": NUMBER, "text": "x" * 161, "max_price": "0.001"}
    told = (await edge.post("/v1/messages/explain", dear, key=poor.live)).json
    assert (told["refusal"]["code"], told["balance"]["covered"]) == ("price_over_max", False)
    free = (await edge.post("/v1/messages/explain", {"to": NUMBER, "text": "x" * 161}, key=poor.test)).json
    assert (free["verdict"], free["price"], free["balance"]) == ("accepted", None, None)


async def test_search(edge):
    await edge.ask("PUT", "/v1/policies", json={"quiet_hours": "off"})
    sent = [(await edge.send(text=f"n{i}", tags=[f"t{i % 2}"], **{"class": "marketing"})).json for i in range(5)]
    ids = [each["id"] for each in reversed(sent)]
    other = (await edge.send(to="+447911123456")).json["id"]
    assert await pages(edge, "/v1/messages") == [other, *ids]
    assert await pages(edge, "/v1/messages?class=marketing&tag=t1") == [ids[1], ids[3]]
    assert await pages(edge, "/v1/messages?sender=Acme&direction=out&class=marketing") == ids
    assert await pages(edge, f"/v1/messages?created_to={sent[0]['created_at']}") == []
    assert await pages(edge, f"/v1/messages?created_from={sent[3]['created_at']}&class=marketing") == ids[:2]
    for each in [other, *ids]:
        await final(edge, each)
    assert await pages(edge, "/v1/messages?status=delivered,sent") == [other, *ids]
    assert await pages(edge, "/v1/messages?status=failed") == []
    await until(lambda: by_number(edge, "to", other))
    assert await pages(edge, "/v1/messages?number=%2B447911123456") == [other]


async def by_number(edge, name, message_id):
    """The look-up by number is filled from the event log, a moment later."""
    return await pages(edge, f"/v1/messages?{name}=%2B447911123456") == [message_id]


async def test_a_batch_of_a_thousand(edge):
    batch = {"messages": [{"to": f"+1415555{n:04}"} for n in range(1000)], "defaults": {"text": "Hi", "tags": ["b"]}}
    answer = (await edge.post("/v1/messages/batch", batch)).json
    assert (answer["accepted"], answer["rejected"], len(answer["data"])) == (1000, 0, 1000)
    assert [each["to"] for each in answer["data"]] == [each["to"] for each in batch["messages"]]
    one = (await edge.get(f"/v1/messages/{answer['data'][7]['id']}")).json
    assert (one["to"], one["text"], one["tags"]) == ("+14155550007", "Hi", ["b"])


# ---------------------------------------------------------------- the rest


async def test_accounts_and_keys(edge):
    made = await edge.post("/v1/accounts", {"name": "Branch"})
    assert (made.status, made.headers["Location"]) == (201, f"/v1/accounts/{made.json['id']}")
    assert len(made.json["auth_token"]) == 32 and made.json["callback_secret"].startswith("whsec_")
    path = made.headers["Location"]
    assert "auth_token" not in (await edge.get(path)).json
    assert (await edge.ask("PATCH", path, json={"name": "Branch 2"})).json["name"] == "Branch 2"
    secret = f"{path}/callback-secret"
    assert (await edge.get(secret)).json == {"id": made.json["id"], "secret": made.json["callback_secret"]}
    rotated = (await edge.post(f"{path}/rotate-callback-secret")).json
    assert rotated["secret"] != made.json["callback_secret"]
    assert (await edge.get(secret)).json == rotated
    stranger = await edge.new_customer("Stranger")
    assert (await edge.get(secret, key=stranger.live)).code == "not_found"
    assert (await edge.post(f"{path}/close")).json["status"] == "closed"
    assert (await edge.post(f"{path}/activate")).code == "conflict"
    assert (await edge.get("/v1/accounts")).json["data"][0]["id"] == made.json["id"]
    key = await edge.post("/v1/keys", {"name": "k", "scopes": ["messages:read"], "mode": "test"})
    assert key.json["key"].startswith("wk_test_")
    assert "key" not in (await edge.get(f"/v1/keys/{key.json['id']}")).json
    assert len(await pages(edge, "/v1/keys")) == 3
    weak = await edge.new_key(edge.customer.id, ("keys:write",))
    assert (await edge.post("/v1/keys", {"name": "k", "scopes": ["messages:read"]}, key=weak)).status == 422


async def test_senders(edge):
    (sender,) = (await edge.get("/v1/senders")).json["data"]
    path = f"/v1/senders/{sender['id']}"
    assert (await edge.get(path)).json["value"] == "Acme"
    assert (await edge.ask("PATCH", path, json={"countries": ["US"]})).json["countries"] == ["US"]
    named = {"X-Account-Id": edge.customer.id}
    assert (await edge.ask("DELETE", path, key=edge.operator, headers=named)).status == 204
    assert (await edge.get(path)).code == "not_found"


async def test_carriers_routes_and_prices(edge):
    operator = {"key": edge.operator}
    settings = {"host": "127.0.0.1", "port": 9, "system_id": "x"}
    made = await edge.post("/v1/carriers", {"name": "Plover", "password": "secret", "settings": settings}, **operator)
    assert made.status == 201 and "password" not in made.json
    path = f"/v1/carriers/{made.json['id']}"
    changed = await edge.ask("PATCH", path, json={"settings": {"window": 7}}, **operator)
    assert (changed.json["settings"]["window"], changed.json["settings"]["port"]) == (7, 9)
    bad = await edge.ask("PATCH", path, json={"settings": {"colour": 7}}, **operator)
    assert bad.json["errors"][0]["pointer"] == "/settings/colour"
    assert (await edge.post(f"{path}/pause", **operator)).json["status"] == "paused"
    assert (await edge.get(f"{path}/health", **operator)).json["status"] == "paused"
    names = [each["name"] for each in (await edge.get("/v1/carriers/health", **operator)).json["data"]]
    assert {"Tern", "Plover"} <= set(names)
    tern = next(each for each in (await edge.get("/v1/carriers/health", **operator)).json["data"] if each["health"])
    assert moments.from_text(tern["health"]["since"]) > 0 and tern["health"]["since"].endswith("Z")
    one = (await edge.get(f"/v1/carriers/{tern['id']}/health", **operator)).json
    assert one["health"]["since"] == tern["health"]["since"]
    assert (await edge.post(f"{path}/resume", **operator)).json["status"] == "active"
    route = await edge.post("/v1/routes", {"carriers": [made.json["id"]], "prefix": "49", "position": 1}, **operator)
    assert (await edge.ask("DELETE", path, **operator)).code == "in_use"
    assert (await edge.get("/v1/routes", **operator)).json["data"][0]["id"] == route.json["id"]
    route_path = route.headers["Location"]
    assert (await edge.ask("PATCH", route_path, json={"enabled": False}, **operator)).json["enabled"] is False
    assert (await edge.ask("DELETE", route_path, **operator)).status == 204
    assert (await edge.ask("DELETE", path, **operator)).status == 204
    price = {"prefix": "44", "price": "0.04", "account_id": edge.customer.id}
    set_price = (await edge.post("/v1/prices", price, **operator)).json
    assert (await edge.get(f"/v1/prices/{set_price['id']}")).json["price"] == "0.04"
    many = {"prices": [{"prefix": str(n), "price": "0.01"} for n in range(30, 40)]}
    assert (await edge.post("/v1/prices/batch", many, **operator)).json == {"count": 10}
    assert (await edge.send(to="+447911123456")).json["price"] == "0.04"


async def test_addresses_of_a_providers_calls_are_for_who_may_change_the_carrier(edge):
    settings = {"url": "https://api.example.com/sms", "fields": {"to": "{to}", "text": "{text}"}}
    new = {"name": "Godwit", "kind": "http", "settings": settings}
    made = (await edge.post("/v1/carriers", new, key=edge.operator)).json
    path = f"/v1/carriers/{made['id']}"
    reader = await edge.new_key(None, ("carriers:read",))
    assert (await edge.get(path, key=edge.operator)).json["receipts_url"] == made["receipts_url"]
    shown = [(await edge.get(path, key=reader)).json, (await edge.get("/v1/carriers", key=reader)).json["data"][0]]
    assert [(each["id"], each["receipts_url"], each["inbound_url"]) for each in shown] == [(made["id"], None, None)] * 2
    assert (await edge.ask("DELETE", path, key=edge.operator)).status == 204


async def test_money(edge):
    named = {"key": edge.operator, "headers": {"X-Account-Id": edge.customer.id}}
    topped_up = await edge.post("/v1/balance/top-up", {"amount": "1.5", "note": "x"}, **named)
    assert topped_up.json["available"] == "101.50"
    assert (await edge.post("/v1/balance/top-up", {"amount": "-1"}, **named)).status == 422
    await final(edge, (await edge.send()).json["id"])
    balance = (await edge.get("/v1/balance")).json
    assert (balance["available"], balance["held"], balance["spent"]) == ("101.4925", "0.00", "0.0075")
    kinds = [row["kind"] for row in (await edge.get("/v1/ledger")).json["data"]]
    assert kinds.count("top_up") == 2 and len(kinds) == 4


async def test_opt_outs(edge):
    made = await edge.post("/v1/opt-outs", {"number": NUMBER})
    assert made.status == 201 and made.json["number"] == "+1415••••123"
    assert (await edge.send()).code == "opted_out"
    asked = await edge.get("/v1/opt-outs?number=%2B14155550123")
    assert [each["id"] for each in asked.json["data"]] == [made.json["id"]]
    assert (await edge.get("/v1/opt-outs?number=%2B14155550124")).json["data"] == []
    imported = await edge.post("/v1/opt-outs/batch", {"numbers": [NUMBER, "+447911123456"]})
    assert imported.json == {"created": 1, "known": 1}
    assert len(await pages(edge, "/v1/opt-outs")) == 2
    assert (await edge.ask("DELETE", f"/v1/opt-outs/{made.json['id']}")).status == 204
    assert (await edge.send()).status == 202


async def test_webhooks(edge):
    made = await edge.post("/v1/webhooks", {"url": "http://127.0.0.1:9/x", "events": ["message.delivered"]})
    assert made.status == 201 and made.json["secret"].startswith("whsec_")
    path = made.headers["Location"]
    assert "secret" not in (await edge.get(path)).json
    assert (await edge.get(f"{path}/secret")).json["secret"] == made.json["secret"]
    assert (await edge.post(f"{path}/rotate")).json["secret"] != made.json["secret"]
    assert (await edge.ask("PATCH", path, json={"events": ["*"]})).json["events"] == ["*"]
    sent = (await edge.send()).json["id"]
    await final(edge, sent)

    async def tried():
        return (await edge.get(f"{path}/tries")).json["data"]

    assert (await until(tried))[0]["ok"] is False
    waiting = (await edge.get(f"{path}/deliveries?state=waiting")).json["data"]
    assert waiting and waiting[0]["webhook_id"] == made.json["id"]
    event_id = (await edge.get(f"/v1/messages/{sent}/events")).json["data"][0]["id"]
    assert (await edge.post(f"{path}/replay", {"event_id": event_id})).json["count"] == 1
    span = {"since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}
    assert (await edge.post(f"{path}/replay", span)).json["count"] == 5  # with that of its sender
    assert (await edge.post(f"{path}/replay", {"dead": True})).status == 200
    for nothing in ({}, {"dead": True, "event_id": event_id}, {"since": "2020-01-01T00:00:00Z"}):
        assert (await edge.post(f"{path}/replay", nothing)).code == "invalid_request"
    assert (await edge.post(f"{path}/disable")).json["status"] == "disabled"
    assert (await edge.post(f"{path}/enable")).json["status"] == "active"
    assert (await edge.ask("DELETE", path)).status == 204
    for url in ("http://10.0.0.1/", "ftp://example.com/", "https://user:pw@example.com/", "nowhere"):
        assert (await edge.post("/v1/webhooks", {"url": url})).code == "webhook_url_refused"


async def test_events_page_by_page(edge):
    for _ in range(3):
        await final(edge, (await edge.send()).json["id"])
    found, cursor = [], ""
    while True:
        page = (await edge.get(f"/v1/events?limit=5&types=message.*{cursor}")).json
        cursor = f"&after={page['next_cursor']}"
        if not page["data"]:
            break
        found += page["data"]
    assert len({each["id"] for each in found}) == len(found) == 12
    some = (await edge.get("/v1/events?types=message.delivered,opt_out.*&limit=100")).json["data"]
    assert [each["type"] for each in some] == ["message.delivered"] * 3


async def test_a_rare_type_is_found_behind_many_others(edge):
    sent = [(await edge.send()).json["id"] for _ in range(4)]
    for each in sent:
        await final(edge, each)
    await edge.post("/v1/opt-outs", {"number": NUMBER})
    page = (await edge.get("/v1/events?types=opt_out.created&limit=1")).json
    assert [each["type"] for each in page["data"]] == ["opt_out.created"]
    again = (await edge.get(f"/v1/events?types=opt_out.created&limit=1&after={page['next_cursor']}")).json
    assert again["data"] == []


async def test_an_inbound_text_tells_its_keyword_in_the_list_too(edge):
    sender = "+12025550142"
    await edge.give_sender(edge.customer.id, sender)
    for text in ("STOP", "Thanks"):
        edge.simulator.network.send_text("+14155550177", PhoneText(to=sender, text=text, system_id="whimbrel"))

    async def both():
        listed = (await edge.get("/v1/inbound")).json["data"]
        return listed if len(listed) == 2 else None

    listed = await until(both)
    assert {each["text"]: each["keyword"] for each in listed} == {"STOP": "STOP", "Thanks": None}
    for each in listed:
        assert (await edge.get(f"/v1/inbound/{each['id']}")).json == each


@pytest.fixture
def short_stretches(monkeypatch):
    monkeypatch.setattr(reads, "EVENTS_SCAN_MAX", 5)


async def crowd(edge, count):
    """So many events of somebody else."""
    stranger = (await edge.new_customer("Stranger")).id
    rows = tuple((stranger, 0, edge.app.ids.new("OO"), 1, "opt_out.created", "{}", 0, 1) for _ in range(count))
    await edge.app.store.write([Write("event_insert", rows)])


async def test_a_page_of_events_is_bounded_and_its_cursor_moves_on(edge, short_stretches):
    await final(edge, (await edge.send()).json["id"])
    await crowd(edge, 23)
    await final(edge, (await edge.send()).json["id"])
    sizes, cursors_seen, cursor = [], [""], ""
    while True:
        page = (await edge.get(f"/v1/events?limit=5{cursor}")).json
        if page["next_cursor"] == cursors_seen[-1]:
            break
        sizes.append(len(page["data"]))
        cursors_seen.append(page["next_cursor"])
        cursor = f"&after={page['next_cursor']}"
    assert sum(sizes) == 1 + 8  # of its sender and of its messages
    assert sizes.count(0) >= 3
    assert len(set(cursors_seen)) == len(cursors_seen)
    assert page["data"] == []
    await final(edge, (await edge.send()).json["id"])
    found, before = [], ""
    while len(found) < 4 and cursor != before:  # events of other tests' messages may still come in between
        page = (await edge.get(f"/v1/events?limit=5{cursor}")).json
        before, cursor = cursor, f"&after={page['next_cursor']}"
        found += page["data"]
    assert len(found) == 4


async def test_audit(edge):
    await edge.ask("PATCH", f"/v1/accounts/{edge.customer.id}", json={"name": "Renamed"})
    entry = (await edge.get("/v1/audit")).json["data"][0]
    assert (entry["action"], entry["subject_id"]) == ("account.updated", edge.customer.id)
    assert entry["actor"].startswith("KE")
    everything = (await edge.get("/v1/audit?limit=100", key=edge.operator)).json["data"]
    assert len({each["account_id"] for each in everything}) > 1


async def test_health_metrics_and_pages_need_no_key(edge):
    assert (await edge.get("/healthz", key="")).json == {"status": "ok"}
    assert (await edge.get("/readyz", key="")).json == {"status": "ready"}
    assert b"whimbrel_http_requests_total" in (await edge.get("/metrics", key="")).body
    root = await edge.get("/", key="", allow_redirects=False)
    assert (root.status, root.headers["Location"], root.body) == (302, "/docs", b"")
    for path in ("/docs", "/docs/errors", "/docs/events", "/docs/style.css", "/openapi.json"):
        answer = await edge.get(path, key="")
        assert answer.status == 200 and answer.body, path
