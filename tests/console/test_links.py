"""Short links by their pages: made, opened, changed, ended and removed; what the account keeps of who opens them; a
message shows its links."""

import pytest

from tests.edges.edge_rig import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/console/links"
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1"}


async def opened(edge, short):
    path = "/l/" + short.rpartition("/")[2]
    return await edge.ask("GET", path, key="", headers=PHONE, allow_redirects=False)


async def test_a_link_is_made_opened_changed_ended_and_removed(edge, browser):
    wrong = await browser.post(f"{PATH}/new", {"url": "ftp://a.example", "name": "Poster"})
    assert wrong.status == 422 and wrong.has('value="Poster"') and "Only addresses" in wrong.words
    made = await browser.post(f"{PATH}/new", {"url": "https://a.example/sale", "name": "Poster", "ends": "2199-01-01"})
    assert made.status == 303, made.words
    place = made.to.partition("?")[0]
    link = (await edge.get("/v1/links/" + place.rpartition("/")[2])).json
    assert link["expires_at"].startswith("2199-01-01T23:59:59")
    assert (await opened(edge, link["short_url"])).status == 302

    async def seen():
        page = await browser.get(place)
        return page if "Person" in page.words and "Safari, iOS" in page.words else None

    await until(seen, within_s=30)
    assert "Poster" in (await browser.get(PATH)).words
    change = {"url": "https://b.example", "name": "Other"}
    assert (await browser.post(place, change)).status == 303
    assert (await opened(edge, link["short_url"])).headers["location"] == "https://b.example"
    assert (await browser.post(place, {"url": "x", "name": ""})).status == 422
    assert (await browser.post(f"{place}/end")).status == 303
    assert (await opened(edge, link["short_url"])).status == 410
    assert "over" in (await browser.get(PATH)).words
    assert (await browser.post(f"{place}/remove")).status == 303
    assert (await browser.get(place)).status == 404


async def test_what_is_kept_is_chosen(edge, browser):
    filled = {
        "privacy": "none",
        "repeats": "every",
        "expires_days": "30",
        "click_parameter": "wid",
        "utm.source": "sms",
    }
    assert (await browser.post(f"{PATH}/settings", filled)).status == 303
    found = (await edge.get("/v1/links/settings")).json
    assert (found["privacy"], found["expires_days"], found["utm"]) == ("none", 30, {"source": "sms"})
    page = await browser.get(f"{PATH}/settings")
    assert page.has('value="wid"') and not page.has('name="base_url"')
    wrong = await browser.post(f"{PATH}/settings", filled | {"expires_days": "soon"})
    assert wrong.status == 422 and wrong.has('value="soon"')
    rest = {"privacy": "coarse", "repeats": "first", "expires_days": "", "click_parameter": ""}
    assert (await browser.post(f"{PATH}/settings", rest)).status == 303


async def test_a_message_shows_its_links_and_who_opened_them(edge, browser):
    sent = (await edge.send(text="See https://a.example/x", shorten_links=True)).json
    (link,) = (await edge.get(f"/v1/messages/{sent['id']}/links")).json["data"]

    async def is_delivered():
        return (await edge.get(f"/v1/messages/{sent['id']}")).json["final_at"]

    await until(is_delivered, within_s=30)
    edge.app.products.links._too_soon_us = 0  # the phone is quick
    await opened(edge, link["short_url"])

    async def told():
        page = await browser.get(f"/console/messages/{sent['id']}")
        return page if "opened once" in page.words and "Link opened by a person" in page.words else None

    page = await until(told, within_s=30)
    assert page.has(f"/console/links/{link['id']}")
    assert "delivered" in page.words.lower()


async def test_other_accounts_see_none_of_it(edge, sign_in):
    link = (await edge.post("/v1/links", {"url": "https://a.example"})).json
    other = await edge.new_customer("Other")
    stranger = await sign_in("owner", other.id)
    assert (await stranger.get(f"{PATH}/{link['id']}")).status == 404
    assert (await stranger.post(f"{PATH}/{link['id']}", {"url": "https://b.example", "name": ""})).status == 404
    assert (await stranger.post(f"{PATH}/{link['id']}/remove")).status == 404
    assert link["short_url"].partition("://")[2] not in (await stranger.get(PATH)).words
