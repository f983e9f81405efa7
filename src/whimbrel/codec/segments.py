"""How a text becomes segments on the air, and how inbound octets become text.

Apart from the alphabets because this is where encoding, capacity and header
meet: what is counted, priced and sent must come from one computation. Every
count is made on the octets that would be sent, so it agrees with `build` by
construction.
"""

from collections.abc import Collection, Sequence
from typing import Final, Literal

import msgspec

from whimbrel.codec import codings, gsm7, shifts, udh
from whimbrel.codec.errors import CodecError
from whimbrel.codec.shifts import NO_SHIFT, Shift

Encoding = Literal["gsm7", "ucs2"]

# Capacities follow from the 140 octets of user data of one short message (TS 23.040 clause 9.2.2), less the
# 6 or 7 octets of a header with an 8-bit or a 16-bit reference; clauses 9.2.3.24.1 and 9.2.3.24.8 state them.
USER_DATA_OCTETS: Final = 140
"""Octets of user data in one short message, its header included (TS 23.040 clause 9.2.2)."""
CONCAT_OCTETS: Final = 5
"""Octets of the element that states an 8-bit reference (TS 23.040 clause 9.2.3.24.1)."""
CONCAT_WIDE_OCTETS: Final = 6
"""Octets of the element that states a 16-bit reference (TS 23.040 clause 9.2.3.24.8)."""
GSM7_SINGLE: Final = 160
"""Septets of a message of one segment (TS 23.038 clause 6.1.2.1.1)."""
GSM7_PART: Final = 153
"""Septets of one part of several, 8-bit reference (TS 23.040 clause 9.2.3.24.1)."""
GSM7_PART_WIDE: Final = 152
"""Septets of one part of several, 16-bit reference (TS 23.040 clause 9.2.3.24.8)."""
UCS2_SINGLE: Final = 70
"""UTF-16 units of a message of one segment, 16 bits each (TS 23.038 clause 6.2.3)."""
UCS2_PART: Final = 67
"""UTF-16 units of one part of several, 8-bit reference (TS 23.040 clause 9.2.3.24.1)."""
UCS2_PART_WIDE: Final = 66
"""UTF-16 units of one part of several, 16-bit reference (TS 23.040 clause 9.2.3.24.8)."""

GSM7_DATA_CODING: Final = 0
"""data_coding of a text in GSM-7, "SMSC default alphabet" (SMPP 3.4 clause 5.2.19)."""
UCS2_DATA_CODING: Final = 8
"""data_coding of a text in UCS-2 (SMPP 3.4 clause 5.2.19)."""

_LEAST_OCTETS: Final = 4  # the longest character, a surrogate pair

_PYTHON_CODECS: Final = {"ascii": "ascii", "cyrillic": "iso8859-5", "hebrew": "iso8859-8", "korean": "euc-kr"}

_BIG_ENDIAN_BOM: Final = b"\xfe\xff"
_LITTLE_ENDIAN_BOM: Final = b"\xff\xfe"


class Measure(msgspec.Struct, frozen=True, gc=False):
    """What a text costs on the air.

    `units` are septets (GSM-7) or UTF-16 units (UCS-2) of the whole text without headers; `remaining` is how many
    more the last segment takes. An empty text is one segment of no units. `shift` names the national language tables
    of a text in GSM-7.
    """

    encoding: Encoding
    data_coding: int
    segments: int
    units: int
    remaining: int
    shift: Shift = NO_SHIFT


class LoneSurrogate(CodecError):
    """A text holds half of a surrogate pair, which no encoding can carry; `positions` are indexes into the text."""

    def __init__(self, positions: tuple[int, ...]) -> None:
        self.positions = positions
        super().__init__(f"{len(positions)} lone surrogate(s), the first at {positions[0]}")


class TooManyParts(CodecError):
    """A text needs more parts than a header can count."""


_SINGLE_GSM7: Final = tuple(
    Measure("gsm7", GSM7_DATA_CODING, 1, units, GSM7_SINGLE - units) for units in range(GSM7_SINGLE + 1)
)
_SINGLE_UCS2: Final = tuple(
    Measure("ucs2", UCS2_DATA_CODING, 1, units, UCS2_SINGLE - units) for units in range(UCS2_SINGLE + 1)
)


def measure(text: str, *, wide: bool = False, languages: Collection[int] = ()) -> Measure:
    """Chooses the encoding of `text` (GSM-7 where it can carry every character) and counts its segments.

    `wide` counts for 16-bit references. `languages` are identifiers of national languages whose tables may be used
    (TS 23.038 clause 6.2.1.2.4): they are, where GSM-7 with them needs fewer segments than UCS-2, which every phone
    reads. Raises `LoneSurrogate`.
    """
    octets = gsm7.try_encode(text)
    if octets is not None:
        if len(octets) <= GSM7_SINGLE:
            return _SINGLE_GSM7[len(octets)]
        capacity = GSM7_PART_WIDE if wide else GSM7_PART
        parts = _cut_gsm7(octets, capacity)
        return Measure("gsm7", GSM7_DATA_CODING, len(parts), len(octets), capacity - len(parts[-1]))
    octets = _encode_ucs2(text)
    units = len(octets) // 2
    if units <= UCS2_SINGLE:
        return _SINGLE_UCS2[units]
    capacity = UCS2_PART_WIDE if wide else UCS2_PART
    parts = _cut_ucs2(octets, capacity)
    found = Measure("ucs2", UCS2_DATA_CODING, len(parts), units, capacity - len(parts[-1]) // 2)
    return _shortest(text, wide, languages, found) if languages else found


def _shortest(text: str, wide: bool, languages: Collection[int], found: Measure) -> Measure:
    """The first of those that need the fewest segments: `found`, or with tables of national languages."""
    for shift in shifts.candidates(text, languages):
        octets = shifts.encode(text, shift)
        parts, capacity = _cut_to_fit(octets, "gsm7", wide, shift.header_octets)
        if len(parts) < found.segments:
            found = Measure("gsm7", GSM7_DATA_CODING, len(parts), len(octets), capacity - len(parts[-1]), shift)
        if found.segments == 1:
            break
    return found


def split(text: str, encoding: Encoding, *, wide: bool = False, shift: Shift = NO_SHIFT) -> tuple[str, ...]:
    """The text of each segment. Raises `NotGsm7`, `NotInShift` or `LoneSurrogate`."""
    parts, _ = _cut_to_fit(_encode(text, encoding, shift), encoding, wide, shift.header_octets)
    if encoding == "gsm7":
        return tuple(shifts.decode(part, shift) for part in parts)
    return tuple(part.decode("utf-16-be") for part in parts)


def cut(
    text: str, *, encoding: Encoding, wide: bool = False, shift: Shift = NO_SHIFT, extra_header_octets: int = 0
) -> tuple[bytes, ...]:
    """The octets of each segment without any header: unpacked septets, one in an octet, or UTF-16 big-endian.

    A segment fits the 140 octets of user data together with its header: the elements of `shift`, further ones of
    `extra_header_octets` (their identifiers and lengths included, the length octet of the header not), and with more
    than one part the concatenation under an 8-bit reference, or a 16-bit one if `wide`. No escape is parted from its
    code and no high surrogate from its low one. Raises `NotGsm7`, `NotInShift`, `LoneSurrogate`, `TooManyParts`, or
    `BadUdh` where such a header leaves no room.
    """
    element_octets = extra_header_octets if shift is NO_SHIFT else extra_header_octets + shift.header_octets
    octets = _encode(text, encoding, shift)
    if not element_octets and len(octets) <= USER_DATA_OCTETS:  # nearly all texts, so nothing more for them
        return (octets,)
    parts, _ = _cut_to_fit(octets, encoding, wide, element_octets)
    return _counted(parts)


def cut_octets(data: bytes, wide: bool = False, extra_header_octets: int = 0) -> tuple[bytes, ...]:
    """The octets of each segment of 8-bit data without any header, 140 in one segment, 134 or 133 in each of several.

    `wide` and `extra_header_octets` as in `cut`. Raises `TooManyParts` or `BadUdh`.
    """
    room = _room(extra_header_octets)
    if len(data) > room:
        room = _room(extra_header_octets + (CONCAT_WIDE_OCTETS if wide else CONCAT_OCTETS))
    return _counted([data[start : start + room] for start in range(0, len(data), room)] or [b""])


def build(
    text: str, *, encoding: Encoding, reference: int, wide: bool = False, shift: Shift = NO_SHIFT
) -> tuple[bytes, ...]:
    """The short_message octets of each segment, as SMPP carries them under data_coding 0 or 8.

    GSM-7 stands unpacked, one septet in an octet. With more than one part each begins with a header that holds
    `reference` (8 bits, or 16 if `wide`), with a shift also a lone one has a header, and its esm_class then needs the
    UDHI bit. Raises what `cut` raises, or `BadUdh` where the reference is out of its range.
    """
    parts = cut(text, encoding=encoding, wide=wide, shift=shift)
    total = len(parts)
    if total == 1 and shift == NO_SHIFT:
        return parts
    further = udh.shift_elements(shift)
    places = [udh.Concat(reference, total, number, wide) for number in range(1, total + 1)] if total > 1 else []
    headers = [udh.build((udh.concat_element(place), *further)) for place in places] or [udh.build(further)]
    return tuple([header + part for header, part in zip(headers, parts, strict=True)])


def decode(octets: bytes, data_coding: int, shift: Shift = NO_SHIFT) -> str:
    """Text of an inbound message's octets, the header taken off before. Never raises.

    What the octets are says `codings.of`: unpacked septets, in the tables of `shift`; UTF-16, big-endian unless a
    mark says otherwise, the mark dropped, each lone surrogate or odd last octet as U+FFFD; one of the alphabets of
    SMPP 3.4 clause 5.2.19. Octets that are no text (binary, unknown) are shown as Latin-1. The parts of a long
    message go to `decode_parts`.
    """
    kind = codings.of(data_coding).kind
    if kind == "gsm7":
        return gsm7.decode(octets) if shift == NO_SHIFT else shifts.decode(octets, shift)
    if kind == "ucs2":
        return _decode_ucs2(octets)
    if kind == "japanese":  # with escapes it is ISO-2022-JP, and without, what peers send as JIS is Shift JIS
        return octets.decode("iso2022_jp_ext" if gsm7.ESCAPE in octets else "shift_jis", "replace")
    return octets.decode(_PYTHON_CODECS.get(kind, "latin-1"), "replace")


def decode_parts(parts: Sequence[bytes], data_coding: int, shift: Shift = NO_SHIFT) -> str:
    """Text of parts that follow each other in a long message, all of one coding and one shift. Never raises.

    The octets are joined first, because foreign senders cut a surrogate pair or an escape and its code in two. A byte
    order mark that stands before each part is dropped with the first.
    """
    if parts and codings.of(data_coding).kind == "ucs2":
        is_little = parts[0].startswith(_LITTLE_ENDIAN_BOM)
        mark = _LITTLE_ENDIAN_BOM if is_little else _BIG_ENDIAN_BOM
        parts = [parts[0], *(part.removeprefix(mark) for part in parts[1:])]
    return decode(b"".join(parts), data_coding, shift)


def _encode(text: str, encoding: Encoding, shift: Shift) -> bytes:
    if encoding == "ucs2":
        return _encode_ucs2(text)
    return gsm7.encode(text) if shift is NO_SHIFT or shift == NO_SHIFT else shifts.encode(text, shift)


def _cut_to_fit(octets: bytes, encoding: Encoding, wide: bool, element_octets: int) -> tuple[list[bytes], int]:
    """The parts, each of which fits beside a header of `element_octets` and its place, and the units that fit each."""
    is_gsm7 = encoding == "gsm7"
    bits = 7 if is_gsm7 else 16
    capacity = _room(element_octets) * 8 // bits
    if len(octets) <= (capacity if is_gsm7 else 2 * capacity):
        return [octets], capacity
    capacity = _room(element_octets + (CONCAT_WIDE_OCTETS if wide else CONCAT_OCTETS)) * 8 // bits
    return _cut_gsm7(octets, capacity) if is_gsm7 else _cut_ucs2(octets, capacity), capacity


def _room(element_octets: int) -> int:
    """Octets of user data that a header of elements of `element_octets` leaves; with no element there is no header."""
    room = USER_DATA_OCTETS - (1 + element_octets if element_octets else 0)
    if room < _LEAST_OCTETS:
        raise udh.BadUdh(f"a header of {element_octets} octets leaves no room for a character")
    return room


def _counted(parts: list[bytes]) -> tuple[bytes, ...]:
    if len(parts) > udh.MAX_PARTS:
        raise TooManyParts(f"{len(parts)} parts; a message has at most {udh.MAX_PARTS}")
    return tuple(parts)


def _cut_gsm7(octets: bytes, capacity: int) -> list[bytes]:
    """Parts of at most `capacity` septets; an escape never stands last, for the code after it would be lost."""
    parts = []
    start = 0
    while start < len(octets):
        end = start + capacity
        if end < len(octets) and octets[end - 1] == gsm7.ESCAPE:
            end -= 1
        parts.append(octets[start:end])
        start = end
    return parts


def _cut_ucs2(octets: bytes, capacity: int) -> list[bytes]:
    """Parts of at most `capacity` UTF-16 units; a high surrogate (0xD800 to 0xDBFF) never stands last."""
    parts = []
    start = 0
    while start < len(octets):
        end = start + 2 * capacity
        if end < len(octets) and octets[end - 2] & 0xFC == 0xD8:
            end -= 2
        parts.append(octets[start:end])
        start = end
    return parts


def _encode_ucs2(text: str) -> bytes:
    try:
        return text.encode("utf-16-be")
    except UnicodeEncodeError:
        positions = [position for position, character in enumerate(text) if "\ud800" <= character <= "\udfff"]
        raise LoneSurrogate(tuple(positions)) from None


def _decode_ucs2(octets: bytes) -> str:
    if octets.startswith(_LITTLE_ENDIAN_BOM):
        return octets[2:].decode("utf-16-le", "replace")
    return octets.removeprefix(_BIG_ENDIAN_BOM).decode("utf-16-be", "replace")
