"""schedule_time and validity_period: SMPP's text of a time to microseconds UTC, and back (clause 7.1.1).

Apart because both fields, and query_sm_resp's final_date, share the format, and because peers write more forms of it
than the clause has. The clause's own is sixteen characters, `YYMMDDhhmmsstnnp`: t tenths of a second, nn quarters of
an hour, and p tells which way: `+` local time ahead of UTC, `-` behind it, `R` not a time but a span from now.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from whimbrel.codec.errors import CodecError

RELATIVE_MAX_S: Final = 99 * 86_400
"""The longest span that is written: two digits of days. Months and years have no length that both sides agree on."""

_QUARTER: Final = timedelta(minutes=15)
_QUARTERS_MAX: Final = 48
"""Clause 7.1.1.1: nn is 00 to 48."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3_600, 60

_WHOLE = re.compile(r"(\d{12})(\d)(\d\d)([+\-R])", re.ASCII | re.IGNORECASE).fullmatch
_SHORT = re.compile(r"(\d{12})(R?)", re.ASCII | re.IGNORECASE).fullmatch
_OTHER = re.compile(r"\d{10}|\d{14}", re.ASCII).fullmatch
"""Without seconds, as in receipts; with a year of four digits."""


class BadTime(CodecError):
    """A text that is no time of SMPP, or a time that no text of SMPP can say."""


def read_time(text: str, now_us: int) -> int | None:
    """Microseconds UTC of an absolute or relative time; None for the empty text, which leaves it to the reader.

    The century is the one nearest to `now_us`. Without an offset the time is taken for UTC: whose local time it is,
    nobody can tell. Years and months of a relative time are those of the calendar. BadTime for anything else.
    """
    text = text.strip()
    if not text:
        return None
    now = _EPOCH + timedelta(microseconds=now_us)
    try:
        return (_read(text, now) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError) as error:
        raise BadTime("no time of the form YYMMDDhhmmsstnnp") from error


def write_relative(seconds: int) -> str:
    """A span from now in days, hours, minutes and seconds, immune to the reader's clock.

    Less than a second becomes a second, more than `RELATIVE_MAX_S` that: a span of nothing means "the SMSC's default"
    to some.
    """
    days, rest = divmod(max(1, min(seconds, RELATIVE_MAX_S)), _DAY_S)
    hours, rest = divmod(rest, _HOUR_S)
    minutes, rest = divmod(rest, _MINUTE_S)
    return f"0000{days:02d}{hours:02d}{minutes:02d}{rest:02d}000R"


def write_absolute(at_us: int) -> str:
    """A time in UTC, to the tenth of a second, which has one digit (T62); BadTime beyond the years of a calendar."""
    try:
        at = _EPOCH + timedelta(microseconds=at_us)
    except OverflowError as error:
        raise BadTime("the time lies beyond the calendar") from error
    return f"{at:%y%m%d%H%M%S}{at.microsecond // 100_000}00+"


def _read(text: str, now: datetime) -> datetime:
    whole = _WHOLE(text)
    if whole is not None:
        digits, tenths, quarters, way = whole.groups()
        if way in "Rr":
            return _from_now(digits, now) + timedelta(milliseconds=100 * int(tenths))
        offset = _offset(int(quarters), way)
        return _at(digits, now) + timedelta(milliseconds=100 * int(tenths)) - offset
    short = _SHORT(text)
    if short is not None:
        return _from_now(short[1], now) if short[2] else _at(short[1], now)
    if _OTHER(text) is None:
        raise BadTime("no time")
    return _at(text + "00", now) if len(text) == 10 else _calendar(int(text[:4]), text[4:])


def _offset(quarters: int, way: str) -> timedelta:
    if quarters > _QUARTERS_MAX:
        raise BadTime("an offset beyond twelve hours")
    return quarters * _QUARTER if way == "+" else -quarters * _QUARTER


def _at(digits: str, now: datetime) -> datetime:
    """Twelve digits as a date and a time; of the years with these last two digits the nearest."""
    year = int(digits[:2])
    ahead = (year - now.year + 50) % 100 - 50
    return _calendar(now.year + ahead, digits[2:])


def _calendar(year: int, digits: str) -> datetime:
    month, day, hour, minute, second = _pairs(digits)
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _from_now(digits: str, now: datetime) -> datetime:
    years, months, days, hours, minutes, seconds = _pairs(digits)
    start = _add_months(now, 12 * years + months) if years or months else now
    return start + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _add_months(start: datetime, months: int) -> datetime:
    """The same day some months on; the last of that month where it has no such day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    following, first = divmod(year * 12 + month + 1, 12)
    last = (datetime(following, first + 1, 1, tzinfo=UTC) - timedelta(days=1)).day
    return start.replace(year=year, month=month + 1, day=min(start.day, last))


def _pairs(digits: str) -> list[int]:
    return [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
