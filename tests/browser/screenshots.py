"""`make screenshots`: every page of the console, light and dark, on a laptop and on a phone, of a quickstart that has
lively data. Pictures go to docs/images; those that no page shows are left out of Git.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import visitor
from tests.browser.lively import TRAFFIC_S, fill
from tests.cli.product import quickstart

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SETTLE_MS = 350  # charts and live parts have drawn by then
PAGES = {
    "overview": "",
    "messages": "/messages",
    "message": "/messages/{delivered}",
    "message-failed": "/messages/{failed}",
    "compose": "/compose",
    "phones": "/phones?to=%2B15005550001&to=%2B447911123456",
    "inbox": "/inbox",
    "thread": "/inbox/{thread}",
    "canned": "/inbox/canned",
    "service": "/inbox/service",
    "contacts": "/contacts?filter=orders+%3E+2",
    "contact": "/contacts/{contact}",
    "contact-new": "/contacts/new",
    "contact-edit": "/contacts/{contact}/edit",
    "contact-wrong": "/contacts?filter=plan+%3D+%22pro%22+and+colour+%3D+1",
    "segments": "/contacts/segments",
    "segment": "/contacts/segments/{segment}",
    "lists": "/contacts/lists",
    "tags": "/contacts/tags",
    "fields": "/contacts/fields",
    "imports": "/contacts/imports",
    "import": "/contacts/imports/{import}",
    "import-new": "/contacts/imports/new",
    "import-mapping": "/contacts/imports/{import_new}",
    "carriers": "/carriers",
    "carrier": "/carriers/{carrier}",
    "carrier-new": "/carriers/new",
    "routes": "/routes",
    "route": "/routes/{route}",
    "prices": "/prices",
    "senders": "/senders",
    "sender-new": "/senders/new",
    "numbers": "/senders/numbers",
    "registrations": "/senders/registrations",
    "registration-new": "/senders/registrations/new",
    "sender-rules": "/senders/rules",
    "sender-rule": "/senders/rules/gb-names",
    "opt-outs": "/opt-outs",
    "consents": "/consents",
    "suppression-lists": "/suppression-lists",
    "consent-words": "/consent-words",
    "policies": "/policies",
    "policy-floor": "/policies/floor",
    "policy-rules": "/policies/rules",
    "policy-rule": "/policies/rules/US-FL",
    "policy-check": "/policies/check?to=%2B18505550123",
    "templates": "/templates",
    "template": "/templates/order-shipped",
    "template-new": "/templates/new",
    "template-version": "/templates/order-shipped/versions/1",
    "flows": "/flows",
    "flow": "/flows/{flow}",
    "flow-new": "/flows/new?ready=order_updates",
    "flow-runs": "/flow-runs",
    "flow-run": "/flow-runs/{run}",
    "campaigns": "/campaigns",
    "schedules": "/schedules",
    "schedule": "/schedules/{schedule}",
    "schedule-new": "/schedules/new",
    "verify": "/verify",
    "verify-new": "/verify/new",
    "verify-service": "/verify/{verify}",
    "verify-try": "/verify/{verify}?verification={pending}",
    "verification": "/verify/{verify}/verifications/{verification}",
    "verify-people": "/verify/{verify}/authenticators",
    "verify-person": "/verify/{verify}/authenticators/user-1",
    "verify-limits": "/verify/{verify}/limits",
    "verify-limit": "/verify/{verify}/limits/{limit}",
    "verify-edit": "/verify/{verify}/edit",
    "verify-limit-new": "/verify/{verify}/limits/new",
    "verify-conversion": "/verify/conversion",
    "verify-attempts": "/verify/attempts",
    "verify-blocks": "/verify/blocks",
    "verify-safe": "/verify/safe",
    "lookup": "/lookup?number=%2B4915112345678&region=1",
    "links": "/links",
    "link": "/links/{link}",
    "link-new": "/links/new",
    "link-settings": "/links/settings",
    "hooks": "/hooks",
    "hook": "/hooks/{hook}",
    "hook-new": "/hooks/new",
    "hook-shopify": "/hooks/new?preset=shopify",
    "hook-rule": "/hooks/{hook}/rule?name=paid",
    "hook-call": "/hooks/{hook}/calls/{call}",
    "pools": "/pools",
    "pool": "/pools/{pool}",
    "pool-new": "/pools/new",
    "keywords": "/keywords",
    "keyword-new": "/keywords/new",
    "mailboxes": "/mailboxes",
    "mailbox": "/mailboxes/{mailbox}",
    "mailbox-new": "/mailboxes/new",
    "mailbox-edit": "/mailboxes/{mailbox}/edit",
    "webhooks": "/webhooks",
    "webhook": "/webhooks/{webhook}",
    "webhook-new": "/webhooks/new",
    "webhook-edit": "/webhooks/{webhook}/edit",
    "webhook-secret": "/webhooks/{webhook}/secret",
    "signature": "/webhooks/debug",
    "keys": "/keys",
    "key-new": "/keys/new",
    "smpp": "/smpp",
    "smpp-new": "/smpp/new",
    "usage": "/usage",
    "balance": "/balance",
    "people": "/people",
    "person": "/people/{person}",
    "invite": "/people/new",
    "accounts": "/accounts",
    "account": "/accounts/{account}",
    "account-new": "/accounts/new",
    "audit": "/audit",
    "settings": "/settings",
    "installation": "/settings/installation",
    "system": "/system",
    "profile": "/profile",
    "authenticator": "/profile/authenticator",
    "confirm": "/confirm",
    "secret": "/settings/secret",
    "carrier-edit": "/carriers/{carrier}/edit",
    "sender": "/senders/{sender}",
}
WHOLE = ("messages", "overview")  # pages whose picture ends with the screen

SHOWN = ("message", "phones")  # in the README and docs/console.md, beside the overview


def prepare(name: str, page: Page) -> None:
    """What a page shows only after something was done in it."""
    if name == "overview":
        page.locator('[data-figure="delivery_rate"]', has_text="%").wait_for()
        page.locator("#plot canvas").wait_for()
    elif name == "usage":
        page.locator(".usage-plot canvas").last.wait_for()
    elif name == "compose":
        page.fill('[name="recipients"]', "+1 500 555 0001\n+44 7911 123456, +49 151 23456789")
        page.fill('[name="text"]', "Your parcel is on its way — it\u2019s there before noon. See whim.example/7QK2")
        page.locator("#explain").wait_for()
        page.locator("#who .chips").wait_for()


def take(browser: Browser, url: str, state: Any, things: dict[str, str], folder: Path, only: set[str]) -> None:
    """All pictures."""
    for size, viewport in (("laptop", visitor.LAPTOP), ("phone", visitor.PHONE)):
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport=viewport, color_scheme=scheme, storage_state=state, reduced_motion="reduce"
            )
            page = context.new_page()
            for name, path in PAGES.items():
                if only and name not in only:
                    continue
                page.goto(f"{url}/console{path.format(**things)}")
                prepare(name, page)
                page.wait_for_timeout(SETTLE_MS)
                page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=name not in WHOLE)
                if name in SHOWN and (size, scheme) == ("laptop", "light"):
                    page.screenshot(path=folder / f"console-{name}.png")
            context.close()


def main() -> None:
    """Start, fill, look."""
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--folder", type=Path, default=IMAGES, help="where the pictures go (docs/images)")
    parser.add_argument("--only", default="", help="names of pages, with commas between them")
    parser.add_argument("--seconds", type=float, default=TRAFFIC_S, help="of traffic before the first picture")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, quickstart(Path(scratch)) as node, sync_playwright() as playwright:
        url = node.url.replace("127.0.0.1", "localhost")
        browser = playwright.chromium.launch(executable_path=visitor.PROGRAM, args=visitor.FLAGS)
        # Whoever signs in while there is one account looks at that one.
        state = visitor.sign_in(browser, url, node.given["console_user"], node.given["console_password"])
        # The overview counts while somebody looks.
        onlooker = browser.new_context(viewport=visitor.LAPTOP, storage_state=state).new_page()
        onlooker.goto(f"{url}/console")
        with fill(node, chosen.seconds) as things:
            take(browser, url, state, things, chosen.folder, set(filter(None, chosen.only.split(","))))
            onlooker.screenshot(path=chosen.folder / "console-overview.png")
        browser.close()
    sys.stdout.write(f"{len(list(chosen.folder.glob('*.png')))} pictures in {chosen.folder}\n")


if __name__ == "__main__":
    main()
