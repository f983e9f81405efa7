"""What a carrier's settings and a sender's wishes put on the wire together; what can be written is told in
tests/traps/test_carrier_encoding.py."""

import pytest

from whimbrel.carriers.interface import Part
from whimbrel.carriers.smpp_writer import Unwritable, Writer, common_tlvs
from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.shortmessage import read_short_message
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.wire import Wire

NOW = 1_800_000_000_000_000
HOUR = 3_600_000_000


def part(octets=b"Hi", **more):
    fields = {
        "attempt": 1, "message_id": "SM1", "source": "Tern", "destination": "+447911123456", "encoding": "gsm7",
        "expires_at": NOW + HOUR, "part": 1, "parts": 1, "tail_hash": 0, "priority": 1, "reference": 7,
    }  # fmt: skip
    return Part(octets=octets, **fields | more)


def written(one, **settings):
    octets = Writer(CarrierSettings("h", 1, **settings)).body(one, NOW)
    return read_short_message(octets, 0, len(octets))


def test_the_senders_parameters_win_over_the_carriers():
    own = {"0x1400": "ours", "campaign": {"hex": "00"}, "source_port": 5}
    names = {"campaign": "0x1500"}
    _, tlvs = written(part(), tlvs=own, tlv_names=names)
    assert tlvs == ((0x1400, b"ours"), (0x1500, b"\0"), (0x020A, b"\0\x05"))
    wire = Wire(tlvs=((0x1500, "ff"), (0x1600, "01")))
    _, tlvs = written(part(wire=wire), tlvs=own, tlv_names=names)
    assert tlvs == ((0x1400, b"ours"), (0x020A, b"\0\x05"), (0x1500, b"\xff"), (0x1600, b"\x01"))


def test_parameters_stand_before_the_payload():
    _, tlvs = written(part(b"x" * 161), tlvs={"0x1400": "1"}, long_messages="payload")
    assert tlvs == ((0x1400, b"1"), (0x0424, b"x" * 161))


def test_service_type_and_protocol_id():
    body, _ = written(part(), service_type="CMT")
    assert (body.service_type, body.protocol_id) == ("CMT", 0)
    body, _ = written(part(wire=Wire(service_type="WAP", protocol_id=0x7F)), service_type="CMT")
    assert (body.service_type, body.protocol_id) == ("WAP", 0x7F)


def test_a_name_of_no_parameter():
    with pytest.raises(CodecError):
        common_tlvs(CarrierSettings("h", 1, tlvs={"nobody": "1"}))


def test_a_sender_that_cannot_be_written_costs_its_part_alone():
    writer = Writer(CarrierSettings("h", 1))
    with pytest.raises(Unwritable) as caught:
        writer.body(part(source="x" * 21), NOW)
    assert caught.value.reason == "invalid_source"
    assert writer.body(part(), NOW)


def test_many_senders_and_lifetimes_stay_bounded():
    """Templates are kept for the senders of the moment, and what is made again is the same."""
    writer = Writer(CarrierSettings("h", 1))
    first = writer.body(part(source="s0"), NOW)
    for number in range(2_000):
        writer.body(part(source=f"s{number}"), NOW)
    assert len(writer._templates) <= 512
    assert writer.body(part(source="s0"), NOW) == first


def test_what_is_shared_is_never_another_messages():
    """All that differs between two messages differs on the wire."""
    writer = Writer(CarrierSettings("h", 1, receipts_on="last"))
    ones = [
        part(), part(source="Gull"), part(expires_at=NOW + 2 * HOUR), part(b"\x04\x3f", encoding="ucs2"),
        part(header=b"\x24\x01\x01"), part(wire=Wire(message_class=0)), part(parts=2), part(parts=2, part=2),
    ]  # fmt: skip
    bodies = [writer.body(one, NOW) for one in ones]
    assert len(set(bodies)) == len(ones)
    assert [writer.body(one, NOW) for one in ones] == bodies
