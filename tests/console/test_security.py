"""What stands between the console and whoever means it harm: proofs, headers, streams of those who may no more."""

import asyncio
import re

import aiohttp
import pytest

from whimbrel.base.limits import CONFIRMED_S
from whimbrel.base.vault import Seal
from whimbrel.domain.people import Session, User
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.site import PAGES
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
        async with asyncio.timeout(30):
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


async def session_of(edge, user):
    (session,) = await edge.app.store.fetch(Session, "sessions_of_user", user.id, edge.app.clock.now_us())
    return session


async def test_what_a_page_asks_for_by_itself_keeps_nobody_signed_in(edge, browser):
    user, store = await person(edge, browser), edge.app.store
    before = edge.app.clock.now_us() - 600_000_000
    await store.write([Write("session_seen", (((await session_of(edge, user)).id, before),))])
    assert (await browser.get("/console/messages", part=True)).status == 200
    async with browser.open(STREAM) as stream:
        assert stream.status == 200
    assert (await session_of(edge, user)).seen_at == before
    assert (await browser.get("/console/messages")).status == 200
    assert (await session_of(edge, user)).seen_at > before


async def test_a_link_leaves_the_second_factor_to_be_asked_for_and_nothing_else(edge, sign_in, stranger):
    user = await person(edge, await sign_in())
    secret = edge.app.manage.vault.seal("A" * 32, Seal.of(Seal.USER_TOTP, user.id))
    await edge.app.store.write([Write("user_set_totp", ((user.id, secret, 1),))])
    made = await users.reinvite(edge.app.manage, "test", user.id, account_id=edge.customer.id)
    half = stranger()
    assert (await half.post(f"/console/link/{made.code}")).to == "/console/second-factor"
    await half.get("/console/second-factor")  # for its token
    for page in PAGES:
        if page.who == "whole":
            path = re.sub(r"\{\w+\}", "1", page.path)
            seen = await (half.get if page.method == "GET" else half.post)(path)
            assert seen.to.startswith("/console/sign-in"), page.path
    assert (await half.post("/console/second-factor", {"code": "000000"})).status == 401


async def test_whoever_signs_in_anew_leaves_no_session_behind(edge, sign_in):
    browser = await sign_in()
    user = await person(edge, browser)
    before = await session_of(edge, user)
    made = await users.reinvite(edge.app.manage, "test", user.id, account_id=edge.customer.id)
    await browser.post(f"/console/link/{made.code}")
    assert (await session_of(edge, user)).id != before.id


async def test_a_link_does_not_put_somebody_else_in_the_place_of_who_is_there(edge, sign_in, stranger):
    made = await users.reinvite(edge.app.manage, "test", (await person(edge, await sign_in())).id,
                                account_id=edge.customer.id)  # fmt: skip
    assert "data-submit-at-once" in (await stranger().get(f"/console/link/{made.code}")).text
    seen = await (await sign_in()).get(f"/console/link/{made.code}")
    assert seen.status == 200 and "data-submit-at-once" not in seen.text


@pytest.mark.parametrize(
    "headers",
    [{"origin": "null"}, {"origin": "https://example.com"}, {}, {"origin": "http://127.0.0.1"},
     {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "none"}, {"sec-fetch-site": "cross-site"}],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/console/sign-in", "/console/link/x", "/console/sign-in/passkey/options"])
async def test_nobody_is_signed_in_from_another_site(edge, headers, path):
    form = {"email": "x@example.com", "password": "x"}
    async with edge.http.post(edge.url + path, data=form, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 403


async def test_strangers_send_no_large_forms(stranger):
    seen = await stranger().post("/console/sign-in", {"email": "x@example.com", "password": "x" * 100_000})
    assert seen.status == 413


@pytest.mark.parametrize(
    "path",
    ["messages/export", "webhooks/new", "webhooks/{}/edit", "webhooks/{}/secret", "keys/new", "smpp/new",
     "people/new", "accounts/new", "profile/authenticator", "carriers/{}/edit"],
)  # fmt: skip
async def test_what_is_grave_asks_once_more(edge, sign_in, path):
    browser = await sign_in(account_id=None if path.startswith("carriers") else edge.customer.id)
    await long_ago(edge, await person(edge, browser))
    assert (await browser.get("/console/" + path.format("1"))).to.startswith("/console/confirm")


async def test_a_file_is_not_written_on_for_whoever_was_disabled(edge, sign_in, monkeypatch):
    monkeypatch.setattr("whimbrel.base.limits.PAGE_MAX", 1)
    for _ in range(3):
        await edge.send()
    browser = await sign_in()
    user, holds = await person(edge, browser), Request.holds

    async def disabled_meanwhile(request):
        await users.update(edge.app.manage, "test", user.id, UserChange(disabled=True), account_id=edge.customer.id)
        return await holds(request)

    monkeypatch.setattr(Request, "holds", disabled_meanwhile)
    with pytest.raises(aiohttp.ClientPayloadError):
        await browser.get("/console/messages/export")
