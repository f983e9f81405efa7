"""`whimbrel policies` against a running node."""

import json
from pathlib import Path

import pytest

from .product import Node, invoke, quickstart


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("policies")) as running:
        yield running


def said(node: Node, *words: object, code: int = 0) -> str:
    done = invoke("policies", *words, "--data", node.folder)
    assert done.code == code, done.err
    return done.out


@pytest.mark.ci
def test_policies_are_set_shown_and_checked(node: Node, tmp_path: Path):
    wanted = tmp_path / "policy.json"
    wanted.write_text(json.dumps({"quiet_hours": "refuse", "caps": [{"max": 3, "hours": 168}]}))
    assert "3 in 168 h, by account" in said(node, "set", wanted)
    assert json.loads(said(node, "show", "--json"))["quiet_hours"] == "refuse"
    wanted.write_text("{")
    said(node, "set", wanted, code=1)
    night = said(node, "check", "+33612345678", "--at", "2027-03-02T01:00:00Z", code=1)
    assert "02:00 in Europe/Paris; FR: 08:00-20:00" in night and "2027-03-02T07:00:00" in night
    day = json.loads(said(node, "check", "+33612345678", "--at", "2027-03-02T11:00:00Z", "--json"))
    assert day["allowed"] is True
    assert len(json.loads(said(node, "rules", "--json"))["data"]) == 19
    assert "US-SAFE" in said(node, "rules")
