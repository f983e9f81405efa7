"""Packing: vectors of the standard's kind, fill bits, the rule for seven spare bits, and the round trip."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whimbrel.codec import gsm7, septets, udh

unpacked = st.binary(max_size=160).map(lambda octets: bytes(octet & 0x7F for octet in octets))
headers = st.sampled_from([0, 4, 6, 7, 9, 10, 12])


def by_bits(octets, fill):
    """The packing as the clause draws it, bit by bit."""
    number = 0
    for place, septet in enumerate(octets):
        number |= septet << (fill + 7 * place)
    return number.to_bytes((fill + 7 * len(octets) + 7) // 8, "little")


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("", ""),
        ("A", "41"),
        ("hello", "e8329bfd06"),
        ("hellohello", "e8329bfd4697d9ec37"),
        ("1234567", "31d98c56b3dd1a"),
        ("12345678", "31d98c56b3dd70"),
        ("@", "00"),
        ("@@", "0000"),
        ("€", "9b32"),
        ("ab\r", "617103"),
    ],
)
def test_vectors(text, packed):
    assert septets.pack(gsm7.encode(text)).hex() == packed
    assert gsm7.decode(septets.unpack(bytes.fromhex(packed))) == text


def test_a_carriage_return_of_the_text_on_the_boundary_is_sent_twice():
    packed = septets.pack(b"1234567\r")
    assert packed.hex() == "31d98c56b3dd1a0d"
    assert septets.unpack(packed) == b"1234567\r\r"


def test_seven_characters_are_filled_with_a_carriage_return_and_read_without_it():
    """Seven spare zero bits would read as "@"."""
    packed = septets.pack(b"1234567")
    assert packed[-1] >> 1 == 0x0D
    assert septets.unpack(packed) == b"1234567"


def test_filling_with_zeros_of_other_senders_gives_no_at_sign():
    zeros = by_bits(b"1234567", 0)
    assert len(zeros) == 7
    assert zeros[-1] >> 1 == 0
    assert septets.unpack(zeros) == b"1234567"
    zeros = by_bits(b"12345678", septets.fill_bits(6))
    assert len(zeros) == 8
    assert septets.unpack(zeros, 6) == b"12345678"


def test_a_full_segment_keeps_its_last_at_sign():
    whole = b"a" * 159 + b"\0"
    assert septets.unpack(septets.pack(whole)) == whole
    part = b"a" * 152 + b"\0"
    assert septets.unpack(septets.pack(part, 6), 6) == part


def test_a_full_segment_never_grows():
    for text, header_octets in ((b"a" * 159 + b"\r", 0), (b"a" * 152 + b"\r", 6)):
        assert header_octets + len(septets.pack(text, header_octets)) == 140
        assert septets.unpack(septets.pack(text, header_octets), header_octets) == text[:-1]


@pytest.mark.parametrize(("header_octets", "bits"), [(0, 0), (4, 3), (6, 1), (7, 0), (9, 5), (10, 4), (12, 2)])
def test_fill_bits_up_to_the_next_septet(header_octets, bits):
    assert septets.fill_bits(header_octets) == bits
    assert (8 * header_octets + bits) % 7 == 0


def test_a_part_behind_its_header():
    """The header 050003cc0201 takes seven septets less one bit."""
    header = udh.build((udh.concat_element(udh.Concat(0xCC, 2, 1, wide=False)),))
    packed = septets.pack(b"hi", len(header))
    assert (header + packed).hex() == "050003cc0201" + "d069"
    whole = septets.unpack(header + packed)
    assert whole[7:9] == b"hi"
    assert septets.unpack(packed, len(header)) == b"hi"


@given(unpacked, headers)
@example(b"1234567", 0)
@example(b"\0" * 8, 0)
@example(b"", 6)
def test_it_packs_as_the_clause_draws_it(octets, header_octets):
    fill = septets.fill_bits(header_octets)
    packed = septets.pack(octets, header_octets)
    assert packed in {by_bits(octets, fill), by_bits(octets + b"\r", fill)}
    if (fill + 7 * len(octets)) % 8 == 1:
        assert packed == by_bits(octets + b"\r", fill)


@given(unpacked.filter(lambda octets: not octets.endswith(b"\x1b")), headers)
@example(b"1234567\0", 0)
@example(b"1234567\r", 0)
@example(b"a" * 159 + b"\r", 0)
@example(b"123456\x1b\0", 0)
def test_round_trip(octets, header_octets):
    octets = octets[: (140 - header_octets) * 8 // 7].removesuffix(b"\x1b")
    packed = septets.pack(octets, header_octets)
    assert header_octets + len(packed) <= 140
    full = header_octets + len(packed) == 140
    expected = octets
    if (septets.fill_bits(header_octets) + 7 * len(octets)) % 8 == 0 and octets[-2:-1] != b"\x1b":
        if octets.endswith(b"\r"):
            expected = octets[:-1] if full else octets + b"\r"
        elif octets.endswith(b"\0") and not full:
            expected = octets[:-1]
    if octets[-2:] != b"\x1b\r":  # no character of any table
        assert septets.unpack(packed, header_octets) == expected


@given(st.binary(max_size=160), headers)
def test_unpack_takes_any_octets(octets, header_octets):
    got = septets.unpack(octets, header_octets)
    assert got.isascii()
    assert len(got) <= len(octets) * 8 // 7
