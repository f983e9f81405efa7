"""Keys by their pages; the verdict comes from requests that use them."""

import re

import pytest

from whimbrel.base.limits import CONFIRMED_S

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def made(browser, **fields):
    form = [("name", "shop"), ("mode", "live"), ("scopes", "messages:write"), ("scopes", "messages:read")]
    seen = await browser.post(
        "/console/keys/new", [pair for pair in form if pair[0] not in fields] + list(fields.items())
    )
    assert seen.status == 200, seen.words
    (key,) = set(re.findall(r"wk_(?:live|test)_\w+", seen.text))
    return key


async def test_a_key_is_shown_once_works_and_is_revoked(edge, browser):
    key = await made(browser)
    sent = await edge.send(key=key)
    assert sent.status == 202
    assert (await edge.get("/v1/webhooks", key=key)).code == "forbidden"
    page = await browser.get("/console/keys")
    assert key not in page.text and key[:12] in page.text
    key_id = next(row[0] for row in page.all(r'<tr id="(KE\w+)">(.*?)</tr>') if key[:12] in row[1])
    assert (await browser.post(f"/console/keys/{key_id}/revoke")).to == "/console/keys?done=key.revoked"
    assert (await edge.send(key=key)).status == 401
    assert "Revoked" in (await browser.get("/console/keys")).words


async def test_wrong_input_is_told_by_the_field(browser):
    before = len((await browser.get("/console/keys")).all(r'<tr id="KE'))
    for fields, words in (
        ([("name", ""), ("mode", "live"), ("scopes", "messages:read")], "must not be empty"),
        ([("name", "x"), ("mode", "live")], "must name at least one scope"),
        ([("name", "x"), ("mode", "live"), ("scopes", "carriers:write")], "is no scope of such a key"),
        ([("name", "x"), ("mode", "dead"), ("scopes", "messages:read")], "mode"),
        ([("name", "x"), ("mode", "live"), ("scopes", "messages:read"), ("expires_at", "2001-01-01")], "future"),
        ([("name", "x"), ("mode", "live"), ("scopes", "messages:read"), ("expires_at", "soon")], "must be a moment"),
    ):
        seen = await browser.post("/console/keys/new", fields)
        assert seen.status == 422 and words in seen.words, seen.words
    assert len((await browser.get("/console/keys")).all(r'<tr id="KE')) == before


async def test_nobody_makes_a_key_that_may_more_than_they(sign_in):
    support = await sign_in("support")
    assert (await support.get("/console/keys/new")).status == 403
    developer = await sign_in("developer")
    offered = (await developer.get("/console/keys/new")).all(r'name="scopes" value="([^"]+)"')
    assert "messages:write" in offered and "users:write" not in offered
    seen = await developer.post("/console/keys/new", [("name", "x"), ("mode", "live"), ("scopes", "users:write")])
    assert seen.status == 422 and "more than who asks may do" in seen.words


async def test_making_a_key_wants_to_know_who_is_there(edge, browser, monkeypatch):
    monkeypatch.setattr("whimbrel.manage.sign_in.limits.CONFIRMED_S", -1)
    assert CONFIRMED_S > 0
    seen = await browser.get("/console/keys/new")
    assert seen.status == 303 and seen.to.startswith("/console/confirm")


async def test_the_operator_makes_keys_of_the_installation(edge, sign_in):
    operator = await sign_in(account_id=None)
    await edge.new_customer("Second")  # with several accounts nobody's is chosen at first
    operator = await sign_in(account_id=None)
    offered = (await operator.get("/console/keys/new")).all(r'name="scopes" value="([^"]+)"')
    assert "carriers:write" in offered
    key = await made(operator, scopes="carriers:read")
    assert (await edge.get("/v1/carriers", key=key)).status == 200
