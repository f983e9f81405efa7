"""What countries say about senders: allowed, needs registration, replaced, forbidden, by rules that are data.

The rules that Whimbrel brings are in `sender_data/`; an operator's row with the id of one of them stands in its place,
or switches it off. Of several rules for a sender in a country the newest holds; those that say otherwise are kept as
evidence. Days are UTC.
"""

import csv
import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from whimbrel.domain.sender_names import generic_word

SenderKind = Literal["alphanumeric", "long_code", "toll_free", "short_code"]
RuleVerdict = Literal["allowed", "needs_registration", "replaced", "forbidden"]
Confidence = Literal["primary", "secondary", "recommended"]
Origin = Literal["any", "foreign", "domestic"]

_DATA: Final = files(__package__) / "sender_data"
_OF_2022: Final[Mapping[str, RuleVerdict]] = {
    "Yes": "allowed",
    "No": "forbidden",
    "Registration required": "needs_registration",
}


class SenderRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule. `sender_data/sender_rules.toml` says what its fields mean. `enforce`: what the operator wants for this
    rule, whatever the installation does."""

    id: str
    country: str
    verdict: RuleVerdict
    source: str
    as_of: datetime.date
    confidence: Confidence
    kinds: tuple[SenderKind, ...] = ("alphanumeric",)
    regime: str = ""
    origin: Origin = "any"
    prefix: str = ""
    generic: bool = False
    marketing: bool = False  # about marketing only
    min_length: int = 0
    max_length: int = 0  # 0: any
    characters: str = ""  # such as "A-Z0-9 "; empty: any
    notice: str = ""  # what the text has to say, such as "STOP 36xxx"; empty: nothing
    since: datetime.date | None = None
    until: datetime.date | None = None
    note: str = ""
    enforce: bool | None = None
    own: bool = False  # the operator's

    def in_force(self, day: datetime.date) -> bool:
        """Whether it holds on this day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)

    def concerns(self, sender: "Sending") -> bool:
        """Whether it is about such a sender."""
        if self.marketing and not sender.marketing:
            return False
        if sender.kind not in self.kinds or not sender.value.startswith(self.prefix):
            return False
        if self.generic and not generic_word(sender.value, self.country):
            return False
        return self.origin == "any" or (self.origin == "domestic") == (sender.country == self.country)

    def rank(self) -> tuple[bool, datetime.date, int, datetime.date, str]:
        """The greatest one holds."""
        particular = len(self.prefix) + 2 * self.generic + (self.origin != "any") + self.marketing
        return self.own, self.as_of, particular, self.since or datetime.date.min, self.id

    def problem(self, value: str) -> str:
        """What is wrong with the form of a sender; empty when nothing is."""
        if self.max_length and not self.min_length <= len(value) <= self.max_length:
            return f"must have {self.min_length or 1} to {self.max_length} characters for {self.country}"
        if len(value) < self.min_length:
            return f"must have {self.min_length} characters or more for {self.country}"
        if self.characters:
            strange = "".join(sorted(set(value) - character_set(self.characters)))
            return f"must be of {self.characters} for {self.country}, without {strange!r}" if strange else ""
        return ""


class Sending(msgspec.Struct, frozen=True, gc=False):
    """A sender as rules see it. `country`: of a number; empty for names and short codes. `marketing`: what is sent."""

    value: str
    kind: SenderKind
    country: str = ""
    marketing: bool = False


class Finding(msgspec.Struct, frozen=True):
    """What the rules say of a sender in a country. `others`: rules in force that say something else."""

    rule: SenderRule
    problem: str
    others: tuple[SenderRule, ...] = ()


class CountryFacts(msgspec.Struct, frozen=True):
    """What a list says of a country beside names."""

    country: str
    name: str
    short_codes: bool
    long_codes: bool
    two_way: bool | None
    source: str
    as_of: datetime.date


class Rulebook:
    """Rules by country, the greatest first. `noticing`: countries where texts may have to say something."""

    __slots__ = ("_by_country", "noticing")

    def __init__(self, rules: Iterable[SenderRule]) -> None:
        found: defaultdict[str, list[SenderRule]] = defaultdict(list)
        for rule in rules:
            found[rule.country].append(rule)
        self._by_country = {
            country: tuple(sorted(own, key=SenderRule.rank, reverse=True)) for country, own in found.items()
        }
        self.noticing = frozenset(country for country, own in found.items() if any(rule.notice for rule in own))

    def of(self, country: str) -> tuple[SenderRule, ...]:
        """All rules of a country, in force or not."""
        return self._by_country.get(country, ())

    def countries(self) -> Sequence[str]:
        """Those with rules, in order."""
        return sorted(self._by_country)

    def finding(self, sender: Sending, country: str, day: datetime.date) -> Finding | None:
        """What holds for a sender; None when nothing is known."""
        rules = [rule for rule in self.of(country) if rule.in_force(day) and rule.concerns(sender)]
        if not rules:
            return None
        first, *rest = rules
        others = tuple(rule for rule in rest if (rule.verdict, rule.notice) != (first.verdict, first.notice))
        return Finding(first, first.problem(sender.value), others)

    def next_change(self, day: datetime.date) -> datetime.date | None:
        """The next day on which a rule begins or ends."""
        days = (
            edge for rules in self._by_country.values() for rule in rules for edge in (rule.since, rule.until) if edge
        )
        return min((edge for edge in days if edge > day), default=None)


def rulebook(own: Iterable[SenderRule] = (), disabled: Iterable[str] = ()) -> Rulebook:
    """Our rules with the operator's: a row with the id of one stands in its place; those of `disabled` do not hold."""
    others, off = {rule.id: rule for rule in own}, frozenset(disabled)
    if not others and not off:
        return _ours()
    rules = {rule.id: rule for rule in built_in()} | others
    return Rulebook(rule for rule in rules.values() if rule.id not in off)


@lru_cache(maxsize=1)  # most have no rules of their own, and rules are read again whenever a sender changes
def _ours() -> Rulebook:
    return Rulebook(built_in())


class _OldList(msgspec.Struct, frozen=True):
    source: str
    as_of: datetime.date
    confidence: Confidence


class _NewList(_OldList, frozen=True):
    countries: tuple[str, ...]
    note: str


class _Table(msgspec.Struct, frozen=True):
    corrections: dict[str, str]
    list_2022: _OldList
    list_2026: _NewList
    rules: tuple[SenderRule, ...]


@lru_cache(maxsize=1)
def _table() -> _Table:
    return msgspec.toml.decode((_DATA / "sender_rules.toml").read_bytes(), type=_Table)


@lru_cache(maxsize=1)
def old_list() -> tuple[tuple[str, dict[str, str]], ...]:
    """The rows of the list of 2022 by country code, which is corrected where it contradicts the dialling code."""
    text = (_DATA / "country_senders_2022-09.csv").read_text("utf-8")
    fixed = _table().corrections
    return tuple((fixed.get(row["country"], row["iso2"]), row) for row in csv.DictReader(text.splitlines()))


@lru_cache(maxsize=1)
def built_in() -> tuple[SenderRule, ...]:
    """The rules that Whimbrel brings."""
    table = _table()
    old, new = table.list_2022, table.list_2026
    of_2022 = (
        SenderRule(
            id=f"list-2022-{country.lower()}",
            country=country,
            verdict=_OF_2022[row["sender_id"]],
            source=old.source,
            as_of=old.as_of,
            confidence=old.confidence,
        )
        for country, row in old_list()
    )
    of_2026 = (
        SenderRule(
            id=f"list-2026-{country.lower()}",
            country=country,
            verdict="needs_registration",
            note=new.note,
            source=new.source,
            as_of=new.as_of,
            confidence=new.confidence,
        )
        for country in new.countries
    )
    return (*of_2022, *of_2026, *table.rules)


@lru_cache(maxsize=1)
def facts() -> Mapping[str, CountryFacts]:
    """What the list of 2022 says of countries beside names."""
    old = _table().list_2022
    return {
        country: CountryFacts(
            country,
            row["country"],
            row["short_codes"] == "Yes",
            row["long_codes"] == "Yes",
            {"Yes": True, "No": False}.get(row["two_way"]),
            old.source,
            old.as_of,
        )
        for country, row in old_list()
    }


@lru_cache(maxsize=256)
def character_set(spec: str) -> frozenset[str]:
    """The characters of a set such as `A-Za-z0-9 .&_-`: a dash between two is a range, elsewhere itself. ValueError
    for a range that runs backwards."""
    found: set[str] = set()
    place = 0
    while place < len(spec):
        first, dash, last = spec[place], spec[place + 1 : place + 2], spec[place + 2 : place + 3]
        if dash == "-" and last:
            if last < first:
                raise ValueError(f"{first}-{last} runs backwards")
            found.update(map(chr, range(ord(first), ord(last) + 1)))
            place += 3
        else:
            found.add(first)
            place += 1
    return frozenset(found)
