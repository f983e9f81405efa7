"""Alarms begin flows: nobody's number stands in them, the flow knows whom to text."""

import json

import pytest_asyncio

from .edge_rig import running_edge, until

ON_CALL = ["+447400111201", "+447400111202"]


@pytest_asyncio.fixture
async def edge(tmp_path):
    async with running_edge(tmp_path) as running:
        yield running


async def test_an_alarm_without_a_number_wakes_the_one_on_call(edge):
    flow = (await edge.post("/v1/flows/ready-made", {"ready_made": "on_call_alert"})).json
    await edge.ask("PATCH", f"/v1/flows/{flow['id']}", json={"status": "active"})
    variables = {"alert": "annotations.summary", "on_call": f"[`{json.dumps(ON_CALL[0])}`, labels.second]"}
    rule = {"name": "fire", "to": [], "events": ["firing"], "flow": flow["id"], "variables": variables}
    hook = (await edge.post("/v1/hooks", {"name": "alarms", "preset": "alertmanager", "rules": [rule]})).json
    alert = {
        "status": "firing", "fingerprint": "f1", "startsAt": "2026-11-27T10:00:00Z",
        "labels": {"alertname": "DiskFull", "second": ON_CALL[1]}, "annotations": {"summary": "Disk full."},
    }  # fmt: skip
    body = json.dumps({"alerts": [alert]}).encode()
    tried = (await edge.post(f"/v1/hooks/{hook['id']}/try", {"body": body.decode()})).json["outcomes"]
    assert [(each["verdict"], each["to"], each["variables"]["on_call"]) for each in tried] == [
        ("flow_started", None, ON_CALL)
    ]
    headers = {"authorization": f"Bearer {hook['secret']}", "content-type": "application/json"}
    for verdict in ("flow_started", "duplicate"):
        called = await edge.ask("POST", f"/v1/hooks/{hook['id']}", key="", headers=headers, data=body)
        assert [each["verdict"] for each in called.json["outcomes"]] == [verdict], called.body
    inbox = await until(lambda: edge.simulator.network.phones.read(ON_CALL[0][1:]))
    assert [each.text for each in inbox] == ["ALERT: Disk full. Answer with any text to take it."]
    (run,) = (await edge.get("/v1/flow-runs")).json["data"]
    assert (run["phone"], run["variables"]["on_call"]) == (None, ON_CALL)


async def test_a_text_needs_a_number_all_the_same(edge):
    refused = await edge.post("/v1/hooks", {"name": "h", "rules": [{"name": "a", "to": [], "text": "x"}]})
    assert (refused.status, [each["pointer"] for each in refused.json["errors"]]) == (422, ["/rules/0/to"])


async def test_what_a_run_sets_itself_is_given_by_no_rule(edge):
    rule = {"name": "a", "to": [], "flow": "FW1", "variables": {"trigger": "labels"}}
    refused = await edge.post("/v1/hooks", {"name": "h", "rules": [rule]})
    pointers = [each["pointer"] for each in refused.json["errors"]]
    assert (refused.status, pointers) == (422, ["/rules/0/variables/trigger"])


async def test_more_than_a_run_may_know_begins_none(edge):
    flow = (await edge.post("/v1/flows/ready-made", {"ready_made": "on_call_alert"})).json
    rule = {"name": "a", "to": [], "flow": flow["id"], "variables": {"alert": "all"}}
    hook = (await edge.post("/v1/hooks", {"name": "h", "preset": "generic", "rules": [rule]})).json
    body = json.dumps({"event": "x", "all": "y" * 40_000})
    (outcome,) = (await edge.post(f"/v1/hooks/{hook['id']}/try", {"body": body})).json["outcomes"]
    assert (outcome["verdict"], "32,768" in outcome["detail"]) == ("expression_failed", True)
