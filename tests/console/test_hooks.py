"""Hooks by their pages: made for a shop, tried beside its sample, called, looked up in the log, taken again."""

import html
import re

import pytest

from tests.edges.hook_senders import SECRET, Sender

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def made(browser, preset="shopify", **more):
    fields = {"preset": preset, "name": "Tea shop", "secret": SECRET, "default_country": "", "numbers": ""} | more
    seen = await browser.post("/console/hooks/new", fields)
    assert seen.status == 200, seen.words
    (hook_id,) = set(re.findall(r"/v1/hooks/(HK[0-9a-f]{32})", seen.text))
    return hook_id


async def test_a_hook_from_making_to_the_log(edge, browser):
    assert "Shopify" in (await browser.get("/console/hooks/new")).text
    hook_id = await made(browser)
    page = f"/console/hooks/{hook_id}"
    shown = await browser.get(page)
    assert "orders/paid" in shown.text and "No call came yet." in shown.words
    sender = Sender(edge, {"id": hook_id, "preset": "shopify", "secret": SECRET})
    answer = await sender.call()
    assert answer.json["verdict"] == "sent", answer.body
    assert (await sender.call(forged=True)).status == 401
    shown = await browser.get(page)
    assert "Not signed as it should be" in shown.words
    assert answer.json["outcomes"][0]["message_id"] in shown.text
    only = await browser.get(f"{page}?verdict=bad_signature")
    assert answer.json["call_id"] not in only.text
    one = await browser.get(f"{page}/calls/{answer.json['call_id']}")
    assert "Hafenweg 4" in one.text and "x-shopify-topic" in one.text and "hmac" not in one.text.lower()
    done = await browser.post(f"{page}/calls/{answer.json['call_id']}/replay", {})
    assert done.status == 303
    assert "Sent before" in (await browser.get(page)).words


async def test_a_rule_is_tried_while_it_is_written_and_kept(edge, browser):
    hook_id = await made(browser)
    page = f"/console/hooks/{hook_id}/rule"
    rule = {
        "was": "",
        "name": "short",
        "events": "orders/*",
        "to": "shipping_address.phone",
        "enabled": "1",
        "sample": "0",
    }
    look = f"/console/hooks/{hook_id}/look"
    shown = await browser.post(look, rule | {"text": "Order {{name}}", "path": "customer.first_name"})
    assert "Would be sent" in shown.words and "Order #1001" in html.unescape(shown.text) and "Maya" in shown.words
    shown = await browser.post(look, rule | {"text": "Order {{nothing}}"})
    assert "A value is missing" in shown.words and "nothing" in shown.words
    refused = await browser.post(page, rule | {"text": "Order {{name"[:7], "condition": "a["})
    assert refused.status == 422 and "is no JMESPath expression" in refused.words
    assert (await browser.post(page, rule | {"text": "Order {{name}}", "shorten_links": "1"})).status == 303
    (kept,) = [each for each in (await edge.get(f"/v1/hooks/{hook_id}")).json["rules"] if each["name"] == "short"]
    assert kept["shorten_links"] is True
    assert "short" in (await browser.get(f"/console/hooks/{hook_id}")).words
    shown = html.unescape((await browser.get(f"{page}?name=short")).text)
    assert "Order {{name}}" in shown and re.search(r'name="shorten_links"[^>]* checked', shown)
    assert (await browser.post(page, rule | {"was": "short", "text": "x", "remove": "1"})).status == 303
    assert "orders/*" not in (await browser.get(f"/console/hooks/{hook_id}")).text


async def test_a_hook_is_paused_and_removed(edge, browser):
    hook_id = await made(browser, "alertmanager", numbers="+14155550177")
    page = f"/console/hooks/{hook_id}"
    assert (await browser.post(f"{page}/status", {"status": "paused"})).status == 303
    sender = Sender(edge, {"id": hook_id, "preset": "alertmanager", "secret": SECRET})
    assert (await sender.call()).json["verdict"] == "paused"
    assert (await browser.post(f"{page}/rotate", {"secret": ""})).status == 200
    assert (await browser.post(f"{page}/remove", {})).status == 303
    assert (await browser.get(page)).status == 404


async def test_a_hook_without_a_name_is_refused(browser):
    seen = await browser.post("/console/hooks/new", {"preset": "stripe", "name": "", "secret": "x"})
    assert seen.status == 422 and "must not be empty" in seen.words
