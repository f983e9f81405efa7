"""Short links end to end: a text with addresses goes to a phone, somebody opens what stands in it, and the API tells
who did.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.edges.edge_rig import NUMBER, Answer, Edge, running_edge
from tests.edges.edge_rig import until as soon
from whimbrel.base.clock import ManualClock
from whimbrel.link_sections import Links

SHOP = "https://shop.example/orders/7?size=m"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile Safari/604.1"
PREVIEWER = "facebookexternalhit/1.1 Facebot Twitterbot/1.0"
SHORT = re.compile(r"http://localhost:\d+/l/[1-9A-HJ-NP-Za-km-z]{8}")


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    async with running_edge(tmp_path, links=Links(too_soon_ms=0, rate_per_s=1000)) as running:
        yield running


async def until(condition: Any) -> Any:
    return await soon(condition, within_s=30)


async def opened(edge: Edge, url: str, agent: str = PHONE, method: str = "GET", **headers: str) -> Answer:
    path = "/l/" + url.rpartition("/")[2]
    sent = {"User-Agent": agent} | headers
    return await edge.ask(method, path, key="", headers=sent, allow_redirects=False)


async def on_the_phone(edge: Edge, number: str = NUMBER) -> str:
    """The last text that the phone has."""

    def last() -> str | None:
        texts = edge.simulator.network.phones.read(number.lstrip("+"))
        return texts[-1].text if texts else None

    return await until(last)


async def links_of(edge: Edge, message_id: str) -> list[dict[str, Any]]:
    return (await edge.get(f"/v1/messages/{message_id}/links")).json["data"]


async def counted(edge: Edge, message_id: str, people: int, others: int) -> dict[str, Any]:
    async def figures() -> Any:
        (link,) = await links_of(edge, message_id)
        clicks = link["clicks"]
        return link if (clicks["people"], clicks["others"]) == (people, others) else None

    return await until(figures)


async def test_a_link_is_opened_on_the_phone_and_the_click_is_told(edge: Edge):
    sent = (await edge.send(text=f"Your order: {SHOP}. Thank you", shorten_links=True)).json
    assert SHORT.search(sent["text"]) and SHOP not in sent["text"] and sent["segments"] == 1
    text = await on_the_phone(edge)
    assert text == sent["text"]
    assert text.endswith(". Thank you")
    short = SHORT.findall(text)[0]
    preview = await opened(edge, short, PREVIEWER)
    assert preview.status == 302
    await counted(edge, sent["id"], 0, 1)
    answer = await opened(edge, short)
    assert (answer.status, answer.headers["location"]) == (302, SHOP)
    assert answer.headers["cache-control"] == "no-store"
    link = await counted(edge, sent["id"], 1, 1)
    assert link["short_url"] == short and link["url"] == SHOP and link["clicks"]["first_at"]
    clicks = (await edge.get(f"/v1/links/{link['id']}/clicks")).json["data"]
    assert [(c["kind"], c["reason"], c["first"]) for c in clicks] == [
        ("person", "", True),
        ("previewer", "agent", False),
    ]
    assert clicks[0]["agent"] == "Safari, iOS" and clicks[0]["ip"] == ""
    await opened(edge, short)
    await counted(edge, sent["id"], 2, 1)
    events = (await edge.get(f"/v1/messages/{sent['id']}/events")).json["data"]
    told = [event for event in events if event["type"] == "link.clicked"]
    assert len(told) == 1
    assert told[0]["message_id"] == sent["id"]
    assert told[0]["data"] == {
        "click_id": clicks[0]["id"], "first": 1, "link_id": link["id"], "message_id": sent["id"]
    }  # fmt: skip
    assert sorted(event["seq"] for event in events) == list(range(1, len(events) + 1))


async def test_other_spellings(edge: Edge):
    marked = (await edge.send(text=f"Now {{url={SHOP}}} or https://b.example")).json
    assert SHORT.search(marked["text"]) and marked["text"].endswith(" or https://b.example")
    assert (await edge.send(text="{url=https://b.example}", shorten_links=False)).json["text"].startswith("{url=")
    assert (await edge.send(text=SHOP)).json["text"] == SHOP
    form = {"To": NUMBER, "From": "+12025550100", "Body": f"See {SHOP}", "ShortenUrls": "true"}
    account = edge.customer
    path = f"/2010-04-01/Accounts/{account.id}/Messages.json"
    answer = await edge.ask("POST", path, data=form)
    assert answer.status == 201 and SHORT.search(answer.json["body"])
    template = {"name": "t", "texts": {"en": "See {url=https://shop.example/{{ n }}}."}, "publish": True}
    assert (await edge.post("/v1/templates", template)).status == 201
    made = (await edge.send(text=None, template="t", variables={"n": "7"})).json
    assert SHORT.search(made["text"]) and (await links_of(edge, made["id"]))[0]["url"] == "https://shop.example/7"
    batch = {
        "defaults": {"text": SHOP, "shorten_links": True},
        "messages": [{"to": NUMBER}, {"to": "+14155550124"}],
    }
    ids = [row["id"] for row in (await edge.post("/v1/messages/batch", batch)).json["data"]]
    shorts = [(await links_of(edge, id_))[0]["short_url"] for id_ in ids]
    assert len(set(shorts)) == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{url=javascript:alert(1)}", "invalid_link"),
        ("https://bank.example@evil.example/", "invalid_link"),
        (" ".join(f"https://a.example/{n}" for n in range(11)), "too_many_links"),
    ],
)
async def test_what_cannot_be_short_refuses_the_message(edge: Edge, text: str, code: str):
    answer = await edge.send(text=text, shorten_links=True)
    assert (answer.status, answer.code) == (422, code)
    assert (await edge.get("/v1/links")).json["data"] == []


async def test_what_explain_shows_and_what_an_idempotent_request_tells_again(edge: Edge):
    long = "https://shop.example/" + "x" * 160
    told = (await edge.post("/v1/messages/explain", {"to": NUMBER, "text": long, "shorten_links": True})).json
    assert told["encoding"]["segments"] == 1
    assert SHORT.fullmatch(told["encoding"]["text"])
    assert (await edge.get("/v1/links")).json["data"] == []
    key = {"Idempotency-Key": "k1"}
    first = (await edge.send(text=long, shorten_links=True, headers=key)).json
    again = (await edge.send(text=long, shorten_links=True, headers=key)).json
    assert again == first
    assert len((await edge.get("/v1/links")).json["data"]) == 1


async def test_doors_of_links(edge: Edge):
    link = (await edge.post("/v1/links", {"url": f"{SHOP}#top", "name": "Poster"})).json
    short = link["short_url"]
    head = await opened(edge, short, method="HEAD")
    assert (head.status, head.body) == (302, b"")
    for agent, headers in ((PHONE, {"Sec-Purpose": "prefetch;prerender"}), ("", {}), ("curl/8.1", {})):
        assert (await opened(edge, short, agent, **headers)).headers["location"] == f"{SHOP}#top"
    for path in ("/l/Zzzzzzzz", "/l/", "/l/%0d%0aset-cookie:x", "/l/zzz/zzz"):
        answer = await edge.ask("GET", path, key="", allow_redirects=False)
        assert (answer.status, answer.code) == (404, "not_found")
    assert (await opened(edge, short, method="POST")).status == 405
    place = f"/v1/links/{link['id']}"
    reasons = await until(lambda: _reasons(edge, place, 4))
    assert reasons == ["agent", "head", "no_agent", "prefetch"]
    changed = (await edge.ask("PATCH", place, json={"url": "https://b.example/x"})).json
    assert changed["url"] == "https://b.example/x" and changed["name"] == "Poster"
    assert (await opened(edge, short)).headers["location"] == "https://b.example/x"
    ended = (await edge.ask("PATCH", place, json={"expires_at": "2020-01-01T00:00:00Z"})).json
    assert ended["status"] == "expired"
    gone = await opened(edge, short)
    assert (gone.status, gone.code) == (410, "link_gone") and "location" not in gone.headers
    assert (await edge.ask("DELETE", place)).status == 204
    assert (await opened(edge, short)).status == 404


async def _reasons(edge: Edge, place: str, count: int) -> Any:
    rows = (await edge.get(f"{place}/clicks")).json["data"]
    return sorted(row["reason"] for row in rows) if len(rows) == count else None


async def test_domains_of_accounts_and_what_they_choose(edge: Edge):
    own = {"base_url": "https://go.acme.example"}
    other = await edge.new_customer("Other")
    refused = await edge.ask("PATCH", "/v1/links/settings", json=own)
    assert (refused.status, refused.code) == (403, "forbidden")
    whose = {"X-Account-Id": edge.customer.id}
    changed = await edge.ask("PATCH", "/v1/links/settings", json=own, key=edge.operator, headers=whose)
    assert changed.json["effective_base_url"] == own["base_url"]
    taken = await edge.ask(
        "PATCH", "/v1/links/settings", json=own, key=edge.operator, headers={"X-Account-Id": other.id}
    )
    assert taken.code == "conflict"
    wishes = {"privacy": "full", "repeats": "every", "click_parameter": "wid", "utm": {"source": "sms"}}
    assert (await edge.ask("PATCH", "/v1/links/settings", json=wishes)).status == 200
    link = (await edge.post("/v1/links", {"url": SHOP})).json
    assert link["short_url"].startswith("https://go.acme.example/")
    code = link["short_url"].rpartition("/")[2]
    foreign = (await edge.post("/v1/links", {"url": SHOP}, key=other.live)).json["short_url"].rpartition("/")[2]
    at = {"Host": "go.acme.example", "User-Agent": PHONE}
    answer = await edge.ask("GET", f"/{code}", key="", headers=at, allow_redirects=False)
    location = answer.headers["location"]
    assert location.startswith(f"{SHOP}&utm_source=sms&wid=LC")
    assert (await edge.ask("GET", f"/{foreign}", key="", headers=at, allow_redirects=False)).status == 404
    assert (await edge.ask("GET", f"/{code}", key="", allow_redirects=False)).status == 404
    click_id = location.rpartition("=")[2]
    (click,) = await until(lambda: _clicks(edge, link["id"]))
    assert (click["id"], click["agent"], click["ip"]) == (click_id, PHONE, "127.0.0.1")
    order = {"click_id": click_id, "name": "order", "value": "49.90", "currency": "EUR"}
    told = [(await edge.post("/v1/links/conversions", order)).json for _ in range(2)]
    assert [each["new"] for each in told] == [True, False] and told[0]["value"] == "49.90"
    assert (await edge.post("/v1/links/conversions", order, key=other.live)).status == 404
    assert (await edge.get(f"/v1/links/{link['id']}")).json["conversions"] == 1
    assert len((await edge.get(f"/v1/links/{link['id']}/conversions")).json["data"]) == 1
    assert (await edge.get(f"/v1/links/{link['id']}", key=other.live)).status == 404
    assert (await edge.get(f"/v1/links/{link['id']}", key=edge.customer.test)).status == 404


async def _clicks(edge: Edge, link_id: str) -> Any:
    return (await edge.get(f"/v1/links/{link_id}/clicks")).json["data"]


async def test_a_person_who_is_erased_leaves_no_clicks(edge: Edge):
    sent = (await edge.send(text=SHOP, shorten_links=True)).json
    (link,) = await links_of(edge, sent["id"])
    await opened(edge, link["short_url"])
    await counted(edge, sent["id"], 1, 0)

    async def final() -> bool:
        return (await edge.get(f"/v1/messages/{sent['id']}")).json["final_at"] is not None

    async def erased() -> bool:  # once the look-up by number has the message
        return (await edge.post("/v1/erasures", {"number": NUMBER})).json["messages"] == 1

    await until(final)
    await until(erased)
    assert (await opened(edge, link["short_url"])).status == 404
    assert await links_of(edge, sent["id"]) == []


async def test_one_address_is_answered_at_its_rate(tmp_path: Path):
    async with running_edge(tmp_path, clock=ManualClock(), links=Links(rate_per_s=1)) as edge:
        answers = [(await edge.ask("GET", "/l/Zzzzzzzz", key="")).status for _ in range(12)]
        assert answers[0] == 404
        assert 429 in answers
        assert (await edge.send()).status == 202


async def test_media_have_a_rate_of_their_own_for_providers_that_fetch_many(tmp_path: Path):
    links = Links(rate_per_s=1, media_rate_per_s=5)
    async with running_edge(tmp_path, clock=ManualClock(), links=links) as edge:
        answers = [(await edge.ask("GET", "/l/Zzzzzzzz/1", key="")).status for _ in range(20)]
        assert answers[:5] == [404] * 5
        assert 429 in answers
