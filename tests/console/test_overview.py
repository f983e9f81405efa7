"""The overview: its figures against what was sent, its first steps, and who sees which part."""

import asyncio
import json
from html import unescape

import pytest

from tests.edges.edge_rig import until
from whimbrel.edges.console import figures
from whimbrel.edges.console.figures import Figures

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_figures_are_what_was_sent_and_delivered(edge):
    customer = await edge.new_customer("Figures")
    await edge.give_sender(customer.id, "+12025550111")
    counted = Figures(edge.app.store, edge.app.clock, customer.id, test=False)
    counted._position = await edge.app.store.last_position()
    for _ in range(7):
        assert (await edge.send(key=customer.live)).status == 202
    assert (await edge.send()).status == 202  # somebody else's
    seen = []
    async with asyncio.timeout(60):
        while sum(frame.delivered for frame in seen) < 7:
            seen.append(await counted.look())
            await asyncio.sleep(0.02)
    assert [sum(getattr(f, kind) for f in seen) for kind in ("accepted", "sent", "delivered", "failed")] == [7, 7, 7, 0]
    assert seen[-1].delivery_rate == 1.0 and 0 < seen[-1].latency_ms < 10_000
    quiet = await counted.look()
    assert (quiet.accepted, quiet.behind) == (0, False)


async def test_the_page_begins_with_what_was_before_it_and_the_stream_goes_on_from_there(edge, sign_in, monkeypatch):
    customer = await edge.new_customer("Before")
    await edge.give_sender(customer.id, "+12025550112")
    browser = await sign_in(account_id=customer.id)

    async def told():
        (written,) = (await browser.get("/console")).all(r'data-before="([^"]+)"')
        return json.loads(unescape(written))

    async def delivered(count):
        before = await told()
        return before if sum(each or 0 for each in before["delivered"]) == count else None

    assert (await told())["accepted"] == [0] * figures.SECONDS
    for _ in range(3):
        assert (await edge.send(key=customer.live)).status == 202
    before = await until(lambda: delivered(3))
    assert [sum(before[name]) for name in ("accepted", "sent", "delivered", "failed")] == [3, 3, 3, 0]
    page = await browser.get("/console")
    assert "100.0 %" in page.words
    (live,) = page.all(r'data-live="([^"]+)"')
    assert (await edge.send(key=customer.live)).status == 202
    async with browser.open(live) as answer, asyncio.timeout(60):
        async for line in answer.content:
            if line.startswith(b"data: "):
                break
    assert json.loads(line[6:])["accepted"] == 1, "what came between the page and its stream is told"
    monkeypatch.setattr(figures, "_PAST", 2)
    assert None in (await told())["accepted"], "what was not read is not called nothing"


async def test_the_stream_tells_them_each_second(edge, browser):
    async with browser.open("/console/overview/live") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        async with asyncio.timeout(60):
            async for line in answer.content:
                if line.startswith(b"data: "):
                    break
    assert json.loads(line[6:])["accepted"] == 0


async def test_failures_are_told_by_their_reason(edge, browser):
    message_id = (await edge.send(to="+15005550201")).json["id"]

    async def ended():
        found = (await edge.get(f"/v1/messages/{message_id}")).json
        return found if found["final_at"] else None

    reason = (await until(ended))["reason"]
    page = await browser.get("/console")
    assert reason["title"] in page.words and f"/console/messages/{message_id}" in page.text


async def test_carriers_are_the_operators(sign_in, edge):
    owner = await sign_in()
    assert "Tern" not in (await owner.get("/console")).words
    operator = await sign_in(account_id=None)
    await operator.act_for(edge.customer.id)
    assert "Tern" in (await operator.get("/console")).words


async def test_whoever_may_read_no_messages_sees_no_stream(sign_in):
    billing = await sign_in("billing")
    assert (await billing.get("/console/overview/live")).status == 403
