"""`whimbrel carrier` against a running quickstart: carriers of both kinds are made, changed, paused and deleted."""

import base64
import hmac
import json
from typing import Literal, get_args, get_origin
from urllib.parse import urlencode

import msgspec
import pytest

from tests.cli.product import ask, invoke
from whimbrel.domain.carrier_kinds import KINDS

SECRET = "s3cret-key"


def carrier(node, *words, env=None):
    return invoke("carrier", *words, "--data", node.folder, env=env or {})


def takes_calls_signed_with(password, carrier, node):
    """Whether a receipt is taken that is signed as Twilio signs."""
    url, fields = node.url + carrier["receipts_url"], {"MessageSid": "SM1", "MessageStatus": "sent"}
    said = url + "".join(name + fields[name] for name in sorted(fields))
    signature = base64.b64encode(hmac.digest(password.encode(), said.encode(), "sha1")).decode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return ask("POST", url, urlencode(fields).encode(), headers=headers).status == 200


def test_a_carrier_over_http_through_its_life(node, tmp_path):
    (tmp_path / "key").write_text(f"{SECRET}\n")
    made = carrier(
        node, "create", "Ruff", "--kind", "http", "--profile", "twilio", "--set", "username=12", "--set", "window=7",
        "--field", "MaxPrice=0.05", "--password-file", str(tmp_path / "key"), "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    found = json.loads(made.out)
    assert (found["kind"], found["settings"]["username"], found["settings"]["window"]) == ("http", "12", 7)
    assert found["settings"]["fields"]["MaxPrice"] == 0.05 and found["settings"]["fields"]["To"] == "{to}"
    assert SECRET not in made.out
    changed = carrier(node, "update", "Ruff", "--set", 'statuses={"21610":"barred"}', "--field", "Tag=x")
    assert changed.code == 0 and f"{node.url}/providers/{found['id']}/" in changed.out, changed.err
    shown = json.loads(carrier(node, "show", "Ruff").out)["settings"]
    assert (shown["statuses"], shown["fields"]["Tag"], shown["fields"]["To"]) == ({"21610": "barred"}, "x", "{to}")
    listed = carrier(node, "list").out
    assert "Ruff" in listed and "http" in listed and "sandbox" in listed
    assert "paused" in carrier(node, "pause", "Ruff").out
    assert "active" in carrier(node, "resume", found["id"]).out
    assert carrier(node, "delete", "Ruff").code == 0
    assert "Ruff" not in carrier(node, "list").out


def test_the_password_of_one_that_is_there_comes_from_a_file_only(node, tmp_path):
    (tmp_path / "new").write_text("an0ther\n")
    (tmp_path / "empty").write_text("\n")
    left_over = {"WHIMBREL_CARRIER_PASSWORD": "of an0ther"}
    made = carrier(
        node, "create", "Godwit", "--kind", "http", "--profile", "twilio", "--set", "username=AC1", "--json",
        env={"WHIMBREL_CARRIER_PASSWORD": SECRET},
    )  # fmt: skip
    found = json.loads(made.out)
    assert takes_calls_signed_with(SECRET, found, node)
    assert carrier(node, "update", "Godwit", "--set", "window=9", env=left_over).code == 0
    assert takes_calls_signed_with(SECRET, found, node)
    assert carrier(node, "update", "Godwit", "--password-file", str(tmp_path / "empty")).code == 2
    assert takes_calls_signed_with(SECRET, found, node)
    changed = carrier(node, "update", "Godwit", "--password-file", str(tmp_path / "new"), env=left_over)
    assert changed.code == 0 and takes_calls_signed_with("an0ther", found, node), changed.err
    assert not takes_calls_signed_with(SECRET, found, node)
    assert carrier(node, "delete", "Godwit").code == 0


def test_one_over_smpp_and_what_is_refused(node):
    made = carrier(
        node, "create", "Knot", "--set", "host=127.0.0.1", "--set", "port=9", "--set", "system_id=42",
        env={"WHIMBREL_CARRIER_PASSWORD": SECRET},
    )  # fmt: skip
    assert made.code == 0 and "receipts" not in made.out, made.err
    assert json.loads(carrier(node, "show", "Knot").out)["settings"]["system_id"] == "42"
    assert carrier(node, "delete", "Knot").code == 0
    refused = carrier(node, "create", "Bad", "--kind", "http", "--set", "url=https://example.com/")
    assert refused.code == 1 and "must hold {text}" in refused.err
    assert carrier(node, "create", "Bad", "--set", "port").code == 2
    assert carrier(node, "create", "Bad", "--password-file", "/nowhere").code == 2
    assert "Bad" not in carrier(node, "list").out


def choices(kind):
    """The choices of a type, where it is a closed list."""
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return [each for inner in get_args(kind) for each in choices(inner)]


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        ("smpp", ("host=127.0.0.1", "port=9")),
        (
            "http",
            ("url=https://api.example.com/", 'fields={"to":"{to}","text":"{text}"}', "username=AC1", "encoding=query"),
        ),
    ],
)
def test_every_setting_with_a_closed_list_takes_each_of_its_words(node, tmp_path, kind, needed):
    (tmp_path / "key").write_text(SECRET)
    given = [word for each in needed for word in ("--set", each)]
    made = carrier(node, "create", "Stint", "--kind", kind, *given, "--password-file", str(tmp_path / "key"), "--json")
    assert made.code == 0, made.err
    before = json.loads(made.out)["settings"]
    listed = {each.name: choices(each.type) for each in msgspec.structs.fields(KINDS[kind])}
    assert listed["message_id"] and not listed["window"]
    for name, words in listed.items():
        for word in (*words, before[name]) if words else ():
            changed = carrier(node, "update", "Stint", "--set", f"{name}={word}", "--json")
            assert changed.code == 0, (name, word, changed.err)
            assert json.loads(changed.out)["settings"][name] == word
    assert carrier(node, "delete", "Stint").code == 0
