"""schedule_delivery_time and validity_period: `YYMMDDhhmmsstnnp` (SMPP 3.4, 7.1.1).

Apart from the desk, which refuses what cannot be read, and from the network, which waits. The product has a reader of
its own; this one is written a second time, to check it.
"""

from datetime import UTC, datetime, timedelta

_LENGTH = 16
_QUARTER_MIN = 15
_QUARTERS_MAX = 48  # 7.1.1.1: `nn` is 00 to 48
_US = 1_000_000


def read(words: str, now_us: int) -> int | None:
    """The moment in microseconds since 1970; None for what is no time. A relative time (`R`) counts from now; months
    have 30 days and years 365."""
    if len(words) != _LENGTH or not words[:-1].isdigit() or words[-1] not in "+-R":
        return None
    years, months, days, hours, minutes, seconds = (int(words[at : at + 2]) for at in range(0, 12, 2))
    tenths, quarters = int(words[12]), int(words[13:15])
    if words[-1] == "R":
        span = timedelta(days=years * 365 + months * 30 + days, hours=hours, minutes=minutes, seconds=seconds)
        return now_us + int(span.total_seconds()) * _US
    if quarters > _QUARTERS_MAX:
        return None
    try:
        local = datetime(2000 + years, months, days, hours, minutes, seconds, tenths * 100_000, tzinfo=UTC)
    except ValueError:
        return None
    ahead = timedelta(minutes=quarters * _QUARTER_MIN)
    return int((local - ahead if words[-1] == "+" else local + ahead).timestamp() * _US)


def is_relative(words: str) -> bool:
    """Whether a time counts from now."""
    return words.endswith("R")
