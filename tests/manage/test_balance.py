"""Money that comes in: the balance and its ledger agree, to the last micro."""

import pytest

from whimbrel.manage import balance
from whimbrel.manage.balance import TopUp
from whimbrel.manage.context import Paging

from .helpers import actions, refused


async def test_a_top_up_is_a_movement_from_the_bank(ctx, account):
    await balance.top_up(ctx, "KE1", TopUp(amount="10", note="invoice 7"), account_id=account.id)
    after = await balance.top_up(ctx, "KE1", TopUp(amount="0.000001"), account_id=account.id)
    assert (after.available, after.held, after.spent) == ("10.000001", "0.00", "0.00")
    assert after == await balance.get(ctx, account_id=account.id)
    rows = (await balance.ledger(ctx, account_id=account.id)).data
    assert [(row.kind, row.debit, row.credit, row.amount, row.note) for row in rows] == [
        ("top_up", "bank", "available", "0.000001", ""),
        ("top_up", "bank", "available", "10.00", "invoice 7"),
    ]
    assert (await actions(ctx))[-2:] == ["balance.topped_up"] * 2


@pytest.mark.parametrize("amount", ["0", "-5", "five", "0.0000001", "1e20", "Infinity", ""])
async def test_amounts_that_are_none_are_refused(ctx, account, amount):
    await refused(balance.top_up(ctx, "cli", TopUp(amount=amount), account_id=account.id), "invalid_request", "/amount")
    assert (await balance.ledger(ctx, account_id=account.id)).data == ()


async def test_notes_are_short_and_plain(ctx, account):
    request = TopUp(amount="1", note="a\nb")
    await refused(balance.top_up(ctx, "cli", request, account_id=account.id), "invalid_request", "/note")


async def test_unknown_accounts_have_no_balance(ctx):
    await refused(balance.get(ctx, account_id="AC0"), "not_found")
    await refused(balance.top_up(ctx, "cli", TopUp(amount="1"), account_id="AC0"), "not_found")


async def test_the_ledger_is_read_by_pages(ctx, account):
    for amount in range(1, 6):
        await balance.top_up(ctx, "cli", TopUp(amount=str(amount)), account_id=account.id)
    first = await balance.ledger(ctx, account_id=account.id, paging=Paging(limit=3))
    rest = await balance.ledger(ctx, account_id=account.id, paging=Paging(limit=3, cursor=first.next_cursor))
    assert [row.amount for row in (*first.data, *rest.data)] == ["5.00", "4.00", "3.00", "2.00", "1.00"]
    assert rest.next_cursor is None
    await refused(balance.ledger(ctx, account_id=account.id, paging=Paging(cursor="QUM")), "invalid_cursor")
