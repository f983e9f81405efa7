"""Media by their pages: brought, fetched, looked at, sent with a text, shown with a message, deleted; and what somebody
may not do is not there.
"""

import io
from contextlib import asynccontextmanager

import pytest

from tests.edges.edge_rig import NUMBER, until
from tests.net.http_rig import answer_of, sink

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/console/media"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(90)
CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nEND:VCARD\r\n"
OCTETS = {"content-type": "application/octet-stream"}


async def bring(browser, octets, name="cat.png"):
    """As the script does it."""
    await browser.get("/console/compose")
    headers = OCTETS | {"x-csrf-token": browser._token}
    return await browser.post(f"{PATH}?name={name}", part=True, data=io.BytesIO(octets), headers=headers)


async def brought(browser, octets=PNG, name="cat.png"):
    answer = await bring(browser, octets, name)
    assert answer.status == 200, answer.words
    return answer.text


async def test_a_file_is_brought_looked_at_and_deleted(newcomer):
    browser = newcomer
    assert "No media yet" in (await browser.get(PATH)).words
    medium = await brought(browser)
    card = await brought(browser, CARD, "ann.vcf")
    page = await browser.get(PATH)
    assert "cat.png" in page.words and "ann.vcf" in page.words and "2 of 10,000" in page.words
    assert page.has(f'src="{PATH}/{medium}/content"') and not page.has(f'src="{PATH}/{card}/content"')
    only = await browser.get(f"{PATH}?content_type=text/vcard")
    assert "ann.vcf" in only.words and "cat.png" not in only.words
    one = await browser.get(f"{PATH}/{medium}")
    assert "image/png" in one.words and "No message has it" in one.text
    async with browser.open(f"{PATH}/{medium}/content") as content:
        assert await content.read() == PNG
    assert content.headers["content-type"] == "image/png"
    assert content.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert (content.headers["x-content-type-options"], content.headers["cache-control"]) == ("nosniff", "no-store")
    other = await browser.get(f"{PATH}/{card}/content")
    assert other.headers["content-disposition"] == 'attachment; filename="ann.vcf"'
    assert (await browser.post(f"{PATH}/{medium}/remove")).status == 303
    assert (await browser.get(f"{PATH}/{medium}")).status == 404
    assert (await browser.post(f"{PATH}/{card}/remove")).status == 303


async def test_a_page_keeps_its_own_policy(browser):
    page = await browser.get(PATH)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "sandbox" not in page.headers["content-security-policy"]


async def test_what_cannot_be_kept_is_told(edge, browser):
    before = (await edge.get("/v1/media/usage")).json
    for octets, status in ((b"<html>", 422), (b"", 422), (PNG + bytes(6 << 20), 413)):
        assert (await bring(browser, octets)).status == status
    assert (await browser.post(f"{PATH}?name=a.png", {"file": "x"})).status == 415
    wrong = await browser.post(f"{PATH}/fetch", {"url": "ftp://a.example/a.png"})
    assert wrong.status == 422 and wrong.has('value="ftp://a.example/a.png"')
    assert (await edge.get("/v1/media/usage")).json == before


async def test_a_url_is_fetched(newcomer):
    browser = newcomer
    async with sink(answer_of("200 OK", body=PNG)) as server:
        made = await browser.post(f"{PATH}/fetch", {"url": f"http://127.0.0.1:{server.port}/dog.png"})
    assert made.status == 303, made.words
    assert "Fetched" in (await browser.get(made.to.partition("?")[0])).words
    assert (await browser.post(made.to.partition("?")[0] + "/remove")).status == 303


async def test_compose_attaches_tells_and_sends(edge, browser):
    medium, card = await brought(browser), await brought(browser, CARD, "ann.vcf")
    form = await browser.get(f"/console/compose?to=%2B14155550123&media={medium}")
    assert form.has(f'name="media" value="{medium}"')
    more = {"media": medium, "add_media": f"{card} https://a.example/b.png MEnone"}
    part = await browser.post("/console/compose/attach", more, part=True)
    assert part.all(r'name="media" value="([^"]+)"') == [medium, card, "https://a.example/b.png", "MEnone"]
    assert "fetched when it is sent" in part.words and "There is none of this id" in part.words
    assert part.headers["hx-trigger-after-swap"] == "media-attached"
    fewer = await browser.post("/console/compose/attach", more | {"drop": medium}, part=True)
    assert medium not in fewer.text and card in fewer.text
    whole = await browser.post("/console/compose/attach", {"recipients": NUMBER, "text": "Hi", "add_media": card})
    assert whole.has(f'name="media" value="{card}"') and whole.has(">Hi</textarea>")
    told = await browser.post(
        "/console/compose/look", {"first": NUMBER, "count": "1", "text": "", "media": medium}, part=True
    )
    assert "It would be accepted" in told.words and '"media"' in told.words.replace("&#34;", '"')
    assert "/l/" in told.inner("preview")
    half = await browser.post("/console/compose/look", {"first": NUMBER, "text": "Hi", "add_media": "ME12"}, part=True)
    assert "It would be accepted" in half.words
    sent = await browser.post(
        "/console/compose", {"recipients": NUMBER, "text": "Look:", "media": medium, "add_media": card}
    )
    assert sent.status == 200, sent.words
    (message,) = (await edge.get("/v1/messages?limit=1")).json["data"]
    assert message["media"] == [medium, card]
    refused = await browser.post("/console/compose", {"recipients": NUMBER, "text": "Hi", "media": f"ME{'0' * 32}"})
    assert refused.status == 422 and refused.has('class="error"') and refused.has(f'value="ME{"0" * 32}"')


SALE = {"name": "sale", "to_numbers": NUMBER, "zone": "UTC", "text_A": "Look:", "class": "transactional"}
TALK = {"name": "talk", "starts_at": "2199-01-07T09:00", "zone": "UTC", "text": "Look:", "class": "transactional",
        "recipients": NUMBER}  # fmt: skip


@pytest.mark.parametrize(("kind", "fields"), [("campaigns", SALE), ("schedules", TALK)])
async def test_what_is_sent_later_takes_files_ids_and_urls(edge, newcomer, kind, fields):
    browser, path = newcomer, f"/console/{kind}"
    medium, card = await brought(browser), await brought(browser, CARD, "ann.vcf")
    page = await browser.get(f"{path}/new")
    assert page.has('id="f-medium"') and page.has(f'hx-post="{path}/attach"') and not page.has("data-for-text")
    async with sink(answer_of("200 OK", body=PNG + b"dog")) as server:
        url = f"http://127.0.0.1:{server.port}/dog.png"
        part = await browser.post(f"{path}/attach", {"media": medium, "add_media": f"{card} {url}"}, part=True)
        first, second, dog = part.all(r'name="media" value="([^"]+)"')
        assert (first, second) == (medium, card) and "dog.png" in part.words
        assert part.headers["hx-trigger-after-swap"] == "media-attached"
        saved = await browser.post(f"{path}/new", fields | {"media": (medium, dog), "add_media": url, "drop": medium})
    assert saved.status == 303, saved.words
    place = saved.to.partition("?")[0]
    kept = (await browser.get(place)).all(r'name="media" value="([^"]+)"')
    assert kept == [dog], "what a URL gives is the same medium where it is the same file"
    fewer = await browser.post(f"{place}/attach", {"media": (dog, card), "drop": dog}, part=True)
    assert fewer.all(r'name="media" value="([^"]+)"') == [card] and fewer.has(f'hx-post="{place}/attach"')
    nowhere = "http://127.0.0.1:1/b.png"
    gone = await browser.post(f"{place}/attach", {"media": card, "add_media": nowhere}, part=True)
    assert gone.status == 422 and gone.has('class="error"') and card in gone.text and nowhere not in gone.text
    whole = await browser.post(f"{place}/attach", fields | {"name": "other", "add_media": card})
    assert whole.status == 200 and whole.has(f'name="media" value="{card}"') and whole.has('value="other"')
    refused = await browser.post(place, fields | {"media": kept, "add_media": nowhere})
    assert refused.status == 422 and refused.has('class="error"') and dog in refused.text
    assert (await browser.get(place)).all(r'name="media" value="([^"]+)"') == kept


async def test_an_estimate_counts_the_link_to_media_that_are_attached(browser):
    medium = await brought(browser)
    text = "x" * 150
    alone = await browser.post("/console/campaigns/estimate", SALE | {"text_A": text}, part=True)
    more = {"text_A": text, "media": medium, "add_media": "https://a.example/b.png"}
    linked = await browser.post("/console/campaigns/estimate", SALE | more, part=True)
    assert alone.status == linked.status == 200
    assert alone.words != linked.words and 'class="error"' not in linked.text, linked.words


async def test_many_take_their_media_and_their_template_along(edge, browser):
    medium = await brought(browser)
    numbers = "\n".join(f"+1415555{number:04}" for number in range(100, 700))
    fields = {"recipients": numbers, "media": medium, "template": "left", "variable": "name", "variables.name": "Ann"}
    many = await browser.post("/console/compose", fields, part=True)
    for name, value in (("media", medium), ("template", "left"), ("variable", "name"), ("variables.name", "Ann")):
        assert many.has(f'name="{name}" value="{value}"'), name


async def test_a_message_shows_its_media_and_sends_them_again(edge, browser):
    medium, card = await brought(browser), await brought(browser, CARD, "ann.vcf")
    message = (await edge.send(text="Look:", media=[medium, card])).json
    place = f"/console/messages/{message['id']}"
    page = await browser.get(place)
    assert page.has(f'<img src="{PATH}/{medium}/content" alt="cat.png"') and "ann.vcf" in page.words
    assert "Its media" in page.words
    assert "Media as a link" in page.words and "first carrier takes texts only" in page.words

    async def is_final():
        return (await edge.get(f"/v1/messages/{message['id']}")).json["final_at"]

    await until(is_final, within_s=30)
    again = await browser.post(f"{place}/again", {"key": "again-1"})
    assert again.status == 303, again.words
    second = (await edge.get("/v1/messages/" + again.to.partition("?")[0].rpartition("/")[2])).json
    assert second["media"] == [medium, card]
    assert second["text"].count("/l/") == 1 and second["text"] != message["text"]
    assert (await browser.post(f"{PATH}/{card}/remove")).status == 303
    assert "A medium that is gone" in (await browser.get(place)).words


async def test_who_may_only_read_brings_nothing(edge, browser):
    medium = await brought(browser)
    await browser.sign_in("read_only", edge.customer.id)
    page = await browser.get(PATH)
    assert page.status == 200 and not page.has('id="f-medium"') and not page.has("/fetch")
    one = await browser.get(f"{PATH}/{medium}")
    assert one.status == 200 and not one.has("/remove")
    assert (await bring(browser, PNG)).status == 403
    assert (await browser.post(f"{PATH}/fetch", {"url": "https://a.example/a.png"})).status == 403


async def test_media_of_another_account_are_not_there(edge, browser):
    other = await edge.new_customer()
    theirs = (await edge.ask("POST", "/v1/media", data=CARD, key=other.live)).json["id"]
    for tail in ("", "/content"):
        assert (await browser.get(f"{PATH}/{theirs}{tail}")).status == 404
    part = await browser.post("/console/compose/attach", {"add_media": theirs}, part=True)
    assert "There is none of this id" in part.words and "vcf" not in part.text


@asynccontextmanager
async def taking_media(edge, sender_id):
    """The account's texts go by a carrier that takes media, and its number may send them, in the block."""
    fields = {"to": "{to}", "text": "{text}", "media": "{media}"}
    settings = {"url": "http://127.0.0.1:9/", "media": True, "fields": fields}
    heron = {"name": "Heron", "kind": "http", "password": "secret", "settings": settings}
    carrier = (await edge.post("/v1/carriers", heron, key=edge.operator)).json["id"]
    (route,) = (await edge.get("/v1/routes", key=edge.operator)).json["data"]

    async def change(carriers, capabilities):
        changes = {
            f"/v1/routes/{route['id']}": {"carriers": carriers},
            f"/v1/numbers/{sender_id}/assignment": {"capabilities": capabilities},
        }
        for path, change in changes.items():
            headers = {"X-Account-Id": edge.customer.id} if "numbers" in path else {}
            assert (await edge.ask("PATCH", path, key=edge.operator, headers=headers, json=change)).status == 200

    await change([carrier], ["sms", "mms"])
    yield
    await change(route["carriers"], ["sms"])


async def test_one_mms_is_told_with_its_own_price_and_a_link_with_its_reason(edge, browser):
    await edge.post("/v1/prices", {"prefix": "1415", "price": "0.04", "mms_price": "0.11"}, key=edge.operator)
    medium = await brought(browser)
    message = (await edge.send(text="x" * 200, media=[medium])).json
    (sender,) = (await edge.get("/v1/senders")).json["data"]

    async def told():
        asked = {"first": NUMBER, "count": "1", "sample": f"{NUMBER}*1", "text": "x" * 200, "media": medium}
        look = await browser.post("/console/compose/look", asked, part=True)
        part = await browser.get(f"/console/messages/{message['id']}/explain", part=True)
        return look.words.partition("The same as code")[0], look.inner("cost"), part.words

    why = "Media as a link The route's first carrier takes texts only."
    look, cost, part = await told()
    assert f"Media {why}" in look and "Price 0.08 USD 0.04 a segment" in look and "0.08" in cost
    assert why in part and "Per segment 0.04 USD" in part
    async with taking_media(edge, sender["id"]):
        look, cost, part = await told()
    assert "Media Media as MMS" in look and "Price 0.11 USD for one MMS" in look and "0.11" in cost
    assert "Media as MMS" in part and "One MMS 0.11 USD" in part
    assert "a link" not in look + part and "a segment" not in look and "Per segment" not in part
