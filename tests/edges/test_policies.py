"""Policies, rules of quiet hours and what holds for a number, over HTTP; marketing by their word."""

import pytest

from tests.edges.edge_rig import running_edge
from whimbrel.base.clock import ManualClock

PARIS = "+33612345678"
FLORIDA = "+18505550123"
NIGHT = "2027-03-02T01:00:00Z"
CHECK = "/v1/policies/quiet-hours/check"
RULE = {"title": "Germany", "country": "DE", "hours": {"every": "08:00-20:00", "sun": "closed"}, "source": "Own"}


async def put(edge, body, **more):
    return await edge.ask("PUT", "/v1/policies", json=body, **more)


async def test_a_policy_is_set_as_a_whole_and_what_holds_is_told(edge):
    empty = (await edge.get("/v1/policies")).json
    assert (empty["quiet_hours"], empty["updated_at"], empty["in_force"]["quiet_hours"]) == (None, None, "wait")
    caps = [{"max": 3, "hours": 168, "per": "sender"}]
    answer = await put(edge, {"quiet_hours": "refuse", "caps": caps, "hours": {"every": "09:00-18:00"}})
    assert answer.status == 200, answer.body
    assert answer.json["caps"] == [{"max": 3, "hours": 168, "per": "sender", "senders": []}]
    assert answer.json["in_force"]["hours"] == [{"every": "09:00-18:00"}]
    again = (await put(edge, {"quiet_hours": "off"})).json
    assert (again["caps"], again["hours"], again["in_force"]["quiet_hours"]) == ([], {}, "off")
    (entry,) = [row for row in (await edge.get("/v1/audit")).json["data"] if row["action"] == "policy.set"][:1]
    assert entry["detail"] == {"fields": ["quiet_hours"]}


async def test_no_account_gets_below_the_operators_floor_and_none_sees_anothers_policy(edge):
    other = await edge.new_customer("Other")
    await put(edge, {"quiet_hours": "off"})
    floor = await put(edge, {"quiet_hours": "refuse", "hours": {"every": "10:00-19:00"}}, key=edge.operator)
    assert (floor.status, floor.json["account_id"]) == (200, None)
    for key in (None, other.live):
        seen = (await edge.get("/v1/policies", **({"key": key} if key else {}))).json
        assert (seen["in_force"]["quiet_hours"], seen["in_force"]["hours"]) == ("refuse", [{"every": "10:00-19:00"}])
    assert (await edge.get("/v1/policies", key=other.live)).json["quiet_hours"] is None
    acting = await edge.get("/v1/policies", key=edge.operator, headers={"X-Account-Id": edge.customer.id})
    assert (acting.json["account_id"], acting.json["quiet_hours"]) == (edge.customer.id, "off")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"quiet_hours": "never"}, "/quiet_hours"),
        ({"hours": {"someday": "closed"}}, "/hours/someday"),
        ({"hours": {"mon": "20:00-09:00"}}, "/hours/mon"),
        ({"caps": [{"max": 0, "hours": 24}]}, "/caps/0/max"),
        ({"caps": [{"max": 1, "hours": 9999}]}, "/caps/0/hours"),
        ({"caps": [{"max": 1, "hours": 1}] * 11}, "/caps"),
        ({"quiet": "off"}, "/quiet"),
    ],
)
async def test_what_cannot_be_a_policy(edge, body, pointer):
    answer = await put(edge, body)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert answer.json["errors"][0]["pointer"].startswith(pointer)


async def test_rules_are_listed_with_their_source_and_are_the_operators_to_change(edge):
    rules = {rule["id"]: rule for rule in (await edge.get("/v1/policies/quiet-hours")).json["data"]}
    assert len(rules) == 19 and all(rule["source"] and rule["as_of"] for rule in rules.values())
    assert (rules["US-FL"]["cap"], rules["US-FL"]["confidence"]) == ({"max": 3, "hours": 24}, "secondary")
    path = "/v1/policies/quiet-hours/DE-OWN"
    assert (await edge.ask("PUT", path, json=RULE)).status == 403
    made = await edge.ask("PUT", path, json=RULE, key=edge.operator)
    assert (made.status, made.json["origin"], made.json["confidence"]) == (200, "own", "operator"), made.body
    sunday = (await edge.get(f"{CHECK}?to=%2B4915123456789&at=2027-03-07T12:00:00Z")).json
    assert (sunday["allowed"], sunday["rules"], sunday["next_at"]) == (False, ["DE-OWN"], "2027-03-08T07:00:00.000000Z")
    assert (await edge.ask("DELETE", path, key=edge.operator)).status == 204
    assert (await edge.ask("DELETE", path, key=edge.operator)).status == 404
    off = {"title": "France", "country": "FR", "enabled": False}
    changed = await edge.ask("PUT", "/v1/policies/quiet-hours/FR", json=off, key=edge.operator)
    assert (changed.json["origin"], changed.json["enabled"]) == ("changed", False)
    assert (await edge.get(f"{CHECK}?to=%2B33612345678&at={NIGHT}")).json["allowed"] is True
    await edge.ask("DELETE", "/v1/policies/quiet-hours/FR", key=edge.operator)
    assert (await edge.get(f"{CHECK}?to=%2B33612345678&at={NIGHT}")).json["allowed"] is False


@pytest.mark.parametrize(
    ("id_", "change", "pointer"),
    [
        ("de", {}, "/id"),
        ("DE", {"country": "XX"}, "/country"),
        ("DE", {"title": ""}, "/title"),
        ("DE", {"hours": {"every": "closed"}}, "/hours/every"),
        ("DE", {"subdivisions": ["Bavaria"]}, "/subdivisions/0"),
    ],
)
async def test_what_cannot_be_a_rule(edge, id_, change, pointer):
    answer = await edge.ask("PUT", f"/v1/policies/quiet-hours/{id_}", json=RULE | change, key=edge.operator)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)


async def test_what_holds_for_a_number(edge):
    told = (await edge.get(f"{CHECK}?to={FLORIDA.replace('+', '%2B')}&at=2027-03-02T13:30:00Z")).json
    assert (told["subdivisions"], told["time_zones"]) == (["FL"], ["America/Chicago", "America/New_York"])
    assert (told["allowed"], told["next_at"]) == (False, "2027-03-02T15:00:00.000000Z")
    assert {reason["rule"] for reason in told["reasons"]} == {"US", "US-FL", "US-SAFE"}
    assert told["caps"] == [{"rule": "US-FL", "max": 3, "hours": 24}] and told["quiet_hours"] == "wait"
    assert told["windows"][0] == {"start": "2027-03-02T15:00:00.000000Z", "end": "2027-03-03T01:00:00.000000Z"}
    london = (await edge.get(f"{CHECK}?to=%2B447911123456&at={NIGHT}")).json
    assert (london["allowed"], london["rules"], london["reasons"]) == (True, [], [])
    assert (await edge.get(f"{CHECK}?to=12")).code == "invalid_number"
    assert (await edge.get(f"{CHECK}?to=%2B33612345678&at=9999-12-31T23:00:00Z")).code == "invalid_parameter"


@pytest.fixture
async def in_january(tmp_path):
    """An installation whose clock stands still in January of 2027."""
    async with running_edge(tmp_path, clock=ManualClock()) as running:
        yield running


async def test_a_message_says_why_it_waits_and_explain_says_it_before(in_january):
    edge = in_january
    wanted = {"to": PARIS, "text": "20 % off", "class": "marketing", "send_at": "2027-03-07T12:00:00Z"}
    shown = (await edge.post("/v1/messages/explain", wanted)).json
    timing = shown["timing"]
    assert (timing["allowed"], timing["reason"], timing["rule"]) == (False, "quiet_hours", "FR")
    assert timing["reasons"][0]["hours"] == "closed" and shown["send_at"] == "2027-03-08T07:00:00.000000Z"
    made = (await edge.post("/v1/messages", wanted)).json
    assert (made["status"], made["send_at"]) == ("scheduled", "2027-03-08T07:00:00.000000Z")
    kept = (await edge.get(f"/v1/messages/{made['id']}")).json
    assert kept["reason"]["code"] == "quiet_hours"
    (event,) = (await edge.get(f"/v1/messages/{made['id']}/events")).json["data"]
    assert event["data"]["detail"]["rule"] == "FR" and event["data"]["reason"]["code"] == "quiet_hours"
    refused = await edge.post("/v1/messages", wanted | {"quiet_hours": "refuse"})
    assert (refused.status, refused.code) == (422, "quiet_hours")
    batch = {"messages": [{"to": PARIS}], "defaults": {**wanted, "quiet_hours": "refuse"}}
    batch["defaults"].pop("to")
    (verdict,) = (await edge.post("/v1/messages/batch", batch)).json["data"]
    assert verdict["error"]["code"] == "quiet_hours"
