"""The frame that all pages stand in: who is let in, and what is said to whoever is not."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_whoever_has_not_signed_in_is_asked_to_and_comes_back(edge, sign_in):
    browser = await sign_in()
    seen = await browser.get("/console/profile")
    assert seen.status == 200
    await browser.post("/console/sign-out")
    seen = await browser.get("/console/profile")
    assert (seen.status, seen.to) == (303, "/console/sign-in?to=%2Fconsole%2Fprofile")


async def test_a_form_without_the_token_does_nothing(browser):
    seen = await browser.post("/console/profile/sessions/end-others", data=[("csrf", "0" * 64)])
    assert seen.status == 403


async def test_another_sites_form_does_nothing(browser):
    seen = await browser.post("/console/profile/sessions/end-others", headers={"sec-fetch-site": "cross-site"})
    assert seen.status == 403
