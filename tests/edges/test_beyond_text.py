"""What REST takes for the wire beyond a text: flash, octets, headers, optional parameters; told as it was asked."""

import pytest

from .edge_rig import NUMBER

TLVS = {"pe_id": "1101234567890", "0x1500": {"hex": "00ff"}, "source_port": 5000}


async def test_what_was_asked_for_is_told_again(edge):
    new = {"to": NUMBER, "text": "Hi", "flash": True, "udh": "05041583158A", "tlvs": TLVS}
    made = (await edge.post("/v1/messages", new)).json
    told = {"entity_id": "1101234567890", "0x1500": {"hex": "00ff"}, "source_port": 5000}
    assert (made["flash"], made["udh"], made["tlvs"], made["text"]) == (True, "05041583158a", told, "Hi")
    again = (await edge.get(f"/v1/messages/{made['id']}")).json
    assert {name: again[name] for name in ("flash", "udh", "tlvs", "text")} == {
        name: made[name] for name in ("flash", "udh", "tlvs", "text")
    }
    assert "data" not in again


async def test_octets_in_place_of_a_text(edge):
    new = {"to": NUMBER, "data": "0A" * 141, "data_coding": 0xF5}
    made = (await edge.post("/v1/messages", new)).json
    assert (made["text"], made["data"], made["encoding"], made["segments"]) == (None, "0a" * 141, "binary", 2)
    assert made["data_coding"] == 0xF5
    assert (await edge.get(f"/v1/messages/{made['id']}")).json["data"] == "0a" * 141


async def test_a_plain_message_is_told_without_any_of_it(edge):
    made = (await edge.post("/v1/messages", {"to": NUMBER, "text": "Hi"})).json
    assert made.keys().isdisjoint({"data", "flash", "udh", "tlvs", "data_coding"})


async def test_a_batch_has_defaults_for_it(edge):
    batch = {
        "defaults": {"text": "Hi", "tlvs": {"pe_id": "1"}, "flash": True},
        "messages": [{"to": NUMBER}, {"to": NUMBER, "flash": False, "tlvs": {}}, {"to": NUMBER, "data": "00"}],
    }
    rows = (await edge.post("/v1/messages/batch", batch)).json["data"]
    views = [(await edge.get(f"/v1/messages/{row['id']}")).json for row in rows]
    assert [view.get("tlvs") for view in views] == [{"entity_id": "1"}, None, {"entity_id": "1"}]
    assert [view.get("flash") for view in views] == [True, None, True]
    assert [view.get("data") for view in views] == [None, None, "00"]


REFUSED = {
    "text and data": ({"text": "Hi", "data": "00"}, "/data"),
    "text and no data": ({"text": "Hi", "data": ""}, "/data"),
    "no hex": ({"data": "zz"}, "/data"),
    "data_coding of a text": ({"text": "Hi", "data_coding": 8}, "/data_coding"),
    "no such parameter": ({"text": "Hi", "tlvs": {"nobody": "1"}}, "/tlvs/nobody"),
    "a bad header": ({"text": "Hi", "udh": "05"}, "/udh"),
}


@pytest.mark.parametrize(("wish", "pointer"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_is_refused_and_nothing_is_charged(edge, wish, pointer):
    before = (await edge.get("/v1/balance")).json
    answer = await edge.post("/v1/messages", {"to": NUMBER} | wish)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert (await edge.get("/v1/balance")).json == before


async def test_the_names_of_carriers_are_known(edge):
    (carrier,) = (await edge.get("/v1/carriers", key=edge.operator)).json["data"]
    change = {"settings": {"tlv_names": {"Campaign": "0x1500"}}}
    await edge.ask("PATCH", f"/v1/carriers/{carrier['id']}", json=change, key=edge.operator)
    made = (await edge.post("/v1/messages", {"to": NUMBER, "text": "Hi", "tlvs": {"campaign": "x"}})).json
    assert made["tlvs"] == {"0x1500": "x"}
