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


class Sums:
    """Rows to add to the figures."""

    def __init__(self) -> None:
        self._sums: dict[Key, list[int]] = {}

    def tell(self, told: Iterable[Told]) -> None:
        """What became of messages."""
        for each in told:
            state = each.type.removeprefix(_EVENT)
            name = "accepted" if state in _ACCEPTED else state
            self._add(_key(each, each.carrier_id), {name: each.count} | _cost(each, state))
            corrected = each.corrects.partition("{")[0].removeprefix(_EVENT)
            if corrected:
                _, _, data = each.corrects.partition(_CARRIER)
                self._add(_key(each, data[:_ID_LENGTH]), {corrected: -each.count})

    def person(self, recipient: Recipient, currency: str, **counts: int) -> None:
        """What somebody did. Where a message went is not known of it: it counts under no carrier."""
        key = (recipient.campaign_id, recipient.variant, recipient.country, "", currency, recipient.account_id)
        self._add(key, counts)

    def rows(self) -> tuple[tuple[str | int, ...], ...]:
        """In the order of their keys."""
        return tuple((*key, *self._sums[key]) for key in sorted(self._sums))

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
