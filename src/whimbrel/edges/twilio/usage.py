"""Usage records: how many texts went out and came in, and what they were charged, by the day, the month or the year or
in all. They are the figures of `/v1/usage`, of whole days in UTC: what messages came to that were accepted in a period.

Of Twilio's several hundred categories there are those of texts, and `totalprice`; of others there is no record.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlencode

import msgspec

from whimbrel.base import limits, moments, money
from whimbrel.base.clock import DAY_US
from whimbrel.domain.callbacks import TWILIO_API_VERSION
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio.counted import page, size_and_number
from whimbrel.edges.twilio.forms import named, wrong
from whimbrel.edges.twilio.listing import Query, query_of
from whimbrel.edges.twilio.routes import ROOT, Operation, Operations, Reply, Request
from whimbrel.manage import usage
from whimbrel.manage.context import Paging
from whimbrel.manage.usage import Granularity, UsageView, Wanted

SCOPE: Final = "usage:read"
ACCOUNTS_MAX: Final = 100  # sub-accounts whose figures are added up for one answer
_EPOCH: Final = date(1970, 1, 1)
_DAY: Final = timedelta(days=1)
_ROOT: Final = "/Usage/Records"
_WHOLES: Final = ("", "AllTime", "Today", "Yesterday", "ThisMonth", "LastMonth")
_BY: Final[dict[str, Granularity]] = {"Daily": "day", "Monthly": "month", "Yearly": "month"}
_DATED: Final = frozenset({"", "AllTime", *_BY})
"""Those that heed StartDate and EndDate."""
_YEARS: Final = 2  # before the one that has begun: what the figures of months reach back to
_OFFSET: Final = re.compile(r"([+-])([0-9]{1,4})days?", re.ASCII).fullmatch
_FILTERS: Final = ("Category", "StartDate", "EndDate", "IncludeSubaccounts")
_CATEGORIES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "sms": ("Texts", ("out", "in")),
    "sms-inbound": ("Texts from phones", ("in",)),
    "sms-outbound": ("Texts to phones", ("out",)),
    "totalprice": ("Total price", ("out", "in")),
}
_SUBRESOURCES: Final = {
    "all_time": "AllTime", "daily": "Daily", "last_month": "LastMonth", "monthly": "Monthly",
    "this_month": "ThisMonth", "today": "Today", "yearly": "Yearly", "yesterday": "Yesterday",
}  # fmt: skip
_encode = msgspec.json.Encoder().encode


class UsageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What one category came to in a period. Counts are strings, and so is the price: of a number
    Python's SDK would make 0.0299999999999999988…"""

    account_sid: str
    api_version: str
    as_of: str
    category: str
    count: str
    count_unit: str
    description: str
    end_date: str
    price: str
    price_unit: str
    start_date: str
    subresource_uris: dict[str, str]
    uri: str
    usage: str
    usage_unit: str


class Span(msgspec.Struct, frozen=True):
    """Days, the first and the last of them."""

    first: date
    last: date


class _Sum:
    """What one direction came to."""

    def __init__(self) -> None:
        self.count = 0
        self.segments = 0
        self.charged_micros = 0

    def add(self, row: UsageView) -> None:
        self.count += row.sent + row.received
        self.segments += row.segments
        self.charged_micros += money.from_text(row.charged)


_Sums = Mapping[tuple[date, str], _Sum]
"""By the first day of a period, and the direction."""


def _same(day: date) -> date:
    return day


def _month(day: date) -> date:
    return day.replace(day=1)


def _year(day: date) -> date:
    return day.replace(month=1, day=1)


_BEGINS: Final[Mapping[str, Callable[[date], date]]] = {"Daily": _same, "Monthly": _month, "Yearly": _year}
"""Where the period begins that a day is of. The first month or year that is asked for is told whole."""


class Usage:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._ctx = services.manage
        self._tables = services.tables
        self._clock = services.clock

    def by_end(self) -> dict[str, Operations]:
        """The operations by what follows the account in a path."""
        ends = {kind: f"{_ROOT}/{kind}.json" if kind else f"{_ROOT}.json" for kind in (*_WHOLES, *_BY)}
        return {end: {"GET": Operation(SCOPE, partial(self._find, kind))} for kind, end in ends.items()}

    async def _find(self, kind: str, request: Request) -> Reply:
        query = query_of(request)
        size_and_number(query)
        now = self._clock.now_us()
        asked = self._asked(kind, request.account_id, query, _day(now))
        by = _BY.get(kind, "total")
        sums = await self._sums(request, asked, by, self._accounts(request.account_id, query))
        if kind == "Yearly":
            sums = _by_year(sums)
        records = [
            self._record(request.account_id, category, span, sums, now)
            for span in _periods(kind, asked)
            for category in _CATEGORIES
            if query.get("Category", category) == category
        ]
        return Reply(_encode(page(request, _FILTERS, "usage_records", records, lambda each: each)))

    def _asked(self, kind: str, account_id: str, query: Query, today: date) -> Span:
        """The days that are asked for. Without a first one it is that of the account, or the oldest that figures are
        told of at once."""
        yesterday, month = today - _DAY, today.replace(day=1)
        last_month = month - _DAY
        fixed = {
            "Today": Span(today, today),
            "Yesterday": Span(yesterday, yesterday),
            "ThisMonth": Span(month, today),
            "LastMonth": Span(last_month.replace(day=1), last_month),
        }
        if kind not in _DATED:
            return fixed[kind]
        last = min(today, _date(query, "EndDate", today) or today)
        first = _date(query, "StartDate", today) or self._oldest(kind, account_id, last)
        if first > last:
            raise wrong("StartDate", "StartDate is after EndDate.")
        return Span(_BEGINS.get(kind, _same)(first), last)

    def _oldest(self, kind: str, account_id: str, last: date) -> date:
        account = self._tables.accounts.get(account_id)
        created = last if account is None else min(last, _day(account.created_at))
        if kind == "Yearly":
            return max(created, last.replace(year=last.year - _YEARS, month=1, day=1))
        days = limits.USAGE_DAYS_MAX if kind == "Daily" else limits.USAGE_MONTHS_MAX * 28
        return max(created, last - timedelta(days=days - 1))

    def _accounts(self, account_id: str, query: Query) -> Sequence[str]:
        if query.get("IncludeSubaccounts", "").lower() == "false":
            return (account_id,)
        below = [each.id for each in self._tables.accounts.values() if each.parent_id == account_id]
        if len(below) > ACCOUNTS_MAX:
            raise wrong("IncludeSubaccounts", f"More than {ACCOUNTS_MAX} sub-accounts: ask each, with false here.")
        return (account_id, *below)

    async def _sums(self, request: Request, asked: Span, by: Granularity, accounts: Sequence[str]) -> _Sums:
        wanted = Wanted(
            start_us=_us(asked.first), end_us=_us(asked.last + _DAY), granularity=by, by=frozenset({"direction"})
        )
        sums: defaultdict[tuple[date, str], _Sum] = defaultdict(_Sum)
        for account_id in accounts:
            cursor: str | None = None
            while True:
                with named({"start": "StartDate", "end": "EndDate"}):
                    found = await usage.find(
                        self._ctx,
                        wanted,
                        account_id=account_id,
                        test=request.test,
                        paging=Paging(cursor, limits.PAGE_MAX),
                    )
                for row in found.data:
                    sums[_day(moments.from_text(row.period_start)), row.direction or ""].add(row)
                cursor = found.next_cursor
                if cursor is None:
                    break
        return sums

    def _record(self, account_id: str, category: str, span: Span, sums: _Sums, now: int) -> UsageRecord:
        described, directions = _CATEGORIES[category]
        of = [sums[span.first, each] for each in directions if (span.first, each) in sums]
        count, segments = sum(each.count for each in of), sum(each.segments for each in of)
        charged = sum(each.charged_micros for each in of)
        account = self._tables.accounts.get(account_id)
        currency = "usd" if account is None else account.currency.lower()
        is_price = category == "totalprice"
        root = f"{ROOT}{account_id}{_ROOT}"
        first, last = span.first.isoformat(), span.last.isoformat()
        asked = urlencode({"Category": category, "StartDate": first, "EndDate": last})
        price = money.to_text(charged)
        return UsageRecord(
            account_sid=account_id,
            api_version=TWILIO_API_VERSION,
            as_of=f"{moments.to_text(now)[:19]}+00:00",
            category=category,
            count="" if is_price else str(count),
            count_unit="" if is_price else "messages",
            description=described,
            end_date=last,
            price=price,
            price_unit=currency,
            start_date=first,
            subresource_uris={name: f"{root}/{kind}.json?Category={category}" for name, kind in _SUBRESOURCES.items()},
            uri=f"{root}.json?{asked}",
            usage=price if is_price else str(segments),
            usage_unit=currency if is_price else "segments",
        )


def _periods(kind: str, asked: Span) -> Iterator[Span]:
    """The newest first; in all there is one."""
    if kind not in _BEGINS:
        yield asked
        return
    last = asked.last
    while last >= asked.first:
        first = _BEGINS[kind](last)
        yield Span(first, last)
        last = first - _DAY


def _by_year(months: _Sums) -> _Sums:
    years: defaultdict[tuple[date, str], _Sum] = defaultdict(_Sum)
    for (day, direction), each in months.items():
        year = years[day.replace(month=1), direction]
        year.count += each.count
        year.segments += each.segments
        year.charged_micros += each.charged_micros
    return years


def _date(query: Query, name: str, today: date) -> date | None:
    """A day, or so many days from today: `-30days`."""
    text = query.get(name, "").strip()
    if not text:
        return None
    found = _OFFSET(text)
    if found is not None:
        days = timedelta(days=int(found[2]))
        return today + days if found[1] == "+" else today - days
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong(name, f"{name} is a date such as 2030-01-31, or a number of days such as -30days.") from None


def _day(at_us: int) -> date:
    return _EPOCH + timedelta(days=at_us // DAY_US)


def _us(day: date) -> int:
    return (day - _EPOCH).days * DAY_US
