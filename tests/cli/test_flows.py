"""`whimbrel flow` against a running node."""

import json
from pathlib import Path

import pytest

from .product import Node, invoke, quickstart, until

DOCUMENT = {"trigger": {"type": "api"}, "start": "a", "steps": {"a": {"type": "send", "text": "Hello {{ name }}"}}}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("flows")) as running:
        yield running


def flow(node: Node, *words: object, code: int = 0) -> str:
    done = invoke("flow", *words, "--data", node.folder)
    assert done.code == code, done.err
    return done.out


def test_a_flow_is_checked_kept_run_and_read(node: Node, tmp_path: Path):
    file = tmp_path / "flow.json"
    file.write_text(json.dumps(DOCUMENT | {"start": "b"}))
    assert "/start: names no step: b" in flow(node, "check", file, code=1)
    file.write_text(json.dumps(DOCUMENT))
    assert "right" in flow(node, "check", file)
    assert "version 1, active" in flow(node, "put", "hello", file)
    assert "version 2, active" in flow(node, "put", "hello", file)
    (kept,) = [each for each in json.loads(flow(node, "list", "--json")) if each["name"] == "hello"]
    assert kept["name"] in flow(node, "list")
    run_id = flow(node, "run", kept["id"], "+15005550001", "--variables", '{"name": "Ada"}').strip()

    def finished():
        return json.loads(flow(node, "runs", kept["id"], "--json"))[0]["state"] == "finished"

    until(finished, what="the end of the run")
    (step,) = json.loads(flow(node, "steps", run_id, "--json"))
    assert (step["step"], step["outcome"]) == ("a", "sent")
    assert "sent" in flow(node, "steps", run_id)
    assert run_id in flow(node, "runs")
    assert "paused" in flow(node, "status", kept["id"], "paused")


def test_what_is_kept_goes_into_a_file_and_back(node: Node, tmp_path: Path):
    file = tmp_path / "flow.json"
    first = flow(node, "install", "cart_reminder", "--name", "carts").split()[0]
    file.write_text(flow(node, "show", first).replace("Acme", "Bee"))
    assert "version 2" in flow(node, "put", "carts", file)
    assert "Bee" in flow(node, "show", first) and "Acme" in flow(node, "show", first, "--version", 1)
    assert "no version 9" in invoke("flow", "show", first, "--version", 9, "--data", node.folder).err


def test_a_run_is_skipped_or_stopped_and_its_flow_deleted(node: Node, tmp_path: Path):
    asks = {"type": "wait_for_answer", "timeout_s": 3600, "next": "a"}
    waits = {"type": "wait", "for_s": 3600, "next": "asks"}
    steps = {"trigger": {"type": "api"}, "start": "w", "steps": DOCUMENT["steps"] | {"w": waits, "asks": asks}}
    file = tmp_path / "flow.json"
    file.write_text(json.dumps(steps))
    kept = flow(node, "put", "asks", file).split()[0]
    test = {"WHIMBREL_URL": node.url, "WHIMBREL_API_KEY": node.given["test_key"]}

    def tried(*words: object) -> str:
        done = invoke("flow", *words, env=test)
        assert done.code == 0, done.err
        return done.out

    run_id = tried("run", kept, "+15005550001", "--skip-waits").strip()
    until(lambda: json.loads(tried("runs", kept, "--json"))[0]["waits_for"] == "answer", what="the wait")
    assert run_id in tried("skip", run_id)
    until(lambda: json.loads(tried("runs", "--state", "finished", "--json")), what="the end of the run")
    assert "test key" in invoke("flow", "run", kept, "+15005550001", "--skip-waits", "--data", node.folder).err
    live = flow(node, "run", kept, "+15005550001").strip()
    assert "stopped" in flow(node, "stop", live)
    assert "is deleted" in flow(node, "delete", kept)
    assert "not_found" in invoke("flow", "show", kept, "--data", node.folder).err


def test_ready_made_flows(node: Node):
    assert "on_call_alert: On-call alert" in flow(node, "install")
    assert "My alert: paused" in flow(node, "install", "on_call_alert", "--name", "My alert")
    assert "must be one of" in invoke("flow", "install", "none", "--data", node.folder).err


def test_wrong_input(node: Node, tmp_path: Path):
    assert "cannot be read" in invoke("flow", "check", tmp_path / "none", "--data", node.folder).err
    assert "no JSON" in invoke("flow", "run", "FW1", "--variables", "{", "--data", node.folder).err
