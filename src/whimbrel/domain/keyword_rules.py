"""Keywords of accounts: words that people text to a number, and what they are answered. STOP, START and HELP are not
theirs: whatever means one of these has been dealt with before anything here is asked.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from whimbrel.domain import hook_hours
from whimbrel.domain.consent import language_of, plain_form, understood
from whimbrel.domain.hook_hours import Window

WORDS_MAX: Final = 50
ANSWERS_MAX: Final = 60
_LANGUAGE: Final = "en"


class KeywordRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a keyword is and does; stored as JSON."""

    words: tuple[str, ...]
    match: Literal["whole", "first"] = "whole"
    answers: dict[str, str] = {}  # by language
    template: str | None = None  # in place of answers
    variables: dict[str, Any] = {}
    language: str = _LANGUAGE  # where nobody's own has an answer
    hours: Window | None = None
    outside: dict[str, str] = {}  # answers outside of the hours
    tag: str | None = None
    list: str | None = None


class Keyword(msgspec.Struct, frozen=True, gc=False):
    """Column order of the `keywords` table. `owner_id`: a number's or a pool's id; the account's own for all."""

    id: str
    account_id: str
    name: str
    owner_id: str
    enabled: bool
    rule: str  # JSON of KeywordRule
    created_at: int
    updated_at: int


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What is answered: a text, or a template in a language."""

    text: str
    language: str


class _Entry(msgspec.Struct, frozen=True, gc=False):
    keyword: Keyword
    rule: KeywordRule


class KeywordBook:
    """The keywords of one account."""

    def __init__(self, rows: Iterable[Keyword]) -> None:
        self._whole: dict[tuple[str, str], _Entry] = {}  # by owner and plain word
        self._first: dict[tuple[str, str], _Entry] = {}
        for row in sorted(rows, key=lambda each: each.id):
            if not row.enabled:
                continue
            entry = _Entry(row, msgspec.json.decode(row.rule, type=KeywordRule))
            for word in entry.rule.words:
                key = (row.owner_id, plain_form(word))
                self._whole.setdefault(key, entry)
                if entry.rule.match == "first":
                    self._first.setdefault(key, entry)

    def match(self, text: str, owners: Iterable[str]) -> tuple[Keyword, KeywordRule] | None:
        """The keyword in a text. `owners`: the number, its pools, the account, the nearest first; of one owner's words
        that of the whole text goes before that of the first word, and the older before the newer."""
        plain = plain_form(text)
        if not plain:
            return None
        first = plain.partition(" ")[0]
        for owner in owners:
            entry = self._whole.get((owner, plain)) or self._first.get((owner, first))
            if entry is not None:
                return entry.keyword, entry.rule
        return None


def answer(rule: KeywordRule, *, phone: str, country: str | None, language: str | None, now_us: int) -> Answer | None:
    """What is answered to a phone. `language`: the person's own, where it is known; else the country's."""
    texts: Mapping[str, str] = rule.answers
    if rule.hours is not None and hook_hours.opening(rule.hours, phone, now_us) is not None:
        texts = rule.outside
        if not texts:
            return None
    elif rule.template is not None:
        return Answer("", language or language_of(country))
    for wanted in (language or "", (language or "").partition("-")[0], language_of(country), rule.language):
        if wanted in texts:
            return Answer(texts[wanted], wanted)
    return Answer(next(iter(texts.values())), next(iter(texts))) if texts else None


def problems(rule: KeywordRule) -> list[tuple[str, str]]:
    """Pointers and what is wrong there."""
    found: list[tuple[str, str]] = []
    if not 0 < len(rule.words) <= WORDS_MAX:
        found.append(("/words", f"must be 1 to {WORDS_MAX} words"))
    for place, word in enumerate(rule.words):
        if not plain_form(word):
            found.append((f"/words/{place}", "has no letters or digits"))
        elif understood(word) is not None:
            found.append((f"/words/{place}", "means STOP, START or HELP, which are answered by themselves"))
    if rule.template is not None and rule.answers:
        found.append(("/template", "goes in place of `answers`"))
    if rule.outside and rule.hours is None:
        found.append(("/outside", "goes with `hours`"))
    if rule.hours is not None and (wrong := hook_hours.problem(rule.hours)) is not None:
        found.append((f"/hours/{wrong[0]}", wrong[1]))
    if not (rule.answers or rule.template or rule.tag or rule.list):
        found.append(("/answers", "is missing: a keyword answers, or gives the contact a tag or a list"))
    return found
