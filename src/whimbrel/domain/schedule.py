"""When a message is due and when it is too late. Times are integer microseconds UTC; now is an argument."""

import re

from whimbrel.base import limits, moments

SECOND_US = 1_000_000
PAST_TOLERANCE_US = 60 * SECOND_US  # clocks of callers differ: so long ago still means now

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
).fullmatch  # RFC 3339 5.6: the zone is not optional


def parse_time(text: str) -> int:
    """Microseconds of an RFC 3339 time with its zone; ValueError for anything else. Digits beyond the microsecond are
    cut off; a leap second (RFC 3339 5.6) counts as the second after it."""
    if not _RFC3339(text):
        raise ValueError("not an RFC 3339 time with a zone, such as 2030-01-31T09:00:00Z")
    leap = text[17:19] == "60"
    plain = f"{text[:17]}59{text[19:]}" if leap else text
    try:
        at_us = moments.from_text(plain.upper().replace(" ", "T"))
    except ValueError:
        raise ValueError("not a time that exists") from None
    return at_us + (SECOND_US if leap else 0)


def problem(send_at_us: int | None, validity_s: int | None, now_us: int) -> str | None:
    """Why these times are refused (`invalid_schedule`, `invalid_validity`), or None. A time asked for may be up to a
    minute ago and up to a year ahead."""
    if send_at_us is not None:
        ahead_us = send_at_us - now_us
        if not -PAST_TOLERANCE_US <= ahead_us <= limits.SCHEDULE_MAX_S * SECOND_US:
            return "invalid_schedule"
    if validity_s is not None and not limits.VALIDITY_MIN_S <= validity_s <= limits.VALIDITY_MAX_S:
        return "invalid_validity"
    return None


def window(message_class: str, send_at_us: int | None, validity_s: int | None, now_us: int) -> tuple[int, int]:
    """When a message falls due and when it is too late. A time just past means now. Validity counts from the due time,
    so that a scheduled message has all of it; without one the class decides: a code is dead soon."""
    due_us = now_us if send_at_us is None or send_at_us < now_us else send_at_us
    if validity_s is None:
        validity_s = limits.VALIDITY_OTP_DEFAULT_S if message_class == "otp" else limits.VALIDITY_DEFAULT_S
    return due_us, due_us + validity_s * SECOND_US
