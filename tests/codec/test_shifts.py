"""National language tables: every character against an independent codec, and texts through every shift."""

import gsm0338
import gsmcodecs  # noqa: F401 - registers its codecs on import
import pytest
from gsmcodecs.charmaps import GSMCHARMAPS
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec import gsm7, shift_tables, shifts
from whimbrel.codec.errors import CodecError
from whimbrel.codec.shifts import ALL_LANGUAGES, NO_SHIFT, Shift

TABLES = [("locking", language) for language in shift_tables.LOCKING]
TABLES += [("single", language) for language in shift_tables.SINGLE]
SHIFTS = [Shift(locking, single) for locking in (0, *shift_tables.LOCKING) for single in (0, *shift_tables.SINGLE)]

# Where gsmcodecs takes a slip of the standard's print over: the comma, Kannada's third consonant, Telugu's euro.
DIFFERENT = {("locking", language, 0x2C): ("'", ",") for language in range(4, 14)}
DIFFERENT |= {("locking", 7, 0x24): ("\u0caa", "\u0ca1"), ("single", 12, 0x65): (shift_tables.VOID, "€")}


def ours(kind, language):
    return (shift_tables.LOCKING if kind == "locking" else shift_tables.SINGLE)[language]


@pytest.mark.parametrize(("kind", "language"), TABLES)
def test_every_character_agrees_with_an_independent_codec(kind, language):
    reference = GSMCHARMAPS[language]["locking" if kind == "locking" else "singleShift"]["decode"]
    assert len(ours(kind, language)) == 128
    for code, character in enumerate(ours(kind, language)):
        if code == gsm7.ESCAPE:
            assert character == ("\x1b" if kind == "locking" else shift_tables.VOID)
            continue
        theirs = chr(reference[code]) if code in reference else shift_tables.VOID
        assert DIFFERENT.get((kind, language, code), (theirs, theirs)) == (theirs, character)


def test_spanish_agrees_with_a_second_independent_codec():
    reference = gsm0338.Codec(single_shift_decode_map=gsm0338.SINGLE_SHIFT_CHARACTER_SET_SPANISH)
    for code, character in enumerate(shift_tables.SINGLE[2]):
        if character != shift_tables.VOID:
            octets = bytes((gsm7.ESCAPE, code))
            assert reference.decode(octets)[0] == character == shifts.decode(octets, Shift(0, 2))


@pytest.mark.parametrize("language", range(4, 13))
def test_indian_scripts_stand_in_the_order_of_unicode(language):
    letters = [character for character in shift_tables.LOCKING[language][:0x61] if ord(character) > 0xFF]
    assert letters == sorted(set(letters))
    assert len({ord(letter) >> 7 for letter in letters}) == 1


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_each_single_shift_table_holds_what_it_stands_in_for(language):
    assert set(gsm7.EXTENSION.values()) <= set(shift_tables.SINGLE[language])
    assert all(shift_tables.SINGLE[language][code] == "€" for code in (0x65,))
    assert shift_tables.SINGLE[language][0x0A] == "\f"
    assert shift_tables.SINGLE[language][0x0D] in {shift_tables.VOID}  # a control code, reserved


def test_the_languages_are_thirteen():
    assert sorted(shift_tables.SINGLE) == sorted(ALL_LANGUAGES) == list(range(1, 14))
    assert sorted(shift_tables.LOCKING) == [1, *range(3, 14)]


@pytest.mark.parametrize(
    ("text", "shift", "octets"),
    [
        ("şŞğĞıİç€", Shift(0, 1), "1b731b531b671b471b691b491b631b65"),
        ("şŞğĞıİç€", Shift(1, 0), "1d1c0c0b07406004"),
        ("aş[b]", Shift(0, 1), "611b731b3c621b3e"),
        ("aş[b]", Shift(1, 0), "611d1b3c621b3e"),
        ("áíóú", Shift(0, 2), "1b611b691b6f1b75"),
        ("ção", Shift(3, 0), "097b6f"),
        ("ção", Shift(0, 3), "1b091b7b6f"),
        ("ª|~", Shift(3, 0), "121a60"),
        ("नमस्ते", Shift(6, 0), "2f424c5f2759"),
        ("A", Shift(6, 6), "1b41"),
        ("१", Shift(6, 6), "1b1d"),
        ("*¡", Shift(6, 6), "1b0b1b13"),
        ("سلام", Shift(13, 0), "3d4d004e"),
        ("€@", Shift(0, 0), "1b6500"),
    ],
)
def test_vectors_both_ways(text, shift, octets):
    assert shifts.encode(text, shift).hex() == octets
    assert shifts.decode(bytes.fromhex(octets), shift) == text


@pytest.mark.parametrize(
    ("octets", "shift", "text"),
    [
        ("1b73", Shift(), "s"),
        ("1b73", Shift(0, 2), "s"),
        ("1b1b73", Shift(0, 1), " s"),
        ("611b", Shift(0, 1), "a "),
        ("1b", Shift(6, 6), " "),
        ("00", Shift(7, 0), "\ufffd"),
        ("1b0d", Shift(6, 6), "\r"),
        ("80ff", Shift(0, 1), "\ufffd\ufffd"),
        ("1b80", Shift(0, 1), "\ufffd"),
        ("6100", Shift(99, 99), "a@"),
        ("1b65", Shift(2, 0), "€"),
    ],
    ids=[
        "an unknown pair is its letter",
        "no such pair in Spanish",
        "an escape of escapes is a space",
        "an escape at the end",
        "an escape alone",
        "a code without a character",
        "CR is never shifted",
        "no septets",
        "no septet after an escape",
        "no such languages",
        "Spanish has no locking table",
    ],
)
def test_what_is_shown_for_octets_that_we_do_not_send(octets, shift, text):
    assert shifts.decode(bytes.fromhex(octets), shift) == text


@st.composite
def shifted_texts(draw):
    shift = draw(st.sampled_from(SHIFTS))
    held = set(shift_tables.LOCKING.get(shift.locking, gsm7.DEFAULT))
    held |= set(shift_tables.SINGLE.get(shift.single, "".join(gsm7.EXTENSION.values())))
    return draw(st.text(alphabet=sorted(held - {"\x1b", shift_tables.VOID}), max_size=200)), shift


@given(shifted_texts())
def test_round_trip(drawn):
    text, shift = drawn
    octets = shifts.encode(text, shift)
    assert octets.isascii()
    assert shifts.decode(octets, shift) == text
    theirs = f"gsm23.038-{shift.locking}-{shift.single}"
    if not set(text) & {",", "'", "\u0caa", "\u0ca1", "€"}:
        assert octets.decode(theirs) == text


@given(shifted_texts())
def test_a_shift_that_carries_the_text_is_among_the_candidates(drawn):
    text, shift = drawn
    found = list(shifts.candidates(text, ALL_LANGUAGES))
    for candidate in found:
        assert shifts.decode(shifts.encode(text, candidate), candidate) == text
    if gsm7.try_encode(text) is None:
        assert min(len(shifts.encode(text, candidate)) for candidate in found) <= len(shifts.encode(text, shift))
        same_locking = [candidate for candidate in found if candidate.locking == shift.locking]
        assert all(candidate.header_octets <= shift.header_octets for candidate in same_locking) and same_locking


@pytest.mark.parametrize(
    ("text", "languages", "found"),
    [
        ("ş", {1}, [Shift(0, 1), Shift(1, 0)]),
        ("ş", {2, 3}, []),
        ("ş", (), []),
        ("ş", {0, 14, -1}, []),
        ("á", {1, 2, 3}, [Shift(0, 2), Shift(3, 0), Shift(1, 2)]),
        ("á", {3}, [Shift(0, 3), Shift(3, 0)]),
        ("şá", {1, 2, 3}, [Shift(1, 2), Shift(3, 1)]),
        ("नA", {6}, [Shift(6, 6)]),
        ("न", {6}, [Shift(6, 0)]),
        ("नन", ALL_LANGUAGES, [Shift(6, 0)]),
        ("١", ALL_LANGUAGES, []),
        ("я", ALL_LANGUAGES, []),
        ("😀ş", ALL_LANGUAGES, []),
    ],
)
def test_candidates_the_safest_first(text, languages, found):
    assert list(shifts.candidates(text, languages)) == found


@pytest.mark.parametrize(
    ("text", "shift"), [("A", Shift(6, 0)), ("я", Shift(1, 1)), ("·", Shift(6, 6)), ("\x1b", NO_SHIFT)]
)
def test_a_text_outside_of_the_tables_is_not_encoded(text, shift):
    with pytest.raises(shifts.NotInShift) as raised:
        shifts.encode(text, shift)
    assert isinstance(raised.value, CodecError)
    assert text not in str(raised.value).replace("shift", "")


@given(st.binary(max_size=200), st.integers(-1, 300), st.integers(-1, 300))
def test_decode_never_raises(octets, locking, single):
    shifts.decode(octets, Shift(locking, single)).encode()


@given(st.binary(max_size=200))
def test_without_a_shift_it_reads_as_the_default_alphabet(octets):
    assert shifts.decode(octets, NO_SHIFT) == gsm7.decode(octets)
