"""Figures of usage: what the event log tells, added up by the hour and the day (UTC) in which a message was accepted.

Theory of operation. Every event of the log counts once, for its message's own period, whenever it comes: so the figures
of a period are those of the messages that were accepted in it, and agree with a list of them. A message is accepted
once, sent at most once, and ends once. A late receipt that corrects an end takes the first end away again and counts
the second. What a message costs, and its segments, count when it is sent or, where it ends without, with its end: from
then on they do not change. The carrier is the one that the event names; none where none is named.

How long delivery took is kept as a histogram of fixed bounds, so that figures of any periods can be added.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from whimbrel.domain import states

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
ALL: Final = ""
"""The account under which the figures of the whole installation stand."""
BOUNDS_MS: Final = (250, 500, 1000, 2000, 3000, 5000, 10_000, 30_000, 60_000, 300_000, 3_600_000)
"""Upper bounds of the histogram's buckets; the last bucket has none. `usage_told` has the same ones."""
_EVENT: Final = "message."
_STATES: Final = {
    states.QUEUED: "accepted",
    states.SCHEDULED: "accepted",
    states.SENT: "sent",
    states.DELIVERED: "delivered",
    states.UNDELIVERED: "undelivered",
    states.FAILED: "failed",
    states.EXPIRED: "expired",
    states.REJECTED: "rejected",
    states.CANCELED: "canceled",
    states.UNKNOWN: "unknown",
    states.IN_DOUBT: "in_doubt",
    states.RECEIVED: "received",
}
_COUNTS: Final = tuple(dict.fromkeys(_STATES.values()))
_SEGMENTS, _CHARGED, _TOOK = len(_COUNTS), len(_COUNTS) + 1, len(_COUNTS) + 2
_WIDTH: Final = len(_COUNTS) + 3 + len(BOUNDS_MS) + 1
_PLACES: Final = {state: _COUNTS.index(name) for state, name in _STATES.items()}
_HAS_IT: Final = frozenset({states.DELIVERED, states.UNDELIVERED, states.UNKNOWN})
_CARRIER: Final = '{"carrier_id":"'
_ID_LENGTH: Final = 34
Key = tuple[str, int, int, int, str, str, str, str, str]
"""account_id, test, hours, starts_at, direction, class, country, carrier_id, currency."""


class Told(msgspec.Struct, frozen=True, gc=False):
    """Events of a stretch of the log that count alike. `hour`: that of their messages, since 1970. `number`: one of
    those that begin with `lead`. `corrects`: the type of the event that these correct with the beginning of its data;
    empty where they correct none. `was_sent`: their messages were sent at some time. `bound`: the bucket of the
    histogram from 1 on; 0 where nothing was delivered."""

    account_id: str
    test: int
    hour: int
    direction: str
    message_class: str
    lead: str
    number: str
    carrier_id: str
    currency: str
    type: str
    corrects: str
    was_sent: int
    bound: int
    count: int
    segments: int
    charged_micros: int
    took_ms: int

    @property
    def state(self) -> str:
        """The state that the events tell of."""
        return self.type.removeprefix(_EVENT)

    @property
    def corrected(self) -> str:
        """The state that is corrected; empty where none is."""
        return self.corrects.partition("{")[0].removeprefix(_EVENT)

    @property
    def settles(self) -> bool:
        """Whether what the messages cost is known from here on, and was not before."""
        if self.state == states.SENT:
            return True
        return self.state in states.FINAL and not self.corrects and not self.was_sent

    @property
    def takes(self) -> bool:
        """Whether from here on it is known that a carrier has, or may have, their segments (or a phone's came)."""
        if self.state in (states.SENT, states.RECEIVED):
            return True
        if self.corrected:
            return self.corrected == states.EXPIRED and not self.was_sent
        return self.settles and self.state in _HAS_IT


class Summed(msgspec.Struct, frozen=True, gc=False):
    """Figures of a period: of whatever is not empty among the first ones. Columns of `usage_page`."""

    starts_at: int
    account_id: str
    direction: str
    message_class: str
    country: str
    carrier_id: str
    currency: str
    accepted: int
    sent: int
    delivered: int
    undelivered: int
    failed: int
    expired: int
    rejected: int
    canceled: int
    unknown: int
    in_doubt: int
    received: int
    segments: int
    charged_micros: int
    took_ms: int
    took_1: int
    took_2: int
    took_3: int
    took_4: int
    took_5: int
    took_6: int
    took_7: int
    took_8: int
    took_9: int
    took_10: int
    took_11: int
    took_12: int

    @property
    def took(self) -> tuple[int, ...]:
        """The histogram."""
        return msgspec.structs.astuple(self)[-len(BOUNDS_MS) - 1 :]


def rows(told: Iterable[Told], country_of: Callable[[Told], str]) -> tuple[tuple[str | int, ...], ...]:
    """Rows to add to the figures, in the order of their keys: each of an account stands there by hour and by day, and
    again under `ALL`."""
    sums: dict[tuple[str | int, ...], list[int]] = {}
    for each in told:
        for carrier_id, counts in _counts(each):
            key = (each.direction, each.message_class, country_of(each), carrier_id, each.currency)
            for period in _periods(each):
                _add(sums, (*period, *key), counts)
    return tuple((*key, *sums[key]) for key in sorted(sums))


def _periods(told: Told) -> Iterable[tuple[str, int, int, int]]:
    for account_id in (told.account_id, ALL):
        yield account_id, told.test, 1, told.hour * HOUR_US
        yield account_id, told.test, 24, told.hour // 24 * DAY_US


def _counts(told: Told) -> Iterable[tuple[str, Sequence[int]]]:
    counts = [0] * _WIDTH
    counts[_PLACES[told.state]] = told.count
    if told.takes:
        counts[_SEGMENTS] = told.segments
    if told.settles:
        counts[_CHARGED] = told.charged_micros
    if told.bound:
        counts[_TOOK] = told.took_ms
        counts[_TOOK + told.bound] = told.count
    yield told.carrier_id, counts
    if told.corrected:
        taken_back = [0] * _WIDTH
        taken_back[_PLACES[told.corrected]] = -told.count
        yield _carrier_of(told.corrects), taken_back


def _carrier_of(corrects: str) -> str:
    _, _, data = corrects.partition(_CARRIER)
    return data[:_ID_LENGTH]


def _add(sums: dict[tuple[str | int, ...], list[int]], key: tuple[str | int, ...], counts: Sequence[int]) -> None:
    known = sums.get(key)
    if known is None:
        sums[key] = list(counts)
        return
    for place, count in enumerate(counts):
        known[place] += count


def delivery_rate(figures: Summed) -> float | None:
    """The part of what ended that was delivered; canceled and rejected texts were never on their way. None where
    nothing ended."""
    ended = figures.delivered + figures.undelivered + figures.failed + figures.expired + figures.unknown
    return figures.delivered / ended if ended else None


def percentile_ms(took: Sequence[int], part: float) -> int | None:
    """Within which time this part of the deliveries came, as far as the histogram tells: evenly within a bucket; what
    is in the last one took its lower bound. None where nothing was delivered."""
    wanted = sum(took) * part
    if not wanted:
        return None
    lower, before = 0, 0
    for count, upper in zip(took, BOUNDS_MS, strict=False):
        if count and before + count >= wanted:
            return round(lower + (upper - lower) * (wanted - before) / count)
        lower, before = upper, before + count
    return lower


def month_start(at_us: int, months: int = 0) -> int:
    """Where the month begins that a moment is in, or one so many months later."""
    day = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    count = day.year * 12 + day.month - 1 + months
    return int(datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
