"""How people see to conversations, over HTTP: states, assignment, tags, notes, hours of service, ratings. The phones
are the simulator's, and say what came.
"""

from datetime import UTC, datetime
from itertools import count

import pytest
import pytest_asyncio

from tests.journey.rig import ShiftedClock
from whimbrel.base import limits
from whimbrel.base.clock import DAY_US, HOUR_US, SECOND_US
from whimbrel.domain.people import User
from whimbrel.manage import users
from whimbrel.products.conversations import reading, working
from whimbrel.products.conversations.following import Conversations
from whimbrel_sandbox.network import PhoneText

from .edge_rig import ACTOR, running_edge, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = (f"+120255503{place:02}" for place in count(10))
_phones = (f"+141555504{place:02}" for place in count(10))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    clock = ShiftedClock()  # it is noon: closed days and figures are of one day, whenever this runs
    clock.advance((12 * HOUR_US - clock.now_us()) % DAY_US / SECOND_US)
    async with running_edge(tmp_path_factory.mktemp("desk"), clock=clock) as running:
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


async def texted(edge, phone, text):
    """A phone writes; the conversation, once it says so."""
    edge.simulator.network.send_text(phone, PhoneText(to=edge.number, text=text, system_id="whimbrel"))

    async def listed():
        (found,) = (await edge.get(f"/v1/conversations?number=%2B{phone[1:]}")).json["data"] or [None]
        return found if found and found["last_message"]["text"] == text else None

    return await until(listed)


async def told(edge, conversation_id):
    events = (await edge.get("/v1/events?limit=200")).json["data"]
    return [(each["type"], each["data"]) for each in events if each["data"].get("conversation_id") == conversation_id]


async def changed(edge, conversation_id, **fields):
    return await edge.ask("PATCH", f"/v1/conversations/{conversation_id}", json=fields)


async def ids(edge, query):
    return [each["id"] for each in (await edge.get(f"/v1/conversations?{query}")).json["data"]]


async def received(edge, phone, text):
    """The phone has this text; how often."""

    def read():
        return [each.text for each in edge.simulator.network.phones.read(phone[1:])].count(text)

    return await until(read)


async def person(edge, email, account_id):
    made = await users.invite(
        edge.app.manage, ACTOR, users.NewUser(email=email, name="Ada", role="developer"), account_id=account_id
    )
    row = (await edge.app.store.fetch(User, "user_by_id", made.id))[0]
    assert row.account_id == account_id
    return made.id


async def test_open_waiting_closed_and_open_again(edge, phone):
    begun = await texted(edge, phone, "Are you open?")
    assert (begun["state"], begun["assignee"], begun["tags"], begun["rating"]) == ("open", None, [], None)
    assert begun["waits_since"] is not None
    path = f"/v1/conversations/{begun['id']}"
    assert (await edge.post(f"{path}/messages", {"text": "Until six."})).status == 202
    now = (await edge.get(path)).json
    assert (now["state"], now["waits_since"]) == ("waiting", None)
    assert (await changed(edge, begun["id"], state="closed")).json["state"] == "closed"
    assert (await changed(edge, begun["id"], state="closed")).status == 200
    assert (await texted(edge, phone, "One more thing"))["state"] == "open"
    assert (await edge.post(f"{path}/messages", {"text": "Yes?", "state": "open"})).status == 202
    assert (await edge.get(path)).json["state"] == "open"
    assert [kind for kind, _ in await told(edge, begun["id"])] == [
        "conversation.opened", "conversation.waiting", "conversation.closed", "conversation.opened",
    ]  # fmt: skip
    (figures,) = (await edge.get("/v1/conversation-figures")).json["data"]
    assert (figures["replies"], figures["closed"], figures["user_id"]) == (2, 1, None)
    assert 0 <= figures["mean_reply_s"] < 600


async def test_an_answer_that_is_refused_changes_nothing(edge, phone):
    begun = await texted(edge, phone, "STOP")
    assert (begun["state"], begun["unread"]) == ("closed", 1)
    refused = await edge.post(f"/v1/conversations/{begun['id']}/messages", {"text": "Why?"})
    assert refused.code == "opted_out"
    assert (await edge.get(f"/v1/conversations/{begun['id']}")).json["state"] == "closed"
    assert await told(edge, begun["id"]) == []


async def test_who_sees_to_it_and_tags_are_what_lists_are_narrowed_by(edge):
    one, other = [await texted(edge, next(_phones), f"Hello {place}") for place in range(2)]
    ada = await person(edge, f"{edge.customer.id}@shop.example", edge.customer.id)
    stranger = await person(edge, f"x{edge.customer.id}@shop.example", (await edge.new_customer("Other")).id)
    assert (await changed(edge, one["id"], assignee=ada, tags=["billing", "billing"])).json["tags"] == ["billing"]
    assert await ids(edge, f"assignee={ada}") == [one["id"]]
    assert await ids(edge, "assignee=nobody") == [other["id"]]
    assert await ids(edge, "tag=billing&state=open") == [one["id"]]
    assert await ids(edge, "tag=billing&state=closed") == await ids(edge, "tag=bill") == []
    assert await ids(edge, "state=open&order=asc") == [one["id"], other["id"]]
    assert await ids(edge, "unread=true&assignee=nobody") == [other["id"]]
    for wrong in (stranger, "US1", "me", "SM1"):
        refused = await changed(edge, one["id"], assignee=wrong, tags=["x"])
        assert (refused.code, refused.json["errors"][0]["pointer"]) == ("invalid_request", "/assignee")
    assert (await edge.get(f"/v1/conversations/{one['id']}")).json["tags"] == ["billing"]
    assert (await changed(edge, one["id"], assignee="")).json["assignee"] is None
    assigned = [data["assignee"] for kind, data in await told(edge, one["id"]) if kind == "conversation.assigned"]
    assert assigned == [ada, ""]
    for tags in ([""], [f"t{each}" for each in range(limits.CONVERSATION_TAGS_MAX + 1)], "billing"):
        assert (await changed(edge, one["id"], tags=tags)).code == "invalid_request"
    assert (await changed(edge, one["id"], state="done")).code == "invalid_request"
    assert (await edge.get("/v1/conversations?state=done")).code == "invalid_parameter"


async def test_a_page_looks_through_so_many_and_goes_on(edge, monkeypatch):
    made = [await texted(edge, next(_phones), f"Text {place}") for place in range(4)]
    await changed(edge, made[0]["id"], tags=["rare"])
    monkeypatch.setattr("whimbrel.products.conversations.reading.CONVERSATIONS_SCAN_MAX", 2)
    cursor, found, pages = "", [], 0
    while cursor is not None:
        shown = (await edge.get(f"/v1/conversations?tag=rare&limit=1{cursor}")).json
        found += [each["id"] for each in shown["data"]]
        cursor = shown["next_cursor"] and f"&cursor={shown['next_cursor']}"
        pages += 1
    assert found == [made[0]["id"]] and 1 < pages <= 4
    everything, cursor = [], ""
    while cursor is not None:
        shown = (await edge.get(f"/v1/conversations?limit=1{cursor}")).json
        everything += [each["id"] for each in shown["data"]]
        cursor = shown["next_cursor"] and f"&cursor={shown['next_cursor']}"
    assert everything == [each["id"] for each in reversed(made)]


async def test_notes(edge, phone):
    begun = await texted(edge, phone, "Hello?")
    path = f"/v1/conversations/{begun['id']}/notes"
    made = await edge.post(path, {"text": " Calls back on Monday. "})
    assert (made.status, made.json["text"], made.json["conversation_id"]) == (201, "Calls back on Monday.", begun["id"])
    second = (await edge.post(path, {"text": "Has called."})).json
    assert [each["id"] for each in (await edge.get(path)).json["data"]] == [second["id"], made.json["id"]]
    assert [each["id"] for each in (await edge.get(f"{path}?order=asc&limit=1")).json["data"]] == [made.json["id"]]
    for wrong in ("", "  ", "a" * (limits.NOTE_MAX + 1), "a\0"):
        assert (await edge.post(path, {"text": wrong})).code == "invalid_request"
    other = await texted(edge, next(_phones), "Other")
    assert (await edge.ask("DELETE", f"/v1/conversations/{other['id']}/notes/{second['id']}")).code == "not_found"
    assert (await edge.ask("DELETE", f"{path}/{second['id']}")).status == 204
    assert (await edge.ask("DELETE", f"{path}/{second['id']}")).code == "not_found"
    stranger = await edge.new_customer("Other")
    assert (await edge.get(path, key=stranger.live)).code == "not_found"
    assert (await edge.post(path, {"text": "x"}, key=stranger.live)).code == "not_found"
    erased = (await edge.post("/v1/erasures", {"number": phone})).json
    assert erased["notes"] == 1 and (await edge.get(path)).json["data"] == []


async def test_whoever_writes_while_nobody_is_there_is_answered_once(edge, phone):
    settings = {"closed_on": [_today(edge)], "away_text": "We are back tomorrow.", "away_every_s": 3600}
    kept = await edge.ask("PUT", "/v1/conversation-settings", json=settings)
    assert kept.status == 200 and (await edge.get("/v1/conversation-settings")).json == kept.json
    begun = await texted(edge, phone, "Hello?")
    assert await received(edge, phone, "We are back tomorrow.") == 1
    await texted(edge, phone, "Is anybody there?")
    await texted(edge, phone, "STOP")
    # a node that died before its cursor moved decides the same again, and sends nothing twice
    again = Conversations(edge.app.store, edge.app.accept)
    await again._take(0)
    await texted(edge, phone, "START")
    assert await received(edge, phone, "We are back tomorrow.") == 1
    assert (await edge.get(f"/v1/conversations/{begun['id']}")).json["state"] == "open"
    await edge.ask("PUT", "/v1/conversation-settings", json={})
    other = next(_phones)
    await texted(edge, other, "Anybody?")
    await texted(edge, other, "No?")
    assert edge.simulator.network.phones.read(other[1:]) == []


async def test_the_question_at_the_end_and_its_answer(edge, phone):
    settings = {"ask_rating": True, "question": "How did we do, from 1 to 5?", "thanks": "Thank you!"}
    assert (await edge.ask("PUT", "/v1/conversation-settings", json=settings)).status == 200
    begun = await texted(edge, phone, "Hello?")
    assert (await changed(edge, begun["id"], state="closed")).json["state"] == "closed"
    assert await received(edge, phone, settings["question"]) == 1
    rated = await texted(edge, phone, "4/5")
    assert (rated["state"], rated["rating"], rated["unread"]) == ("closed", 4, begun["unread"])
    assert await received(edge, phone, "Thank you!") == 1
    kinds = [(kind, data.get("score")) for kind, data in await told(edge, begun["id"])]
    assert kinds[-1] == ("conversation.rated", 4)
    (figures,) = (await edge.get("/v1/conversation-figures")).json["data"]
    assert (figures["rated"], figures["mean_rating"]) == (1, 4.0)
    again = await texted(edge, phone, "5")  # nobody asked
    assert (again["state"], again["rating"]) == ("open", 4)
    assert (await changed(edge, begun["id"], state="closed", ask_rating=False)).json["state"] == "closed"
    assert (await texted(edge, phone, "2"))["rating"] == 4
    assert await received(edge, phone, settings["question"]) == 1


async def test_of_two_who_close_it_at_once_both_change_what_they_said_and_the_phone_is_asked_once(
    edge, phone, monkeypatch
):
    settings = {"ask_rating": True, "question": "And how was it?"}
    assert (await edge.ask("PUT", "/v1/conversation-settings", json=settings)).status == 200
    begun = await texted(edge, phone, "Hello?")
    account_id = edge.customer.id
    seen = await reading.existing(edge.app.manage, begun["id"], account_id=account_id, test=False)
    assert (await changed(edge, begun["id"], state="closed")).json["state"] == "closed"

    async def as_it_was(*_, **__):
        return seen

    with monkeypatch.context() as late:
        late.setattr(working, "existing", as_it_was)
        second = (await changed(edge, begun["id"], state="closed", tags=["refund"])).json
    assert (second["state"], second["tags"]) == ("closed", ["refund"])
    assert await received(edge, phone, settings["question"]) == 1
    assert [kind for kind, _ in await told(edge, begun["id"])].count("conversation.closed") == 1


async def test_who_opted_out_is_not_asked(edge, phone):
    await edge.ask("PUT", "/v1/conversation-settings", json={"ask_rating": True, "question": "Well?"})
    begun = await texted(edge, phone, "Hello?")
    await texted(edge, phone, "STOP")
    assert (await changed(edge, begun["id"], state="closed")).json["state"] == "closed"
    shown = (await edge.get(f"/v1/conversations/{begun['id']}/messages")).json["data"]
    assert "Well?" not in [each["text"] for each in shown]


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"hours": [{"start": "9", "end": "17:00"}]}, "/hours/0/start"),
        ({"hours": [{"start": "09:00", "end": "08:00"}]}, "/hours/0/end"),
        ({"hours": [{"start": "09:00", "end": "17:00", "days": [8]}]}, "/hours/0/days"),
        ({"closed_on": ["2026-02-30"]}, "/closed_on/0"),
        ({"ask_rating": True}, "/question"),
        ({"away_text": "a" * (limits.TEXT_MAX + 1)}, "/away_text"),
        ({"away_every_s": 1}, "/away_every_s"),
        ({"rated_within_s": 10**9}, "/rated_within_s"),
        ({"hours": [{"start": "09:00", "end": "17:00"}] * (limits.DESK_HOURS_MAX + 1)}, "/hours"),
    ],
)
async def test_settings_that_are_wrong_change_nothing(edge, said, pointer):
    refused = await edge.ask("PUT", "/v1/conversation-settings", json=said | {"thanks": "x"})
    assert (refused.code, refused.json["errors"][0]["pointer"]) == ("invalid_request", pointer)
    assert (await edge.get("/v1/conversation-settings")).json["thanks"] == ""


async def test_figures_of_too_many_days(edge):
    for days in (0, limits.CONVERSATION_FIGURES_DAYS + 1):
        assert (await edge.get(f"/v1/conversation-figures?days={days}")).code == "invalid_parameter"


def _today(edge):
    return datetime.fromtimestamp(edge.app.clock.now_us() / 1_000_000, UTC).date().isoformat()
