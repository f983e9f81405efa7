"""`whimbrel sender`, `number`, `registration` and `sender-rule` against a running node."""

import json
from pathlib import Path

import pytest

from .product import Node, invoke, quickstart

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("senders")) as running:
        yield running


def said(node: Node, *words: object, code: int = 0) -> str:
    done = invoke(*words, "--data", node.folder)
    assert done.code == code, done.err
    return done.out


def test_a_number_is_given_and_rejected(node: Node):
    number_id = said(node, "number", "add", "+12025550155", "--label", "Orders", "--can", "sms").split()[0]
    assert "+12025550155: rejected" in said(
        node, "number", "assign", number_id, "--approval", "rejected", "--reason", "No letter", "--per-minute", 5
    )
    listed = json.loads(said(node, "number", "list", "--json"))
    (found,) = [each for each in listed if each["id"] == number_id]
    assert (found["label"], found["approval_reason"], found["limits"]["per_minute"]) == ("Orders", "No letter", 5)
    assert number_id in said(node, "number", "list")
    assert number_id in said(node, "number", "list", "--approval", "rejected", "--country", "US")
    assert number_id not in said(node, "number", "list", "--kind", "short_code")
    said(node, "number", "assign", number_id, "--approval", "approved", "--can", "sms", "--can", "inbound",
         "--per-minute", 0)  # fmt: skip
    said(node, "number", "change", number_id, "--label", "Returns", "--sms-url", "http://127.0.0.1:1/in")
    shown = json.loads(said(node, "number", "show", number_id))
    assert (shown["label"], shown["per_minute"], shown["capabilities"], shown["sms_url"]) == (
        "Returns", None, ["sms", "inbound"], "http://127.0.0.1:1/in",
    )  # fmt: skip


def test_a_number_has_files_and_is_taken_away(node: Node, tmp_path: Path):
    number_id = said(node, "number", "add", "60606", "--country", "GB").split()[0]
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF-1.7\n")
    assert "letter.pdf: 9 octets" in said(node, "number", "attach", number_id, letter)
    assert "application/pdf" in said(node, "number", "files", number_id)
    assert "is deleted" in said(node, "number", "delete", number_id)
    said(node, "number", "show", number_id, code=1)


def test_a_name_is_given_approved_made_the_default_and_taken_away(node: Node):
    said(node, "sender", "add", "PayPa1", code=1)
    name_id = said(node, "sender", "add", "Acme", "--approval", "pending").split()[0]
    assert "Acme: approved" in said(node, "sender", "assign", name_id, "--approval", "approved")
    said(node, "sender", "change", name_id, "--default", "--country", "FR")
    (listed,) = json.loads(said(node, "sender", "list", "--kind", "alphanumeric", "--approval", "approved", "--json"))[
        :1
    ]
    assert (listed["id"], listed["is_default"], listed["countries"]) == (name_id, True, ["FR"])
    assert "FR" in said(node, "sender", "list")
    said(node, "sender", "change", name_id, "--no-default")
    assert "is deleted" in said(node, "sender", "delete", name_id)
    said(node, "sender", "delete", name_id, code=1)


def test_a_registration_from_draft_to_decision(node: Node, tmp_path: Path):
    assert "sg_ssir" in said(node, "registration", "regimes")
    (sender,) = [each for each in node.get("/v1/senders")["data"] if each["kind"] == "alphanumeric"]
    file = tmp_path / "r.json"
    file.write_text(json.dumps({"regime": "sg_ssir", "name": "Singapore", "senders": [sender["id"]]}))
    begun = said(node, "registration", "create", file)
    registration_id = begun.split()[0]
    assert "missing: company_name, uen, use_case, documents/authorisation" in begun
    file.write_text(json.dumps({"answers": {"company_name": "A", "uen": "201912345K", "use_case": "Codes"}}))
    said(node, "registration", "put", registration_id, file)
    paper = tmp_path / "letter.pdf"
    paper.write_bytes(b"%PDF-1.7\n")
    said(node, "registration", "attach", registration_id, paper, "--purpose", "authorisation")
    assert "Singapore: submitted" in said(node, "registration", "submit", registration_id)
    assert "Singapore: rejected" in said(node, "registration", "reject", registration_id, "Who?")
    said(node, "registration", "submit", registration_id)
    decision = tmp_path / "d.json"
    decision.write_text(json.dumps({"external_id": "SSIR-1"}))
    assert "approved" in said(node, "registration", "approve", registration_id, "--decision", decision, "--days", 30)
    assert json.loads(said(node, "registration", "show", registration_id))["decision"] == {"external_id": "SSIR-1"}
    assert registration_id in said(node, "registration", "list", "--state", "approved")
    assert registration_id in said(node, "registration", "list", "--regime", "sg_ssir")
    said(node, "registration", "create", tmp_path / "nothing", code=2)
    assert "is deleted" in said(node, "registration", "delete", registration_id)


def test_a_rule_is_put_switched_and_deleted(node: Node, tmp_path: Path):
    file = tmp_path / "rule.json"
    file.write_text(json.dumps({"country": "FR", "verdict": "forbidden", "source": "us"}))
    assert "fr-x FR: forbidden, now" in said(node, "sender-rule", "put", "fr-x", file)
    assert "off" in said(node, "sender-rule", "switch", "fr-x", "--off")
    (own,) = json.loads(said(node, "sender-rule", "list", "--own", "--json"))
    assert (own["id"], own["enabled"]) == ("fr-x", False)
    of_ireland = json.loads(said(node, "sender-rule", "list", "--country", "IE", "--json"))
    assert of_ireland[0]["id"] == "ie-2025-10"
    assert "IE" in said(node, "sender-rule", "list", "--country", "IE")
    assert "is deleted" in said(node, "sender-rule", "delete", "fr-x")
    said(node, "sender-rule", "delete", "fr-x", code=1)
