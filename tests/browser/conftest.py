"""One product and one Chromium for all tests of this folder; each test has browser profiles of its own."""

import base64
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import visitor
from tests.browser.visitor import Visitor
from tests.cli.product import Node, ask, quickstart

Visit = Callable[..., Visitor]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this needs Debian's Chromium."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.ci)


@pytest.fixture(scope="package")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with quickstart(tmp_path_factory.mktemp("console")) as running:
        running.bound()  # or a phone has nobody to write to
        yield running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=visitor.WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=visitor.PROGRAM, args=visitor.FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def url(node: Node) -> str:
    """Passkeys need a name: an address is none."""
    return node.url.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="package")
def signed_in(node: Node, chromium: Browser, url: str) -> visitor.SignedIn:
    """The operator's owner, signed in by password, who looks at the account of the quickstart."""
    return visitor.SignedIn(chromium, url, node.given["console_user"], node.given["console_password"])


@pytest.fixture
def owner_state(signed_in: visitor.SignedIn) -> Any:
    """The same, who has proved lately who they are, however long all of this takes."""
    return signed_in.confirmed()


@pytest.fixture
def visit(chromium: Browser, url: str) -> Iterator[Visit]:
    """Open a browser profile: `visit()`; with the arguments of Playwright's new_context."""
    visitors: list[Visitor] = []

    def opened(**more: Any) -> Visitor:
        visitors.append(Visitor(chromium.new_context(**{"viewport": visitor.LAPTOP} | more), url))
        return visitors[-1]

    yield opened
    for each in visitors:
        each.context.close()
    assert not [complaint for each in visitors for complaint in each.complaints]


@pytest.fixture
def owner(visit: Visit, owner_state: Any) -> Visitor:
    """The operator's owner in a browser of their own."""
    return visit(storage_state=owner_state)


@pytest.fixture
def newcomer(node: Node, visit: Visit, owner_state: Any) -> Callable[..., Visitor]:
    """Somebody new of a new account, signed in by a link: `newcomer("a@example.com")`; they have no password yet. The
    owner has signed in before, when there was one account to look at."""

    def came(email: str, role: str = "owner") -> Visitor:
        body = {"name": email, "currency": "USD"}
        account = ask("POST", f"{node.url}/v1/accounts", body, key=node.given["operator_key"]).json
        pair = base64.b64encode(f"{account['id']}:{account['auth_token']}".encode()).decode()
        person = {"email": email, "role": role, "name": "Newcomer"}
        made = ask("POST", f"{node.url}/v1/users", person, headers={"Authorization": f"Basic {pair}"})
        assert made.status == 201, made.body
        visitor = visit()
        visitor.open(f"/console/link/{made.json['code']}")
        visitor.is_at("/console/welcome")
        return visitor

    return came


@pytest.fixture
def colleague(node: Node, visit: Visit) -> Callable[..., Visitor]:
    """Somebody else of the quickstart's account, signed in by a link: `colleague("support", "Bea")`."""

    def came(role: str, name: str) -> Visitor:
        email = f"{name}-{secrets.token_hex(4)}@example.com".lower()
        made = node.ask("POST", "/v1/users", {"email": email, "role": role, "name": name})
        assert made.status == 201, made.body
        visitor = visit()
        visitor.open(f"/console/link/{made.json['code']}")
        visitor.is_at("/console/welcome")
        return visitor

    return came
