"""Usage: how many texts, what became of them and what they cost, over time and by country, carrier or class."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from starlette.responses import Response, StreamingResponse

from whimbrel.base import limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.usage import DAY_US, HOUR_US, month_start
from whimbrel.edges.console import csv_file, tables
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, More, Table
from whimbrel.edges.console.usage_sums import by_period, compared, lost, summed
from whimbrel.manage import exports

PLACE: Final = "/console/usage"
SPANS: Final = ("day", "week", "month", "year")
_GRANULARITY: Final = {"day": "hour", "week": "day", "month": "day", "year": "month"}
_DAYS: Final = {"week": 7, "month": 30}
_GROUPS: Final = ("country", "carrier", "class", "direction", "account")
_FILTERS: Final = ("direction", "class", "country", "carrier_id")
_SHOWN: Final = 200
_COUNTS: Final = (
    "accepted", "sent", "delivered", "undelivered", "failed", "expired", "rejected", "canceled", "unknown", "in_doubt",
    "received", "segments",
)  # fmt: skip


def _what(row: Any, more: More) -> Any:
    """What the row is of."""
    group = more["view"].group
    if not group:
        return row.period_start
    value = getattr(row, {"class": "message_class", "carrier": "carrier_id", "account": "account_id"}.get(group, group))
    return more["names"].get(value, value)


TABLE: Final = Table(
    name="usage",
    path=PLACE,
    cells="usage/cells.html",
    operation="listUsage",
    filters=_FILTERS,
    kept=("span", "group"),
    target="results",
    columns=(
        Column("what", "usage.what", _what),
        Column("accepted", "usage.accepted", css="n"),
        Column("sent", "usage.sent", css="n"),
        Column("delivered", "usage.delivered", css="n"),
        Column("lost", "usage.lost", lambda row, more: lost(row), css="n"),
        Column("rate", "usage.rate", "delivery_rate", css="n"),
        Column("half_within", "usage.half_within", "latency.p50_ms", css="n"),
        Column("most_within", "usage.most_within", "latency.p95_ms", css="n"),
        Column("received", "usage.received", css="n"),
        Column("segments", "usage.segments", css="n"),
        Column("spent", "usage.spent", lambda row, more: Decimal(row.charged), css="n"),
    ),
)


class Span(msgspec.Struct, frozen=True):
    """A period and the one of the same length before it, each from its first moment to the one after its last, in
    whole hours, days or months (UTC)."""

    granularity: str
    before_us: int
    start_us: int
    end_us: int


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    span: str
    group: str
    groups: tuple[str, ...]
    of: Mapping[str, str]
    period: Span

    def query(self, start_us: int, end_us: int, granularity: str, **more: str) -> dict[str, str]:
        """The same for the API."""
        asked = {"start": moments.to_text(start_us), "end": moments.to_text(end_us), "granularity": granularity}
        most = _SHOWN if more.get("group_by") == "account" else limits.PAGE_MAX
        return {**self.of, **asked, "limit": str(most), **more}


async def usage(request: Request) -> Response:
    view = _view(request)
    period = view.period
    now_us = request.services.clock.now_us()
    months = (month_start(now_us, -1), month_start(now_us, 1))
    asked = (
        view.query(period.start_us, period.end_us, period.granularity),
        view.query(period.before_us, period.start_us, "total"),
        view.query(period.start_us, period.end_us, "total", **({"group_by": view.group} if view.group else {})),
        view.query(*months, "month"),
    )
    try:
        found = await asyncio.gather(*(request.api("listUsage", query=each) for each in asked))
    except WhimbrelError as error:
        if error.code != "invalid_parameter":
            raise
        return request.go(PLACE)
    series, before, grouped, by_month = (each.data for each in found)
    names = await _names(request, view.group)
    plot = by_period(series, *_times(period))
    values: dict[str, Any] = {
        "place": PLACE,
        "view": view,
        "spans": SPANS,
        "form": request.query,
        "total": summed(series),
        "before": summed(before),
        "cut": len(grouped) >= _SHOWN,
        "months": compared(by_month, months[0]),
        "names": names,
        "plot": plot,
        "plot_json": msgspec.json.encode(plot).decode(),
    }
    rows = _ranked(grouped) if view.group else series
    values["table"] = await tables.arranged(request, TABLE, rows, values, address=TABLE.address(request))
    if request.is_part and request.query.text("at"):
        return request.page("table/rows.html", **values)
    if request.is_part:
        return request.part("usage/usage.html", "results", **values)
    return request.page("usage/usage.html", **values)


async def export(request: Request) -> Response:
    """The figures by period and group as a file."""
    view = _view(request)
    period = view.period
    more = {"group_by": view.group} if view.group else {}
    query = view.query(period.start_us, period.end_us, period.granularity, **more)
    first = await request.api("listUsage", query=query)
    actor, account_id = request.visit.user.id, request.visit.session.acting_for
    await exports.note(request.services.manage, actor, account_id, "usage", sorted([view.span, view.group, *view.of]))
    name = f"usage-{request.services.clock.now_us() // 1_000_000}.csv"
    return StreamingResponse(
        _lines(request, query, first, await _names(request, "carrier")),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def _lines(request: Request, query: Mapping[str, str], page: Any, names: Mapping[str, str]) -> AsyncIterator[str]:
    what = ("period_start", "period_end", "account_id", "country", "carrier", "class", "direction")
    yield csv_file.line((*what, "currency", *_COUNTS, "charged", "delivery_rate", "p50_ms", "p95_ms"))
    left = limits.EXPORT_ROWS_MAX
    while True:
        yield "".join(csv_file.line(_cells(row, names)) for row in page.data[:left])
        left -= len(page.data)
        if page.next_cursor is None or left <= 0:
            return
        if not await request.holds():  # the file breaks off, so that nobody takes it for whole
            raise WhimbrelError("unauthorized")
        page = await request.api("listUsage", query={**query, "cursor": page.next_cursor})


def _cells(row: Any, names: Mapping[str, str]) -> tuple[object, ...]:
    carrier = names.get(row.carrier_id or "", row.carrier_id)
    of = (row.account_id, row.country, carrier, row.message_class, row.direction, row.currency)
    latency = (row.latency.p50_ms, row.latency.p95_ms) if row.latency else (None, None)
    counts = [getattr(row, name) for name in _COUNTS]
    return (row.period_start, row.period_end, *of, *counts, row.charged, row.delivery_rate, *latency)


def _view(request: Request) -> View:
    query = request.query
    span = query.text("span", "month")
    span = span if span in SPANS else "month"
    groups = [group for group in _GROUPS if group != "carrier" or request.api.may("listCarriers")]
    if request.asked.acting_for is not None:
        groups.remove("account")
    group = query.text("group") if query.text("group") in groups else ""
    period = _period(span, request.services.clock.now_us())
    return View(span=span, group=group, groups=tuple(groups), of=query.given(*_FILTERS), period=period)


def _period(span: str, now_us: int) -> Span:
    if span == "year":
        return Span("month", month_start(now_us, -23), month_start(now_us, -11), month_start(now_us, 1))
    if span == "day":
        end = (now_us // HOUR_US + 1) * HOUR_US
        return Span("hour", end - 2 * DAY_US, end - DAY_US, end)
    end, length = (now_us // DAY_US + 1) * DAY_US, _DAYS[span] * DAY_US
    return Span("day", end - 2 * length, end - length, end)


def _times(period: Span) -> tuple[list[int], int]:
    """Where the periods of the plot begin, and how long the last one is."""
    if period.granularity == "month":
        times = [month_start(period.start_us, n) for n in range(12)]
        return times, period.end_us - times[-1]
    length = HOUR_US if period.granularity == "hour" else DAY_US
    return list(range(period.start_us, period.end_us, length)), length


def _ranked(rows: Sequence[Any]) -> list[Any]:
    """The largest first."""
    return sorted(rows, key=lambda row: (-(row.accepted + row.sent + row.received), row.country or ""))[:_SHOWN]


async def _names(request: Request, group: str) -> Mapping[str, str]:
    """What carriers and accounts are called, for whoever may know."""
    operation = {"carrier": "listCarriers", "account": "listAccounts"}.get(group)
    if operation is None or not request.api.may(operation):
        return {}
    return {each.id: each.name for each in (await request.api(operation, query={"limit": str(_SHOWN)})).data}


PAGES = (
    Page(path=PLACE, handle=usage),
    Page(path=f"{PLACE}/export", handle=export, confirmed=True),
)
