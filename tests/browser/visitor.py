"""Somebody with a real browser, which is watched: whatever goes wrong in it, and whatever leaves the installation,
fails the test.
"""

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, WebError, expect

from whimbrel.base.limits import CONFIRMED_S

PROGRAM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LAPTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 780}
WAIT_MS = 30_000
# What a browser logs where a form was refused: the page says it, and that is what is tested.
_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
# What htmx logs of a request that a later one took the place of. One that failed logs more than this.
_REPLACED = re.compile(r"htmx:(afterRequest|sendAbort)\b")
_INLINE = frozenset({"data", "blob", "about"})


class Visitor:
    """A browser's profile with one page open. `refusals`: statuses of answers that belong to the test."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.complaints: list[str] = []
        self.refusals = {"422"}
        context.set_default_timeout(WAIT_MS)
        context.on("request", self._watch_request)
        context.on("console", self._watch_console)
        context.on("weberror", self._watch_error)
        self.page = context.new_page()

    def open(self, path: str, page: Page | None = None) -> Page:
        """Go to a page, which is there."""
        page = page or self.page
        answer = page.goto(self.url + path)
        assert answer is not None and answer.ok, (path, answer and answer.status)
        return page

    def also(self) -> Page:
        """One more page of the same browser."""
        return self.context.new_page()

    def press(self, name: str, *, sure: str = "") -> None:
        """A button or a link that reads so; `sure`: what the question's button reads that comes then. Where it leads to
        another page, that one is whole, and hears what is done in it."""
        main = self.page.locator("main")
        found = main.get_by_role("button", name=name, exact=True).or_(main.get_by_role("link", name=name, exact=True))
        found.first.click()
        if sure:
            self.page.get_by_role("dialog").get_by_role("button", name=sure, exact=True).click()
        self.page.wait_for_load_state()

    def fill(self, fields: Mapping[str, str], within: Locator | None = None) -> None:
        """Write into fields, by their names."""
        for name, value in fields.items():
            (within or self.page).locator(f'main [name="{name}"]').fill(value)

    def is_told(self, words: str) -> None:
        """What was done is said, for a moment."""
        expect(self.page.locator("#toasts")).to_contain_text(words)

    def sees(self, words: str) -> None:
        """The page's content says so."""
        expect(self.page.locator("main")).to_contain_text(words)

    def is_at(self, path: str) -> None:
        """The address, without what stands behind it."""
        expect(self.page).to_have_url(re.compile(re.escape(self.url + path) + r"(\?.*)?$"))

    def _watch_request(self, request: Request) -> None:
        there = urlsplit(request.url)
        if there.scheme not in _INLINE and f"{there.scheme}://{there.netloc}" != self.url:
            self.complaints.append(f"a request left: {request.url}")

    def _watch_console(self, message: ConsoleMessage) -> None:
        if _REPLACED.match(message.text):
            return
        found = _REFUSED.search(message.text)
        if message.type in ("error", "warning") and not (found and found[1] in self.refusals):
            self.complaints.append(f"{message.type}: {message.text} at {message.page and message.page.url}")

    def _watch_error(self, error: WebError) -> None:
        self.complaints.append(f"error: {error.error.message}")


class SignedIn:
    """Somebody whose one session all tests have."""

    def __init__(self, browser: Browser, url: str, email: str, password: str) -> None:
        self._browser, self._url, self._password = browser, url, password
        self._state = sign_in(browser, url, email, password)
        self._proved_at = time.monotonic()

    def confirmed(self) -> Any:
        """The state of their browser, for `new_context(storage_state=…)`; the password is given again before the
        console asks for it."""
        if time.monotonic() - self._proved_at > CONFIRMED_S / 3:
            context = self._browser.new_context(storage_state=self._state)
            visitor = Visitor(context, self._url)
            visitor.open("/console/confirm")
            visitor.fill({"secret": self._password})
            visitor.page.locator("main form button:not([type])").click()
            visitor.is_at("/console")
            context.close()
            self._proved_at = time.monotonic()
        return self._state


def sign_in(browser: Browser, url: str, email: str, password: str) -> str:
    """The state of a browser in which somebody has signed in: for `new_context(storage_state=…)`."""
    context = browser.new_context()
    visitor = Visitor(context, url)
    visitor.open("/console/sign-in")
    visitor.fill({"email": email, "password": password})
    visitor.press("Sign in")
    visitor.is_at("/console")
    state = context.storage_state()
    context.close()
    assert not visitor.complaints
    return state
