"""When a carrier that takes no more of a sender today is asked again: in the morning where the recipient lives."""

from typing import Final

from whimbrel.domain.local_times import UNKNOWN_ZONE, next_time_of_day
from whimbrel.domain.numbers import normalise
from whimbrel.domain.whereabouts import whereabouts

_MORNING: Final = "08:00"
_RESET: Final = ("00:00", "America/Los_Angeles")  # when the caps of US brands begin anew


def next_morning(recipient: str, now_us: int, zone: str | None = None) -> int:
    """The first after caps have begun anew, in microseconds UTC. `recipient`: E.164 with plus, `zone`: where it is
    known to be; where its digits leave several zones open, the latest of them."""
    reset = next_time_of_day(now_us, *_RESET)
    number = normalise(recipient) if zone is None else None
    zones = whereabouts(number).zones if number is not None else (zone or UNKNOWN_ZONE,)
    return max(next_time_of_day(reset - 1, _MORNING, each) for each in zones)
