"""Rows of usage added up as pages show them: over currencies and groups, beside an earlier period, and as a plot."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from whimbrel.base import moments

_NOT_DELIVERED: Final = ("undelivered", "failed", "expired", "unknown")


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of all rows, and the money by currency. `rate`: delivered of all that ended, in percent."""

    accepted: int = 0
    sent: int = 0
    delivered: int = 0
    lost: int = 0
    received: int = 0
    segments: int = 0
    charged: Mapping[str, str] = {}
    p50_ms: int | None = None
    p95_ms: int | None = None

    @property
    def rate(self) -> float | None:
        ended = self.delivered + self.lost
        return 100 * self.delivered / ended if ended else None


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Series over time; `times` in seconds since 1970, `length` of a period in seconds, money in the currency of most
    rows."""

    times: list[int]
    length: int
    accepted: list[int]
    delivered: list[int]
    lost: list[int]
    charged: list[float]
    currency: str


def lost(row: Any) -> int:
    """How many ended without being delivered."""
    return sum(getattr(row, name) for name in _NOT_DELIVERED)


def summed(rows: Sequence[Any]) -> Sum:
    """All rows as one. Percentiles cannot be added: they stand where there is one row."""
    charged: dict[str, Decimal] = {}
    for row in rows:
        charged[row.currency] = charged.get(row.currency, Decimal(0)) + Decimal(row.charged)
    latency = rows[0].latency if len(rows) == 1 else None
    return Sum(
        accepted=sum(row.accepted for row in rows),
        sent=sum(row.sent for row in rows),
        delivered=sum(row.delivered for row in rows),
        lost=sum(lost(row) for row in rows),
        received=sum(row.received for row in rows),
        segments=sum(row.segments for row in rows),
        charged={currency: str(amount) for currency, amount in sorted(charged.items())},
        p50_ms=latency.p50_ms if latency else None,
        p95_ms=latency.p95_ms if latency else None,
    )


def compared(rows: Sequence[Any], earlier_us: int) -> tuple[Sum, Sum]:
    """Of two months: this one, and the one before it."""
    start = moments.to_text(earlier_us)
    return summed([row for row in rows if row.period_start != start]), summed(
        [row for row in rows if row.period_start == start]
    )


def by_period(rows: Sequence[Any], times: Sequence[int], length_us: int) -> Plot:
    """A value for each period, 0 where nothing was."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.period_start, []).append(row)
    sums = [summed(found.get(moments.to_text(at), ())) for at in times]
    currencies = [row.currency for row in rows]
    currency = max(sorted(set(currencies)), key=currencies.count) if currencies else ""
    return Plot(
        times=[at // 1_000_000 for at in times],
        length=length_us // 1_000_000,
        accepted=[each.accepted for each in sums],
        delivered=[each.delivered for each in sums],
        lost=[each.lost for each in sums],
        charged=[float(each.charged.get(currency, 0)) for each in sums],
        currency=currency,
    )
