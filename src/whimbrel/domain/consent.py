"""What people say about consent: STOP, START and HELP in many languages (`consent_words` has the words and where they
are from), and the one text that confirms them.

A STOP is heard on three levels: a keyword that is all of the text, one that begins a short text, and a phrase that says
it in other words. The last two are guesses: they suppress as well, for a text too many costs more than one too few, and
are told apart so that somebody looks at them. START and HELP are whole messages only. Suppressing is `screen`'s work;
here is only what the words mean.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from whimbrel.codec import segments
from whimbrel.domain.consent_words import (
    AGREEMENTS,
    CONFIRMATIONS,
    NOT_AFTER,
    NOT_BEFORE,
    QUESTIONS,
    ROWS,
    SPOKEN_IN,
    Keyword,
    Row,
)

_LONGEST: Final = 160  # characters; what is longer says more than a keyword
_WORDS_BEHIND: Final = 4  # a first word counts with so many behind it
_WORDS_IN_ALL: Final = 12  # a phrase counts in a text of so many
_YES: Final = "yes"
_ENGLISH: Final = "en"
_NAME: Final = "{name}"
_UNSPACED: Final = frozenset({"zh", "ja"})
_APOSTROPHES: Final = dict.fromkeys(map(ord, "'’‘ʼ′`´"))
"""As phones write them. Some of them would be letters or spaces by Unicode's tables."""
_TIGHT: Final = re.compile(r"[^\W\d_][^\w\s@\u2010-\u2015-]+[^\W\d_]")
"""Words with something else than a space between them, or a word with dots in it."""


Level = Literal["whole", "first", "phrase"]


class OwnWord(msgspec.Struct, frozen=True, gc=False):
    """A word of an account or of the operator, in its plain form. Not `enabled`: the product's word of that form means
    nothing there. `purpose` and `wording` are of a word that agrees: to what, and what was promised."""

    id: str
    kind: Keyword
    language: str
    level: Level
    plain: str
    enabled: bool = True
    purpose: str = ""
    wording: str = ""


class Heard(msgspec.Struct, frozen=True, gc=False):
    """What a text says. `level`: whether it is all of the text, its first word, or a phrase in it. `language`: of the
    word. `own`: the word, where it is not the product's. `everything`: a STOP to all senders."""

    word: Keyword
    level: Level
    language: str
    own: OwnWord | None = None
    everything: bool = False

    @property
    def is_guess(self) -> bool:
        """Whether somebody should look at the text."""
        return self.level != "whole"


class _Words(msgspec.Struct, frozen=True):
    """Words by their plain form, and phrases with the spaces around them."""

    whole: Mapping[str, Heard]
    first: Mapping[str, Heard]
    phrases: tuple[tuple[str, Heard], ...]


def heard(text: str, encoding: str, *, is_addressed: bool, own: tuple[OwnWord, ...] = ()) -> Heard | None:
    """The keyword in a text as it is stored. Some carriers bring texts as 8-bit data, and nobody may miss a STOP; what
    a header addresses to a program is none. `own`: words beside the product's."""
    if encoding != "binary":
        return understood(text, own)
    return None if is_addressed else understood(bytes.fromhex(text[:_LONGEST]).decode("latin-1"), own)


def understood(text: str, own: tuple[OwnWord, ...] = ()) -> Heard | None:
    """What a text says about consent; None: nothing."""
    plain = plain_form(text)
    if not plain:
        return None
    words = _with(own) if own else _SHIPPED
    found = _meaning(plain, words)
    if found is not None:
        return found
    others = (_meaning(form, words) for form in _other_forms(text, plain))
    return next((each for each in others if each is not None and each.word == "stop"), None)


def _meaning(plain: str, words: _Words) -> Heard | None:
    return words.whole.get(plain) or _first(plain, words.first) or _phrase(plain, words.phrases)


def _other_forms(text: str, plain: str) -> Iterator[str]:
    """A STOP is missed in neither of these: letters one by one ("S T O P"), and words that only a sign parts
    ("stop,please"), which are one word in the plain form because "S.T.O.P." is."""
    letters = plain.split(" ")
    if len(letters) > 1 and max(map(len, letters)) == 1:
        yield "".join(letters)
    if _TIGHT.search(text.translate(_APOSTROPHES)):
        yield _reduced(text, parts=True)


def is_yes(text: str) -> bool:
    """YES opts in only a number that is opted out; from any other it is an ordinary answer."""
    return plain_form(text) == _YES


def agreement(text: str) -> str | None:
    """The language in which a text agrees to what its sender was asked; None: it does not."""
    return _AGREEMENTS.get(plain_form(text))


def _first(plain: str, known: Mapping[str, Heard]) -> Heard | None:
    """A keyword of one or two words that begins a short text."""
    words = plain.split(" ")
    for length in (2, 1):
        found = known.get(" ".join(words[:length]))
        behind = words[length:]
        if found is not None and len(behind) <= _WORDS_BEHIND and not (behind and behind[0] in NOT_AFTER):
            return found
    return None


def _phrase(plain: str, known: Iterable[tuple[str, Heard]]) -> Heard | None:
    """A phrase in a short text, unless the words around it make another one of it."""
    if plain.count(" ") >= _WORDS_IN_ALL:
        return None
    spaced = f" {plain} "
    for phrase, found in known:
        before, here, behind = spaced.partition(phrase)
        if here and before.rpartition(" ")[2] not in NOT_BEFORE and behind.partition(" ")[0] not in NOT_AFTER:
            return found
    return None


def plain_form(text: str) -> str:
    """Small letters and digits, with one space between words; empty when it is too long to be a keyword."""
    return _reduced(text, parts=False)


def _reduced(text: str, *, parts: bool) -> str:
    """`parts`: signs part words as spaces do, hyphens and apostrophes aside."""
    words = text.split()
    if sum(map(len, words)) + len(words) > _LONGEST + 1:
        return ""
    decomposed = unicodedata.normalize("NFKD", " ".join(words).translate(_APOSTROPHES))
    signs = " " if parts else ""
    return " ".join("".join(_plain_character(each, signs) for each in decomposed).casefold().split())


@lru_cache(maxsize=4096)  # a character costs a fifth of what it costs to look it up
def _plain_character(character: str, signs: str) -> str:
    """Letters and digits stay, and the vowel signs without which Indic words are others; spaces become one kind.
    Accents and what only joins or colours emoji go. Punctuation and symbols become `signs`."""
    category = unicodedata.category(character)
    if category[0] in "LN":
        return character
    if category in {"Mn", "Mc"} and not unicodedata.combining(character) and not _is_variation(character):
        return character
    if category[0] == "Z" or character in "\t\r\n":
        return " "
    return signs if category[0] in "PS" and category not in {"Pd", "Pc"} and character != "@" else ""


def _is_variation(character: str) -> bool:
    """Selectors of how a sign is drawn."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _table(rows: Iterable[Row], levels: Mapping[str, Level]) -> Mapping[str, Heard]:
    """Words by their plain form; where two languages share one, the row that stands first has it."""
    table: dict[str, Heard] = {}
    for row in rows:
        for column, level in levels.items():
            for word in getattr(row, column):
                found = Heard(row.meaning, level, row.language, everything=row.everything)
                table.setdefault(plain_form(word), found)
    return MappingProxyType(table)


def _spaced(plain: str, language: str) -> str:
    """A phrase stands between spaces, where its language has them."""
    return plain if language in _UNSPACED else f" {plain} "


_SHIPPED: Final = _Words(
    _table(ROWS, {"whole": "whole", "first": "whole"}),
    _table(ROWS, {"first": "first"}),
    tuple(
        (_spaced(plain_form(phrase), row.language), Heard(row.meaning, "phrase", row.language))
        for row in ROWS
        for phrase in row.phrases
    ),
)
_AGREEMENTS: Final = {word: found.language for word, found in _table(AGREEMENTS, {"whole": "whole"}).items()}


@lru_cache(maxsize=256)  # accounts whose phones write now; each is some thousand entries of a table
def _with(own: tuple[OwnWord, ...]) -> _Words:
    """The product's words without those that are switched off, and with these, which win."""
    off = {word.plain for word in own if not word.enabled}
    added = [(word.plain, Heard(word.kind, word.level, word.language, word)) for word in own if word.enabled]
    whole = {plain: found for plain, found in _SHIPPED.whole.items() if plain not in off}
    first = {plain: found for plain, found in _SHIPPED.first.items() if plain not in off}
    whole.update(
        (plain, msgspec.structs.replace(found, level="whole")) for plain, found in added if found.level != "phrase"
    )
    first.update((plain, found) for plain, found in added if found.level == "first")
    phrases = [(_spaced(plain, found.language), found) for plain, found in added if found.level == "phrase"]
    phrases += [(text, found) for text, found in _SHIPPED.phrases if text.strip() not in off]
    return _Words(whole, first, tuple(phrases))


KEYWORDS: Final[Mapping[str, Keyword]] = MappingProxyType({word: found.word for word, found in _SHIPPED.whole.items()})
"""Every text that is a keyword as a whole, as `understood` compares it."""
_LANGUAGE_OF: Final = MappingProxyType({country: tag for tag, countries in SPOKEN_IN.items() for country in countries})


def language_for(found: Heard, country: str | None) -> str:
    """The language of a confirmation: that of the word, or for English ones, which are said everywhere, of the country
    (ISO 3166 alpha-2) of the number."""
    return found.language if found.language != _ENGLISH else _LANGUAGE_OF.get(country or "", _ENGLISH)


def language_of(country: str | None) -> str:
    """The language in which somebody of this country (ISO 3166 alpha-2) is written to."""
    return _LANGUAGE_OF.get(country or "", _ENGLISH)


def question(name: str, language: str = _ENGLISH, own: str = "") -> str:
    """The text that asks for consent in the name of an account or brand. `own`: in place of the product's."""
    return (own or QUESTIONS.get(_tongue(language), QUESTIONS[_ENGLISH])).replace(_NAME, " ".join(name.split()))


def confirmation(kind: Keyword, name: str, language: str = _ENGLISH, own: str = "") -> str:
    """The text that confirms a keyword in the name of an account or brand: one segment, the name cut to fit. `own`: the
    account's text in place of the product's, with `{name}` where it wants that."""
    texts = CONFIRMATIONS.get(_tongue(language), CONFIRMATIONS[_ENGLISH])
    forms = (own,) if own else texts["start" if kind == "join" else kind]
    name = " ".join(name.split())
    form = next((form for form in forms if segments.measure(form.replace(_NAME, name)).segments == 1), forms[-1])
    while name and segments.measure(form.replace(_NAME, name)).segments > 1:
        name = name[:-1]
    return form.replace(_NAME, name)


def _tongue(language: str) -> str:
    """Of `pt-BR` the `pt`."""
    return language.partition("-")[0]
