"""What stands between the console and whoever means it harm: proofs, headers, streams of those who may no more."""

import asyncio
import re

import pytest

from whimbrel.base.limits import CONFIRMED_S
from whimbrel.domain.people import Session, User
from whimbrel.manage import accounts, users
from whimbrel.manage.users import UserChange
from whimbrel.store.interface import Write

pytestmark = pytest.mark.asyncio(loop_scope="module")
GUARDS = ("content-security-policy", "x-content-type-options", "referrer-policy", "cross-origin-opener-policy")
STREAM = "/console/overview/live"


async def person(edge, browser):
    """Whose browser it is, as stored."""
    email = re.search(r"[a-z_]+-[0-9a-f]{8}@example\.com", (await browser.get("/console/profile")).words)[0]
    (user,) = await edge.app.store.fetch(User, "user_by_email", email)
    return user


async def long_ago(edge, user):
    """They proved who they are longer ago than what is grave allows."""
    now = edge.app.clock.now_us()
    for session in await edge.app.store.fetch(Session, "sessions_of_user", user.id, now):
        before = now - (CONFIRMED_S + 1) * 1_000_000
        await edge.app.store.write([Write("session_confirm", ((session.id, before),))])


async def test_a_password_is_not_replaced_by_the_page_for_the_first_one(edge, browser):
    user = await person(edge, browser)
    await long_ago(edge, user)
    seen = await browser.post("/console/welcome", {"password": "that of a thief"})
    assert seen.to.startswith("/console/confirm")
    assert (await edge.app.store.fetch(User, "user_by_id", user.id))[0].password == user.password


@pytest.mark.parametrize("end", ["disabled", "deleted", "signed out", "role", "suspended"])
async def test_a_stream_ends_with_the_right_to_see_it(edge, sign_in, end):
    other = await edge.new_customer()
    await sign_in(account_id=other.id)  # the owner who stays
    browser = await sign_in(account_id=other.id)
    user, ctx = await person(edge, browser), edge.app.manage
    async with browser.open(STREAM) as stream:
        assert stream.status == 200
        await stream.content.readuntil(b"event: frame")
        if end == "disabled":
            await users.update(ctx, "test", user.id, UserChange(disabled=True), account_id=other.id)
        elif end == "deleted":
            await users.delete(ctx, "test", user.id, account_id=other.id)
        elif end == "signed out":
            await browser.post("/console/sign-out")
        elif end == "role":
            await users.update(ctx, "test", user.id, UserChange(role="billing"), account_id=other.id)
        else:
            await accounts.suspend(ctx, "test", other.id)
        async with asyncio.timeout(2):
            await stream.content.read(-1)


@pytest.mark.parametrize("to", ["//[", "/console/\u20ac", "/console/\x00", "https://[/console"])
async def test_an_address_to_go_back_to_that_is_none(browser, to):
    assert (await browser.post("/console/show", {"to": to})).status == 303
    assert (await browser.post("/console/show", {"to": to}, part=True)).status == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/console/profile"), ("GET", "/console/nowhere"), ("GET", "/console/show"), ("GET", "/console/static/x")],
)
async def test_every_answer_is_guarded(browser, method, path):
    seen = await browser._ask(method, path, False)
    assert seen.status in {404, 405}
    assert all(seen.headers.get(name) for name in GUARDS), seen.headers


async def test_a_database_that_is_away_is_told_by_a_guarded_page(edge, browser, monkeypatch):
    async def away(*_):
        raise ConnectionError("away")

    with monkeypatch.context() as patched:
        patched.setattr(type(edge.app.store), "fetch", away)
        seen = await browser.get("/console/profile")
    assert seen.status >= 500 and all(seen.headers.get(name) for name in GUARDS)


@pytest.mark.parametrize(
    ("secret", "code"), [("", "123456"), ("1", "123456"), ("A" * 5000, "123456"), ("\u20ac", "123456")]
)
async def test_a_secret_that_is_none_of_ours_is_refused(browser, secret, code):
    seen = await browser.post("/console/profile/authenticator", {"secret": secret, "code": code})
    assert seen.status == 422


CREDENTIALS = (
    "", "[]", "null", "{}", '{"rawId": 5}', "[" * 5000, '{"response": {"clientDataJSON": 7}}',
    '{"response": {"clientDataJSON": "bnVsbA"}}', '{"response":{"clientDataJSON":"eyJjaGFsbGVuZ2UiOjV9"}}',
)  # fmt: skip


@pytest.mark.parametrize("sent", CREDENTIALS)
async def test_what_is_no_passkey_is_kept(browser, sent):
    seen = await browser.post("/console/profile/passkeys", {"credential": sent, "name": "x"})
    assert seen.status == 422
