"""The user data header that may stand before a short message (3GPP TS 23.040 clause 9.2.3.24).

Apart from `segments` because inbound messages carry headers that we never
write: other elements, in any order, sometimes malformed. An unknown element
is kept as it came.
"""

from typing import Final

import msgspec

from whimbrel.codec import shift_tables
from whimbrel.codec.errors import CodecError
from whimbrel.codec.shifts import Shift

IEI_CONCAT: Final = 0x00
"""Concatenated short messages, 8-bit reference (TS 23.040 clause 9.2.3.24.1)."""

IEI_CONCAT_WIDE: Final = 0x08
"""Concatenated short messages, 16-bit reference (TS 23.040 clause 9.2.3.24.8)."""

IEI_SINGLE_SHIFT: Final = 0x24
"""National language single shift table (TS 23.040 clause 9.2.3.24.15)."""

IEI_LOCKING_SHIFT: Final = 0x25
"""National language locking shift table (TS 23.040 clause 9.2.3.24.16)."""

MAX_REFERENCE: Final = 0xFF
"""Largest 8-bit reference (TS 23.040 clause 9.2.3.24.1)."""

MAX_REFERENCE_WIDE: Final = 0xFFFF
"""Largest 16-bit reference (TS 23.040 clause 9.2.3.24.8)."""

MAX_PARTS: Final = 255
"""Most parts of one message: the total is one octet (TS 23.040 clause 9.2.3.24.1)."""

MAX_HEADER_OCTETS: Final = 139
"""Most octets after the length octet: a header lies inside the 140 octets of user data (TS 23.040 clause 9.2.3.24)."""


class BadUdh(CodecError):
    """Octets that are no user data header, or values that no header can carry."""


class Element(msgspec.Struct, frozen=True, gc=False):
    """One information element: its identifier (0 to 255) and its octets, uninterpreted."""

    identifier: int
    data: bytes


class UserData(msgspec.Struct, frozen=True, gc=False):
    """A short message taken apart: the elements of its header in their order, and the octets after the header."""

    elements: tuple[Element, ...]
    payload: bytes


class Concat(msgspec.Struct, frozen=True, gc=False):
    """The place of one part in a long message: part `number` (from 1) of `total`, all parts under one `reference`."""

    reference: int
    total: int
    number: int
    wide: bool


def parse(octets: bytes) -> UserData:
    """Takes apart a short message whose esm_class says that it begins with a header.

    Raises `BadUdh` where the length octet or an element runs over its end; the clause has such a header ignored
    as a whole, and what to do with the octets is the caller's choice.
    """
    if not octets:
        raise BadUdh("no octets, so no header")
    end = octets[0] + 1
    if end > len(octets):
        raise BadUdh(f"the header claims {end} octets of {len(octets)}")
    elements = []
    position = 1
    while position < end:
        start = position + 2
        stop = start + octets[position + 1] if start <= end else start
        if stop > end:
            raise BadUdh(f"the element at octet {position} runs over the end of the header")
        elements.append(Element(octets[position], octets[start:stop]))
        position = stop
    return UserData(tuple(elements), octets[end:])


def build(elements: tuple[Element, ...]) -> bytes:
    """Octets of a header, its length octet included. Raises `BadUdh` where they exceed the user data of one message."""
    parts = []
    for element in elements:
        if not 0 <= element.identifier <= 0xFF or len(element.data) > MAX_HEADER_OCTETS:
            raise BadUdh(f"element {element.identifier} with {len(element.data)} octets fits no header")
        parts.append(bytes((element.identifier, len(element.data))) + element.data)
    body = b"".join(parts)
    if len(body) > MAX_HEADER_OCTETS:
        raise BadUdh(f"a header of {len(body)} octets; {MAX_HEADER_OCTETS} fit")
    return bytes((len(body),)) + body


def concat(elements: tuple[Element, ...]) -> Concat | None:
    """The concatenation that a header's elements state, or None.

    An element of the wrong length, with no parts, or with part 0 or one beyond the total is ignored
    (TS 23.040 clause 9.2.3.24.1); of several good ones the last counts (clause 9.2.3.24).
    """
    found = None
    for element in elements:
        found = _read_concat(element) or found
    return found


def _read_concat(element: Element) -> Concat | None:
    wide = element.identifier == IEI_CONCAT_WIDE
    if not (wide or element.identifier == IEI_CONCAT) or len(element.data) != (4 if wide else 3):
        return None
    total, number = element.data[-2:]
    if not 1 <= number <= total:
        return None
    return Concat(reference=int.from_bytes(element.data[:-2], "big"), total=total, number=number, wide=wide)


def concat_element(place: Concat) -> Element:
    """The element that states `place`. Raises `BadUdh` where a value is out of its range."""
    limit = MAX_REFERENCE_WIDE if place.wide else MAX_REFERENCE
    if not 0 <= place.reference <= limit:
        raise BadUdh(f"reference {place.reference}; the largest is {limit}")
    if not 1 <= place.number <= place.total <= MAX_PARTS:
        raise BadUdh(f"part {place.number} of {place.total}; at most {MAX_PARTS} parts, counted from 1")
    reference = place.reference.to_bytes(2 if place.wide else 1, "big")
    return Element(IEI_CONCAT_WIDE if place.wide else IEI_CONCAT, reference + bytes((place.total, place.number)))


def shift_of(elements: tuple[Element, ...]) -> Shift:
    """The national language tables that a header names; the default where it names none.

    An element of the wrong length, or of a language that has no such table, is ignored (TS 23.040 clauses
    9.2.3.24.15 and 9.2.3.24.16); of several good ones the last counts (clause 9.2.3.24).
    """
    locking = single = 0
    for element in elements:
        if element.identifier == IEI_LOCKING_SHIFT and _language(element) in shift_tables.LOCKING:
            locking = _language(element)
        elif element.identifier == IEI_SINGLE_SHIFT and _language(element) in shift_tables.SINGLE:
            single = _language(element)
    return Shift(locking, single)


def _language(element: Element) -> int:
    return element.data[0] if len(element.data) == 1 else 0


def shift_elements(shift: Shift) -> tuple[Element, ...]:
    """The elements that name the tables of `shift`; none for the default."""
    named = ((IEI_SINGLE_SHIFT, shift.single), (IEI_LOCKING_SHIFT, shift.locking))
    return tuple(Element(identifier, bytes((language,))) for identifier, language in named if language)
