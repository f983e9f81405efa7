"""Mailboxes by their pages: made, changed, paused, with what came."""

import re

import pytest

from whimbrel.domain.mail_addresses import Target
from whimbrel.domain.mail_reading import read

pytestmark = pytest.mark.asyncio(loop_scope="module")
FIELDS = {
    "name": "Shop", "senders": "alice@shop.example\n@other.example", "auth": "none", "sender": "",
    "class": "transactional", "max_parts": "3", "subject": "1", "answers": "writer", "answers_to": "",
    "answer_days": "7", "report": "all",
}  # fmt: skip


async def test_a_mailbox_from_making_to_its_log(edge, browser):
    assert "No mailbox yet" in (await browser.get("/console/mailboxes")).words
    done = await browser.post("/console/mailboxes/new", FIELDS)
    assert done.status == 303, done.words
    page = re.search(r"/console/mailboxes/MB[0-9a-f]{32}", done.headers["location"])[0]
    shown = await browser.get(page)
    assert "@other.example" in shown.words and "No mail came yet." in shown.words and "mailbox.domain" in shown.words
    made = (await edge.get(f"/v1{page.removeprefix('/console')}", key=edge.customer.live)).json
    assert (made["max_parts"], made["subject"], made["machines"], made["report"]) == (3, True, False, "all")
    taking = edge.app.products.mailboxes
    mail = read(b"From: alice@shop.example\r\nSubject: Order 7\r\n\r\nReady\r\n")
    await taking.take(await taking.tagged(made["tag"]), mail, [], [Target("+14155550123")])
    shown = await browser.get(page)
    assert "Mail to a phone" in shown.words and "alice@shop.example" in shown.words and "+14155550123" not in shown.text
    assert "Mail to a phone" not in (await browser.get(f"{page}?state=refused")).words
    assert "@other.example" in (await browser.get(f"{page}/edit")).text
    done = await browser.post(f"{page}/edit", FIELDS | {"senders": "bob@shop.example, @x.example", "name": "Desk"})
    assert done.status == 303
    await browser.post(f"{page}/status", {"status": "paused"})
    shown = await browser.get(page)
    assert "Paused" in shown.words and "bob@shop.example" in shown.words and "Desk" in shown.words
    assert (await browser.post(f"{page}/remove", {})).status == 303
    assert (await browser.get(page)).status == 404


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"senders": "alice"}, "must be an address, or @ and a domain"),
        ({"senders": ""}, "must be 1 to 200 addresses or domains"),
        ({"name": ""}, "must not be empty"),
        ({"max_parts": "many"}, "must be a whole number"),
        ({"max_parts": "99"}, "must be a whole number <= 10"),
        ({"answers": "address"}, "must be an address of mail"),
        ({"sender": "?"}, "no valid number, short code or name"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(browser, wrong, words):
    shown = await browser.post("/console/mailboxes/new", FIELDS | wrong)
    assert shown.status == 422 and words in shown.words
    assert f'id="e-{next(iter(wrong))}"' in shown.text or wrong.get("answers")
