"""What a message carries beyond its text: what may be asked for, what is stored, and how it is told again."""

import pytest

from whimbrel.base.limits import TLVS_MAX, TLVS_OCTETS_MAX
from whimbrel.domain.wire import Wire
from whimbrel.domain.wire_form import BadWire, Shown, Wishes, octets, read, shown

OWN = {"campaign": "0x1500"}

GOOD = {
    "nothing": (Wishes(), False, None),
    "flash is not asked for": (Wishes(flash=False), False, None),
    "flash": (Wishes(flash=True), False, Wire(message_class=0)),
    "a header": (Wishes(udh="05041583158A"), True, Wire(header="05041583158a")),
    "names, numbers, a carrier's own name": (
        Wishes(tlvs={"pe_id": "1101", "0x1401": 1107, "Campaign": {"hex": "00FF"}, "source_port": 5000}),
        False,
        Wire(tlvs=((0x1400, "31313031"), (0x1401, "31313037"), (0x1500, "00ff"), (0x020A, "1388"))),
    ),
    "data_coding of data": (Wishes(data_coding=0xF5), True, Wire(data_coding=0xF5)),
}


@pytest.mark.parametrize(("wishes", "is_data", "wire"), GOOD.values(), ids=GOOD)
def test_what_is_stored(wishes, is_data, wire):
    assert read(wishes, OWN, is_data=is_data) == wire


BAD = {
    "data_coding of a text": (Wishes(data_coding=8), False, "/data_coding"),
    "data_coding beyond an octet": (Wishes(data_coding=256), True, "/data_coding"),
    "two classes": (Wishes(data_coding=4, flash=True), True, "/flash"),
    "no hex": (Wishes(udh="0x05"), True, "/udh"),
    "half an octet": (Wishes(udh="050"), True, "/udh"),
    "half an element": (Wishes(udh="0504"), True, "/udh"),
    "nothing": (Wishes(udh=" "), True, "/udh"),
    "with its length octet": (Wishes(udh="0605041583158a"), True, "/udh"),
    "beyond the user data": (Wishes(udh="7088" + "00" * 138), True, "/udh"),
    "shift tables of a text": (Wishes(udh="240101"), False, "/udh"),
    "no such name": (Wishes(tlvs={"a/b": "1"}), False, "/tlvs/a~1b"),
    "not in its shape": (Wishes(tlvs={"source_port": 70000}), False, "/tlvs/source_port"),
    "no hex in it": (Wishes(tlvs={"0x1400": {"hex": "x"}}), False, "/tlvs/0x1400"),
    "another object": (Wishes(tlvs={"0x1400": {"text": "x"}}), False, "/tlvs/0x1400"),
    "ours": (Wishes(tlvs={"sar_msg_ref_num": 1}), False, "/tlvs/sar_msg_ref_num"),
    "two names of one": (Wishes(tlvs={"pe_id": "1", "5120": "2"}), False, "/tlvs/5120"),
    "too many": (Wishes(tlvs={str(n): "1" for n in range(0x1400, 0x1401 + TLVS_MAX)}), False, "/tlvs"),
    "too long": (Wishes(tlvs={"0x1400": "x" * (TLVS_OCTETS_MAX + 1)}), False, "/tlvs"),
}


@pytest.mark.parametrize(("wishes", "is_data", "pointer"), BAD.values(), ids=BAD)
def test_what_cannot_be_is_refused_with_a_pointer(wishes, is_data, pointer):
    with pytest.raises(BadWire) as caught:
        read(wishes, OWN, is_data=is_data)
    assert caught.value.pointer == pointer
    assert str(caught.value)


def test_data_must_be_hex():
    assert octets("/data", "0aFF") == b"\x0a\xff"
    with pytest.raises(BadWire):
        octets("/data", "zz")


def test_it_is_told_as_it_was_asked_for():
    wire = Wire(tlvs=((0x1400, "31313031"), (0x1500, "00ff"), (0x020A, "1388")), message_class=0, header="240101")
    assert shown(wire) == Shown(
        flash=True, udh="240101", tlvs={"entity_id": "1101", "0x1500": {"hex": "00ff"}, "source_port": 5000}
    )
    assert shown(Wire(data_coding=0)) == Shown(data_coding=0)
