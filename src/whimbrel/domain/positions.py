"""Positions of attempts: the day (since 1970) << 38 | a number. A look-up that knows from which day on it has to look
reads the partitions of those days only.
"""

from collections.abc import Iterable
from typing import Final

from whimbrel.base.ids import time_us

NUMBER_BITS: Final = 38
DAY_US: Final = 86_400_000_000
_RECENT_US: Final = 3 * DAY_US  # nearly all receipts come within it
_SLACK_US: Final = 3_600_000_000  # clocks of two nodes may differ by less


def day_floor(at_us: int) -> int:
    """What all positions of that day, and of later ones, are above."""
    return max(0, at_us // DAY_US) << NUMBER_BITS


def recent_floor(at_us: int) -> int:
    """Above it are nearly all attempts that a receipt of that moment can mean."""
    return day_floor(at_us - _RECENT_US)


def floor_of_messages(message_ids: Iterable[str]) -> int:
    """What all attempts of these messages are above: none is older than its message."""
    return day_floor(time_us(min(message_ids)) - _SLACK_US)
