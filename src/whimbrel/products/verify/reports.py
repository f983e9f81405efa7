"""What verifications came to: each text of them, and conversion by country and prefix."""

from collections.abc import Sequence

import msgspec

from whimbrel.base import ids
from whimbrel.domain.verify import SLOT_US, SendAttempt
from whimbrel.manage.context import NEWEST, Context, Page, Paging, after, one, page
from whimbrel.products.verify.finding import JUST_AFTER
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


class ChannelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How often a channel was taken, how often it is known to have brought nothing, and how many verifications were
    approved that had come to it. `rate`: the share of the first that were."""

    channel: str
    sends: int
    failures: int
    approvals: int
    rate: float


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Conversion in all, by country and, of one country, by prefix; those with the most starts first. Addresses of mail
    have no country. `channels`: of all countries; those that were taken most often first."""

    total: Conversion
    countries: tuple[Conversion, ...]
    prefixes: tuple[Conversion, ...]
    channels: tuple[ChannelFigures, ...] = ()


class _ChannelCounts(msgspec.Struct, frozen=True):
    """Columns of `verify_channel_summary`."""

    channel: str
    service_id: str
    sends: int
    failures: int
    approvals: int


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
    """Texts of verifications in a time, from either end."""
    rows = await attempt_rows(ctx, account_id=account_id, test=test, paging=paging, from_us=from_us, to_us=to_us)
    states = await states_of(ctx, rows)
    return page(rows, paging, lambda row: attempt_view(row, states), lambda row: row.id)


async def attempt_rows(
    ctx: Context, *, account_id: str, test: bool, paging: Paging, from_us: int = 0, to_us: int | None = None
) -> list[SendAttempt]:
    """The same as stored, and one more than the page has."""
    reached, first = after(paging), ids.floor_id(ids.VERIFY_ATTEMPT, from_us)
    before = NEWEST if to_us is None else ids.floor_id(ids.VERIFY_ATTEMPT, to_us)
    if paging.order == "desc":
        before = min(before, reached)
    elif reached:
        first = max(first, reached + JUST_AFTER)
    place = (account_id, int(test), before, first, paging.limit + 1)
    statement = paging.of("verify_attempts_page", "verify_attempts_page_oldest")
    return await ctx.store.fetch(SendAttempt, statement, *place)


async def attempt(ctx: Context, attempt_id: str, *, account_id: str, test: bool) -> AttemptView:
    """One of them; not_found."""
    row = await one(ctx, SendAttempt, "verify_attempt_by_id", account_id, int(test), attempt_id)
    return attempt_view(row, await states_of(ctx, [row]))


async def states_of(ctx: Context, rows: Sequence[SendAttempt]) -> dict[str, str]:
    """How the messages of these attempts stand, by id."""
    wanted = [row.message_id for row in rows if row.message_id is not None]
    return {message.id: message.state for message in await ctx.store.messages(wanted)} if wanted else {}


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
        _sum([row for row in wanted if row.country == each], country=each)
        for each in {row.country for row in wanted}
        if each
    ]
    prefixes = [
        _sum([row for row in wanted if row.prefix == each], country=country, prefix=each)
        for each in ({row.prefix for row in wanted} if country is not None else ())
    ]
    channels = await _channels(ctx, account_id, test, slots, service_id)
    return Summary(total=_sum(wanted), countries=_sorted(countries), prefixes=_sorted(prefixes), channels=channels)


async def _channels(
    ctx: Context, account_id: str, test: bool, slots: tuple[int, int], service_id: str | None
) -> tuple[ChannelFigures, ...]:
    rows = await ctx.store.fetch(_ChannelCounts, "verify_channel_summary", account_id, int(test), *slots)
    by_channel: dict[str, list[_ChannelCounts]] = {}
    for row in rows:
        if service_id in (None, row.service_id):
            by_channel.setdefault(row.channel, []).append(row)
    figures = [_figures(name, counts) for name, counts in by_channel.items()]
    return tuple(sorted(figures, key=lambda each: (-each.sends, each.channel)))


def _figures(channel: str, rows: Sequence[_ChannelCounts]) -> ChannelFigures:
    sends, approvals = sum(row.sends for row in rows), sum(row.approvals for row in rows)
    return ChannelFigures(
        channel=channel,
        sends=sends,
        failures=sum(row.failures for row in rows),
        approvals=approvals,
        rate=round(approvals / sends, 4) if sends else 0.0,
    )


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
