"""`whimbrel mailbox` against a running node."""

import json
from pathlib import Path

import pytest

from .product import Node, invoke, quickstart


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("mailboxes")) as running:
        yield running


def mailbox(node: Node, *words: object, code: int = 0) -> str:
    done = invoke("mailbox", *words, "--data", node.folder)
    assert done.code == code, done.err
    return done.out


@pytest.mark.ci
def test_a_mailbox_is_made_changed_read_and_deleted(node: Node, tmp_path: Path):
    said = mailbox(node, "create", "shop", "@shop.example", "bob@other.example", "--auth", "dkim", "--machines")
    mailbox_id = said.split()[0]
    assert "shop: set mailbox.domain to open the door" in said
    file = tmp_path / "mailbox.json"
    file.write_text(json.dumps({"senders": ["@shop.example"], "status": "paused"}))
    assert "shop: paused, 1 senders" in mailbox(node, "put", mailbox_id, file)
    shown = json.loads(mailbox(node, "show", mailbox_id))
    assert (shown["auth"], shown["machines"], shown["subject"], shown["address"]) == ("dkim", True, False, None)
    (listed,) = json.loads(mailbox(node, "list", "--json"))
    assert listed == shown and mailbox_id in mailbox(node, "list")
    assert json.loads(mailbox(node, "log", mailbox_id, "--state", "refused", "--json")) == []
    mailbox(node, "log", mailbox_id, "--state", "odd", code=1)
    mailbox(node, "put", mailbox_id, tmp_path / "nothing", code=2)
    assert "is deleted" in mailbox(node, "delete", mailbox_id)
    mailbox(node, "show", mailbox_id, code=1)
