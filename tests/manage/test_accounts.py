"""Accounts: made, changed, suspended, closed; sub-accounts; who sees which; their secrets."""

import asyncio
import re

import pytest

from whimbrel.base.errors import WhimbrelError
from whimbrel.manage import accounts, audit, balance
from whimbrel.manage.accounts import AccountChange, NewAccount
from whimbrel.manage.context import Paging

from .helpers import actions, refused


async def child_of(ctx, account):
    return await accounts.create(ctx, "cli", NewAccount(name="Branch", parent_id=account.id), within=account.id)


async def test_a_new_account_is_active_with_an_empty_balance_and_secrets_of_its_own(ctx, tables):
    made = await accounts.create(ctx, "cli", NewAccount(name="Shop", currency="EUR", dedupe_s=5))
    assert made.status == "active"
    assert re.fullmatch(r"[0-9a-z]{32}", made.auth_token)
    assert made.callback_secret.startswith("whsec_")
    assert tables.auth_token(made.id) == made.auth_token
    assert tables.callback_secret(made.id) == made.callback_secret
    money = await balance.get(ctx, account_id=made.id)
    assert (money.currency, money.available, money.held, money.spent) == ("EUR", "0.00", "0.00", "0.00")


async def test_the_secrets_are_not_stored_in_the_clear_and_not_shown_again(ctx, account, tables):
    assert account.auth_token.encode() not in tables.accounts[account.id].auth_token
    assert not hasattr(await accounts.get(ctx, account.id), "auth_token")


@pytest.mark.parametrize(
    ("request_", "pointers"),
    [
        (NewAccount(name=""), ("/name",)),
        (NewAccount(name="a\nb"), ("/name",)),
        (NewAccount(name="x" * 129), ("/name",)),
        (NewAccount(name="x", currency="usd"), ("/currency",)),
        (NewAccount(name="x", dedupe_s=-1), ("/dedupe_s",)),
        (NewAccount(name="", currency="", dedupe_s=9999), ("/name", "/currency", "/dedupe_s")),
        (NewAccount(name="x", parent_id="AC0"), ("/parent_id",)),
    ],
)
async def test_bad_input_is_refused_and_nothing_is_stored(ctx, request_, pointers):
    await refused(accounts.create(ctx, "cli", request_), "invalid_request", *pointers)
    assert (await accounts.find(ctx)).data == ()
    assert await actions(ctx) == []


async def test_a_change_keeps_what_it_does_not_name(ctx, account, clock, tables):
    clock.advance(1)
    changed = await accounts.update(ctx, "cli", account.id, AccountChange(dedupe_s=30))
    assert (changed.name, changed.dedupe_s) == ("Shop", 30)
    assert changed.updated_at > changed.created_at
    assert tables.accounts[account.id].dedupe_s == 30
    assert await accounts.get(ctx, account.id) == changed
    await refused(accounts.update(ctx, "cli", account.id, AccountChange(name="")), "invalid_request", "/name")


async def test_suspended_accounts_may_be_activated_and_closed_ones_may_not(ctx, account, tables):
    assert (await accounts.suspend(ctx, "cli", account.id)).status == "suspended"
    assert tables.accounts[account.id].status == "suspended"
    assert (await accounts.activate(ctx, "cli", account.id)).status == "active"
    assert (await accounts.close(ctx, "cli", account.id)).status == "closed"
    await refused(accounts.activate(ctx, "cli", account.id), "conflict")
    await refused(accounts.suspend(ctx, "cli", account.id), "conflict")
    assert tables.accounts[account.id].status == "closed"


async def test_a_status_that_holds_already_leaves_no_second_entry(ctx, account):
    await accounts.suspend(ctx, "cli", account.id)
    await accounts.suspend(ctx, "cli", account.id)
    assert await actions(ctx) == ["account.created", "account.suspended"]


async def test_an_account_sees_itself_and_its_sub_accounts_only(ctx, account):
    child = await child_of(ctx, account)
    stranger = await accounts.create(ctx, "cli", NewAccount(name="Other"))
    assert {row.id for row in (await accounts.find(ctx, within=account.id)).data} == {account.id, child.id}
    assert (await accounts.get(ctx, child.id, within=account.id)).parent_id == account.id
    for verb in (
        accounts.get(ctx, stranger.id, within=account.id),
        accounts.get(ctx, account.id, within=child.id),
        accounts.suspend(ctx, "KE", stranger.id, within=account.id),
        accounts.update(ctx, "KE", stranger.id, AccountChange(name="x"), within=account.id),
        accounts.rotate_token(ctx, "KE", stranger.id, within=account.id),
    ):
        await refused(verb, "not_found")


async def test_sub_accounts_stand_one_level_deep_in_their_parents_currency(ctx, account):
    child = await child_of(ctx, account)
    deeper = NewAccount(name="x", parent_id=child.id)
    await refused(accounts.create(ctx, "cli", deeper), "invalid_request", "/parent_id")
    foreign = NewAccount(name="x", parent_id=account.id, currency="EUR")
    await refused(accounts.create(ctx, "cli", foreign), "invalid_request", "/currency")
    orphan = NewAccount(name="x")
    await refused(accounts.create(ctx, "KE", orphan, within=account.id), "invalid_request", "/parent_id")


async def test_a_sub_account_has_the_status_of_a_parent_that_may_not_act(ctx, account, tables):
    child = await child_of(ctx, account)
    await accounts.suspend(ctx, "cli", account.id)
    assert tables.accounts[child.id].status == "suspended"
    assert (await accounts.get(ctx, child.id)).status == "active"
    await accounts.activate(ctx, "cli", account.id)
    assert tables.accounts[child.id].status == "active"


async def test_an_account_cannot_lift_its_own_suspension(ctx, account):
    await accounts.suspend(ctx, "cli", account.id)
    await refused(accounts.activate(ctx, "KE", account.id, within=account.id), "forbidden")


async def test_a_parent_may_suspend_its_sub_account(ctx, account):
    child = await child_of(ctx, account)
    assert (await accounts.suspend(ctx, "KE", child.id, within=account.id)).status == "suspended"


async def test_rotated_secrets_replace_the_old_ones_at_once(ctx, account, tables):
    token = await accounts.rotate_token(ctx, "cli", account.id)
    secret = await accounts.rotate_callback_secret(ctx, "cli", account.id)
    assert token.secret != account.auth_token
    assert tables.auth_token(account.id) == token.secret
    assert tables.callback_secret(account.id) == secret.secret != account.callback_secret


async def test_pages_go_back_in_time_without_gaps_or_repeats(ctx):
    made = [(await accounts.create(ctx, "cli", NewAccount(name=f"n{i}"))).id for i in range(5)]
    seen, paging = [], Paging(limit=2)
    while paging is not None:
        found = await accounts.find(ctx, paging=paging)
        seen += [row.id for row in found.data]
        assert len(found.data) <= 2
        paging = Paging(cursor=found.next_cursor, limit=2) if found.next_cursor else None
    assert seen == made[::-1]


@pytest.mark.parametrize("cursor", ["", "!", "é", "A", "_____w"])
async def test_what_is_no_cursor_is_refused(ctx, cursor):
    await refused(accounts.find(ctx, paging=Paging(cursor=cursor)), "invalid_cursor")


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_the_size_of_a_page_is_bounded(ctx, limit):
    await refused(accounts.find(ctx, paging=Paging(limit=limit)), "invalid_parameter", "limit")


async def test_every_change_says_who_made_it(ctx, account):
    await accounts.suspend(ctx, "KE1", account.id)
    newest = (await audit.find(ctx, account.id)).data[0]
    assert (newest.actor, newest.action, newest.subject_id) == ("KE1", "account.suspended", account.id)
    assert (await audit.find(ctx, "AC-other")).data == ()


async def test_changes_at_the_same_time_are_both_kept(ctx, account):
    await asyncio.gather(
        accounts.update(ctx, "cli", account.id, AccountChange(name="Both")),
        accounts.update(ctx, "cli", account.id, AccountChange(dedupe_s=9)),
        accounts.suspend(ctx, "cli", account.id),
    )
    found = await accounts.get(ctx, account.id)
    assert (found.name, found.dedupe_s, found.status) == ("Both", 9, "suspended")


async def test_an_unknown_account_is_not_found(ctx):
    with pytest.raises(WhimbrelError, match="not_found"):
        await accounts.get(ctx, "AC0")
