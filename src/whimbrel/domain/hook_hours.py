"""At which hours a text may arrive: a window of the day in the recipient's time zone, or in one that is named."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import phonenumbers
from msgspec import Meta
from phonenumbers import timezone

_RECIPIENT: Final = "recipient"
_DAYS_AHEAD: Final = 8
_ZONES_MAX: Final = 16  # of one number: a freephone number has those of a continent
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Hours at which texts may arrive; outside of them they wait for the next opening."""

    start: Annotated[str, Meta(description="From this time of day, such as 09:00.")]
    end: Annotated[str, Meta(description="Until this one, excluded; later than `start`.")]
    days: Annotated[tuple[int, ...], Meta(description="Days of the week, Monday is 1; empty: all.")] = ()
    zone: Annotated[
        str, Meta(description="`recipient` (of the number), or a name of the IANA database such as Europe/Berlin.")
    ] = _RECIPIENT


def problem(window: Window) -> tuple[str, str] | None:
    """What is wrong: the member and what it must be."""
    start, end = _time(window.start), _time(window.end)
    if start is None or end is None:
        return ("start" if start is None else "end"), "must be a time of day such as 09:00"
    if end <= start:
        return "end", "must be later than `start`"
    if not set(window.days) <= set(range(1, 8)):
        return "days", "must be numbers from 1 (Monday) to 7 (Sunday)"
    if window.zone != _RECIPIENT and _zone(window.zone) is None:
        return "zone", "must be `recipient` or a name of the IANA database, such as Europe/Berlin"
    return None


def opening(window: Window, e164: str, now_us: int) -> int | None:
    """When a text that is ready now may go, or None: at once. A number of a place with several zones is texted when it
    is a right hour in all of them, if there is such a moment."""
    zones = _zones(window, e164)
    now = _EPOCH + now_us * _MICROSECOND
    if all(_is_open(window, now.astimezone(zone)) for zone in zones):
        return None
    openings = sorted(moment for zone in zones for moment in _openings(window, now, zone))
    everywhere = (each for each in openings if all(_is_open(window, each.astimezone(zone)) for zone in zones))
    return (next(everywhere, openings[0]) - _EPOCH) // _MICROSECOND


def _zones(window: Window, e164: str) -> Sequence[ZoneInfo]:
    if window.zone != _RECIPIENT:
        named = _zone(window.zone)
        return [named] if named else [ZoneInfo("UTC")]
    names = timezone.time_zones_for_number(phonenumbers.parse(e164))[:_ZONES_MAX]
    return [zone for zone in map(_zone, names) if zone is not None] or [ZoneInfo("UTC")]


def _is_open(window: Window, local: datetime) -> bool:
    start, end = _time(window.start), _time(window.end)
    assert start is not None and end is not None
    return (not window.days or local.isoweekday() in window.days) and start <= local.time() < end


def _openings(window: Window, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The next ones, as moments of UTC."""
    start = _time(window.start)
    assert start is not None
    today: date = now.astimezone(zone).date()
    days = [today + timedelta(days=ahead) for ahead in range(_DAYS_AHEAD)]
    moments = [
        datetime.combine(day, start, zone).astimezone(UTC)
        for day in days
        if not window.days or day.isoweekday() in window.days
    ]
    return [moment for moment in moments if moment > now]


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text) if len(text) == len("09:00") else None
    except ValueError:
        return None


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
