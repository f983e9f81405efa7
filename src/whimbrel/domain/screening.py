"""Whether a text may be sent at all: not empty, not too long, nothing in it that no phone can show."""

import re
import unicodedata

import msgspec

from whimbrel.base.limits import TEXT_MAX

SHOWN = 20  # positions told to the caller: enough to find the cause, too few to fill an answer

# Controls except tab and the line breaks LF, CR and NEL; lone surrogates, which no UTF-16 can carry; U+FFFE and U+FFFF,
# which are no characters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
# White space and characters without any width: whoever pays for a text of these alone did not mean to.
_INVISIBLE = re.compile("[\\s\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]+").fullmatch


class BadCharacter(msgspec.Struct, frozen=True, gc=False):
    """A character that no phone can show: its position in the text (0-based) and its code point."""

    position: int
    code_point: str  # "U+0007"
    name: str


class TextProblem(msgspec.Struct, frozen=True):
    """Why a text is refused: a code of the catalogue, words, and the characters where there are such."""

    code: str
    detail: str
    characters: tuple[BadCharacter, ...] = ()


def text_problems(text: str) -> TextProblem | None:
    """Why this text cannot be sent: `text_missing`, `text_too_long` or `invalid_text`. None for a good one."""
    if not text or text.isspace() or _INVISIBLE(text):
        return TextProblem("text_missing", "The text is empty." if not text else "The text is nothing but white space.")
    if len(text) > TEXT_MAX:
        return TextProblem("text_too_long", f"The text has {len(text)} characters; the most is {TEXT_MAX}.")
    # isprintable is false for every forbidden character and costs a tenth of the search.
    if text.isprintable() or _FORBIDDEN.search(text) is None:
        return None
    bad = [BadCharacter(m.start(), f"U+{ord(m[0]):04X}", _name(m[0])) for m in _FORBIDDEN.finditer(text)]
    first = bad[0]
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    detail = f"No phone can show {first.code_point} ({first.name}) at position {first.position}{more}."
    return TextProblem("invalid_text", detail, tuple(bad[:SHOWN]))


def _name(character: str) -> str:
    point = ord(character)
    if 0xD800 <= point <= 0xDFFF:
        return "lone surrogate"
    return unicodedata.name(character, "control character" if point < 0xA0 else "not a character").lower()
