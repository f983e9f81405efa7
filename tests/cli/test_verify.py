"""`whimbrel verify` against a running node: from a service to an approved number, and what is refused."""

import json
import re

import pyotp
import pytest

from .product import Node, invoke, quickstart, until

PHONE = "+447400123456"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("verify")) as running:
        yield running


def verify(node: Node, *words: object, code: int = 0) -> str:
    done = invoke("verify", *words, "--data", node.folder)
    assert done.code == code, done.err
    return done.out


def made(node: Node, *words: object) -> str:
    return json.loads(verify(node, "service", "create", "Acme", *words, "--json"))["id"]


def code_on(node: Node, phone: str) -> str:
    inbox = until(lambda: node.simulator(f"/phones/{phone[1:]}")["inbox"], what="the text")
    return re.findall(r"\d{8}", inbox[-1]["text"])[-1]


def test_a_number_is_verified(node: Node):
    service = made(node, "--set", "code_length=8", "--set", "countries=GB,DE")
    assert "8 digits" in verify(node, "service", "list") and "GB DE" in verify(node, "service", "list")
    started = verify(node, "start", service, PHONE)
    assert "pending" in started and "holds until" in started
    given = code_on(node, PHONE)
    wrong = verify(node, "check", service, PHONE, "0" * 8, code=1)
    assert re.search(r"valid +no", wrong) and re.search(r"guesses left +4", wrong)
    assert re.search(r"valid +yes", verify(node, "check", service, PHONE, given))
    (row,) = json.loads(verify(node, "list", service, "--status", "approved", "--json"))
    assert row["id"] in verify(node, "list", service, "--country", "GB") and given not in json.dumps(row)
    assert row["id"] in verify(node, "show", service, PHONE)
    report = json.loads(verify(node, "report", "--service", service, "--json"))
    assert report["total"] == {"country": None, "prefix": None, "starts": 1, "sends": 1, "approvals": 1, "rate": 1.0}
    assert "+44740012…" in verify(node, "report", "--country", "gb", "--days", 2)


def test_verifications_end_by_hand(node: Node):
    service = made(node)
    verify(node, "start", service, "+4915112345678", "--language", "en")
    assert "canceled" in verify(node, "cancel", service, "+4915112345678")
    again = json.loads(verify(node, "start", service, "+4915112345678", "--json"))
    assert "approved" in verify(node, "approve", service, again["id"])
    assert "verify_not_pending" in invoke("verify", "approve", service, again["id"], "--data", node.folder).err


def test_a_block_is_listed_and_lifted(node: Node):
    service = made(node)
    for last in range(60, 64):
        verify(node, "start", service, f"+4474005555{last}")
    assert "verify_blocked" in invoke("verify", "start", service, "+447400555564", "--data", node.folder).err
    (block,) = json.loads(verify(node, "blocks", "--json"))
    assert block["reason"] == "neighbouring_numbers"
    assert block["id"] in verify(node, "blocks") and "holds" in verify(node, "blocks")
    assert "is sent codes again; quiet until" in verify(node, "lift", block["id"], "--quiet-s", 60)
    verify(node, "start", service, "+447400555564")


def test_a_limit_of_ones_own_counts_starts(node: Node):
    service = made(node, "--set", "guard=false")
    about = json.loads(
        verify(node, "limit", "create", service, "address", "--bucket", "1/3600", "--description", "d", "--json")
    )
    assert "1/3600" in verify(node, "limit", "list", service)
    key = ("--rate-key", "address=192.0.2.7")
    verify(node, "start", service, "+447400777701", *key)
    refused = invoke("verify", "start", service, "+447400777702", *key, "--data", node.folder)
    assert "verify_rate_limited" in refused.err
    changed = verify(node, "limit", "update", about["id"], "--bucket", "5/60", "--bucket", "9/3600")
    assert re.search(r"buckets +5/60, 9/3600", changed) and re.search(r"description +d", changed)
    verify(node, "start", service, "+447400777703", *key)
    for words in (("limit", "update", about["id"], "--bucket", "5"), ("start", service, PHONE, "--rate-key", "x")):
        assert " takes " in invoke("verify", *words, "--data", node.folder).err
    assert "/max" in invoke("verify", "limit", "update", about["id"], "--bucket", "0/60", "--data", node.folder).err
    assert "is deleted" in verify(node, "limit", "delete", about["id"])
    assert json.loads(verify(node, "limit", "list", service, "--json")) == []
    (text,) = json.loads(verify(node, "attempts", service, "+447400777703", "--json"))
    assert text["channel"] == "sms" and text["id"] in verify(node, "attempts", service, "+447400777703")


def test_a_service_is_shown_changed_and_deleted(node: Node):
    service = made(node)
    changed = verify(
        node, "service", "update", service, "--name", "Acme 2", "--set", "guard=false", "--set", "language=de"
    )
    assert re.search(r"name +Acme 2", changed) and re.search(r"guard +false", changed)
    assert re.search(r"language +de", verify(node, "service", "show", service))
    for wrong, words in (("code_length=3", "/settings/code_length"), ("colour=red", "/settings/colour")):
        done = invoke("verify", "service", "update", service, "--set", wrong, "--data", node.folder)
        assert (done.code, words in done.err) == (1, True), done.err
    assert "NAME=VALUE" in invoke("verify", "service", "create", "x", "--set", "guard", "--data", node.folder).err
    assert "is deleted" in verify(node, "service", "delete", service)
    assert "not_found" in invoke("verify", "service", "show", service, "--data", node.folder).err


def test_usage_by_day_country_and_class(node: Node):
    sent = node.ask("POST", "/v1/messages", {"to": "+33612345678", "text": "x"}).json["id"]
    until(lambda: node.get(f"/v1/messages/{sent}")["status"] == "delivered", what="delivery")

    def usage(*words: object, code: int = 0) -> str:
        done = invoke("usage", *words, "--data", node.folder)
        assert done.code == code, done.err
        return done.out

    def rows():
        return json.loads(usage("--by", "country,class", "--country", "FR", "--json"))

    (row,) = until(lambda: rows() and rows()[0]["delivered"] == 1 and rows(), what="the figures")
    assert (row["country"], row["class"], row["accepted"]) == ("FR", "transactional", 1)
    lines = usage("--by", "day,country", "--country", "FR", "--csv").splitlines()
    assert lines[0].startswith("period_start,period_end,country,accepted,") and lines[0].endswith(",charged,currency")
    assert len(lines) == 2 and ",FR,1," in lines[1]
    assert lines[1][:10] in usage() and "FR" in usage("--by", "country", "--from", lines[1][:10])
    assert "AC" in usage("--by", "account", "--all")
    assert "--by takes" in invoke("usage", "--by", "moon", "--data", node.folder).err
    assert "invalid_parameter" in invoke("usage", "--direction", "up", "--data", node.folder).err


def test_a_schedule_is_kept_paused_and_deleted(node: Node, tmp_path):
    def schedule(*words: object, code: int = 0) -> str:
        done = invoke("schedule", *words, "--data", node.folder)
        assert done.code == code, done.err
        return done.out

    file = tmp_path / "numbers.txt"
    file.write_text("+15005550002\n+15005550003, +15005550004\n")
    when = ("--at", "2199-01-07T09:00", "--zone", "Europe/Berlin", "--rule", "FREQ=WEEKLY;BYDAY=MO")
    made = json.loads(
        schedule("create", "mondays", *when, "--to", "+15005550001", "--file", file, "--text", "Open.", "--json")
    )
    assert (made["recipients"], made["rrule"], made["text"]) == (4, "FREQ=WEEKLY;BYDAY=MO", "Open.")
    assert "mondays" in schedule("list") and "Europe/Berlin" in schedule("show", made["id"])
    assert "paused" in schedule("pause", made["id"])
    assert schedule("list", "--status", "active", "--json") == "[]\n"
    assert "active" in schedule("resume", made["id"])
    first, second = json.loads(schedule("next", made["id"], "--limit", 2, "--json"))
    assert first["local"] in schedule("skip", made["id"])
    assert second["local"] in schedule("skip", made["id"], second["local"])
    assert first["local"] not in schedule("next", made["id"])
    assert first["local"] in schedule("preview", *when, "--limit", 1)
    rules = ("--rule", "FREQ=DAILY;COUNT=2", "--text", "Closed.", "--to", "+15005550009", "--name", "days")
    changed = json.loads(schedule("update", made["id"], *rules, "--json"))
    assert (changed["name"], changed["recipients"], changed["text"]) == ("days", 1, "Closed.")
    assert (changed["zone"], changed["starts_at"]) == (made["zone"], made["starts_at"])
    assert schedule("show", schedule("update", made["id"], "--rule", "").split()[1]).count("once") == 1
    assert "say what" in invoke("schedule", "update", made["id"], "--data", node.folder).err
    assert "is deleted" in schedule("delete", made["id"])
    assert "not_found" in invoke("schedule", "show", made["id"], "--data", node.folder).err
    chosen = ("--filter", 'country = "GB"', "--everybody", "--not-tag", "nowhere", "--shorten-links")
    assert (
        "/exclude/tags/0"
        in invoke("schedule", "create", "all", *when, "--text", "x", *chosen, "--data", node.folder).err
    )
    every = json.loads(schedule("create", "all", *when, "--text", "x", *chosen[:3], "--json"))
    assert (every["audience"]["everybody"], every["audience"]["filter"]) == (True, 'country = "GB"')
    assert 'everybody, country = "GB"' in schedule("show", every["id"])
    assert json.loads(schedule("next", every["id"], "--limit", 1, "--json"))[0]["people"] == 0
    assert schedule("runs", every["id"], "--json") == "[]\n"
    for words, said in (
        (("--at", "2199-01-07T09:00", "--to", "+15005550001"), "one of --text"),
        (("--at", "tomorrow", "--to", "+15005550001", "--text", "x"), "/starts_at"),
        (("--at", "2199-01-07T09:00", "--text", "x"), "/recipients"),
        (("--at", "2199-01-07T09:00", "--text", "x", "--file", tmp_path / "none"), "cannot be read"),
    ):
        assert said in invoke("schedule", "create", "x", *words, "--data", node.folder).err


def test_an_authenticator_is_enrolled_confirmed_and_used(node: Node):
    service, person = made(node), "user-1"
    enrolled = json.loads(verify(node, "factor", "create", service, person, "--name", "ada@example.com", "--json"))
    factor, secret = enrolled["id"], enrolled["secret"]
    assert "wrong code" in verify(node, "factor", "confirm", service, person, factor, "000000", code=1)
    given = pyotp.TOTP(secret).now()
    assert "confirmed" in verify(node, "factor", "confirm", service, person, factor, given)
    assert "used_before" in verify(node, "factor", "check", service, person, factor, given, code=1)
    listed = verify(node, "factor", "list", service, person)
    assert "verified" in listed and secret not in listed
    assert person in verify(node, "person", "list", service)
    assert re.search(r"locked +no", verify(node, "person", "show", service, person))
    assert re.search(r"wrong codes +0", verify(node, "person", "unlock", service, person))
    verify(node, "factor", "delete", service, person, factor)
    verify(node, "person", "delete", service, person)
    assert "not_found" in invoke("verify", "person", "show", service, person, "--data", node.folder).err
    shown = verify(node, "factor", "create", service, "user-2", "--secret", secret)
    assert secret in shown and "otpauth://" in shown and re.search(r"status +verified", shown)


def test_numbers_are_put_on_the_safe_list_and_taken_off(node: Node):
    assert "always passes" in verify(node, "safe", "add", PHONE)
    (row,) = json.loads(verify(node, "safe", "list", "--json"))
    assert row["id"] in verify(node, "safe", "list") and PHONE not in verify(node, "safe", "list")
    verify(node, "safe", "remove", PHONE)
    assert json.loads(verify(node, "safe", "list", "--json")) == []
