"""The inbox: what phones write comes in live, is answered once, and what somebody types is left alone. The phones are
the simulator's; what was sent is theirs to say."""

import asyncio
import re
from contextlib import asynccontextmanager
from html import unescape
from itertools import count

import pytest
import pytest_asyncio

from tests.console.browser import Stream, answered
from tests.edges.edge_rig import SENDER, running_edge, until
from whimbrel.base import limits
from whimbrel_sandbox.network import PhoneText

pytestmark = pytest.mark.asyncio(loop_scope="module")

_phones = (f"+141555503{place:02}" for place in count(10))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("inbox"), phones=True) as running:
        yield running


@pytest.fixture
def phone():
    return next(_phones)


async def texted(edge, phone, text):
    """A phone writes; its conversation, once it says so."""
    edge.simulator.network.send_text(phone, PhoneText(to=SENDER, text=text, system_id="whimbrel"))

    async def listed():
        (found,) = (await edge.get(f"/v1/conversations?number=%2B{phone[1:]}")).json["data"] or [None]
        return found if found and found["last_message"]["text"] == text else None

    return await until(listed)


def said(edge, phone):
    """What the phone got."""
    return [text.text for text in edge.simulator.network.phones.read(phone[1:])]


def bubbles(html):
    """The texts of a thread, with whether we wrote them."""
    found = re.findall(r'<div class="bubble([^"]*)" data-id="SM[0-9a-f]+">(.*?)<small>', html, re.DOTALL)
    return [("mine" in kind, unescape(text)) for kind, text in found]


def key_of(html):
    return re.search(r'name="key" value="(RQ[0-9a-f]+)"', html)[1]


@asynccontextmanager
async def following(browser, page):
    """The stream that a page asks for."""
    (path,) = page.all(r'sse-connect="([^"]+)"')
    async with browser.open(unescape(path)) as answer:
        assert answer.status == 200
        yield Stream(answer)


async def test_what_a_phone_writes_is_listed_opened_read_and_answered(edge, browser, phone):
    talk = await texted(edge, phone, "Are you <open>?")
    listed = await browser.get("/console/inbox")
    assert listed.status == 200
    assert "Are you <open>?" in unescape(listed.inner("talks"))
    assert 'class="badge"' in (await browser.get("/console/inbox/badge", part=True)).text
    opened = await browser.get(f"/console/inbox/{talk['id']}")
    assert bubbles(opened.text) == [(False, "Are you <open>?")]
    assert (await edge.get(f"/v1/conversations/{talk['id']}")).json["unread"] == 0
    fields = {"key": key_of(opened.text), "text": "Until six.\r\nMonday to Friday."}
    for _ in range(2):  # a form that is sent twice
        seen = await browser.post(f"/console/inbox/{talk['id']}/answer", fields)
        assert (seen.status, seen.to) == (303, f"/console/inbox/{talk['id']}?done=inbox.answered")
    opened = await browser.get(seen.to)
    assert "The answer is on its way." in opened.words
    assert bubbles(opened.text) == [(False, "Are you <open>?"), (True, "Until six.\nMonday to Friday.")]
    await until(lambda: said(edge, phone))
    assert said(edge, phone) == ["Until six.\nMonday to Friday."]


async def test_marks_and_new_texts_come_live(edge, browser, phone):
    talk = await texted(edge, phone, "Hello?")
    page = await browser.get(f"/console/inbox/{talk['id']}")
    async with following(browser, page) as stream:
        await stream.until("bubbles", "Hello?")
        sent = await browser.post(
            f"/console/inbox/{talk['id']}/answer", {"key": key_of(page.text), "text": "Hi."}, part=True
        )
        assert sent.status == 200
        assert bubbles(sent.text)[-1] == (True, "Hi.")
        assert key_of(sent.text) != key_of(page.text)
        await stream.until("bubbles", "m-delivered")
        await texted(edge, phone, "Thanks!")
        pieces = {}
        while not all("Thanks!" in pieces.get(name, "") for name in ("list", "bubbles")):
            name, html = await stream.piece()
            pieces[name] = html
        assert bubbles(pieces["bubbles"]) == [(False, "Hello?"), (True, "Hi."), (False, "Thanks!")]
        assert not any("textarea" in html for html in pieces.values())
        # a piece inside of the form goes to its own place, and not where the form's answers go
        assert len(page.all(r'sse-swap="\w+" hx-target="this"')) == len(page.all(r'sse-swap="\w+"')) == 4


async def test_a_thread_shows_pictures_and_an_answer_sends_one(edge, browser, phone):
    talk = (await texted(edge, phone, "Do you have a picture?"))["id"]
    medium = (await edge.ask("POST", "/v1/media", data=b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(9))).json["id"]
    shown = f'<img src="/console/media/{medium}/content"'
    await browser.get("/console/inbox")
    place = f"/console/inbox/{talk}"
    part = await browser.post(f"{place}/attach", {"add_media": medium}, part=True)
    assert part.has(f'name="media" value="{medium}"') and part.has(f'hx-post="{place}/attach"')
    whole = await browser.post(f"{place}/attach", {"text": "Look:", "add_media": medium})
    assert whole.has(f'name="media" value="{medium}"') and whole.inner("answer-text") == "Look:"
    wrong = await browser.post(f"{place}/answer", {"key": "", "text": "Hi", "media": f"ME{'0' * 32}"}, part=True)
    assert wrong.status == 422 and wrong.has(f'value="ME{"0" * 32}"') and wrong.has('id="attached"')
    sent = await browser.post(f"{place}/answer", {"key": "k-media", "text": "", "media": medium}, part=True)
    assert sent.status == 200, sent.words
    assert not sent.has('name="media"') and sent.has(shown)
    again = await browser.post(f"{place}/answer", {"key": "k-media", "text": "", "media": medium}, part=True)
    assert again.text.count(shown) == 1
    (newest,) = (await edge.get(f"/v1/conversations/{talk}/messages?limit=1")).json["data"]
    assert newest["media"] == [medium]
    assert (await browser.post(f"/console/inbox/CN{'0' * 32}/attach", {}, part=True)).status == 404


async def test_two_people_answer_at_once_and_both_see_both(edge, sign_in, phone):
    talk = await texted(edge, phone, "Is anybody there?")
    people = [await sign_in("support"), await sign_in("owner")]
    path = f"/console/inbox/{talk['id']}"
    pages = [await each.get(path) for each in people]
    async with following(people[0], pages[0]) as one, following(people[1], pages[1]) as two:
        sent = await asyncio.gather(
            *(
                each.post(f"{path}/answer", {"key": key_of(page.text), "text": text}, part=True)
                for each, page, text in zip(people, pages, ("I am Ada.", "I am Bob."), strict=True)
            )
        )
        assert [each.status for each in sent] == [200, 200]
        for stream in (one, two):
            seen = set()
            while not {"I am Ada.", "I am Bob."} <= seen:
                seen |= {text for _, text in bubbles(await stream.until("bubbles", "I am"))}
    await until(lambda: len(said(edge, phone)) == 2)
    assert sorted(said(edge, phone)) == ["I am Ada.", "I am Bob."]


async def test_an_answer_that_is_refused_stays_in_the_field(edge, browser, phone):
    talk = await texted(edge, phone, "Hello?")
    path = f"/console/inbox/{talk['id']}"
    long = "a" * (limits.TEXT_MAX + 1)
    for text in ("", long):
        seen = await browser.post(f"{path}/answer", {"key": "", "text": text})
        assert seen.status == 422
        assert seen.inner("answer-text") == text
        assert 'class="error" role="alert"' in seen.text
        part = await browser.post(f"{path}/answer", {"key": "", "text": text}, part=True)
        assert part.status == 422
        assert "<textarea" not in part.text
    assert bubbles((await browser.get(path)).text) == [(False, "Hello?")]


async def test_whoever_said_stop_is_shown_so_and_cannot_be_answered(edge, browser, phone):
    talk = await texted(edge, phone, "Hello?")
    path = f"/console/inbox/{talk['id']}"
    page = await browser.get(path)
    assert "disabled" not in page.inner("standing")
    async with following(browser, page) as stream:
        await texted(edge, phone, "STOP")
        assert "This phone sent STOP" in await stream.until("standing", "disabled")
    await until(lambda: answered(edge, phone[1:]) == 2)
    page = await browser.get(path)
    assert "This phone sent STOP" in page.words
    assert "Opted out" in page.inner("talks")
    seen = await browser.post(f"{path}/answer", {"key": key_of(page.text), "text": "Why?"})
    assert seen.status == 422
    assert seen.inner("answer-text") == "Why?"


async def test_a_text_that_came_meanwhile_stays_unread(edge, browser, phone):
    first = await texted(edge, phone, "One")
    last = await texted(edge, phone, "Two")
    path = f"/console/inbox/{first['id']}/read"
    await browser.get("/console/inbox")
    assert (await browser.post(path, {"message_id": first["last_message"]["id"]}, part=True)).status == 204
    assert (await edge.get(f"/v1/conversations/{first['id']}")).json["unread"] == 2
    assert (await browser.post(path, {"message_id": last["last_message"]["id"]}, part=True)).status == 204
    assert (await edge.get(f"/v1/conversations/{first['id']}")).json["unread"] == 0


async def test_search_by_number_and_only_unread(edge, browser, phone):
    other = next(_phones)
    mine, theirs = await texted(edge, phone, "Mine"), await texted(edge, other, "Theirs")
    found = (await browser.get(f"/console/inbox?number=%2B{phone[1:]}")).all(r'data-talk="(CV[0-9a-f]+)"')
    assert found == [mine["id"]]
    await browser.get(f"/console/inbox/{mine['id']}")
    unread = (await browser.get("/console/inbox?unread=1")).all(r'data-talk="(CV[0-9a-f]+)"')
    assert theirs["id"] in unread
    assert mine["id"] not in unread
    wrong = await browser.get("/console/inbox?number=nobody")
    assert "“nobody” is no phone number" in wrong.words


async def test_what_was_written_before_is_loaded_above(edge, browser, phone):
    talk = await texted(edge, phone, "The first")
    path = f"/console/inbox/{talk['id']}"
    for place in range(50):
        await edge.post(f"/v1/conversations/{talk['id']}/messages", {"text": f"Text {place}"})
    page = await browser.get(path)
    assert len(bubbles(page.text)) == 50
    (more,) = page.all(r'hx-get="(/console/inbox/CV[^"]+cursor=[^"]+)"')
    assert bubbles((await browser.get(unescape(more), part=True)).text) == [(False, "The first")]


async def test_another_account_sees_nothing_of_it(edge, sign_in, phone):
    talk = await texted(edge, phone, "Hello?")
    stranger = await sign_in("owner", (await edge.new_customer("Other")).id)
    assert "Hello?" not in (await stranger.get("/console/inbox")).text
    assert (await stranger.get("/console/inbox/badge", part=True)).text.strip() == ""
    path = f"/console/inbox/{talk['id']}"
    assert (await stranger.get(path)).status == 404
    assert (await stranger.get(f"/console/inbox/live?open={talk['id']}")).status == 404
    for to, fields in (("answer", {"text": "Hi."}), ("read", {"message_id": talk["last_message"]["id"]})):
        assert (await stranger.post(f"{path}/{to}", fields)).status == 404
    assert said(edge, phone) == []


async def test_who_may_only_read_cannot_answer(edge, sign_in, phone):
    talk = await texted(edge, phone, "Hello?")
    reader = await sign_in("read_only")
    page = await reader.get(f"/console/inbox/{talk['id']}")
    assert bubbles(page.text) == [(False, "Hello?")]
    assert 'id="answer"' not in page.text
    assert (await edge.get(f"/v1/conversations/{talk['id']}")).json["unread"] == 1
    assert (await reader.post(f"/console/inbox/{talk['id']}/answer", {"text": "Hi."})).status == 403
    billing = await sign_in("billing")
    assert 'href="/console/inbox"' not in (await billing.get("/console")).text
    assert (await billing.get("/console/inbox")).status == 403


async def test_the_operator_chooses_an_account_first(edge, sign_in, phone):
    talk = await texted(edge, phone, "Hello?")
    await edge.new_customer()  # where there is one account alone, nobody has to choose
    operator = await sign_in("owner", None)
    assert "Hello?" not in (await operator.get("/console/inbox")).text
    await operator.act_for(edge.customer.id)
    assert bubbles((await operator.get(f"/console/inbox/{talk['id']}")).text) == [(False, "Hello?")]


async def test_canned_answers_are_kept_offered_changed_and_deleted(edge, browser, phone):
    talk = await texted(edge, phone, "When are you open?")
    path = "/console/inbox/canned"
    made = await browser.post(path, {"name": "Hours", "text": 'Nine to "six".\r\nMonday to Friday.'})
    assert (made.status, made.to) == (303, f"{path}?done=inbox.canned_kept")
    page = await browser.get(f"/console/inbox/{talk['id']}")
    assert [unescape(text) for text in page.all(r'data-insert="([^"]*)"')] == ['Nine to "six".\nMonday to Friday.']
    (answer_id,) = (await browser.get(path)).all(r'<section class="card" id="(CA[0-9a-f]+)"')
    assert (await browser.post(f"{path}/{answer_id}", {"name": "Times", "text": "Ten to four."})).status == 303
    assert "Ten to four." in (await browser.get(path)).words
    for to, fields, kept in (
        (path, {"name": "Times", "text": "Again."}, "Again."),
        (path, {"name": "", "text": "No name."}, "No name."),
        (f"{path}/{answer_id}", {"name": "Times", "text": ""}, 'value="Times"'),
    ):
        refused = await browser.post(to, fields)
        assert refused.status == 422
        assert kept in refused.text
        assert 'role="alert"' in refused.text
    assert (await browser.post(f"{path}/{answer_id}/delete")).status == 303
    assert "Ten to four." not in (await browser.get(path)).text
