"""`whimbrel link` against a running node, whose links are opened."""

import json

import pytest

from .product import Node, invoke, quickstart


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("links")) as running:
        yield running


def link(node: Node, *words: object, code: int = 0) -> str:
    done = invoke("link", *words, "--data", node.folder)
    assert done.code == code, done.err
    return done.out


def test_a_link_is_made_seen_changed_ended_and_deleted(node: Node):
    link_id, short = link(node, "create", "https://a.example/sale", "--name", "Poster").split()
    assert short.startswith(f"{node.url.replace('127.0.0.1', 'localhost')}/l/")
    assert link_id in link(node, "list") and "https://a.example/sale" in link(node, "show", link_id)
    assert "https://b.example" in link(node, "change", link_id, "https://b.example")
    assert json.loads(link(node, "show", link_id, "--json"))["link"]["url"] == "https://b.example"
    assert "over" in link(node, "end", link_id)
    assert "expired" in link(node, "show", link_id)
    assert "deleted" in link(node, "delete", link_id)
    assert json.loads(link(node, "list", "--json")) == []
    assert link(node, "create", "ftp://a.example", code=1) == ""
