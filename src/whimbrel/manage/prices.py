"""Prices: what a segment to numbers with a prefix costs an account. An account's own list goes before the general
one (domain/pricing.py has the rule). One price for a list and prefix: setting it again replaces it.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from whimbrel.base import ids, moments, money
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.model import Price
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, known_account, one, page
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_Amounts: TypeAlias = tuple[int, int | None]
"""A price and a price of MMS, in micros."""
BULK_MAX = 10_000  # a full list by operator and country has some 3,000 prefixes


class NewPrice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price of a segment: a decimal string. `prefix` are digits without plus, empty for all numbers; `account_id`
    None is the general list. `mms_price`: of one message that goes as MMS; without it that costs what its text costs
    with the link to its media."""

    prefix: str
    price: str
    account_id: str | None = None
    currency: str = "USD"
    mms_price: str | None = None


class NewPrices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to 10,000 prices, set in one commit or not at all."""

    prices: tuple[NewPrice, ...]


class PriceView(msgspec.Struct, frozen=True, kw_only=True):
    """A price as a customer sees it."""

    id: str
    account_id: str | None
    prefix: str
    price: str
    currency: str
    created_at: str
    updated_at: str
    mms_price: str | None


class PricesSet(msgspec.Struct, frozen=True, kw_only=True):
    """How many prices were set."""

    count: int


# ---------------------------------------------------------------- verbs


async def put(ctx: Context, actor: str, request: NewPrice) -> PriceView:
    """Set one price."""
    amounts = (await _checked(ctx, (request,), one_only=True))[0]
    async with ctx.lock:
        price = _row(ctx, request, amounts)
        detail = {"prefix": price.prefix, "price": money.to_text(price.price_micros)}
        if price.mms_price_micros is not None:
            detail["mms_price"] = money.to_text(price.mms_price_micros)
        entry = audit.entry(ctx, actor, "price.set", price.id, price.account_id, **detail)
        await commit(ctx, [Write("price_put", (to_columns(price),)), entry], "prices")
    return view(await one(ctx, Price, "price_by_prefix", price.account_id or "", price.prefix))


async def put_many(ctx: Context, actor: str, request: NewPrices) -> PricesSet:
    """Set many prices in one commit."""
    prices = request.prices
    checks = Checks()
    checks.require(1 <= len(prices) <= BULK_MAX, "/prices", f"must be 1 to {BULK_MAX} prices")
    checks.done()
    checked = await _checked(ctx, prices, one_only=False)
    async with ctx.lock:
        rows = tuple(to_columns(_row(ctx, new, amounts)) for new, amounts in zip(prices, checked, strict=True))
        entry = audit.entry(ctx, actor, "prices.set", "", count=len(rows))
        await commit(ctx, [Write("price_put", rows), entry], "prices")
    return PricesSet(count=len(rows))


async def get(ctx: Context, price_id: str, *, within: str | None = None) -> PriceView:
    """One price. `within` an account: its own and the general ones."""
    return view(await _existing(ctx, price_id, within))


async def find(ctx: Context, *, within: str | None = None, paging: Paging = FIRST_PAGE) -> Page[PriceView]:
    """All prices, or those that an account sees (its own and the general ones); newest first."""
    rows = await ctx.store.fetch(Price, "prices_page", within, after(paging), paging.limit + 1)
    return page(rows, paging, view, lambda row: row.id)


async def delete(ctx: Context, actor: str, price_id: str, *, of: str | None = None) -> None:
    """Remove a price; numbers that no other price covers are refused with `no_price`. `of` an account: `not_found` for
    what is not of its own list."""
    async with ctx.lock:
        price = await _existing(ctx, price_id, of)
        if of is not None and price.account_id is None:
            raise WhimbrelError("not_found")
        entry = audit.entry(ctx, actor, "price.deleted", price_id, price.account_id, prefix=price.prefix)
        await commit(ctx, [Write("price_delete", ((price_id,),)), entry], "prices")


def view(price: Price) -> PriceView:
    """The public shape."""
    return PriceView(
        id=price.id,
        account_id=price.account_id,
        prefix=price.prefix,
        price=money.to_text(price.price_micros),
        currency=price.currency,
        created_at=moments.to_text(price.created_at),
        updated_at=moments.to_text(price.updated_at),
        mms_price=None if price.mms_price_micros is None else money.to_text(price.mms_price_micros),
    )


# ---------------------------------------------------------------- parts of them


async def _existing(ctx: Context, price_id: str, within: str | None) -> Price:
    price = await one(ctx, Price, "price_by_id", price_id)
    if within is not None and price.account_id not in (None, within):
        raise WhimbrelError("not_found")
    return price


def _row(ctx: Context, request: NewPrice, amounts: _Amounts) -> Price:
    now = ctx.clock.now_us()
    price_id = ctx.ids.new(ids.PRICE)
    micros, mms_micros = amounts
    return Price(price_id, request.account_id, request.prefix, micros, request.currency, now, now, mms_micros)


async def _checked(ctx: Context, prices: Sequence[NewPrice], *, one_only: bool) -> list[_Amounts]:
    """The prices in micros; `invalid_request` with everything that is wrong."""
    checks = Checks()
    wanted = {price.account_id for price in prices if price.account_id}
    found = [await known_account(ctx, account_id) for account_id in wanted]
    currencies = {account.id: account.currency for account in found if account is not None}
    seen: set[tuple[str | None, str]] = set()
    found_amounts: list[_Amounts] = []
    for place, price in enumerate(prices):
        root = "" if one_only else f"/prices/{place}"
        checks.prefix(price.prefix, f"{root}/prefix")
        checks.require(
            (price.account_id, price.prefix) not in seen, f"{root}/prefix", "has a price in this list already"
        )
        seen.add((price.account_id, price.prefix))
        checks.currency(price.currency, f"{root}/currency")
        if price.account_id is not None:
            known = currencies.get(price.account_id)
            checks.require(known is not None, f"{root}/account_id", "there is no such account")
            checks.require(known in (None, price.currency), f"{root}/currency", f"must be the account's: {known}")
        mms = None if price.mms_price is None else checks.amount(price.mms_price, f"{root}/mms_price")
        found_amounts.append((checks.amount(price.price, f"{root}/price"), mms))
    checks.done()
    return found_amounts
