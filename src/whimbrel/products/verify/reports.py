"""What verifications came to: each text of them, and conversion by country and prefix."""

from collections.abc import Sequence

import msgspec

from whimbrel.base import ids
from whimbrel.domain.verify import SLOT_US, SendAttempt
from whimbrel.manage.context import Context, Page, Paging, after, one, page
from whimbrel.products.verify.views import AttemptView, attempt_view


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """How many verifications began, how many texts they took, and how many were approved. `rate`: the share of the
    first that were."""

    country: str | None = None
    prefix: str | None = None
    starts: int
    sends: int
    approvals: int
    rate: float


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Conversion in all, by country and, of one country, by prefix; those with the most starts first."""

    total: Conversion
    countries: tuple[Conversion, ...]
    prefixes: tuple[Conversion, ...]


class _Counts(msgspec.Struct, frozen=True):
    """Columns of `verify_summary`."""

    country: str
    prefix: str
    service_id: str
    starts: int
    sends: int
    approvals: int


async def attempts(
    ctx: Context, *, account_id: str, test: bool, paging: Paging, from_us: int = 0, to_us: int | None = None
) -> Page[AttemptView]:
    """Texts of verifications in a time, newest first."""
    rows = await attempt_rows(ctx, account_id=account_id, test=test, paging=paging, from_us=from_us, to_us=to_us)
    return page(rows, paging, attempt_view, lambda row: row.id)


async def attempt_rows(
    ctx: Context, *, account_id: str, test: bool, paging: Paging, from_us: int = 0, to_us: int | None = None
) -> list[SendAttempt]:
    """The same as stored, and one more than the page has."""
    before = after(paging)
    if to_us is not None:
        before = min(before, ids.floor_id(ids.VERIFY_ATTEMPT, to_us))
    first = ids.floor_id(ids.VERIFY_ATTEMPT, from_us)
    place = (account_id, int(test), before, first, paging.limit + 1)
    return await ctx.store.fetch(SendAttempt, "verify_attempts_page", *place)


async def attempt(ctx: Context, attempt_id: str, *, account_id: str, test: bool) -> AttemptView:
    """One of them; not_found."""
    return attempt_view(await one(ctx, SendAttempt, "verify_attempt_by_id", account_id, int(test), attempt_id))


async def summary(
    ctx: Context,
    *,
    account_id: str,
    test: bool,
    from_us: int,
    to_us: int,
    country: str | None = None,
    service_id: str | None = None,
    prefix: str = "",
) -> Summary:
    """Conversion of what began in a time, by the ten minutes; with `prefix`, of numbers that begin with these digits,
    the last four of a number apart."""
    slots = (from_us // SLOT_US, to_us // SLOT_US)
    rows = await ctx.store.fetch(_Counts, "verify_summary", account_id, int(test), *slots)
    wanted = [
        row
        for row in rows
        if country in (None, row.country) and service_id in (None, row.service_id) and row.prefix.startswith(prefix)
    ]
    countries = [
        _sum([row for row in wanted if row.country == each], country=each) for each in {row.country for row in wanted}
    ]
    prefixes = [
        _sum([row for row in wanted if row.prefix == each], country=country, prefix=each)
        for each in ({row.prefix for row in wanted} if country is not None else ())
    ]
    return Summary(total=_sum(wanted), countries=_sorted(countries), prefixes=_sorted(prefixes))


def _sorted(every: Sequence[Conversion]) -> tuple[Conversion, ...]:
    return tuple(sorted(every, key=lambda each: (-each.starts, each.country or "", each.prefix or "")))


def _sum(rows: Sequence[_Counts], *, country: str | None = None, prefix: str | None = None) -> Conversion:
    starts, approvals = sum(row.starts for row in rows), sum(row.approvals for row in rows)
    return Conversion(
        country=country,
        prefix=prefix,
        starts=starts,
        sends=sum(row.sends for row in rows),
        approvals=approvals,
        rate=round(approvals / starts, 4) if starts else 0.0,
    )
