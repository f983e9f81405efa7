"""When a carrier that takes no more of a sender today is asked again: in the morning where the recipient lives."""

from typing import Final

from whimbrel.domain.local_times import UNKNOWN_ZONE, next_time_of_day
from whimbrel.domain.numbers import normalise
from whimbrel.domain.whereabouts import whereabouts

_MORNING: Final = "08:00"
_RESET_US: Final = 5 * 3_600_000_000
"""Caps of US brands begin anew at midnight in Los Angeles, which is 03:00 in New York: a morning that is nearer than
from there would meet the same cap."""


def next_morning(recipient: str, now_us: int, zone: str | None = None) -> int:
    """Microseconds UTC. `recipient`: E.164 with plus, `zone`: where it is known to be; where its digits leave several
    zones open, the latest of them."""
    if zone is not None:
        return next_time_of_day(now_us + _RESET_US, _MORNING, zone)
    number = normalise(recipient)
    zones = whereabouts(number).zones if number is not None else (UNKNOWN_ZONE,)
    return max(next_time_of_day(now_us + _RESET_US, _MORNING, zone) for zone in zones)
