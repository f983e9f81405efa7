"""What the guard has blocked, and what it lets pass: listed, lifted, kept safe."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.base import ids, moments
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.log import mask_number
from whimbrel.domain.numbers import normalise
from whimbrel.domain.verify import Block, SafeNumber
from whimbrel.manage import audit
from whimbrel.manage.context import Context, Page, Paging, after, commit, one, page
from whimbrel.products.verify.guard import told
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_QUIET_MAX_S = 30 * 24 * 3600


class BlockView(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers that are sent no codes."""

    id: str
    account_id: str
    kind: str
    value: Annotated[str, Meta(description="Digits that the numbers begin with, or their country.")]
    country: str
    reason: str
    evidence: dict[str, Any]
    active: bool
    created_at: str
    ends_at: str
    lifted_at: str | None
    lifted_by: str | None
    quiet_until: Annotated[str | None, Meta(description="So long they are not blocked again.")]


class Lift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A block ends now, and for a while there is no other one of the same numbers."""

    quiet_s: Annotated[int, Meta(ge=0, le=_QUIET_MAX_S, description="Seconds; a day by default.")] = 86_400


class NewSafeNumber(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that the guard lets pass."""

    number: str


class SafeNumberView(msgspec.Struct, frozen=True, kw_only=True):
    """A number of the safe list. It is kept as a keyed hash; `number` is masked."""

    id: str
    number: str
    created_at: str


async def find(ctx: Context, *, account_id: str, test: bool, paging: Paging) -> Page[BlockView]:
    """Blocks from either end, also those that have ended."""
    place = (account_id, int(test), after(paging), paging.limit + 1)
    rows = await ctx.store.fetch(Block, paging.of("verify_blocks_page", "verify_blocks_page_oldest"), *place)
    now = ctx.clock.now_us()
    return page(rows, paging, lambda row: _view(row, now), lambda row: row.id)


async def get(ctx: Context, block_id: str, *, account_id: str, test: bool) -> BlockView:
    """One of them; not_found."""
    return _view(await _existing(ctx, block_id, account_id, test), ctx.clock.now_us())


async def lift(ctx: Context, actor: str, block_id: str, request: Lift, *, account_id: str, test: bool) -> BlockView:
    """End a block. WhimbrelError: not_found, conflict when it has ended."""
    async with ctx.lock:
        before, now = await _existing(ctx, block_id, account_id, test), ctx.clock.now_us()
        if before.lifted_at is not None or before.ends_at <= now:
            raise WhimbrelError("conflict", "The block has ended.")
        quiet_until = now + request.quiet_s * SECOND_US
        row = msgspec.structs.replace(before, lifted_at=now, lifted_by=actor, quiet_until=quiet_until, seq=2)
        writes = [
            Write("verify_block_lift", ((row.id, now, actor, quiet_until, row.seq),)),
            told(row, "verify.unblocked", now),
            audit.entry(ctx, actor, "verify_block.lifted", row.id, account_id),
        ]
        await commit(ctx, writes)
    return _view(row, now)


async def make_safe(ctx: Context, actor: str, request: NewSafeNumber, *, account_id: str) -> SafeNumberView:
    """Put a number on the safe list; again changes nothing. WhimbrelError: invalid_number."""
    number = normalise(request.number)
    if number is None:
        raise WhimbrelError("invalid_number", errors=[FieldError("/number", "is no valid number", "invalid_number")])
    async with ctx.lock:
        hashed = ctx.vault.number_hash(number.e164)
        known = await ctx.store.fetch(SafeNumber, "verify_safe_by_hash", account_id, hashed)
        if known:
            return _safe_view(known[0])
        row = SafeNumber(ctx.ids.new(ids.SAFE_NUMBER), account_id, hashed, mask_number(number.e164), ctx.clock.now_us())
        entry = audit.entry(ctx, actor, "verify_safe_number.created", row.id, account_id)
        await commit(ctx, [Write("verify_safe_insert", (to_columns(row),)), entry])
    return _safe_view(row)


async def safe_numbers(ctx: Context, *, account_id: str, paging: Paging) -> Page[SafeNumberView]:
    """The safe list, newest first."""
    place = (account_id, after(paging), paging.limit + 1)
    rows = await ctx.store.fetch(SafeNumber, "verify_safe_page", *place)
    return page(rows, paging, _safe_view, lambda row: row.id)


async def safe_number(ctx: Context, place: str, *, account_id: str) -> SafeNumberView:
    """One of it, by its id or the number; not_found."""
    return _safe_view(await _safe(ctx, place, account_id))


async def make_unsafe(ctx: Context, actor: str, place: str, *, account_id: str) -> None:
    """Take it off the list, by its id or the number."""
    async with ctx.lock:
        row = await _safe(ctx, place, account_id)
        entry = audit.entry(ctx, actor, "verify_safe_number.deleted", row.id, account_id)
        await commit(ctx, [Write("verify_safe_delete", ((account_id, row.id),)), entry])


async def _safe(ctx: Context, place: str, account_id: str) -> SafeNumber:
    number = normalise(place)
    if number is None:
        return await one(ctx, SafeNumber, "verify_safe_by_id", account_id, place)
    return await one(ctx, SafeNumber, "verify_safe_by_hash", account_id, ctx.vault.number_hash(number.e164))


async def _existing(ctx: Context, block_id: str, account_id: str, test: bool) -> Block:
    return await one(ctx, Block, "verify_block_by_id", account_id, int(test), block_id)


def _safe_view(row: SafeNumber) -> SafeNumberView:
    return SafeNumberView(id=row.id, number=row.masked, created_at=moments.to_text(row.created_at))


def _view(row: Block, now: int) -> BlockView:
    return BlockView(
        id=row.id,
        account_id=row.account_id,
        kind=row.kind,
        value=row.value,
        country=row.country,
        reason=row.reason,
        evidence=msgspec.json.decode(row.evidence),
        active=row.lifted_at is None and row.ends_at > now,
        created_at=moments.to_text(row.created_at),
        ends_at=moments.to_text(row.ends_at),
        lifted_at=None if row.lifted_at is None else moments.to_text(row.lifted_at),
        lifted_by=row.lifted_by,
        quiet_until=moments.to_text(row.quiet_until) if row.quiet_until > now else None,
    )
