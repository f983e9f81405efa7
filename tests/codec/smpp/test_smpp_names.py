"""TLVs by name and number, and their values as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.names import NAMES, readable_value, tag_name, tag_of, value_octets
from whimbrel.codec.smpp.tables import Tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("0x1400", 0x1400),
        ("0X1400", 0x1400),
        ("5120", 0x1400),
        ("pe_id", 0x1400),
        ("PE-ID", 0x1400),
        ("entity_id", 0x1400),
        ("template_id", 0x1401),
        ("telemarketer_id", 0x1402),
        ("tm_id", 0x1402),
        (" user_message_reference ", 0x0204),
        ("congestion_state", 0x0428),
        ("billing_identification", 0x060B),
        ("dest_addr_np_country", 0x0613),
        ("dest_port", 0x020B),
        ("0xFFFF", 0xFFFF),
        ("0x10000", None),
        ("65536", None),
        ("-1", None),
        ("+1", None),
        ("1_4", None),
        ("0x", None),
        ("", None),
        ("٥", None),
        ("colour", None),
    ],
)
def test_tag_of(text, tag):
    assert tag_of(text) == tag


@given(st.integers(0, 0xFFFF))
def test_the_name_of_any_tag_leads_back_to_it(tag):
    assert tag_of(tag_name(tag)) == tag


def test_every_standard_tag_has_its_name():
    assert {tag_of(tag.name.lower()) for tag in Tag} == {int(tag) for tag in Tag} == {n for n in NAMES if n < 0x1400}


OCTETS = {
    # 1701158019811140068 in tag 0x1400 with length 0x0013, as a gateway logged it: no NUL
    "an entity id": (0x1400, "1701158019811140068", b"1701158019811140068"),
    "an entity id without quotes": (0x1400, 1701158019811140068, b"1701158019811140068"),
    "a vendor's text with the NUL written": (0x1400, "17\0", b"17\0"),
    "a vendor's octets": (0x1501, {"hex": "00 ff"}, b"\0\xff"),
    "a C-string": (Tag.RECEIPTED_MESSAGE_ID, "6aad5", b"6aad5\0"),
    "a C-string with its NUL written": (Tag.RECEIPTED_MESSAGE_ID, "6aad5\0", b"6aad5\0"),
    "a C-string without NUL, in hex": (Tag.RECEIPTED_MESSAGE_ID, {"hex": "36616164"}, b"6aad"),
    "an integer": (Tag.USER_MESSAGE_REFERENCE, 258, b"\x01\x02"),
    "an integer as text": (Tag.USER_MESSAGE_REFERENCE, "258", b"\x01\x02"),
    "an octet string": (Tag.BILLING_IDENTIFICATION, "A1", b"A1"),
    "a parameter without value": (Tag.ALERT_ON_MESSAGE_DELIVERY, "", b""),
}


@pytest.mark.parametrize(("tag", "value", "octets"), OCTETS.values(), ids=OCTETS.keys())
def test_value_octets(tag, value, octets):
    assert value_octets(tag, value) == octets


REFUSED = {
    "an integer beyond its width": (Tag.USER_MESSAGE_REFERENCE, 65536),
    "a negative integer": (Tag.USER_MESSAGE_REFERENCE, -1),
    "words for an integer": (Tag.USER_MESSAGE_REFERENCE, "many"),
    "a C-string too long": (Tag.RECEIPTED_MESSAGE_ID, "x" * 65),
    "a NUL inside a C-string": (Tag.RECEIPTED_MESSAGE_ID, "a\0b"),
    "a character beyond Latin-1": (0x1400, "Ω"),
    "half an octet": (0x1400, {"hex": "0"}),
    "no hex": (0x1400, {"hex": "zz"}),
    "a hex that is no text": (0x1400, {"hex": 7}),
    "something else": (0x1400, {"text": "7"}),
    "more than a length can say": (0x1400, {"hex": "00" * 65536}),
}


@pytest.mark.parametrize(("tag", "value"), REFUSED.values(), ids=REFUSED.keys())
def test_value_octets_refuses(tag, value):
    with pytest.raises(CodecError, match=tag_name(tag)):
        value_octets(tag, value)


READ = {
    "digits": (0x1400, b"1701158019811140068", "1701158019811140068"),
    "digits and NUL": (0x1400, b"17\0", "17"),
    "octets": (0x1400, b"\x01\x02", {"hex": "0102"}),
    "two octets of one": (Tag.MESSAGE_STATE, b"\0\2", 2),
    "an integer without octets": (Tag.MESSAGE_STATE, b"", {"hex": ""}),
    "an integer of nine octets": (Tag.MESSAGE_STATE, bytes(9), {"hex": "00" * 9}),
    "nothing": (Tag.ALERT_ON_MESSAGE_DELIVERY, b"", ""),
    "a C-string without NUL": (Tag.RECEIPTED_MESSAGE_ID, b"6aad5", "6aad5"),
}


@pytest.mark.parametrize(("tag", "octets", "value"), READ.values(), ids=READ.keys())
def test_readable_value(tag, octets, value):
    assert readable_value(tag, octets) == value


@given(st.integers(0, 0xFFFF), st.binary(max_size=30))
def test_any_octets_come_back_from_hex_and_are_readable(tag, octets):
    assert value_octets(tag, {"hex": octets.hex()}) == octets
    readable_value(tag, octets)


@given(st.integers(0x1400, 0x3FFF), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_texts_of_vendors_come_back(tag, text):
    assert readable_value(tag, value_octets(tag, text)) == text
