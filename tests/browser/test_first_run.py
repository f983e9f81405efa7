"""The first ten minutes: from the link that quickstart prints to a webhook that hears of an answer."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.cli.product import Node, quickstart, until


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A product in which nobody has done anything, whatever other tests did to theirs."""
    with quickstart(tmp_path_factory.mktemp("first-run")) as running:
        running.bound()  # or a phone has nobody to write to
        yield running


@pytest.fixture(scope="module")
def url(node: Node) -> str:
    return node.url.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def printed_link(node: Node) -> str:
    """The link that this one printed."""
    found = re.search(r"http://localhost:\d+/console/link/\w+", node.out)
    assert found, node.out
    return found[0]


@pytest.fixture
def receiver() -> Iterator[SimpleNamespace]:
    """An application that takes webhooks."""
    bodies: list[bytes] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_address[1]}/hook", bodies=bodies)
        server.shutdown()


def test_from_the_printed_link_to_a_webhook(
    node: Node, visit: Visit, printed_link: str, receiver: SimpleNamespace
) -> None:
    # The link signs in once; the checklist waits.
    owner = visit()
    owner.page.goto(printed_link)
    owner.is_at("/console")
    overview = owner.page
    ticked = overview.locator(".first li.done")
    expect(overview.locator(".first li")).to_have_count(4)
    expect(ticked).to_have_count(0)
    late = visit()
    late.refusals |= {"401", "404"}
    late.page.goto(printed_link)
    expect(late.page.get_by_role("alert").or_(late.page.locator(".empty, .notice"))).to_be_visible()
    late.page.goto(owner.url + "/console")
    late.is_at("/console/sign-in")

    # A first text, seen on the phone, and answered.
    owner.page = owner.also()
    phones = owner.open("/console/phones")
    owner.press("Send a first text")
    expect(phones.locator(".bubble").first).to_contain_text("Hello from Whimbrel!")
    expect(ticked).to_have_count(1)
    phones.get_by_label(re.compile("^Answer as")).fill("What a bird!")
    phones.get_by_role("button", name="Send", exact=True).click()
    expect(phones.locator(".bubble.mine")).to_have_text(re.compile("What a bird!"))
    expect(ticked).to_have_count(2)

    # The message's page tells its whole story.
    owner.open("/console/messages?direction=out")
    owner.page.locator("[data-rows] tr").first.locator("a").first.click()
    owner.sees("Hello from Whimbrel!")
    timeline = owner.page.locator(".timeline")
    expect(timeline).to_contain_text("Delivered")
    assert timeline.locator("> li").count() >= 4
    owner.open("/console/messages?direction=in")
    owner.sees("What a bird!")

    # A webhook hears of the next text, and the console shows what was posted.
    owner.open("/console/webhooks")
    owner.press("Add a webhook")
    owner.fill({"url": receiver.url})
    owner.page.get_by_label("All events", exact=True).check()
    owner.press("Save")
    expect(ticked).to_have_count(3)
    sent = node.ask("POST", "/v1/messages", {"to": "+15005550001", "text": "Heard?"})
    assert sent.status == 202, sent.body
    until(lambda: any(sent.json["id"].encode() in body for body in receiver.bodies), what="the post")
    (webhook,) = node.get("/v1/webhooks")["data"]
    until(lambda: node.get(f"/v1/webhooks/{webhook['id']}/tries")["data"], what="what became of it")
    owner.open("/console/webhooks")
    owner.page.get_by_role("link", name=receiver.url).click()
    expect(owner.page.locator(".s-delivered", has_text="204").first).to_be_visible()
