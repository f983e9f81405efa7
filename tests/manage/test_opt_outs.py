"""Opt-outs: recorded once, heard at once, told as events, and never with the number itself."""

import msgspec

from whimbrel.domain.model import Event
from whimbrel.manage import accounts, opt_outs
from whimbrel.manage.accounts import NewAccount
from whimbrel.manage.context import Paging
from whimbrel.manage.opt_outs import NewOptOut, OptOutImport

from .helpers import actions, refused

NUMBER = "+447400123456"


async def stop(ctx, account, number=NUMBER):
    return await opt_outs.create(ctx, "KE1", NewOptOut(number=number), account_id=account.id)


def stopped(ctx, tables, account, number=NUMBER):
    return ctx.vault.number_hash(number) in tables.opt_outs.get(account.id, set())


async def events(ctx):
    return [(event.subject_id, event.seq, event.type) for event in await ctx.store.events_after(0, 100)]


async def test_an_opt_out_holds_at_once_and_shows_no_number(ctx, account, tables):
    made = await stop(ctx, account)
    assert stopped(ctx, tables, account)
    assert made.number == "+4474•••••456"
    assert made.source == "api"
    assert await events(ctx) == [(made.id, 1, "opt_out.created")]
    rows = await ctx.store.fetch(Event, "events_after", 0, 10)
    assert b"447400123456" not in msgspec.json.encode(rows)


async def test_it_is_found_by_its_number_however_that_is_written(ctx, account):
    made = await stop(ctx, account)
    assert await opt_outs.get_by_number(ctx, "0044 7400 123456", account_id=account.id) == made
    assert await opt_outs.get(ctx, made.id, account_id=account.id) == made
    await refused(opt_outs.get_by_number(ctx, "+447400123457", account_id=account.id), "not_found")
    await refused(opt_outs.get_by_number(ctx, "x", account_id=account.id), "invalid_number", "number")


async def test_recording_it_again_changes_nothing(ctx, account):
    first = await stop(ctx, account)
    assert await stop(ctx, account) == first
    assert len(await events(ctx)) == 1
    assert (await actions(ctx)).count("opt_outs.recorded") == 1


async def test_a_number_may_opt_in_and_out_again(ctx, account, tables):
    first = await stop(ctx, account)
    await opt_outs.delete(ctx, "KE1", first.id, account_id=account.id)
    assert not stopped(ctx, tables, account)
    second = await stop(ctx, account)
    assert stopped(ctx, tables, account)
    assert await events(ctx) == [
        (first.id, 1, "opt_out.created"),
        (first.id, 2, "opt_out.deleted"),
        (second.id, 1, "opt_out.created"),
    ]
    await refused(opt_outs.delete(ctx, "KE1", first.id, account_id=account.id), "not_found")


async def test_opt_outs_belong_to_one_account(ctx, account, tables):
    other = await accounts.create(ctx, "cli", NewAccount(name="Other"))
    made = await stop(ctx, account)
    assert not stopped(ctx, tables, other)
    await refused(opt_outs.get(ctx, made.id, account_id=other.id), "not_found")
    await refused(opt_outs.delete(ctx, "KE", made.id, account_id=other.id), "not_found")
    await refused(opt_outs.create(ctx, "KE", NewOptOut(number=NUMBER), account_id="AC0"), "not_found")


async def test_a_list_is_imported_in_one_commit(ctx, account, tables):
    await stop(ctx, account)
    numbers = (NUMBER, "+447400123457", "+447400123458", "+44 7400 123 458")
    done = await opt_outs.import_list(ctx, "KE1", OptOutImport(numbers=numbers), account_id=account.id)
    assert (done.created, done.known) == (2, 2)
    assert stopped(ctx, tables, account, "+447400123458")
    assert len(await events(ctx)) == 3
    assert (await opt_outs.get_by_number(ctx, "+447400123457", account_id=account.id)).source == "import"


async def test_one_bad_number_and_nothing_is_imported(ctx, account, tables):
    request = OptOutImport(numbers=(NUMBER, "x", "+447400123457", "+1"))
    verb = opt_outs.import_list(ctx, "KE1", request, account_id=account.id)
    await refused(verb, "invalid_request", "/numbers/1", "/numbers/3")
    assert await events(ctx) == []
    assert not stopped(ctx, tables, account)


async def test_lists_are_neither_empty_nor_endless(ctx, account):
    for numbers in ((), (NUMBER,) * 10_001):
        verb = opt_outs.import_list(ctx, "KE1", OptOutImport(numbers=numbers), account_id=account.id)
        await refused(verb, "invalid_request", "/numbers")


async def test_pages(ctx, account):
    made = [(await stop(ctx, account, f"+44740012345{n}")).id for n in range(3)]
    first = await opt_outs.find(ctx, account_id=account.id, paging=Paging(limit=2))
    rest = await opt_outs.find(ctx, account_id=account.id, paging=Paging(limit=2, cursor=first.next_cursor))
    assert [row.id for row in (*first.data, *rest.data)] == made[::-1]
