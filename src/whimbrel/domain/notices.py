"""Whether a text says what a country asks it to say, such as how to stop it."""

import re
from functools import lru_cache
from typing import Final

_BETWEEN_MAX: Final = 20  # characters between two words of a notice: "STOP au 36180", "STOP SMS: 36180"


def says(text: str, notice: str) -> bool:
    """Whether the words of the notice stand in the text, in this order and close together, in capitals or not. In a
    word with a digit each `x` is one: `STOP 36xxx`."""
    return _pattern(notice).search(text) is not None


@lru_cache(maxsize=256)
def _pattern(notice: str) -> re.Pattern[str]:
    words = rf".{{0,{_BETWEEN_MAX}}}?".join(map(_word, notice.split()))
    return re.compile(words, re.IGNORECASE | re.DOTALL)


def _word(word: str) -> str:
    """One with digits is no part of a longer number; another begins where a word begins, in scripts that have capitals:
    those part their words."""
    if any(map(str.isdecimal, word)):
        return rf"(?<!\d){re.escape(word).replace('x', '[0-9]')}(?!\d)"
    return (r"(?<!\w)" if word[0].lower() != word[0].upper() else "") + re.escape(word)
