"""Media over HTTP: brought in every way, fetched from where they are allowed to be, listed, read, and gone."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.edges.edge_rig import Edge, running_edge
from tests.net.http_rig import answer_of, client, serving, sink
from whimbrel.base.clock import DAY_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.media_sections import Media
from whimbrel.net.addresses import Reach
from whimbrel.products.media.fetching import Fetcher

pytestmark = pytest.mark.asyncio(loop_scope="module")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20)
GIF = b"GIF89a\x01\0\x01\0\0\0\0\0\0"
CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nEND:VCARD\r\n"
SMALL = Media(max_bytes=64 * 1024, account_bytes=200_000, account_count=5, fetch_timeout_s=60)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    async with running_edge(tmp_path_factory.mktemp("media"), media=SMALL) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation: Edge) -> Edge:
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    return installation


async def brought(edge: Edge, octets: bytes = PNG, **more: Any) -> Any:
    answer = await edge.ask("POST", "/v1/media", data=octets, **more)
    assert answer.status == 201, answer.body
    return answer.json


async def fetched(edge: Edge, url: str) -> Any:
    return await edge.post("/v1/media", {"url": url})


async def test_the_body_alone_is_a_file(edge: Edge) -> None:
    answer = await edge.ask(
        "POST", "/v1/media?name=cat.html", data=PNG, headers={"Content-Type": "text/html; charset=utf-8"}
    )
    assert (answer.status, answer.headers["location"]) == (201, f"/v1/media/{answer.json['id']}")
    made = answer.json
    assert (made["name"], made["content_type"], made["size"]) == ("cat.png", "image/png", len(PNG))
    assert (made["sha256"], made["source"]) == (hashlib.sha256(PNG).hexdigest(), "upload")
    assert (await edge.get(f"/v1/media/{made['id']}")).json == made
    content = await edge.get(f"/v1/media/{made['id']}/content")
    assert (content.body, content.headers["content-type"]) == (PNG, "image/png")
    assert content.headers["x-content-type-options"] == "nosniff"
    assert content.headers["content-disposition"] == 'inline; filename="cat.png"'
    assert "sandbox" in content.headers["content-security-policy"]


async def test_what_is_not_shown_is_a_download(edge: Edge) -> None:
    made = await brought(edge, CARD)
    content = await edge.get(f"/v1/media/{made['id']}/content")
    assert content.headers["content-disposition"] == 'attachment; filename="media.vcf"'


async def test_a_form_brings_its_file(edge: Edge) -> None:
    form = aiohttp.FormData()
    form.add_field("note", "x")
    form.add_field("file", PNG + b"\r\n--x\r\n", filename="cat.jpg", content_type="image/jpeg")
    made = (await edge.ask("POST", "/v1/media", data=form)).json
    assert (made["name"], made["content_type"], made["size"]) == ("cat.png", "image/png", len(PNG) + 7)


@pytest.mark.parametrize(
    ("declared", "body"),
    [
        ("multipart/form-data", b"--b\r\n\r\nx\r\n--b--"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; filename="a"\r\nno end'),
        ("multipart/form-data; boundary=b", b"--b--\r\n"),
    ],
)
async def test_forms_without_a_file(edge: Edge, declared: str, body: bytes) -> None:
    answer = await edge.ask("POST", "/v1/media", data=body, headers={"Content-Type": declared})
    assert (answer.status, answer.code) == (400, "invalid_multipart")


async def test_equal_octets_are_one_medium_of_an_account(edge: Edge) -> None:
    first, again = await brought(edge), await brought(edge)
    assert first["id"] == again["id"]
    test = await brought(edge, key=edge.customer.test)
    assert test["id"] != first["id"]
    assert (await edge.get("/v1/media/usage")).json["count"] == 2
    assert [each["id"] for each in (await edge.get("/v1/media")).json["data"]] == [first["id"]]


@pytest.mark.parametrize("octets", [b"", b"<svg/>", b"<html>", b"hello"])
async def test_what_is_no_medium_is_refused_and_nothing_kept(edge: Edge, octets: bytes) -> None:
    answer = await edge.ask("POST", "/v1/media", data=octets, headers={"Content-Type": "image/png"})
    assert (answer.status, answer.code) == (422, "media_type_refused")
    assert (await edge.get("/v1/media/usage")).json["count"] == 0


async def test_what_is_too_large(edge: Edge) -> None:
    answer = await edge.ask("POST", "/v1/media", data=PNG + bytes(64 * 1024))
    assert (answer.status, answer.code) == (413, "media_too_large")
    answer = await edge.ask("POST", "/v1/media", data=PNG + bytes(200 * 1024))
    assert (answer.status, answer.code) == (413, "body_too_large")


async def test_the_room_of_an_account_ends(edge: Edge) -> None:
    for number in range(3):
        await brought(edge, PNG + bytes([number]) * 60_000)
    answer = await edge.ask("POST", "/v1/media", data=PNG + b"x" * 60_000)
    assert (answer.status, answer.code) == (409, "media_limit")
    for number in range(2):
        await brought(edge, PNG + bytes([number]))
    assert (await edge.ask("POST", "/v1/media", data=GIF)).code == "media_limit"
    usage = (await edge.get("/v1/media/usage")).json
    assert (usage["count"], usage["count_max"], usage["bytes_max"]) == (5, 5, 200_000)
    one = (await edge.get("/v1/media?limit=1")).json["data"][0]["id"]
    assert (await edge.ask("DELETE", f"/v1/media/{one}")).status == 204
    await brought(edge, GIF)


async def test_lists_go_by_page_and_type(edge: Edge) -> None:
    made = [(await brought(edge, octets))["id"] for octets in (PNG, GIF, CARD)]
    page = (await edge.get("/v1/media?limit=2")).json
    assert [each["id"] for each in page["data"]] == made[:0:-1]
    rest = (await edge.get(f"/v1/media?limit=2&cursor={page['next_cursor']}")).json
    assert ([each["id"] for each in rest["data"]], rest["next_cursor"]) == (made[:1], None)
    oldest = (await edge.get("/v1/media?order=asc&limit=1")).json["data"]
    assert [each["id"] for each in oldest] == made[:1]
    gifs = (await edge.get("/v1/media?content_type=image/gif")).json["data"]
    assert [each["id"] for each in gifs] == [made[1]]


async def test_other_accounts_and_modes_find_nothing(edge: Edge) -> None:
    made = (await brought(edge))["id"]
    other = await edge.new_customer("Other")
    for key in (other.live, edge.customer.test):
        for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
            assert (await edge.ask(method, f"/v1/media/{made}{path}", key=key)).code == "not_found"
    assert (await edge.get(f"/v1/media/{made}")).status == 200
    assert (await edge.ask("DELETE", f"/v1/media/{made}")).status == 204
    assert (await edge.get(f"/v1/media/{made}/content")).code == "not_found"


async def test_media_go_when_their_time_is_over(edge: Edge) -> None:
    await brought(edge)
    now = edge.app.clock.now_us()
    assert await edge.app.store.purge({"media": now}, 10) == 0
    await edge.app.store.purge({"media": now + 91 * DAY_US}, 1000)
    assert (await edge.get("/v1/media")).json["data"] == []
    await brought(edge)  # its octets went too


# ---------------------------------------------------------------- by URL


async def test_a_url_is_fetched_and_its_type_not_believed(edge: Edge) -> None:
    async with sink(answer_of("200 OK", "Content-Type: text/html", body=PNG)) as server:
        made = (await fetched(edge, f"http://127.0.0.1:{server.port}/a/cat%20one.svg?size=2")).json
    assert (made["content_type"], made["source"], made["name"]) == ("image/png", "url", "cat one.png")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (answer_of("404 Not Found", body=PNG), "media_not_fetched"),
        (answer_of("204 No Content"), "media_not_fetched"),
        (answer_of("200 OK", body=b"<svg/>"), "media_type_refused"),
        (answer_of("200 OK"), "media_type_refused"),
        (b"junk\r\n\r\n", "media_not_fetched"),
        (answer_of("302 Found", "Location: /again"), "media_not_fetched"),
        (answer_of("302 Found", "Location: file:///etc/passwd"), "invalid_media_url"),
        (answer_of("302 Found", "Location: http://10.0.0.1/a.png"), "invalid_media_url"),
        (answer_of("302 Found", "Location: http://[::ffff:10.0.0.1]/a.png"), "invalid_media_url"),
        (answer_of("302 Found", "Location: http://169.254.169.254/latest"), "invalid_media_url"),
        (answer_of("302 Found", "Location: http://user:pass@127.0.0.1/"), "invalid_media_url"),
        (answer_of("302 Found", "Location: http://[bad"), "invalid_media_url"),
    ],
)
async def test_what_a_server_may_answer_instead(edge: Edge, answer: bytes, code: str) -> None:
    async with sink(answer) as server:
        refused = await fetched(edge, f"http://127.0.0.1:{server.port}/a.png")
        server.done.set()
    assert refused.code == code, refused.body
    assert (await edge.get("/v1/media/usage")).json["count"] == 0


async def test_a_server_that_falls_silent_within_its_answer(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge.app.products.media._fetcher, "_timeout_s", 1)
    async with sink(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + PNG) as server:
        assert (await fetched(edge, f"http://127.0.0.1:{server.port}/a.png")).code == "media_not_fetched"
    assert (await edge.get("/v1/media/usage")).json["count"] == 0


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a.example/a", "http://10.0.0.1/a", "https://[fd00::1]/a", "https://localhost.:25/a",
     "https://[::ffff:10.1.2.3]/a", "https://0x7f.1/a b", "https://", "nonsense", "https://metadata@10.0.0.1/"],
)  # fmt: skip
async def test_urls_that_are_not_called(edge: Edge, url: str) -> None:
    assert (await fetched(edge, url)).code == "invalid_media_url"


@pytest.mark.parametrize("body", [{}, {"url": 1}, {"url": "https://a.example", "x": 1}])
async def test_bodies_of_another_shape(edge: Edge, body: Any) -> None:
    assert (await edge.post("/v1/media", body)).code == "invalid_request"


@asynccontextmanager
async def endless() -> AsyncIterator[tuple[int, list[int]]]:
    """A server that sends a picture without an end; how much was taken of it."""
    taken: list[int] = []

    async def serve(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + PNG)
        try:
            while True:
                writer.write(bytes(16 * 1024))
                await writer.drain()
                taken.append(16 * 1024)
        except ConnectionError:
            pass

    async with serving(serve) as port:
        yield port, taken


async def test_no_more_is_read_than_a_medium_may_have(edge: Edge) -> None:
    async with endless() as (port, taken):
        assert (await fetched(edge, f"http://127.0.0.1:{port}/")).code == "media_too_large"
    assert sum(taken) < 16 * 1024 * 1024  # what fits into the buffers between


# ---------------------------------------------------------------- the fetcher alone, whose names are a table


async def refused(fetch: Awaitable[bytes]) -> str:
    with pytest.raises(WhimbrelError) as caught:
        await fetch
    return caught.value.code


async def test_redirects_are_vetted_by_the_addresses_of_their_names(tmp_path: Path) -> None:
    names: dict[str, Any] = {
        "cdn.example": ["127.0.0.1"],
        "inner.example": ["10.0.0.1"],
        "both": ["127.0.0.1", "10.1.1.1"],
    }
    reach = Reach(["127.0.0.0/8"], plain_http=True)
    async with sink(answer_of("200 OK", body=PNG)) as last, client(reach, names) as http:
        fetcher = Fetcher(http, bytes_max=1000, timeout_s=60, at_once=2)
        for host, expected in (("inner.example", "invalid_media_url"), ("both", "invalid_media_url")):
            async with sink(answer_of("301 Moved", f"Location: http://{host}:{last.port}/x")) as first:
                assert await refused(fetcher.fetch(f"http://cdn.example:{first.port}/", reach)) == expected
        assert last.requests == []
        async with sink(answer_of("307 Moved", f"Location: //cdn.example:{last.port}/x.png")) as first:
            assert await fetcher.fetch(f"http://cdn.example:{first.port}/a/b", reach) == PNG
        assert last.requests[0][0].startswith(b"GET /x.png ")


async def test_a_name_that_changes_its_mind_leads_nowhere_else(tmp_path: Path) -> None:
    """DNS rebinding: what was vetted is what is connected to, in every look-up."""
    asked: list[str] = []

    class Fickle(dict[str, Any]):
        def __contains__(self, host: object) -> bool:
            return True

        def __getitem__(self, host: str) -> Any:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    reach = Reach(["127.0.0.0/8"], plain_http=True)
    async with sink(answer_of("200 OK", body=PNG)) as server, client(reach, Fickle()) as http:
        fetcher = Fetcher(http, bytes_max=1000, timeout_s=60, at_once=2)
        assert await fetcher.fetch(f"http://a.example:{server.port}/", reach) == PNG
        assert asked == ["a.example"]
        assert await refused(fetcher.fetch(f"http://b.example:{server.port}/", reach)) == "invalid_media_url"


async def test_time_and_places_are_bounded(tmp_path: Path) -> None:
    reach = Reach(["127.0.0.0/8"], plain_http=True)
    async with sink(b"") as silent, client(reach) as http:
        fetcher = Fetcher(http, bytes_max=1000, timeout_s=0, at_once=1)
        assert await refused(fetcher.fetch(f"http://127.0.0.1:{silent.port}/", reach)) == "media_not_fetched"


async def test_slow_servers_of_one_account_do_not_hold_up_what_another_sends() -> None:
    reach = Reach(["127.0.0.0/8"], plain_http=True)
    async with sink(b"") as silent, sink(answer_of("200 OK", body=PNG)) as quick, client(reach) as http:
        fetcher = Fetcher(http, bytes_max=1000, timeout_s=60, at_once=2)
        url = f"http://127.0.0.1:{silent.port}/"
        waiting = [asyncio.create_task(fetcher.fetch(url, reach, "AC1")) for _ in range(5)]
        await silent.asked.wait()
        assert await fetcher.fetch(f"http://127.0.0.1:{quick.port}/", reach, "AC2") == PNG
        assert silent.connections == 1
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
