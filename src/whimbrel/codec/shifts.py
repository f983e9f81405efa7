"""GSM-7 with the tables of a national language (3GPP TS 23.038 clause 6.2.1.2).

Apart from `gsm7` because a text in the default alphabet, as nearly all are, must pay nothing for them.

A locking shift table stands in for the default alphabet, a single shift table for its extension table, each for the
whole message and each by an element of its own in the header of every part. A character of the locking table takes
one septet, one of the single shift table two. So of two single shift tables that carry the same text neither is
shorter, and `candidates` names one for each locking table.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from whimbrel.codec import gsm7, shift_tables
from whimbrel.codec.errors import CodecError

ALL_LANGUAGES: Final = frozenset(shift_tables.SINGLE)
"""Every national language identifier, 1 (Turkish) to 13 (Urdu) (TS 23.038 clause 6.2.1.2.4)."""

LANGUAGE_NAMES: Final[Mapping[int, str]] = dict(
    enumerate(
        (
            "turkish",
            "spanish",
            "portuguese",
            "bengali",
            "gujarati",
            "hindi",
            "kannada",
            "malayalam",
            "oriya",
            "punjabi",
            "tamil",
            "telugu",
            "urdu",
        ),
        start=1,
    )
)
"""What each identifier stands for (TS 23.038 clause 6.2.1.2.4)."""

ELEMENT_OCTETS: Final = 3
"""Octets of the header element that names one table (TS 23.040 clauses 9.2.3.24.15 and 9.2.3.24.16)."""


class Shift(msgspec.Struct, frozen=True, gc=False):
    """The national languages whose tables a text is written in, by identifier (TS 23.038 clause 6.2.1.2.4).

    `locking` stands in for the default alphabet, `single` for its extension table; 0 is the default for either.
    """

    locking: int = 0
    single: int = 0

    @property
    def header_octets(self) -> int:
        """Octets of the elements that say so in a header, its length octet not counted."""
        return ELEMENT_OCTETS * ((self.locking > 0) + (self.single > 0))


NO_SHIFT: Final = Shift()
"""The default alphabet and its extension table."""


class NotInShift(CodecError):
    """A text holds a character that is in neither table of a shift; the message names none of it."""


def _codes(table: str) -> dict[str, int]:
    """The first code of each character of a table of 128."""
    found = {character: code for code, character in reversed(list(enumerate(table)))}
    return {character: code for character, code in found.items() if character not in {shift_tables.VOID, "\x1b"}}


_LOCKING_TEXT: Final[Mapping[int, str]] = {0: gsm7.DEFAULT, **shift_tables.LOCKING}
_SINGLE_TEXT: Final[Mapping[int, str]] = {
    0: "".join(gsm7.EXTENSION.get(code, shift_tables.VOID) for code in range(0x80)),
    **shift_tables.SINGLE,
}
_LOCKING: Final[Mapping[int, dict[int, str]]] = {
    language: {ord(character): chr(code) for character, code in _codes(table).items()}
    for language, table in _LOCKING_TEXT.items()
}
_SINGLE: Final[Mapping[int, dict[int, str]]] = {
    language: {ord(character): "\x1b" + chr(code) for character, code in _codes(table).items()}
    for language, table in _SINGLE_TEXT.items()
}
_LOCKING_CHARACTERS: Final = {language: frozenset(map(chr, table)) for language, table in _LOCKING.items()}
_SINGLE_CHARACTERS: Final = {language: frozenset(map(chr, table)) for language, table in _SINGLE.items()}

CHARACTERS: Final = frozenset[str]().union(*_LOCKING_CHARACTERS.values(), *_SINGLE_CHARACTERS.values())
"""Every character that some table holds."""

# What a code shows: a space for an escape, U+FFFD for a code without a character and for an octet above 0x7F.
_LOCKING_SHOWN: Final = {
    language: table.replace("\x1b", " ").replace(shift_tables.VOID, "\ufffd") + "\ufffd" * 0x80
    for language, table in _LOCKING_TEXT.items()
}
_PAIR: Final = re.compile("\x1b(.)", re.DOTALL)


def candidates(text: str, languages: Collection[int]) -> Iterator[Shift]:
    """Shifts that carry `text` with tables of `languages`, the safest first; the default alphabet is not among them.

    Safest is a single shift table alone, since a phone that does not know it still shows the letter without its mark
    (TS 23.038 clause 6.2.1.2.2 lays the codes out so); then a locking table alone; then both. Among equals the lower
    identifier comes first, and with a locking table its own language's single shift table.
    """
    characters = frozenset(text)
    if not characters <= CHARACTERS:
        return
    allowed = sorted(ALL_LANGUAGES.intersection(languages))
    found = []
    for locking in (0, *(language for language in allowed if language in _LOCKING)):
        single = _single(characters - _LOCKING_CHARACTERS[locking], (0, locking, *allowed))
        if single is not None and (locking or single):
            found.append(Shift(locking, single))
    yield from sorted(found, key=lambda shift: (shift.header_octets, shift.locking > 0))


def _single(characters: frozenset[str], languages: Collection[int]) -> int | None:
    return next((language for language in languages if characters <= _SINGLE_CHARACTERS[language]), None)


def encode(text: str, shift: Shift) -> bytes:
    """Octets of `text`, one septet in each, a character of the single shift table as 0x1B and its code.

    A character that both tables hold takes one septet. Raises `NotInShift`.
    """
    try:
        return text.translate(_table(shift.locking, shift.single)).encode("ascii")
    except UnicodeEncodeError:
        raise NotInShift(f"a character outside of tables {shift.locking} (locking), {shift.single} (single)") from None


@lru_cache(maxsize=256)  # there are fewer pairs
def _table(locking: int, single: int) -> dict[int, str]:
    """What each character becomes; what neither table holds does not become ASCII."""
    return dict.fromkeys(range(0x80), "\x80") | _SINGLE.get(single, {}) | _LOCKING.get(locking, {})


def decode(octets: bytes, shift: Shift) -> str:
    """Text of unpacked septets, one in each octet. Never raises.

    A language without a table reads as the default (TS 23.038 clause 6.2.1.2.4). An escape before a code that the
    single shift table does not hold gives the character of the locking table; a doubled or a dangling escape gives a
    space; a code without a character and an octet above 0x7F give U+FFFD.
    """
    locking = _LOCKING_SHOWN.get(shift.locking, _LOCKING_SHOWN[0])
    single = _SINGLE_TEXT.get(shift.single, _SINGLE_TEXT[0])
    pieces = _PAIR.split(octets.decode("latin-1"))
    pieces[0::2] = [piece.translate(locking) for piece in pieces[0::2]]
    pieces[1::2] = [_shifted(ord(code), locking, single) for code in pieces[1::2]]
    return "".join(pieces)


def _shifted(code: int, locking: str, single: str) -> str:
    character = single[code] if code < len(single) else shift_tables.VOID
    return locking[code] if character in {shift_tables.VOID, "\x1b"} else character
