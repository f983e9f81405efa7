"""What a campaign would do if it were started now: how many get it, who is left out and why, what it costs and how long
it takes, with what waits for the end of quiet hours. Each recipient is planned by the functions of accept; of a large
audience so many, spread over the times at which its contacts were made, and the rest in proportion.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from whimbrel.base import ids, limits, moments, money
from whimbrel.domain.campaigns import (
    RECIPIENT_ZONE,
    Campaign,
    CampaignSpec,
    done_at,
    opens_at,
    salt_of,
    variant_of,
)
from whimbrel.domain.local_times import to_utc, zone_of
from whimbrel.domain.model import Draft
from whimbrel.domain.templates.rendering import BadVariables
from whimbrel.journey.accept import Accept
from whimbrel.journey.plan import Plan
from whimbrel.manage.context import Context
from whimbrel.products.campaigns.audience import Audience, Named, Pass, Source, frozen, open_audience, passes_of
from whimbrel.products.campaigns.checking import checked
from whimbrel.products.campaigns.drafting import Writer, wordings_of
from whimbrel.products.campaigns.keeping import drafted, existing
from whimbrel.products.campaigns.recipients import Refusal
from whimbrel.products.campaigns.running import DUPLICATE, EXCLUDED
from whimbrel.products.campaigns.shapes import NewCampaign, spec_of

_PAGE: Final = 250
_STRETCHES: Final = limits.CAMPAIGN_ESTIMATE // _PAGE


class VariantShare(msgspec.Struct, frozen=True, kw_only=True):
    """What one wording comes to."""

    name: str
    recipients: int
    segments: int
    example: Annotated[str | None, Meta(description="The first text that was made.")]


class CountryShare(msgspec.Struct, frozen=True, kw_only=True):
    """What one country comes to."""

    country: str
    recipients: int
    segments: int
    cost: str


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What would happen."""

    audience: Annotated[int, Meta(description="Recipients, before anybody is left out.")]
    looked_at: Annotated[int, Meta(description="So many of them were planned; the others are told in proportion.")]
    recipients: Annotated[int, Meta(description="Those who would get it.")]
    left_out: tuple[Refusal, ...]
    segments: int
    cost: str
    currency: str
    starts_at: str
    seconds: Annotated[
        int | None,
        Meta(
            description="From its beginning to its last message, those included that wait; null: as fast as carriers "
            "take it."
        ),
    ]
    waits: Annotated[int, Meta(description="Those who get it when quiet hours end, and not when it is their turn.")]
    ends_at: Annotated[str | None, Meta(description="When the last message is due; null: as fast as carriers take it.")]
    variants: tuple[VariantShare, ...]
    countries: tuple[CountryShare, ...]


class _Sums:
    """What was planned so far."""

    def __init__(self) -> None:
        self.looked_at = 0
        self.left_out: Counter[str] = Counter()
        self.by_variant: Counter[int] = Counter()
        self.segments_of_variant: Counter[int] = Counter()
        self.by_country: Counter[str] = Counter()
        self.segments_of_country: Counter[str] = Counter()
        self.cost_of_country: Counter[str] = Counter()
        self.examples: dict[int, str] = {}
        self.currency = ""
        self.waits = 0
        self.last_us = 0  # when the last of those who wait gets it

    def add(self, plan: Plan, variant: int) -> None:
        """One that was planned."""
        if plan.refusal is not None:
            self.left_out[plan.refusal] += 1
            return
        country = (plan.number.country or "") if plan.number is not None else ""
        self.by_variant[variant] += 1
        self.segments_of_variant[variant] += plan.segments
        self.by_country[country] += 1
        self.segments_of_country[country] += plan.segments
        self.cost_of_country[country] += plan.price_micros
        self.examples.setdefault(variant, plan.text)
        self.currency = self.currency or plan.currency


class _Times:
    """When each of a campaign's messages is due, if it began now."""

    def __init__(self, spec: CampaignSpec, now: int) -> None:
        self._spec = spec
        self._ways = passes_of(spec, now)
        self._per_s = None if spec.pace is None else spec.pace.per_s
        self.begins = max(self._ways[0].at, now)
        if spec.starts_at is not None and spec.zone != RECIPIENT_ZONE:
            self.begins = max(now, to_utc(datetime.fromisoformat(spec.starts_at), spec.zone))
        self._last = max(self.begins, self._ways[-1].at)

    def due(self, place: int, number: str) -> int:
        """Of the recipient at a place of the audience."""
        begins, zone = self.begins, self._ways[0].zone
        if self._ways[0].zones:
            home = zone_of(number)
            way = next((each for each in self._ways if home in each.zones), self._ways[0])
            begins, zone = max(begins, way.at), way.zone
        begins = opens_at(self._spec.windows, begins, zone)
        return done_at(place, self._per_s, self._spec.windows, begins, zone) or begins

    def over(self, count: int) -> int | None:
        """When so many are handed over; None: as fast as carriers take them."""
        return done_at(count, self._per_s, self._spec.windows, self._last, self._ways[-1].zone)


async def estimate(ctx: Context, accept: Accept, campaign_id: str, *, account_id: str, test: bool) -> Estimate:
    """Of a draft, or of what has begun as if it had not. WhimbrelError: what starting it answers."""
    row = await existing(ctx, campaign_id, account_id, test)
    return await _estimate(ctx, accept, row, None)


async def estimate_new(
    ctx: Context, accept: Accept, actor: str, request: NewCampaign, *, account_id: str, test: bool
) -> Estimate:
    """Of one that is not kept. WhimbrelError: what keeping and starting it answer."""
    found = await checked(ctx, request, account_id=account_id, test=test)
    row = drafted(ctx, found, actor, account_id=account_id, test=test)
    return await _estimate(ctx, accept, row, Named(found.numbers or (), found.excluded or ()))


async def _estimate(ctx: Context, accept: Accept, row: Campaign, named: Named | None) -> Estimate:
    spec = await frozen(ctx, spec_of(row), account_id=row.account_id, test=row.test)
    audience = await open_audience(ctx, row, spec, ctx.clock.now_us(), named)
    times = _Times(spec, ctx.clock.now_us())
    writer = Writer(row, spec, audience.about, await wordings_of(ctx.store, row.account_id, spec))
    total = await audience.count()
    sums, seen = _Sums(), set[int]()
    async for page in _pages(audience, total):
        plans = await _plan(
            page, row, spec, audience=audience, writer=writer, accept=accept, sums=sums, seen=seen, ctx=ctx
        )
        _wait(plans, accept, times, total, sums)
        await asyncio.sleep(0)  # others have their turns between the lists
    return _told(spec, sums, total, times)


async def _pages(audience: Audience, total: int) -> AsyncIterator[list[Source]]:
    """All of them, or stretches from all over."""
    cursors = [""] if total <= limits.CAMPAIGN_ESTIMATE else await audience.spread(_STRETCHES)
    way = Pass(0)
    for cursor in cursors:
        is_over = False
        while not is_over:
            page, is_over = await audience.page(cursor, way, _PAGE)
            yield page
            cursor = page[-1].cursor if page else cursor
            is_over = is_over or len(cursors) > 1


async def _plan(
    page: list[Source],
    row: Campaign,
    spec: CampaignSpec,
    *,
    ctx: Context,
    audience: Audience,
    writer: Writer,
    accept: Accept,
    sums: _Sums,
    seen: set[int],
) -> list[Plan]:
    drafts: list[tuple[Draft, int]] = []
    shares, salt = [each.share for each in spec.variants], salt_of(row.id)
    for source in page:
        sums.looked_at += 1
        if source.number_hash in seen:
            sums.left_out[DUPLICATE] += 1
            continue
        seen.add(source.number_hash)
        if source.number_hash in audience.excluded:
            sums.left_out[EXCLUDED] += 1
            continue
        variant = variant_of(source.number_hash, salt, shares)
        try:
            drafts.append((writer.draft(source, variant, ctx.ids.new(ids.MESSAGE)), variant))
        except BadVariables:
            sums.left_out["invalid_variable"] += 1
    plans = await accept.weigh([draft for draft, _ in drafts]) if drafts else []
    for plan, (_, variant) in zip(plans, drafts, strict=True):
        sums.add(plan, variant)
    return [plan for plan in plans if plan.refusal is None]


def _wait(plans: list[Plan], accept: Accept, times: _Times, total: int, sums: _Sums) -> None:
    """Who of these waits for the end of quiet hours when it is his turn, and how long."""
    share = total / sums.looked_at if sums.looked_at else 1.0
    first = sums.by_variant.total() - len(plans)
    for place, plan in enumerate(plans, first):
        assert plan.number is not None
        due = times.due(round(place * share), plan.number.e164)
        opens = accept.opens(plan, due)
        if opens is not None and opens > due:
            sums.waits += 1
            sums.last_us = max(sums.last_us, opens)


def _told(spec: CampaignSpec, sums: _Sums, total: int, times: _Times) -> Estimate:
    share = total / sums.looked_at if sums.looked_at else 1.0

    def whole(count: int) -> int:
        return round(count * share)

    recipients = whole(sums.by_variant.total())
    over = times.over(recipients)
    if sums.waits:
        over = max(over or 0, sums.last_us)
    return Estimate(
        audience=total,
        looked_at=sums.looked_at,
        recipients=recipients,
        left_out=tuple(Refusal(code, whole(count)) for code, count in sorted(sums.left_out.items())),
        segments=whole(sums.segments_of_country.total()),
        cost=money.to_text(whole(sums.cost_of_country.total())),
        currency=sums.currency,
        starts_at=moments.to_text(times.begins),
        seconds=None if over is None else (over - times.begins) // 1_000_000,
        waits=whole(sums.waits),
        ends_at=moments.to_text_or_none(over),
        variants=tuple(
            VariantShare(
                name=each.name,
                recipients=whole(sums.by_variant[number]),
                segments=whole(sums.segments_of_variant[number]),
                example=sums.examples.get(number),
            )
            for number, each in enumerate(spec.variants)
        ),
        countries=tuple(
            CountryShare(
                country=country,
                recipients=whole(count),
                segments=whole(sums.segments_of_country[country]),
                cost=money.to_text(whole(sums.cost_of_country[country])),
            )
            for country, count in sums.by_country.most_common()
        ),
    )
