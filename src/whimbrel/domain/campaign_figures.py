"""Figures of campaigns: what the event log tells of their messages, added up as `domain/usage.py` adds up all messages:
each event once, a correction taking the end before it away again, money with the sending or with an end without one.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from whimbrel.domain import states
from whimbrel.domain.campaigns import Recipient

COUNTS: Final = (
    "accepted", "sent", "delivered", "undelivered", "failed", "expired", "rejected", "canceled", "unknown", "in_doubt",
    "segments", "charged_micros", "clicked", "answered", "opted_out", "converted", "converted_micros",
)  # fmt: skip
"""Columns of `campaign_figures` behind its key and the account."""
Key = tuple[str, int, str, str, str, str]
"""campaign_id, variant, country, carrier_id, currency, account_id."""
OVER_TIME: Final = ("sent", "delivered", "failed", "clicked", "answered", "opted_out")
"""Columns of `campaign_minutes` behind its key and the account."""
MINUTE_US: Final = 60_000_000
_LOST: Final = frozenset({"undelivered", "failed", "expired", "rejected"})
_EVENT: Final = "message."
_ACCEPTED: Final = frozenset({states.QUEUED, states.SCHEDULED})
_HAS_IT: Final = frozenset({states.DELIVERED, states.UNDELIVERED, states.UNKNOWN})
_CARRIER: Final = '{"carrier_id":"'
_ID_LENGTH: Final = 34


class Told(msgspec.Struct, frozen=True, gc=False):
    """Events of a stretch of the log that count alike. Columns of `campaign_told`."""

    campaign_id: str
    account_id: str
    variant: int
    country: str
    currency: str
    carrier_id: str
    type: str
    corrects: str
    was_sent: int
    count: int
    segments: int
    charged_micros: int
    minute: int  # since 1970


class Sums:
    """Rows to add to the figures."""

    def __init__(self) -> None:
        self._sums: dict[Key, list[int]] = {}
        self._minutes: dict[tuple[str, int, int, str], list[int]] = {}

    def tell(self, told: Iterable[Told]) -> None:
        """What became of messages."""
        for each in told:
            state = each.type.removeprefix(_EVENT)
            name = "accepted" if state in _ACCEPTED else state
            self._add(_key(each, each.carrier_id), {name: each.count} | _cost(each, state))
            self._at(each.minute, each, name, each.count)
            corrected = each.corrects.partition("{")[0].removeprefix(_EVENT)
            if corrected:
                _, _, data = each.corrects.partition(_CARRIER)
                self._add(_key(each, data[:_ID_LENGTH]), {corrected: -each.count})
                self._at(each.minute, each, corrected, -each.count)

    def person(self, recipient: Recipient, at: int, name: str) -> None:
        """What somebody did. Where a message went is not known of it: it counts under no carrier."""
        key = (recipient.campaign_id, recipient.variant, recipient.country, "", "", recipient.account_id)
        self._add(key, {name: 1})
        self._at(at // MINUTE_US, recipient, name, 1)

    def rows(self) -> tuple[tuple[str | int, ...], ...]:
        """In the order of their keys."""
        return tuple((*key, *self._sums[key]) for key in sorted(self._sums))

    def minutes(self) -> tuple[tuple[str | int, ...], ...]:
        """Rows to add to what became of campaigns over time, in the order of their keys."""
        return tuple((*key, *self._minutes[key]) for key in sorted(self._minutes))

    def _at(self, minute: int, whose: Told | Recipient, name: str, count: int) -> None:
        shown = "failed" if name in _LOST else name
        if shown in OVER_TIME:
            key = (whose.campaign_id, minute, whose.variant, whose.account_id)
            self._minutes.setdefault(key, [0] * len(OVER_TIME))[OVER_TIME.index(shown)] += count

    def _add(self, key: Key, counts: dict[str, int]) -> None:
        sums: Sequence[int] = self._sums.get(key, [0] * len(COUNTS))
        self._sums[key] = [old + counts.get(name, 0) for name, old in zip(COUNTS, sums, strict=True)]


def _key(told: Told, carrier_id: str) -> Key:
    return told.campaign_id, told.variant, told.country, carrier_id, told.currency, told.account_id


def _cost(told: Told, state: str) -> dict[str, int]:
    """What messages cost is known once they are sent, or end without."""
    ends = state in states.FINAL and not told.corrects and not told.was_sent
    if state != states.SENT and not ends:
        return {}
    has_it = state == states.SENT or state in _HAS_IT
    return {"segments": told.segments if has_it else 0, "charged_micros": told.charged_micros}
