"""Receipts in the dialects of real SMSCs (T04, T05, T14-T22), and both forms written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec.smpp.receipt import (
    STATES,
    WORDS,
    Receipt,
    build_text,
    build_tlvs,
    is_receipt,
    network_error_code,
    parse,
)
from whimbrel.codec.smpp.tables import MessageState, Tag

S = MessageState
USUAL = b"id:0123456789 sub:001 dlvrd:001 submit date:2611231200 done date:2611231201 stat:DELIVRD err:000 text:hi"
READ = Receipt(("0123456789",), S.DELIVERED, "DELIVRD", "000", "2611231200", "2611231201")

TEXTS = {
    "appendix B": (USUAL, READ),
    "capital Text, empty": (
        b"id:7 sub:001 dlvrd:000 submit date:2611231200 done date:2611231201 stat:UNDELIV err:001 Text:",
        Receipt(("7",), S.UNDELIVERABLE, "UNDELIV", "001", "2611231200", "2611231201"),
    ),
    "T14 only id and stat": (b"id:7 stat:DELIVRD", Receipt(("7",), S.DELIVERED, "DELIVRD")),
    "T14 no sub, dlvrd, text": (
        b"id:7 submit date:2611231200 done date:2611231201 stat:EXPIRED err:000",
        Receipt(("7",), S.EXPIRED, "EXPIRED", "000", "2611231200", "2611231201"),
    ),
    "T15 shuffled": (
        b"sub:001 id:7 err:000 done date:2611231201 dlvrd:001 submit date:2611231200 stat:DELIVRD",
        Receipt(("7",), S.DELIVERED, "DELIVRD", "000", "2611231200", "2611231201"),
    ),
    "T15 14 digits": (
        b"id:7 stat:DELIVRD submit date:20110314181534 done date:20110314181536",
        Receipt(("7",), S.DELIVERED, "DELIVRD", None, "20110314181534", "20110314181536"),
    ),
    "T15 full SMPP time": (
        b"id:7 sub:001 dlvrd:001 submit date:180711070003912+ done date:180711070003912+ stat:DELIVRD err:000 text:",
        Receipt(("7",), S.DELIVERED, "DELIVRD", "000", "180711070003912+", "180711070003912+"),
    ),
    "T15 epoch and zeros": (
        b"id:7 submit date:1702281424 done date:0000000000 stat:ACCEPTD",
        Receipt(("7",), S.ACCEPTED, "ACCEPTD", None, "1702281424", "0000000000"),
    ),
    "T16 err with a space": (b"id:7 stat:DELIVRD err: 0", Receipt(("7",), S.DELIVERED, "DELIVRD", "0")),
    "T16 err alphanumeric": (b"id:7 stat:UNDELIV err:21b", Receipt(("7",), S.UNDELIVERABLE, "UNDELIV", "21b")),
    "T16 err odd": (b"id:7 stat:REJECTD err:13? text:", Receipt(("7",), S.REJECTED, "REJECTD", "13?")),
    "T16 err of four digits": (b"id:7 stat:DELIVRD err:0000", Receipt(("7",), S.DELIVERED, "DELIVRD", "0000")),
    "T17 FAILED": (b"id:7 stat:FAILED err:954", Receipt(("7",), S.UNDELIVERABLE, "FAILED", "954")),
    "T17 empty stat": (b"id:7 stat: err:000", Receipt(("7",), S.UNKNOWN, "", "000")),
    "T17 BUFFRED": (b"id:7 stat:BUFFRED", Receipt(("7",), S.ENROUTE, "BUFFRED")),
    "T17 ACKED": (b"id:7 stat:ACKED", Receipt(("7",), S.ACCEPTED, "ACKED")),
    "T17 a number": (b"id:7 stat:0", Receipt(("7",), S.UNKNOWN, "0")),
    "T17 lower case": (b"id:7 stat:delivrd", Receipt(("7",), S.DELIVERED, "delivrd")),
    "T17 whole word": (b"ID:7 STAT:Accepted", Receipt(("7",), S.ACCEPTED, "Accepted")),
    "T18 text with labels": (
        b"id:7 stat:UNDELIV err:001 text:id:9 stat:DELIVRD err:000",
        Receipt(("7",), S.UNDELIVERABLE, "UNDELIV", "001"),
    ),
    "T18 text of two lines": (b"id:7 stat:UNDELIV text:hi\nerr:999", Receipt(("7",), S.UNDELIVERABLE, "UNDELIV")),
    "T18 the user's text first of all": (b"Text:id:9 stat:DELIVRD", None),
    "T18 binary text": (
        USUAL[:-2] + b"\x84A\x89O\x88 ENTO\x84H. \x8cAPAKA",
        READ,
    ),
    "T05 NUL at the end": (b"id:7 stat:DELIVRD err:000\0", Receipt(("7",), S.DELIVERED, "DELIVRD", "000")),
    "no id": (b"stat:DELIVRD err:000", Receipt((), S.DELIVERED, "DELIVRD", "000")),
    "id empty": (b"id: stat:DELIVRD", Receipt((), S.DELIVERED, "DELIVRD")),
    "UUID": (
        b"id:0e999f21-7d0a-4b7e-a2ee-6a53c7fb0e4f stat:DELIVRD",
        Receipt(("0e999f21-7d0a-4b7e-a2ee-6a53c7fb0e4f",), S.DELIVERED, "DELIVRD"),
    ),
    "no receipt": (b"hello", None),
    "label inside a word": (b"paid:7 xstat:DELIVRD", None),
    "empty": (b"", None),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS.keys())
def test_text(text, expected):
    assert parse(text, 0, ()) == expected


@pytest.mark.parametrize(
    ("encoded", "data_coding"),
    [
        (USUAL.decode().encode("utf-16-be"), 8),
        (b"\xfe\xff" + USUAL.decode().encode("utf-16-be"), 8),
        (b"\xff\xfe" + USUAL.decode().encode("utf-16-le"), 0),
        (USUAL, 8),
        (USUAL, 3),
        (USUAL[:-2].decode().encode("utf-16-be") + "Ωметро".encode("utf-16-be"), 8),
        (USUAL.decode().encode("utf-16-be") + b"\xd8", 8),
    ],
    ids=["big-endian", "BOM", "little-endian, BOM", "not UCS-2 at all", "Latin-1", "letters", "odd octet"],
)
def test_t19_text_in_ucs2(encoded, data_coding):
    assert parse(encoded, data_coding, ()) == READ


@pytest.mark.parametrize(
    ("encoded", "data_coding"),
    [
        ("id:7 stat:DELIVRD\0".encode("utf-16-be"), 8),
        (b"\xff\xfe" + "id:7 stat:DELIVRD\0".encode("utf-16-le"), 0),
    ],
    ids=["big-endian", "little-endian, BOM"],
)
def test_t05_a_nul_ends_a_text_in_ucs2_too(encoded, data_coding):
    assert parse(encoded, data_coding, ()) == Receipt(("7",), S.DELIVERED, "DELIVRD")


TLVS = {
    "T04 the TLV's id first, then the text's": (
        b"id:0000436949 stat:DELIVRD",
        ((0x1E, b"6aad5\0"), (0x427, b"\2")),
        Receipt(("6aad5", "0000436949"), S.DELIVERED, "DELIVRD"),
    ),
    "T05 TLV without NUL, same id": (
        b"id:18d0e03a stat:DELIVRD",
        ((0x1E, b"18d0e03a"),),
        Receipt(("18d0e03a",), S.DELIVERED, "DELIVRD"),
    ),
    "T05 receipt in message_payload with NUL": (
        b"",
        ((0x424, b"id:7 stat:DELIVRD err:000\0"), (0x1E, b"6aad5\0"), (0x427, b"\2")),
        Receipt(("6aad5", "7"), S.DELIVERED, "DELIVRD", "000"),
    ),
    "T20 TLVs only": (b"", ((0x1E, b"6aad5\0"), (0x427, b"\5")), Receipt(("6aad5",), S.UNDELIVERABLE)),
    "T20 id in the TLV, state in the text": (
        b"stat:EXPIRED",
        ((0x1E, b"6aad5\0"),),
        Receipt(("6aad5",), S.EXPIRED, "EXPIRED"),
    ),
    "T20 id without any state": (b"", ((0x1E, b"6aad5\0"),), Receipt(("6aad5",), S.UNKNOWN)),
    "message_state of two octets": (b"id:7", ((0x427, b"\0\2"),), Receipt(("7",), S.DELIVERED)),
    "message_state out of range": (b"id:7 stat:DELIVRD", ((0x427, b"\x0b"),), Receipt(("7",), S.DELIVERED, "DELIVRD")),
    "message_state empty": (b"id:7 stat:DELIVRD", ((0x427, b""),), Receipt(("7",), S.DELIVERED, "DELIVRD")),
    "SMPP 5.0 states": (b"", ((0x1E, b"7"), (0x427, b"\0")), Receipt(("7",), S.SCHEDULED)),
    "T22 network error": (
        b"id:7 stat:UNDELIV",
        ((0x423, b"\3\0\x08"),),
        Receipt(("7",), S.UNDELIVERABLE, "UNDELIV", network_error=b"\3\0\x08"),
    ),
    "nothing of a receipt": (b"", ((0x424, b"hello"), (0x204, b"\0\1")), None),
}


@pytest.mark.parametrize(("text", "tlvs", "expected"), TLVS.values(), ids=TLVS.keys())
def test_tlvs(text, tlvs, expected):
    assert parse(text, 0, tlvs) == expected


def test_a_carrier_may_bring_its_own_words():
    words = {**STATES, "KO": S.REJECTED}
    assert parse(b"id:7 stat:KO", 0, (), states=words).state is S.REJECTED
    assert parse(b"id:7 stat:KO", 0, ()).state is S.UNKNOWN


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"\3\0\x08", (3, 8)), (b"\3\3\3", (3, 771)), (b"000", (0, 0)), (b"045", (0, 45)), (b"\3", None), (b"", None)],
)
def test_t22_network_error_code(value, expected):
    assert network_error_code(value) == expected


@pytest.mark.parametrize(
    ("esm_class", "expected"),
    [
        (0x00, False),
        (0x04, True),
        (0x44, True),
        (0x08, True),
        (0x20, True),
        (0x40, False),
        (0x03, False),
        (0x80, False),
    ],
)
def test_t21_is_receipt(esm_class, expected):
    assert is_receipt(esm_class) is expected


def test_built_text_to_the_letter():
    built = build_text("0123456789", S.DELIVERED, submitted_at="2611231200", done_at="2611231201", text=b"x" * 30)
    assert built == USUAL.replace(b"text:hi", b"Text:" + b"x" * 20)


@given(
    st.text("0123456789abcdef-", min_size=1, max_size=40),
    st.sampled_from(list(MessageState)),
    st.text("0123456789abc", min_size=1, max_size=4),
    st.binary(max_size=30),
)
def test_both_forms_come_back(message_id, state, error, text):
    built = build_text(message_id, state, submitted_at="2611231200", done_at="2611231201", error=error, text=text)
    assert parse(built, 0, ()) == Receipt((message_id,), state, WORDS[state], error, "2611231200", "2611231201")
    tlvs = build_tlvs(message_id, state, network_error=b"\3\0\1")
    assert parse(b"", 0, tlvs) == Receipt((message_id,), state, network_error=b"\3\0\1")
    assert parse(b"", 0, build_tlvs(message_id, state)) == Receipt((message_id,), state)


def test_tlvs_have_the_shapes_of_the_table():
    assert build_tlvs("7", S.DELIVERED) == ((Tag.RECEIPTED_MESSAGE_ID, b"7\0"), (Tag.MESSAGE_STATE, b"\2"))


@given(st.binary(max_size=120), st.integers(0, 255))
def test_any_octets_give_a_receipt_or_none(text, data_coding):
    found = parse(b"id:7 stat:DELIVRD err:0 text:" + text, data_coding & ~8, ())
    assert found == Receipt(("7",), S.DELIVERED, "DELIVRD", "0")
    assert parse(text, data_coding, ()) is None or isinstance(parse(text, data_coding, ()), Receipt)
