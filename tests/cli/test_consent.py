"""`whimbrel opt-outs`, `consents` and `suppression` against a running node."""

import json
from pathlib import Path

import pytest

from .product import Node, invoke, quickstart

pytestmark = pytest.mark.ci
NUMBER = "+14155550123"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("consent")) as running:
        yield running


def run(node: Node, *words: object, code: int = 0) -> str:
    done = invoke(*words, "--data", node.folder)
    assert done.code == code, done.err or done.out
    return done.out


def test_opt_outs(node: Node, tmp_path: Path):
    made = run(node, "opt-outs", "add", NUMBER).strip()
    assert made in run(node, "opt-outs", "list", "--number", NUMBER)
    run(node, "opt-outs", "add", "nobody", code=1)
    file = tmp_path / "stops.csv"
    file.write_text(f"number\n{NUMBER}\n+447911123456\nx\n")
    found = json.loads(run(node, "opt-outs", "import", file, "--json"))
    assert (found["created"], found["known"], found["failed"]) == (1, 1, 1)
    out = tmp_path / "out.csv"
    run(node, "opt-outs", "export", "--out", out)
    assert NUMBER in out.read_text() and "+447911123456" in out.read_text()
    run(node, "opt-outs", "remove", made)
    assert made not in run(node, "opt-outs", "list")


def test_consents(node: Node, tmp_path: Path):
    made = run(node, "consents", "record", NUMBER, "--source", "paper", "--wording", "Yes").strip()
    run(node, "consents", "record", NUMBER, "--revoke")
    assert made in run(node, "consents", "list", "--action", "grant")
    assert "YES" in run(node, "consents", "ask", "+14155550177")
    file = tmp_path / "consents.csv"
    file.write_text(f"number,source\n{NUMBER},web_form\n")
    assert "created" in run(node, "consents", "import", file, "--wording", "I agree")
    assert "I agree" in run(node, "consents", "export")


def test_lists(node: Node, tmp_path: Path):
    made = run(node, "suppression", "create", "complaints", "--class", "marketing", "--class", "otp").strip()
    assert "1 new" in run(node, "suppression", "add", made, NUMBER)
    file = tmp_path / "list.csv"
    file.write_text("+447911123456\n")
    run(node, "suppression", "import", made, file)
    assert "+447911123456" in run(node, "suppression", "export", made)
    common = run(node, "suppression", "create", "register", "--operator").strip()
    assert common in run(node, "suppression", "list") and "complaints" not in run(
        node, "suppression", "list", "--operator"
    )
    run(node, "suppression", "delete", made)
    assert made not in run(node, "suppression", "list")
