"""What is built of texts, from the page where it is made to the phone: templates, flows, schedules, hooks of shops."""

import re
import time

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.shop import SECRET, Shop, new_hook
from tests.browser.visitor import Visitor
from tests.cli.product import Node

PHONE = "+14155550188"
BUYER = "+447911123477"
AT_ONCE_S = 2.0  # from a shop's call to what a browser shows


def _screen(phone: str) -> str:
    return f"#screen-{phone[1:]}"


def test_a_template_is_written_published_sent_and_seen_on_a_phone(owner: Visitor) -> None:
    owner.open("/console/templates/new")
    page = owner.page
    preview, wrong = page.locator("#look .bubble"), page.locator("#wrong")
    owner.fill({"name": "parcel-near", "texts.en": "Hi {{name"})
    expect(wrong).to_be_visible()
    owner.press("Publish")
    expect(page.get_by_role("alert")).to_be_visible()
    owner.fill({"texts.en": "Hi {{name|default:there}}, we come today."})
    expect(preview).to_have_text(re.compile(r"^Hi \w+, we come today\.$"))
    expect(wrong).to_have_count(0)
    page.locator("#f-description").focus()
    example = page.locator('[name="variables.0.example"]')
    expect(example).to_be_visible()
    example.fill("Ana")
    expect(preview).to_have_text("Hi Ana, we come today.")
    owner.press("Publish")
    owner.is_told("Published.")
    expect(page.locator(".s-live").first).to_be_visible()

    owner.press("Send with it")
    owner.fill({"recipients": PHONE})
    page.locator('main [name$="name"]').last.fill("Mia")
    expect(page.locator("#preview")).to_contain_text("Hi Mia, we come today.")
    page.locator("#send").click()
    expect(page.locator(".timeline").or_(page.locator("#rows"))).to_be_visible()
    owner.open(f"/console/phones?to=%2B{PHONE[1:]}")
    expect(page.locator(_screen(PHONE))).to_contain_text("Hi Mia, we come today.")


def test_a_ready_made_flow_is_installed_begun_from_a_phone_and_its_run_read(owner: Visitor, node: Node) -> None:
    # The phone has our number in its thread, to write to.
    assert (
        node.ask("POST", "/v1/messages", {"to": PHONE, "text": "Write RATE.", "sender": "+15005550006"}).status == 202
    )
    owner.open("/console/flows/new")
    page = owner.page
    page.get_by_role("link", name="Delivery feedback").click()
    document = page.locator("textarea[name=document]")
    made = document.input_value()
    trigger = re.search(r'"trigger": \{.*?\}', made, re.DOTALL)
    assert trigger, made
    begun = made.replace(trigger[0], '"trigger": {"type": "keyword", "keywords": ["RATE"]}').replace("7200", "1")
    page.locator("#flow-json summary").click()
    document.fill(begun.replace('"next": "ask"', '"next": "nowhere"'))
    owner.press("Save")
    expect(page.locator("#flow-wrong")).to_contain_text("nowhere")
    page.locator("textarea[name=document]").fill(begun)
    owner.press("Save")
    owner.is_told("The flow is kept.")
    owner.press("Activate")
    owner.is_told("The flow begins runs now.")
    flow = page.url.partition("?")[0]

    owner.open(f"/console/phones?to=%2B{PHONE[1:]}")
    screen, say = page.locator(_screen(PHONE)), page.get_by_label(re.compile("^Answer as"))
    expect(screen).to_contain_text("Write RATE.")
    for said, answered in (("Rate", "how was your delivery?"), ("5, thanks", "Acme: thank you!")):
        say.fill(said)
        say.press("Enter")
        expect(screen).to_contain_text(answered)
    page.goto(flow)
    page.locator('main a[href^="/console/flow-runs/"]').first.click()
    expect(page.locator("main .state").first).to_have_text("Finished")
    for words in (PHONE, "happy", "Wait for an answer", "Send a text"):
        owner.sees(words)


def test_a_schedule_is_made_and_one_of_its_times_left_out(owner: Visitor) -> None:
    owner.open("/console/schedules")
    owner.press("New schedule")
    wanted = {"name": "Weekly", "starts_at": "2031-01-06T09:00", "zone": "Europe/Berlin", "text": "We are open."}
    owner.fill(wanted | {"rrule": "FREQ=OFTEN", "recipients": PHONE})
    preview = owner.page.locator("#look")
    expect(preview).to_contain_text("must have FREQ=")
    owner.press("Save")
    expect(owner.page.locator("#f-rrule")).to_have_attribute("aria-invalid", "true")
    owner.fill({"rrule": "FREQ=WEEKLY;BYDAY=MO"})
    expect(preview).to_contain_text("2031-01-13 09:00")
    owner.press("Save")
    coming = owner.page.locator("main tbody tr")
    expect(coming.first).to_contain_text("2031-01-06 09:00")
    coming.first.get_by_role("button").click()
    expect(coming.first).to_contain_text("2031-01-13 09:00")


def test_a_paid_order_of_a_shop_is_seen_delivered_within_two_seconds(
    visit: Visit, owner_state: object, node: Node
) -> None:
    phone, shopkeeper = visit(storage_state=owner_state), visit(storage_state=owner_state)
    shopkeeper.open("/console/hooks")
    shopkeeper.press("Add a hook")
    shopkeeper.press("Shopify")
    shopkeeper.fill({"name": "", "secret": SECRET})
    shopkeeper.page.locator("main form").evaluate("form => form.noValidate = true")
    shopkeeper.press("Make the hook")
    expect(shopkeeper.page.locator("#f-name")).to_have_attribute("aria-invalid", "true")
    shopkeeper.fill({"name": "Our shop", "secret": SECRET})
    shopkeeper.press("Make the hook")
    shopkeeper.sees("In Shopify: Settings, Notifications, Webhooks.")
    shopkeeper.press("To the hook")
    shopkeeper.sees("No call came yet.")
    hook = shopkeeper.page.url.rpartition("/")[2]
    phone.open(f"/console/phones?to=%2B{BUYER[1:]}")
    screen = phone.page.locator(_screen(BUYER))
    expect(screen).to_be_visible()

    called = time.monotonic()
    answer = Shop(node, hook).pay("#2001", BUYER)
    assert answer.json["verdict"] == "sent", answer.body
    expect(screen).to_contain_text("Thank you for your order #2001.", timeout=AT_ONCE_S * 1000)
    message = answer.json["outcomes"][0]["message_id"]
    shopkeeper.open(f"/console/messages/{message}")
    expect(shopkeeper.page.locator(".timeline")).to_contain_text("Delivered", timeout=AT_ONCE_S * 1000)
    assert time.monotonic() - called < AT_ONCE_S

    shopkeeper.open(f"/console/hooks/{hook}")
    shopkeeper.page.locator(f'main a[href$="{message}"]').click()
    shopkeeper.is_at(f"/console/messages/{message}")


def test_the_log_of_a_hook_says_why_nothing_was_sent(owner: Visitor, node: Node) -> None:
    hook = new_hook(node, "Busy shop")
    Shop(node, hook).be_busy()
    owner.open(f"/console/hooks/{hook}")
    rows = owner.page.locator("section").last.locator("tbody tr")
    expect(rows).to_have_count(7)
    for reason in ("No rule is for it", "No consent", "Not signed as it should be", "Sent before"):
        expect(rows.filter(has_text=reason)).not_to_have_count(0)
    owner.page.locator('[name="verdict"]').select_option("bad_signature")
    expect(rows).to_have_count(1)


def test_a_rule_is_tried_on_a_sample_while_it_is_written(owner: Visitor, node: Node) -> None:
    hook = new_hook(node, "Ruled shop")
    owner.open(f"/console/hooks/{hook}/rule?name=paid")
    look = owner.page.locator("#look")
    expect(look).to_contain_text("Thank you for your order #1001.")
    owner.fill({"text": "Order {{nothing}}"})
    expect(look).to_contain_text("A value is missing")
    owner.fill({"text": "Order {{name}}", "condition": "a["})
    owner.press("Save")
    expect(owner.page.locator("#f-condition")).to_have_attribute("aria-invalid", "true")
    owner.fill({"condition": ""})
    expect(look).to_contain_text("Order #1001")
    owner.press("Save")
    owner.is_told("The rule is saved.")
