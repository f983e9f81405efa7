"""What people keep for themselves: views of a page, and the columns of its table."""

import pytest

from whimbrel.base import limits
from whimbrel.domain.people import User
from whimbrel.manage import preferences, saved_views, users
from whimbrel.manage.users import NewUser

from .helpers import refused


@pytest.fixture
async def ada(ctx, account):
    return (await users.invite(ctx, "cli", NewUser(email="ada@example.com", role="owner"), account_id=account.id)).id


async def user(ctx, user_id):
    (found,) = await ctx.store.fetch(User, "user_by_id", user_id)
    return found


async def test_a_view_keeps_the_filters_and_not_the_place(ctx, ada):
    saved = await saved_views.save(ctx, ada, "messages", "Codes", "class=otp&status=failed&cursor=abc&done=x&deep=3")
    assert saved.query == "class=otp&status=failed"
    await saved_views.save(ctx, ada, "audit", "Codes", "action=x")
    assert [view.id for view in await saved_views.of(ctx, ada, "messages")] == [saved.id]
    assert await saved_views.of(ctx, "US" + "0" * 32, "messages") == ()


async def test_a_name_stands_for_one_view_of_a_page(ctx, ada):
    await saved_views.save(ctx, ada, "messages", "Codes", "class=otp")
    for name in ("Codes", "", "a\nb", "a" * (limits.NAME_MAX + 1)):
        await refused(saved_views.save(ctx, ada, "messages", name, ""), "invalid_request", "/name")
    long = "q=" + "a" * limits.URL_MAX
    await refused(saved_views.save(ctx, ada, "messages", "Long", long), "invalid_request", "/query")


async def test_there_is_an_end_to_them(ctx, ada, monkeypatch):
    monkeypatch.setattr(limits, "SAVED_VIEWS_MAX", 2)
    for name in "ab":
        await saved_views.save(ctx, ada, "messages", name, "")
    await refused(saved_views.save(ctx, ada, "messages", "c", ""), "invalid_request", "/name")


async def test_nobody_deletes_anothers_view(ctx, ada):
    saved = await saved_views.save(ctx, ada, "messages", "Codes", "class=otp")
    await refused(saved_views.delete(ctx, "US" + "0" * 32, saved.id), "not_found")
    await saved_views.delete(ctx, ada, saved.id)
    assert await saved_views.of(ctx, ada, "messages") == ()
    await refused(saved_views.delete(ctx, ada, saved.id), "not_found")


async def test_columns_are_kept_by_page(ctx, ada):
    assert preferences.of(await user(ctx, ada)).columns == {}
    await preferences.set_columns(ctx, ada, "messages", ("status", "text"))
    await preferences.set_columns(ctx, ada, "audit", ("who",))
    assert preferences.of(await user(ctx, ada)).columns == {"messages": ("status", "text"), "audit": ("who",)}
    await preferences.set_columns(ctx, ada, "messages", ())
    assert preferences.of(await user(ctx, ada)).columns == {"audit": ("who",)}


async def test_a_choice_leaves_the_others(ctx, ada):
    await preferences.set_columns(ctx, ada, "audit", ("who",))
    await preferences.set_shown(ctx, ada, "AC1")
    await preferences.set_columns(ctx, ada, "messages", ("text",))
    kept = preferences.of(await user(ctx, ada))
    assert (kept.shown, set(kept.columns)) == ("AC1", {"audit", "messages"})


async def test_preferences_that_cannot_be_read_are_none(ctx, ada):
    await preferences.set_columns(ctx, ada, "audit", ("who",))
    (found,) = [await user(ctx, ada)]
    broken = User(**{name: getattr(found, name) for name in User.__struct_fields__} | {"preferences": "{"})
    assert preferences.of(broken).columns == {}
