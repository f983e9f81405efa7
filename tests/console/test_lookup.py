"""Look-ups by their page."""

import asyncio
import html
import os
import subprocess
import sys

import pytest

from tests.conftest import NODE

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_number_is_looked_up_with_the_same_as_code(edge, browser):
    assert "Look up a number" in (await browser.get("/console/lookup")).words
    seen = await browser.get("/console/lookup?number=%2B49+1511+2345678")
    for words in ("A valid number", "01511 2345678", "DE", "Mobile", "T-Mobile", "Europe/Berlin", "Not asked for",
                  "Nothing is known that speaks against"):  # fmt: skip
        assert words in seen.words, words
    assert "/v1/lookups/%2B49%201511%202345678" in html.unescape(seen.text)
    national = await browser.get("/console/lookup?number=020+7946+0958&country=gb", part=True)
    assert "Landline" in national.words and "country=gb" in html.unescape(national.text)
    assert "<html" not in national.text


async def test_the_code_that_is_shown_runs(edge, browser):
    seen = await browser.get("/console/lookup?number=%2B49+1511+2345678")
    environ = {**os.environ, "WHIMBREL_API_KEY": edge.customer.live, "no_proxy": "*"}
    commands = {
        "curl": ["bash", "-c"],
        "python": [sys.executable, "-c"],
        "node": [str(NODE / "bin" / "node"), "--input-type=commonjs", "--eval"],
    }
    for name, command in commands.items():
        code = html.unescape(seen.inner(f"code-{name}"))
        done = await asyncio.to_thread(
            subprocess.run, [*command, code], env=environ, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0 and "T-Mobile" in done.stdout, (name, done.stdout, done.stderr)


async def test_what_speaks_against_a_number(edge, browser):
    await edge.post("/v1/opt-outs", {"number": "+14155550177"})
    assert "It has opted out" in (await browser.get("/console/lookup?number=%2B14155550177")).words
    costly = await browser.get("/console/lookup?number=%2B449098790879")
    assert "Premium rate" in costly.words and "Verify sends no codes" in costly.words


async def test_what_is_no_number_is_told(browser):
    for number, words in (("12", "no plus"), ("%2B441", "too short"), ("hello", "This is no number")):
        seen = await browser.get(f"/console/lookup?number={number}")
        assert seen.status == 200 and "No valid number" in seen.words and words in seen.words, seen.words
    wrong = await browser.get("/console/lookup?number=020&country=Mars")
    assert wrong.status in (400, 422) and "country" in wrong.words


async def test_an_account_sees_its_own_only(edge, browser, sign_in):
    await edge.post("/v1/opt-outs", {"number": "+14155550188"})
    other = await sign_in("owner", (await edge.new_customer("Other")).id)
    assert "opted out" not in (await other.get("/console/lookup?number=%2B14155550188")).words
    assert "opted out" in (await browser.get("/console/lookup?number=%2B14155550188")).words
