"""The virtual phones: what they show, live; what a visitor does as a phone; who sees which texts. The verdict is the
simulator's own."""

import re
import time
from contextlib import AsyncExitStack, asynccontextmanager
from html import unescape

import pytest
import pytest_asyncio

from tests.console.browser import Stream, answered
from tests.edges.edge_rig import ACTOR, SENDER, running_edge, until
from whimbrel.edges.console.live import REST_S
from whimbrel.manage import senders
from whimbrel.sections import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE = "14155550123"
OTHER = "14155550124"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    limits = Limits(streams_per_account=6)
    async with running_edge(tmp_path_factory.mktemp("phones"), phones=True, limits=limits) as running:
        ctx = running.app.manage
        await senders.create(ctx, ACTOR, senders.NewSender(value="Whimbrel"), account_id=running.customer.id)
        yield running


@pytest.fixture(autouse=True)
def phones(edge):
    """The simulator's phones, empty before each test."""
    edge.simulator.network.reset()
    return edge.simulator.network.phones


async def arrived(phones, digits, count=1):
    return await until(lambda: len(phones.read(digits)) >= count and phones.read(digits))


def bubbles(html):
    """The texts on the screens, with whether the phone sent them."""
    found = re.findall(r'<div class="bubble([^"]*)">(.*?)<small>', html, re.DOTALL)
    return [("mine" in kind, unescape(text)) for kind, text in found]


@asynccontextmanager
async def following(browser, query):
    async with browser.open(f"/console/phones/live{query}") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        yield Stream(answer)


async def test_a_phone_that_nobody_texted_gets_its_first_text_by_one_press(browser, phones):
    seen = await browser.get(f"/console/phones?to=%2B{PHONE}")
    assert seen.status == 200
    assert "Nobody has texted this phone yet." in seen.words
    [key] = seen.all(r'name="key" value="(RQ[0-9a-f]+)"')
    pressed = [await browser.post(f"/console/phones/{PHONE}/first", {"at": PHONE, "key": key}) for _ in range(2)]
    assert {(each.status, each.to) for each in pressed} == {(303, f"/console/phones?to=%2B{PHONE}&done=phones.sent")}
    await arrived(phones, PHONE)
    seen = await browser.get(pressed[0].to)
    assert bubbles(seen.text) == [(False, "Hello from Whimbrel! Answer me, if you like 👋")]
    assert "+12025550100" in seen.words
    assert "The text is on its way." in seen.words
    assert len(phones.read(PHONE)) == 1


async def test_texts_arrive_live_on_several_phones(edge, browser, sign_in, phones):
    async with following(browser, f"?to=%2B{PHONE}&to=%2B{OTHER}") as stream:
        assert {(await stream.piece())[0], (await stream.piece())[0]} == {f"phone-{PHONE}", f"phone-{OTHER}"}
        long = "All work and no play makes Jack a dull boy. " * 8
        await edge.send(text=long)
        html = await stream.until(f"phone-{PHONE}", "dull boy")
        assert bubbles(html) == [(False, long)]
        assert "3 segments" in html
        await edge.send(to=f"+{OTHER}", text="🎉")
        html = await stream.until(f"phone-{OTHER}", "🎉")
        assert "bubble large" in html
        await (await sign_in()).post(f"/console/phones/{OTHER}/set", {"off": "1"})
        await stream.until(f"phone-{OTHER}", "Switched off.")


async def test_one_person_has_so_many_streams(edge, sign_in):
    many = edge.app.settings.limits.streams_per_account
    hungry, other = await sign_in(), await sign_in()
    async with AsyncExitStack() as stack:
        for _ in range(many):
            await stack.enter_async_context(following(hungry, f"?to=%2B{PHONE}"))
        assert (await hungry.get("/console/phones/live", part=True)).status == 429
        async with following(other, f"?to=%2B{PHONE}") as stream:
            await stream.piece()

    async def has_room():
        async with hungry.open("/console/phones/live") as answer:
            return answer.status == 200

    await until(has_room)


async def test_a_burst_comes_in_a_few_pieces(edge, browser, phones):
    began = time.monotonic()
    async with following(browser, f"?to=%2B{PHONE}") as stream:
        await stream.piece()
        messages = [{"to": f"+{PHONE}", "text": f"no {number}"} for number in range(300)]
        assert (await edge.post("/v1/messages/batch", {"messages": messages})).json["accepted"] == 300
        pieces = 1
        while "no 299" not in (await stream.piece())[1]:
            pieces += 1
        assert pieces <= 1 + (time.monotonic() - began) / REST_S  # however long the texts take

    async def all_have_arrived():  # or they come to the phones of the next test
        return not (await edge.get("/v1/messages?status=queued,sending,sent&limit=1")).json["data"]

    await until(all_have_arrived)


async def test_a_phone_that_is_texted_anew_joins_those_that_stand_there(edge, browser, phones):
    async with following(browser, "") as stream:
        await stream.piece()
        await edge.send(to=f"+{OTHER}", text="Here I am")
        html = await stream.until("more", "Here I am")
        assert f'id="screen-{OTHER}"' in html
    seen = await browser.get("/console/phones")
    assert seen.all(r'id="screen-(\d+)"') == [OTHER]


async def test_a_flash_text_stands_above_the_others_until_the_next(edge, browser, phones):
    await edge.send(text="kept")
    await arrived(phones, PHONE)
    await edge.send(text="Fire in the house", flash=True)
    await arrived(phones, PHONE, 2)
    seen = await browser.get(f"/console/phones?to=%2B{PHONE}")
    assert seen.has(r'data-flash="[^"]+".*?Flash message.*?Fire in the house.*?Dismiss')
    assert bubbles(seen.text) == [(False, "kept")]
    await edge.send(text="all clear")
    await arrived(phones, PHONE, 3)
    seen = await browser.get(f"/console/phones?to=%2B{PHONE}")
    assert "Fire" not in seen.text


async def test_the_visitor_answers_and_says_stop(edge, browser, phones):
    await edge.send()
    await arrived(phones, PHONE)
    seen = await browser.post(f"/console/phones/{PHONE}/say", {"to": SENDER[1:], "text": "Danke 🙏"}, part=True)
    assert seen.status == 200
    assert bubbles(seen.text) == [(False, "Hello"), (True, "Danke 🙏")]

    async def came(text):
        rows = (await edge.get("/v1/inbound")).json["data"]
        return [row for row in rows if (row["from" if "from" in row else "sender"], row["text"]) == (f"+{PHONE}", text)]

    assert await until(lambda: came("Danke 🙏"))
    await browser.post(f"/console/phones/{PHONE}/say", {"to": SENDER[1:], "text": "STOP"}, part=True)
    assert await until(lambda: came("STOP"))
    await until(lambda: answered(edge, PHONE) == 2)
    assert (await edge.send()).json["code"] == "opted_out"
    await browser.post(f"/console/phones/{PHONE}/say", {"to": SENDER[1:], "text": "START"}, part=True)

    async def may_again():
        return (await edge.send()).status == 202

    await until(may_again)
    await arrived(phones, PHONE, 4)  # both words were confirmed: nothing comes to the phones of the next test


async def test_a_phone_that_is_off_says_how_many_wait(edge, browser, phones):
    seen = await browser.post(f"/console/phones/{PHONE}/set", {"off": "1", "at": PHONE})
    assert (seen.status, seen.to) == (303, f"/console/phones?to=%2B{PHONE}")
    await edge.send(text="later")
    await until(lambda: phones.look(PHONE).waiting)
    seen = await browser.get(f"/console/phones?to=%2B{PHONE}")
    assert "Switched off. One text waits for it." in seen.words
    assert bubbles(seen.text) == []
    seen = await browser.post(f"/console/phones/{PHONE}/say", {"to": SENDER[1:], "text": "Hi"}, part=True)
    assert seen.status == 422 and "It is switched off." in seen.words
    assert phones.said(PHONE) == []
    seen = await browser.post(f"/console/phones/{PHONE}/set", {"off": "0"}, part=True)
    assert bubbles(seen.text) == [(False, "later")]


async def test_a_phone_without_room_lets_texts_bounce(edge, browser, phones):
    seen = await browser.post(f"/console/phones/{PHONE}/set", {"memory_full": "1"}, part=True)
    assert seen.has(r'id="memory_full-14155550123" role="switch" aria-checked="true"')
    made = (await edge.send()).json

    async def bounced():
        return (await edge.get(f"/v1/messages/{made['id']}")).json["status"] == "undelivered"

    await until(bounced)
    await browser.post(f"/console/phones/{PHONE}/set", {"memory_full": "0"}, part=True)
    assert not phones.memory_full


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"to": SENDER[1:], "text": "  "}, "Write something first."),
        ({"to": "447700900999", "text": "Hi"}, "A phone answers numbers of your account."),
        ({"to": "Whimbrel", "text": "Hi"}, "A phone answers numbers of your account."),
        ({}, "Write something first."),
    ],
)
async def test_an_answer_that_cannot_go_says_why(browser, phones, fields, words):
    seen = await browser.post(f"/console/phones/{PHONE}/say", fields, part=True)
    assert seen.status == 422
    assert words in seen.words
    assert phones.said(PHONE) == []


async def test_what_is_no_number_is_told_where_it_was_typed(browser):
    seen = await browser.get(f"/console/phones?to=%2B{PHONE}&to=hello")
    assert seen.status == 422
    assert "“hello” is no number." in seen.words
    assert seen.all(r'id="screen-(\d+)"') == [PHONE]
    assert seen.has(r'value="hello"[^>]* aria-invalid="true"')
    assert (await browser.post("/console/phones/12/set", {"off": "1"})).status == 404


async def test_two_accounts_never_see_each_other(edge, sign_in, phones):
    stranger = await edge.new_customer("Other")
    ctx = edge.app.manage
    await senders.create(ctx, ACTOR, senders.NewSender(value="+12025550111"), account_id=stranger.id)
    await senders.create(ctx, ACTOR, senders.NewSender(value="Whimbrel"), account_id=stranger.id)
    await edge.send(text="of ours by number")
    await edge.send(text="of ours by name", sender="Whimbrel")
    await edge.send(text="of theirs by name", sender="Whimbrel", key=stranger.live)
    await arrived(phones, PHONE, 3)
    theirs, ours, operator = await sign_in("owner", stranger.id), await sign_in(), await sign_in("owner", None)

    async def seen_by(browser):
        return {text for _, text in bubbles((await browser.get(f"/console/phones?to=%2B{PHONE}")).text)}

    async def as_it_should_be():
        return (
            await seen_by(theirs) == {"of theirs by name"}
            and await seen_by(ours) == {"of ours by number", "of ours by name"}
            and len(await seen_by(operator)) == 3
        )

    await until(as_it_should_be)
    seen = await theirs.post(f"/console/phones/{PHONE}/say", {"to": SENDER[1:], "text": "STOP"}, part=True)
    assert seen.status == 422
    assert (await edge.send()).status == 202
    assert (await theirs.get("/console/phones")).all(r'id="screen-(\d+)"') == [PHONE]
    await arrived(phones, PHONE, 4)


async def test_who_may_not_send_only_looks(edge, sign_in, phones):
    await edge.send()
    await arrived(phones, PHONE)
    looker = await sign_in("read_only")
    seen = await looker.get(f"/console/phones?to=%2B{PHONE}")
    assert bubbles(seen.text) == [(False, "Hello")]
    assert '/say"' not in seen.text and '/set"' not in seen.text
    assert (await looker.post(f"/console/phones/{PHONE}/set", {"off": "1"})).status == 403
    assert not phones.off


async def test_a_code_of_verify_by_a_name_is_seen_on_the_phone(edge, browser, phones):
    """The API shows its text with asterisks; the phone has the code."""
    service = await edge.post("/v1/verify/services", {"name": "Acme", "settings": {"sender": "Whimbrel"}})
    started = await edge.post(f"/v1/verify/services/{service.json['id']}/verifications", {"to": f"+{OTHER}"})
    assert started.status == 201, started.body
    (text,) = await arrived(phones, OTHER)
    assert text.source == "Whimbrel" and "*" not in text.text

    async def seen():
        return bubbles((await browser.get(f"/console/phones?to=%2B{OTHER}")).text) == [(False, text.text)]

    await until(seen)
