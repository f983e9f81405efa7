"""Each page against axe-core's rules of WCAG 2.2 AA: light and dark, on a laptop and on a phone."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.codes import verified
from tests.browser.conftest import Visit
from tests.browser.crowd import acquainted
from tests.browser.goods import stocked
from tests.browser.lively import over_http
from tests.browser.places import PAGES
from tests.browser.shop import Shop, new_hook
from tests.browser.visitor import LAPTOP, PHONE, Visitor
from tests.cli.product import Node, ask, until

AXE = (Path(__file__).parent / "vendor" / "axe" / "axe.min.js").read_text()
GRAVE = ("serious", "critical")
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# What the other scheme can change.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
PARTS = 4  # each within its time, also on a machine that is busy
SCREENS = (pytest.param(LAPTOP, id="laptop"), pytest.param(PHONE, id="phone"))


@pytest.fixture(scope="package")
def things(node: Node) -> dict[str, str]:
    """Something of each kind, so that no page is empty."""
    message = node.ask("POST", "/v1/messages", {"to": "+15005550001", "text": "Hello", "tags": ["parcel"]}).json
    webhook = node.ask("POST", "/v1/webhooks", {"url": "https://example.com/hook", "events": ["message.*"]}).json
    node.ask("POST", "/v1/canned-answers", {"name": "Hours", "text": "Nine to six."})
    node.ask("POST", "/v1/templates", {"name": "hello", "texts": {"en": "Hi {{name}}", "de": "Hallo"}, "publish": True})
    node.ask("PATCH", "/v1/templates/hello", {"texts": {"en": "Hello {{name}}", "de": "Hallo"}})
    node.ask("POST", "/v1/templates/hello/publish")
    text = {"to": "+15005550006", "text": "Are you open?", "system_id": "whimbrel"}
    ask("POST", f"{node.given['simulator_http_url']}/phones/+14155550263/send", text)
    talks = until(lambda: node.get("/v1/conversations?number=%2B14155550263")["data"])
    steps = {"a": {"type": "send", "text": "Hello", "next": "b"}, "b": {"type": "wait_for_answer", "timeout_s": 600}}
    document = {"trigger": {"type": "api"}, "start": "a", "steps": steps}
    flow = node.ask("POST", "/v1/flows", {"name": "Ask", "document": document}).json["id"]
    run = node.ask("POST", f"/v1/flows/{flow}/runs", {"phone": "+15005550001"}).json["id"]
    often = {"starts_at": "2031-01-06T09:00", "zone": "UTC", "rrule": "FREQ=DAILY", "recipients": ["+15005550001"]}
    schedule = node.ask("POST", "/v1/schedules", {"name": "Daily", "text": "Good morning"} | often).json["id"]
    hook = new_hook(node)
    mailbox = node.ask("POST", "/v1/mailboxes", {"name": "Shop", "senders": ["@shop.example"]}).json["id"]
    operator = node.given["operator_key"]
    routes = node.ask("GET", "/v1/routes", key=operator).json["data"]
    carriers = node.ask("GET", "/v1/carriers", key=operator).json["data"]
    people = node.ask("GET", "/v1/users", key=operator).json["data"]
    return {
        "delivered": message["id"],
        "failed": message["id"],
        "thread": talks[0]["id"],
        "sender": node.get("/v1/senders")["data"][0]["id"],
        "person": next(each["id"] for each in people if not each["account_id"]) + "?whose=staff",
        "template": "hello",
        "webhook": webhook["id"],
        "flow": flow,
        "run": run,
        "schedule": schedule,
        "hook": hook,
        "mailbox": mailbox,
        "call": Shop(node, hook).be_busy(),
        **verified(node),
        **acquainted(node),
        **stocked(node),
        "route": routes[0]["id"],
        "carrier": carriers[0]["id"],
        **over_http(node),
        "account": node.given["account_sid"],
    }


AWAY = """[...document.querySelectorAll('.scroll')].flatMap(box => {
  const cell = box.querySelector('table:not(.messages) tbody tr > :first-child:not([colspan])');
  if (!cell || innerWidth > 760 || box.scrollWidth <= box.clientWidth) return [];
  box.scrollLeft = 1000;
  return cell.getBoundingClientRect().left < box.getBoundingClientRect().left - 1 ? [cell.textContent] : [];
})"""
"""What a row is about stays in view on a phone, where a table is wider than its card."""


def _faults(visitor: Visitor, rules: dict[str, Any]) -> list[str]:
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found: dict[str, Any] = visitor.page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{fault['impact']} {fault['id']}: {node['html'][:200]}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]


def _look(visitor: Visitor, path: str) -> list[str]:
    """What is wrong with a page in both schemes."""
    visitor.open(path)
    visitor.page.evaluate(AXE)
    found = _faults(visitor, RULES)
    visitor.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    found += [f"dark: {fault}" for fault in _faults(visitor, COLOURS)]
    width = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found += [f"{each}: the first column is scrolled away" for each in visitor.page.evaluate(AWAY)]
    return [*found, f"{width} pixels wider than its screen"] if width > 0 else found


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("viewport", SCREENS)
def test_no_page_bars_anybody(
    visit: Visit, owner_state: Any, things: dict[str, str], viewport: dict[str, int], part: int
) -> None:
    # The script that looks is put into the page, where its policy would not let it run.
    owner = visit(storage_state=owner_state, viewport=viewport, color_scheme="light", bypass_csp=True)
    stranger = visit(viewport=viewport, color_scheme="light", bypass_csp=True)
    faults = {path: _look(owner, "/console" + path.format(**things)) for path in list(PAGES.values())[part::PARTS]}
    faults["/sign-in"] = _look(stranger, "/console/sign-in")
    assert not any(faults.values()), "\n".join(f"{path}: {fault}" for path in faults for fault in faults[path])


def test_the_scheme_is_chosen_and_kept(visit: Visit, owner_state: Any) -> None:
    owner = visit(storage_state=owner_state, color_scheme="dark")
    owner.open("/console")
    whole = owner.page.locator("html")
    expect(whole).to_have_attribute("data-theme", "dark")
    owner.page.get_by_role("button", name="Light or dark").click()
    expect(whole).to_have_attribute("data-theme", "light")
    owner.open("/console/keys")
    expect(whole).to_have_attribute("data-theme", "light")


def test_a_phone_has_its_menu_behind_a_button(visit: Visit, owner_state: Any) -> None:
    owner = visit(storage_state=owner_state, viewport=PHONE)
    owner.open("/console")
    link = owner.page.locator("#menu").get_by_role("link", name="Webhooks")
    expect(link).not_to_be_visible()
    button = owner.page.get_by_role("button", name="Menu")
    button.focus()
    owner.page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    link.click()
    owner.is_at("/console/webhooks")
