"""When a number may send next: its rate, held in every window, and its quota of a day. Time is an argument.

A number with a rate is a line of its own. Slow ones send one segment after another, a step apart; those of more than
ten a second send a few at once, ten times a second. A step is a little longer than the rate asks, so that what the
network brings closer together still holds it where it arrives: no minute has more than the rate, and no second more
than its sixtieth (rounded up). The parts of one text leave together, and the time that they take is kept free behind
them: a text of several parts may be in one window with its whole length.
"""

from typing import Final

import msgspec

_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US
_DAY_US: Final = 24 * 60 * _MINUTE_US
JITTER_US: Final = 40_000  # how much closer two texts may come on their way
_BURSTS_PER_S: Final = 10
RATE_MAX: Final = 60_000  # segments a minute
CAP_MAX: Final = 100_000_000
TURN: Final = "@"
"""Between a carrier's id and a sender's: the lane of a number that waits for its turns at this carrier."""
AFTER_TURN: Final = "A"
"""What sorts right after it: the end of a carrier's lanes of numbers."""


class Limits(msgspec.Struct, frozen=True, gc=False):
    """What a number may send, in segments; 0 is no limit."""

    rate_per_min: int = 0
    daily_cap: int = 0

    def stricter(self, other: "Limits") -> "Limits":
        """Both hold."""
        return Limits(_least(self.rate_per_min, other.rate_per_min), _least(self.daily_cap, other.daily_cap))

    @property
    def holds(self) -> bool:
        """Whether there is any."""
        return bool(self.rate_per_min or self.daily_cap)


class Pace(msgspec.Struct, frozen=True, gc=False):
    """How a rate is held: `burst` segments at once, then `step_us` for each of them."""

    burst: int
    step_us: float

    def after(self, free_us: int, now_us: int, segments: int) -> int:
        """From when on the number may send again, if it sends so much now."""
        return max(free_us, now_us) + round(segments * self.step_us)


UNLIMITED: Final = Pace(1_000, 0.0)


def pace_of(rate_per_min: int) -> Pace:
    """The pace of a rate; without one a number sends all that it has."""
    if not rate_per_min:
        return UNLIMITED
    per_s = -(-rate_per_min // 60)
    burst = max(1, per_s // _BURSTS_PER_S)
    of_second = (_SECOND_US + JITTER_US) / (burst * _BURSTS_PER_S if per_s > _BURSTS_PER_S else per_s)
    return Pace(burst, max(of_second, (_MINUTE_US + JITTER_US) / rate_per_min))


def work_s(limits: Limits, segments: int) -> float:
    """Seconds of work that so many waiting segments are."""
    return segments * pace_of(limits.rate_per_min).step_us / _SECOND_US


def day_of(now_us: int) -> int:
    """The day in UTC, for quotas."""
    return now_us // _DAY_US


def next_day_us(now_us: int) -> int:
    """When the next one begins."""
    return (day_of(now_us) + 1) * _DAY_US


def lane_of(carrier_id: str, sender_id: str) -> str:
    """The lane of a number at a carrier."""
    return f"{carrier_id}{TURN}{sender_id}"


def carrier_of(lane: str) -> str:
    """The carrier of a lane, whether it is a number's or the carrier's own."""
    return lane.partition(TURN)[0]


def sender_of(lane: str) -> str:
    """The sender whose lane it is; empty for a carrier's own."""
    return lane.partition(TURN)[2]


def _least(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other
