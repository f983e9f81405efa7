"""Support by text, as two people of an account and three phones see it: who sees to whom, notes, tags, canned answers,
two who type at once, an end with a question, and hours in which nobody is there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.cli.product import Node, ask, until

OURS = "+15005550006"
LATE, BROKEN, NIGHT = "+447400200001", "+447400200002", "+447400200003"
CANNED = "We send another one today."
AWAY = "Nobody is here today. We answer tomorrow."
QUESTION = "How did we do, from 1 to 5?"


def _says(node: Node, phone: str, text: str) -> None:
    body = {"to": OURS, "text": text, "system_id": "whimbrel"}
    sent = ask("POST", f"{node.given['simulator_http_url']}/phones/{phone}/send", body)
    assert sent.status == 202, sent.body


def _reads(node: Node, phone: str) -> list[str]:
    """What came to a phone."""
    found = ask("GET", f"{node.given['simulator_http_url']}/phones/{phone.removeprefix('+')}").json
    return [each["text"] for each in found["inbox"]]


def _talk(node: Node, phone: str) -> str:
    """The id of its conversation, once there is one."""

    def found() -> str:
        data = node.ask("GET", f"/v1/conversations?number=%2B{phone[1:]}").json["data"]
        return data[0]["id"] if data else ""

    return until(found)


def _change(visitor: Visitor, **fields: str) -> None:
    """State, person or tags of the conversation that is open."""
    desk = visitor.page.locator("details.desk")
    if desk.get_attribute("open") is None:
        desk.locator("summary").click()
    for name, value in fields.items():
        field = desk.locator(f'[name="{name}"]')
        if name == "tags":
            field.fill(value)
        else:
            field.select_option(label=value)
    desk.get_by_role("button", name="Save").click()
    visitor.is_told("The conversation is changed.")


def _thread(page: Page) -> None:
    """It is there, and its live line too."""
    expect(page.locator("#thread .bubble").first).to_be_visible()


@pytest.fixture
def served(node: Node) -> Iterator[None]:
    """How conversations are served is put back, and so is what is answered with."""
    before = node.get("/v1/conversation-settings")
    made = node.ask("POST", "/v1/canned-answers", {"name": "Another one", "text": CANNED})
    assert made.status == 201, made.body
    yield
    node.ask("DELETE", f"/v1/canned-answers/{made.json['id']}")
    restored = node.ask("PUT", "/v1/conversation-settings", before)
    assert restored.status == 200, restored.body


def test_two_people_answer_three_phones(owner: Visitor, colleague: Visit, node: Node, served: None) -> None:
    ada, bob = colleague("support", "Ada"), colleague("support", "Bob")
    owner.open("/console/inbox/service")
    owner.fill({"question": QUESTION, "thanks": "Thank you!"})
    owner.press("Save")
    owner.is_told("Conversations are served so")
    _says(node, LATE, "Where is my parcel?")
    _says(node, BROKEN, "It came broken.")

    # Ada hands one over with a note and a tag; Bob, who looks at it, sees that at once, and his list has it.
    late, broken = _talk(node, LATE), _talk(node, BROKEN)
    ada.open(f"/console/inbox/{late}")
    bob.open(f"/console/inbox/{late}")
    _thread(bob.page)
    ada.page.locator("#answer-text").fill("Her third one this year.")
    ada.page.get_by_role("button", name="Keep as a note").click()
    expect(bob.page.locator("#thread .note")).to_contain_text("Her third one this year.")
    expect(ada.page.locator("#answer-text")).to_have_value("")
    _change(ada, tags="parcel, angry", assignee="Bob")
    expect(bob.page.locator("#seen-to")).to_contain_text("Seen to by Bob")
    expect(bob.page.locator("#seen-to")).to_contain_text("#angry")
    bob.open("/console/inbox?assignee=me")
    expect(bob.page.locator("#talks li")).to_have_count(1)

    # Both type an answer to it: nothing is lost, and the phone gets both, but no note.
    bob.page.locator("#talks li a").first.click()
    bob.page.wait_for_load_state()
    for person, words in ((ada, "Ada looks for it."), (bob, "Bob has found it.")):
        person.page.locator("#answer-text").press_sequentially(words)
    ada.page.get_by_role("button", name="Send", exact=True).click()
    expect(bob.page.locator("#thread")).to_contain_text("Ada looks for it.")
    expect(bob.page.locator("#answer-text")).to_have_value("Bob has found it.")
    bob.page.get_by_role("button", name="Send", exact=True).click()
    for person in (ada, bob):
        expect(person.page.locator("#thread .m-delivered")).to_have_count(2)
        expect(person.page.locator("#seen-to")).to_contain_text("Waiting for the phone")
    until(lambda: len(_reads(node, LATE)) == 2, what="both answers")
    assert set(_reads(node, LATE)) == {"Ada looks for it.", "Bob has found it."}

    # Ada answers the other with a canned answer, closes it, and is told what they thought of it.
    ada.open(f"/console/inbox/{broken}")
    ada.page.locator("details.canned summary").click()
    ada.page.get_by_role("button", name="Another one").click()
    ada.page.get_by_role("button", name="Send", exact=True).click()
    expect(ada.page.locator("#thread .m-delivered")).to_have_count(1)
    ada.page.locator("details.desk summary").click()
    ada.page.get_by_label("ask for a rating").check()
    _change(ada, state="Closed")
    until(lambda: QUESTION in _reads(node, BROKEN), what="the question")
    _says(node, BROKEN, "5")
    expect(ada.page.locator("#seen-to")).to_contain_text("Rated 5 of 5")
    expect(ada.page.locator("#seen-to")).to_contain_text("Closed")
    until(lambda: _reads(node, BROKEN)[-1] == "Thank you!", what="thanks")
    assert _reads(node, BROKEN)[0] == CANNED

    # On a day on which nobody is there the third phone gets an answer by itself, once, and waits.
    today = datetime.now(UTC)
    days = [(today + timedelta(days=day)).date().isoformat() for day in (0, 1)]
    owner.open("/console/inbox/service")
    owner.fill({"time_zone": "UTC", "closed_on": "\n".join(days), "away_text": AWAY})
    owner.press("Save")
    owner.is_told("Conversations are served so")
    _says(node, NIGHT, "Hello?")
    until(lambda: _reads(node, NIGHT) == [AWAY], what="the answer of the night")
    _says(node, NIGHT, "Hello??")
    night = _talk(node, NIGHT)
    bob.open(f"/console/inbox/{night}")
    expect(bob.page.locator("#thread .bubble:not(.mine)")).to_have_count(2)
    expect(bob.page.locator("#seen-to")).to_contain_text("A text waits since")
    bob.open("/console/inbox?state=open&unread=1")
    expect(bob.page.locator(f'[data-talk="{night}"]')).to_have_count(0)
    assert _reads(node, NIGHT) == [AWAY]
    figures = node.get("/v1/conversation-figures?days=2")["data"]
    assert sum(each["rated"] for each in figures) >= 1 and sum(each["replies"] for each in figures) >= 2
