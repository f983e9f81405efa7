"""What data_coding 0, "SMSC default alphabet", is at a carrier: mostly GSM-7, one septet in an octet, but not always.

Apart from `segments` because segments are always counted and cut in septets, as the air carries them; what one carrier
wants instead is written from the septets of each part.
"""

from typing import Final, Literal

from whimbrel.codec import gsm7, septets, shifts
from whimbrel.codec.shifts import NO_SHIFT, Shift

Alphabet = Literal["gsm7", "gsm7_packed", "latin1", "ascii", "utf8"]

_PYTHON_CODECS: Final = {"latin1": "latin-1", "ascii": "ascii", "utf8": "utf-8"}


def fits(text: str, alphabet: Alphabet) -> bool:
    """Whether `text` can be written in `alphabet`, without the tables of a national language."""
    return encode(text, alphabet) is not None


def encode(text: str, alphabet: Alphabet) -> bytes | None:
    """Octets of `text` in `alphabet`, or None where it holds a character that cannot be carried.

    No text outside of GSM-7 can be, whatever the alphabet: the carrier has to turn it into septets in the end.
    """
    unpacked = gsm7.try_encode(text)
    return None if unpacked is None else transcode(unpacked, alphabet)


def transcode(unpacked: bytes, alphabet: Alphabet, *, shift: Shift = NO_SHIFT, header_octets: int = 0) -> bytes | None:
    """Octets in `alphabet` of one part's unpacked septets, or None where it holds a character that cannot be carried.

    Septets in the tables of `shift` can only stay septets. `header_octets` is the length of the header before them,
    its length octet included: packed septets begin on a boundary. In UTF-8 a part of 160 septets can take more octets
    than a short_message has.
    """
    if alphabet == "gsm7":
        return unpacked
    if alphabet == "gsm7_packed":
        return septets.pack(unpacked, header_octets)
    if shift != NO_SHIFT:
        return None
    try:
        return gsm7.decode(unpacked).encode(_PYTHON_CODECS[alphabet])
    except UnicodeEncodeError:
        return None


def decode(octets: bytes, alphabet: Alphabet, *, shift: Shift = NO_SHIFT, header_octets: int = 0) -> str:
    """Text of octets that came under data_coding 0, the header taken off before. Never raises.

    `shift` names the tables of a national language that the header named, for GSM-7. An octet that the alphabet does
    not hold gives U+FFFD.
    """
    if alphabet == "gsm7_packed":
        octets = septets.unpack(octets, header_octets)
    elif alphabet != "gsm7":
        return octets.decode(_PYTHON_CODECS[alphabet], "replace")
    return gsm7.decode(octets) if shift == NO_SHIFT else shifts.decode(octets, shift)
