"""Conversations and canned answers over HTTP; the phones are the simulator's."""

import asyncio
from itertools import count

import pytest
import pytest_asyncio

from whimbrel.base import limits
from whimbrel_sandbox.network import PhoneText

from .edge_rig import running_edge, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = (f"+120255501{place:02}" for place in count(10))
_phones = (f"+141555502{place:02}" for place in count(10))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("conversations")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    installation.number = next(_numbers)
    await installation.give_sender(installation.customer.id, installation.number)
    return installation


@pytest.fixture
def phone():
    return next(_phones)


async def texted(edge, phone, text, number=None):
    """A phone writes; the conversation, once it says so."""
    edge.simulator.network.send_text(phone, PhoneText(to=number or edge.number, text=text, system_id="whimbrel"))

    async def listed():
        (found,) = (await edge.get(f"/v1/conversations?number=%2B{phone[1:]}")).json["data"] or [None]
        return found if found and found["last_message"]["text"] == text else None

    return await until(listed)


async def thread(edge, conversation_id, query=""):
    return (await edge.get(f"/v1/conversations/{conversation_id}/messages{query}")).json


async def answered(edge, conversation_id, text, **more):
    return await edge.post(f"/v1/conversations/{conversation_id}/messages", {"text": text}, **more)


async def test_a_phone_writes_and_is_answered(edge, phone):
    begun = await texted(edge, phone, "Are you open?")
    assert (begun["our_number"], begun["their_number"], begun["unread"]) == (edge.number, phone, 1)
    assert (begun["opt_out"], begun["account_id"], begun["test"]) == (None, edge.customer.id, False)
    answer = await answered(edge, begun["id"], "Until six.")
    assert (answer.status, answer.json["to"], answer.json["sender"]) == (202, phone, edge.number)
    assert answer.headers["location"] == f"/v1/messages/{answer.json['id']}"
    assert answer.json["reply_to"] == begun["last_message"]["id"]
    shown = await thread(edge, begun["id"])
    assert [(each["direction"], each["text"]) for each in shown["data"]] == [
        ("out", "Until six."),
        ("in", "Are you open?"),
    ]
    assert shown["next_cursor"] is None

    async def delivered():
        return (await thread(edge, begun["id"]))["data"][0]["status"] == "delivered"

    await until(delivered)
    assert edge.simulator.network.phones.read(phone[1:])[-1].text == "Until six."
    now = (await edge.get(f"/v1/conversations/{begun['id']}")).json
    assert (now["last_message"]["id"], now["unread"]) == (answer.json["id"], 1)


async def test_what_was_sent_from_elsewhere_stands_in_the_thread(edge, phone):
    begun = await texted(edge, phone, "Hello?")
    sent = (await edge.send(to=phone, sender=edge.number, text="Your order is ready.")).json
    await edge.give_sender(edge.customer.id, other := next(_numbers))
    await edge.send(to=phone, sender=other, text="From another number.")

    async def joined():
        return [each["id"] for each in (await thread(edge, begun["id"]))["data"]][:-1] or None

    assert await until(joined) == [sent["id"]]


async def test_unread_until_somebody_read_it_and_again_with_the_next_text(edge, phone):
    first = await texted(edge, phone, "One")
    last = await texted(edge, phone, "Two")
    assert (first["id"], last["unread"]) == (last["id"], 2)
    path = f"/v1/conversations/{last['id']}/read"
    assert (await edge.post(path, {"message_id": first["last_message"]["id"]})).status == 204
    assert [each["unread"] for each in (await edge.get("/v1/conversations?unread=true")).json["data"]] == [2]
    assert (await edge.post(path, {"message_id": last["last_message"]["id"]})).status == 204
    assert (await edge.get("/v1/conversations?unread=true")).json["data"] == []
    assert (await texted(edge, phone, "Three"))["unread"] == 1
    assert (await edge.post(path, {})).status == 204
    assert (await edge.get("/v1/conversations?unread=true")).json["data"] == []
    assert (await edge.post(path, {"message_id": "SM1"})).code == "not_found"


async def test_a_text_that_is_read_before_it_was_counted_is_read(edge, phone, monkeypatch):
    """Who reads is told of a text when it is stored; who counts follows the log, and is held up here."""
    follower, turn = edge.app.products.duties["conversations"], asyncio.Lock()
    take = follower._take

    async def late(position):
        async with turn:
            return await take(position)

    monkeypatch.setattr(follower, "_take", late)
    monkeypatch.setattr("whimbrel.products.conversations.reading._COUNTED_TRIES", 1200)  # a minute
    begun = await texted(edge, phone, "One")
    await turn.acquire()  # no look is under way, and none begins
    edge.simulator.network.send_text(phone, PhoneText(to=edge.number, text="Two", system_id="whimbrel"))

    async def shown():
        newest = (await thread(edge, begun["id"]))["data"][0]
        return newest if newest["text"] == "Two" else None

    two = await until(shown)
    path = f"/v1/conversations/{begun['id']}"
    reading = asyncio.create_task(edge.post(f"{path}/read", {"message_id": two["id"]}))
    await edge.get(path)
    assert not reading.done()
    turn.release()
    assert (await reading).status == 204
    now = (await edge.get(path)).json
    assert (now["last_message"]["id"], now["unread"]) == (two["id"], 0)
    assert (await texted(edge, phone, "Three"))["unread"] == 1


async def test_two_answers_at_once_are_both_sent_and_one_key_sends_once(edge, phone):
    begun = await texted(edge, phone, "Hello?")
    both = await asyncio.gather(*(answered(edge, begun["id"], f"I am {name}.") for name in ("Ada", "Bob")))
    assert {each.status for each in both} == {202}
    texts = [each["text"] for each in (await thread(edge, begun["id"]))["data"]]
    assert sorted(texts[:2]) == ["I am Ada.", "I am Bob."]
    keyed = [await answered(edge, begun["id"], "Once.", headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert keyed[0].json["id"] == keyed[1].json["id"]
    assert keyed[1].headers["idempotent-replayed"] == "true"
    other = await answered(edge, begun["id"], "Twice.", headers={"Idempotency-Key": "k1"})
    assert other.code == "idempotency_key_reused"
    texts = [each["text"] for each in (await thread(edge, begun["id"]))["data"]]
    assert texts.count("Once.") == 1


async def test_whoever_said_stop_is_shown_so_and_not_answered(edge, phone):
    begun = await texted(edge, phone, "STOP")
    stopped = (await edge.get(f"/v1/conversations/{begun['id']}")).json["opt_out"]
    assert stopped["source"] == "keyword"
    refused = await answered(edge, begun["id"], "Why?")
    assert (refused.status, refused.code) == (422, "opted_out")
    again = await texted(edge, phone, "START")
    assert again["opt_out"] is None
    assert (await answered(edge, begun["id"], "Welcome back.")).status == 202


async def test_whoever_stopped_one_number_is_shown_so_beside_that_number_only(edge, phone):
    other = "+12025550177"
    of_account = {"X-Account-Id": edge.customer.id}
    made = await edge.ask("POST", "/v1/senders", json={"value": other}, key=edge.operator, headers=of_account)
    assert made.status == 201
    policy = await edge.ask(
        "PUT", "/v1/policies", json={"opt_out_scope": "sender"}, key=edge.operator, headers=of_account
    )
    assert policy.status == 200
    here = await texted(edge, phone, "STOP")
    edge.simulator.network.send_text(phone, PhoneText(to=other, text="Hello?", system_id="whimbrel"))

    async def both():
        found = (await edge.get(f"/v1/conversations?number=%2B{phone[1:]}")).json["data"]
        return found if len(found) == 2 else None

    listed = {each["our_number"]: each for each in await until(both)}
    assert listed[edge.number]["opt_out"]["scope"] == f"sender:{edge.number}"
    assert listed[other]["opt_out"] is None
    assert (await edge.get(f"/v1/conversations/{here['id']}")).json["opt_out"]["scope"] == f"sender:{edge.number}"
    assert (await answered(edge, here["id"], "Why?")).code == "opted_out"
    assert (await answered(edge, listed[other]["id"], "Hello.")).status == 202
    await edge.ask("PUT", "/v1/policies", json={}, key=edge.operator, headers=of_account)


async def test_an_answer_that_cannot_be_sent(edge, phone):
    begun = await texted(edge, phone, "Hello?")
    assert (await answered(edge, begun["id"], "")).code == "text_missing"
    assert (await answered(edge, begun["id"], "a" * (limits.TEXT_MAX + 1))).code == "text_too_long"
    assert (await edge.post(f"/v1/conversations/{begun['id']}/messages", {"to": phone})).code == "invalid_request"
    message_id = begun["last_message"]["id"]
    assert (await edge.post(f"/v1/messages/{message_id}/redact")).status == 200
    assert (await edge.get(f"/v1/conversations/{begun['id']}")).json["their_number"] is None
    assert (await answered(edge, begun["id"], "Who are you?")).code == "conflict"


async def test_one_redacted_message_does_not_hide_who_writes(edge, phone):
    begun = await texted(edge, phone, "One")
    last = await texted(edge, phone, "Two")
    assert (await edge.post(f"/v1/messages/{last['last_message']['id']}/redact")).status == 200
    assert (await edge.get(f"/v1/conversations/{begun['id']}")).json["their_number"] == phone
    assert (await answered(edge, begun["id"], "Hello.")).json["to"] == phone


async def test_pages_of_conversations_and_of_a_thread(edge):
    made = [(await texted(edge, next(_phones), f"Text {place}"))["id"] for place in range(3)]
    first = (await edge.get("/v1/conversations?limit=2")).json
    assert [each["id"] for each in first["data"]] == [made[2], made[1]]
    rest = (await edge.get(f"/v1/conversations?limit=2&cursor={first['next_cursor']}")).json
    assert ([each["id"] for each in rest["data"]], rest["next_cursor"]) == ([made[0]], None)
    answers = [(await answered(edge, made[0], f"Answer {place}")).json["id"] for place in range(2)]
    assert (await edge.get("/v1/conversations?limit=1")).json["data"][0]["id"] == made[0]
    first = await thread(edge, made[0], "?limit=2")
    assert [each["id"] for each in first["data"]] == answers[::-1]
    rest = await thread(edge, made[0], f"?limit=2&cursor={first['next_cursor']}")
    assert ([each["text"] for each in rest["data"]], rest["next_cursor"]) == (["Text 0"], None)
    assert (await edge.get("/v1/conversations?number=nobody")).code == "invalid_parameter"
    assert (await edge.get("/v1/conversations?cursor=%21")).code == "invalid_cursor"


async def test_one_answer_looks_through_so_many_texts_and_says_where_to_go_on(edge, phone, monkeypatch):
    begun = await texted(edge, phone, "Hello?")
    await edge.give_sender(edge.customer.id, other := next(_numbers))
    for place in range(12):
        await edge.send(to=phone, sender=other, text=f"From another number {place}")
    number = f"/v1/messages?number=%2B{phone[1:]}&limit=50"

    async def found():
        return len((await edge.get(number)).json["data"]) == 13

    await until(found)
    monkeypatch.setattr("whimbrel.products.conversations.reading.MESSAGES_SCAN_MAX", 2)
    seen, cursor, pages = [], "", 0
    while True:
        shown = await thread(edge, begun["id"], f"?limit=1{cursor}")
        seen += [each["text"] for each in shown["data"]]
        pages += 1
        if shown["next_cursor"] is None:
            break
        cursor = f"&cursor={shown['next_cursor']}"
    assert (seen, pages > 1) == (["Hello?"], True)


async def test_another_account_and_another_mode_see_nothing_of_it(edge, phone):
    begun = await texted(edge, phone, "Hello?")
    other = await edge.new_customer("Other")
    for key in (other.live, edge.customer.test):
        assert (await edge.get("/v1/conversations", key=key)).json["data"] == []
        for path in ("", "/messages"):
            assert (await edge.get(f"/v1/conversations/{begun['id']}{path}", key=key)).code == "not_found"
        assert (await answered(edge, begun["id"], "Hello.", key=key)).code == "not_found"
        assert (await edge.post(f"/v1/conversations/{begun['id']}/read", {}, key=key)).code == "not_found"


async def test_scopes(edge, phone):
    begun = await texted(edge, phone, "Hello?")
    reader = await edge.new_key(edge.customer.id, ("conversations:read",))
    assert (await edge.get(f"/v1/conversations/{begun['id']}/messages", key=reader)).status == 200
    assert (await answered(edge, begun["id"], "Hello.", key=reader)).code == "forbidden"
    assert (await edge.post("/v1/canned-answers", {"name": "a", "text": "b"}, key=reader)).code == "forbidden"
    sender = await edge.new_key(edge.customer.id, ("messages:write",))
    assert (await edge.get("/v1/conversations", key=sender)).code == "forbidden"


# ---------------------------------------------------------------- canned answers


async def test_a_canned_answer_through_its_life(edge):
    made = await edge.post("/v1/canned-answers", {"name": " Hours ", "text": "Nine to six.\nMonday to Friday."})
    assert (made.status, made.json["name"]) == (201, "Hours")
    path = f"/v1/canned-answers/{made.json['id']}"
    assert made.headers["location"] == path
    assert (await edge.get(path)).json == made.json
    changed = (await edge.ask("PATCH", path, json={"text": "Ten to four."})).json
    assert (changed["name"], changed["text"]) == ("Hours", "Ten to four.")
    await edge.post("/v1/canned-answers", {"name": "Address", "text": "Main Street 1"})
    listed = (await edge.get("/v1/canned-answers")).json
    assert ([each["name"] for each in listed["data"]], listed["next_cursor"]) == (["Address", "Hours"], None)
    other = await edge.new_customer("Other")
    for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
        assert (await edge.ask(method, path, json=body, key=other.live)).code == "not_found"
    assert (await edge.ask("DELETE", path)).status == 204
    assert (await edge.get(path)).code == "not_found"
    actions = [row["action"] for row in (await edge.get("/v1/audit")).json["data"]]
    assert {"canned_answer.created", "canned_answer.updated", "canned_answer.deleted"} <= set(actions)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": "", "text": "x"}, "/name"),
        ({"name": "Taken", "text": "x"}, "/name"),
        ({"name": "a" * (limits.NAME_MAX + 1), "text": "x"}, "/name"),
        ({"name": "New", "text": " "}, "/text"),
        ({"name": "New", "text": "a" * (limits.TEXT_MAX + 1)}, "/text"),
        ({"name": "New", "text": "a\0"}, "/text"),
    ],
)
async def test_a_canned_answer_that_cannot_be_kept(edge, fields, pointer):
    kept = (await edge.post("/v1/canned-answers", {"name": "Taken", "text": "x"})).json
    refused = await edge.post("/v1/canned-answers", fields)
    assert (refused.code, [each["pointer"] for each in refused.json["errors"]]) == ("invalid_request", [pointer])
    same = await edge.ask("PATCH", f"/v1/canned-answers/{kept['id']}", json={"name": "Taken"})
    assert same.status == 200


async def test_there_is_an_end_to_canned_answers(edge, monkeypatch):
    monkeypatch.setattr(limits, "CANNED_ANSWERS_MAX", 1)
    assert (await edge.post("/v1/canned-answers", {"name": "a", "text": "x"})).status == 201
    assert (await edge.post("/v1/canned-answers", {"name": "b", "text": "x"})).code == "invalid_request"
