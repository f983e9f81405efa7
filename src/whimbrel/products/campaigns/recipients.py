"""Recipients of a campaign and its results, as answers show them. Numbers stand in messages; here are ids."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from whimbrel.base import ids, moments, money
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.campaigns import ACTIVITIES, Campaign, Figures, Recipient
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, page
from whimbrel.products.campaigns.keeping import existing
from whimbrel.products.campaigns.shapes import Progress, spec_of


class Narrowed(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Which recipients: all, those that were refused with a code, or those who did something. Who was refused got
    nothing with which to do it, so it is never both."""

    code: str | None = None
    activity: str | None = None

    def check(self) -> None:
        """WhimbrelError invalid_parameter."""
        if self.activity is not None and self.activity not in ACTIVITIES:
            raise _wrong(f"must be one of {', '.join(ACTIVITIES)}")
        if self.activity is not None and self.code is not None:
            raise _wrong("or `code` may be given, and not both")

    def statement(self, paging: Paging = FIRST_PAGE) -> tuple[str, tuple[str, ...]]:
        """Of their pages from the end that is asked for, and what it takes beside the rest."""
        if self.code is not None:
            statement = paging.of("campaign_recipients_page_refused", "campaign_recipients_page_refused_oldest")
            return statement, (self.code,)
        if self.activity is not None:
            statement = paging.of("campaign_recipients_page_active", "campaign_recipients_page_active_oldest")
            return statement, (self.activity,)
        return paging.of("campaign_recipients_page", "campaign_recipients_page_oldest"), ()


ALL: Final = Narrowed()


class RecipientView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was looked at."""

    message_id: Annotated[str | None, Meta(description="null: there is none.")]
    contact_id: Annotated[str | None, Meta(description="null: the campaign names the number itself.")]
    variant: str
    country: str
    status: Annotated[str, Meta(description="Of the message; `refused`; `parked`: it waits for the campaign.")]
    code: Annotated[str | None, Meta(description="Why it was refused.")]
    at: str
    clicked_at: str | None
    answered_at: str | None
    opted_out_at: str | None
    converted_at: str | None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of messages, and what people did."""

    accepted: int = 0
    sent: int = 0
    delivered: int = 0
    undelivered: int = 0
    failed: int = 0
    expired: int = 0
    rejected: int = 0
    canceled: int = 0
    unknown: int = 0
    in_doubt: int = 0
    segments: int = 0
    clicked: int = 0
    answered: int = 0
    opted_out: int = 0
    converted: int = 0
    cost: str = "0"


class ResultRow(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one variant, country or carrier."""

    key: Annotated[str, Meta(description="The variant's name, the country, or the carrier's id; empty: none.")]
    counts: Counts


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """How many got nothing for a reason: a code of docs/errors.md, `duplicate` or `excluded`."""

    code: str
    count: int


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign has brought so far; some seconds behind."""

    currency: str
    progress: Progress
    total: Counts
    variants: tuple[ResultRow, ...]
    countries: tuple[ResultRow, ...]
    carriers: tuple[ResultRow, ...]
    refusals: tuple[Refusal, ...]


async def find(
    ctx: Context,
    campaign_id: str,
    *,
    account_id: str,
    test: bool,
    narrowed: Narrowed = ALL,
    paging: Paging = FIRST_PAGE,
) -> Page[RecipientView]:
    """From either end."""
    narrowed.check()
    row = await existing(ctx, campaign_id, account_id, test)
    names = [each.name for each in spec_of(row).variants]
    statement, more = narrowed.statement(paging)
    rows = await ctx.store.fetch(Recipient, statement, account_id, row.id, after(paging), paging.limit + 1, *more)
    return page(rows, paging, lambda each: view_of(each, names), lambda each: each.id)


async def results(ctx: Context, campaign_id: str, *, account_id: str, test: bool) -> Results:
    """Figures that were added up; nothing is counted here."""
    row = await existing(ctx, campaign_id, account_id, test)
    figures = await ctx.store.fetch(Figures, "campaign_figures_of", account_id, row.id)
    refusals = await ctx.store.fetch(Refusal, "campaign_refusals_of", account_id, row.id)
    names = [each.name for each in spec_of(row).variants]
    return Results(
        currency=next((each.currency for each in figures if each.currency), ""),
        progress=_progress(row),
        total=summed(figures),
        variants=tuple(
            ResultRow(key=name, counts=summed([each for each in figures if each.variant == number]))
            for number, name in enumerate(names)
        ),
        countries=_by(figures, "country"),
        carriers=_by(figures, "carrier_id"),
        refusals=tuple(refusals),
    )


def summed(figures: list[Figures]) -> Counts:
    """Figures of several."""
    sums = {
        name: sum(getattr(each, name) for each in figures)
        for name in (*Counts.__struct_fields__[:-1], "charged_micros")
    }
    cost = sums.pop("charged_micros")
    return Counts(**sums, cost=money.to_text(cost))


def _by(figures: list[Figures], field: str) -> tuple[ResultRow, ...]:
    keys = sorted({getattr(each, field) for each in figures})
    return tuple(
        ResultRow(key=key, counts=summed([each for each in figures if getattr(each, field) == key])) for key in keys
    )


def _progress(row: Campaign) -> Progress:
    return Progress(looked_at=row.taken, accepted=row.accepted, refused=row.refused, left_out=row.left_out)


def view_of(row: Recipient, names: list[str]) -> RecipientView:
    """A recipient as answers show him; `names`: of the variants."""
    return RecipientView(
        message_id=row.id if row.code is None else None,
        contact_id=row.source if ids.is_id(row.source, ids.CONTACT) else None,
        variant=names[row.variant] if row.variant < len(names) else "",
        country=row.country,
        status=row.state,
        code=row.code,
        at=moments.to_text(row.created_at),
        clicked_at=moments.to_text_or_none(row.clicked_at),
        answered_at=moments.to_text_or_none(row.answered_at),
        opted_out_at=moments.to_text_or_none(row.opted_out_at),
        converted_at=moments.to_text_or_none(row.converted_at),
    )


def _wrong(detail: str) -> WhimbrelError:
    return WhimbrelError("invalid_parameter", f"`activity` {detail}.", errors=[FieldError("activity", detail)])
