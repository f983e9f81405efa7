"""How a campaign went over time, by variant: minutes that were added up, so many together that a curve has no more than
some hundred places.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.domain.campaign_figures import MINUTE_US
from whimbrel.manage.context import Context
from whimbrel.products.campaigns.keeping import existing
from whimbrel.products.campaigns.shapes import spec_of

_PLACES: Final = 120
_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)  # minutes


class SeriesPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in one step of time, of one variant. `failed`: all ways not to arrive."""

    at: Annotated[str, Meta(description="When the step begins.")]
    variant: str
    sent: int
    delivered: int
    failed: Annotated[int, Meta(description="Below zero: a later receipt has corrected what was counted before.")]
    clicked: int
    answered: int
    opted_out: int


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """How it went; some seconds behind. Steps in which nothing happened are not there."""

    step_s: Annotated[int, Meta(description="How long a step is: longer for campaigns that take longer.")]
    data: tuple[SeriesPoint, ...]


class _Span(msgspec.Struct, frozen=True, gc=False):
    first: int | None
    last: int | None


class Moment(msgspec.Struct, frozen=True, gc=False):
    """Columns of `campaign_minutes_of`."""

    minute: int
    variant: int
    sent: int
    delivered: int
    failed: int
    clicked: int
    answered: int
    opted_out: int


async def series(ctx: Context, campaign_id: str, *, account_id: str, test: bool) -> Series:
    """The oldest step first; not_found."""
    row = await existing(ctx, campaign_id, account_id, test)
    names = [each.name for each in spec_of(row).variants]
    (span,) = await ctx.store.fetch(_Span, "campaign_minutes_span", account_id, row.id)
    step = step_of((span.last or 0) - (span.first or 0))
    found = await ctx.store.fetch(Moment, "campaign_minutes_of", account_id, row.id, step)
    return Series(step_s=step * 60, data=tuple(_point(each, names) for each in found))


def step_of(minutes: int) -> int:
    """How many minutes are shown as one."""
    return next((step for step in _STEPS if minutes < step * _PLACES), _STEPS[-1])


def _point(row: Moment, names: list[str]) -> SeriesPoint:
    return SeriesPoint(
        at=moments.to_text(row.minute * MINUTE_US),
        variant=names[row.variant] if row.variant < len(names) else "",
        sent=row.sent,
        delivered=row.delivered,
        failed=row.failed,
        clicked=row.clicked,
        answered=row.answered,
        opted_out=row.opted_out,
    )
