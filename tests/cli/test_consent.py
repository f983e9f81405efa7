"""`whimbrel opt-outs`, `consents` and `suppression` against a running node."""

import json
from pathlib import Path

import pytest

from .product import Node, ask, invoke, quickstart, until

pytestmark = pytest.mark.ci
NUMBER = "+14155550123"
PHONE = "+447911123450"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("consent")) as running:
        running.bound()  # or a phone has nobody to write to
        yield running


def run(node: Node, *words: object, code: int = 0) -> str:
    done = invoke(*words, "--data", node.folder)
    assert done.code == code, done.err or done.out
    return done.out


def test_brands_words_and_texts(node: Node):
    made = run(node, "brand", "create", "Acme").strip()
    assert "Acme Shoes" in run(node, "brand", "rename", made, "Acme Shoes")
    sender = node.get("/v1/senders")["data"][0]["value"]
    assert sender in run(node, "brand", "senders", made, sender)
    assert sender in run(node, "brand", "list")
    word = run(node, "consent-words", "add", "stop", "genug", "--language", "de").strip()
    assert [each["word"] for each in json.loads(run(node, "consent-words", "list", "--own", "--json"))] == ["genug"]
    assert "STOP" in run(node, "consent-words", "list", "--kind", "stop", "--language", "en").upper()
    text = run(node, "consent-texts", "set", "help", "{name}: acme.example. STOP to opt out.", "--brand", made).strip()
    assert "acme.example" in run(node, "consent-texts", "list")
    assert "acme.example" in run(node, "consent-texts", "preview", "--brand", made)
    assert [each["origin"] for each in json.loads(run(node, "consent-texts", "preview", "--json"))] == ["product"] * 3
    run(node, "consent-texts", "set", "nothing", "x", code=1)
    run(node, "consent-texts", "remove", text)
    run(node, "consent-words", "remove", word)
    assert json.loads(run(node, "consent-words", "list", "--own", "--json")) == []
    run(node, "brand", "delete", made)
    run(node, "brand", "rename", made, "x", code=1)


def test_conversations(node: Node):
    body = {"to": "+15005550006", "text": "Hello?", "system_id": "whimbrel"}
    ask("POST", f"{node.given['simulator_http_url']}/phones/{PHONE}/send", body)
    (talk,) = until(lambda: node.get("/v1/conversations")["data"], what="a conversation")
    person = node.ask("POST", "/v1/users", {"email": "mia@example.com", "role": "support", "name": "Mia"}).json["id"]
    assert PHONE in run(node, "conversation", "list", "--state", "open", "--unread", "--assignee", "nobody")
    assert "seen to by Mia" in run(node, "conversation", "assign", talk["id"], "mia")
    run(node, "conversation", "assign", talk["id"], "Nobody we know", code=2)
    assert "angry, parcel" in run(node, "conversation", "tag", talk["id"], "angry", "parcel")
    assert "seen to by Mia, parcel" in run(node, "conversation", "tag", talk["id"], "angry", "--remove")
    run(node, "conversation", "note", talk["id"], "Called before.")
    run(node, "conversation", "answer", talk["id"], "Hello!")
    shown = run(node, "conversation", "show", talk["id"])
    assert all(words in shown for words in ("Mia", "Called before.", "Hello?", "Hello!", "waiting")), shown
    assert "closed" in run(node, "conversation", "close", talk["id"], "--no-rating")
    assert "open" in run(node, "conversation", "reopen", talk["id"])
    assert talk["id"] in run(node, "conversation", "list", "--assignee", person, "--tag", "parcel", "--json")


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
