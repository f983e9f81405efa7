"""When a message is due and when it is too late. Times are integer microseconds UTC; now is an argument."""

import re
from datetime import UTC, datetime, timedelta

from whimbrel.base import limits

SECOND_US = 1_000_000
PAST_TOLERANCE_US = 60 * SECOND_US  # clocks of callers differ: so long ago still means now

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
).fullmatch  # RFC 3339 5.6: the zone is not optional
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def parse_time(text: str) -> int:
    """Microseconds of an RFC 3339 time with its zone; ValueError for anything else. Digits beyond the microsecond are
    cut off; a leap second (RFC 3339 5.6) counts as the second after it."""
    if not _RFC3339(text):
        raise ValueError("not an RFC 3339 time with a zone, such as 2030-01-31T09:00:00Z")
    leap = text[17:19] == "60"
    plain = f"{text[:17]}59{text[19:]}" if leap else text
    try:
        at = datetime.fromisoformat(plain.upper().replace(" ", "T"))
    except ValueError:
        raise ValueError("not a time that exists") from None
    return (at - _EPOCH) // _MICROSECOND + (SECOND_US if leap else 0)


def due(send_at_us: int | None, now_us: int) -> int | str:
    """When a message falls due, or `invalid_schedule`: a time asked for may be up to a minute ago (then it is now) and
    up to a year ahead."""
    if send_at_us is None:
        return now_us
    if not -PAST_TOLERANCE_US <= send_at_us - now_us <= limits.SCHEDULE_MAX_S * SECOND_US:
        return "invalid_schedule"
    return max(send_at_us, now_us)


def expiry(due_us: int, validity_s: int | None, message_class: str) -> int | str:
    """When a message is too late, or `invalid_validity`. Counted from its due time, so that a scheduled message has its
    whole validity; the default is short for codes."""
    if validity_s is None:
        validity_s = limits.VALIDITY_OTP_DEFAULT_S if message_class == "otp" else limits.VALIDITY_DEFAULT_S
    if not limits.VALIDITY_MIN_S <= validity_s <= limits.VALIDITY_MAX_S:
        return "invalid_validity"
    return due_us + validity_s * SECOND_US
