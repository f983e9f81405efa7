"""The list of messages and the page of one, as people use them."""

import asyncio
import csv
import io
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.edges.edge_rig import NUMBER, SENDER, until
from tests.journey.sink import listening
from whimbrel.base import ids, limits
from whimbrel.manage import carriers
from whimbrel.manage.context import Paging

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIST = "/console/messages"
CHOSEN = "/console/tables/messages"
BACK = ("back", LIST)
HEADINGS = r"<th\b[^>]*>(?:<a[^>]*>)?([^<]*)<"


async def sent(edge, status="delivered", **fields):
    """A message once it is there, and has this status."""
    key = fields.pop("key", None)
    message_id = (await edge.send(key=key, **fields)).json["id"]

    async def there():
        return (await edge.get(f"/v1/messages/{message_id}", key=key)).json["status"] == status

    await until(there)
    return message_id


def later():
    return (datetime.now(UTC) + timedelta(days=3)).isoformat()


def rows(seen):
    """Ids of the messages that a page shows, in their order."""
    return seen.all(r'<tr id="(SM[0-9a-f]{32})"')


# ---- the list


async def test_the_list_shows_what_the_api_tells(edge, browser):
    message_id = await sent(edge, text="Hello <b>you</b>")
    seen = await browser.get(LIST)
    assert seen.status == 200
    assert rows(seen)[0] == message_id
    row = seen.inner(message_id)
    assert "Delivered" in row and "Hello &lt;b&gt;you&lt;/b&gt;" in row and "<i>+14</i>" not in row
    assert f'href="{LIST}/{message_id}"' in row


async def test_an_id_leads_to_the_message_be_it_its_own_or_an_events(edge, browser):
    message_id = await sent(edge)
    event_id = (await edge.get(f"/v1/messages/{message_id}/events")).json["data"][-1]["id"]
    for written in (message_id, message_id.lower(), event_id, f" {event_id} "):
        seen = await browser.get(f"{LIST}?q={quote(written)}")
        assert (seen.status, seen.to) == (303, f"{LIST}/{message_id}"), written
    seen = await browser.get(f"{LIST}?q={ids.MESSAGE}{'0' * 32}")
    assert (seen.status, rows(seen)) == (200, [])
    assert "There is no message of this id" in seen.words


async def test_a_carriers_id_leads_to_the_message(edge, browser):
    message_id = await sent(edge)
    (attempt,) = (await edge.get(f"/v1/messages/{message_id}/attempts")).json["data"]
    seen = await browser.get(f"{LIST}?q={attempt['carrier_message_id']}")
    assert (seen.status, seen.to) == (303, f"{LIST}/{message_id}")


@pytest.mark.parametrize("written", ["+447911123456", "+44 7911 123-456", "00447911123456", "447911123456"])
async def test_a_number_is_found_in_any_writing(edge, browser, written):
    message_id = await sent(edge, to="+447911123456")
    await sent(edge)

    async def found():
        seen = await browser.get(f"{LIST}?q={quote(written)}")
        return seen if message_id in rows(seen) else None

    seen = await until(found)
    shown = [(await edge.get(f"/v1/messages/{row}")).json["to"] for row in rows(seen)]
    assert set(shown) == {"+447911123456"}


async def test_half_a_number_is_told_to_be_none(browser):
    seen = await browser.get(f"{LIST}?q={quote('+44 79')}")
    assert (seen.status, rows(seen)) == (200, [])
    assert "That is no whole number" in seen.words


async def test_a_word_is_a_sender_where_there_is_one_and_else_a_tag(edge, sign_in):
    other = await edge.new_customer("Words")
    await edge.give_sender(other.id, "Kestrel")
    browser = await sign_in("support", other.id)
    by_name = await sent(edge, key=other.live)
    tagged = await sent(edge, key=other.live, tags=["spring"])
    assert rows(await browser.get(f"{LIST}?q=spring")) == [tagged]
    assert rows(await browser.get(f"{LIST}?q=%23spring")) == [tagged]
    assert set(rows(await browser.get(f"{LIST}?q=kestrel"))) == {by_name, tagged}
    assert rows(await browser.get(f"{LIST}?q=kestrel&as=tag")) == []
    assert rows(await browser.get(f"{LIST}?q=spring&as=sender")) == []


async def test_a_name_and_a_value_are_looked_for_in_metadata(edge, browser):
    message_id = await sent(edge, metadata={"order_id": 815})
    await sent(edge, metadata={"order_id": 816})
    seen = await browser.get(f"{LIST}?q=order_id:815")
    assert rows(seen) == [message_id] and "Metadata order_id:815" in seen.words


async def test_filters_narrow_and_stand_in_the_address(edge, browser):
    otp = await sent(edge, **{"class": "otp"})
    waiting = await sent(edge, "scheduled", send_at=later())
    assert otp in rows(await browser.get(f"{LIST}?class=otp&status=delivered"))
    assert waiting not in rows(await browser.get(f"{LIST}?class=otp"))
    assert rows(await browser.get(f"{LIST}?status=scheduled,queued"))[0] == waiting
    assert not {otp, waiting} & {*rows(await browser.get(f"{LIST}?direction=in"))}
    assert rows(await browser.get(f"{LIST}?to=2020-01-31T12:00")) == []
    assert rows(await browser.get(f"{LIST}?span=1h"))[0] == waiting
    part = await browser.get(f"{LIST}?class=otp&status=&q=", part=True)
    assert part.headers["hx-push-url"] == f"{LIST}?class=otp"
    assert "<html" not in part.text


@pytest.mark.parametrize("query", ["status=lost", "class=urgent", "from=yesterday", "cursor=%21", "direction=up"])
async def test_a_filter_that_means_nothing_is_refused_on_the_page(browser, query):
    seen = await browser.get(f"{LIST}?{query}")
    assert seen.status == 422
    assert 'role="alert"' in seen.text and rows(seen) == []


async def test_more_is_shown_from_where_the_page_ended(edge, sign_in):
    other = await edge.new_customer("Many")
    await edge.give_sender(other.id, "+12025550142")
    texts = [{"to": NUMBER, "text": str(n)} for n in range(limits.PAGE_DEFAULT + 3)]
    await edge.post("/v1/messages/batch", {"messages": texts}, key=other.live)
    browser = await sign_in("read_only", other.id)
    seen = await browser.get(LIST)
    (more,) = seen.all(r'hx-get="([^"]+cursor=[^"]+)"')
    part = await browser.get(more.replace("&amp;", "&"), part=True)
    assert (len(rows(seen)), len(rows(part))) == (limits.PAGE_DEFAULT, 3)
    assert not set(rows(seen)) & set(rows(part))
    assert "hx-get" not in part.text


async def test_what_is_rare_is_looked_for_further_back(edge, sign_in, monkeypatch):
    other = await edge.new_customer("Rare")
    await edge.give_sender(other.id, "+12025550143")
    first = await sent(edge, key=other.live, tags=["needle"])
    for _ in range(4):
        texts = [{"to": NUMBER, "text": str(n)} for n in range(100)]
        await edge.post("/v1/messages/batch", {"messages": texts}, key=other.live)
    monkeypatch.setattr(limits, "MESSAGES_SCAN_MAX", 150)
    browser = await sign_in("read_only", other.id)
    seen = await browser.get(f"{LIST}?tag=needle")
    assert "Nothing back to" in seen.words
    looks = 0
    while not rows(seen):
        (more,) = seen.all(r'hx-get="([^"]+cursor=[^"]+)"[^>]*hx-trigger="click, load delay')
        seen, looks = await browser.get(more.replace("&amp;", "&"), part=True), looks + 1
    assert rows(seen) == [first] and looks >= 1


async def test_columns_are_remembered(edge, sign_in):
    await sent(edge, tags=["shown"])
    browser, another = await sign_in(), await sign_in()
    seen = await browser.post(f"{CHOSEN}/columns", [("column", "tags"), ("column", "id"), ("query", "class=otp"), BACK])
    assert (seen.status, seen.to) == (303, f"{LIST}?class=otp&done=columns.set")
    head = (await browser.get(LIST)).all(HEADINGS)
    assert head == ["When", "Tags", "Id"]
    assert "Status" in (await another.get(LIST)).all(HEADINGS)
    await browser.post(f"{CHOSEN}/columns", [("usual", "1"), ("column", "tags"), BACK])
    assert "Status" in (await browser.get(LIST)).all(HEADINGS)


async def test_views_are_saved_and_forgotten_each_by_their_owner(sign_in):
    browser, another = await sign_in(), await sign_in()
    query = "status=failed&class=otp&cursor=x"
    seen = await browser.post(f"{CHOSEN}/views", {"name": "Codes <that> failed", "query": query} | dict([BACK]))
    assert seen.status == 303 and "status=failed" in seen.to and "cursor" not in seen.to
    seen = await browser.get(LIST)
    assert "Codes &lt;that&gt; failed" in seen.text and "?status=failed&amp;class=otp" in seen.text
    (view,) = seen.all(r"/views/(SV\w+)/delete")
    assert "Codes" not in (await another.get(LIST)).words
    assert (await another.post(f"{CHOSEN}/views/{view}/delete", [BACK])).status == 404
    for name in ("", "Codes <that> failed", "a" * 129, "a\nb"):
        wrong = await browser.post(f"{CHOSEN}/views", {"name": name, "query": query} | dict([BACK]))
        assert wrong.status == 422 and 'aria-invalid="true"' in wrong.text, name
    assert (await browser.post(f"{CHOSEN}/views/{view}/delete", [BACK])).status == 303
    assert "Codes" not in (await browser.get(LIST)).words


async def test_the_file_holds_the_filtered_list_and_no_formulas(edge, sign_in):
    other = await edge.new_customer("Export")
    await edge.give_sender(other.id, "+12025550144")
    bad = await sent(edge, key=other.live, text="=HYPERLINK(1)", tags=["a", "b"], metadata={"n": 1})
    await sent(edge, key=other.live, **{"class": "otp"})
    browser = await sign_in("support", other.id)
    seen = await browser.get(f"{LIST}/export?class=transactional")
    assert seen.headers["content-type"].startswith("text/csv") and "attachment" in seen.headers["content-disposition"]
    head, *lines = list(csv.reader(io.StringIO(seen.text)))
    (row,) = [dict(zip(head, line, strict=True)) for line in lines]
    assert (row["id"], row["text"], row["to"], row["tags"]) == (bad, "'=HYPERLINK(1)", f"'{NUMBER}", "a b")
    assert row["metadata"] == '{"n":1}'
    (noted, *_) = (await edge.get("/v1/audit", key=other.live)).json["data"]
    assert (noted["action"], noted["detail"]) == ("messages.exported", {"filters": "class"})


async def test_a_file_that_is_cut_says_so(edge, browser, monkeypatch):
    for _ in range(3):
        await sent(edge)
    monkeypatch.setattr(limits, "EXPORT_ROWS_MAX", 2)
    monkeypatch.setattr(limits, "PAGE_MAX", 2)
    lines = list(csv.reader(io.StringIO((await browser.get(f"{LIST}/export")).text)))
    assert len(lines) == 4 and "first 2 rows" in lines[-1][0]


async def test_what_is_no_number_takes_everything_out_of_nothing(edge, browser):
    await sent(edge)
    seen = await browser.get(f"{LIST}/export?q={quote('+44 79')}")
    assert len(seen.text.splitlines()) == 1
    assert (await browser.get(f"{LIST}/live?q={quote('+44 79')}")).status == 204
    for path in ("live", "export"):
        assert (await browser.get(f"{LIST}/{path}?status=lost")).status == 400


async def test_a_file_needs_a_fresh_proof_of_who_asks(edge, browser, monkeypatch):
    monkeypatch.setattr(limits, "CONFIRMED_S", -1)
    seen = await browser.get(f"{LIST}/export", headers={"referer": f"{edge.url}{LIST}"})
    assert seen.status == 303 and seen.to.startswith("/console/confirm")


# ---- live


class Following:
    """A live tail, read as it comes."""

    def __init__(self, answer):
        self._lines = answer.content

    async def frame(self):
        """The next piece of rows."""
        async with asyncio.timeout(60):
            said = []
            while True:
                line = (await self._lines.readline()).decode().rstrip("\n")
                said.append(line)
                if line == "":
                    if "event: rows" in said:
                        return "\n".join(each.removeprefix("data: ") for each in said)
                    said = []


async def test_the_tail_tells_what_is_new_and_what_changes(edge, sign_in):
    other = await edge.new_customer("Tail")
    await edge.give_sender(other.id, "+12025550145")
    old = await sent(edge, key=other.live)
    browser = await sign_in("support", other.id)
    (tail,) = (await browser.get(LIST)).all(r'data-tail="([^"]+)"')
    assert f"after={old}" in tail
    async with browser.open(tail.replace("&amp;", "&")) as answer:
        following = Following(answer)
        await sent(edge)  # somebody else's
        message_id = (await edge.send(key=other.live)).json["id"]
        told = await following.frame()
        while ">Delivered<" not in told:
            assert set(re.findall(r'id="(SM\w+)"', told)) == {message_id}
            told = await following.frame()
        assert old not in told


async def test_the_tail_gathers_and_tells_how_many_more(edge, sign_in):
    other = await edge.new_customer("Storm", credit="1000")
    await edge.give_sender(other.id, "+12025550146")
    browser = await sign_in("support", other.id)
    async with browser.open(f"{LIST}/live") as answer:
        following = Following(answer)
        texts = [{"to": NUMBER, "text": str(n)} for n in range(120)]
        await edge.post("/v1/messages/batch", {"messages": texts}, key=other.live)
        told = await following.frame()
        assert len(re.findall(r'<tr id="SM', told)) == 20
        assert re.search(r"and (\d+) more", told), told


async def test_the_tail_has_the_filters_of_the_list(edge, sign_in):
    other = await edge.new_customer("Filtered")
    await edge.give_sender(other.id, "+12025550147")
    browser = await sign_in("support", other.id)
    async with browser.open(f"{LIST}/live?class=otp") as answer:
        following = Following(answer)
        await edge.send(key=other.live)
        otp = (await edge.send(key=other.live, **{"class": "otp"})).json["id"]
        assert re.findall(r'<tr id="(SM\w+)"', await following.frame()) == [otp]


# ---- one message


async def test_each_step_stands_there_with_its_evidence(edge, browser):
    wanted = {"tags": ["login"], "metadata": {"order": 4711}, "class": "otp"}
    message_id = await sent(edge, headers={"Idempotency-Key": "order-4711"}, **wanted)
    told = (await edge.get(f"/v1/messages/{message_id}/events")).json
    seen = await browser.get(f"{LIST}/{message_id}")
    steps = [re.sub(r"<[^>]+>.*", "", step) for step in seen.all(r"<h3>(.*?)</h3>")]
    assert [step.strip() for step in steps] == [
        "Accepted", "Screened: may be sent", "Routed to Tern", "Submitted to Tern", "Sent", "Delivered",
    ]  # fmt: skip
    (attempt,) = told["attempts"]
    assert attempt["carrier_message_id"] in seen.text and attempt["bind"] in seen.text
    assert "idempotency order-4711" in seen.words
    assert "by REST" in seen.words and "order 4711" in seen.words and "stat:DELIVRD" in seen.words
    assert told["accepted"]["route_id"][-6:] in seen.text


async def test_as_of_a_moment_it_shows_what_was_known_then(edge, browser):
    waiting = await sent(edge, "scheduled", send_at=later())
    scheduled_at = (await edge.get(f"/v1/messages/{waiting}/events")).json["data"][0]["created_at"]
    await edge.post(f"/v1/messages/{waiting}/cancel")
    assert 's-canceled">Canceled' in (await browser.get(f"{LIST}/{waiting}")).text
    seen = await browser.get(f"{LIST}/{waiting}?at={scheduled_at}")
    assert "One later step is hidden" in seen.words
    assert 's-scheduled">Scheduled' in seen.text and "s-canceled" not in seen.text
    assert 'hx-trigger="every' not in seen.text


async def test_as_of_a_moment_an_attempt_has_no_answer_that_came_later(edge, browser):
    message_id = await sent(edge)
    (attempt,) = (await edge.get(f"/v1/messages/{message_id}/attempts")).json["data"]
    seen = await browser.get(f"{LIST}/{message_id}?at={attempt['committed_at']}")
    assert "no answer yet" in seen.words and 's-sending">Sending' in seen.text
    assert attempt["carrier_message_id"] not in seen.text and "DELIVRD" not in seen.text
    now = await browser.get(f"{LIST}/{message_id}?at=rubbish")
    assert 's-delivered">Delivered' in now.text


async def test_the_page_follows_what_is_under_way_and_says_nothing_while_nothing_happens(edge, browser):
    message_id = await sent(edge, "scheduled", send_at=later())
    seen = await browser.get(f"{LIST}/{message_id}")
    (again,) = seen.all(r'hx-get="([^"]+known=[^"]+)" hx-trigger="every')
    assert (await browser.get(again, part=True)).headers["hx-reswap"] == "none"
    await edge.post(f"/v1/messages/{message_id}/cancel")
    part = await browser.get(again, part=True)
    assert "hx-reswap" not in part.headers and 's-canceled">Canceled' in part.text


async def test_what_webhooks_answered_stands_at_its_event(edge, sign_in):
    other = await edge.new_customer("Hooks")
    await edge.give_sender(other.id, "+12025550148")
    browser = await sign_in("developer", other.id)
    async with listening() as receiver:
        receiver.always["/bad"] = 503
        for path in ("good", "bad"):
            new = {"url": f"{receiver.url}/{path}", "events": ["message.delivered"]}
            await edge.post("/v1/webhooks", new, key=other.live)
        message_id = await sent(edge, key=other.live)

        async def told():
            seen = await browser.get(f"{LIST}/{message_id}")
            return seen if re.search(r"204 in \d+ ms", seen.words) and "503 in" in seen.words else None

        assert "again at" in (await until(told)).words


async def test_routes_are_explained_as_they_stand_now(edge, browser):
    message_id = await sent(edge)
    part = await browser.get(f"{LIST}/{message_id}/explain", part=True)
    assert part.status == 200 and "Tern" in part.words and "as they are at this moment" in part.words


async def test_pdus_are_shown_to_the_operators_people_where_a_trace_has_them(edge, browser, sign_in):
    operator = await sign_in("operator", None)
    await operator.act_for(edge.customer.id)
    carrier = (await carriers.find(edge.app.manage, paging=Paging())).data[0].id
    untraced = await sent(edge)
    assert "Nothing was recorded" in (await operator.get(f"{LIST}/{untraced}/pdus")).words
    await edge.post(f"/v1/carriers/{carrier}/trace", {"enabled": True}, key=edge.operator)
    message_id = await sent(edge)

    async def answered():  # a receipt is answered once it is stored
        seen = await operator.get(f"{LIST}/{message_id}/pdus")
        return seen if "deliver_sm_resp" in seen.all(r"<h4>(\w+)<") else None

    seen = await until(answered)
    assert seen.all(r"<h4>(\w+)<") == ["submit_sm", "submit_sm_resp", "deliver_sm", "deliver_sm_resp"]
    assert NUMBER.lstrip("+") not in seen.text
    assert "none of this message" in (await operator.get(f"{LIST}/{untraced}/pdus")).words
    assert (await browser.get(f"{LIST}/{message_id}/pdus")).status == 403


async def test_an_inbound_text_has_a_page_and_cannot_be_sent_again(edge, browser):
    from whimbrel_sandbox.network import PhoneText

    edge.simulator.network.send_text(NUMBER, PhoneText(to=SENDER, text="Is it open?"))

    async def came():
        return (await edge.get("/v1/inbound")).json["data"]

    (message, *_) = await until(came)
    seen = await browser.get(f"{LIST}/{message['id']}")
    assert "Is it open?" in seen.words and "Received" in seen.words
    assert "/again" not in seen.text and "/cancel" not in seen.text and "/redact" in seen.text
    assert (await browser.get(f"{LIST}?direction=in")).has(message["id"])


# ---- acts


async def test_a_scheduled_message_is_taken_back_and_one_on_its_way_is_not(edge, browser):
    message_id = await sent(edge, "scheduled", send_at=later())
    seen = await browser.post(f"{LIST}/{message_id}/cancel")
    assert (seen.status, seen.to) == (303, f"{LIST}/{message_id}?done=message.canceled")
    assert (await edge.get(f"/v1/messages/{message_id}")).json["status"] == "canceled"
    delivered = await sent(edge)
    assert (await browser.post(f"{LIST}/{delivered}/cancel")).status == 409


async def test_it_is_sent_again_once_however_often_the_form_comes(edge, browser):
    message_id = await sent(edge, text="It's « here »", **{"class": "otp"})
    seen = await browser.get(f"{LIST}/{message_id}")
    (key,) = seen.all(r'name="key" value="([^"]+)"')
    first, second = [await browser.post(f"{LIST}/{message_id}/again", {"key": key}) for _ in range(2)]
    assert first.to == second.to and message_id not in first.to
    again = (await edge.get(f"/v1/messages/{first.to.rpartition('/')[2].partition('?')[0]}")).json
    assert (again["to"], again["text"], again["sender"], again["class"]) == (NUMBER, "It's « here »", SENDER, "otp")
    assert "It'\\''s « here »" in " ".join(seen.all(r'data-copy="(curl [^"]+)"')).replace("&#39;", "'")


async def test_text_and_numbers_are_erased_and_the_message_deleted(edge, browser):
    message_id = await sent(edge, text="Secret", to="+447911123457")
    assert (await browser.post(f"{LIST}/{message_id}/redact")).status == 303
    seen = await browser.get(f"{LIST}/{message_id}")
    assert "Secret" not in seen.text and "+447" not in seen.text and "/again" not in seen.text
    assert (await browser.post(f"{LIST}/{message_id}/again")).status == 404
    assert (await browser.post(f"{LIST}/{message_id}/delete")).to == f"{LIST}?done=message.deleted"
    assert (await browser.get(f"{LIST}/{message_id}")).status == 404
    waiting = await sent(edge, "scheduled", send_at=later())
    assert (await browser.post(f"{LIST}/{waiting}/delete")).status == 409


# ---- who sees what


async def test_two_accounts_never_see_each_other(edge, sign_in):
    mine = await sent(edge, tags=["mine"])
    other = await edge.new_customer("Stranger")
    stranger = await sign_in("owner", other.id)
    assert rows(await stranger.get(LIST)) == [] and "No messages yet" in (await stranger.get(LIST)).words
    for path in ("", "/explain", "/pdus"):
        assert (await stranger.get(f"{LIST}/{mine}{path}")).status in (403, 404)
    for act in ("cancel", "again", "redact", "delete"):
        assert (await stranger.post(f"{LIST}/{mine}/{act}")).status == 404
    assert rows(await stranger.get(f"{LIST}?q={mine}")) == []
    assert mine not in (await stranger.get(f"{LIST}/export")).text


async def test_test_data_and_live_data_do_not_see_each_other(edge, browser):
    live, test = await sent(edge), await sent(edge, key=edge.customer.test)
    assert test not in rows(await browser.get(LIST))
    await browser.act_for(edge.customer.id, test=True)
    shown = rows(await browser.get(LIST))
    assert test in shown and live not in shown
    assert "Test: free" in (await browser.get(f"{LIST}/{test}")).words
    assert (await browser.get(f"{LIST}/{live}")).status == 404


async def test_who_only_looks_is_offered_nothing_and_refused(edge, sign_in):
    message_id = await sent(edge)
    reader = await sign_in("read_only")
    seen = await reader.get(f"{LIST}/{message_id}")
    assert seen.status == 200
    for act in ("cancel", "again", "redact", "delete"):
        assert f"/{act}" not in seen.text
        assert (await reader.post(f"{LIST}/{message_id}/{act}")).status == 403


async def test_the_operators_people_choose_an_account_first(edge, sign_in):
    await edge.new_customer("Second")
    operator = await sign_in("owner", None)
    await operator.post("/console/show", {"account_id": ""})
    seen = await operator.get(LIST)
    assert "Which account?" in seen.words and "Second" in seen.words and rows(seen) == []
    message_id = await sent(edge)
    chosen = await operator.post("/console/show", {"account_id": edge.customer.id, "to": LIST})
    assert chosen.to == LIST
    seen = await operator.get(LIST)
    assert message_id in rows(seen) and "Any carrier" in seen.words
    chosen = await operator.post("/console/show", {"account_id": edge.customer.id, "to": "https://example.com/console"})
    assert chosen.to == "/console"
