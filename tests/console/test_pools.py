"""Sender pools and keywords by their pages."""

import re

import pytest

from tests.edges.edge_rig import SENDER
from whimbrel.domain.pools import Standing
from whimbrel.journey.number_health import NumberHealth

pytestmark = pytest.mark.asyncio(loop_scope="module")
POOL = {"name": "Support", "senders": SENDER, "sticky": "1", "match_area": "1", "queue_max_s": "600"}
KEYWORD = {
    "name": "Hours", "words": "hours\nopen", "match": "first", "answers": "From 9 to 5\nde: Von 9 bis 17 Uhr",
    "language": "en", "of": "account", "tag": "", "list": "", "template": "", "enabled": "1",
}  # fmt: skip


async def test_a_pool_from_making_to_its_members(edge, browser, monkeypatch):
    assert "No pool yet" in (await browser.get("/console/pools")).words
    done = await browser.post("/console/pools/new", POOL)
    assert done.status == 303, done.words
    page = re.search(r"/console/pools/MG[0-9a-f]{32}", done.headers["location"])[0]
    made = (await edge.get(f"/v1{page.removeprefix('/console')}", key=edge.customer.live)).json
    assert (made["sticky"], made["names_first"], made["queue_max_s"]) == (True, False, 600)
    sender_id = made["members"][0]["sender_id"]
    standing = Standing(work_s=312.4, left_today=77, delivered=10, blocked=90)
    monkeypatch.setattr(NumberHealth, "_standing", lambda *_: standing)  # it looks every two seconds
    edge.app.tables.pools.standings = {sender_id: standing}
    shown = await browser.get(page)
    assert SENDER in shown.words and "312 s" in shown.words and "Sick" in shown.words and "10 %" in shown.words
    rows = await browser.get(f"{page}/members")
    assert "312 s" in rows.words and "<html" not in rows.text
    member = {"sender": SENDER, "weight": "3", "rate_per_min": "60", "daily_cap": "", "countries": "us, ca"}
    assert (await browser.post(f"{page}/members", member)).status == 303
    made = (await edge.get(f"/v1{page.removeprefix('/console')}", key=edge.customer.live)).json
    assert (made["members"][0]["weight"], made["members"][0]["countries"]) == (3, ["US", "CA"])
    for wrong, words in (({"weight": "many"}, "whole number"), ({"sender": "+12025550999"}, "no sender of the account"),
                         ({"countries": "xx"}, "two capital letters")):  # fmt: skip
        refused = await browser.post(f"{page}/members", member | wrong)
        assert refused.status in (403, 422) and words in refused.words
    done = await browser.post(f"{page}/edit", {"name": "Help", "queue_max_s": "5", "validity": "60"})
    assert done.status == 303
    assert "Help" in (await browser.get("/console/pools")).words
    await browser.post(f"{page}/members/remove", {"sender": sender_id})
    assert "No sender is in this pool yet" in (await browser.get(page)).words
    assert (await browser.post(f"{page}/remove", {})).status == 303
    assert (await browser.get(page)).status == 404


async def test_a_keyword_from_making_to_deleting(edge, browser):
    assert "No keyword yet" in (await browser.get("/console/keywords")).words
    assert (await browser.post("/console/keywords/new", KEYWORD)).status == 303
    (made,) = (await edge.get("/v1/keywords", key=edge.customer.live)).json["data"]
    assert made["answers"] == {"en": "From 9 to 5", "de": "Von 9 bis 17 Uhr"}
    assert (made["words"], made["match"], made["of"]) == (["hours", "open"], "first", "account")
    page = f"/console/keywords/{made['id']}"
    assert "Hours" in (await browser.get("/console/keywords")).words
    assert "de: Von 9 bis 17 Uhr" in (await browser.get(page)).text
    silent = {name: value for name, value in KEYWORD.items() if name != "enabled"}
    assert (await browser.post(page, silent | {"words": "hours"})).status == 303
    changed = (await edge.get(f"/v1/keywords/{made['id']}", key=edge.customer.live)).json
    assert (changed["enabled"], changed["words"]) == (False, ["hours"])
    assert (await browser.post(f"{page}/remove", {})).status == 303
    assert (await browser.get(page)).status == 404


@pytest.mark.parametrize(
    ("path", "fields", "wrong", "words"),
    [
        ("pools", POOL, {"name": ""}, "must not be empty"),
        ("pools", POOL, {"senders": "+12025550998"}, "no sender of the account"),
        ("pools", POOL, {"queue_max_s": "long"}, "must be a whole number"),
        ("keywords", KEYWORD, {"words": "stop"}, "means STOP, START or HELP"),
        ("keywords", KEYWORD, {"answers": ""}, "a keyword answers"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(browser, path, fields, wrong, words):
    shown = await browser.post(f"/console/{path}/new", fields | wrong)
    assert shown.status in (403, 422) and words in shown.words
    assert f'id="e-{next(iter(wrong))}"' in shown.text
