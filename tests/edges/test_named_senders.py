"""Senders that campaigns, schedules, flows, hooks, mailboxes and verify services name: one that accept would refuse in
every case is refused when it is kept, and nothing is."""

import pytest
import pytest_asyncio

from tests.edges.edge_rig import SENDER, running_edge

pytestmark = pytest.mark.asyncio(loop_scope="module")
OURS = SENDER


def _flow(sender):
    return {
        "name": "flow",
        "document": {
            "trigger": {"type": "api"},
            "start": "a",
            "steps": {"a": {"type": "send", "text": "Hi"} | ({} if sender is None else {"sender": sender})},
        },
    }


def _hook(sender):
    rule = {"name": "r", "to": ["phone"], "text": "Hi"} | ({} if sender is None else {"sender": sender})
    return {"name": "hook", "preset": "generic", "rules": [rule]}


PRODUCTS = {
    "/v1/campaigns": (
        lambda sender: {"name": "c", "audience": {"everybody": True}, "text": "Hi", "sender": sender},
        "/sender",
        lambda sender: {"sender": sender},
    ),
    "/v1/schedules": (
        lambda sender: {
            "name": "s", "starts_at": "2199-01-07T09:00", "text": "Hi", "recipients": ["+447400123451"],
            "sender": sender,
        },
        "/sender",
        lambda sender: {"sender": sender},
    ),
    "/v1/flows": (_flow, "/document/steps/a/sender", lambda sender: {"document": _flow(sender)["document"]}),
    "/v1/hooks": (_hook, "/rules/0/sender", lambda sender: {"rules": _hook(sender)["rules"]}),
    "/v1/mailboxes": (
        lambda sender: {"name": "m", "senders": ["@shop.example"], "sender": sender or ""},
        "/sender",
        lambda sender: {"sender": sender or ""},
    ),
    "/v1/verify/services": (
        lambda sender: {"name": "v", "settings": {"sender": sender or ""}},
        "/settings/sender",
        lambda sender: {"settings": {"sender": sender or ""}},
    ),
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("named")) as running:
        yield running


@pytest.mark.parametrize("path", PRODUCTS)
async def test_a_sender_that_is_none_of_the_accounts_is_refused_when_it_is_named(edge, path):
    body, pointer, change = PRODUCTS[path]
    kept = (await edge.get(path)).json["data"]
    for sender, status, code in (("Nope", 403, "sender_not_allowed"), ("+", 422, "invalid_sender")):
        refused = await edge.post(path, body(sender))
        assert (refused.status, refused.code) == (status, code), refused.json
        assert [(each["pointer"], each["code"]) for each in refused.json["errors"]] == [(pointer, code)]
    assert (await edge.get(path)).json["data"] == kept
    made = await edge.post(path, body(OURS))
    assert made.status == 201, made.json
    one = f"{path}/{made.json['id']}"
    assert (await edge.ask("PATCH", one, json=change("Nope"))).code == "sender_not_allowed"
    before = (await edge.get(one)).json
    assert OURS in str(before) and "Nope" not in str(before)
    assert (await edge.ask("PATCH", one, json=change(None))).status == 200
    assert OURS not in str((await edge.get(one)).json)


async def test_what_was_kept_before_its_sender_went_can_be_paused_and_named(edge):
    await edge.give_sender(edge.customer.id, "Fleeting")
    body, _, _ = PRODUCTS["/v1/schedules"]
    schedule = f"/v1/schedules/{(await edge.post('/v1/schedules', body('Fleeting'))).json['id']}"
    await edge.take_sender(edge.customer.id, "Fleeting")
    for change in ({"status": "paused"}, {"name": "s2"}, {"text": "Hello"}):
        assert (await edge.ask("PATCH", schedule, json=change)).status == 200
    assert (await edge.ask("PATCH", schedule, json={"sender": None})).json["sender"] is None


async def test_a_campaign_may_name_its_pool_in_place_of_a_sender(edge):
    pool = (await edge.post("/v1/pools", {"name": "Crew", "senders": [OURS]})).json["id"]
    body, _, _ = PRODUCTS["/v1/campaigns"]
    assert (await edge.post("/v1/campaigns", body("Crew") | {"pool": pool})).status == 201
    assert (await edge.post("/v1/campaigns", body("Other") | {"pool": pool})).code == "sender_not_allowed"


async def test_a_schedule_says_something_else_from_now_on(edge):
    """A text, a template or a flow takes the place of what it said before."""
    flow = (await edge.post("/v1/flows", _flow(None) | {"name": "one"})).json["id"]
    other = (await edge.post("/v1/flows", _flow(None) | {"name": "other"})).json["id"]
    body, _, _ = PRODUCTS["/v1/schedules"]
    path = f"/v1/schedules/{(await edge.post('/v1/schedules', body(None))).json['id']}"
    said = []
    for change in ({"flow_id": flow}, {"flow_id": other}, {"text": "Again"}):
        now = await edge.ask("PATCH", path, json=change)
        assert now.status == 200, now.json
        said.append((now.json["text"], now.json["flow_id"], now.json["class"]))
    assert said == [(None, flow, "transactional"), (None, other, "transactional"), ("Again", None, "transactional")]
    both = await edge.ask("PATCH", path, json={"flow_id": flow, "template": "x"})
    assert [each["pointer"] for each in both.json["errors"]] == ["/text"]
