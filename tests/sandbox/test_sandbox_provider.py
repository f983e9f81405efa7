"""The provider over HTTP: what it takes and answers, what is played in place of answers, what it calls back."""

import asyncio
import json
from types import SimpleNamespace
from urllib.parse import parse_qs

import aiohttp
import pytest
from aiohttp import web
from sandbox_esme import eventually, reserved
from tests.ports import free_port

from whimbrel_sandbox.log import InboundAnswered, InboundSent, ReceiptAnswered, ReceiptSent, Responded, Submitted
from whimbrel_sandbox.network import PhoneText
from whimbrel_sandbox.provider_settings import Played, ProviderChange, change

TO = "+447700900123"
TEXT = {"to": TO, "from": "+15005550006", "text": "Grüße 🐦", "reference": "r1"}


@pytest.fixture
async def calls():
    """What the provider called: (method, path, query, content type, body); `answer` decides the next status."""
    seen: list = []

    async def take(request):
        seen.append((request.method, request.path, request.query_string, request.content_type, await request.read()))
        return web.Response(status=calls.answers.pop(0) if calls.answers else 200)

    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()

    calls = SimpleNamespace(answers=[], seen=seen, url=f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}")
    yield calls
    await runner.cleanup()


@pytest.fixture
async def provider(start):
    simulator = await start(provider_port=0)
    async with aiohttp.ClientSession(simulator.address.provider_url) as http:
        yield simulator, http


def events(simulator, *kinds):
    return [event for event in simulator.center.log.after(0, 100_000)[1] if isinstance(event, kinds)]


async def test_a_message_is_taken_logged_and_on_its_phone(provider):
    simulator, http = provider
    async with http.post("/messages", json={**TEXT, "media": ["https://m.example/1"]}) as answer:
        assert answer.status == 200
        told = await answer.json()
    (submitted,) = events(simulator, Submitted)
    assert told == {"id": submitted.message_id, "status": "accepted"}
    assert (submitted.dest, submitted.source, submitted.text) == (TO[1:], "15005550006", TEXT["text"])
    assert (submitted.reference, submitted.media, submitted.system_id) == ("r1", ("https://m.example/1",), "http")
    (text,) = simulator.network.phones.read(TO[1:])
    assert text.text == TEXT["text"]
    (responded,) = events(simulator, Responded)
    assert (responded.message_id, responded.status, responded.seq) == (told["id"], 200, submitted.seq)


async def test_forms_and_queries_are_requests_too(provider):
    simulator, http = provider
    async with http.post("/messages", data=TEXT) as answer:
        assert answer.status == 200
    async with http.get("/messages", params={**TEXT, "to": "+447700900124"}) as answer:
        assert answer.status == 200
    assert [(each.dest, each.text) for each in events(simulator, Submitted)] == [
        (TO[1:], TEXT["text"]), ("447700900124", TEXT["text"]),
    ]  # fmt: skip
    async with http.get("/elsewhere") as answer:
        assert answer.status == 404


async def test_outcomes_are_those_of_the_table(provider):
    _, http = provider
    for number, status in (("0401", 400), ("0509", 429), ("0501", 429), ("0501", 200), ("0000", 200)):
        async with http.post("/messages", json={**TEXT, "to": f"+{reserved(number)}"}) as answer:
            assert answer.status == status
    async with http.post("/messages", json={**TEXT, "to": "nobody"}) as answer:
        assert (answer.status, await answer.json()) == (400, {"error": "ESME_RINVDSTADR"})


PLAYED = {
    # what is played: the status that the client sees (0: no answer), whether the message is taken
    Played.THROTTLED: (429, False),
    Played.UNAVAILABLE: (503, False),
    Played.FAILED: (500, False),
    Played.TAKEN_FAILED: (500, True),
    Played.TAKEN_GARBLED: (200, True),
    Played.DROPPED: (0, False),
    Played.TAKEN_DROPPED: (0, True),
    Played.SILENT: (0, False),
    Played.TAKEN_SILENT: (0, True),
}


@pytest.mark.parametrize("played", PLAYED)
async def test_what_is_played_in_place_of_an_answer(provider, played):
    simulator, http = provider
    change(simulator.provider.settings, ProviderChange(next=[played], retry_after_s=7))

    async def ask():
        async with http.post("/messages", json=TEXT) as answer:
            assert answer.headers.get("Retry-After") == ("7" if answer.status in (429, 503) else None)
            return answer.status

    asking = asyncio.ensure_future(ask())
    (submitted,) = await eventually(lambda: events(simulator, Submitted))
    await asyncio.wait([asking], timeout=0.2 if "silent" in played else 60)
    asking.cancel()
    try:
        status = await asking
    except (aiohttp.ClientError, asyncio.CancelledError):
        status = 0
    taken = bool(submitted.message_id)
    assert (status, taken) == PLAYED[played]
    assert len(simulator.network.phones.read(TO[1:])) == taken
    async with http.post("/messages", json=TEXT) as answer:
        assert answer.status == 200


async def test_a_password_is_wanted_where_one_is_set(start):
    simulator = await start(provider_port=0, password="secret")
    async with aiohttp.ClientSession(simulator.address.provider_url) as http:
        for auth, status in ((None, 401), (("acme", "other"), 401), (("acme", "secret"), 200)):
            headers = {} if auth is None else {"Authorization": aiohttp.encode_basic_auth(*auth)}
            async with http.post("/messages", json=TEXT, headers=headers) as answer:
                assert answer.status == status
        async with http.post("/messages", json=TEXT, headers={"Authorization": "Bearer secret"}) as answer:
            assert answer.status == 200
    assert [each.system_id for each in events(simulator, Submitted)] == ["acme", "http"]


@pytest.mark.parametrize("writing", ["json", "form", "query"])
async def test_receipts_go_to_the_address_of_their_message(provider, calls, writing):
    simulator, http = provider
    change(simulator.provider.settings, ProviderChange(writing=writing))
    wanted = {**TEXT, "to": f"+{reserved('0227')}", "callback": f"{calls.url}/r?x=1"}
    async with http.post("/messages", json=wanted) as answer:
        message_id = (await answer.json())["id"]
    await eventually(lambda: events(simulator, ReceiptAnswered))
    ((method, path, query, kind, body),) = calls.seen
    assert path == "/r"
    if writing == "json":
        said = json.loads(body)
    else:
        said = {name: value for name, (value,) in parse_qs(body.decode() or query, keep_blank_values=True).items()}
        said.pop("x", None)
    assert said == {
        "id": message_id, "status": "UNDELIV", "error": "027",
        "to": f"+{reserved('0227')}", "from": "+15005550006", "reference": "r1",
    }  # fmt: skip
    assert (method, query.startswith("x=1")) == ("GET" if writing == "query" else "POST", True)
    assert kind == {"json": "application/json", "form": "application/x-www-form-urlencoded"}.get(writing, kind)


async def test_a_call_that_was_not_taken_is_made_again(provider, calls):
    simulator, http = provider
    calls.answers[:] = [503, 429, 500, 200]
    async with http.post("/messages", json={**TEXT, "callback": calls.url}):
        pass
    await eventually(lambda: [each for each in events(simulator, ReceiptAnswered) if not each.status])
    assert [each.tries for each in events(simulator, ReceiptSent)] == [1, 2, 3, 4]


async def test_a_call_that_is_refused_for_good_is_made_once(provider, calls):
    simulator, http = provider
    calls.answers[:] = [404]
    for number in range(2):
        async with http.post("/messages", json={**TEXT, "to": f"+44770090020{number}", "callback": calls.url}):
            pass
    await eventually(lambda: len(events(simulator, ReceiptAnswered)) == 2)
    assert len(events(simulator, ReceiptSent)) == 2


async def test_nobody_answers_at_first(provider, calls):
    """A node that is away for a while loses no receipt."""
    simulator, http = provider
    port = free_port()
    async with http.post("/messages", json={**TEXT, "callback": f"http://127.0.0.1:{port}/r"}):
        pass
    await eventually(lambda: len(events(simulator, ReceiptSent)) > 2)
    came = asyncio.Event()

    async def take(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()
        came.set()

    server = await asyncio.start_server(take, "127.0.0.1", port)
    await asyncio.wait_for(came.wait(), 60)
    await eventually(lambda: [each for each in events(simulator, ReceiptAnswered) if not each.status])
    server.close()


async def test_texts_of_phones_come_whole_to_one_address(provider, calls):
    simulator, http = provider
    async with http.post("/messages", json=TEXT):
        pass
    change(simulator.provider.settings, ProviderChange(inbound_url=f"{calls.url}/in"))
    long = "A long answer. " * 30
    simulator.network.send_text(TO, PhoneText(to="+15005550006", text=long))
    await eventually(lambda: events(simulator, InboundAnswered))
    ((_, path, _, _, body),) = calls.seen
    (sent,) = events(simulator, InboundSent)
    assert (path, json.loads(body)) == (
        "/in", {"id": sent.text_id, "from": TO, "to": "15005550006", "text": long},
    )  # fmt: skip


async def test_the_control_changes_it(start):
    simulator = await start(provider_port=0, http_port=0)
    async with aiohttp.ClientSession(simulator.address.http_url) as http:
        async with http.post("/provider", json={"next": ["throttled"], "inbound_url": "http://x.example/"}) as answer:
            assert (await answer.json())["next"] == ["throttled"]
        async with http.post("/provider", json={"next": ["sulking"]}) as answer:
            assert answer.status == 400
        async with http.post("/reset") as answer:
            assert answer.status == 200
        async with http.get("/provider") as answer:
            assert (await answer.json())["next"] == []


async def test_without_a_port_there_is_no_provider(start):
    assert (await start()).address.provider_url == ""
