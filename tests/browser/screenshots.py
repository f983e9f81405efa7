"""`make screenshots`: every page of the console, light and dark, on a laptop and on a phone, of a quickstart that has
lively data. Pictures go to docs/images; those that no page shows are left out of Git.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import visitor
from tests.browser.lively import TRAFFIC_S, fill
from tests.browser.places import PAGES
from tests.cli.product import quickstart

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SETTLE_MS = 350  # charts and live parts have drawn by then
WHOLE = ("messages", "overview")  # pages whose picture ends with the screen

SHOWN = ("message", "phones", "campaign-sent", "thread")  # in the README and docs/console.md, beside the overview


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
            onlooker.locator("[data-figure=delivered]", has_text=re.compile("[1-9]")).wait_for()
            onlooker.screenshot(path=chosen.folder / "console-overview.png")
        browser.close()
    sys.stdout.write(f"{len(list(chosen.folder.glob('*.png')))} pictures in {chosen.folder}\n")


if __name__ == "__main__":
    main()
