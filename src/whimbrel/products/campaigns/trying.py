"""A test of a campaign: its texts to numbers of one's own, before it goes to anybody. They are messages like others,
and count in no figures of the campaign.
"""

from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from whimbrel.base import ids
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.contacts import contact_of
from whimbrel.domain.numbers import Number, normalise
from whimbrel.domain.templates.rendering import BadVariables
from whimbrel.journey.accept import Accept
from whimbrel.manage.context import Context
from whimbrel.products.campaigns.audience import Source, open_audience
from whimbrel.products.campaigns.drafting import Writer, unfilled, wordings_of
from whimbrel.products.campaigns.keeping import existing
from whimbrel.products.campaigns.shapes import spec_of


class CampaignTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom it is tried on."""

    to: Annotated[tuple[str, ...], Meta(min_length=1, max_length=10, description="In E.164; each gets every variant.")]
    contact_id: Annotated[
        str | None, Meta(description="Whose values are filled in; none: those of the contact with the number.")
    ] = None


class TestedItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one."""

    to: str
    variant: str
    message_id: str | None = None
    code: str | None = None
    detail: str = ""


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What became of them, in order."""

    data: tuple[TestedItem, ...]


class _Holder(msgspec.Struct, frozen=True, gc=False):
    number: str
    id: str


async def send_test(
    ctx: Context, accept: Accept, campaign_id: str, request: CampaignTest, *, account_id: str, test: bool
) -> Tested:
    """Send every variant to each of the numbers. WhimbrelError: not_found, invalid_number, and what starting it
    answers."""
    row = await existing(ctx, campaign_id, account_id, test)
    spec = spec_of(row)
    audience = await open_audience(ctx, row, spec, ctx.clock.now_us())
    writer = Writer(row, spec, audience.about, await wordings_of(ctx.store, account_id, spec))
    items: list[TestedItem] = []
    for place, said in enumerate(request.to):
        number = normalise(said)
        if number is None:
            raise WhimbrelError("invalid_number", errors=[FieldError(f"/to/{place}", "must be a number in E.164")])
        source = await _source(ctx, number, request.contact_id, account_id=account_id, test=test)
        for variant, wording in enumerate(spec.variants):
            items.append(
                await _sent(
                    accept, writer, source, variant=variant, name=wording.name, message_id=ctx.ids.new(ids.MESSAGE)
                )
            )
    return Tested(data=tuple(items))


async def _sent(
    accept: Accept, writer: Writer, source: Source, *, variant: int, name: str, message_id: str
) -> TestedItem:
    try:
        draft = writer.draft(source, variant, message_id)
    except BadVariables as error:
        missing = ", ".join(sorted(unfilled(error)))
        return TestedItem(to=source.number, variant=name, code="invalid_variable", detail=f"Not known: {missing}.")
    options = replace(draft.options, campaign_id=None)
    (verdict,) = (await accept.submit([replace(draft, options=options)])).verdicts
    return TestedItem(
        to=source.number, variant=name, message_id=verdict.id, code=verdict.code, detail=verdict.detail
    )  # fmt: skip


async def _source(ctx: Context, number: Number, contact_id: str | None, *, account_id: str, test: bool) -> Source:
    if contact_id is None:
        found = await ctx.store.fetch(_Holder, "contact_ids_of_numbers", account_id, int(test), [number.e164])
        contact_id = found[0].id if found else None
    contact = None
    if contact_id is not None:
        rows = await ctx.store.fetch(contact_of, "contact_by_id", account_id, int(test), contact_id)
        if not rows:
            raise WhimbrelError("not_found", f"There is no contact `{contact_id}`.")
        contact = rows[0]
    return Source("", "", number.e164, ctx.vault.number_hash(number.e164), number.country or "", contact)
