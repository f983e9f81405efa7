"""Whoever may make a link that signs in as somebody else does not do it unnoticed."""

import pytest

from whimbrel.domain.people import User
from whimbrel.manage import audit, notices, users
from whimbrel.manage.users import NewUser
from whimbrel.store.interface import Write

DAY_S = 24 * 3600


@pytest.fixture
async def people(ctx):
    """Two owners, the first of whom signs in already."""
    ada, bob = [
        (await users.invite(ctx, "cli", NewUser(email=f"{name}@example.com", role="owner"), account_id=None)).id
        for name in ("ada", "bob")
    ]
    await ctx.store.write([Write("user_set_password", ((ada, "kept", "active", ctx.clock.now_us()),))])
    return ada, bob


async def person(ctx, user_id):
    (found,) = await ctx.store.fetch(User, "user_by_id", user_id)
    return found


async def told(ctx, user_id, **more):
    return [(each.kind, each.by) for each in notices.of(await person(ctx, user_id), **more)]


async def test_a_link_is_told_to_whom_it_is_for(ctx, people):
    ada, bob = people
    await users.reinvite(ctx, bob, ada, account_id=None)
    assert await told(ctx, ada) == [("link_made", "bob (bob@example.com)")] and await told(ctx, bob) == []
    assert (await audit.find(ctx)).data[0].action == "user.link_made"
    await users.reinvite(ctx, "KE1", ada, account_id=None)
    assert await told(ctx, ada, unseen=True) == [("link_made", "KE1"), ("link_made", "bob (bob@example.com)")]
    await notices.seen(ctx, ada)
    assert await told(ctx, ada, unseen=True) == [] and len(await told(ctx, ada)) == 2


async def test_ones_own_links_and_invitations_are_no_news(ctx, people):
    ada, bob = people
    await users.reinvite(ctx, ada, ada, account_id=None)
    await users.reinvite(ctx, ada, bob, account_id=None)
    assert await told(ctx, ada) == [] and await told(ctx, bob) == [], "bob has not taken up his invitation"


async def test_they_are_kept_for_a_month(ctx, people, clock):
    ada, bob = people
    await users.reinvite(ctx, bob, ada, account_id=None)
    clock.advance(31 * DAY_S)
    await users.reinvite(ctx, "KE1", ada, account_id=None)
    assert await told(ctx, ada) == [("link_made", "KE1")]
    for _ in range(12):
        await users.reinvite(ctx, "KE1", ada, account_id=None)
    assert len(await told(ctx, ada)) == 10
