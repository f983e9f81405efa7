"""Campaigns are begun, approved, paused, let go on, canceled, and their winners chosen. What has just been done answers
as the first time; what does not fit the state is `campaign_state`.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.campaigns import RECIPIENT_ZONE, Campaign, CampaignSpec
from whimbrel.domain.local_times import to_utc
from whimbrel.manage import audit
from whimbrel.manage.context import Context, commit
from whimbrel.products.campaigns import turns
from whimbrel.products.campaigns.audience import frozen, passes_of
from whimbrel.products.campaigns.checking import check_references
from whimbrel.products.campaigns.drafting import fixed_wordings
from whimbrel.products.campaigns.keeping import existing, shown
from whimbrel.products.campaigns.shapes import CampaignView, spec_of
from whimbrel.store.interface import Write


class CampaignPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for an account's campaigns."""

    approval: Annotated[bool, Meta(description="Whether somebody other than the author approves a campaign first.")]


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which variant the others get."""

    variant: str


class _Policy(msgspec.Struct, frozen=True, gc=False):
    approval: bool


async def policy(ctx: Context, *, account_id: str) -> CampaignPolicy:
    """Whether campaigns are approved."""
    rows = await ctx.store.fetch(_Policy, "campaign_policy_of", account_id)
    return CampaignPolicy(approval=bool(rows) and rows[0].approval)


async def set_policy(ctx: Context, actor: str, request: CampaignPolicy, *, account_id: str) -> CampaignPolicy:
    """Have campaigns approved, or not."""
    row = (account_id, int(request.approval), ctx.clock.now_us())
    entry = audit.entry(ctx, actor, "campaign_policy.set", account_id, account_id, approval=request.approval)
    await commit(ctx, [Write("campaign_policy_put", (row,)), entry])
    return request


async def approve(ctx: Context, actor: str, campaign_id: str, *, account_id: str, test: bool) -> CampaignView:
    """A second person agrees: to the templates as they stand. WhimbrelError: campaign_own_approval, campaign_state."""
    row = await existing(ctx, campaign_id, account_id, test)
    if row.status != "draft":
        raise WhimbrelError("campaign_state", "Only a draft is approved.")
    if row.author == actor:
        raise WhimbrelError("campaign_own_approval")
    now = ctx.clock.now_us()
    spec = msgspec.json.encode(await fixed_wordings(ctx.store, account_id, spec_of(row))).decode()
    approved = Write("campaigns_approve", ((row.id, row.step, actor, now, spec),))
    await _turn(ctx, approved, [turns.event(row, turns.APPROVED, now), _entry(ctx, actor, "approved", row)])
    return await shown(ctx, await existing(ctx, campaign_id, account_id, test))


async def start(ctx: Context, actor: str, campaign_id: str, *, account_id: str, test: bool) -> CampaignView:
    """At once, or when its time comes. WhimbrelError: campaign_state, campaign_not_approved, invalid_schedule, and what
    creating one answers: its segments and templates may be gone."""
    row = await existing(ctx, campaign_id, account_id, test)
    if row.status in ("scheduled", "running"):
        return await shown(ctx, row)  # twice started is started once
    if row.status != "draft":
        raise WhimbrelError("campaign_state", f"It is {row.status}.")
    if not row.approved_by and (await policy(ctx, account_id=account_id)).approval:
        raise WhimbrelError("campaign_not_approved")
    spec = await frozen(ctx, spec_of(row), account_id=account_id, test=test)
    await check_references(ctx, spec, account_id=account_id, test=test)
    now = ctx.clock.now_us()
    phase = "all" if spec.trial is None else "sample"
    begun = (row.id, row.step, msgspec.json.encode(spec).decode(), phase, _begins(spec, now), now)
    also = [turns.event(row, turns.SCHEDULED, now), _entry(ctx, actor, "started", row)]
    if not await ctx.store.turn(Write("campaigns_start", (begun,)), also):
        row = await existing(ctx, campaign_id, account_id, test)
        if row.status not in ("scheduled", "running"):
            raise WhimbrelError("conflict", "Somebody else has changed it.")
    return await shown(ctx, await existing(ctx, campaign_id, account_id, test))


def _begins(spec: CampaignSpec, now: int) -> int:
    """When it is due. `invalid_schedule`: that was before."""
    if spec.starts_at is None:
        return now
    if spec.zone == RECIPIENT_ZONE:
        ways = passes_of(spec, now)
        at, last = ways[0].at, ways[-1].at
    else:
        at = last = to_utc(datetime.fromisoformat(spec.starts_at), spec.zone)
    if last < now:
        raise WhimbrelError("invalid_schedule", "The time to send is over.")
    return at


async def pause(ctx: Context, actor: str, campaign_id: str, *, account_id: str, test: bool) -> CampaignView:
    """What waits of it stays here; what is with a carrier is with the carrier. WhimbrelError campaign_state."""
    row = await existing(ctx, campaign_id, account_id, test)
    if row.status != "paused":
        now = ctx.clock.now_us()
        also = [turns.event(row, turns.PAUSED, now), _entry(ctx, actor, "paused", row)]
        _done(await ctx.store.campaigns.pause(turns.pause(row, "", now), also, row.id, now), row)
    return await shown(ctx, await existing(ctx, campaign_id, account_id, test))


async def resume(ctx: Context, actor: str, campaign_id: str, *, account_id: str, test: bool) -> CampaignView:
    """It goes on where it stood. WhimbrelError campaign_state; also where nobody has chosen a winner yet."""
    row = await existing(ctx, campaign_id, account_id, test)
    if row.status in ("scheduled", "running"):
        return await shown(ctx, row)
    if row.reason == "no_winner" and row.phase == "wait":
        raise WhimbrelError("campaign_state", "Choose the winner: no variant is better by the difference asked for.")
    now = ctx.clock.now_us()
    also = [turns.event(row, turns.RESUMED, now), _entry(ctx, actor, "resumed", row)]
    resumed = Write("campaigns_resume", ((row.id, now),))
    _done(await ctx.store.campaigns.resume(resumed, also, row.id, now), row)
    return await shown(ctx, await existing(ctx, campaign_id, account_id, test))


async def cancel(ctx: Context, actor: str, campaign_id: str, *, account_id: str, test: bool) -> CampaignView:
    """Over, at once: what waits of it is canceled. WhimbrelError campaign_state."""
    row = await existing(ctx, campaign_id, account_id, test)
    if row.status != "canceled":
        now = ctx.clock.now_us()
        also = [turns.event(row, turns.CANCELED, now), _entry(ctx, actor, "canceled", row)]
        canceled = Write("campaigns_cancel", ((row.id, now),))
        _done(await ctx.store.campaigns.cancel(canceled, also, row.id, now), row)
    return await shown(ctx, await existing(ctx, campaign_id, account_id, test))


async def choose(
    ctx: Context, actor: str, campaign_id: str, request: Choice, *, account_id: str, test: bool
) -> CampaignView:
    """The others get this variant, now. WhimbrelError: campaign_state, invalid_request."""
    row = await existing(ctx, campaign_id, account_id, test)
    if request.variant not in [each.name for each in spec_of(row).variants]:
        raise WhimbrelError("not_found", f"There is no variant `{request.variant}`.")
    if row.phase != "wait" or row.status not in ("running", "paused"):
        raise WhimbrelError("campaign_state", "It does not wait for a winner.")
    now = ctx.clock.now_us()
    won = Write("campaigns_won", ((row.id, row.step, request.variant, now),))
    also = [turns.event(row, turns.DECIDED, now, variant=request.variant), _entry(ctx, actor, "decided", row)]
    await _turn(ctx, won, also)
    if row.status == "paused":
        resumed = Write("campaigns_resume", ((row.id, now),))
        await ctx.store.campaigns.resume(resumed, [turns.event(row, turns.RESUMED, now)], row.id, now)
    return await shown(ctx, await existing(ctx, campaign_id, account_id, test))


def _done(changed: bool, row: Campaign) -> None:
    if not changed:
        raise WhimbrelError("campaign_state", f"It is {row.status}.")


async def _turn(ctx: Context, only: Write, also: list[Write]) -> None:
    if not await ctx.store.turn(only, also):
        raise WhimbrelError("conflict", "Somebody else has changed it.")


def _entry(ctx: Context, actor: str, what: str, row: Campaign) -> Write:
    return audit.entry(ctx, actor, f"campaign.{what}", row.id, row.account_id)
