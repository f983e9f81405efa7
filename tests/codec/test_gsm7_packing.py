"""Packing of septets (TS 23.038 clause 6.1.2), against a bit-by-bit reference and published vectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec import gsm7
from whimbrel.codec.errors import CodecError

septet_lists = st.binary(max_size=170).map(lambda octets: bytes(octet & 0x7F for octet in octets))


def bits_of(septets, fill_bits):
    """The bits in the order of the air interface, lowest first: fill bits, then each septet."""
    return [0] * fill_bits + [septet >> bit & 1 for septet in septets for bit in range(7)]


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("", ""),
        ("a", "61"),
        ("hello", "e8329bfd06"),
        ("hellohello", "e8329bfd4697d9ec37"),
        ("How are you?", "c8f71d14969741f977fd07"),
        ("12345678", "31d98c56b3dd70"),
    ],
)
def test_vectors(text, octets):
    septets = gsm7.encode(text)
    assert gsm7.pack(septets).hex() == octets
    assert gsm7.unpack(bytes.fromhex(octets), len(septets)) == septets


def test_seven_spare_bits_hold_cr_and_not_a_false_at():
    assert gsm7.pack(b"1234567").hex() == "31d98c56b3dd1a"
    assert gsm7.unpack(bytes.fromhex("31d98c56b3dd1a"), 8) == b"1234567\r"
    assert gsm7.unpack(bytes.fromhex("31d98c56b3dd1a"), 7) == b"1234567"


def test_a_genuine_at_or_cr_in_the_last_place_survives():
    for last in (b"\x00", b"\r"):
        septets = b"1234567" + last
        assert gsm7.unpack(gsm7.pack(septets), 8) == septets


def test_a_part_with_a_header_starts_on_a_septet_boundary():
    # Six octets of header are 48 bits; one fill bit leads to the next multiple of 7.
    part = gsm7.pack(b"a" * gsm_part_capacity(6), fill_bits=1)
    assert len(part) + 6 == 140
    assert part[0] == 0x61 << 1 & 0xFF


def gsm_part_capacity(header_octets):
    return (140 - header_octets) * 8 // 7


def test_nothing_after_one_fill_bit_is_no_padding_case():
    assert gsm7.pack(b"", fill_bits=1) == b"\x00"


@given(septet_lists, st.integers(0, gsm7.MAX_FILL_BITS))
def test_round_trip_agrees_with_the_bits(septets, fill_bits):
    octets = gsm7.pack(septets, fill_bits)
    bits = bits_of(septets, fill_bits)
    assert len(octets) == (len(bits) + 7) // 8
    packed = [octet >> bit & 1 for octet in octets for bit in range(8)]
    assert packed[: len(bits)] == bits
    spare = packed[len(bits) :]
    assert spare == ([1, 0, 1, 1, 0, 0, 0] if len(spare) == 7 and septets else [0] * len(spare))
    assert gsm7.unpack(octets, len(septets), fill_bits) == septets


@pytest.mark.parametrize(
    "call",
    [
        lambda: gsm7.pack(b"\x80"),
        lambda: gsm7.pack(b"a", fill_bits=7),
        lambda: gsm7.pack(b"a", fill_bits=-1),
        lambda: gsm7.unpack(b"\x61", 2),
        lambda: gsm7.unpack(b"\x61", 1, fill_bits=2),
        lambda: gsm7.unpack(b"\x61", -1),
        lambda: gsm7.unpack(b"\x61", 0, fill_bits=7),
    ],
)
def test_what_cannot_be_packed_is_a_typed_error(call):
    with pytest.raises(gsm7.BadPacking) as raised:
        call()
    assert isinstance(raised.value, CodecError)
