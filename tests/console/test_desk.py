"""Conversations in the console: how they stand, who sees to them, notes, hours of service. The phones are those of the
simulator.
"""

import re
from itertools import count

import pytest
import pytest_asyncio

from tests.edges.edge_rig import SENDER, running_edge, until
from whimbrel_sandbox.network import PhoneText

pytestmark = pytest.mark.asyncio(loop_scope="module")

_phones = (f"+141555505{place:02}" for place in count(10))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("desk"), phones=True) as running:
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


def key_of(html):
    return re.search(r'name="key" value="(RQ[0-9a-f]+)"', html)[1]


async def test_it_is_taken_tagged_noted_answered_and_closed(edge, sign_in, phone):
    ada, bob = await sign_in("support"), await sign_in("support")
    talk = await texted(edge, phone, "Where is my order?")
    path = f"/console/inbox/{talk['id']}"
    page = await ada.get(path)
    (me,) = re.findall(r'<option value="(US[0-9a-f]+)">Me</option>', page.text)
    fields = {"state": "open", "assignee": me, "tags": "orders, late"}
    assert (await ada.post(f"{path}/desk", fields)).to == f"{path}?done=inbox.changed"
    now = (await edge.get(f"/v1/conversations/{talk['id']}")).json
    assert (now["assignee"], now["tags"], now["state"]) == (me, ["orders", "late"], "open")
    noted = await ada.post(
        f"{path}/answer", {"key": key_of(page.text), "text": "Carrier <lost> it.", "as": "note"}, part=True
    )
    assert noted.status == 200
    seen = await bob.get(path)
    assert "Carrier &lt;lost&gt; it." in seen.text and "#orders" in seen.text
    assert talk["id"] in (await ada.get("/console/inbox?assignee=me&tag=late")).text
    assert f'data-talk="{talk["id"]}"' not in (await bob.get("/console/inbox?assignee=me")).text
    assert f'data-talk="{talk["id"]}"' not in (await bob.get("/console/inbox?state=closed")).text
    assert edge.simulator.network.phones.read(phone[1:]) == []  # no phone sees a note
    answer = {"key": key_of(seen.text), "text": "On its way again.", "state": "closed"}
    assert (await bob.post(f"{path}/answer", answer)).status == 303
    assert f'data-talk="{talk["id"]}"' in (await bob.get("/console/inbox?state=closed")).text
    await until(lambda: [each.text for each in edge.simulator.network.phones.read(phone[1:])] == ["On its way again."])
    (forget,) = re.findall(r'formaction="([^"]+/delete)"', seen.text)
    assert (await bob.post(forget, {})).to == f"{path}?done=inbox.note_deleted"
    assert (await edge.get(f"/v1/conversations/{talk['id']}/notes")).json["data"] == []


async def test_what_is_wrong_is_told_beside_what_was_typed(edge, browser, phone):
    talk = await texted(edge, phone, "Hello?")
    path = f"/console/inbox/{talk['id']}"
    refused = await browser.post(f"{path}/desk", {"assignee": "US1", "tags": "mine"})
    assert refused.status == 422 and 'value="mine"' in refused.text and 'role="alert"' in refused.text
    page = await browser.get(path)
    empty = await browser.post(f"{path}/answer", {"key": key_of(page.text), "text": " ", "as": "note"}, part=True)
    assert empty.status == 422
    assert (await edge.get(f"/v1/conversations/{talk['id']}")).json["tags"] == []


async def test_hours_of_service_as_a_form(edge, browser):
    page = await browser.get("/console/inbox/service")
    assert page.status == 200
    fields = {
        "time_zone": "Europe/Berlin", "start.1.1": "09:00", "end.1.1": "12:00", "start.1.2": "13:00",
        "end.1.2": "17:30",
        "closed_on": "2026-12-25\r\n2026-12-26", "away_text": "Back on Monday.", "away_every_s": "60",
        "ask_rating": "1", "question": "From 1 to 5?", "thanks": "",
    }  # fmt: skip
    assert (await browser.post("/console/inbox/service", fields)).to == "/console/inbox/service?done=inbox.served"
    kept = (await edge.get("/v1/conversation-settings")).json
    assert [(each["start"], each["end"], each["days"]) for each in kept["hours"]] == [
        ("09:00", "12:00", [1]), ("13:00", "17:30", [1]),
    ]  # fmt: skip
    assert (kept["closed_on"], kept["away_every_s"], kept["ask_rating"]) == (["2026-12-25", "2026-12-26"], 3600, True)
    shown = (await browser.get("/console/inbox/service")).text
    assert 'name="end.1.2" value="17:30"' in shown
    for wrong in ({"time_zone": "Mars"}, {"away_every_s": "soon"}, {"end.1.1": "8"}, {"question": ""}):
        refused = await browser.post("/console/inbox/service", fields | wrong)
        assert refused.status == 422 and 'role="alert"' in refused.text, wrong
    assert (await edge.get("/v1/conversation-settings")).json == kept
    # many stretches that the API set are all in the form, and stay when it is saved
    hours = [{"start": f"{hour:02}:00", "end": f"{hour:02}:30"} for hour in range(8, 12)]
    await edge.ask("PUT", "/v1/conversation-settings", json={"hours": hours})
    shown = (await browser.get("/console/inbox/service")).text
    assert shown.count('name="start.7.') == 4


async def test_who_may_only_read_changes_nothing(edge, sign_in, phone):
    reader = await sign_in("read_only")
    talk = await texted(edge, phone, "Hello?")
    assert "desk-form" not in (await reader.get(f"/console/inbox/{talk['id']}")).text
    assert (await reader.post(f"/console/inbox/{talk['id']}/desk", {"state": "closed"})).status == 403
    assert (await reader.post("/console/inbox/service", {"time_zone": "UTC"})).status == 403
