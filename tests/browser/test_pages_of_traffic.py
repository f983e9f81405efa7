"""Pages about traffic: carriers, routes, prices, senders, opt-outs, balance, SMPP, webhooks, messages, compose."""

import base64
import hashlib
import hmac
import re
import time

from playwright.sync_api import Route, expect

from tests.browser.goods import picture
from tests.browser.visitor import Visitor
from tests.cli.product import Node, until

PHONE = "+15005550001"


def _send(node: Node, text: str, **more: object) -> str:
    sent = node.ask("POST", "/v1/messages", {"to": PHONE, "text": text} | more)
    assert sent.status == 202, sent.body
    return sent.json["id"]


def test_a_carrier_is_added_tested_paused_and_resumed(owner: Visitor, node: Node) -> None:
    owner.open("/console/carriers/new")
    port = str(node.given["simulator_smpp_port"])
    owner.fill({"name": "Second", "settings.host": "127.0.0.1", "settings.port": port, "settings.system_id": "second"})
    owner.page.get_by_label("Sandbox").check()
    owner.press("Add it and bind")
    owner.is_told("It is added")
    health = owner.page.locator("#health")
    expect(health.locator(".state").first).to_have_text("Up")

    owner.page.locator("main form", has=owner.page.locator('[name="text"]')).locator('[name="to"]').fill(PHONE)
    owner.press("Test")
    tested = owner.page.locator("#tested")
    expect(tested.locator(".notice")).to_have_text(re.compile("All went well."))

    owner.press("Pause", sure="Pause")
    owner.is_told("It is paused.")
    owner.sees("It does not run")
    owner.press("Resume")
    expect(health.locator(".state").first).to_have_text("Up")
    owner.press("Record")
    owner.is_told("PDUs are recorded")

    owner.press("Delete", sure="Delete")
    owner.is_told("It is deleted.")
    expect(owner.page.locator("main")).not_to_contain_text("Second")


def test_a_route_is_explained_made_and_deleted(owner: Visitor) -> None:
    owner.open("/console/routes")
    owner.fill({"to": PHONE})
    owner.press("Explain")
    expect(owner.page.locator("#explained")).to_contain_text("sandbox")
    owner.press("Add a route")
    owner.fill({"prefix": "4479"})
    owner.page.locator("main select").first.select_option(label="sandbox")
    owner.press("Save")
    owner.is_told("The route is there.")
    row = owner.page.get_by_role("row", name="+4479…")
    row.get_by_role("button", name="Delete").click()
    owner.is_told("The route is deleted.")
    expect(row).to_have_count(0)
    owner.page.locator("#toasts").get_by_role("button", name="Undo").click()
    owner.is_told("It is as it was before.")
    row.get_by_role("button", name="Delete").click()
    owner.is_told("The route is deleted.")
    expect(row).to_have_count(0)


def test_a_price_holds_for_the_next_text(owner: Visitor, node: Node) -> None:
    owner.open("/console/prices")
    owner.fill({"prefix": "1500555", "price": "0.1234", "currency": "USD"})
    owner.press("Save")
    owner.is_told("The price holds from now on.")
    owner.sees("0.1234")
    assert node.get("/v1/messages/" + _send(node, "At a price"))["price"].startswith("0.1234")
    row = owner.page.get_by_role("row", name="+1500555…")
    row.get_by_role("button", name="Delete").click()
    owner.is_told("The price is deleted.")


def test_a_sender_is_given_and_used(owner: Visitor, node: Node) -> None:
    owner.open("/console/senders")
    owner.press("Give a sender")
    owner.fill({"value": "WHIMBREL"})
    owner.press("Save")
    owner.is_told("The account has the sender now.")
    assert node.get("/v1/messages/" + _send(node, "By name", sender="WHIMBREL"))["sender"] == "WHIMBREL"
    owner.open("/console/senders")
    owner.sees("WHIMBREL")


def test_an_opt_out_is_recorded_looked_for_and_taken_back(owner: Visitor, node: Node) -> None:
    number = "+15005550042"
    owner.open("/console/opt-outs")
    owner.fill({"numbers": number})
    owner.press("Record opt-outs")
    owner.is_told("They are recorded")
    refused = node.ask("POST", "/v1/messages", {"to": number, "text": "No", "class": "marketing"})
    assert refused.status >= 400 or refused.json["status"] == "rejected"
    owner.page.locator('[name="number"]').fill(number)
    owner.press("Look")
    expect(owner.page.locator("tbody tr")).to_have_count(1)
    owner.press("Opted in again", sure="Opted in again")
    owner.is_told("The number may be texted again.")


def test_a_balance_is_topped_up(owner: Visitor) -> None:
    owner.open("/console/balance")
    owner.fill({"amount": "12.50", "note": "Invoice 7"})
    owner.press("Add")
    owner.is_told("The balance is topped up.")
    expect(owner.page.locator("tbody tr", has_text="Invoice 7").first).to_contain_text("12.50")


def test_an_smpp_credential_is_made_suspended_and_deleted(owner: Visitor) -> None:
    owner.open("/console/smpp")
    owner.press("New credential")
    owner.fill({"name": "Billing"})
    owner.press("Save")
    assert owner.page.locator("main .copy code").count() == 2
    owner.press("I have copied it")
    owner.press("Billing")
    owner.press("Suspend", sure="Suspend")
    owner.is_told("It is suspended.")
    owner.press("Billing")
    owner.press("Delete", sure="Delete")
    owner.is_told("It is deleted.")


def test_a_signature_that_does_not_fit_is_explained(owner: Visitor) -> None:
    key, body, at = b"0123456789abcdef01234567", '{"a": 1}', str(int(time.time()))
    signed = base64.b64encode(hmac.digest(key, f"EV1.{at}.{body}".encode(), hashlib.sha256)).decode()
    secret = "whsec_" + base64.b64encode(key).decode()
    owner.open("/console/webhooks/debug")
    owner.fill({"secret": secret, "message_id": "EV1", "timestamp": at, "signature": f"v1,{signed}", "body": body})
    owner.press("Check")
    owner.sees("The signature is right.")
    owner.fill({"body": body + " "})
    owner.press("Check")
    owner.sees("It fits the body without the space around it")


def test_messages_are_filtered_and_followed_live(owner: Visitor, node: Node) -> None:
    old = _send(node, "Before the tail", tags=["birds"])
    until(lambda: node.get(f"/v1/messages/{old}")["status"] == "delivered", what="delivery")
    owner.open("/console/messages")
    rows = owner.page.locator("[data-rows] tr")
    owner.page.keyboard.press("/")
    search = owner.page.get_by_role("searchbox")
    expect(search).to_be_focused()
    search.fill("#birds")
    search.press("Enter")
    expect(rows).to_have_count(1)
    expect(owner.page).to_have_url(re.compile("q=%23birds"))
    owner.page.reload()
    expect(rows).to_have_count(1)

    owner.page.get_by_role("button", name="Live", exact=True).click()
    expect(owner.page.get_by_role("button", name="Live", exact=True)).to_have_attribute("aria-pressed", "true")
    owner.page.mouse.move(5, 5)
    new = _send(node, "While it runs", tags=["birds"])
    expect(owner.page.locator(f"#{new}")).to_contain_text("Delivered")
    _send(node, "Another thing", tags=["fish"])
    expect(rows).to_have_count(2)


def test_a_text_is_composed_explained_and_sent(owner: Visitor, node: Node) -> None:
    owner.open("/console/compose")
    owner.fill({"recipients": f"{PHONE}, +15005550006", "text": "It\u2019s here"})
    expect(owner.page.locator("#encoding")).to_have_text("UCS-2")
    expect(owner.page.locator("#who")).to_contain_text("2 recipients")
    expect(owner.page.locator("#preview")).to_contain_text("It\u2019s here")
    expect(owner.page.locator("#explain")).to_contain_text("It would be accepted.")
    owner.page.locator("#send").click()
    owner.sees("2 texts are on their way.")
    expect(owner.page.locator("#rows tr")).to_have_count(2)
    owner.page.locator("#rows tr").first.get_by_role("link", name="Follow it").click()
    expect(owner.page.locator(".timeline")).to_contain_text("Delivered")


def test_a_text_is_sent_while_its_recipients_are_still_looked_at(owner: Visitor) -> None:
    held: list[Route] = []
    owner.page.route("**/console/compose/who", lambda route: held.append(route))  # the answer never comes
    owner.open("/console/compose")
    with owner.page.expect_request("**/console/compose/who"):
        owner.fill({"recipients": PHONE, "text": "Gate 9"})
    owner.page.locator("#send").click()
    expect(owner.page.locator("#rows tr").first.get_by_role("link", name="Follow it")).to_be_visible()
    assert held


def test_a_picture_is_brought_attached_sent_and_deleted(owner: Visitor, node: Node) -> None:
    file = {"name": "quay.png", "mimeType": "image/png", "buffer": picture(60, 30)}
    owner.open("/console/compose")
    owner.fill({"recipients": PHONE})
    owner.page.locator("#f-medium").set_input_files([file])
    expect(owner.page.locator(".attachment")).to_contain_text("quay.png")
    expect(owner.page.locator("#preview")).to_contain_text("/l/")
    assert _is_painted(owner, ".attachment img")
    owner.page.locator("#send").click()  # the text may be empty now
    owner.page.locator("#rows tr").first.get_by_role("link", name="Follow it").click()
    expect(owner.page.locator(".timeline")).to_contain_text("Delivered")
    assert _is_painted(owner, ".media img")
    owner.page.locator(".media a").click()
    owner.sees("image/png")
    owner.open("/console/media")
    wrong = {"name": "page.html", "mimeType": "image/png", "buffer": b"<html>"}
    owner.page.locator("#f-medium").set_input_files([wrong])
    expect(owner.page.locator(".bring [role=status]")).to_contain_text("page.html:")
    owner.page.get_by_role("link", name="quay.png").click()
    owner.press("Delete", sure="Delete")
    owner.is_told("The medium is deleted.")


def test_a_draft_of_a_campaign_takes_a_picture_which_its_estimate_counts(owner: Visitor, node: Node) -> None:
    owner.open("/console/campaigns/new")
    owner.fill({"name": "with a picture", "to_numbers": PHONE, "text_A": "x" * 150})
    segments = owner.page.locator("#estimate .tile", has_text="Segments").locator("dd")
    expect(segments).to_have_text("1")
    owner.page.locator("#f-medium").set_input_files(
        [{"name": "quay.png", "mimeType": "image/png", "buffer": picture(60, 30)}]
    )
    expect(owner.page.locator(".attachment")).to_contain_text("quay.png")
    assert _is_painted(owner, ".attachment img")
    expect(segments).to_have_text("2")
    owner.press("Save")
    expect(owner.page.locator(".attachment")).to_contain_text("quay.png")
    (draft,) = [each for each in node.get("/v1/campaigns?limit=5")["data"] if each["name"] == "with a picture"]
    assert len(draft["media"]) == 1
    owner.page.get_by_role("button", name="Take quay.png away").click()
    expect(owner.page.locator(".attachment")).to_have_count(0)
    expect(segments).to_have_text("1")
    owner.press("Save")
    assert node.get(f"/v1/campaigns/{draft['id']}")["media"] == []


def _is_painted(owner: Visitor, of: str) -> bool:
    image = owner.page.locator(of).first
    expect(image).to_be_visible()
    return bool(image.evaluate("image => image.decode().then(() => image.naturalWidth === 60)"))


def test_the_system_says_that_it_is_ready(owner: Visitor) -> None:
    owner.open("/console/system")
    expect(owner.page.locator(".notice.good")).to_be_visible()
    expect(owner.page.locator("tbody tr")).to_have_count(1)
