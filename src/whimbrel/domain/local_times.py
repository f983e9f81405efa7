"""Local times: where a phone's number is at home, and what a clock there shows as a moment in UTC.

A local time that the clocks skip counts as if they had not been set yet, and one that they show twice is the first of
the two (RFC 5545 3.3.5).
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone

UNKNOWN_ZONE: Final = "UTC"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@lru_cache(maxsize=4096)
def zone_of(e164: str) -> str:
    """The IANA zone of a number: of a country with several, the first that its digits allow. UTC when none is known."""
    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return UNKNOWN_ZONE
    known = [zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE]
    return known[0] if known else UNKNOWN_ZONE


def to_utc(local: datetime, zone: str) -> int:
    """Microseconds UTC of a naive local time."""
    return (local.replace(tzinfo=ZoneInfo(zone), fold=0) - _EPOCH) // _MICROSECOND


def to_local(at_us: int, zone: str) -> datetime:
    """What a clock in the zone shows, as a naive time."""
    return (_EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def next_time_of_day(now_us: int, time_of_day: str, zone: str) -> int:
    """When a clock in the zone shows `HH:MM` next."""
    hour, minute = map(int, time_of_day.split(":"))
    today = to_local(now_us, zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    at = to_utc(today, zone)
    return at if at > now_us else to_utc(today + timedelta(days=1), zone)
