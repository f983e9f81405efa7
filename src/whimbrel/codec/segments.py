"""How a text becomes segments on the air, and how inbound octets become text.

Apart from the alphabets because this is where encoding, capacity and header
meet: what is counted, priced and sent must come from one computation. Every
count is made on the octets that would be sent, so it agrees with `build` by
construction.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from whimbrel.codec import gsm7, udh
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

# SMPP 3.4 clause 5.2.19 gives 0 and 8, and hands 0xC0 up to TS 23.038 clause 4 (message waiting, message class);
# carriers also send 0x10 to 0x1B, the classes of that clause's general group.
_GSM7_CODINGS: Final = frozenset({GSM7_DATA_CODING, *range(0x10, 0x14), *range(0xC0, 0xE0), *range(0xF0, 0xF4)})
_UCS2_CODINGS: Final = frozenset({UCS2_DATA_CODING, *range(0x18, 0x1C), *range(0xE0, 0xF0)})
_OTHER_CODINGS: Final = {1: "ascii", 6: "iso8859-5", 7: "iso8859-8"}

_BIG_ENDIAN_BOM: Final = b"\xfe\xff"
_LITTLE_ENDIAN_BOM: Final = b"\xff\xfe"


class Measure(msgspec.Struct, frozen=True, gc=False):
    """What a text costs on the air.

    `units` are septets (GSM-7) or UTF-16 units (UCS-2) of the whole text without headers; `remaining` is how many
    more the last segment takes. An empty text is one segment of no units.
    """

    encoding: Encoding
    data_coding: int
    segments: int
    units: int
    remaining: int


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


def measure(text: str, *, wide: bool = False) -> Measure:
    """Chooses the encoding of `text` (GSM-7 where it can carry every character) and counts its segments.

    `wide` counts for 16-bit references. Raises `LoneSurrogate`.
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
    return Measure("ucs2", UCS2_DATA_CODING, len(parts), units, capacity - len(parts[-1]) // 2)


def split(text: str, encoding: Encoding, *, wide: bool = False) -> tuple[str, ...]:
    """The text of each segment. Raises `NotGsm7` or `LoneSurrogate`."""
    parts = _parts(text, encoding, wide)
    if encoding == "gsm7":
        return tuple(gsm7.decode(part) for part in parts)
    return tuple(part.decode("utf-16-be") for part in parts)


def cut(
    text: str, *, encoding: Encoding, wide: bool = False, shift: Shift = NO_SHIFT, extra_header_octets: int = 0
) -> tuple[bytes, ...]:
    """The octets of each segment without any header: unpacked septets, one in an octet, or UTF-16 big-endian.

    A segment fits the 140 octets of user data together with its header: the elements of `shift`, further ones of
    `extra_header_octets` (their identifiers and lengths included, the length octet of the header not), and with more
    than one part the concatenation under an 8-bit reference, or a 16-bit one if `wide`. No escape is parted from its
    code and no high surrogate from its low one. Raises `NotGsm7`, `LoneSurrogate` or `TooManyParts`.
    """
    parts = _parts(text, encoding, wide, 3 * ((shift.locking > 0) + (shift.single > 0)) + extra_header_octets)
    if len(parts) > udh.MAX_PARTS:
        raise TooManyParts(f"{len(parts)} parts; a message has at most {udh.MAX_PARTS}")
    return tuple(parts)


def cut_octets(data: bytes, wide: bool = False, extra_header_octets: int = 0) -> tuple[bytes, ...]:
    """The octets of each segment of 8-bit data without any header, 140 in one segment, 134 or 133 in each of several.

    `wide` and `extra_header_octets` as in `cut`. Raises `TooManyParts`.
    """
    room = _room(extra_header_octets)
    if len(data) > room:
        room = _room(extra_header_octets + (CONCAT_WIDE_OCTETS if wide else CONCAT_OCTETS))
    parts = tuple([data[start : start + room] for start in range(0, len(data), room)]) or (b"",)
    if len(parts) > udh.MAX_PARTS:
        raise TooManyParts(f"{len(parts)} parts; a message has at most {udh.MAX_PARTS}")
    return parts


def build(text: str, *, encoding: Encoding, reference: int, wide: bool = False) -> tuple[bytes, ...]:
    """The short_message octets of each segment, as SMPP carries them under data_coding 0 or 8.

    GSM-7 stands unpacked, one septet in an octet. With more than one part each begins with a header that holds
    `reference` (8 bits, or 16 if `wide`), and its esm_class needs the UDHI bit; a text of one segment has no header.
    Raises `NotGsm7`, `LoneSurrogate`, `TooManyParts`, or `BadUdh` where the reference is out of its range.
    """
    parts = cut(text, encoding=encoding, wide=wide)
    total = len(parts)
    if total == 1:
        return parts
    first = udh.build((udh.concat_element(udh.Concat(reference, total, 1, wide)),))
    prefix = first[:-1]
    return tuple([prefix + bytes((number,)) + part for number, part in enumerate(parts, 1)])


def decode(octets: bytes, data_coding: int) -> str:
    """Text of an inbound message's octets, the header taken off before. Never raises.

    0 and the message classes of GSM-7 are unpacked septets; 8 and its classes UTF-16, big-endian unless a mark
    says otherwise, the mark dropped, each lone surrogate or odd last octet as U+FFFD; 1 ASCII, 6 Cyrillic, 7 Hebrew
    (SMPP 3.4 clause 5.2.19); all others Latin-1. The parts of a long message go to `decode_parts`.
    """
    if data_coding in _GSM7_CODINGS:
        return gsm7.decode(octets)
    if data_coding in _UCS2_CODINGS:
        return _decode_ucs2(octets)
    return octets.decode(_OTHER_CODINGS.get(data_coding, "latin-1"), "replace")


def decode_parts(parts: Sequence[bytes], data_coding: int) -> str:
    """Text of parts that follow each other in a long message, all of one coding. Never raises.

    The octets are joined first, because foreign senders cut a surrogate pair or an escape and its code in two. A byte
    order mark that stands before each part is dropped with the first.
    """
    if data_coding in _UCS2_CODINGS and parts:
        is_little = parts[0].startswith(_LITTLE_ENDIAN_BOM)
        mark = _LITTLE_ENDIAN_BOM if is_little else _BIG_ENDIAN_BOM
        parts = [parts[0], *(part.removeprefix(mark) for part in parts[1:])]
    return decode(b"".join(parts), data_coding)


def _parts(text: str, encoding: Encoding, wide: bool, element_octets: int = 0) -> list[bytes]:
    concat_octets = element_octets + (CONCAT_WIDE_OCTETS if wide else CONCAT_OCTETS)
    if encoding == "gsm7":
        octets = gsm7.encode(text)
        if len(octets) <= _room(element_octets) * 8 // 7:
            return [octets]
        return _cut_gsm7(octets, _room(concat_octets) * 8 // 7)
    octets = _encode_ucs2(text)
    if len(octets) <= _room(element_octets) // 2 * 2:
        return [octets]
    return _cut_ucs2(octets, _room(concat_octets) // 2)


def _room(element_octets: int) -> int:
    """Octets of user data that a header of elements of `element_octets` leaves; with no element there is no header."""
    return USER_DATA_OCTETS - (1 + element_octets if element_octets else 0)


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
