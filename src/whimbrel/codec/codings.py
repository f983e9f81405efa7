"""data_coding: what the octets of a short message are (SMPP 3.4 clause 5.2.19, 3GPP TS 23.038 clause 4).

Apart from `segments` because it is a table of 256 values. SMPP gives 0x00 to 0x0F a meaning of its own and hands the
rest to the coding groups of TS 23.038, where a message class and a waiting message are told.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

Kind = Literal["gsm7", "ascii", "latin1", "japanese", "cyrillic", "hebrew", "korean", "ucs2", "binary", "unknown"]
"""What the octets are. `binary` is 8-bit data for a program; `unknown` a reserved or a compressed coding."""

ClassForm = Literal["general", "class"]
"""Which group says a message class: 0x10 to 0x1B, general data coding, or 0xF0 to 0xF7, message class."""

FLASH: Final = 0
"""The message class of a text that is shown at once and not kept (TS 23.038 clause 4)."""


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """An indication that messages wait in a mailbox, or wait no more; `stored` where the text itself is to be kept."""

    mailbox: Literal["voicemail", "fax", "email", "other"]
    active: bool
    stored: bool


class Coding(msgspec.Struct, frozen=True, gc=False):
    """What one data_coding says. `message_class` is 0 (flash) to 3, None where it says none."""

    kind: Kind
    message_class: int | None = None
    waiting: Waiting | None = None


_SMPP_KINDS: Final[Mapping[int, Kind]] = {
    0x00: "gsm7",
    0x01: "ascii",
    0x02: "binary",
    0x03: "latin1",
    0x04: "binary",
    0x05: "japanese",
    0x06: "cyrillic",
    0x07: "hebrew",
    0x08: "ucs2",
    0x09: "japanese",
    0x0A: "japanese",
    0x0D: "japanese",
    0x0E: "korean",
}
_ALPHABETS: Final[tuple[Kind, ...]] = ("gsm7", "binary", "ucs2", "unknown")
_ALPHABET_BITS: Final[Mapping[str, int]] = {"gsm7": 0x00, "binary": 0x04, "ucs2": 0x08}
_MAILBOXES: Final = ("voicemail", "fax", "email", "other")
_HAS_CLASS: Final = 0x10
_COMPRESSED: Final = 0x20
_GROUP_GENERAL_END: Final = 0x80
_GROUP_WAITING: Final = 0xC0
_GROUP_CLASS: Final = 0xF0


def _read(data_coding: int) -> Coding:
    if data_coding < 0x10:
        return Coding(_SMPP_KINDS.get(data_coding, "unknown"))
    if data_coding < _GROUP_GENERAL_END:  # 00xx, and 01xx: the same, to be deleted after reading
        if data_coding & _COMPRESSED:
            return Coding("unknown")
        kind = _ALPHABETS[data_coding >> 2 & 3]
        return Coding(kind, data_coding & 3 if data_coding & _HAS_CLASS else None)
    if data_coding >= _GROUP_CLASS:
        return Coding("binary" if data_coding & 4 else "gsm7", data_coding & 3)
    if data_coding < _GROUP_WAITING:
        return Coding("unknown")
    group = data_coding >> 4  # 0xC drops the text, 0xD and 0xE keep it, 0xE holds UCS-2
    waiting = Waiting(_MAILBOXES[data_coding & 3], active=bool(data_coding & 8), stored=group > 0xC)
    return Coding("ucs2" if group == 0xE else "gsm7", waiting=waiting)


_CODINGS: Final = tuple(_read(data_coding) for data_coding in range(0x100))


def of(data_coding: int) -> Coding:
    """What `data_coding` (0 to 255) says."""
    return _CODINGS[data_coding]


def data_coding(
    kind: Literal["gsm7", "ucs2", "binary"], message_class: int | None = None, form: ClassForm = "general"
) -> int:
    """The data_coding of octets of `kind`: 0, 8 or 4, or with a message class (0 to 3) what `form` says.

    The message class group knows no UCS-2; the general group stands in for it.
    """
    bits = _ALPHABET_BITS[kind]
    if message_class is None:
        return bits
    group = _GROUP_CLASS if form == "class" and kind != "ucs2" else _HAS_CLASS
    return group | bits | message_class


def flash(kind: Literal["gsm7", "ucs2", "binary"], form: ClassForm = "general") -> int:
    """The data_coding of a text that is shown at once and not kept: 0x10 or 0x18, in the class form 0xF0 or 0x18."""
    return data_coding(kind, FLASH, form)
