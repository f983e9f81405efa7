"""The alphabet against the standard's vectors and against two independent implementations."""

import gsm0338
import gsmcodecs  # noqa: F401 - registers its codecs on import
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec import gsm7
from whimbrel.codec.errors import CodecError

ALPHABET = [(code, bytes((code,)), character) for code, character in enumerate(gsm7.DEFAULT) if code != gsm7.ESCAPE]
ALPHABET += [(code, bytes((gsm7.ESCAPE, code)), character) for code, character in gsm7.EXTENSION.items()]

gsm_texts = st.text(alphabet=sorted(gsm7.CHARACTERS))

VECTORS = [
    ("", ""),
    ("Hello, world", "48656c6c6f2c20776f726c64"),
    ("@", "00"),
    ("a@b", "610062"),
    ("£5 ¥7 $9", "0135200337200239"),
    ("€", "1b65"),
    ("5€ [a|b] {c} ~d \\e ^f", "351b65201b3c611b40621b3e201b28631b29201b3d64201b2f65201b1466"),
    ("\f", "1b0a"),
    ("Ç\n\r", "090a0d"),
    ("ΔΦΓΛΩΠΨΣΘΞ", "1012131415161718191a"),
    ("¡ÄÖÑÜ§¿äöñüà", "405b5c5d5e5f607b7c7d7e7f"),
    ("@€@", "001b6500"),
]


@pytest.mark.parametrize(("text", "octets"), VECTORS)
def test_vectors_both_ways(text, octets):
    assert gsm7.encode(text).hex() == octets
    assert gsm7.decode(bytes.fromhex(octets)) == text
    assert gsm7.septets(text) == len(bytes.fromhex(octets))


def test_the_alphabet_is_whole():
    assert len(gsm7.DEFAULT) == 128
    assert len(set(gsm7.DEFAULT)) == 128
    assert len(gsm7.CHARACTERS) == 127 + 10
    assert len(ALPHABET) == 137


@pytest.mark.parametrize(("code", "octets", "character"), ALPHABET)
def test_each_character_agrees_with_independent_codecs(code, octets, character):
    reference = gsm0338.Codec()
    assert gsm7.encode(character) == octets == character.encode("gsm23.038") == reference.encode(character)[0]
    assert gsm7.decode(octets) == character == octets.decode("gsm23.038") == reference.decode(octets)[0]
    assert gsm7.is_gsm7(character)
    assert gsm7.septets(character) == len(octets)


def test_no_other_character_passes():
    outside = [chr(code) for code in range(0x110000) if chr(code) not in gsm7.CHARACTERS]
    assert not any(gsm7.is_gsm7(character) for character in outside)
    assert {gsm7.try_encode(character) for character in outside} == {None}


@given(gsm_texts)
def test_round_trip_and_agreement(text):
    octets = gsm7.encode(text)
    assert gsm7.decode(octets) == text
    assert octets == text.encode("gsm23.038")
    assert gsm7.is_gsm7(text)
    assert gsm7.septets(text) == len(octets)
    assert gsm7.foreign(text) == []


@given(st.text())
def test_foreign_names_what_stands_in_the_way(text):
    offenders = gsm7.foreign(text)
    assert gsm7.is_gsm7(text) == (not offenders)
    for offender in offenders:
        assert text[offender.position] == offender.character
    if offenders:
        with pytest.raises(gsm7.NotGsm7) as raised:
            gsm7.encode(text)
        assert list(raised.value.offenders) == offenders
    else:
        assert gsm7.decode(gsm7.encode(text)) == text


def test_offenders_are_in_order_with_their_positions():
    with pytest.raises(gsm7.NotGsm7) as raised:
        gsm7.septets("I’m 😀 ok\0")
    assert raised.value.offenders == (
        gsm7.Offender(1, "’"),
        gsm7.Offender(4, "😀"),
        gsm7.Offender(8, "\0"),
    )
    assert isinstance(raised.value, CodecError)
    assert str(raised.value) == "3 character(s) outside GSM-7, the first at 1 (U+2019)"


@pytest.mark.parametrize("character", ["\x1b", "\0", "`", "\t", "ç", "á", "\ufffe", "\ud800", "\xa0", "😀"])
def test_near_misses_are_foreign(character):
    assert not gsm7.is_gsm7("a" + character)
    assert gsm7.try_encode("a" + character) is None
    assert gsm7.foreign("a" + character) == [gsm7.Offender(1, character)]


@pytest.mark.parametrize(
    ("octets", "text", "why"),
    [
        ("1b61", "a", "an escape before a code without a symbol gives the default alphabet's"),
        ("1b00", "@", "the same for code 0"),
        ("1b0d", "\r", "the same for CR"),
        ("1b1b", " ", "the escape to a further table is shown as a space"),
        ("1b1b65", " e", "the doubled escape is taken from the left"),
        ("611b", "a ", "a dangling escape"),
        ("1b", " ", "nothing else"),
        ("6180ff62", "a\ufffd\ufffdb", "octets that are no septets"),
        ("e5", "\ufffd", "what stands for the euro inside the decoder is no septet outside"),
        ("1be5", "\ufffd", "an escape before one"),
        ("1b0a", "\f", "the escaped line feed is the page break"),
    ],
)
def test_decoding_of_odd_septets(octets, text, why):
    assert gsm7.decode(bytes.fromhex(octets)) == text, why


@given(st.binary())
def test_decode_never_raises(octets):
    assert len(gsm7.decode(octets)) <= len(octets)
