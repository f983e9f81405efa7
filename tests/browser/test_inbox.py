"""The inbox in a real browser: what somebody types outlives what happens meanwhile."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visit
from tests.browser.goods import picture
from tests.browser.visitor import Visitor
from tests.cli.product import Node, ask, until

OURS = "+15005550006"


def _text(node: Node, phone: str, text: str) -> None:
    """A phone writes."""
    body = {"to": OURS, "text": text, "system_id": "whimbrel"}
    sent = ask("POST", f"{node.given['simulator_http_url']}/phones/{phone}/send", body)
    assert sent.status == 202, sent.body


def _talk(node: Node, phone: str) -> str:
    """The id of its conversation, once there is one."""

    def found() -> str:
        data = node.ask("GET", f"/v1/conversations?number=%2B{phone[1:]}").json["data"]
        return data[0]["id"] if data else ""

    return until(found)


@pytest.fixture
def canned(node: Node) -> Iterator[str]:
    text = "We are open from nine to six."
    made = node.ask("POST", "/v1/canned-answers", {"name": "Opening hours", "text": text})
    yield text
    node.ask("DELETE", f"/v1/canned-answers/{made.json['id']}")


def test_a_draft_outlives_new_texts_a_reload_and_a_broken_line(owner: Visitor, node: Node, canned: str) -> None:
    phone = "+14155550261"
    _text(node, phone, "Are you open?")
    talk = _talk(node, phone)
    page = owner.open(f"/console/inbox/{talk}")
    field, thread, send = page.locator("#answer-text"), page.locator("#thread"), page.get_by_role("button", name="Send")
    field.fill("I am typing")
    _text(node, phone, "And on Saturday?")
    expect(thread).to_contain_text("And on Saturday?")
    expect(field).to_have_value("I am typing")
    expect(field).to_be_focused()
    until(lambda: node.ask("GET", f"/v1/conversations/{talk}").json["unread"] == 0)
    page.reload()
    expect(field).to_have_value("I am typing")

    page.locator("details.canned summary").click()
    page.get_by_role("button", name="Opening hours").click()
    expect(field).to_have_value(f"I am typing {canned}")
    page.route(re.compile("/answer$"), lambda route: route.abort())
    send.click()
    expect(page.locator("#after")).to_contain_text("Send it again")
    expect(field).to_have_value(f"I am typing {canned}")
    page.unroute(re.compile("/answer$"))
    owner.complaints.clear()  # the broken line is what was tested
    field.press("Control+Enter")
    expect(thread.locator(".mine")).to_have_count(1)
    expect(field).to_have_value("")
    expect(thread.locator(".m-delivered")).to_have_count(1)
    page.reload()
    expect(field).to_have_value("")


def test_an_answer_sends_pictures_beside_a_draft(owner: Visitor, node: Node) -> None:
    _text(node, "+14155550264", "Do you have a picture?")
    page = owner.open(f"/console/inbox/{_talk(node, '+14155550264')}")
    field, thread = page.locator("#answer-text"), page.locator("#thread")
    field.fill("Here it is")
    files = [
        {"name": f"{name}.png", "mimeType": "image/png", "buffer": picture(60, 40 + place)}
        for place, name in enumerate(("bay", "pier", "wrong"))
    ]
    page.locator("#f-medium").set_input_files(files)
    expect(page.locator(".attachment")).to_have_count(3)
    expect(field).to_have_value("Here it is")
    page.get_by_role("button", name="Take wrong.png away").click()
    expect(page.locator(".attachment")).to_have_count(2)
    page.get_by_role("button", name="Send").click()
    expect(thread.locator(".mine img")).to_have_count(2)
    expect(page.locator(".attachment")).to_have_count(0)
    expect(field).to_have_value("")
    expect(thread.locator(".m-delivered")).to_have_count(1)
    _text(node, "+14155550264", "Lovely!")
    expect(thread).to_contain_text("Lovely!")
    expect(thread.locator(".mine img")).to_have_count(2)
    page.get_by_role("button", name="Send").click()  # an empty answer is none: the browser asks for a text
    expect(thread.locator(".mine")).to_have_count(1)


def test_two_people_answer_and_a_stop_bars_both(visit: Visit, owner_state: str, node: Node) -> None:
    phone = "+14155550262"
    _text(node, phone, "Is anybody there?")
    talk = _talk(node, phone)
    people = [visit(storage_state=owner_state) for _ in range(2)]
    for name, each in zip(("Ada", "Bob"), people, strict=True):
        each.open(f"/console/inbox/{talk}")
        each.page.locator("#answer-text").fill(f"I am {name}.")
    for each in people:
        each.page.get_by_role("button", name="Send").click()
    for each in people:
        for name in ("Ada", "Bob"):
            expect(each.page.locator("#thread")).to_contain_text(f"I am {name}.")
        each.page.locator("#answer-text").fill("Still here?")
    _text(node, phone, "STOP")
    for each in people:
        expect(each.page.get_by_role("button", name="Send")).to_be_disabled()
        each.sees("This phone sent STOP")
        expect(each.page.locator("#answer-text")).to_have_value("Still here?")


def test_a_text_that_is_counted_after_it_was_shown_is_read(owner: Visitor, node: Node) -> None:
    phone = "+14155550265"
    _text(node, phone, "One")
    talk = _talk(node, phone)
    page = owner.open(f"/console/inbox/{talk}")
    told: list[str] = []

    def early(route: Route) -> None:  # as if nobody had counted the text yet: what is told of it changes nothing
        told.append(route.request.post_data or "")
        if len(told) == 1:
            route.fulfill(status=204)
        else:
            route.continue_()

    page.route(re.compile("/read$"), early)
    _text(node, phone, "Two")
    expect(page.locator("#thread")).to_contain_text("Two")
    _text(node, "+14155550266", "Somebody else")  # the list changes, and still says that this one is unread

    def is_read() -> bool:
        page.wait_for_timeout(20)  # a route is worked only while the page is waited for
        return bool(node.ask("GET", f"/v1/conversations/{talk}").json["unread"] == 0)

    until(is_read)
    assert len(told) > 1
