"""Figures of usage as people and programs read them: by hour, day or month (UTC) or as one total, and by what they ask
for. Months and days are added from days, hours from hours, which are kept for a shorter time.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits, moments, money
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain import usage
from whimbrel.domain.usage import ALL, DAY_US, HOUR_US, Summed, delivery_rate, percentile_ms
from whimbrel.manage.context import FIRST_PAGE, NEWEST, Context, Page, Paging, after, cursor_of

Granularity = Literal["hour", "day", "month", "total"]
Group = Literal["account", "direction", "class", "country", "carrier"]
GROUPS: Final[tuple[Group, ...]] = ("account", "direction", "class", "country", "carrier")
_Place = tuple[int, str, str, str, str, str, str]
_EVER: Final = 2**62
_TOP: Final[_Place] = (-_EVER, "", "", "", "", "", "")
_MAX: Final = {
    "hour": limits.USAGE_HOURS_MAX * HOUR_US,
    "day": limits.USAGE_DAYS_MAX * DAY_US,
    "month": limits.USAGE_MONTHS_MAX * 31 * DAY_US,
    "total": limits.USAGE_MONTHS_MAX * 31 * DAY_US,
}
_TOTAL_OF_HOURS: Final = 48 * HOUR_US
_ACCOUNTS: Final = 50
_FIRST_ACCOUNT: Final = "AC"
_PERIODS: Final = 7
"""Of all accounts so many accounts, or so many hours or days, are read at a time."""
_decode_place: Callable[[str], _Place] = msgspec.json.Decoder(_Place).decode


class _Id(msgspec.Struct, frozen=True, gc=False):
    id: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which figures: of messages that were accepted from `start_us` on and before `end_us`. What is empty among the
    conditions does not matter."""

    start_us: int
    end_us: int
    granularity: Granularity = "day"
    by: frozenset[Group] = frozenset()
    direction: str = ""
    message_class: str = ""
    country: str = ""
    carrier_id: str = ""


class LatencyView(msgspec.Struct, frozen=True, kw_only=True):
    """How long delivery took, from when a message was accepted or fell due to its receipt, in milliseconds."""

    p50_ms: Annotated[int, Meta(description="Half of the deliveries took at most this long.")]
    p95_ms: Annotated[int, Meta(description="19 of 20 took at most this long. Both are read from a histogram.")]
    mean_ms: int


class UsageView(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a period. What they are not grouped by is null, and so is a country or carrier that is not known."""

    period_start: str
    period_end: Annotated[str, Meta(description="The first moment after the period.")]
    account_id: str | None
    direction: str | None
    message_class: str | None = msgspec.field(name="class")
    country: Annotated[str | None, Meta(description="Of the phone's number, ISO 3166.")]
    carrier_id: Annotated[str | None, Meta(description="Null for what happened before a carrier had the message.")]
    currency: str
    accepted: int
    sent: Annotated[int, Meta(description="A carrier took them.")]
    delivered: int
    undelivered: int
    failed: int
    expired: int
    rejected: int
    canceled: int
    unknown: int
    in_doubt: Annotated[int, Meta(description="How often one was in doubt, whatever became of it.")]
    received: Annotated[int, Meta(description="Texts from phones.")]
    segments: Annotated[int, Meta(description="Of messages that a carrier took, and of texts from phones.")]
    charged: Annotated[str, Meta(description="A decimal string, at most six decimals.")]
    delivery_rate: Annotated[
        float | None, Meta(description="Delivered of all that ended, canceled and rejected ones left out.")
    ]
    latency: LatencyView | None


class Span(msgspec.Struct, frozen=True):
    """A stretch of time whose rows are read at once: `hours` long each, summed over time unless `by_time`."""

    start_us: int
    end_us: int
    hours: int
    by_time: bool


async def find(
    ctx: Context, wanted: Wanted, *, account_id: str | None, test: bool, paging: Paging = FIRST_PAGE
) -> Page[UsageView]:
    """Figures of an account, or (None) of the whole installation, the newest period first. WhimbrelError."""
    place = _place(paging)
    found: list[tuple[Span, Summed]] = []
    for span in _spans(wanted):
        begin = _begin(span, place)
        if begin is None:
            continue
        left = paging.limit + 1 - len(found)
        found += [(span, row) for row in await _read(ctx, wanted, span, begin, left, account_id=account_id, test=test)]
        if len(found) > paging.limit:
            break
    shown = found[: paging.limit]
    following = None
    if len(found) > paging.limit:
        following = cursor_of(msgspec.json.encode(_place_of(*shown[-1])).decode())
    return Page(tuple(_view(span, row, wanted, account_id) for span, row in shown), following)


async def _read(
    ctx: Context, wanted: Wanted, span: Span, begin: _Place, limit: int, *, account_id: str | None, test: bool
) -> list[Summed]:
    end_us = min(span.end_us, span.hours * HOUR_US - begin[0]) if span.by_time else span.end_us
    period = (int(test), span.hours, span.start_us, end_us, int(span.by_time))
    by = [int(group in wanted.by) for group in GROUPS]
    of = (wanted.direction, wanted.message_class, wanted.country, wanted.carrier_id)
    params = (*period, *by, *of, *begin, limit)
    if account_id is None and "account" in wanted.by:
        if not span.by_time:
            return await _totals(ctx, params, begin[1], limit)
        return await ctx.store.report(None, Summed, "usage_page_of_accounts", *params)
    return await ctx.store.report(account_id, Summed, "usage_page", *params, account_id or ALL)


async def _totals(ctx: Context, params: tuple[Any, ...], first: str, limit: int) -> list[Summed]:
    """Of one account after the other, so many at a time: what is read is bounded by what is shown, however many
    accounts there are."""
    found: list[Summed] = []
    begin = first or _FIRST_ACCOUNT
    while begin and len(found) < limit:
        following = await ctx.store.report(None, _Id, "accounts_ids_after", begin, _ACCOUNTS)
        end = following[-1].id if len(following) == _ACCOUNTS else NEWEST
        asked = (*params[:-1], limit - len(found), begin, end)
        found += await ctx.store.report(None, Summed, "usage_totals_of_accounts", *asked)
        begin = "" if end == NEWEST else end
    return found


def _spans(wanted: Wanted) -> Iterator[Span]:
    """What is read one after the other, the newest first. Periods begin where their hour, day or month does."""
    if wanted.start_us >= wanted.end_us:
        _refuse("end", "It must be after `start`.")
    if wanted.end_us - wanted.start_us > _MAX[wanted.granularity]:
        _refuse("start", f"Ask for at most {_MAX[wanted.granularity] // DAY_US:,} days by {wanted.granularity}.")
    if wanted.granularity == "month":
        end = usage.month_start(wanted.end_us - 1, 1)
        first = usage.month_start(wanted.start_us)
        while end > first:
            start = usage.month_start(end, -1)
            yield Span(start, end, 24, by_time=False)
            end = start
        return
    by_hour = wanted.granularity == "hour"
    if wanted.granularity == "total":
        is_of_days = wanted.start_us % DAY_US == wanted.end_us % DAY_US == 0
        by_hour = not is_of_days and wanted.end_us - wanted.start_us <= _TOTAL_OF_HOURS
    length = HOUR_US if by_hour else DAY_US
    start, end = wanted.start_us // length * length, -(-wanted.end_us // length) * length
    is_by_time = wanted.granularity != "total"
    parts = _PERIODS * length if is_by_time and "account" in wanted.by else end - start
    while end > start:
        begin = max(start, end - parts)
        yield Span(begin, end, length // HOUR_US, by_time=is_by_time)
        end = begin


def _place(paging: Paging) -> _Place | None:
    """Where a page goes on: the negative start of a period, and what the last row was of."""
    if after(paging) and paging.cursor is None:
        return None
    try:
        return _decode_place(after(paging))
    except msgspec.DecodeError:
        raise WhimbrelError("invalid_cursor") from None


def _place_of(span: Span, row: Summed) -> _Place:
    at = row.starts_at if span.by_time else span.start_us
    return (
        -at,
        row.account_id,
        row.direction,
        row.message_class,
        row.country,
        row.carrier_id,
        row.currency,
    )


def _begin(span: Span, place: _Place | None) -> _Place | None:
    """After which place the rows of a span are wanted; None: it has all been told."""
    if place is None or -place[0] >= span.end_us:
        return _TOP
    if span.by_time:
        return place
    return (0, *place[1:]) if -place[0] == span.start_us else None


def _view(span: Span, row: Summed, wanted: Wanted, account_id: str | None) -> UsageView:
    start = row.starts_at if span.by_time else span.start_us
    end = start + span.hours * HOUR_US if span.by_time else span.end_us
    return UsageView(
        period_start=moments.to_text(start),
        period_end=moments.to_text(end),
        account_id=account_id or row.account_id or None,
        direction=row.direction or wanted.direction or None,
        message_class=row.message_class or wanted.message_class or None,
        country=row.country or wanted.country or None,
        carrier_id=row.carrier_id or wanted.carrier_id or None,
        currency=row.currency,
        accepted=row.accepted,
        sent=row.sent,
        delivered=row.delivered,
        undelivered=row.undelivered,
        failed=row.failed,
        expired=row.expired,
        rejected=row.rejected,
        canceled=row.canceled,
        unknown=row.unknown,
        in_doubt=row.in_doubt,
        received=row.received,
        segments=row.segments,
        charged=money.to_text(row.charged_micros),
        delivery_rate=delivery_rate(row),
        latency=_latency(row),
    )


def _latency(row: Summed) -> LatencyView | None:
    count = sum(row.took)
    median, slow = percentile_ms(row.took, 0.5), percentile_ms(row.took, 0.95)
    if median is None or slow is None:
        return None
    return LatencyView(p50_ms=median, p95_ms=slow, mean_ms=round(row.took_ms / count))


def _refuse(name: str, detail: str) -> None:
    raise WhimbrelError("invalid_parameter", detail, errors=[FieldError(name, detail)])
