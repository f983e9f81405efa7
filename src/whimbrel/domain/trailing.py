"""Where to begin to look in an index whose front is full of what is gone. PostgreSQL keeps rows that were deleted until
no snapshot can see them, and an index of a queue then begins with millions of them: each look from the very front would
wade through all. Time is an argument, in microseconds of a monotonic clock.

`Sparing` says when something that may be dear is due again: it takes about a tenth of the time, and is done after some
seconds however long it takes. `Trail` says where a look begins: at the very front as long as that is cheap; otherwise
at a place that was passed some seconds ago, and at the front when it is due again, for what has come in behind; sooner
where it is known that something has.
"""

from collections import deque
from typing import Final

SHARE: Final = 10  # one part of so many
LONGEST_US: Final = 5_000_000
SOON_US: Final = 1_000_000
_STEP_US: Final = 500_000  # places are remembered so often


class Sparing:
    """How often something may be done."""

    __slots__ = ("_began_us", "_ended_us", "_next_us")

    def __init__(self) -> None:
        self._ended_us = 0
        self._began_us = 0
        self._next_us = 0

    def is_due(self, now_us: int) -> bool:
        """Whether it may be done now; if so it begins now."""
        if now_us < self._next_us:
            return False
        self._began_us = now_us
        return True

    def hasten(self, now_us: int) -> None:
        """It is wanted soon."""
        self._next_us = min(self._next_us, max(now_us, self._ended_us + SOON_US))

    def ended(self, now_us: int) -> None:
        """It is done."""
        self._ended_us = now_us
        self._next_us = now_us + min(LONGEST_US, (SHARE - 1) * (now_us - self._began_us))


class Trail:
    """The places of one index. A place is a number for each of its parts, such as a rank for each class."""

    __slots__ = ("_floor", "_front", "_is_at_front", "_lag_us", "_passed", "_spared")

    def __init__(self, front: tuple[int, ...], lag_us: int) -> None:
        """`lag_us`: what comes in behind a place comes within this time, as a rule."""
        self._front = self._floor = front
        self._lag_us = lag_us
        self._passed: deque[tuple[int, tuple[int, ...]]] = deque()
        self._spared = Sparing()  # looks from the front
        self._is_at_front = False

    def begin(self, now_us: int) -> tuple[int, ...]:
        """Where to look now."""
        while self._passed and self._passed[0][0] <= now_us - self._lag_us:
            self._floor = self._passed.popleft()[1]
        self._is_at_front = self._spared.is_due(now_us)
        return self._front if self._is_at_front else self._floor

    def hasten(self, now_us: int) -> None:
        """Something has come in behind: look at the front soon."""
        self._spared.hasten(now_us)

    def ended(self, passed: tuple[int, ...], now_us: int) -> None:
        """The look is over; everything before `passed` is gone by now."""
        if self._is_at_front:
            self._spared.ended(now_us)
        if not self._passed or now_us - self._passed[-1][0] >= _STEP_US:
            self._passed.append((now_us, passed))
