"""Hours of service: when somebody is there to answer, by the clock of one place."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY_MINUTES: Final = 24 * 60


class Hours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """From when until when somebody is there, on which days of the week."""

    start: Annotated[str, Meta(description="From this time of day, such as 09:00.")]
    end: Annotated[str, Meta(description="Until this one, excluded; later than `start`, 24:00 at the latest.")]
    days: Annotated[tuple[int, ...], Meta(description="Days of the week, Monday is 1; empty: all.")] = ()


def problem(hours: Hours) -> tuple[str, str] | None:
    """What is wrong: the member and what it must be."""
    start, end = _minutes(hours.start), _minutes(hours.end)
    if start is None or start == _DAY_MINUTES:
        return "start", "must be a time of day such as 09:00"
    if end is None:
        return "end", "must be a time of day such as 17:30, 24:00 at the latest"
    if end <= start:
        return "end", "must be later than `start`"
    if not set(hours.days) <= set(range(1, 8)):
        return "days", "must be numbers from 1 (Monday) to 7 (Sunday)"
    return None


def is_zone(name: str) -> bool:
    """Whether the IANA database has a zone of this name."""
    return _zone(name) is not None


def is_day(text: str) -> bool:
    """Whether it is a day of the calendar, such as 2026-12-25."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_open(hours: Sequence[Hours], zone: str, closed_on: Sequence[str], at_us: int) -> bool:
    """Whether somebody is there at this moment. Without hours somebody always is, except on closed days."""
    place = _zone(zone) or ZoneInfo("UTC")
    local = (_EPOCH + at_us * _MICROSECOND).astimezone(place)
    if local.date().isoformat() in closed_on:
        return False
    minute = local.hour * 60 + local.minute
    return not hours or any(_holds(each, local.isoweekday(), minute) for each in hours)


def _holds(hours: Hours, weekday: int, minute: int) -> bool:
    start, end = _minutes(hours.start), _minutes(hours.end)
    assert start is not None and end is not None
    return (not hours.days or weekday in hours.days) and start <= minute < end


def _minutes(text: str) -> int | None:
    """Minutes since midnight of a time such as 09:00; None when it is none."""
    hour, colon, minute = text.partition(":")
    is_form = colon and len(hour) == len(minute) == 2 and text.isascii() and (hour + minute).isdigit()
    if not is_form or int(minute) >= 60:
        return None
    total = int(hour) * 60 + int(minute)
    return total if total <= _DAY_MINUTES else None


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
