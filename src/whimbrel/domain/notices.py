"""Whether a text says what a country asks it to say, such as how to stop it."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_BETWEEN_MAX: Final = 20  # characters between two words of a notice: "STOP au 36180", "STOP SMS: 36180"


def says(text: str, notice: str) -> bool:
    """Whether the words of the notice stand in the text, in this order and close together, in capitals or not. In a
    word with a digit each `x` is one: `STOP 36xxx`."""
    return _stands(text, _words(notice))


def _stands(text: str, words: Sequence[re.Pattern[str]]) -> bool:
    """Word by word, from wherever those before it may have ended: a pattern of them all would try each way again."""
    ends: list[int] | None = None  # in order; None: anywhere
    for word in words:
        found = word.finditer(text)
        if ends is None:
            ends = [each.end() for each in found]
        else:
            ends = [each.end() for each in found if _is_close(ends, each.start())]
        if not ends:
            return False
    return True


def _is_close(ends: Sequence[int], begins: int) -> bool:
    before = bisect_right(ends, begins)
    return before > 0 and begins - ends[before - 1] <= _BETWEEN_MAX


@lru_cache(maxsize=256)
def _words(notice: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(_word(word), re.IGNORECASE) for word in notice.split())


def _word(word: str) -> str:
    """One with digits is no part of a longer number; another begins where a word begins, in scripts that have capitals:
    those part their words."""
    if any(map(str.isdecimal, word)):
        digits = re.sub("[xX]", "[0-9]", re.escape(word))
        return rf"(?<!\d){digits}(?!\d)"
    return (r"(?<!\w)" if word[0].lower() != word[0].upper() else "") + re.escape(word)
