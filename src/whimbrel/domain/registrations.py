"""Registrations: what somebody is asked before a sender may be used in a country. Each regime is a table of
`sender_data/regimes/`: its fields with their types and when they are required, its documents, what the operator enters
when it is approved. What is written here holds for all of them.

A registration is a draft until it is submitted; then the operator approves or rejects it. A rejected one goes back to
its draft when it is changed, an approved one may expire.
"""

import datetime
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

from whimbrel.domain.numbers import normalise
from whimbrel.domain.sender_rules import Confidence, SenderKind

RegistrationState = Literal["draft", "submitted", "approved", "rejected", "expired"]
FieldType = Literal["text", "url", "email", "phone", "integer", "boolean", "choice", "choices"]
Conditions = Mapping[str, tuple[str | bool | int, ...]]

EDITABLE: Final = frozenset({"draft", "rejected"})
_REGIMES: Final = files(__package__) / "sender_data" / "regimes"
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+").fullmatch
_URL: Final = re.compile(r"https?://[^\s/]+\.[^\s/]+(/\S*)?").fullmatch
_TEXT_MAX: Final = 4096


class RegimeField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question. `required_if`: it must be answered where another field has one of these answers; `only_if`: it may be
    answered only there. `wire`: what registries call it."""

    name: str
    label: str
    type: FieldType
    wire: str = ""
    help: str = ""
    required: bool = False
    required_if: dict[str, tuple[str | bool | int, ...]] = {}
    only_if: dict[str, tuple[str | bool | int, ...]] = {}
    options: tuple[str, ...] = ()
    pattern: str = ""
    min_length: int = 0
    max_length: int = _TEXT_MAX
    min_items: int = 0
    max_items: int = 100
    minimum: int | None = None
    maximum: int | None = None

    def problem(self, value: Any) -> str:
        """What is wrong with an answer; empty when nothing is."""
        if self.type == "boolean":
            return "" if isinstance(value, bool) else "must be true or false"
        if self.type == "integer":
            return self._integer_problem(value)
        if self.type == "choices":
            return self._choices_problem(value)
        return self._text_problem(value) if isinstance(value, str) else "must be a string"

    def _integer_problem(self, value: Any) -> str:
        if not isinstance(value, int) or isinstance(value, bool):
            return "must be a whole number"
        if (self.minimum is not None and value < self.minimum) or (self.maximum is not None and value > self.maximum):
            return f"must be {self.minimum} to {self.maximum}"
        return ""

    def _choices_problem(self, value: Any) -> str:
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            return "must be a list of strings"
        if len(set(value)) != len(value):
            return "must not name one twice"
        strange = [each for each in value if each not in self.options]
        if strange:
            return f"must be of {', '.join(self.options)}"
        if not self.min_items <= len(value) <= self.max_items:
            return f"must be {self.min_items} to {self.max_items} of them"
        return ""

    def _text_problem(self, value: str) -> str:
        if self.type == "choice":
            return "" if value in self.options else f"must be one of {', '.join(self.options)}"
        if not value.strip():
            return "must not be empty"
        if not self.min_length <= len(value) <= self.max_length:
            return f"must have {self.min_length or 1} to {self.max_length} characters"
        if not all(character.isprintable() or character in "\r\n\t" for character in value):
            return "must not hold control characters"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return self.help or f"must be of the form {self.pattern}"
        return _kind_problem(self.type, value)


class RegimeDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper that is asked for."""

    name: str
    label: str
    required: bool = False
    required_if: dict[str, tuple[str | bool | int, ...]] = {}


class Regime(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to register. `countries`: none: the registration names its own. `kinds`: of the senders that it is for;
    none: it stands for who sends, and others stand under it. `decision`: what the operator enters when it is approved.
    `words`: what the registry calls the states."""

    id: str = ""
    title: str
    countries: tuple[str, ...]
    kinds: tuple[SenderKind, ...]
    source: str
    as_of: datetime.date
    confidence: Confidence
    note: str = ""
    parent: str = ""
    valid_days: int = 0
    words: dict[str, str] = {}
    fields: tuple[RegimeField, ...]
    documents: tuple[RegimeDocument, ...] = ()
    decision: tuple[RegimeField, ...] = ()


class Registration(msgspec.Struct, frozen=True, gc=False):
    """A registration as stored. Column order of the `registrations` table."""

    id: str
    account_id: str
    regime: str
    country: str
    name: str
    state: RegistrationState
    parent_id: str | None
    senders: tuple[str, ...]  # ids
    answers: str  # JSON, by the fields of the regime
    decision: str  # JSON: what the operator entered
    reason: str  # why it was rejected
    seq: int  # number of its newest event
    submitted_at: int | None
    decided_at: int | None
    expires_at: int | None
    created_at: int
    updated_at: int


class Document(msgspec.Struct, frozen=True, gc=False):
    """A file without its octets. Columns of the `documents` table."""

    id: str
    account_id: str
    subject_id: str  # a registration or a number
    purpose: str
    name: str
    content_type: str
    size: int
    sha256: str
    created_at: int


class AnswerProblem(msgspec.Struct, frozen=True):
    """What is wrong with one answer."""

    field: str
    detail: str


class Approval(msgspec.Struct, frozen=True, gc=False):
    """An approved registration, as far as sending goes. `until`: UTC microseconds; None: until it is taken back."""

    registration_id: str
    regime: str
    country: str
    until: int | None = None


@lru_cache(maxsize=1)
def regimes() -> Mapping[str, Regime]:
    """All of them by id, in order."""
    found: dict[str, Regime] = {}
    for entry in sorted(_REGIMES.iterdir(), key=lambda each: each.name):
        if entry.name.endswith(".toml"):
            name = entry.name.removesuffix(".toml")
            found[name] = msgspec.structs.replace(msgspec.toml.decode(entry.read_bytes(), type=Regime), id=name)
    return found


def countries_of(regime: Regime, country: str) -> tuple[str, ...]:
    """The countries that an approved registration counts for."""
    return regime.countries or ((country,) if country else ())


def covers(approval: Approval, regime: str, country: str) -> bool:
    """Whether it is the registration that a rule asks for in a country; a rule that names no regime takes any."""
    about = regimes().get(approval.regime)
    if about is None or country not in countries_of(about, approval.country):
        return False
    return not regime or approval.regime == regime


def wrong_answers(fields: Iterable[RegimeField], answers: Mapping[str, Any]) -> list[AnswerProblem]:
    """What is wrong with the answers that are given; those that are missing are no mistake yet."""
    known = {field.name: field for field in fields}
    found = [AnswerProblem(name, "is no field of this regime") for name in answers if name not in known]
    for name, field in known.items():
        if answers.get(name) is None:
            continue
        detail = field.problem(answers[name])
        if not detail and field.only_if and not _meets(field.only_if, answers):
            detail = f"is asked only where {_in_words(field.only_if)}"
        if detail:
            found.append(AnswerProblem(name, detail))
    return found


def missing(regime: Regime, answers: Mapping[str, Any], documents: Iterable[str]) -> list[AnswerProblem]:
    """What has still to be answered or brought before it can be submitted."""
    there = set(documents)
    found = [
        AnswerProblem(field.name, "must be given")
        for field in regime.fields
        if answers.get(field.name) in (None, "", [], ())
        and (field.required or (field.required_if and _meets(field.required_if, answers)))
    ]
    found += [
        AnswerProblem(f"documents/{paper.name}", f"must be brought: {paper.label}")
        for paper in regime.documents
        if paper.name not in there and (paper.required or (paper.required_if and _meets(paper.required_if, answers)))
    ]
    return found


def lacks(
    regime: Regime, row: Registration, answers: Mapping[str, Any], documents: Iterable[str]
) -> list[AnswerProblem]:
    """All that has still to be done before it can be submitted. `answers`: those of the row."""
    found = missing(regime, answers, documents)
    if regime.kinds and not row.senders:
        found.append(AnswerProblem("senders", "must name the senders that it is for"))
    if not regime.countries and not row.country:
        found.append(AnswerProblem("country", "must be given"))
    if regime.parent and row.parent_id is None:
        found.append(AnswerProblem("parent_id", f"must name a registration of {regime.parent}"))
    return found


def _meets(conditions: Conditions, answers: Mapping[str, Any]) -> bool:
    return all(answers.get(name) in values for name, values in conditions.items())


def _in_words(conditions: Conditions) -> str:
    return " and ".join(f"`{name}` is {' or '.join(map(str, values))}" for name, values in conditions.items())


def _kind_problem(kind: FieldType, value: str) -> str:
    if kind == "email" and not _EMAIL(value):
        return "must be a mail address"
    if kind == "url" and not _URL(value):
        return "must be a URL such as https://example.com"
    if kind == "phone" and normalise(value) is None:
        return "must be a number in E.164"
    return ""
