"""Quiet hours: whether marketing may be sent to a number at a moment, when it may be next, and what says so.

A number may be in several places (`whereabouts`) and under several rules (`quiet_rules`); it may be texted when every
one of these rules, at the local time of every one of these zones, allows it. What is open so is worked out once for
eight days of a set of rules and zones, as stretches of minutes in UTC: clocks that are set forward or back divide a day
into pieces with one offset each, so that on both edges a stretch ends where the local clock says it does. After that a
question costs a search in a short list.

Times are integer microseconds UTC; stretches are whole minutes since 1970, from the first one until before the last.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from whimbrel.domain.numbers import Number, is_sandbox
from whimbrel.domain.quiet_rules import DAYS, MIDNIGHT, RuleBook, RuleCap, Span, Week, holidays, week
from whimbrel.domain.whereabouts import Place, whereabouts

MINUTE_US: Final = 60_000_000
OWN_HOURS: Final = "policy"
"""Stands for the id of a rule where the hours are the account's or the installation's own."""

_DAY: Final = MIDNIGHT
_PART: Final = 8 * _DAY  # minutes that are worked out at once
_PARTS_AHEAD: Final = 50  # over a year
_PARTS_KEPT: Final = 60
_CALENDARS_KEPT: Final = 2048
_STEP: Final = 6 * 60  # between looks for clocks that are set
_THURSDAY: Final = 3  # 1970-01-01
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REASONS: Final = 12

_Stretches: TypeAlias = list[tuple[int, int]]


class Constraint(msgspec.Struct, frozen=True, gc=False):
    """The hours of one rule. `holidays`: the calendars of public holidays that count for it."""

    rule: str
    week: Week
    holidays: tuple[str, ...]


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why a moment is not allowed: a rule at the local time of a zone. `hours` is what it allows on that day."""

    rule: str
    zone: str
    local_time: str  # 2026-11-27T21:05
    hours: str  # 09:00-20:00, or closed
    holiday: bool


class Look(msgspec.Struct, frozen=True, gc=False):
    """What holds for a number at a moment. `next_at`: the next allowed moment, the same one if it is allowed; None:
    none within a year. `reasons` of a moment that is not allowed."""

    allowed: bool
    next_at: int | None
    reasons: tuple[Reason, ...] = ()

    @property
    def rule(self) -> str:
        """The rule that is named first."""
        return self.reasons[0].rule if self.reasons else ""


class QuietHours:
    """The rules in force, applied to numbers. Those of the sandbox are nobody's: no rule and no hours hold for them."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self._calendars: dict[tuple[Place, tuple[Week, ...]], Calendar | None] = {}
        self._caps: dict[Place, tuple[tuple[str, RuleCap], ...]] = {}

    def look(self, number: Number, at_us: int, own: tuple[Week, ...] = (), zone: str | None = None) -> Look:
        """What holds for a number at a moment. `own`: hours of the account and the installation, which narrow those of
        the rules; `zone`: where the recipient is known to be."""
        calendar = self.calendar(number, own, zone)
        return _FREE(at_us) if calendar is None else calendar.look(at_us)

    def calendar(self, number: Number, own: tuple[Week, ...] = (), zone: str | None = None) -> "Calendar | None":
        """When a number may be texted; None: always."""
        if is_sandbox(number.e164) or not (own or self.book.concerns(number.country)):
            return None
        key = (self.place(number, zone), own)
        try:
            return self._calendars[key]
        except KeyError:
            if len(self._calendars) >= _CALENDARS_KEPT:
                self._calendars.clear()
            found = self._calendars[key] = self._made(*key)
            return found

    def caps(self, number: Number) -> tuple[tuple[str, RuleCap], ...]:
        """How often a number may be texted by the rules that it may be under, each with the rule's id."""
        if is_sandbox(number.e164) or not self.book.concerns(number.country):
            return ()
        place = whereabouts(number)
        found = self._caps.get(place)
        if found is None:
            rules = self.book.concerning(place.country, place.subdivisions)
            found = self._caps[place] = tuple((rule.id, rule.cap) for rule in rules if rule.cap is not None)
        return found

    def place(self, number: Number, zone: str | None = None) -> Place:
        """Where a number may be, when its recipient may be known to be in a zone."""
        place = whereabouts(number)
        return Place(place.country, place.subdivisions, (zone,)) if zone is not None else place

    def _made(self, place: Place, own: tuple[Week, ...]) -> "Calendar | None":
        country, subdivisions = place.country, place.subdivisions
        places = (country, *(f"{country}-{name}" for name in sorted(subdivisions or ())))
        found = [Constraint(OWN_HOURS, hours, places) for hours in own]
        for rule in self.book.concerning(country, subdivisions):
            if rule.hours:
                names = tuple(f"{country}-{name}" for name in rule.subdivisions)
                found.append(Constraint(rule.id, week(rule.hours), (country, *names)))
        return Calendar(tuple(found), place.zones) if found else None


def _FREE(at_us: int) -> Look:
    return Look(True, at_us)


class Calendar:
    """When a set of rules in a set of zones allows texts."""

    __slots__ = ("_parts", "constraints", "zones")

    def __init__(self, constraints: tuple[Constraint, ...], zones: tuple[str, ...]) -> None:
        self.constraints = constraints
        self.zones = zones
        self._parts: dict[int, _Stretches] = {}

    def look(self, at_us: int) -> Look:
        """What holds at a moment."""
        minute = at_us // MINUTE_US
        opens = self._next(minute)
        if opens == minute:
            return Look(True, at_us)
        reasons = tuple(self._reasons(at_us))[:_REASONS]
        return Look(False, None if opens is None else opens * MINUTE_US, reasons)

    def is_open(self, at_us: int) -> bool:
        """Whether a moment is allowed."""
        minute = at_us // MINUTE_US
        stretches = self._part(minute // _PART)
        place = bisect_right(stretches, (minute, _PARTS_LATEST)) - 1
        return place >= 0 and minute < stretches[place][1]

    def stretches(self, first_us: int, last_us: int) -> list[tuple[int, int]]:
        """What is open between two moments, as moments."""
        first, last = first_us // MINUTE_US, last_us // MINUTE_US
        found: _Stretches = []
        for part in range(first // _PART, last // _PART + 1):
            for start, end in self._part(part):
                if found and found[-1][1] == start:
                    start = found.pop()[0]
                found.append((start, end))
        return [
            (max(start, first) * MINUTE_US, min(end, last) * MINUTE_US)
            for start, end in found
            if start < last and end > first
        ]

    def _next(self, minute: int) -> int | None:
        """The first allowed minute from this one on."""
        first = minute // _PART
        for part in range(first, first + _PARTS_AHEAD):
            stretches = self._part(part)
            place = max(bisect_right(stretches, (minute, _PARTS_LATEST)) - 1, 0)
            for start, end in stretches[place : place + 2]:
                if end > minute:
                    return max(start, minute)
        return None

    def _part(self, part: int) -> _Stretches:
        found = self._parts.get(part)
        if found is None:
            if len(self._parts) >= _PARTS_KEPT:
                self._parts.clear()
            found = self._parts[part] = self._worked_out(part * _PART, (part + 1) * _PART)
        return found

    def _worked_out(self, first: int, last: int) -> _Stretches:
        found: _Stretches = [(first, last)]
        for zone in self.zones:
            found = _common(found, self._in_zone(ZoneInfo(zone), first, last))
        return found

    def _in_zone(self, zone: ZoneInfo, first: int, last: int) -> _Stretches:
        found: _Stretches = []
        for begin, end, offset in _pieces(zone, first, last):
            for day in range((begin + offset) // _DAY, (end - 1 + offset) // _DAY + 1):
                span = self._span(day)
                if span is None:
                    continue
                start = max(day * _DAY + span[0] - offset, begin)
                stop = min(day * _DAY + span[1] - offset, end)
                if start < stop:
                    found.append((start, stop))
        return _joined(found)

    def _span(self, day: int) -> Span | None:
        """What all rules allow of a local day."""
        first, last = 0, MIDNIGHT
        for constraint in self.constraints:
            span = _of_day(constraint, day)[0]
            if span is None:
                return None
            first, last = max(first, span[0]), min(last, span[1])
        return (first, last) if first < last else None

    def _reasons(self, at_us: int) -> Iterator[Reason]:
        at = _EPOCH + timedelta(microseconds=at_us)
        for constraint in self.constraints:
            for zone in self.zones:
                local = at.astimezone(ZoneInfo(zone))
                span, is_holiday = _of_day(constraint, local.date().toordinal() - _EPOCH_DAY)
                minute = local.hour * 60 + local.minute
                if span is None or not span[0] <= minute < span[1]:
                    told = f"{local:%Y-%m-%dT%H:%M}"
                    yield Reason(constraint.rule, zone, told, written(span), is_holiday)


_PARTS_LATEST: Final = 1 << 62


def written(span: Span | None) -> str:
    """A span as people write it."""
    if span is None:
        return "closed"
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in span)


def _of_day(constraint: Constraint, day: int) -> tuple[Span | None, bool]:
    """What a rule allows of a local day, and whether that is a holiday for it."""
    span = constraint.week[(day + _THURSDAY) % len(DAYS)]
    of_holidays = constraint.week[len(DAYS)]
    if of_holidays == (0, MIDNIGHT):
        return span, False
    local = date.fromordinal(day + _EPOCH_DAY)
    if not any(local in holidays(place, local.year) for place in constraint.holidays):
        return span, False
    if span is None or of_holidays is None:
        return None, True
    both = (max(span[0], of_holidays[0]), min(span[1], of_holidays[1]))
    return (both if both[0] < both[1] else None), True


def _pieces(zone: ZoneInfo, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """Stretches between two minutes in which the zone has one offset (minutes east of UTC)."""
    begin, offset = first, _offset(zone, first)
    for minute in range(first, last, _STEP):
        following = min(minute + _STEP, last)
        if _offset(zone, following) == _offset(zone, minute):
            continue
        low, high = minute, following
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(zone, middle) == _offset(zone, low) else (low, middle)
        yield begin, high, offset
        begin, offset = high, _offset(zone, high)
    if begin < last:
        yield begin, last, offset


def _offset(zone: ZoneInfo, minute: int) -> int:
    found = (_EPOCH + timedelta(minutes=minute)).astimezone(zone).utcoffset() or timedelta()
    return int(found.total_seconds()) // 60


def _joined(stretches: Sequence[tuple[int, int]]) -> _Stretches:
    found: _Stretches = []
    for start, end in stretches:
        if found and found[-1][1] >= start:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _common(one: _Stretches, other: _Stretches) -> _Stretches:
    found: _Stretches = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            found.append((start, end))
        i, j = (i + 1, j) if one[i][1] < other[j][1] else (i, j + 1)
    return found
