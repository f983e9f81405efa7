"""`whimbrel pool`, `whimbrel keyword` and `whimbrel inbound-url` against a running node."""

import json

import pytest

from .product import Node, invoke, quickstart


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("pools")) as running:
        yield running


def said(node: Node, *words: object, code: int = 0) -> str:
    done = invoke(*words, "--data", node.folder)
    assert done.code == code, done.err
    return done.out


@pytest.mark.ci
def test_pools_and_keywords_are_made_read_and_deleted(node: Node):
    sender = node.get("/v1/senders")["data"][0]["value"] if hasattr(node, "get") else "+15005550006"
    pool_id = said(node, "pool", "create", "support", sender, "--default").split()[0]
    said(node, "pool", "change", pool_id, "--no-sticky", "--no-area", "--validity", 60, "--fallback", sender)
    changed = json.loads(said(node, "pool", "show", pool_id, "--json"))
    assert (changed["sticky"], changed["match_area"], changed["names_first"], changed["validity"]) == (
        False, False, True, 60,
    )  # fmt: skip
    assert changed["fallback"]
    assert "support: 1 senders" in said(node, "pool", "add", pool_id, sender, "--rate", "60", "--country", "US")
    shown = json.loads(said(node, "pool", "show", pool_id, "--json"))
    assert (shown["is_default"], shown["members"][0]["rate_per_min"]) == (True, 60)
    assert "well" in said(node, "pool", "show", pool_id) and pool_id in said(node, "pool", "list")
    said(node, "pool", "remove", pool_id, sender)
    said(node, "pool", "remove", pool_id, sender, code=1)
    assert "is deleted" in said(node, "pool", "delete", pool_id)
    url = "http://127.0.0.1:9/in"
    assert f"account: {url}" in said(node, "inbound-url", "set", "account", url, "--fallback", f"{url}?b", "--twilio")
    (kept,) = json.loads(said(node, "inbound-url", "list", "--json"))
    assert (kept["of"], kept["url"], kept["fallback_url"], kept["format"]) == ("account", url, f"{url}?b", "twilio")
    assert url in said(node, "inbound-url", "list")
    said(node, "inbound-url", "set", "account", url, "--get", code=1)
    assert "is deleted" in said(node, "inbound-url", "delete", "account")
    said(node, "inbound-url", "delete", "account", code=1)
    made = said(node, "keyword", "create", "hours", "--word", "hours", "--word", "open", "--answer", "From 9 to 5")
    keyword_id = made.split()[0]
    (listed,) = json.loads(said(node, "keyword", "list", "--json"))
    assert (listed["words"], listed["answers"]) == (["hours", "open"], {"en": "From 9 to 5"})
    assert keyword_id in said(node, "keyword", "list")
    assert "is deleted" in said(node, "keyword", "delete", keyword_id)
