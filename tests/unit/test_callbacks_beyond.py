"""What is told of a message that carries more than a text, or octets in place of it."""

import json
from typing import Any

import msgspec
from tests.unit.test_callbacks import RECEIVED, SENT

from whimbrel.domain import callbacks
from whimbrel.domain.model import Event, Flag, Message, Options
from whimbrel.domain.wire import Wire

WIRE = Wire(tlvs=((0x1400, "3131"), (0x1500, "00ff")), message_class=0, header="05041583158a")
BEYOND = {"flash", "data", "udh", "tlvs", "data_coding"}


def with_wire(message: Message, wire: Wire, **more: Any) -> Message:
    options = msgspec.json.encode(Options(wire=wire)).decode()
    return msgspec.structs.replace(message, flags=Flag.WIRE, options=options, **more)


def view(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(msgspec.json.encode(callbacks.message_view(message)))
    return told


def event(message: Message) -> dict[str, Any]:
    one = Event(1, message.account_id, False, message.id, 1, "message.received", "{}", False, message.created_at)
    told: dict[str, Any] = json.loads(callbacks.event_body(one, message))
    return told["data"]


def test_only_what_is_there_is_told() -> None:
    assert view(SENT).keys().isdisjoint(BEYOND)
    told = view(with_wire(SENT, WIRE))
    assert {name: told[name] for name in told.keys() & BEYOND} == {
        "flash": True, "udh": "05041583158a", "tlvs": {"entity_id": "11", "0x1500": {"hex": "00ff"}},
    }  # fmt: skip
    assert told["text"] == SENT.text


def test_octets_stand_in_place_of_the_text() -> None:
    told = view(with_wire(SENT, Wire(data_coding=0xF5), text="0aff", encoding="binary"))
    assert (told["text"], told["data"], told["data_coding"]) == (None, "0aff", 0xF5)
    told = view(msgspec.structs.replace(SENT, text="0aff", encoding="binary"))
    assert (told["text"], told["data"]) == (None, "0aff")


def test_nothing_of_it_outlives_redaction() -> None:
    flags = Flag.WIRE | Flag.REDACTED
    told = view(msgspec.structs.replace(SENT, text="", encoding="binary", flags=flags))
    assert told["text"] is None
    assert told.keys().isdisjoint(BEYOND)
    assert event(msgspec.structs.replace(RECEIVED, text="", flags=flags)).keys().isdisjoint(BEYOND)


def test_events_of_inbound_texts_tell_it() -> None:
    told = event(with_wire(RECEIVED, WIRE, text="0aff", encoding="binary"))
    assert (told["text"], told["data"], told["udh"]) == (None, "0aff", "05041583158a")
    assert told["tlvs"] == {"entity_id": "11", "0x1500": {"hex": "00ff"}}
    assert event(with_wire(SENT, WIRE)).keys().isdisjoint(BEYOND)
    plain = event(RECEIVED)
    assert plain.keys().isdisjoint(BEYOND)
    assert plain["text"] == RECEIVED.text


def test_twilio_gets_no_octets_as_a_body() -> None:
    told = dict(callbacks.twilio_inbound(msgspec.structs.replace(RECEIVED, text="0aff", encoding="binary")))
    assert told["Body"] == ""
