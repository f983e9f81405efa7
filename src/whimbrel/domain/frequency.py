"""Frequency: how often one person may be texted. A limit counts the messages of the last so many hours, whichever hours
these are: a text that is due at a moment must not make more than the limit allows in any stretch that holds it, those
included that are scheduled for later.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

HOUR_US: Final = 3_600_000_000
LONGEST_HOURS: Final = 744
"""The longest stretch of a limit: what is older is forgotten."""


class Send(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message to somebody: when it is or was due, the keyed hash of its sender."""

    at: int
    sender_hash: int
    message_id: str


class Limit(msgspec.Struct, frozen=True, gc=False):
    """At most `max` messages within `period_us`, of these senders (None: of any)."""

    rule: str
    max: int
    period_us: int
    senders: frozenset[int] | None = None

    def counts(self, send: Send) -> bool:
        """Whether it is one of those that are counted."""
        return self.senders is None or send.sender_hash in self.senders


def free_at(sends: Sequence[Send], limits: Sequence[Limit], at: int) -> tuple[int, Limit | None]:
    """The first moment from `at` on at which one more message is within every limit, and the limit that put it off
    last; None where `at` itself is."""
    held: Limit | None = None
    while True:
        later = at
        for limit in limits:
            free = _free_at(sorted(send.at for send in sends if limit.counts(send)), limit, later)
            if free > later:
                later, held = free, limit
        if later == at:
            return at, held
        at = later


def _free_at(times: Sequence[int], limit: Limit, at: int) -> int:
    """Only when an earlier message leaves the stretch can there be room for one that had none."""
    moments = [at, *(time + limit.period_us for time in times if time + limit.period_us > at)]
    return next(moment for moment in moments if _fits(times, limit, moment))


def _fits(times: Sequence[int], limit: Limit, at: int) -> bool:
    near = sorted([at, *(time for time in times if abs(time - at) < limit.period_us)])
    return all(last - first >= limit.period_us for first, last in zip(near, near[limit.max :], strict=False))


def lately(sends: Sequence[Send], now: int) -> list[Send]:
    """Those that a limit may still count."""
    oldest = now - LONGEST_HOURS * HOUR_US
    return [send for send in sends if send.at > oldest]
