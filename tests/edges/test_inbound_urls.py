"""Texts to numbers over REST: URLs of numbers, pools and the account, the fallback, replies in the answer."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tests.edges.edge_rig import NUMBER, SENDER, Edge, until
from whimbrel.codec import signatures
from whimbrel_sandbox.network import PhoneText

PHONE = NUMBER.lstrip("+")


class Application:
    """A customer's application that answers with JSON."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.told.append((request.path, dict(request.headers), await request.read()))
        status, body = self.answers.get(request.path, (200, {}))
        return web.json_response(body, status=status)

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.told]


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    made = Application()
    server = web.Application()
    server.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
    yield made
    await runner.cleanup()


def inbox(edge: Edge) -> list[str]:
    return [text.text for text in edge.simulator.network.phones.read(PHONE)]


async def say(edge: Edge, text: str) -> None:
    edge.simulator.network.send_text(NUMBER, PhoneText(to=SENDER, text=text))


async def put(edge: Edge, of: str, **body: Any) -> Any:
    return await edge.ask("PUT", f"/v1/inbound-urls/{of}", json=body)


async def sender_id(edge: Edge) -> str:
    found: str = (await edge.get("/v1/senders")).json["data"][0]["id"]
    return found


async def test_an_answer_in_json_becomes_a_reply_from_the_number(edge: Edge, application: Application) -> None:
    application.answers["/in"] = (200, {"reply": "Thank you"})
    assert (await put(edge, "account", url=f"{application.url}/in")).status == 200
    await say(edge, "hello")
    await until(lambda: inbox(edge) == ["Thank you"])
    ((_, headers, body),) = application.told
    event = msgspec.json.decode(body)
    assert (event["type"], event["data"]["text"], event["data"]["to"]) == ("message.received", "hello", SENDER)
    secret = edge.app.tables.callback_secret(edge.customer.id)
    signature = signatures.standard_webhook((secret,), headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == signature
    listed = (await edge.get("/v1/messages?direction=out")).json["data"]
    assert [(m["sender"], m["to"], m["reply_to"]) for m in listed] == [(SENDER, NUMBER, event["data"]["id"])]


async def test_the_nearest_url_is_asked_and_its_fallback(edge: Edge, application: Application) -> None:
    pool = (await edge.post("/v1/pools", {"name": "support", "senders": [SENDER]})).json["id"]
    number = await sender_id(edge)
    application.answers["/pool"] = (503, {"reply": "never sent"})
    application.answers["/fallback"] = (200, {"replies": [{"text": "from the fallback"}]})
    application.answers["/number"] = (200, {"reply": "from the number"})
    await put(edge, "account", url=f"{application.url}/account")
    await put(edge, pool, url=f"{application.url}/pool", fallback_url=f"{application.url}/fallback")
    await say(edge, "one")
    await until(lambda: "from the fallback" in inbox(edge))
    assert set(application.paths()) == {"/pool", "/fallback"}
    await put(edge, number, url=f"{application.url}/number")
    await say(edge, "two")
    await until(lambda: "from the number" in inbox(edge))
    listed = (await edge.get("/v1/inbound-urls")).json["data"]
    assert {row["of"] for row in listed} == {"account", pool, number}
    for of in (number, pool):
        assert (await edge.ask("DELETE", f"/v1/inbound-urls/{of}")).status == 204
    await say(edge, "three")
    await until(lambda: "/account" in application.paths())
    assert "never sent" not in inbox(edge)


async def test_wrong_input_and_strangers(edge: Edge) -> None:
    pool = (await edge.post("/v1/pools", {"name": "support"})).json["id"]
    assert (await put(edge, pool, url="ftp://x.example")).json["code"] == "webhook_url_refused"
    assert (await put(edge, pool, url="https://x.example", method="GET")).json["errors"][0]["pointer"] == "/method"
    assert (await put(edge, "MG" + "0" * 32, url="https://x.example")).status == 404
    assert (await put(edge, "elsewhere", url="https://x.example")).status == 404
    assert (await edge.ask("DELETE", f"/v1/inbound-urls/{pool}")).status == 404
