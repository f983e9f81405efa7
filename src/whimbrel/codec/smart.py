"""Smart encoding: look-alikes of GSM-7 characters replaced, so that a curly quote does not triple a bill.

Apart from `gsm7` because it is a choice, not a standard: the table below is
ours, and docs/text.md shows it whole. Two rules keep it honest:

- A replacement looks the same or nearly so and never changes a word or a
  figure: no accents are dropped, "½" stays ("1½" would become "11/2"), and so
  do "©" and "™", for which people disagree on the spelling.
- All or nothing. Where one character without a look-alike is left the text
  goes out as UCS-2 anyway, so it stays as it was: nothing would be gained, and
  a joiner (U+200D) that is noise between Latin letters holds an emoji together.
"""

import re
import unicodedata
from typing import Final

import msgspec

from whimbrel.codec import gsm7

# What stands in the text's place, and the characters that it replaces.
LOOK_ALIKES: Final = {
    "'": "\u2018\u2019\u201a\u201b\u2032\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u00b4\u0060\u275b\u275c\uff40",
    '"': "\u201c\u201d\u201e\u201f\u2033\u02ba\u02ee\u00ab\u00bb\u275d\u275e\u301d\u301e",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58\ufe63",
    "*": "\u2022\u2023\u2219\u25cf\u25e6\u25aa",
    ".": "\u00b7\u2024",
    "..": "\u2025",
    "...": "\u2026",
    "/": "\u2044\u2215",
    "|": "\u00a6\u2223",
    "~": "\u02dc\u223c",
    "^": "\u02c6",
    "<": "\u2039",
    ">": "\u203a",
    "x": "\u00d7",
    "!!": "\u203c",
    " ": "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "\n": "\u0085\u2028\u2029",
    # Invisible: zero-width characters, soft hyphen, byte order mark, and the left-to-right marks that phones copy
    # along with a number. Right-to-left ones change what is seen and stay.
    "": "\u00ad\u200b\u200c\u200d\u200e\u202a\u202c\u2060\u2066\u2069\ufeff",
    "ff": "\ufb00",
    "fi": "\ufb01",
    "fl": "\ufb02",
    "ffi": "\ufb03",
    "ffl": "\ufb04",
    # The one cedilla of the alphabet; handsets show either case for it, and Unicode's own mapping reads it as "ç".
    "Ç": "\u00e7",
}

# Greek capitals that share their shape with a Latin one: the default alphabet leaves them out for that reason.
GREEK_CAPITALS: Final = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True))

# U+FF01 to U+FF5E repeat ASCII in full width; the one whose ASCII form is not in GSM-7 stands above.
FULL_WIDTH: Final = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F) if chr(code) in gsm7.CHARACTERS}


class Replacement(msgspec.Struct, frozen=True, gc=False):
    """`original`, at index `position` of the text before any replacement (in code points), became `replacement`.

    `original` is one character, or a letter with its combining accent; `replacement` may be empty.
    """

    position: int
    original: str
    replacement: str


class Smart(msgspec.Struct, frozen=True, gc=False):
    """A text after smart encoding, and each replacement made in it in the order of the text."""

    text: str
    replacements: tuple[Replacement, ...]


# Spellings that Unicode holds equal to a character of GSM-7 or of this table: a letter with its combining accent ...
DECOMPOSED: Final = {unicodedata.normalize("NFD", character): character for character in sorted(gsm7.CHARACTERS)} | {
    "c\u0327": "Ç"
}
# ... and the signs for units and punctuation that are the letter or the mark itself.
SINGLETONS: Final = {"\u212a": "K", "\u212b": "Å", "\u2126": "Ω", "\u037e": ";", "\u0387": ".", "\u1fef": "'"}

TABLE: Final = (
    {original: replacement for replacement, originals in LOOK_ALIKES.items() for original in originals}
    | GREEK_CAPITALS
    | FULL_WIDTH
    | SINGLETONS
    | {original: replacement for original, replacement in DECOMPOSED.items() if original != replacement}
)
"""Every replacement: the original, a character or a letter with its accent, and what takes its place."""


def _any_of(characters: set[str]) -> str:
    return f"[{re.escape(''.join(sorted(characters)))}]"


# Classes, because an alternation of all entries is ten times slower. A letter and an accent that make no entry
# also match and are left as they are: such a text does not reach GSM-7.
_PATTERN: Final = re.compile(
    _any_of({original for original in TABLE if len(original) == 1})
    + "|"
    + _any_of({original[0] for original in TABLE if len(original) > 1})
    + _any_of({original[1] for original in TABLE if len(original) > 1})
)


def smart(text: str) -> Smart:
    """Replaces look-alikes where that brings the whole text into GSM-7, and says which; otherwise the text as it came.

    A text that would be empty afterwards also stays as it came.
    """
    if gsm7.is_gsm7(text):
        return Smart(text, ())
    replaced = _PATTERN.sub(_substitute, text)
    if not replaced or not gsm7.is_gsm7(replaced):
        return Smart(text, ())
    found = tuple([Replacement(match.start(), match[0], TABLE[match[0]]) for match in _PATTERN.finditer(text)])
    return Smart(replaced, found)


def _substitute(match: re.Match[str]) -> str:
    return TABLE.get(match[0], match[0])
