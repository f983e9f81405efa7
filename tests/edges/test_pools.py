"""Sender pools over HTTP: what is told of one, what is refused by which field, and that a refusal changes nothing."""

import pytest

from tests.edges.edge_rig import SENDER

URL = "http://127.0.0.1:1/status"


@pytest.fixture
async def pool(edge):
    made = await edge.post("/v1/pools", {"name": "support", "senders": [SENDER]})
    assert made.status == 201, made.body
    return f"/v1/pools/{made.json['id']}"


async def _name(edge, value="Acme"):
    headers = {"X-Account-Id": edge.customer.id}
    return (await edge.post("/v1/senders", {"value": value}, key=edge.operator, headers=headers)).json["id"]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"name": ""}, "invalid_request", "/name"),
        ({"name": None}, "invalid_request", "/name"),
        ({"name": "other"}, "conflict", None),
        ({"queue_max_s": 0}, "invalid_request", "/queue_max_s"),
        ({"queue_max_s": 604_801}, "invalid_request", "/queue_max_s"),
        ({"fallback": "Nobody"}, "sender_not_allowed", "/fallback"),
        ({"validity": 1}, "invalid_request", "/validity"),
        ({"callback_url": "ftp://x"}, "webhook_url_refused", "/callback_url"),
        ({"usecase": "x" * 65}, "invalid_request", "/usecase"),
        ({"sticky": "yes"}, "invalid_request", "/sticky"),
        ({"rate": 1}, "invalid_request", "/rate"),
    ],
)
async def test_what_cannot_be_changes_nothing(edge, pool, change, code, pointer):
    await edge.post("/v1/pools", {"name": "other"})
    before = (await edge.get(pool)).json
    refused = await edge.ask("PATCH", pool, json=change)
    assert refused.code == code
    assert pointer in {None, *(each["pointer"] for each in refused.json.get("errors", ()))}
    assert (await edge.get(pool)).json == before


@pytest.mark.parametrize(
    ("sender", "member", "code", "pointer"),
    [
        (SENDER, {"weight": -1}, "invalid_request", "/weight"),
        (SENDER, {"weight": 1_001}, "invalid_request", "/weight"),
        (SENDER, {"rate_per_min": 60_001}, "invalid_request", "/rate_per_min"),
        (SENDER, {"daily_cap": -1}, "invalid_request", "/daily_cap"),
        (SENDER, {"countries": ["gb"]}, "invalid_request", "/countries/0"),
        ("Nobody", {}, "sender_not_allowed", "/sender"),
    ],
)
async def test_a_member_that_cannot_be_changes_nothing(edge, pool, sender, member, code, pointer):
    before = (await edge.get(pool)).json
    refused = await edge.ask("PUT", f"{pool}/members/{sender}", json=member)
    assert (refused.code, [each["pointer"] for each in refused.json["errors"]]) == (code, [pointer])
    assert (await edge.get(pool)).json == before


async def test_a_pool_is_changed_found_by_its_name_and_deleted(edge, pool):
    assert (await edge.get("/v1/pools?name=support")).json["data"] == [(await edge.get(pool)).json]
    assert (await edge.get("/v1/pools?name=Support")).json["data"] == []
    changed = await edge.ask("PATCH", pool, json={"sticky": False, "validity": 60, "callback_url": URL})
    assert (changed.json["sticky"], changed.json["validity"], changed.json["callback_url"]) == (False, 60, URL)
    member = await edge.ask("PUT", f"{pool}/members/{SENDER}", json={"weight": 3, "rate_per_min": 60})
    (told,) = member.json["members"]
    assert (told["sender"], told["weight"], told["rate_per_min"], told["health"]["sick"]) == (SENDER, 3, 60, False)
    assert (await edge.ask("DELETE", f"{pool}/members/{SENDER}")).status == 204
    assert (await edge.ask("DELETE", f"{pool}/members/{SENDER}")).code == "not_found"
    assert (await edge.ask("DELETE", pool)).status == 204
    assert (await edge.get(pool)).code == "not_found"


async def test_a_fallback_that_was_taken_away_is_none_any_more(edge, pool):
    name = await _name(edge)
    changed = await edge.ask("PATCH", pool, json={"fallback": "Acme"})
    assert changed.json["fallback"] == name
    await edge.ask("DELETE", f"/v1/senders/{name}", key=edge.operator, headers={"X-Account-Id": edge.customer.id})
    assert (await edge.get(pool)).json["fallback"] is None
    assert (await edge.get("/v1/pools")).json["data"][0]["fallback"] is None
