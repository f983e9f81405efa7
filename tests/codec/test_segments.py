"""Counting, splitting and building: borders as tables, and that the three agree for every text."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whimbrel.codec import gsm7, segments, udh
from whimbrel.codec.errors import CodecError
from whimbrel.codec.segments import Measure

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
