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
    (kept,) = json.loads(flow(node, "list", "--json"))
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


def test_ready_made_flows(node: Node):
    assert "on_call_alert: On-call alert" in flow(node, "install")
    assert "My alert: paused" in flow(node, "install", "on_call_alert", "--name", "My alert")
    assert "must be one of" in invoke("flow", "install", "none", "--data", node.folder).err


def test_wrong_input(node: Node, tmp_path: Path):
    assert "cannot be read" in invoke("flow", "check", tmp_path / "none", "--data", node.folder).err
    assert "no JSON" in invoke("flow", "run", "FW1", "--variables", "{", "--data", node.folder).err
