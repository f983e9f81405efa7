"""Septets packed into octets, eight in seven (3GPP TS 23.038 clause 6.1.2.1), for the few carriers that want them so.

Apart from `gsm7` because SMPP carries a septet in an octet nearly everywhere.

On the air a length in septets says where the text ends. SMPP counts octets, so seven spare bits at the end could be a
character, "@" if they are zero. USSD has the same question, and its answer is used here: a carriage return fills them
(clause 6.1.2.3.1).

How it is fast. The octets are one large number with a lane of eight bits for each septet. Three times the lanes are
joined by pairs, each pair closing its gap of 1, 2, then 4 bits; a lane of 64 bits then holds 8 septets in 56.
"""

from typing import Final

from whimbrel.codec import gsm7

_ESCAPE: Final = bytes((gsm7.ESCAPE,))
_CR: Final = 0x0D
_AT: Final = 0x00
_USER_DATA_OCTETS: Final = 140

# Octets of one lane of 64 bits: which bits stay where they are, which move, and by how many.
_STEPS: Final = tuple(
    (int(keep, 16).to_bytes(8, "little"), int(move, 16).to_bytes(8, "little"), gap)
    for keep, move, gap in (
        ("007f007f007f007f", "7f007f007f007f00", 1),
        ("00003fff00003fff", "3fff00003fff0000", 2),
        ("000000000fffffff", "0fffffff00000000", 4),
    )
)


def fill_bits(header_octets: int) -> int:
    """Bits between a header of so many octets and the first septet, which begins on a boundary of septets from the
    start of the user data (TS 23.040 clause 9.2.3.24); 0 without a header."""
    return -8 * header_octets % 7


def pack(octets: bytes, header_octets: int = 0) -> bytes:
    """Octets of unpacked septets, with the fill bits after a header of `header_octets`, its length octet included.

    Seven spare bits hold a carriage return. A text that ends in one on the boundary of an octet gets a second, where
    the 140 octets of user data have room, because a reader takes the last one for filling.
    """
    spare = -(fill_bits(header_octets) + 7 * len(octets)) % 8
    has_room = header_octets + _octets(octets, header_octets) < _USER_DATA_OCTETS
    if spare == 7 or (spare == 0 and octets[-1:] == b"\r" and has_room):
        octets += b"\r"
    size = _octets(octets, header_octets)
    lanes = -(-len(octets) // 8)
    number = int.from_bytes(octets, "little")
    for keep, move, gap in _STEPS:
        number = number & int.from_bytes(keep * lanes, "little") | (
            (number & int.from_bytes(move * lanes, "little")) >> gap
        )
    joined = bytearray(number.to_bytes(8 * lanes, "little"))
    del joined[7::8]
    return (int.from_bytes(joined, "little") << fill_bits(header_octets)).to_bytes(size, "little")


def unpack(octets: bytes, header_octets: int = 0) -> bytes:
    """Septets, one in each octet, of packed octets that follow a header of `header_octets`.

    Where the last septet ends with the last octet it may be filling: a carriage return is taken off, and "@" too,
    because peers fill with zeros, unless the user data is full.
    """
    fill = fill_bits(header_octets)
    count = max(8 * len(octets) - fill, 0) // 7
    lanes = -(-count // 8)
    joined = (int.from_bytes(octets, "little") >> fill).to_bytes(max(7 * lanes, len(octets)), "little")
    spread = bytearray(8 * lanes)
    for place in range(7):
        spread[place::8] = joined[place : 7 * lanes : 7]
    number = int.from_bytes(spread, "little")
    for keep, move, gap in reversed(_STEPS):
        number = number & int.from_bytes(keep * lanes, "little") | (
            (number << gap) & int.from_bytes(move * lanes, "little")
        )
    septets = number.to_bytes(8 * lanes, "little")[:count]
    return septets[:-1] if _ends_in_filling(septets, len(octets), header_octets) else septets


def _octets(septets: bytes, header_octets: int) -> int:
    return (fill_bits(header_octets) + 7 * len(septets) + 7) // 8


def _ends_in_filling(septets: bytes, octets: int, header_octets: int) -> bool:
    if not septets or fill_bits(header_octets) + 7 * len(septets) != 8 * octets or septets[-2:-1] == _ESCAPE:
        return False
    return septets[-1] == _CR or (septets[-1] == _AT and header_octets + octets < _USER_DATA_OCTETS)
