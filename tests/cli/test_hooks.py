"""`whimbrel hook` against a running node, whose address another system calls."""

import json
from pathlib import Path

import pytest

from .product import Node, ask, invoke, quickstart, until

ORDER = {"phone": "+15005550001", "order": "A7", "id": "1", "type": "order.paid"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("hooks")) as running:
        yield running


def hook(node: Node, *words: object, code: int = 0) -> str:
    done = invoke("hook", *words, "--data", node.folder)
    assert done.code == code, done.err
    return done.out


def made(node: Node, name: str) -> tuple[str, str, str]:
    """Id, address and secret."""
    first, second = hook(node, "create", name).splitlines()
    about, _, url = first.partition(": ")
    return about.split()[0], url, second.removeprefix("secret: ")


def called(url: str, secret: str, **changes: str):
    return ask("POST", url, ORDER | changes, headers={"Authorization": f"Bearer {secret}"})


def test_a_hook_is_made_changed_tried_called_and_read(node: Node, tmp_path: Path):
    hook_id, url, secret = made(node, "shop")
    assert (url.startswith(f"{node.url}/v1/hooks/"), hook_id in url) == (True, True)
    file = tmp_path / "hook.json"
    rule = {"name": "paid", "to": ["phone"], "text": "Order {{order}} is paid."}
    file.write_text(json.dumps({"auth": {"kind": "bearer"}, "rules": [rule]}))
    assert "shop: 1 rules, active" in hook(node, "put", hook_id, file)
    assert json.loads(hook(node, "show", hook_id))["rules"][0]["name"] == "paid"
    (kept,) = json.loads(hook(node, "list", "--json"))
    assert (kept["id"], kept["name"] in hook(node, "list")) == (hook_id, True)
    body = tmp_path / "order.json"
    body.write_text(json.dumps(ORDER))
    tried = json.loads(hook(node, "try", hook_id, body, "--json"))["outcomes"][0]
    assert (tried["text"], tried["to"]) == ("Order A7 is paid.", ORDER["phone"])
    assert "Order A7 is paid." in hook(node, "try", hook_id, body, "--header", "x-more: 1")
    assert json.loads(hook(node, "calls", hook_id, "--json")) == []
    assert called(url, secret).json["sent"] == 1
    assert called(url, secret, phone="", id="2").json["sent"] == 0
    none, sent = json.loads(hook(node, "calls", hook_id, "--json"))
    assert (sent["verdict"], none["verdict"]) == ("sent", "no_number")
    (only,) = json.loads(hook(node, "calls", hook_id, "--verdict", "no_number", "--json"))
    assert only["id"] == none["id"]
    assert sent["id"] in hook(node, "calls", hook_id)
    assert ": duplicate, 0 sent" in hook(node, "replay", hook_id, sent["id"])
    assert ": sent, 1 sent" in hook(node, "replay", hook_id, sent["id"], "--again")


def test_a_secret_is_rotated_and_a_hook_deleted(node: Node):
    hook_id, url, secret = made(node, "other")
    new = hook(node, "rotate", hook_id).removeprefix("secret: ").strip()
    given = hook(node, "rotate", hook_id, "--secret", "x" * 24).strip()
    assert (new != secret, given) == (True, "secret: " + "x" * 24)
    assert hook(node, "delete", hook_id).strip() == f"{hook_id} is deleted"
    until(lambda: ask("POST", url, ORDER).status == 404, what="the hook is gone")


def test_wrong_input(node: Node, tmp_path: Path):
    assert "there is no preset myspace; there are" in invoke(
        "hook", "create", "x", "--preset", "myspace", "--data", node.folder
    ).err  # fmt: skip
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert str(broken) in invoke("hook", "put", "HK1", broken, "--data", node.folder).err
    assert "none" in invoke("hook", "try", "HK1", tmp_path / "none", "--data", node.folder).err
    assert "There is no such" in invoke("hook", "show", "HK1", "--data", node.folder).err
