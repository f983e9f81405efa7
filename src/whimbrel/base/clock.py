"""The only reader of time and randomness. Everything else takes a `Clock` or a `Chance` as an argument, so that
tests own both (STYLE: time is an argument).
"""

import random
import secrets
import time
from typing import Protocol

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


class Clock(Protocol):
    """Wall time for what people see and what is due; monotonic time for timers inside one process."""

    def now_us(self) -> int:
        """UTC, integer microseconds since 1970."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds that never run backwards; comparable within one process only."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000


class DatabaseClock:
    """The time of a database, which all its nodes share: this machine's monotonic time and an offset that is measured
    again and again. What this machine believes the time to be matters until the first measure only.

    It never runs backwards: what turns out to be ahead runs at half speed until it no longer is. The first measure is
    the exception: it comes before anybody has asked for the time."""

    def __init__(self, own: Clock) -> None:
        self._own = own
        self._offset_us = own.now_us() - own.monotonic_us()
        self._ahead_us = 0  # of the database's time, at `_since_us`
        self._since_us = 0
        self._is_measured = False

    def now_us(self) -> int:
        now = self._own.monotonic_us()
        ahead = self._ahead_us - (now - self._since_us) // 2
        return now + self._offset_us + (ahead if ahead > 0 else 0)

    def monotonic_us(self) -> int:
        return self._own.monotonic_us()

    def measured(self, database_us: int, *, sent_us: int, received_us: int) -> int:
        """The database told its time somewhere between two moments of `monotonic_us`; by how much the offset was wrong.
        One that the measure does not contradict stays: a slow answer is no reason to believe it less."""
        lowest, highest = database_us - received_us, database_us - sent_us
        before, shown = self._offset_us, self.now_us()
        offset = min(max(before, lowest), highest) if self._is_measured else (lowest + highest) // 2
        now = self._own.monotonic_us()
        self._ahead_us = max(0, shown - now - offset) if self._is_measured else 0
        self._offset_us, self._since_us, self._is_measured = offset, now, True
        return offset - before


class ManualClock:
    """A clock that stands still until a test advances it."""

    def __init__(self, now_us: int = 1_800_000_000 * SECOND_US) -> None:
        self._now_us = now_us
        self._start_us = now_us

    def now_us(self) -> int:
        return self._now_us

    def monotonic_us(self) -> int:
        return self._now_us - self._start_us

    def advance(self, seconds: float) -> None:
        """Move time forward."""
        self._now_us += int(seconds * SECOND_US)


class Chance(Protocol):
    """Randomness: secret octets and fair draws."""

    def octets(self, count: int) -> bytes:
        """`count` octets fit for secrets."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A draw for jitter, not for secrets."""
        ...


class SystemChance:
    """The operating system's randomness."""

    def __init__(self) -> None:
        self._jitter = random.Random(secrets.randbits(64))

    def octets(self, count: int) -> bytes:
        return secrets.token_bytes(count)

    def uniform(self, low: float, high: float) -> float:
        return self._jitter.uniform(low, high)


class SeededChance:
    """Reproducible randomness for tests and the simulator; never for secrets in production."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def octets(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)
