"""Somebody is verified: a service is made, the code is sent from its page, read on a virtual phone, and checked."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.cli.product import Node

PHONE = "+447400654321"


def test_a_code_is_read_on_a_phone_and_approved(visit: Visit, owner_state: object, node: Node) -> None:
    developer, holder = visit(storage_state=owner_state), visit(storage_state=owner_state)
    developer.open("/console/verify/new")
    page = developer.page
    developer.fill({"name": "Harbour Books", "settings.code_length": "3"})
    developer.press("Save")
    expect(page.get_by_label("Length")).to_have_attribute("aria-invalid", "true")
    developer.fill({"settings.code_length": "6"})
    developer.press("Save")
    developer.is_told("The service is made.")
    service = page.url.partition("?")[0]

    page.locator("#f-to").fill("12")
    developer.press("Send a code")
    expect(page.locator("#f-to")).to_have_attribute("aria-invalid", "true")
    holder.open(f"/console/phones?to=%2B{PHONE[1:]}")
    screen = holder.page.locator(f"#screen-{PHONE[1:]}")
    page.locator("#f-to").fill(PHONE)
    expect(page.locator("#code-curl")).to_contain_text(PHONE)
    developer.press("Send a code")
    standing = page.locator("#standing")
    expect(standing).to_contain_text("Waits for the code")
    expect(standing).to_contain_text("Delivered")
    expect(screen).to_contain_text(re.compile(r"Harbour Books.*\d{6}", re.DOTALL))
    found = re.search(r"\d{6}", screen.locator(".bubble").last.inner_text())
    assert found, screen.inner_text()

    page.locator("#f-code").fill("0" * 6 if found[0] != "0" * 6 else "1" * 6)
    developer.press("Check")
    expect(page.locator("#e-code")).to_contain_text("Guesses left: 4")
    page.locator("#f-code").fill(found[0])
    developer.press("Check")
    developer.is_told("The code is right: approved.")
    expect(standing).to_contain_text("Approved")

    developer.open(service.removeprefix(developer.url))
    page.locator('select[name="status"]').select_option("approved")
    row = page.locator("#table tbody tr")
    expect(row).to_have_count(1)
    row.get_by_role("link").click()
    expect(page.locator(".timeline")).to_contain_text("brought the code")
    page.get_by_role("link", name="The message").click()
    expect(page.locator(".text")).to_contain_text("******")


def test_what_ends_elsewhere_is_seen_at_once(owner: Visitor, node: Node) -> None:
    service = node.ask("POST", "/v1/verify/services", {"name": "Kestrel"}).json["id"]
    place = f"/v1/verify/services/{service}/verifications"
    made = node.ask("POST", place, {"to": "+447400654999"}).json["id"]
    owner.open(f"/console/verify/{service}?verification={made}")
    expect(owner.page.locator("#f-code")).to_be_visible()
    node.ask("POST", f"{place}/{made}/approve")
    expect(owner.page.locator("#standing")).to_contain_text("Approved")
    expect(owner.page.locator("#f-code")).to_have_count(0)
    owner.open("/console/lookup")
    owner.fill({"number": "+49 1511 2345678"})
    owner.press("Look up")
    owner.sees("T-Mobile")
    expect(owner.page.locator("#code-curl")).to_contain_text("/v1/lookups/%2B49")
