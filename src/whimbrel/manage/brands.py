"""Brands: named groups of an account's senders. How far a STOP reaches can be a brand; without any, all senders of the
account are one. Senders that are of no named brand are one brand together.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from whimbrel.base import ids, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.model import Sender
from whimbrel.domain.permission import Brand
from whimbrel.manage import accounts, audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, Page, commit
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

KIND: Final = "consent"
BRANDS_MAX: Final = 100


class NewBrand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A brand as a whole."""

    name: Annotated[str, Meta(description="As its texts call it: confirmations of a STOP are in this name.")]
    senders: Annotated[tuple[str, ...], Meta(description="Senders of the account; each is of one brand at most.")] = ()


class BrandView(msgspec.Struct, frozen=True, kw_only=True):
    """A brand."""

    id: str
    account_id: str
    name: str
    senders: tuple[str, ...]
    created_at: str
    updated_at: str


async def create(ctx: Context, actor: str, request: NewBrand, *, account_id: str) -> BrandView:
    """Make a brand. What a STOP has suppressed before stays suppressed as far as it did."""
    await accounts.existing(ctx, account_id)
    async with ctx.lock:
        others = await _all(ctx, account_id)
        if len(others) >= BRANDS_MAX:
            raise WhimbrelError("conflict", f"An account has at most {BRANDS_MAX} brands.")
        await _check(ctx, request, others, account_id)
        now = ctx.clock.now_us()
        brand = Brand(ctx.ids.new(ids.BRAND), account_id, request.name, request.senders, now, now)
        entry = audit.entry(ctx, actor, "brand.created", brand.id, account_id)
        await commit(ctx, [Write("brand_put", (to_columns(brand),)), entry], KIND)
    return view(brand)


async def put(ctx: Context, actor: str, brand_id: str, request: NewBrand, *, account_id: str) -> BrandView:
    """Change a brand as a whole."""
    async with ctx.lock:
        every = await _all(ctx, account_id)
        known = _named(every, brand_id)
        await _check(ctx, request, [each for each in every if each.id != brand_id], account_id)
        brand = msgspec.structs.replace(
            known, name=request.name, senders=request.senders, updated_at=ctx.clock.now_us()
        )
        entry = audit.entry(ctx, actor, "brand.updated", brand.id, account_id)
        await commit(ctx, [Write("brand_put", (to_columns(brand),)), entry], KIND)
    return view(brand)


async def get(ctx: Context, brand_id: str, *, account_id: str) -> BrandView:
    """One brand."""
    return view(_named(await _all(ctx, account_id), brand_id))


async def find(ctx: Context, *, account_id: str) -> Page[BrandView]:
    """All brands of an account, oldest first."""
    return Page(tuple(view(each) for each in await _all(ctx, account_id)))


async def delete(ctx: Context, actor: str, brand_id: str, *, account_id: str) -> None:
    """Take a brand away. Its senders are of no named one then; who opted out of it is kept, and counts no more."""
    async with ctx.lock:
        _named(await _all(ctx, account_id), brand_id)
        entry = audit.entry(ctx, actor, "brand.deleted", brand_id, account_id)
        await commit(ctx, [Write("brand_delete", ((account_id, brand_id),)), entry], KIND)


async def _all(ctx: Context, account_id: str) -> list[Brand]:
    return await ctx.store.fetch(Brand, "brands_of", account_id)


def _named(brands: Sequence[Brand], brand_id: str) -> Brand:
    for each in brands:
        if each.id == brand_id:
            return each
    raise WhimbrelError("not_found")


async def _check(ctx: Context, request: NewBrand, others: Sequence[Brand], account_id: str) -> None:
    checks = Checks()
    checks.text(request.name, "/name")
    checks.require(all(each.name != request.name for each in others), "/name", "is taken by another brand")
    known = {each.value for each in await ctx.store.fetch(Sender, "senders_of_account", account_id)}
    taken = {value for each in others for value in each.senders}
    for place, value in enumerate(request.senders):
        checks.require(value in known, f"/senders/{place}", "is no sender of the account")
        checks.require(value not in taken, f"/senders/{place}", "is of another brand")
    checks.require(len(set(request.senders)) == len(request.senders), "/senders", "must not name one twice")
    checks.done()


def view(brand: Brand) -> BrandView:
    """The public shape."""
    return BrandView(
        id=brand.id,
        account_id=brand.account_id,
        name=brand.name,
        senders=brand.senders,
        created_at=moments.to_text(brand.created_at),
        updated_at=moments.to_text(brand.updated_at),
    )
