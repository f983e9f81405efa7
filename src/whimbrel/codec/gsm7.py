"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038).

Apart from `segments` because the alphabet is a table with two directions, and
knows nothing of messages and parts.

How it is fast. CPython encodes through a C trie (`codecs.charmap_build`) when
the table has at most 256 entries and entry 0 is NUL. One octet a character is
therefore produced first, "marked": a character of the extension table becomes
0x80 + its code, and "@", whose code 0 is taken by NUL, becomes 0x80. Most texts
hold no mark and are done; the others have their few marks expanded. Decoding
goes the same way back. A text of 100 characters costs half a microsecond.
"""

import codecs
import re
from typing import Final

import msgspec

from whimbrel.codec.errors import CodecError

ESCAPE: Final = 0x1B
"""Septet that shifts the next one to the extension table (TS 23.038 clause 6.2.1, note 1)."""

# TS 23.038 clause 6.2.1, code 0x00 to 0x7F in order; ESC stands at 0x1B.
DEFAULT: Final = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)

# TS 23.038 clause 6.2.1.1; 0x0A is the page break.
EXTENSION: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}

_AT_MARK: Final = 0x80
_GARBAGE_MARK: Final = 0x81  # 0x80 + a code that the extension table does not hold
_UNDEFINED: Final = "\ufffe"  # what the charmap codec reads as "no such entry"

_EXTENSION_MARKS: Final = "".join(EXTENSION.get(code, _UNDEFINED) for code in range(1, 0x80))
_MARKED: Final = "\0" + DEFAULT[1:].replace("\x1b", _UNDEFINED) + DEFAULT[0] + _EXTENSION_MARKS
_ENCODING_MAP: Final = codecs.charmap_build(_MARKED)
_UNMARKED: Final = bytes(range(0x80))
_EXPANSIONS: Final = {_AT_MARK: (bytes((_AT_MARK,)), b"\0")} | {
    _AT_MARK | code: (bytes((_AT_MARK | code,)), bytes((ESCAPE, code))) for code in EXTENSION
}

CHARACTERS: Final = frozenset(_MARKED) - {"\0", _UNDEFINED}
"""Every character that GSM-7 can carry, the extension table included."""

# An escape that begins no known pair is shown as a space (clause 6.2.1, note 1).
_DECODED: Final = DEFAULT.replace("\x1b", " ") + DEFAULT[0] + _EXTENSION_MARKS.replace(_UNDEFINED, "\ufffd")
_GARBAGE_MARKED: Final = _UNMARKED + bytes((_GARBAGE_MARK,)) * 0x80
_PAIR: Final = re.compile(b"\x1b(.)", re.DOTALL)
_PAIR_MARKS: Final = {bytes((code,)): bytes((_AT_MARK | code,)) for code in EXTENSION}


class Offender(msgspec.Struct, frozen=True, gc=False):
    """A character that GSM-7 cannot carry, and its index in the text (in code points, from 0)."""

    position: int
    character: str


class NotGsm7(CodecError):
    """A text holds characters outside GSM-7; `offenders` names each with its position.

    The message names code points and never the text around them: it may reach a log.
    """

    def __init__(self, offenders: tuple[Offender, ...]) -> None:
        self.offenders = offenders
        first = offenders[0]
        super().__init__(
            f"{len(offenders)} character(s) outside GSM-7, the first at {first.position} (U+{ord(first.character):04X})"
        )


def try_encode(text: str) -> bytes | None:
    """Octets of `text`, one septet in each (an extension character takes two), or None where GSM-7 cannot carry it."""
    marked = codecs.charmap_encode(text, "ignore", _ENCODING_MAP)[0]
    if len(marked) != len(text) or "\0" in text:
        return None
    if marked.isascii():
        return marked
    for mark in set(marked.translate(None, _UNMARKED)):
        marked = marked.replace(*_EXPANSIONS[mark])
    return marked


def encode(text: str) -> bytes:
    """Octets of `text`, one septet in each, an extension character as 0x1B and its code.

    This is what SMPP carries under data_coding 0. Raises `NotGsm7`.
    """
    octets = try_encode(text)
    if octets is None:
        raise NotGsm7(tuple(foreign(text)))
    return octets


def is_gsm7(text: str) -> bool:
    """Whether GSM-7 carries every character of `text`."""
    return len(codecs.charmap_encode(text, "ignore", _ENCODING_MAP)[0]) == len(text) and "\0" not in text


def septets(text: str) -> int:
    """Length of `text` in septets; a character of the extension table counts two. Raises `NotGsm7`."""
    return len(encode(text))


def foreign(text: str) -> list[Offender]:
    """Each character of `text` that GSM-7 cannot carry, in the order of the text."""
    return [Offender(position, character) for position, character in enumerate(text) if character not in CHARACTERS]


def decode(octets: bytes) -> str:
    """Text of unpacked septets, one in each octet. Never raises.

    An escape before a code that the extension table does not hold gives the character of the default
    alphabet; a doubled or a dangling escape gives a space (TS 23.038 clauses 6.2.1 and 6.2.1.1). An octet above 0x7F
    is no septet and gives U+FFFD.
    """
    if not octets.isascii():
        octets = octets.translate(_GARBAGE_MARKED)
    if ESCAPE in octets:
        pieces = _PAIR.split(octets)
        pieces[1::2] = [_PAIR_MARKS.get(code, code) for code in pieces[1::2]]
        octets = b"".join(pieces)
    return codecs.charmap_decode(octets, "strict", _DECODED)[0]
