"""The log of a hook: every call with what came of it, what it held as long as that is kept, and calls taken again."""

import msgspec
from cryptography.exceptions import InvalidTag

from whimbrel.base import moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.vault import Seal
from whimbrel.domain.hooks import HookCall, HookOutcome
from whimbrel.manage import audit
from whimbrel.manage.context import Context, Page, Paging, after, commit, one, page
from whimbrel.products.hooks.judging import Called, from_kept
from whimbrel.products.hooks.keeping import existing
from whimbrel.products.hooks.receiving import Receiving
from whimbrel.products.hooks.shapes import CallView, CallWhole, HookReceipt, HookReplay, call_fields


async def find(
    ctx: Context, hook_id: str, *, account_id: str, test: bool, verdict: str | None, paging: Paging
) -> Page[CallView]:
    """A page of calls, the newest first; of one verdict, or of all."""
    await existing(ctx, hook_id, account_id, test)
    place = after(paging)
    if verdict is None:
        statement = paging.of("hook_calls_page", "hook_calls_page_oldest")
        rows = await ctx.store.fetch(HookCall, statement, hook_id, place, paging.limit + 1)
    else:
        params = (hook_id, verdict, place, paging.limit + 1)
        statement = paging.of("hook_calls_page_of_verdict", "hook_calls_page_of_verdict_oldest")
        rows = await ctx.store.fetch(HookCall, statement, *params)
    outcomes = await _outcomes(ctx, [row.id for row in rows[: paging.limit]])
    return page(rows, paging, lambda row: CallView(**call_fields(row, outcomes)), lambda row: row.id)


async def get(ctx: Context, hook_id: str, call_id: str, *, account_id: str, test: bool) -> CallWhole:
    """One call with what it held; `not_found`."""
    row = await _existing(ctx, hook_id, call_id, account_id, test)
    kept = _kept(ctx, row)
    body = None if kept is None else kept.body.decode("utf-8", "replace")
    headers = None if kept is None else dict(kept.headers)
    outcomes = await _outcomes(ctx, [row.id])
    return CallWhole(**call_fields(row, outcomes), headers=headers, body=body)


async def kept(ctx: Context, hook_id: str, call_id: str, *, account_id: str, test: bool) -> Called:
    """A call as it came; `payload_gone` where it is not kept."""
    found = _kept(ctx, await _existing(ctx, hook_id, call_id, account_id, test))
    if found is None:
        raise WhimbrelError("payload_gone")
    return found


async def replay(
    ctx: Context,
    receiving: Receiving,
    actor: str,
    request: HookReplay,
    *,
    hook_id: str,
    call_id: str,
    account_id: str,
    test: bool,
) -> HookReceipt:
    """Take a kept call once more, by the rules of now. What was sent for before is not sent again unless it is asked
    for."""
    hook = await existing(ctx, hook_id, account_id, test)
    call = await kept(ctx, hook_id, call_id, account_id=account_id, test=test)
    entry = audit.entry(ctx, actor, "hook.replayed", hook_id, account_id, call_id=call_id, again=request.again)
    await commit(ctx, [entry])
    active = msgspec.structs.replace(hook, status="active")
    return await receiving.take(active, call, replay_of=call_id, again=request.again)


async def _existing(ctx: Context, hook_id: str, call_id: str, account_id: str, test: bool) -> HookCall:
    await existing(ctx, hook_id, account_id, test)
    return await one(ctx, HookCall, "hook_call_by_id", call_id, hook_id)


def _kept(ctx: Context, row: HookCall) -> Called | None:
    if row.payload is None or row.payload_until <= ctx.clock.now_us():
        return None
    try:
        return from_kept(ctx.vault.open(row.payload, Seal.of(Seal.HOOK_PAYLOAD, row.id)))
    except InvalidTag:
        return None


async def _outcomes(ctx: Context, call_ids: list[str]) -> dict[str, list[HookOutcome]]:
    found: dict[str, list[HookOutcome]] = {}
    if call_ids:
        for row in await ctx.store.fetch(HookOutcome, "hook_outcomes_of", call_ids):
            found.setdefault(row.call_id, []).append(row)
    return found


def moment_of(event_at: int | None) -> str | None:
    """When an event happened, as the API says it; a sender's time may be any."""
    try:
        return moments.to_text_or_none(event_at)
    except OverflowError:
        return None
