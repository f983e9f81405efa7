"""What would hold for a number: where it may be, which rules it may be under, whether marketing may be sent to it at a
moment, when it may be next, and what is open in the week after. It asks the rules that accept asks.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec

from whimbrel.base import moments
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.numbers import Number, normalise
from whimbrel.domain.policies import QuietHours as Answer
from whimbrel.domain.quiet_hours import Calendar, QuietHours, Reason
from whimbrel.domain.quiet_rules import week
from whimbrel.manage import policies
from whimbrel.manage.context import Context

_WEEK_US: Final = 7 * 24 * 3_600_000_000
_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2100, 1, 1, tzinfo=UTC)


class Window(msgspec.Struct, frozen=True):
    """A stretch in which marketing may be sent."""

    start: str
    end: str


class CapView(msgspec.Struct, frozen=True):
    """How often one person may be sent marketing by a rule of law."""

    rule: str
    max: int
    hours: int


class QuietCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a number. `subdivisions` null: it may be in any. `next_at` null: never within a year.
    `quiet_hours`: what becomes of marketing that may not be sent, by the policy in force."""

    to: str
    country: str
    subdivisions: tuple[str, ...] | None
    time_zones: tuple[str, ...]
    at: str
    allowed: bool
    next_at: str | None
    reasons: tuple[Reason, ...]
    rules: tuple[str, ...]
    caps: tuple[CapView, ...]
    quiet_hours: Answer
    windows: tuple[Window, ...]


async def check(ctx: Context, to: str, at: datetime | None, *, account_id: str | None) -> QuietCheck:
    """What holds for a number at a moment (None: now), by the policy of an account or (None) of the installation."""
    number = normalise(to)
    if number is None:
        raise WhimbrelError("invalid_number")
    at_us = ctx.clock.now_us() if at is None else _moment(at)
    holds = (await policies.get(ctx, account_id=account_id)).in_force
    rules = QuietHours(await policies.rule_book(ctx))
    calendar = rules.calendar(number, tuple(week(hours) for hours in holds.hours))
    return _told(rules, number, calendar, at_us, holds.quiet_hours)


def _moment(at: datetime) -> int:
    if not _FIRST <= at < _LAST:
        raise WhimbrelError("invalid_parameter", errors=[FieldError("at", "must be a moment of this century")])
    return moments.from_text(at.isoformat())


def _told(rules: QuietHours, number: Number, calendar: Calendar | None, at_us: int, answer: Answer) -> QuietCheck:
    place = rules.place(number)
    look = calendar.look(at_us) if calendar is not None else None
    next_at = at_us if look is None else look.next_at
    ends = at_us + _WEEK_US
    windows = [(at_us, ends)] if calendar is None else calendar.stretches(at_us, ends)
    return QuietCheck(
        to=number.e164,
        country=number.country,
        subdivisions=None if place.subdivisions is None else tuple(sorted(place.subdivisions)),
        time_zones=place.zones,
        at=moments.to_text(at_us),
        allowed=look is None or look.allowed,
        next_at=None if next_at is None else moments.to_text(next_at),
        reasons=look.reasons if look is not None else (),
        rules=tuple(each.rule for each in calendar.constraints) if calendar is not None else (),
        caps=tuple(CapView(rule, cap.max, cap.hours) for rule, cap in rules.caps(number)),
        quiet_hours=answer,
        windows=tuple(Window(moments.to_text(start), moments.to_text(end)) for start, end in windows),
    )
