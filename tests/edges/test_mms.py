"""Media as MMS: to a provider that takes them, which fetches them from us, and from phones by one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from tests.edges.edge_rig import NUMBER, SENDER, Edge, running_edge, until
from tests.edges.test_media_messages import CARD, PNG, brought, link_in, opened
from tests.edges.test_providers import PHONE, SETTINGS, Carrier, Journey, texts
from tests.net.http_rig import answer_of, sink
from whimbrel.media_sections import Media
from whimbrel_sandbox.provider_settings import Played, ProviderChange, change
from whimbrel_sandbox.serve import running
from whimbrel_sandbox.settings import Settings as SandboxSettings

PICTURES = {**SETTINGS["fields"], "media": "{media}"}  # type: ignore[dict-item]


@asynccontextmanager
async def provided(edge: Edge, **settings: Any) -> AsyncIterator[Journey]:
    """An edge whose texts go by a provider of the sandbox, to which the SMPP carrier comes next."""
    options: dict[str, Any] = {"smpp_port": 0, "http_port": None, "provider_port": 0, "seed": 1, "time_scale": 0.01}
    async with running(SandboxSettings(**options, deliver_retry_ms=20)) as provider:
        assert provider.address.provider_url is not None
        own = {**SETTINGS, "url": f"{provider.address.provider_url}/messages", "answer_code": "error", **settings}
        body = {"name": "Heron", "kind": "http", "settings": own, "password": "secret"}
        made = await edge.post("/v1/carriers", body, key=edge.operator)
        assert made.status == 201, made.body
        carrier = Carrier(edge, made.json)
        calls = {"receipts_url": edge.url + carrier.receipts, "inbound_url": edge.url + carrier.inbound}
        change(provider.provider.settings, ProviderChange(**calls))
        (route,) = (await edge.get("/v1/routes", key=edge.operator)).json["data"]
        patch = {"carriers": [carrier.id, *route["carriers"]]}
        assert (await edge.ask("PATCH", f"/v1/routes/{route['id']}", key=edge.operator, json=patch)).status == 200
        yield Journey(edge, carrier, provider)


@pytest_asyncio.fixture
async def edge(tmp_path: Any) -> AsyncIterator[Edge]:
    async with running_edge(tmp_path, media=Media(fetch_timeout_s=60)) as running_one:
        (sender,) = [each for each in (await running_one.get("/v1/senders")).json["data"] if each["value"] == SENDER]
        patch = {"capabilities": ["sms", "mms"]}
        headers = {"X-Account-Id": running_one.customer.id}
        changed = await running_one.ask(
            "PATCH", f"/v1/numbers/{sender['id']}/assignment", key=running_one.operator, headers=headers, json=patch
        )
        assert changed.status == 200, changed.body
        yield running_one


async def _first_detail(edge: Edge, message_id: str) -> dict[str, Any]:
    told = (await edge.get(f"/v1/messages/{message_id}/events")).json["data"]
    detail: dict[str, Any] = told[0]["data"]["detail"]
    return detail


async def test_a_text_that_could_be_in_national_tables_is_priced_and_sent_as_providers_do(edge: Edge) -> None:
    spanish = "Señor, su código de atención está aquí: " + "a" * 60
    body = {"to": "+34612345678", "text": spanish}
    assert [(await edge.post("/v1/messages/explain", body)).json["encoding"]["encoding"]] == ["gsm7"]
    async with provided(edge):
        told = (await edge.post("/v1/messages/explain", body)).json["encoding"]
        assert (told["encoding"], told["segments"]) == ("ucs2", 2)


async def test_media_go_as_mms_and_are_fetched_from_us(edge: Edge) -> None:
    media = [await brought(edge), await brought(edge, CARD)]
    await edge.post("/v1/prices", {"prefix": "44", "price": "0.04", "mms_price": "0.11"}, key=edge.operator)
    async with provided(edge, media=True, fields=PICTURES) as journey:
        asked = {"to": PHONE, "sender": SENDER, "text": "Grüße 🐦", "media": media}
        told = (await edge.post("/v1/messages/explain", asked)).json
        assert (told["media"], told["price"]["price"], told["price"]["mms"]) == (
            {"way": "mms", "why": None},
            "0.11",
            True,
        )
        message_id = await journey.send(sender=SENDER, text="Grüße 🐦", media=media)
        shown = await journey.settled(message_id, "delivered")
        (submitted,) = journey.submits()
        assert submitted.text == "Grüße 🐦"
        assert [url.rpartition("/")[2] for url in submitted.media] == ["1", "2"]
        got = [await opened(edge, urlsplit(url).path) for url in submitted.media]
        assert [(each.status, each.body) for each in got] == [(200, PNG), (200, CARD)]
        assert await _first_detail(edge, message_id) == {"media": "mms"}
        assert (shown["price"], shown["media"]) == ("0.11", media)
        (link,) = (await edge.get(f"/v1/messages/{message_id}/links")).json["data"]
        assert link["clicks"]["people"] == 0  # the provider is nobody who clicks


@pytest.mark.parametrize(
    ("takes", "sender", "why"),
    [(False, SENDER, "carriers_take_texts_only"), (True, "Acme", "sender_has_no_mms")],
)
async def test_else_they_go_by_a_link(edge: Edge, takes: bool, sender: str, why: str) -> None:
    await edge.give_sender(edge.customer.id, "Acme")
    media = [await brought(edge)]
    settings = {"media": True, "fields": PICTURES} if takes else {}
    async with provided(edge, **settings) as journey:
        message_id = await journey.send(sender=sender, text="Look", media=media)
        shown = await journey.settled(message_id, "delivered")
        (submitted,) = journey.submits()
        assert (submitted.text, submitted.media) == (shown["text"], ())
        assert link_in(shown["text"])
        assert await _first_detail(edge, message_id) == {"media": "link", "media_why": why}


async def test_what_comes_to_a_carrier_without_media_goes_with_its_link(edge: Edge) -> None:
    media = [await brought(edge)]
    async with provided(edge, media=True, fields=PICTURES, statuses={"429": "temporary"}) as journey:
        change(journey.provider.provider.settings, ProviderChange(always=Played.THROTTLED))
        message_id = await journey.send(to=NUMBER, sender=SENDER, text="Look", media=media)
        shown = await journey.settled(message_id, "delivered")
        assert link_in(shown["text"])
        assert shown["carrier_id"] != journey.carrier.id


async def test_media_of_a_phone_are_kept(edge: Edge) -> None:
    async with (
        provided(edge, inbound_media="media[].url") as journey,
        sink(answer_of("200 OK", body=PNG)) as picture,
        sink(answer_of("404 Not Found")) as gone,
        sink() as hook,
    ):
        way = {"url": f"http://127.0.0.1:{hook.port}/in", "format": "twilio"}
        (number,) = [each for each in (await edge.get("/v1/senders")).json["data"] if each["value"] == SENDER]
        changed = await edge.ask("PUT", f"/v1/inbound-urls/{number['id']}", json=way)
        assert changed.status in (200, 201), changed.body
        urls = [f"http://127.0.0.1:{picture.port}/a.png", f"http://127.0.0.1:{gone.port}/b.png"]
        for _ in range(2):  # the provider brings it again
            answer = await journey.carrier.bring("Look", "t1", media=[{"url": url} for url in urls])
            assert answer.status == 200
        assert await texts(edge) == [f"Look\n{urls[1]}"]
        (message,) = (await edge.get("/v1/messages?direction=in")).json["data"]
        (medium,) = (await edge.get(f"/v1/messages/{message['id']}/media")).json["data"]
        assert message["media"] == [medium["id"]]
        assert (medium["content_type"], medium["source"], medium["messages"]) == ("image/png", "message", 1)
        assert (await edge.get(f"/v1/media/{medium['id']}/content")).body == PNG
        _, body = (await until(lambda: hook.requests))[0]
        form = parse_qs(body.decode())
        assert (form["NumMedia"], form["MediaContentType0"]) == (["1"], ["image/png"])
        assert form["MediaUrl0"][0].endswith(f"/Messages/{message['id']}/Media/{medium['id']}")


async def test_what_cannot_be_kept_changes_nothing_that_a_phone_says(edge: Edge) -> None:
    """A STOP with a picture is a STOP, however long the picture's address is."""
    async with provided(edge, inbound_media="media") as journey, sink(answer_of("404 Not Found")) as gone:
        url = f"http://127.0.0.1:{gone.port}/{'a' * 160}.mov"
        assert (await journey.carrier.bring("STOP", "t1", media=[url])).status == 200
        assert await texts(edge) == [f"STOP\n{url}"]
        (opted_out,) = (await edge.get("/v1/opt-outs")).json["data"]
        assert (opted_out["source"], opted_out["number"][-3:]) == ("keyword", PHONE[-3:])
        assert (await journey.carrier.bring("Start", "t2", media=[url])).status == 200
        assert (await edge.get("/v1/opt-outs")).json["data"] == []


async def test_media_to_a_number_that_is_written_otherwise_are_kept(edge: Edge) -> None:
    async with provided(edge, inbound_media="media") as journey, sink(answer_of("200 OK", body=PNG)) as picture:
        media, to = [f"http://127.0.0.1:{picture.port}/a.png"], f"00{SENDER[1:]}"
        assert (await journey.carrier.bring("Look", "t1", to=to, media=media)).status == 200
        assert await texts(edge) == ["Look"]


async def test_a_provider_that_wants_it_is_told_who_fetches_and_nobody_else(edge: Edge) -> None:
    async with sink(answer_of("200 OK", body=PNG)) as his, sink(answer_of("200 OK", body=CARD)) as other:
        url = f"http://127.0.0.1:{his.port}"
        settings = {"url": f"{url}/messages", "auth": "basic", "username": "us", "inbound_media_auth": True}
        async with provided(edge, inbound_media="media", **settings) as journey:
            media = [f"{url}/a.png", f"http://127.0.0.1:{other.port}/b.vcf"]
            assert (await journey.carrier.bring("", "t1", media=media)).status == 200
        assert await texts(edge) == [""]
        assert b"Authorization: Basic dXM6c2VjcmV0\r\n" in his.requests[0][0]  # us:secret
        assert b"authorization" not in other.requests[0][0].lower()
