"""What customers, carriers and strangers write stands in pages as text: no page has an element or a handler of theirs,
and none has a script or style of its own that the policy would not let through."""

import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.console.test_roles import NOTHING, place
from tests.edges.edge_rig import SENDER, running_edge, until
from whimbrel.edges.console.site import PAGES

pytestmark = pytest.mark.asyncio(loop_scope="module")
TEMPLATES = Path(str(files("whimbrel.edges.console") / "templates"))
NO_DIGIT = "\u00b2"  # a digit to `str.isdigit`, and to nothing that reads numbers
EVIL = "\"'><xss onload=alert(1)>{{7*7}}</script><script>alert(1)</script>"

FIELDS = """
    name email role password secret code to text sender url description amount note numbers
    recipients csv value countries settings query currency scopes events mode expires_at credential
    key place accepted account_id since until count sample column position micros refused validity
    send_at offset template language default_language add_language variable reason class texts.en
    variables.0.type timestamp signature body message_id dedupe_s prefix price number quiet_s custom_code
    verification settings.code_length settings.language settings.countries settings.refuse_types buckets.0.max
    buckets.0.interval_s
"""


def fields_of_templates() -> set[str]:
    """Names that stand in the templates of forms as they are; others are put together there."""
    texts = [file.read_text("utf-8") for file in TEMPLATES.rglob("*.html")]
    names = re.compile(r"""name="([a-z_.]+)"|ui\.(?:field|choice|tick)\("([a-z_.]+)\"""")
    return {found.group(1) or found.group(2) for text in texts for found in names.finditer(text)} - {"csrf"}


USUAL = FIELDS.split()
OTHERS = sorted(fields_of_templates() - {*USUAL})
TOO_LONG = [dict.fromkeys((*USUAL, *some), "9" * 4301) for some in (OTHERS[::2], OTHERS[1::2])]
"""Python reads no number of so many digits; in two, for the client sends no more than a megabyte at a time."""


class Markup(HTMLParser):
    """Notes what no page of ours has."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        handlers = [each for each in names if each.startswith(("on", "hx-on")) or each == "style"]
        address = " ".join(value or "" for each, value in attrs if each in {"href", "src", "action", "hx-get"})
        if tag in {"xss", "style", "base", "iframe", "object"} or handlers or "javascript:" in address:
            self.wrong.append(self.get_starttag_text() or tag)
        if tag == "script" and not (names.get("src") or "").startswith("/console/static/"):
            self.wrong.append("script")


def wrong_in(html):
    seen = Markup()
    seen.feed(html)
    assert "49</script>" not in html
    return seen.wrong


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("markup"), phones=True) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evil(edge):
    """Ids of things whose every text that can be chosen is hostile."""
    operator = {"key": edge.operator}
    sent = await edge.send(text=EVIL, sender=SENDER, tags=["<xss>"], metadata={"x": EVIL})
    assert sent.status == 202, sent.body
    made = {
        "messages": sent,
        "webhooks": await edge.post("/v1/webhooks", {"url": f"https://example.com/?{quote(EVIL)}", "events": ["*"],
                                                     "description": EVIL}),
        "smpp": await edge.post("/v1/smpp-credentials", {"name": EVIL}),
        "people": await edge.post("/v1/users", {"email": "\"><xss>@example.com", "role": "support", "name": EVIL}),
        "canned": await edge.post("/v1/canned-answers", {"name": "<xss>", "text": EVIL}),
        "templates": await edge.post("/v1/templates", {"name": "evil", "description": EVIL, "publish": True,
                                                       "texts": {"en": EVIL.replace("{{7*7}}", "{{x}}")}}),
        "verify": await edge.post("/v1/verify/services", {"name": "\"'><xss onload=a()>"}),
        "keys": await edge.post("/v1/keys", {"name": EVIL, "scopes": ["messages:read"]}),
        "accounts": await edge.post("/v1/accounts", {"name": EVIL}, **operator),
        "carriers": await edge.post("/v1/carriers", {"name": EVIL, "password": "x", "settings": {
            "host": "127.0.0.1", "port": 1, "system_id": "<xss>"}}, **operator),
    }  # fmt: skip
    assert {kind: answer.status // 100 for kind, answer in made.items()} == dict.fromkeys(made, 2), {
        kind: answer.body for kind, answer in made.items() if answer.status >= 400
    }
    number = await edge.get("/v1/senders?limit=1")
    return {kind: answer.json["id"] for kind, answer in made.items()} | {"senders": number.json["data"][0]["id"]}


@pytest.mark.parametrize("of_operator", [False, True], ids=["account", "operator"])
async def test_what_was_written_is_text_on_every_page(edge, sign_in, evil, of_operator):
    browser = await sign_in(account_id=None if of_operator else edge.customer.id)
    if of_operator:
        await browser.act_for(edge.customer.id)
    await browser.post(
        "/console/tables/messages/views", {"name": EVIL, "query": f"q={quote(EVIL)}", "back": "/console/messages"}
    )

    async def is_there():
        return (await edge.get(f"/v1/messages/{evil['messages']}")).json["status"] == "delivered"

    await until(is_there)
    shown = 0
    for page in PAGES:
        if page.method == "GET" and not page.path.endswith(("/live", "/export")):
            seen = await browser.get(place(page, evil))
            assert seen.status < 500 and not wrong_in(seen.text), (page.path, wrong_in(seen.text))
            shown += "&lt;xss" in seen.text
    assert shown > 8


@pytest.mark.parametrize(
    "path",
    ["messages?q={}", "messages?status={}&from={}", "messages?cursor={}", "opt-outs?number={}", "phones?to={}",
     "profile?done={}", "sign-in?to={}", "confirm?to={}", "compose?to={}&text={}&sender={}", "{}", "link/{}",
     "lookup?number={}&country={}", "verify/conversion?country={}&service_id={}", "verify/attempts?cursor={}",
     "people?whose={}&cursor={}", "messages/" + NOTHING + "?at={}", "balance?cursor={}", "inbox?q={}"],
)  # fmt: skip
async def test_what_an_address_says_is_text(browser, path):
    for part in (False, True):
        seen = await browser.get("/console/" + path.replace("{}", quote(EVIL, safe="")), part=part)
        assert seen.status < 500 and not wrong_in(seen.text), wrong_in(seen.text)


@pytest.mark.parametrize("page", [page for page in PAGES if page.method == "POST"], ids=lambda page: page.path)
async def test_what_a_form_says_is_text(edge, sign_in, page):
    if page.path.endswith(("/sign-out", "/sign-in")):
        return
    browser = await sign_in()
    for fields in (*(dict.fromkeys((*USUAL, *OTHERS), each) for each in (EVIL, NO_DIGIT)), *TOO_LONG):
        for part in (False, True):
            seen = await browser.post(place(page, {}), fields, part=part)
            assert seen.status < 500 and not wrong_in(seen.text), (seen.status, wrong_in(seen.text))
