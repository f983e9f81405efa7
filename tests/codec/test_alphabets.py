"""data_coding 0 as carriers differ in it: vectors, what can be carried, and the way back."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec import alphabets, gsm7, segments, septets
from whimbrel.codec.alphabets import Alphabet
from whimbrel.codec.shifts import Shift

gsm_texts = st.text(alphabet=sorted(gsm7.CHARACTERS), max_size=160)


@pytest.mark.parametrize(
    ("text", "alphabet", "octets"),
    [
        ("£5@", "gsm7", "013500"),
        ("£5@", "gsm7_packed", "811a00"),
        ("£5@", "latin1", "a33540"),
        ("£5@", "ascii", None),
        ("£5@", "utf8", "c2a33540"),
        ("[é]", "gsm7", "1b3c051b3e"),
        ("[é]", "latin1", "5be95d"),
        ("[e]", "ascii", "5b655d"),
        ("€", "latin1", None),
        ("€", "utf8", "e282ac"),
        ("Δ", "latin1", None),
        ("Δ", "gsm7", "10"),
        ("á", "latin1", None),
        ("я", "utf8", None),
        ("\0", "ascii", None),
        ("", "latin1", ""),
    ],
)
def test_vectors(text, alphabet, octets):
    expected = None if octets is None else bytes.fromhex(octets)
    assert alphabets.encode(text, alphabet) == expected
    assert alphabets.fits(text, alphabet) == (expected is not None)
    if expected is not None:
        assert alphabets.decode(expected, alphabet) == text


@pytest.mark.parametrize(
    ("octets", "alphabet", "text"),
    [
        ("41a3", "ascii", "A\ufffd"),
        ("41e9", "latin1", "Aé"),
        ("41a3", "utf8", "A\ufffd"),
        ("41a3", "gsm7", "A\ufffd"),
        ("31d98c56b3dd00", "gsm7_packed", "1234567"),
    ],
)
def test_what_carriers_may_send(octets, alphabet, text):
    assert alphabets.decode(bytes.fromhex(octets), alphabet) == text


def test_a_national_language_under_data_coding_0():
    octets = bytes.fromhex("1b731d")
    assert alphabets.decode(octets, "gsm7", shift=Shift(1, 1)) == "şş"
    packed = septets.pack(octets, 4)
    assert alphabets.transcode(octets, "gsm7_packed", header_octets=4) == packed
    for alphabet in ("latin1", "ascii", "utf8"):
        assert alphabets.transcode(octets, alphabet, shift=Shift(1, 1)) is None
    assert alphabets.decode(packed, "gsm7_packed", shift=Shift(1, 1), header_octets=4) == "şş"


@given(gsm_texts.filter(lambda text: text[-1:] not in {"@", "\r"}), st.sampled_from(get_args(Alphabet)))
def test_round_trip(text, alphabet):
    octets = alphabets.encode(text, alphabet)
    if octets is not None:
        assert alphabets.decode(octets, alphabet) == text
    assert alphabets.fits(text, alphabet) == (octets is not None)


@given(st.text(alphabet="ab€[£é", max_size=500), st.sampled_from(get_args(Alphabet)))
def test_the_parts_of_a_long_text_are_written_one_by_one(text, alphabet):
    parts = segments.cut(text, encoding="gsm7")
    header_octets = 6 if len(parts) > 1 else 0
    written = [alphabets.transcode(part, alphabet, header_octets=header_octets) for part in parts]
    if None in written:
        assert not alphabets.fits(text, alphabet)
        return
    if alphabet == "gsm7_packed":
        assert all(header_octets + len(octets) <= 140 for octets in written)
    read = [alphabets.decode(octets, alphabet, header_octets=header_octets) for octets in written]
    assert "".join(read) == text


@given(st.binary(max_size=160), st.sampled_from(get_args(Alphabet)))
def test_decode_never_raises(octets, alphabet):
    alphabets.decode(octets, alphabet).encode()
