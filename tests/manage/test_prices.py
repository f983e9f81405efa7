"""Prices: set one by one or by the thousand, replaced by prefix, and heard by the price list at once."""

import pytest

from whimbrel.manage import accounts, prices
from whimbrel.manage.accounts import NewAccount
from whimbrel.manage.prices import NewPrice, NewPrices

from .helpers import actions, refused


def micros(tables, account_id, digits):
    """The price of a segment to a number, in micros; None when there is no price."""
    quote = tables.prices.price(account_id, digits, 1)
    return quote[0] if quote else None


async def test_a_price_holds_at_once_and_is_replaced_by_prefix(ctx, account, tables):
    first = await prices.put(ctx, "cli", NewPrice(prefix="44", price="0.04"))
    assert micros(tables, account.id, "447400123456") == 40_000
    second = await prices.put(ctx, "cli", NewPrice(prefix="44", price="0.0075"))
    assert (second.id, second.price) == (first.id, "0.0075")
    assert micros(tables, account.id, "447400123456") == 7_500
    assert len((await prices.find(ctx)).data) == 1


async def test_an_account_s_own_price_goes_before_the_general_one(ctx, account, tables):
    await prices.put(ctx, "cli", NewPrice(prefix="44", price="0.04"))
    own = await prices.put(ctx, "cli", NewPrice(prefix="44", price="0.03", account_id=account.id))
    assert micros(tables, account.id, "447400123456") == 30_000
    assert micros(tables, "AC-other", "447400123456") == 40_000
    await prices.delete(ctx, "cli", own.id)
    assert micros(tables, account.id, "447400123456") == 40_000
    await refused(prices.get(ctx, own.id), "not_found")


async def test_an_account_sees_its_own_prices_and_the_general_ones(ctx, account):
    other = await accounts.create(ctx, "cli", NewAccount(name="Other"))
    general = await prices.put(ctx, "cli", NewPrice(prefix="1", price="0.01"))
    own = await prices.put(ctx, "cli", NewPrice(prefix="1", price="0.02", account_id=account.id))
    foreign = await prices.put(ctx, "cli", NewPrice(prefix="1", price="0.03", account_id=other.id))
    assert {row.id for row in (await prices.find(ctx, within=account.id)).data} == {general.id, own.id}
    assert len((await prices.find(ctx)).data) == 3
    await refused(prices.get(ctx, foreign.id, within=account.id), "not_found")


async def test_ten_thousand_prices_are_one_commit(ctx, account, tables):
    rows = tuple(NewPrice(prefix=f"49{n:05d}", price="0.07") for n in range(10_000))
    assert (await prices.put_many(ctx, "cli", NewPrices(prices=rows))).count == 10_000
    assert micros(tables, account.id, "490999912345") == 70_000
    assert (await actions(ctx)).count("prices.set") == 1


@pytest.mark.parametrize(
    ("bad", "pointers"),
    [
        (NewPrice(prefix="+44", price="0.1"), ("/prefix",)),
        (NewPrice(prefix="44", price="free"), ("/price",)),
        (NewPrice(prefix="44", price="-1"), ("/price",)),
        (NewPrice(prefix="44", price="0.0000001"), ("/price",)),
        (NewPrice(prefix="44", price="NaN"), ("/price",)),
        (NewPrice(prefix="44", price="1", currency="euro"), ("/currency",)),
        (NewPrice(prefix="44", price="1", account_id="AC0"), ("/account_id",)),
    ],
)
async def test_bad_prices_are_refused_alone_and_among_others(ctx, bad, pointers):
    await refused(prices.put(ctx, "cli", bad), "invalid_request", *pointers)
    several = NewPrices(prices=(NewPrice(prefix="1", price="1"), bad))
    await refused(prices.put_many(ctx, "cli", several), "invalid_request", *(f"/prices/1{p}" for p in pointers))
    assert (await prices.find(ctx)).data == ()


async def test_a_list_is_neither_empty_nor_endless_nor_says_a_prefix_twice(ctx):
    await refused(prices.put_many(ctx, "cli", NewPrices(prices=())), "invalid_request", "/prices")
    twice = NewPrice(prefix="1", price="1")
    await refused(prices.put_many(ctx, "cli", NewPrices(prices=(twice,) * 2)), "invalid_request", "/prices/1/prefix")
    endless = NewPrices(prices=(twice,) * 10_001)
    await refused(prices.put_many(ctx, "cli", endless), "invalid_request", "/prices")


async def test_a_price_is_in_the_currency_of_its_account(ctx, account):
    bad = NewPrice(prefix="1", price="1", account_id=account.id, currency="EUR")
    await refused(prices.put(ctx, "cli", bad), "invalid_request", "/currency")
