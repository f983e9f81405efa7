"""Webhooks by their pages; the verdict comes from what an endpoint receives."""

import re
import time

import pytest
import pytest_asyncio
from aiohttp import web
from standardwebhooks import Webhook

from tests.edges.edge_rig import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Endpoint:
    """Takes events, or refuses them."""

    def __init__(self):
        self.taken = []
        self.status = 204
        self.url = ""

    async def take(self, request):
        body = await request.text()
        if self.status == 204:
            self.taken.append((dict(request.headers), body))
        return web.Response(status=self.status, text="" if self.status == 204 else "not today")


@pytest_asyncio.fixture(loop_scope="module")
async def endpoint():
    made = Endpoint()
    app = web.Application()
    app.router.add_post("/hook", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/hook"
    yield made
    await runner.cleanup()


async def added(browser, url, events="message.delivered"):
    seen = await browser.post("/console/webhooks/new", {"url": url, "events": events, "description": "shop"})
    assert seen.status == 200, seen.words
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", seen.text))
    (webhook_id,) = set(re.findall(r"/console/webhooks/(WH[0-9a-f]{32})", seen.text))
    return webhook_id, secret


async def test_an_endpoint_from_adding_to_deleting(edge, browser, endpoint):
    webhook_id, secret = await added(browser, endpoint.url)
    message_id = (await edge.send()).json["id"]
    headers, body = (await until(lambda: list(endpoint.taken)))[0]
    Webhook(secret).verify(body, headers)
    assert message_id in body
    page = f"/console/webhooks/{webhook_id}"
    await until(lambda: shows(browser, page, "204"))
    debug = {
        "secret": secret, "message_id": headers["webhook-id"], "timestamp": headers["webhook-timestamp"],
        "signature": headers["webhook-signature"], "body": body,
    }  # fmt: skip
    assert "The signature is right" in (await browser.post("/console/webhooks/debug", debug)).words
    spoiled = await browser.post("/console/webhooks/debug", debug | {"body": body + " "})
    assert "without the space around it" in spoiled.words
    wrong = await browser.post("/console/webhooks/debug", debug | {"body": body.replace("SM", "XX")})
    assert "does not fit" in wrong.words
    assert (await browser.post("/console/webhooks/debug", debug | {"secret": "whsec_x"})).status == 422
    rotated = await browser.post(f"{page}/rotate")
    (fresh,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", rotated.text))
    assert fresh != secret
    await browser.get(page)
    await browser.post(f"{page}/disable")
    assert "Disabled" in (await browser.get(page)).words
    await browser.post(f"{page}/enable")
    await browser.post(f"{page}/remove")
    assert (await browser.get(page)).status == 404


async def shows(browser, page, words):
    return words in (await browser.get(page)).words


async def test_what_was_refused_is_seen_and_sent_again(edge, browser, endpoint):
    webhook_id, _ = await added(browser, endpoint.url)
    endpoint.status = 503
    began = time.time()
    message_id = (await edge.send()).json["id"]
    page = f"/console/webhooks/{webhook_id}"
    await until(lambda: shows(browser, page, "503"))
    seen = await browser.get(page)
    assert "not today" in seen.text and "Waits for another try" in seen.words
    endpoint.status = 204
    (event_id,) = set(seen.all(r'name="event_id" value="(EV\w+)"'))
    assert (await browser.post(f"{page}/replay", {"event_id": event_id})).to.endswith("done=webhook.replayed")
    await until(lambda: [body for _, body in endpoint.taken if message_id in body])
    many = len(endpoint.taken)
    clock = [time.strftime("%Y-%m-%dT%H:%M", time.gmtime(began + offset)) for offset in (-60, 120)]
    assert (await browser.post(f"{page}/replay", {"since": clock[0], "until": clock[1]})).status == 303
    await until(lambda: len(endpoint.taken) > many)
    wrong = await browser.post(f"{page}/replay", {"since": "soon", "until": clock[1]})
    assert wrong.status == 422 and wrong.has('role="alert"')


async def test_wrong_input_is_told_by_the_field(browser):
    for fields, words in (
        ({"url": "", "events": "*"}, "the scheme is not https"),
        ({"url": "https://10.0.0.1/", "events": "*"}, "not on the public internet"),
        ({"url": "https://example.com/", "events": "message.nothing"}, "event"),
    ):
        seen = await browser.post("/console/webhooks/new", fields)
        assert seen.status == 422 and words in seen.words, seen.words
    assert "example.com" not in (await browser.get("/console/webhooks")).words


async def test_accounts_see_their_own_only(edge, browser, sign_in, endpoint):
    webhook_id, _ = await added(browser, endpoint.url)
    other = await sign_in(account_id=(await edge.new_customer("Other")).id)
    page = f"/console/webhooks/{webhook_id}"
    assert (await other.get(page)).status == 404
    for act in ("disable", "rotate", "remove", "replay"):
        assert (await other.post(f"{page}/{act}", {"dead": "1"})).status == 404
    support = await sign_in("support")
    assert (await support.get("/console/webhooks")).status == 403
    await browser.get(page)
    await browser.post(f"{page}/remove")
