"""Moments as the SDKs write them: RFC 3339, or without a zone, which means UTC (Java's writes SendAt and the borders of
a list so), or a bare date.
"""

import re
from typing import Final

from whimbrel.base import moments
from whimbrel.base.clock import DAY_US, SECOND_US
from whimbrel.domain.schedule import parse_time

_NO_ZONE: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?", re.ASCII).fullmatch
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch


def moment(text: str) -> int:
    """Microseconds; ValueError, in words that follow "SendAt is", for anything else."""
    return parse_time(f"{text}Z" if _NO_ZONE(text) else text)


def iso(at_us: int) -> str:
    """ISO 8601 without a fraction, which versions 1 and 2 write and some SDKs insist on: "2023-08-24T05:01:45Z"."""
    return f"{moments.to_text(at_us)[:19]}Z"


def span(text: str) -> tuple[int, int]:
    """When a moment or a day begins, and how long it lasts: a day, or the second that all SDKs cut it to."""
    return (moment(f"{text}T00:00:00"), DAY_US) if _DAY(text) else (moment(text), SECOND_US)
