"""Counting, splitting and building: borders as tables, and that the three agree for every text."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whimbrel.codec import gsm7, segments, shift_tables, shifts, udh
from whimbrel.codec.errors import CodecError
from whimbrel.codec.segments import Measure
from whimbrel.codec.shifts import ALL_LANGUAGES, NO_SHIFT, Shift

SMILE = "😀"

gsm_texts = st.text(alphabet=sorted(gsm7.CHARACTERS), max_size=700)
escapes = st.text(alphabet="a€", max_size=700)
wide_texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300)
pairs = st.text(alphabet="я😀\U0010ffff", max_size=300)
texts = gsm_texts | escapes | wide_texts | pairs


def measured(text, wide=False):
    found = segments.measure(text, wide=wide)
    return found.encoding, found.segments, found.units, found.remaining


@pytest.mark.parametrize("header_octets", [6, 7])
def test_capacities_follow_from_140_octets(header_octets):
    wide = header_octets == 7
    assert segments.GSM7_SINGLE == 140 * 8 // 7
    assert segments.UCS2_SINGLE == 140 // 2
    assert (segments.GSM7_PART_WIDE if wide else segments.GSM7_PART) == (140 - header_octets) * 8 // 7
    assert (segments.UCS2_PART_WIDE if wide else segments.UCS2_PART) == (140 - header_octets) // 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("gsm7", 1, 0, 160)),
        ("a", ("gsm7", 1, 1, 159)),
        ("€", ("gsm7", 1, 2, 158)),
        ("a" * 160, ("gsm7", 1, 160, 0)),
        ("a" * 161, ("gsm7", 2, 161, 145)),
        ("a" * 306, ("gsm7", 2, 306, 0)),
        ("a" * 307, ("gsm7", 3, 307, 152)),
        ("€" * 80, ("gsm7", 1, 160, 0)),
        ("€" * 81, ("gsm7", 2, 162, 143)),
        ("a" * 152 + "€" + "a" * 6, ("gsm7", 1, 160, 0)),
        ("a" * 152 + "€" + "a" * 7, ("gsm7", 2, 161, 144)),
        ("a" * 152 + "€" + "a" * 151, ("gsm7", 2, 305, 0)),
        ("a" * 152 + "€" + "a" * 152, ("gsm7", 3, 306, 152)),
        ("я", ("ucs2", 1, 1, 69)),
        (SMILE, ("ucs2", 1, 2, 68)),
        ("я" * 70, ("ucs2", 1, 70, 0)),
        ("я" * 71, ("ucs2", 2, 71, 63)),
        ("я" * 134, ("ucs2", 2, 134, 0)),
        ("я" * 135, ("ucs2", 3, 135, 66)),
        (SMILE * 35, ("ucs2", 1, 70, 0)),
        (SMILE * 36, ("ucs2", 2, 72, 61)),
        ("я" * 66 + SMILE + "я" * 66, ("ucs2", 3, 134, 66)),
        ("я" * 66 + SMILE + "я" * 65, ("ucs2", 2, 133, 0)),
        ("я" * 66 + "\U0010ffff" + "я" * 66, ("ucs2", 3, 134, 66)),
        ("a" * 69 + "’", ("ucs2", 1, 70, 0)),
    ],
)
def test_measure_at_the_borders(text, expected):
    assert measured(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 160, ("gsm7", 1, 160, 0)),
        ("a" * 304, ("gsm7", 2, 304, 0)),
        ("a" * 305, ("gsm7", 3, 305, 151)),
        ("я" * 70, ("ucs2", 1, 70, 0)),
        ("я" * 132, ("ucs2", 2, 132, 0)),
        ("я" * 133, ("ucs2", 3, 133, 65)),
    ],
)
def test_measure_with_16_bit_references(text, expected):
    assert measured(text, wide=True) == expected


def test_data_coding_follows_the_encoding():
    assert [segments.measure(text).data_coding for text in ("a", "a" * 161, "я", "я" * 71)] == [0, 0, 8, 8]
    assert segments.measure("a") == Measure("gsm7", 0, 1, 1, 159)


@pytest.mark.parametrize(
    ("text", "encoding", "parts"),
    [
        ("hi", "gsm7", ["6869"]),
        ("hi", "ucs2", ["00680069"]),
        ("", "gsm7", [""]),
        ("€", "gsm7", ["1b65"]),
        ("€", "ucs2", ["20ac"]),
        (SMILE, "ucs2", ["d83dde00"]),
        ("a" * 161, "gsm7", ["050003070201" + "61" * 153, "050003070202" + "61" * 8]),
        ("я" * 71, "ucs2", ["050003070201" + "044f" * 67, "050003070202" + "044f" * 4]),
        (
            "a" * 152 + "€" + "a" * 7,
            "gsm7",
            ["050003070201" + "61" * 152, "050003070202" + "1b65" + "61" * 7],
        ),
        (
            "я" * 66 + SMILE + "я" * 3,
            "ucs2",
            ["050003070201" + "044f" * 66, "050003070202" + "d83dde00" + "044f" * 3],
        ),
    ],
)
def test_build_vectors(text, encoding, parts):
    assert [part.hex() for part in segments.build(text, encoding=encoding, reference=7)] == parts


def test_build_with_16_bit_references():
    parts = segments.build("a" * 161, encoding="gsm7", reference=0x1234, wide=True)
    assert [part.hex() for part in parts] == ["06080412340201" + "61" * 152, "06080412340202" + "61" * 9]
    parts = segments.build("я" * 71, encoding="ucs2", reference=0x1234, wide=True)
    assert [part.hex() for part in parts] == ["06080412340201" + "044f" * 66, "06080412340202" + "044f" * 5]


def read_part(octets, long):
    """(place, payload) of one built part; a lone segment has no header."""
    if not long:
        return None, octets
    user_data = udh.parse(octets)
    return udh.concat(user_data.elements), user_data.payload


@given(texts, st.booleans())
@example("a" * 152 + "€" * 80, False)
@example("я" * 66 + SMILE * 40, True)
def test_measure_split_and_build_agree(text, wide):
    found = segments.measure(text, wide=wide)
    pieces = segments.split(text, found.encoding, wide=wide)
    parts = segments.build(text, encoding=found.encoding, reference=200, wide=wide)
    assert "".join(pieces) == text
    assert len(pieces) == len(parts) == found.segments
    header_octets = (7 if wide else 6) if len(parts) > 1 else 0
    bits = 7 if found.encoding == "gsm7" else 8
    payloads = []
    for number, (part, piece) in enumerate(zip(parts, pieces, strict=True), 1):
        place, payload = read_part(part, len(parts) > 1)
        assert place is None or place == udh.Concat(200, len(parts), number, wide)
        assert len(payload) * bits + header_octets * 8 <= 140 * 8
        assert segments.decode(payload, found.data_coding) == piece.removeprefix("\ufeff")
        payloads.append(payload)
    size = 1 if found.encoding == "gsm7" else 2
    assert sum(map(len, payloads)) == found.units * size
    capacity = (140 - header_octets) * 8 // (7 if size == 1 else 16)
    assert found.remaining == capacity - len(payloads[-1]) // size


@given(st.integers(0, 160), escapes, st.booleans())
def test_no_escape_pair_is_split(offset, tail, wide):
    text = "a" * offset + "€" * 81 + tail
    for part in segments.build(text, encoding="gsm7", reference=1, wide=wide):
        assert udh.parse(part).payload[-1] != gsm7.ESCAPE


@given(pairs, st.booleans())
def test_no_surrogate_pair_is_split(text, wide):
    for part in segments.build(text, encoding="ucs2", reference=1, wide=wide):
        payload = udh.parse(part).payload if len(text.encode("utf-16-be")) > 140 else part
        assert payload.decode("utf-16-be")[-1:] in {"", "я", SMILE, "\U0010ffff"}


@given(texts)
def test_a_part_is_cut_only_where_the_next_character_does_not_fit(text):
    found = segments.measure(text)
    pieces = segments.split(text, found.encoding)
    capacity = segments.GSM7_PART if found.encoding == "gsm7" else segments.UCS2_PART
    for piece, following in pairwise(pieces):
        longer = piece + following[0]
        units = gsm7.septets(longer) if found.encoding == "gsm7" else len(longer.encode("utf-16-be")) // 2
        assert units > capacity


@given(st.text(alphabet=sorted(gsm7.CHARACTERS), max_size=300))
def test_a_gsm7_text_may_be_sent_as_ucs2(text):
    parts = segments.build(text, encoding="ucs2", reference=1)
    assert "".join(segments.split(text, "ucs2")) == text
    assert len(parts) == len(segments.split(text, "ucs2"))


def test_255_parts_and_no_more():
    assert len(segments.build("a" * 153 * 255, encoding="gsm7", reference=1)) == 255
    with pytest.raises(segments.TooManyParts) as raised:
        segments.build("a" * (153 * 255 + 1), encoding="gsm7", reference=1)
    assert isinstance(raised.value, CodecError)
    assert segments.measure("a" * (153 * 255 + 1)).segments == 256


@pytest.mark.parametrize(("reference", "wide"), [(256, False), (-1, False), (65536, True)])
def test_a_reference_out_of_range(reference, wide):
    with pytest.raises(udh.BadUdh):
        segments.build("a" * 161, encoding="gsm7", reference=reference, wide=wide)


def test_a_text_outside_gsm7_is_not_built_as_gsm7():
    for call in (segments.split, lambda text, encoding: segments.build(text, encoding=encoding, reference=1)):
        with pytest.raises(gsm7.NotGsm7) as raised:
            call("a’", "gsm7")
        assert raised.value.offenders == (gsm7.Offender(1, "’"),)


@pytest.mark.parametrize(
    ("text", "positions"),
    [("a\ud83d", (1,)), ("😀\uffff\ud83d", (2,)), ("\ude00b\ud83d", (0, 2)), ("я" * 80 + "\udfff", (80,))],
)
def test_lone_surrogates_are_refused(text, positions):
    for call in (
        lambda: segments.measure(text),
        lambda: segments.split(text, "ucs2"),
        lambda: segments.build(text, encoding="ucs2", reference=1),
    ):
        with pytest.raises(segments.LoneSurrogate) as raised:
            call()
        assert raised.value.positions == positions
        assert isinstance(raised.value, CodecError)


@pytest.mark.parametrize(
    ("octets", "data_coding", "text"),
    [
        ("4869401b65", 0, "Hi¡€"),
        ("00", 0, "@"),
        ("00", 0xF0, "@"),
        ("00", 0xF3, "@"),
        ("00", 0x10, "@"),
        ("00", 0xC8, "@"),
        ("043f0440", 8, "пр"),
        ("043f0440", 0x18, "пр"),
        ("043f0440", 0xE0, "пр"),
        ("feff043f", 8, "п"),
        ("fffe3f04", 8, "п"),
        ("d83dde00", 8, SMILE),
        ("d83d0041", 8, "\ufffdA"),
        ("de000041", 8, "\ufffdA"),
        ("0041d83d", 8, "A\ufffd"),
        ("004100", 8, "A\ufffd"),
        ("fffe4100d8", 8, "A\ufffd"),
        ("", 8, ""),
        ("41e9ff", 3, "Aéÿ"),
        ("41e9", 1, "A\ufffd"),
        ("bfe0", 6, "Пр"),
        ("e0f9", 7, "אש"),
        ("41e9", 4, "Aé"),
        ("41e9", 0xF5, "Aé"),
        ("41e9", 255, "Aé"),
    ],
)
def test_decode_by_data_coding(octets, data_coding, text):
    assert segments.decode(bytes.fromhex(octets), data_coding) == text


@given(st.binary(max_size=300), st.integers(0, 255))
def test_decode_never_raises_and_gives_text_that_can_be_stored(octets, data_coding):
    segments.decode(octets, data_coding).encode()


@given(texts, st.booleans(), st.integers(0, 60))
def test_a_part_fits_beside_its_header(text, wide, extra):
    encoding = segments.measure(text).encoding
    parts = segments.cut(text, encoding=encoding, wide=wide, extra_header_octets=extra)
    elements = extra + ((6 if wide else 5) if len(parts) > 1 else 0)
    header_octets = 1 + elements if elements else 0
    bits = 7 if encoding == "gsm7" else 8
    assert all(len(part) * bits + header_octets * 8 <= 140 * 8 for part in parts)
    whole = gsm7.encode(text) if encoding == "gsm7" else text.encode("utf-16-be")
    assert b"".join(parts) == whole
    if not extra:
        built = segments.build(text, encoding=encoding, reference=3, wide=wide)
        assert tuple(read_part(part, len(parts) > 1)[1] for part in built) == parts


@pytest.mark.parametrize(
    ("length", "wide", "extra", "sizes"),
    [
        (0, False, 0, [0]),
        (140, False, 0, [140]),
        (141, False, 0, [134, 7]),
        (268, False, 0, [134, 134]),
        (269, False, 0, [134, 134, 1]),
        (141, True, 0, [133, 8]),
        (133, False, 6, [133]),
        (134, False, 6, [128, 6]),
    ],
)
def test_binary_is_cut_by_octets(length, wide, extra, sizes):
    data = bytes(index % 256 for index in range(length))
    parts = segments.cut_octets(data, wide=wide, extra_header_octets=extra)
    assert [len(part) for part in parts] == sizes
    assert b"".join(parts) == data


def test_binary_of_255_parts_and_no_more():
    assert len(segments.cut_octets(bytes(134 * 255))) == 255
    with pytest.raises(segments.TooManyParts):
        segments.cut_octets(bytes(134 * 255 + 1))


@pytest.mark.parametrize(
    ("text", "languages", "expected"),
    [
        ("ş" * 70, ALL_LANGUAGES, ("ucs2", 1, 70, 0, NO_SHIFT)),
        ("ş" * 71, (), ("ucs2", 2, 71, 63, NO_SHIFT)),
        ("ş" * 71, {2, 3}, ("ucs2", 2, 71, 63, NO_SHIFT)),
        ("ş" * 71, {1}, ("gsm7", 1, 142, 13, Shift(0, 1))),
        ("ş" * 77, {1}, ("gsm7", 1, 154, 1, Shift(0, 1))),
        ("ş" * 78, {1}, ("gsm7", 1, 78, 77, Shift(1, 0))),
        ("ş" * 155, {1}, ("gsm7", 1, 155, 0, Shift(1, 0))),
        ("ş" * 156, {1}, ("gsm7", 2, 156, 142, Shift(1, 0))),
        ("ş" + "a" * 153, {1}, ("gsm7", 1, 155, 0, Shift(0, 1))),
        ("ş" + "a" * 154, {1}, ("gsm7", 1, 155, 0, Shift(1, 0))),
        ("ş" + "a" * 296, {1}, ("gsm7", 2, 298, 0, Shift(0, 1))),
        ("ş" + "a" * 296 + "€", {1}, ("gsm7", 2, 298, 0, Shift(1, 0))),
        ("न" * 70 + "AB", {6}, ("gsm7", 1, 74, 78, Shift(6, 6))),
        ("न" * 148 + "AB", {6}, ("gsm7", 1, 152, 0, Shift(6, 6))),
        ("न" * 149 + "AB", {6}, ("gsm7", 2, 153, 139, Shift(6, 6))),
        ("न" * 100 + "AB", {7}, ("ucs2", 2, 102, 32, NO_SHIFT)),
        ("á" * 71 + "😀", ALL_LANGUAGES, ("ucs2", 2, 73, 61, NO_SHIFT)),
        ("à" * 161, ALL_LANGUAGES, ("gsm7", 2, 161, 145, NO_SHIFT)),
    ],
)
def test_a_national_language_where_it_saves_segments(text, languages, expected):
    found = segments.measure(text, languages=languages)
    assert (found.encoding, found.segments, found.units, found.remaining, found.shift) == expected
    assert found.data_coding == (0 if found.encoding == "gsm7" else 8)


def test_no_national_language_where_ucs2_needs_no_more():
    text = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 5 + "न"  # capitals take two septets beside Hindi
    assert len(shifts.encode(text, Shift(6, 6))) == 261
    assert len(segments.cut(text, encoding="gsm7", shift=Shift(6, 6))) == 2
    assert segments.measure(text, languages=ALL_LANGUAGES) == Measure("ucs2", 8, 2, 131, 3)
    assert segments.measure(text + "a" * 4, languages=ALL_LANGUAGES) == Measure("gsm7", 0, 2, 265, 27, Shift(6, 6))


@pytest.mark.parametrize(
    ("wide", "shift", "single", "part"),
    [
        (False, NO_SHIFT, 160, 153),
        (True, NO_SHIFT, 160, 152),
        (False, Shift(0, 1), 155, 149),
        (True, Shift(0, 1), 155, 148),
        (False, Shift(1, 0), 155, 149),
        (False, Shift(1, 1), 152, 146),
        (True, Shift(1, 1), 152, 145),
    ],
)
def test_capacities_with_national_languages(wide, shift, single, part):
    def sizes(length):
        return [len(octets) for octets in segments.cut("a" * length, encoding="gsm7", wide=wide, shift=shift)]

    assert sizes(single) == [single]
    assert sizes(single + 1) == [part, single + 1 - part]
    element_octets = shift.header_octets
    assert single == (140 - (element_octets and element_octets + 1)) * 8 // 7
    assert part == (140 - element_octets - (7 if wide else 6)) * 8 // 7


@pytest.mark.parametrize(
    ("text", "shift", "parts"),
    [
        ("ş", Shift(0, 1), ["03240101" + "1b73"]),
        ("ş", Shift(1, 0), ["03250101" + "1d"]),
        ("ş", Shift(1, 1), ["06240101250101" + "1d"]),
        (
            "a" * 148 + "ş" + "a" * 6,
            Shift(0, 1),
            ["080003070201240101" + "61" * 148, "080003070202240101" + "1b73" + "61" * 6],
        ),
    ],
)
def test_build_with_national_languages(text, shift, parts):
    built = segments.build(text, encoding="gsm7", reference=7, shift=shift)
    assert [part.hex() for part in built] == parts
    read = [udh.parse(part) for part in built]
    assert {udh.shift_of(part.elements) for part in read} == {shift}
    assert segments.decode_parts([part.payload for part in read], 0, shift) == text


turkish = st.text(alphabet="aşğİ[€\n", max_size=500)
hindi = st.text(alphabet="नमAB12१€", max_size=500)
mixed = st.text(alphabet=sorted(set("".join(shift_tables.SINGLE.values())) - {shift_tables.VOID}), max_size=300)


@given(turkish | hindi | mixed, st.booleans(), st.sets(st.integers(0, 14)))
@example("a" * 148 + "ş" * 3, False, {1})
def test_measure_cut_and_decode_agree_with_national_languages(text, wide, languages):
    found = segments.measure(text, wide=wide, languages=languages)
    plain = segments.measure(text, wide=wide)
    if found != plain:
        assert plain.encoding == "ucs2"
        assert found.encoding == "gsm7"
        assert found.segments < plain.segments
        assert {found.shift.locking, found.shift.single} <= languages | {0}
    parts = segments.cut(text, encoding=found.encoding, wide=wide, shift=found.shift)
    pieces = segments.split(text, found.encoding, wide=wide, shift=found.shift)
    assert len(parts) == len(pieces) == found.segments
    assert "".join(pieces) == text
    assert [segments.decode(part, found.data_coding, found.shift) for part in parts] == list(pieces)
    elements = found.shift.header_octets + ((6 if wide else 5) if len(parts) > 1 else 0)
    bits = 7 if found.encoding == "gsm7" else 8
    assert all(len(part) * bits + (elements + 1 if elements else 0) * 8 <= 140 * 8 for part in parts)
    assert not any(found.encoding == "gsm7" and part[-1:] == b"\x1b" for part in parts)
    assert segments.measure(text, wide=wide, languages=languages) == found


def test_the_best_shift_of_all_is_taken():
    for text in ("á" * 90 + "ş" * 70, "ção" * 60 + "[]" * 10, "न" * 80 + "AB" * 30, "ş" * 80 + "€" * 40):
        found = segments.measure(text, languages=ALL_LANGUAGES)
        every = [
            len(segments.cut(text, encoding="gsm7", shift=Shift(locking, single)))
            for locking in (0, *shift_tables.LOCKING)
            for single in (0, *shift_tables.SINGLE)
            if _carries(text, Shift(locking, single))
        ]
        assert found.segments == min(every)


def _carries(text, shift):
    try:
        shifts.encode(text, shift)
    except shifts.NotInShift:
        return False
    return True


def test_a_text_outside_of_its_shift_is_not_cut():
    with pytest.raises(shifts.NotInShift):
        segments.cut("я", encoding="gsm7", shift=Shift(0, 1))


@pytest.mark.parametrize("extra", [131, 139, 300])
def test_a_header_that_leaves_no_room(extra):
    with pytest.raises(udh.BadUdh):
        segments.cut("a" * 200, encoding="gsm7", extra_header_octets=extra)
    with pytest.raises(udh.BadUdh):
        segments.cut_octets(bytes(200), extra_header_octets=extra)


@pytest.mark.parametrize(
    ("text", "extra", "sizes"),
    [
        ("я" * 67, 5, [134]),
        ("я" * 68, 5, [128, 8]),
        ("я" * 66 + SMILE, 5, [128, 8]),
        ("a" * 153, 5, [153]),
        ("a" * 154, 5, [147, 7]),
        ("a" * 11, 129, [11]),
        ("a" * 12, 129, [5, 5, 2]),
    ],
)
def test_further_elements_take_their_octets(text, extra, sizes):
    encoding = segments.measure(text).encoding
    assert [len(part) for part in segments.cut(text, encoding=encoding, extra_header_octets=extra)] == sizes
