"""What octets say under data_coding 0, at a carrier whose default alphabet is not unpacked GSM-7; and the reverse.

Apart from the product's codec, which the simulator is to check: packing is written here a second time.
"""

from collections.abc import Sequence

from whimbrel.codec import gsm7, udh
from whimbrel.codec.segments import decode, decode_parts
from whimbrel.codec.shifts import NO_SHIFT
from whimbrel_sandbox.scenarios.conduct import Alphabet

_SEPTET = 7
_OCTET = 8
_CR = 0x0D


def read(
    parts: Sequence[tuple[bytes, int]], data_coding: int, alphabet: Alphabet, elements: tuple[udh.Element, ...] = ()
) -> str:
    """The text of parts that follow each other; each is its octets after the header, and the header's length. The
    `elements` of a header name the national tables that the parts are written in."""
    shift = udh.shift_of(elements) if elements else NO_SHIFT
    if data_coding or alphabet is Alphabet.GSM7:
        return decode_parts([octets for octets, _ in parts], data_coding, shift)
    if alphabet is Alphabet.PACKED:
        septets = b"".join([unpack(octets, fill_bits(header)) for octets, header in parts])
        return decode(septets, data_coding, shift)
    return b"".join([octets for octets, _ in parts]).decode(alphabet.value, "replace")


def write(text: str, alphabet: Alphabet) -> bytes | None:
    """The octets of a text under data_coding 0, one character in each; None when the alphabet cannot carry it."""
    if alphabet is Alphabet.GSM7 or alphabet is Alphabet.PACKED:
        return gsm7.try_encode(text)
    try:
        return text.encode(alphabet.value)
    except UnicodeEncodeError:
        return None


def fill_bits(header_octets: int) -> int:
    """Bits between a header and the first septet (3GPP TS 23.040, 9.2.3.24)."""
    return -(header_octets * _OCTET) % _SEPTET


def pack(septets: bytes, fill: int = 0) -> bytes:
    """Septets, one in an octet, to octets without gaps (3GPP TS 23.038, 6.1.2.1). Seven bits that are left over hold a
    carriage return, so that nobody takes them for an @."""
    if (len(septets) * _SEPTET + fill) % _OCTET == 1:
        septets += bytes((_CR,))
    bits = 0
    for index, septet in enumerate(septets):
        bits |= septet << (fill + index * _SEPTET)
    return bits.to_bytes(-(-(fill + len(septets) * _SEPTET) // _OCTET), "little")


def unpack(octets: bytes, fill: int = 0) -> bytes:
    """The reverse; a last septet that only fills the octet is dropped."""
    count = max(0, (len(octets) * _OCTET - fill) // _SEPTET)
    bits = int.from_bytes(octets, "little") >> fill
    septets = bytes([(bits >> (index * _SEPTET)) & 0x7F for index in range(count)])
    fills_up = count and (count * _SEPTET + fill) % _OCTET == 0
    return septets[:-1] if fills_up and septets[-1] in (0, _CR) else septets
