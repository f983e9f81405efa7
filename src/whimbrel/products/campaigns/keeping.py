"""Campaigns as accounts keep them: drafts are made, read, changed and deleted. `steering` is for what has begun."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from whimbrel.base import ids, limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.campaigns import STATUSES, Campaign, CampaignSpec, CampaignStatus
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.products.campaigns import turns
from whimbrel.products.campaigns.audience import numbers_of
from whimbrel.products.campaigns.checking import (
    Checked,
    check_references,
    check_whole,
    checked,
    group_of,
    trial_of,
    variants_of,
    when,
)
from whimbrel.products.campaigns.shapes import CampaignChange, CampaignView, NewCampaign, spec_of, view
from whimbrel.products.contacts.known import known
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns


class _Id(msgspec.Struct, frozen=True, gc=False):
    id: str


async def create(ctx: Context, actor: str, request: NewCampaign, *, account_id: str, test: bool) -> CampaignView:
    """Keep a draft. WhimbrelError: invalid_request, invalid_filter, not_found, template_not_found,
    template_not_approved, invalid_class, too_many_campaigns."""
    async with ctx.lock:
        found = await checked(ctx, request, account_id=account_id, test=test)
        await _check_room(ctx, account_id, test)
        now = ctx.clock.now_us()
        row = drafted(ctx, found, actor, account_id=account_id, test=test)
        writes = [
            Write("campaigns_insert", (to_columns(row),)),
            *_numbers(ctx, row, found.numbers or (), excluded=False),
            *_numbers(ctx, row, found.excluded or (), excluded=True),
            turns.event(row, turns.CREATED, now),
            audit.entry(ctx, actor, "campaign.created", row.id, account_id),
        ]
        await commit(ctx, writes)
    return view(row)


def drafted(ctx: Context, found: Checked, actor: str, *, account_id: str, test: bool) -> Campaign:
    """The row of a new one."""
    now = ctx.clock.now_us()
    return Campaign(
        id=ctx.ids.new(ids.CAMPAIGN), account_id=account_id, test=test, name=found.name, status="draft",
        spec=msgspec.json.encode(found.spec).decode(), author=actor, approved_by="", approved_at=None, step=0,
        seq=1, phase="all" if found.spec.trial is None else "sample", pass_no=0, cursor="", last_id="", taken=0,
        accepted=0, refused=0, left_out=0, due_at=None, started_at=None, phase_at=None, ended_at=None, reason="",
        winner="", clearing=0, created_at=now, updated_at=now,
    )  # fmt: skip


async def find(
    ctx: Context,
    *,
    account_id: str,
    test: bool,
    status: CampaignStatus | None = None,
    paging: Paging = FIRST_PAGE,
) -> Page[CampaignView]:
    """An account's, newest first."""
    wanted = list(STATUSES) if status is None else [status]
    about = (account_id, int(test), wanted, after(paging), paging.limit + 1)
    rows = await ctx.store.fetch(Campaign, "campaigns_page", *about)
    waiting = await _waiting(ctx, account_id, [row.id for row in rows if row.status != "draft"])
    return page(rows, paging, lambda row: view(row, waiting=row.id in waiting), lambda row: row.id)


async def get(ctx: Context, campaign_id: str, *, account_id: str, test: bool) -> CampaignView:
    """One of them; not_found."""
    return await shown(ctx, await existing(ctx, campaign_id, account_id, test))


async def shown(ctx: Context, row: Campaign) -> CampaignView:
    """One that may have begun, with whether any of it waits."""
    return view(row, waiting=bool(await _waiting(ctx, row.account_id, [row.id])))


async def _waiting(ctx: Context, account_id: str, ids: list[str]) -> frozenset[str]:
    rows = await ctx.store.fetch(_Id, "campaigns_waiting", account_id, ids) if ids else []
    return frozenset(row.id for row in rows)


async def numbers(ctx: Context, campaign_id: str, *, account_id: str, test: bool, excluded: bool) -> Page[str]:
    """The numbers that it names: all of them."""
    row = await existing(ctx, campaign_id, account_id, test)
    return Page(tuple(each.number for each in await numbers_of(ctx, row, excluded=excluded)))


async def update(
    ctx: Context, actor: str, campaign_id: str, change: CampaignChange, *, account_id: str, test: bool
) -> CampaignView:
    """Write a draft anew; whoever had approved it has to look again. WhimbrelError: campaign_state, and what creating
    one answers."""
    async with ctx.lock:
        row = await existing(ctx, campaign_id, account_id, test)
        if row.status != "draft":
            raise WhimbrelError("campaign_state", "Only a draft can be changed.")
        about = await known(ctx, account_id, test)
        checks, spec, now = Checks(), spec_of(row), ctx.clock.now_us()
        name = row.name if change.name is None else change.name.strip()
        checks.text(name, "/name")
        writes: list[Write] = []
        groups = ((change.audience, "audience", False), (change.exclude, "exclude", True))
        for body, field, excluded in groups:
            if body is not None:
                group, given = group_of(body, about, f"/{field}", checks)
                spec = msgspec.structs.replace(spec, **{field: group})
                kept = [] if body.numbers else await numbers_of(ctx, row, excluded=excluded)
                writes += _numbers(ctx, row, given, excluded=excluded, instead=True) if kept or given else []
        spec = _changed(spec, change, checks)
        check_whole(spec, checks)
        checks.done()
        await check_references(ctx, spec, account_id=account_id, test=test)
        row = msgspec.structs.replace(
            row, name=name, spec=msgspec.json.encode(spec).decode(), author=actor, approved_by="", approved_at=None,
            updated_at=now,
        )  # fmt: skip
        changed = Write("campaigns_set", ((row.id, row.step, row.name, row.spec, actor, now),))
        entry = audit.entry(ctx, actor, "campaign.updated", row.id, account_id)
        if not await ctx.store.turn(changed, [*writes, entry]):
            raise WhimbrelError("conflict", "Somebody else has changed it.")
    return view(row)


async def delete(ctx: Context, actor: str, campaign_id: str, *, account_id: str, test: bool) -> None:
    """A draft, or one that is over, goes with its recipients and figures; its messages stay. One that has finished
    while messages of it wait for their hour is canceled first: nobody could stop them otherwise. WhimbrelError
    campaign_state."""
    row = await existing(ctx, campaign_id, account_id, test)
    gone = Write("campaigns_remove", ((row.id, ctx.clock.now_us()),))
    if not await ctx.store.turn(gone, [audit.entry(ctx, actor, "campaign.deleted", row.id, account_id)]):
        raise WhimbrelError("campaign_state", "It is under way, or messages of it still wait: cancel it first.")


async def existing(ctx: Context, campaign_id: str, account_id: str, test: bool) -> Campaign:
    """The row; not_found."""
    return await one(ctx, Campaign, "campaigns_by_id", account_id, int(test), campaign_id)


async def _check_room(ctx: Context, account_id: str, test: bool) -> None:
    most = limits.CAMPAIGN_DRAFTS_MAX
    drafts = await ctx.store.fetch(Campaign, "campaigns_page", account_id, int(test), ["draft"], "~", most)
    if len(drafts) >= most:
        raise WhimbrelError("too_many_campaigns")


def _numbers(
    ctx: Context, row: Campaign, given: Sequence[str], *, excluded: bool, instead: bool = False
) -> list[Write]:
    rows = tuple(
        (row.id, int(excluded), place, row.account_id, number, ctx.vault.number_hash(number))
        for place, number in enumerate(given)
    )
    removed = [Write("campaign_numbers_remove", ((row.id, int(excluded)),))] if instead else []
    return [*removed, Write("campaign_number_insert", rows)] if rows else removed


def _changed(spec: CampaignSpec, change: CampaignChange, checks: Checks) -> CampaignSpec:
    given: dict[str, Any] = {
        name: value for name in ("tags", "short_links", "media") if (value := getattr(change, name)) is not None
    }
    given |= {name: value for name in ("sender", "pool") if (value := getattr(change, name)) is not UNSET}
    if change.validity is not UNSET:
        given["validity_s"] = change.validity
    if change.winner is not UNSET:
        given["trial"] = trial_of(change.winner)
    if change.schedule is not None:
        given |= when(change.schedule, checks)
    if change.text is not None or change.template is not None or change.variants is not None:
        given["variants"] = variants_of(change.text, change.template, change.variants or (), checks)
        if len(given["variants"]) == 1 and change.winner is UNSET:
            given["trial"] = None
    if change.message_class is not UNSET:
        templates = any(each.template for each in given.get("variants", spec.variants))
        given["message_class"] = change.message_class or ("" if templates else "marketing")
    return msgspec.structs.replace(spec, **given)
