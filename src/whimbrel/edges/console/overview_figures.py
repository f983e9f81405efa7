"""What the overview tells of a longer time than its live figures: delivery by country and carrier, spend, the queue."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base import limits, moments
from whimbrel.domain.usage import DAY_US, HOUR_US
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.usage_sums import Sum, by_period, summed

_DAYS: Final = 14
_SHOWN: Final = 6


class Waiting(msgspec.Struct, frozen=True):
    """What waits of one class: how much, and for how long the oldest of it has."""

    message_class: str
    waiting: int
    age_s: float


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """None where the visitor may not see it. `today`: since midnight, UTC."""

    countries: Sequence[Any]
    carriers: Sequence[Any] | None
    names: Mapping[str, str]
    today: Sum
    spend: str
    waiting: Sequence[Waiting] | None


async def standing(request: Request) -> Standing | None:
    """The figures of the account that is looked at; None for whom they are not."""
    if not request.api.may("listUsage"):
        return None
    now_us = request.services.clock.now_us()
    hour, day = (now_us // HOUR_US + 1) * HOUR_US, (now_us // DAY_US + 1) * DAY_US
    lately = {"start": moments.to_text(hour - DAY_US), "end": moments.to_text(hour), "granularity": "total"}
    days = {"start": moments.to_text(day - _DAYS * DAY_US), "end": moments.to_text(day), "granularity": "day"}
    countries, carriers, series, waiting = await asyncio.gather(
        _usage(request, lately, group_by="country", direction="out"),
        _by_carrier(request, lately),
        _usage(request, days),
        _waiting(request),
    )
    plot = by_period(series, range(day - _DAYS * DAY_US, day, DAY_US), DAY_US)
    today = moments.to_text(day - DAY_US)
    return Standing(
        countries=_largest(countries),
        carriers=carriers and carriers[0],
        names=carriers[1] if carriers else {},
        today=summed([row for row in series if row.period_start == today]),
        spend=msgspec.json.encode(plot).decode(),
        waiting=waiting,
    )


async def _usage(request: Request, period: Mapping[str, str], **more: str) -> Sequence[Any]:
    query = {**period, **more, "limit": str(limits.PAGE_MAX)}
    return tuple((await request.api("listUsage", query=query)).data)


async def _by_carrier(request: Request, period: Mapping[str, str]) -> tuple[Sequence[Any], Mapping[str, str]] | None:
    if not request.api.may("listCarriers"):
        return None
    rows = await _usage(request, period, group_by="carrier", direction="out")
    carriers = (await request.api("listCarriers", query={"limit": "200"})).data
    return _largest([row for row in rows if row.carrier_id]), {each.id: each.name for each in carriers}


async def _waiting(request: Request) -> Sequence[Waiting] | None:
    if not request.api.may("getQueue"):
        return None
    found: dict[str, list[Any]] = defaultdict(list)
    for row in (await request.api("getQueue")).data:
        found[row.message_class].append(row)
    return [
        Waiting(name, sum(row.waiting for row in found[name]), max((row.age_s for row in found[name]), default=0.0))
        for name in ("otp", "transactional", "marketing")
    ]


def _largest(rows: Sequence[Any]) -> Sequence[Any]:
    return sorted(rows, key=lambda row: -max(row.accepted, row.sent))[:_SHOWN]
