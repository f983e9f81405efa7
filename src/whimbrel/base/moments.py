"""Moments in words: integer microseconds UTC inside, RFC 3339 text outside. Pure: the clock is in `clock`."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_text(at_us: int) -> str:
    """RFC 3339 in UTC, always with six decimals so that texts sort as moments do: "2027-01-15T08:00:00.000000Z"."""
    second, fraction = divmod(at_us, 1_000_000)
    return f"{_second(second)}.{fraction:06d}Z"


@lru_cache(maxsize=1024)
def _second(second: int) -> str:
    """Most moments of a running system share their second with thousands of others."""
    return (_EPOCH + timedelta(seconds=second)).isoformat()[:-6]


def to_text_or_none(at_us: int | None) -> str | None:
    """The same, for columns that may be empty."""
    return None if at_us is None else to_text(at_us)


def from_text(text: str) -> int:
    """Microseconds of an RFC 3339 moment; ValueError when it is none or has no time zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return (moment - _EPOCH) // _MICROSECOND


def to_rfc2822(at_us: int) -> str:
    """RFC 2822 3.3 in UTC, as Twilio writes it: "Thu, 24 Aug 2023 05:01:45 +0000"."""
    return _rfc2822(at_us // 1_000_000)


@lru_cache(maxsize=1024)
def _rfc2822(second: int) -> str:
    return format_datetime(_EPOCH + timedelta(seconds=second))
