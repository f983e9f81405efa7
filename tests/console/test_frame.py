"""The frame that all pages stand in: who is let in, and what is said to whoever is not."""

import re
from pathlib import Path

import msgspec
import pytest

from whimbrel.edges.console import pages

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


@pytest.mark.parametrize(
    ("status", "swaps"), [(200, True), (303, True), (422, True), (204, False), (403, False), (404, False), (500, False)]
)
async def test_an_answer_without_a_body_leaves_what_stands_there(browser, status, swaps):
    """Whatever part asks: the first rule that fits decides, as in htmx."""
    (config,) = (await browser.get("/console")).all(r"<meta name=\"htmx-config\" content='([^']+)'>")
    rules = msgspec.json.decode(config)["responseHandling"]
    first = next(rule for rule in rules if re.search(rule["code"], str(status)))
    assert first["swap"] is swaps


async def test_every_part_that_may_bring_nothing_says_so_without_a_body():
    """A 200 without a body would empty its target."""
    for path in Path(pages.__file__).parent.glob("*.py"):
        for empty in re.findall(r"\bResponse\(([^\n]*)", path.read_text()):
            is_whole = "status_code=204" in empty or "hx-reswap" in empty or "media_type" in empty or "content" in empty
            assert is_whole, (path.name, empty)
