"""What people say about consent: STOP, START and HELP in many languages (`consent_words` has the words and where they
are from), and the one text that confirms them.

A STOP is heard on three levels: a keyword that is all of the text, one that begins a short text, and a phrase that says
it in other words. The last two are guesses: they suppress as well, for a text too many costs more than one too few, and
are told apart so that somebody looks at them. START and HELP are whole messages only. Suppressing is `screen`'s work;
here is only what the words mean.
"""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from whimbrel.codec import segments
from whimbrel.domain.consent_words import CONFIRMATIONS, NOT_AFTER, NOT_BEFORE, ROWS, SPOKEN_IN, Keyword

_LONGEST: Final = 160  # characters; what is longer says more than a keyword
_WORDS_BEHIND: Final = 4  # a first word counts with so many behind it
_WORDS_IN_ALL: Final = 12  # a phrase counts in a text of so many
_YES: Final = "yes"
_ENGLISH: Final = "en"
_UNSPACED: Final = frozenset({"zh", "ja"})


class Heard(msgspec.Struct, frozen=True, gc=False):
    """What a text says. `level`: whether it is all of the text, its first word, or a phrase in it. `language`: of the
    word."""

    word: Keyword
    level: Literal["whole", "first", "phrase"]
    language: str

    @property
    def is_guess(self) -> bool:
        """Whether somebody should look at the text."""
        return self.level != "whole"


def heard(text: str, encoding: str, *, is_addressed: bool) -> Heard | None:
    """The keyword in a text as it is stored. Some carriers bring texts as 8-bit data, and nobody may miss a STOP; what
    a header addresses to a program is none."""
    if encoding != "binary":
        return understood(text)
    return None if is_addressed else understood(bytes.fromhex(text[:_LONGEST]).decode("latin-1"))


def understood(text: str) -> Heard | None:
    """What a text says about consent; None: nothing."""
    plain = _plain(text)
    if not plain:
        return None
    return _WHOLE.get(plain) or _first(plain) or _phrase(plain)


def is_yes(text: str) -> bool:
    """YES opts in only a number that is opted out; from any other it is an ordinary answer."""
    return _plain(text) == _YES


def _first(plain: str) -> Heard | None:
    """A keyword of one or two words that begins a short text."""
    words = plain.split(" ")
    for length in (2, 1):
        found = _FIRST.get(" ".join(words[:length]))
        behind = words[length:]
        if found is not None and len(behind) <= _WORDS_BEHIND and not (behind and behind[0] in NOT_AFTER):
            return found
    return None


def _phrase(plain: str) -> Heard | None:
    """A phrase in a short text, unless the words around it make another one of it."""
    if plain.count(" ") >= _WORDS_IN_ALL:
        return None
    spaced = f" {plain} "
    for phrase, found in _PHRASES:
        before, here, behind = spaced.partition(phrase)
        if here and before.rpartition(" ")[2] not in NOT_BEFORE and behind.partition(" ")[0] not in NOT_AFTER:
            return found
    return None


def _plain(text: str) -> str:
    """Small letters and digits, with one space between words; empty when it is too long to be a keyword."""
    words = text.split()
    if sum(map(len, words)) + len(words) > _LONGEST + 1:
        return ""
    decomposed = unicodedata.normalize("NFKD", " ".join(words))
    return " ".join("".join(map(_plain_character, decomposed)).casefold().split())


def _plain_character(character: str) -> str:
    """Letters and digits stay, and the vowel signs without which Indic words are others; spaces become one kind.
    Accents, punctuation, symbols and what only joins or colours emoji go."""
    category = unicodedata.category(character)
    if category[0] in "LN":
        return character
    if category in {"Mn", "Mc"} and not unicodedata.combining(character) and not _is_variation(character):
        return character
    return " " if category[0] == "Z" or character in "\t\r\n" else ""


def _is_variation(character: str) -> bool:
    """Selectors of how a sign is drawn."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _table(levels: Mapping[str, Literal["whole", "first"]]) -> Mapping[str, Heard]:
    """Words by their plain form; where two languages share one, the row that stands first has it."""
    table: dict[str, Heard] = {}
    for row in ROWS:
        for column, level in levels.items():
            for word in getattr(row, column):
                table.setdefault(_plain(word), Heard(row.meaning, level, row.language))
    return MappingProxyType(table)


_WHOLE: Final = _table({"whole": "whole", "first": "whole"})
_FIRST: Final = _table({"first": "first"})
_PHRASES: Final = tuple(
    (_plain(phrase) if row.language in _UNSPACED else f" {_plain(phrase)} ", Heard(row.meaning, "phrase", row.language))
    for row in ROWS
    for phrase in row.phrases
)
KEYWORDS: Final[Mapping[str, Keyword]] = MappingProxyType({word: found.word for word, found in _WHOLE.items()})
"""Every text that is a keyword as a whole, as `understood` compares it."""
_LANGUAGE_OF: Final = MappingProxyType({country: tag for tag, countries in SPOKEN_IN.items() for country in countries})


def language_for(found: Heard, country: str | None) -> str:
    """The language of a confirmation: that of the word, or for English ones, which are said everywhere, of the country
    (ISO 3166 alpha-2) of the number."""
    return found.language if found.language != _ENGLISH else _LANGUAGE_OF.get(country or "", _ENGLISH)


def confirmation(kind: Keyword, name: str, language: str = _ENGLISH) -> str:
    """The text that confirms a keyword in the name of an account: one segment, the name cut to fit."""
    forms = CONFIRMATIONS.get(language, CONFIRMATIONS[_ENGLISH])[kind]
    name = " ".join(name.split())
    form = next((form for form in forms if segments.measure(form.format(name=name)).segments == 1), forms[-1])
    while segments.measure(form.format(name=name)).segments > 1:
        name = name[:-1]
    return form.format(name=name)
