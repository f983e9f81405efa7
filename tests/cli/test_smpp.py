"""`whimbrel smpp`: credentials without a node and with one."""

import json

import pytest
import smpplib.client

from tests.cli.product import invoke, quickstart


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with quickstart(tmp_path_factory.mktemp("smpp")) as running:
        yield running


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The folder of a quickstart that ran once."""
    folder = tmp_path_factory.mktemp("stopped")
    with quickstart(folder) as running:
        running.end()
    return running.folder


@pytest.fixture(params=["node", "stopped"])
def folder(request):
    found = request.getfixturevalue(request.param)
    return getattr(found, "folder", found)


def smpp(folder, *arguments):
    done = invoke("smpp", *arguments, "--data", folder, env={"COLUMNS": "80"})
    assert done.code == 0, done.err
    return done.out


def test_a_credential_from_making_to_deleting(folder):
    settings = ("--set", "window=7", "--set", "allow_addresses=127.0.0.0/8,::1/128", "--set", "id_format=hex")
    made = json.loads(smpp(folder, "create", "Office", "--system-id", "office", *settings, "--json"))
    assert (made["system_id"], made["status"], len(made["password"])) == ("office", "active", 8)
    assert made["settings"]["allow_addresses"] == ["127.0.0.0/8", "::1/128"]
    listed = smpp(folder, "list")
    assert made["id"] in listed and "quickstart" in listed and made["password"] not in listed
    change = ("--set", "plus=true", "--set", "source_ton=null", "--name", "Branch", "--status", "suspended")
    changed = json.loads(smpp(folder, "update", made["id"], *change, "--json"))
    assert (changed["name"], changed["status"]) == ("Branch", "suspended")
    assert changed["settings"] == made["settings"] | {"plus": True}
    shown = smpp(folder, "show", made["id"])
    assert '"Branch"' in shown and "window" in shown and made["password"] not in shown
    assert json.loads(smpp(folder, "show", made["id"], "--json")) == changed
    rotated = dict(line.split(" ", 1) for line in smpp(folder, "rotate", made["id"]).splitlines())
    assert (rotated["id"], rotated["system_id"]) == (made["id"], "office")
    assert rotated["password"] != made["password"]
    assert smpp(folder, "delete", made["id"]) == f"{made['id']} is deleted\n"
    assert [each["system_id"] for each in json.loads(smpp(folder, "list", "--json"))] == ["quickstart"]


def test_what_is_made_binds_and_is_counted_until_it_is_suspended(node):
    made = json.loads(smpp(node.folder, "create", "Office", "--json"))
    client = smpplib.client.Client("127.0.0.1", node.given["smpp_port"], timeout=60, allow_unknown_opt_params=True)
    client.connect()
    client.bind_transceiver(system_id=made["system_id"], password=made["password"])
    assert json.loads(smpp(node.folder, "show", made["id"], "--json"))["binds"] == 1
    smpp(node.folder, "update", made["id"], "--status", "suspended")
    assert client.read_pdu().command == "unbind"
    client.disconnect()
    smpp(node.folder, "delete", made["id"])  # others count what there is


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("create", "x", "--set", "window"), 2, "--set takes NAME=VALUE"),
        (("create", "x", "--set", "windows=7"), 1, "/settings/windows: is no setting of an SMPP credential"),
        (("create", "x", "--set", "window=many"), 1, "/settings/window: must be a whole number"),
        (("create", "x", "--set", "window=0"), 1, "/settings/window: must be 1 to 1000"),
        (("create", "x", "--set", "allow_addresses=home"), 1, "/settings/allow_addresses/0: must be an address"),
        (("create", "x", "--system-id", "a b"), 1, "/system_id: must be 1 to 15 printable"),
        (("show", "SC" + "0" * 32), 1, "not_found"),
        (("update", "SC" + "0" * 32, "--name", "x"), 1, "not_found"),
        (("delete", "SC/../x"), 1, "not_found"),
    ],
)
def test_what_cannot_be_is_refused_in_the_same_words_with_a_node_and_without(folder, arguments, code, words):
    done = invoke("smpp", *arguments, "--data", folder)
    assert (done.code, words in done.err) == (code, True), done.err


def test_whose_credentials_has_to_be_known(tmp_path):
    done = invoke("smpp", "list", "--data", tmp_path)
    assert done.code == 2 and "which account?" in done.err
