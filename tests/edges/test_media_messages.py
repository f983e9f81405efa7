"""Messages with media: the phone gets a link, its page shows what was sent and nothing else, and it is there as long as
it may be.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.edges.edge_rig import NUMBER, Answer, Edge, running_edge
from tests.edges.edge_rig import until as soon
from tests.net.http_rig import answer_of, sink
from whimbrel.journey import accept
from whimbrel.link_sections import Links
from whimbrel.media_sections import Media
from whimbrel.products.media import keeping
from whimbrel.store.errors import CommitUnknown

pytestmark = pytest.mark.asyncio(loop_scope="module")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(100))
CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nEND:VCARD\r\n"
MP4 = b"\0\0\0\x18ftypisom\0\0\x02\0" + bytes(100)
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile Safari/604.1"
SHORT = re.compile(r"http://localhost:\d+(/l/[1-9A-HJ-NP-Za-km-z]{8})")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    links = Links(too_soon_ms=0, rate_per_s=1000)
    media = Media(fetch_timeout_s=60)
    async with running_edge(tmp_path_factory.mktemp("media"), links=links, media=media) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation: Edge) -> Edge:
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    await installation.give_sender(installation.customer.id, "Acme")
    return installation


async def brought(edge: Edge, octets: bytes = PNG) -> str:
    made: str = (await edge.ask("POST", "/v1/media", data=octets)).json["id"]
    return made


async def opened(edge: Edge, path: str, **more: Any) -> Answer:
    headers = {"User-Agent": PHONE} | more.pop("headers", {})
    return await edge.ask("GET", path, key="", headers=headers, allow_redirects=False, **more)


@asynccontextmanager
async def given(octets: bytes) -> AsyncIterator[str]:
    """A URL that gives these."""
    async with sink(answer_of("200 OK", body=octets)) as server:
        yield f"http://127.0.0.1:{server.port}/a"


def link_in(text: str) -> str:
    (path,) = SHORT.findall(text)
    return str(path)


async def final(edge: Edge, message_id: str) -> Any:
    async def delivered() -> Any:
        found = (await edge.get(f"/v1/messages/{message_id}")).json
        return found if found["status"] == "delivered" else None

    return await soon(delivered)


async def test_a_text_with_media_leads_to_a_page_that_shows_them(edge: Edge) -> None:
    media = [await brought(edge), await brought(edge, CARD), await brought(edge, MP4)]
    sent = await edge.send(text="Look:", media=media)
    assert sent.status == 202, sent.body
    message = sent.json
    assert message["media"] == media
    assert message["text"].startswith("Look:\nhttp://localhost:")
    assert (await edge.get(f"/v1/messages/{message['id']}")).json["media"] == media
    listed = (await edge.get(f"/v1/messages/{message['id']}/media")).json["data"]
    assert [each["id"] for each in listed] == media
    path = link_in(message["text"])
    page = await opened(edge, path)
    assert page.status == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    code = path.rpartition("/")[2]
    html = page.body.decode()
    assert f'<img src="{code}/1" alt="media.png">' in html
    assert f'<a href="{code}/2" download="media.vcf">' in html
    assert f'<video src="{code}/3"' in html
    assert "Look" not in html
    picture = await opened(edge, f"{path}/1")
    assert (picture.status, picture.body, picture.headers["content-type"]) == (200, PNG, "image/png")
    assert picture.headers["x-content-type-options"] == "nosniff"
    card = await opened(edge, f"{path}/2")
    assert card.headers["content-disposition"].startswith("attachment")
    for place in ("0", "4", "x", "1x", "-1", "%C2%B2"):
        assert (await opened(edge, f"{path}/{place}")).code == "not_found"
    (link,) = (await edge.get(f"/v1/messages/{message['id']}/links")).json["data"]
    assert link["url"] == "media:" + ",".join(media)
    await edge.app.products.links.clicks.drain()
    (link,) = (await edge.get(f"/v1/messages/{message['id']}/links")).json["data"]
    assert link["clicks"]["people"] == 1  # the page, and not what is on it


@pytest.mark.parametrize(
    ("wanted", "status", "octets", "told"),
    [
        ("bytes=0-3", 206, MP4[:4], f"bytes 0-3/{len(MP4)}"),
        ("bytes=100-", 206, MP4[100:], f"bytes 100-{len(MP4) - 1}/{len(MP4)}"),
        ("bytes=-4", 206, MP4[-4:], f"bytes {len(MP4) - 4}-{len(MP4) - 1}/{len(MP4)}"),
        ("bytes=0-99999", 206, MP4, f"bytes 0-{len(MP4) - 1}/{len(MP4)}"),
        ("bytes=999-", 416, b"", f"bytes */{len(MP4)}"),
        ("bytes=-", 200, MP4, None),
        ("bytes=0-1,4-5", 200, MP4, None),
        ("lines=1-2", 200, MP4, None),
    ],
)
async def test_phones_play_films_by_parts(
    edge: Edge, wanted: str, status: int, octets: bytes, told: str | None
) -> None:
    message = (await edge.send(text="", media=[await brought(edge, MP4)])).json
    answer = await opened(edge, f"{link_in(message['text'])}/1", headers={"Range": wanted})
    assert (answer.status, answer.body, answer.headers.get("content-range")) == (status, octets, told)


async def test_the_text_may_be_empty_and_the_url_fetched(edge: Edge) -> None:
    async with sink(answer_of("200 OK", body=PNG)) as server:
        url = f"http://127.0.0.1:{server.port}/a.png"
        message = (await edge.post("/v1/messages", {"to": NUMBER, "media": [url]})).json
    assert SHORT.fullmatch(message["text"])
    told = (await edge.get(f"/v1/messages/{message['id']}/events")).json["data"]
    detail = told[0]["data"]["detail"]
    assert (detail["media"], detail["media_why"]) == ("link", "carriers_take_texts_only")
    (medium,) = (await edge.get(f"/v1/messages/{message['id']}/media")).json["data"]
    assert (medium["source"], [medium["id"]]) == ("message", message["media"])


@pytest.mark.parametrize(
    ("media", "code", "pointer"),
    [
        (["ME" + "0" * 32], "media_not_found", "/media/0"),
        (["nonsense"], "media_not_found", "/media/0"),
        (["file:///etc/passwd"], "invalid_media_url", "/media/0"),
        (["https://10.0.0.1/a.png"], "invalid_media_url", "/media/0"),
        (["ME" + "0" * 32] * 11, "too_many_media", "/media"),
    ],
)
async def test_media_that_cannot_be_sent_refuse_the_message(
    edge: Edge, media: list[str], code: str, pointer: str
) -> None:
    for path in ("/v1/messages", "/v1/messages/explain"):
        answer = await edge.post(path, {"to": NUMBER, "text": "x", "media": media})
        assert (answer.status, answer.code, answer.json["errors"][0]["pointer"]) == (422, code, pointer)
    assert (await edge.get("/v1/messages")).json["data"] == []


async def test_media_do_not_go_with_octets(edge: Edge) -> None:
    answer = await edge.post("/v1/messages", {"to": NUMBER, "data": "00ff", "media": ["ME" + "0" * 32]})
    assert answer.json["errors"][0]["pointer"] == "/media"


async def test_media_of_others_are_not_found(edge: Edge) -> None:
    medium = await brought(edge)
    other = await edge.new_customer("Other")
    answer = await edge.post("/v1/messages", {"to": NUMBER, "media": [medium]}, key=other.live)
    assert answer.code == "media_not_found"
    assert (await edge.send(media=[medium], key=edge.customer.test)).code == "media_not_found"


async def test_explain_shows_the_text_with_its_link_and_stores_nothing(edge: Edge) -> None:
    body = {"to": NUMBER, "text": "Look", "media": [await brought(edge), "https://93.184.216.34/a.png"]}
    told = (await edge.post("/v1/messages/explain", body)).json
    assert "http://localhost" in told["encoding"]["text"]
    assert (await edge.get("/v1/media/usage")).json["count"] == 1


async def test_a_repeated_key_answers_as_before_though_the_url_is_gone(edge: Edge) -> None:
    headers = {"Idempotency-Key": "k1"}
    async with sink(answer_of("200 OK", "Connection: close", body=PNG)) as server:
        url = f"http://127.0.0.1:{server.port}/a.png"
        first = await edge.send(media=[url], headers=headers)
        server.done.set()
    again = await edge.send(media=[url], headers=headers)
    assert (again.status, again.json["id"], again.json["media"]) == (202, first.json["id"], first.json["media"])
    assert again.json["text"] == first.json["text"]
    assert again.headers["idempotent-replayed"] == "true"
    assert (await edge.send(media=[url])).code == "media_not_fetched"


async def test_a_batch_fetches_what_is_equal_once(edge: Edge) -> None:
    async with sink(answer_of("200 OK", body=PNG)) as server:
        url = f"http://127.0.0.1:{server.port}/a.png"
        messages = [{"to": NUMBER}, {"to": NUMBER, "media": ["ME" + "0" * 32]}, {"to": NUMBER, "text": "b"}]
        batch = {"messages": messages, "defaults": {"text": "a", "media": [url]}}
        told = (await edge.post("/v1/messages/batch", batch)).json
        assert len(server.requests) == 1
    assert (told["accepted"], told["rejected"]) == (2, 1)
    assert told["data"][1]["error"]["code"] == "media_not_found"
    links = [(await edge.get(f"/v1/messages/{told['data'][place]['id']}")).json["text"] for place in (0, 2)]
    assert links[0].partition("\n")[2] != links[1].partition("\n")[2]  # each has a code of its own


async def test_a_batch_that_comes_again_tells_of_each_message_in_its_place(edge: Edge) -> None:
    """What its media refused is among the verdicts that are kept: those that follow keep their places."""
    media = [["ME" + "0" * 32], [await brought(edge)], ["https://10.0.0.1/a.png"], [await brought(edge, CARD)]]
    batch = {"messages": [{"to": NUMBER, "text": str(place), "media": each} for place, each in enumerate(media)]}
    headers = {"Idempotency-Key": "places"}
    first = await edge.post("/v1/messages/batch", batch, headers=headers)
    again = await edge.post("/v1/messages/batch", batch, headers=headers)
    assert (again.status, again.json) == (202, first.json), again.body
    assert again.headers["idempotent-replayed"] == "true"
    codes = [each.get("error", {}).get("code") for each in first.json["data"]]
    assert codes == ["media_not_found", None, "invalid_media_url", None]


async def test_the_rest_of_a_batch_that_was_cut_off_gets_its_media(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node stops between two commits of a batch: the same request again completes it, media fetched from URLs too."""
    monkeypatch.setattr(accept, "COMMIT_CHUNK", 2)
    headers = {"Idempotency-Key": "cut"}
    async with sink(answer_of("200 OK", body=PNG)) as server:
        url = f"http://127.0.0.1:{server.port}/a.png"
        batch = {"messages": [{"to": NUMBER, "text": str(place), "media": [url]} for place in range(4)]}
        taken = type(edge.app.store).accept
        commits = 0

        async def once(self: Any, *args: Any, **more: Any) -> Any:
            nonlocal commits
            commits += 1
            if commits > 1:
                raise CommitUnknown("the connection was lost")
            return await taken(self, *args, **more)

        with monkeypatch.context() as cut:
            cut.setattr(type(edge.app.store), "accept", once)
            with contextlib.suppress(aiohttp.ClientError):
                await edge.post("/v1/messages/batch", batch, headers=headers)
        again = await edge.post("/v1/messages/batch", batch, headers=headers)
    assert (again.status, again.json["accepted"]) == (202, 4), again.body
    assert len((await edge.get("/v1/messages")).json["data"]) == 4


async def test_a_redacted_message_takes_along_what_it_brought_and_no_other_has(edge: Edge) -> None:
    ours = await brought(edge)
    async with given(CARD) as card_url, given(MP4) as film_url:
        first = (await edge.send(media=[ours, card_url, film_url])).json
        second = (await edge.send(media=[card_url])).json
    card, film = first["media"][1:]
    assert second["media"] == [card]
    for each in (first, second):
        await final(edge, each["id"])
    assert (await edge.post(f"/v1/messages/{first['id']}/redact")).status == 200
    assert (await edge.get(f"/v1/media/{film}")).code == "not_found"
    assert (await edge.get(f"/v1/media/{card}")).status == 200
    assert (await edge.get(f"/v1/media/{ours}")).json["messages"] == 0, "it is the account's, to be sent again"
    assert (await opened(edge, link_in(first["text"]))).code == "link_gone"
    assert (await opened(edge, link_in(second["text"]))).status == 200
    assert (await edge.ask("DELETE", f"/v1/messages/{second['id']}")).status == 204
    assert [each["id"] for each in (await edge.get("/v1/media")).json["data"]] == [ours]


async def test_what_a_message_brought_is_the_accounts_once_that_brings_it_by_itself(edge: Edge) -> None:
    async with given(CARD) as url:
        message = (await edge.send(media=[url])).json
    assert await brought(edge, CARD) == message["media"][0]
    assert (await edge.get(f"/v1/media/{message['media'][0]}")).json["source"] == "upload"
    async with given(CARD) as url:
        again = (await edge.send(media=[url])).json
    assert again["media"] == message["media"]
    for each in (message, again):
        await final(edge, each["id"])
        assert (await edge.post(f"/v1/messages/{each['id']}/redact")).status == 200
    assert (await edge.get(f"/v1/media/{message['media'][0]}")).json["source"] == "upload"


async def test_a_person_who_is_erased_takes_along_the_media_of_their_messages(edge: Edge) -> None:
    theirs, shared = await brought(edge), await brought(edge, CARD)
    message = (await edge.send(media=[theirs, shared])).json
    other = (await edge.send(to="+447400123456", media=[shared])).json
    await final(edge, message["id"])
    await final(edge, other["id"])

    async def erased() -> bool:  # once the look-up by number has the message
        return bool((await edge.post("/v1/erasures", {"number": NUMBER})).json["messages"] == 1)

    await soon(erased)
    assert [each["id"] for each in (await edge.get("/v1/media")).json["data"]] == [shared]
    assert (await edge.get(f"/v1/media/{theirs}/content")).code == "not_found"
    assert (await opened(edge, link_in(message["text"]))).status in {404, 410}
    assert (await opened(edge, link_in(other["text"]))).status == 200


async def test_how_many_messages_have_a_medium(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    medium = await brought(edge)
    assert (await edge.get(f"/v1/media/{medium}")).json["messages"] == 0
    for _ in range(3):
        message = (await edge.send(media=[medium, await brought(edge, CARD)])).json
    listed = (await edge.get("/v1/media")).json["data"]
    assert [each["messages"] for each in listed] == [3, 3]
    again = await edge.ask("POST", "/v1/media", data=PNG)
    assert (again.json["id"], again.json["messages"]) == (medium, 3)
    of_message = (await edge.get(f"/v1/messages/{message['id']}/media")).json["data"]
    assert [each["messages"] for each in of_message] == [3, 3]
    monkeypatch.setattr(keeping, "MEDIA_USES_COUNTED", 2)
    assert (await edge.get(f"/v1/media/{medium}")).json["messages"] == 2


async def test_a_deleted_medium_is_gone_at_once(edge: Edge) -> None:
    message = (await edge.send(media=[await brought(edge)])).json
    path = link_in(message["text"])
    assert (await edge.ask("DELETE", f"/v1/media/{message['media'][0]}")).status == 204
    assert (await opened(edge, path)).code == "link_gone"
    assert (await opened(edge, f"{path}/1")).code == "link_gone"


async def test_one_of_a_message_is_taken_away(edge: Edge) -> None:
    media = [await brought(edge), await brought(edge, CARD)]
    message = (await edge.send(media=media)).json["id"]
    assert (await edge.ask("DELETE", f"/v1/messages/{message}/media/{media[0]}")).status == 204
    assert (await edge.ask("DELETE", f"/v1/messages/{message}/media/{media[0]}")).code == "not_found"
    left = (await edge.get(f"/v1/messages/{message}/media")).json["data"]
    assert [each["id"] for each in left] == media[1:]
    assert (await edge.get(f"/v1/media/{media[0]}")).code == "not_found"


async def test_a_medium_that_is_deleted_before_the_commit_refuses_the_message_alone(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the door and the commit it goes: its message is refused, and its neighbours are stored."""
    lost, kept = await brought(edge), await brought(edge, CARD)
    services = edge.app.products.media
    resolve = type(services).resolve

    async def slow(self: Any, whose: Any, named: Any, pointer: str = "/media") -> Any:
        found = await resolve(self, whose, named, pointer)
        if lost in found:
            await edge.app.store.media.forget([lost])
        return found

    monkeypatch.setattr(type(services), "resolve", slow)
    answers = await asyncio.gather(*(edge.send(media=[each]) for each in (kept, lost, kept)))
    assert [answer.status for answer in answers] == [202, 422, 202]
    assert answers[1].code == "media_not_found"
    keyed = await edge.send(media=[kept], headers={"Idempotency-Key": "k"})
    assert keyed.status == 202
    balance = (await edge.get("/v1/balance")).json
    assert balance["currency"]
