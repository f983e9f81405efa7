"""`whimbrel campaign` against a running node."""

import json

import pytest

from .product import Node, invoke, quickstart


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("campaigns")) as running:
        yield running


def test_a_campaign_is_made_of_a_document_and_steered(node: Node, tmp_path):
    def campaign(*words: object, code: int = 0) -> str:
        done = invoke("campaign", *words, "--data", node.folder)
        assert done.code == code, done.err
        return done.out

    said = {"name": "sale", "audience": {"numbers": ["+15005550001"]}, "text": "Sale"}
    said["schedule"] = {"at": "2199-01-01T10:00"}
    file = tmp_path / "sale.json"
    file.write_text(json.dumps(said))
    id_ = json.loads(campaign("create", file, "--json"))["id"]
    assert "sale" in campaign("list") and "draft" in campaign("show", id_)
    assert "1 of 1" in campaign("estimate", id_)
    assert "SM" in campaign("test", id_, "+15005550001")
    assert "scheduled" in campaign("start", id_)
    assert "paused" in campaign("pause", id_)
    assert "scheduled" in campaign("resume", id_)
    assert "canceled" in campaign("cancel", id_)
    assert "all" in campaign("results", id_)
    assert json.loads(campaign("recipients", id_, "--activity", "clicked", "--json")) == []
    campaign("recipients", id_, "--activity", "sneezed", code=1)
    assert "is deleted" in campaign("delete", id_)
    file.write_text("{")
    campaign("create", file, code=2)
