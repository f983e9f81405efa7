"""Rules of quiet hours as data: `quiet_rules.toml` has those of the product, each with its source, the day on which it
was read and how sure it is; the operator adds his own, changes them and switches them off (rows of `quiet_rules`).

A rule is of a country, or of some of its subdivisions. It says for each day of the week between which local times
marketing may be sent, and the same for public holidays, which are rows of the same file. All rules that a number may be
under hold at once.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY: Final = "holiday"
CLOSED: Final = "closed"
MIDNIGHT: Final = 24 * 60
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {"every": DAYS, "weekdays": DAYS[:5], "weekends": DAYS[5:]}
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)").fullmatch
_FIXED: Final = re.compile(r"(\d\d)-(\d\d)").fullmatch
_EASTER: Final = re.compile(r"easter([+-]\d+)?").fullmatch
_NTH: Final = re.compile(r"(\d\d) (mon|tue|wed|thu|fri|sat|sun) (-?[1-5])").fullmatch

Confidence = Literal["primary", "secondary", "verify", "recommended", "operator"]
Span = tuple[int, int]
"""Minutes of the day: from the first one until before the second one."""
Week = tuple[Span | None, ...]
"""Seven days, Monday first, then holidays; None: nothing may be sent."""


class RuleCap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many messages to one person within so many hours."""

    max: Annotated[int, Meta(ge=1, le=100)]
    hours: Annotated[int, Meta(ge=1, le=744)]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A row. `hours`: by day (`mon` to `sun`, `weekdays`, `weekends`, `every`, `holiday`) a span such as `09:00-20:00`,
    or `closed`; without a row for holidays they are days like others."""

    id: str
    title: str
    country: str
    subdivisions: tuple[str, ...] = ()
    hours: dict[str, str] = {}
    cap: RuleCap | None = None
    source: str = ""
    as_of: str = ""
    confidence: Confidence = "operator"
    note: str = ""
    enabled: bool = True


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: tuple[Rule, ...]
    holidays: dict[str, "Holidays"]
    zones: dict[str, tuple[str, ...]]


class Holidays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Public holidays of a country (`FR`) or subdivision (`US-AL`): `MM-DD`, `easter+39`, or the month, the day of the
    week and its number (`05 mon -1` is the last Monday of May)."""

    days: tuple[str, ...]
    source: str
    as_of: str
    confidence: Confidence
    observed: bool = False  # one on a Sunday is kept on Monday too, one on a Saturday on Friday


@cache
def _file() -> _File:
    return msgspec.toml.decode((files(__package__) / "quiet_rules.toml").read_bytes(), type=_File)


def of_product() -> tuple[Rule, ...]:
    """The rows of the product."""
    return _file().rule


def holidays_of_product() -> Mapping[str, Holidays]:
    """The rows of holidays by country or subdivision."""
    return _file().holidays


def zones_of_product() -> Mapping[str, tuple[str, ...]]:
    """The time zones of countries that share a calling code."""
    return _file().zones


# ---------------------------------------------------------------- hours


def problem(hours: Mapping[str, str]) -> tuple[str, str] | None:
    """What is wrong with hours as they are written: the member and what it must be."""
    for name, text in hours.items():
        if name not in (*DAYS, HOLIDAY, *_GROUPS):
            return name, "must be one of every, weekdays, weekends, mon to sun, and holiday"
        if text != CLOSED and _span(text) is None:
            return name, "must be `closed` or a span of one day such as 09:00-20:00"
    if hours and all(span is None for span in week(hours)[:7]):
        return "every", "must leave some hour of the week"
    return None


def week(hours: Mapping[str, str]) -> Week:
    """Hours as they are written, day by day: what names a day goes before what names several; a day that nothing names
    is open. Those of holidays narrow those of the day."""
    found: dict[str, Span | None] = dict.fromkeys(DAYS, (0, MIDNIGHT))
    for group, days in _GROUPS.items():
        if group in hours:
            found.update(dict.fromkeys(days, _read(hours[group])))
    found |= {name: _read(text) for name, text in hours.items() if name in DAYS}
    spans = [found[day] for day in DAYS]
    return (*spans, _read(hours[HOLIDAY]) if HOLIDAY in hours else (0, MIDNIGHT))


def _read(text: str) -> Span | None:
    return None if text == CLOSED else _span(text)


def _span(text: str) -> Span | None:
    found = _SPAN(text)
    if found is None:
        return None
    first, last = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    return (first, last) if first < last <= MIDNIGHT else None


# ---------------------------------------------------------------- holidays


@lru_cache(maxsize=512)
def holidays(place: str, year: int) -> frozenset[date]:
    """Public holidays of a country or subdivision in a year; none where there is no row."""
    row = holidays_of_product().get(place)
    days = frozenset(_day(text, year) for text in row.days) if row else frozenset()
    return days | _observed(days) if row and row.observed else days


def _observed(days: frozenset[date]) -> frozenset[date]:
    moves = {5: timedelta(days=-1), 6: timedelta(days=1)}
    return frozenset(day + moves[day.weekday()] for day in days if day.weekday() in moves)


def _day(text: str, year: int) -> date:
    fixed, easter, nth = _FIXED(text), _EASTER(text), _NTH(text)
    if fixed:
        return date(year, int(fixed[1]), int(fixed[2]))
    if easter:
        return _easter(year) + timedelta(days=int(easter[1] or 0))
    if nth is None:
        raise ValueError(f"{text} is no day of a year")
    return _nth(year, int(nth[1]), DAYS.index(nth[2]), int(nth[3]))


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    if number > 0:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - weekday) % 7 + 7 * (-number - 1))


def _easter(year: int) -> date:
    """Sunday of Easter in the Gregorian calendar (Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (a + 11 * h) // 319
    r = (2 * e + 2 * i - k - h + m + 32) % 7
    month = (h - m + r + 90) // 25
    return date(year, month, (h - m + r + month + 19) % 32)


# ---------------------------------------------------------------- the rules of an installation


class RuleBook:
    """The rules in force: the product's, with the operator's over them."""

    def __init__(self, own: Iterable[Rule] = ()) -> None:
        self.own: Mapping[str, Rule] = {rule.id: rule for rule in own}
        self.rules: Mapping[str, Rule] = {rule.id: rule for rule in of_product()} | self.own
        self._by_country: dict[str, list[Rule]] = {}
        for rule in self.rules.values():
            if rule.enabled:
                self._by_country.setdefault(rule.country, []).append(rule)

    def concerns(self, country: str) -> bool:
        """Whether any rule is about the country."""
        return country in self._by_country

    def concerning(self, country: str, subdivisions: frozenset[str] | None) -> tuple[Rule, ...]:
        """Rules that a number may be under: those of the country, and of the subdivisions that it may be in. None: it
        may be in any."""
        return tuple(
            rule
            for rule in self._by_country.get(country, ())
            if not rule.subdivisions or subdivisions is None or not subdivisions.isdisjoint(rule.subdivisions)
        )
