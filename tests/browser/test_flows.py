"""The editor of flows: a step is chosen by the keyboard, changed, another one is added and named, and the document
follows; a run is begun, and its steps are read.
"""

import json

from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.cli.product import until

PHONE = "+15005550001"


def test_a_flow_is_drawn_and_run(owner: Visitor) -> None:
    owner.open("/console/flows/new?ready=order_updates")
    page = owner.page
    owner.fill({"name": "Drawn"})
    page.locator(".node[data-step=paid]").focus()
    page.keyboard.press("Enter")
    panel = page.locator("#flow-panel")
    expect(panel.locator("input").first).to_be_focused()
    panel.get_by_label("Text", exact=True).fill("Paid: {{ order }}, THANK YOU MMMMMMMM")
    expect(panel.get_by_label("Then")).to_be_visible()
    panel.get_by_label("Make every address a short link").check()
    assert json.loads(page.locator("textarea[name=document]").input_value())["steps"]["paid"]["shorten_links"] is True
    panel.get_by_label("Make every address a short link").uncheck()
    page.keyboard.press("Tab")
    page.locator("#flow-kind").select_option("tag")
    page.locator("#flow-add").click()
    panel.locator("input").first.fill("mark")
    page.keyboard.press("Tab")
    expect(page.locator(".node[data-step=mark]")).to_be_visible()
    expect(panel.get_by_label("Put on lists")).to_have_count(0)
    panel.get_by_label("Of", exact=True).select_option("the contact")
    expect(panel.get_by_label("Put on lists")).to_be_visible()
    page.locator("#flow-kind").select_option("conversation")
    page.locator("#flow-add").click()
    panel.get_by_label("Who sees to it").select_option("Owner")
    panel.get_by_label("Note for colleagues").fill("Order {{ order }}")
    panel.get_by_label("Then").focus()
    owner.press("Save")
    owner.is_told("The flow is kept.")
    steps = json.loads(page.locator("textarea[name=document]").input_value())["steps"]
    assert (steps["paid"]["text"], steps["paid"]["next"]) == ("Paid: {{ order }}, THANK YOU MMMMMMMM", "mark")
    people = steps["conversation"]
    assert people["assign"].startswith("US") and people["note"] == "Order {{ order }}"
    assert "shorten_links" not in steps["paid"]
    assert (steps["mark"]["add"], steps["mark"]["on"]) == (["done"], "contact")

    wide = "all => all.some((one) => one.getBBox().x + one.getBBox().width > one.parentNode.firstChild.getBBox().width)"
    assert page.locator(".node text").evaluate_all(wide) is False

    owner.press("Activate")
    owner.fill({"phone": PHONE, "variables": '{"status": "paid", "order": "7"}'})
    owner.press("Begin a run")
    owner.is_told("The run has begun.")
    run = page.url
    until(lambda: "Finished" in page.goto(run).text(), what="the end of the run")
    owner.sees("Send a text")
