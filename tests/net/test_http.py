"""The HTTP client against servers that behave and servers that do not. Loopback only; names are resolved by a table."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.servers import ended
from whimbrel.base.limits import RESPONSE_BODY_MAX
from whimbrel.net.addresses import Reach, UrlProblem
from whimbrel.net.http import Failure, HttpClient, Response, _vet

from .http_rig import LOOPBACK, Sink, answer_of, certificate_for, client, serving, sink


async def test_a_post_arrives_as_it_was_given_and_nothing_is_added_but_who_asks() -> None:
    async with sink(answer_of("200 OK", "Content-Type: text/plain", body=b"thanks")) as server, client() as http:
        url = f"http://127.0.0.1:{server.port}/a%7Eb/%2f/../hook?x=%41+y&z=[1]#rc=3"
        answer = await http.post(
            url, b'{"a":1}', {"content-type": "application/json", "webhook-id": "EV1"}, timeout_s=30
        )
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, answer.content_type) == (200, b"thanks", "text/plain")
    ((head, body),) = server.requests
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /a%7Eb/%2f/../hook?x=%41+y&z=[1] HTTP/1.1"
    names = {line.partition(":")[0].lower() for line in lines[1:] if line}
    assert names == {"host", "user-agent", "content-type", "content-length", "webhook-id"}
    assert body == b'{"a":1}'


async def test_a_connection_is_kept_for_the_next_call() -> None:
    async with sink() as server, client() as http:
        for _ in range(5):
            assert isinstance(await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30), Response)
    assert server.connections == 1
    assert len(server.requests) == 5


async def test_get() -> None:
    async with sink(answer_of("404 Not Found")) as server, client() as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}/", {"x-a": "b"}, timeout_s=30)
    assert isinstance(answer, Response)
    assert answer.status == 404
    assert server.requests[0][0].startswith(b"GET / HTTP/1.1\r\n")


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with sink() as inner:
        location = f"Location: http://127.0.0.1:{inner.port}/"
        async with sink(answer_of("302 Found", location)) as server, client() as http:
            answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30)
    assert isinstance(answer, Response)
    assert answer.status == 302
    assert inner.requests == []


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (("Retry-After: 120",), 120.0),
        (("Retry-After: Wed, 21 Oct 2015 07:28:30 GMT", "Date: Wed, 21 Oct 2015 07:28:00 GMT"), 30.0),
        (("Retry-After: Wed, 21 Oct 2015 07:27:00 GMT", "Date: Wed, 21 Oct 2015 07:28:00 GMT"), 0.0),
        (("Retry-After: Wed, 21 Oct 2015 07:28:30 GMT",), None),  # no clock to measure it against
        (("Retry-After: soon",), None),
        (("Retry-After: -5",), None),
        ((), None),
    ],
)
async def test_retry_after(headers: tuple[str, ...], expected: float | None) -> None:
    async with sink(answer_of("429 Too Many Requests", *headers)) as server, client() as http:
        answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30)
    assert isinstance(answer, Response)
    assert answer.retry_after_s == expected


async def test_the_start_of_a_giant_body_is_kept_and_its_connection_dropped() -> None:
    async with sink(answer_of("200 OK", body=b"z" * (4 * RESPONSE_BODY_MAX))) as server, client() as http:
        first = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30)
        second = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30)
    assert isinstance(first, Response)
    assert first.body == b"z" * RESPONSE_BODY_MAX
    assert isinstance(second, Response)
    assert server.connections == 2


async def test_an_endless_body_ends_at_the_limit() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"1000\r\n" + b"e" * 4096 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            writer.close()

    async with serving(endless) as port, client() as http:
        answer = await http.post(f"http://127.0.0.1:{port}/", b"x", {}, timeout_s=30)
    assert isinstance(answer, Response)
    assert len(answer.body) == RESPONSE_BODY_MAX


async def test_compressed_bodies_stay_compressed() -> None:
    async with (
        sink(answer_of("200 OK", "Content-Encoding: gzip", body=b"\x1f\x8bnot really")) as server,
        client() as http,
    ):
        answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30)
    assert isinstance(answer, Response)
    assert answer.body == b"\x1f\x8bnot really"


async def test_silence_ends_at_the_deadline() -> None:
    loop = asyncio.get_running_loop()
    async with sink(b"") as server, client() as http:
        started = loop.time()
        answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=0.2)
        took = loop.time() - started
    assert isinstance(answer, Failure)
    assert answer.reason == "timeout"
    assert 0.2 <= round(took, 3) < 20  # uvloop counts in milliseconds, and a deadline may hit the very one
    assert answer.latency_ms >= 200


async def test_a_body_that_drips_ends_at_the_deadline() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b".")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with serving(drip) as port, client() as http:
        answer = await http.post(f"http://127.0.0.1:{port}/", b"x", {}, timeout_s=0.2)
    assert isinstance(answer, Failure)
    assert answer.reason == "timeout"


async def test_being_cancelled_is_not_a_timeout() -> None:
    async with sink(b"") as server, client() as http:
        task = asyncio.ensure_future(http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30))
        async with asyncio.timeout(30):
            await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_deadline_round_the_call_keeps_its_meaning() -> None:
    async with sink(b"") as server, client() as http:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30)
        async with asyncio.timeout(30):
            answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=0.1)
    assert isinstance(answer, Failure)


BROKEN: dict[str, tuple[bytes, str]] = {
    "no HTTP": (b"hello\r\n\r\n", "bad_answer"),
    "cut": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc", "bad_answer"),
    "nothing": (b"", "connection_lost"),
    "giant header": (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", "bad_answer"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_answers_are_failures_not_exceptions(name: str) -> None:
    octets, reason = BROKEN[name]

    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(octets)
        writer.close()

    async with serving(broken) as port, client() as http:
        answer = await http.post(f"http://127.0.0.1:{port}/", b"", {}, timeout_s=30)
    assert isinstance(answer, Failure)
    assert answer.reason == reason


async def test_nobody_listens() -> None:
    async with sink() as server:
        port = server.port
    async with client() as http:
        answer = await http.post(f"http://127.0.0.1:{port}/", b"x", {}, timeout_s=30)
    assert isinstance(answer, Failure)
    assert answer.reason == "connect_failed"


async def test_tls_with_a_server_that_has_none() -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        writer.close()

    async with serving(plain) as port, client() as http:
        answer = await http.post(f"https://127.0.0.1:{port}/", b"x", {}, timeout_s=30)
    assert isinstance(answer, Failure)
    assert answer.reason == "tls_failed"


@pytest.mark.parametrize(("name", "reason"), [("hooks.example", None), ("other.example", "tls_failed")])
async def test_the_certificate_must_be_of_the_name_though_the_address_is_pinned(
    name: str, reason: str | None, tmp_path: Path
) -> None:
    own_tls, trusting = certificate_for("hooks.example", tmp_path)
    one = Sink(b"HTTP/1.1 204 No Content\r\n\r\n")
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=own_tls)
    port = server.sockets[0].getsockname()[1]
    http = HttpClient(LOOPBACK, tls=trusting, lookup=lambda _host, _port: _soon(["127.0.0.1"]))
    await http.start()
    answer = await http.post(f"https://{name}:{port}/", b"x", {}, timeout_s=30)
    await http.stop()
    await ended(server)
    assert isinstance(answer, Failure if reason else Response)
    assert getattr(answer, "reason", None) == reason


async def _soon(addresses: list[str]) -> list[str]:
    return addresses


async def test_a_bad_url_or_address_is_never_called() -> None:
    async with sink() as server, client(Reach()) as http:
        refused = await http.post(f"https://[::ffff:127.0.0.1]:{server.port}/", b"x", {}, timeout_s=30)
        bad = await http.post("gopher://example.com/", b"x", {}, timeout_s=30)
    assert isinstance(refused, Failure)
    assert refused.reason == "address_refused"
    assert isinstance(bad, Failure)
    assert bad.reason == "bad_url"
    assert server.connections == 0


class _Credulous(Reach):
    """Sees nothing wrong with any URL, as a parser that reads another host than the client does."""

    def url_problem(self, url: str) -> None:
        return None


@pytest.mark.parametrize("url", ["http://127.0.0.1:9999/", "http://127.1:9999/", "http://[::1]:9999/"])
async def test_the_host_that_the_client_itself_reads_is_vetted_too(url: str) -> None:
    async with client(_Credulous()) as http:
        answer = await http.post(url, b"x", {}, timeout_s=30)
    assert isinstance(answer, Failure)
    assert answer.reason == "address_refused"
    seen = _vet(_Credulous(), "Whimbrel", url)
    assert isinstance(seen, UrlProblem)  # before the call
    assert seen.reason == "address_refused"


async def test_a_name_is_connected_to_at_the_address_that_was_vetted() -> None:
    async with sink() as server, client(names={"hooks.example": ["127.0.0.1"]}) as http:
        answer = await http.post(f"http://hooks.example:{server.port}/", b"x", {}, timeout_s=30)
    assert isinstance(answer, Response)
    assert b"Host: hooks.example:" in server.requests[0][0]


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["::ffff:169.254.169.254"], ["fe80::1%eth0"], ["garbage"]],
)
async def test_a_name_with_one_bad_address_is_refused(addresses: list[str]) -> None:
    async with client(Reach(plain_http=True), {"rebind.example": addresses}) as http:
        answer = await http.post("http://rebind.example:9999/", b"x", {}, timeout_s=30)
    assert isinstance(answer, Failure)
    assert answer.reason == "address_refused"


@pytest.mark.parametrize("names", [{}, {"gone.example": []}])
async def test_a_name_that_does_not_resolve_is_refused(names: dict[str, Sequence[str]]) -> None:
    async with client(Reach(), names) as http:
        answer = await http.post("https://gone.example/", b"x", {}, timeout_s=30)
    assert isinstance(answer, Failure)
    assert answer.reason == "name_not_found"


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with sink() as proxy, sink() as server, client() as http:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30)
    assert isinstance(answer, Response)
    assert proxy.connections == 0


async def test_a_client_that_never_started_stops() -> None:
    await HttpClient(LOOPBACK).stop()


async def test_cookies_are_not_kept() -> None:
    async with sink(answer_of("200 OK", "Set-Cookie: a=b")) as server, client() as http:
        for _ in range(2):
            await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30)
    assert all(b"cookie" not in head.lower() for head, _ in server.requests)


async def test_the_system_resolver_is_vetted_too() -> None:
    http = HttpClient(Reach(plain_http=True))
    await http.start()
    try:
        answer = await http.post("http://0x7f.1:9999/", b"x", {}, timeout_s=30)
    finally:
        await http.stop()
    assert isinstance(answer, Failure)
    assert answer.reason in ("address_refused", "name_not_found")  # libc may or may not read hexadecimal


@pytest.mark.parametrize(
    ("url", "line", "host"),
    [
        ("http://example.com", "/", "example.com"),
        ("http://example.com/", "/", "example.com"),
        ("http://example.com:80/a", "/a", "example.com"),
        ("https://example.com:443/a?", "/a?", "example.com"),
        ("https://example.com:80/", "/", "example.com:80"),
        ("HTTPS://Example.COM:8443?q=/a#b?c", "/?q=/a", "example.com:8443"),
        ("http://example.com/%7e/../a;b=c//d?x=%41+y&z=[1]?#f#g", "/%7e/../a;b=c//d?x=%41+y&z=[1]?", "example.com"),
        ("https://example.com#f", "/", "example.com"),
        ("https://example.com./a", "/a", "example.com"),
        ("https://[2606:2800:220:1:248:1893:25c8:1946]/", "/", "[2606:2800:220:1:248:1893:25c8:1946]"),
        ("https://[2606:2800:220:1::1946]:8443/a@b", "/a@b", "[2606:2800:220:1::1946]:8443"),
        ("https://xn--mller-kva.example/", "/", "xn--mller-kva.example"),
    ],
)
def test_a_url_is_sent_as_it_was_given_without_its_fragment(url: str, line: str, host: str) -> None:
    target = _vet(Reach(plain_http=True), "Whimbrel", url)
    assert not isinstance(target, UrlProblem), target
    assert target.head == f"{line} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Whimbrel\r\n"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/ HTTP/1.1\r\nX: y",
        "http://127.0.0.1:{port}/\r\nX: y",
        "http://127.0.0.1:{port}/\nX: y",
        "http://127.0.0.1:{port}/\0",
        "http://127.0.0.1:{port}/\t",
        "http://127.0.0.1\r\nX: y\r\n:{port}/",
        " http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/ä",
        "http://127.0.0.1:{port}/\u010a\u010d",  # low octets CR and LF
        "http://me:secret@127.0.0.1:{port}/",
        "http://@127.0.0.1:{port}/",
        "http://example.com\\@127.0.0.1:{port}/",
        "http:/127.0.0.1:{port}/",
        "http://127.0.0.1:{port}0000/",
        "http://[127.0.0.1:{port}/",
        "ftp://127.0.0.1:{port}/",
    ],
)
@pytest.mark.parametrize("reach", [LOOPBACK, _Credulous(["127.0.0.0/8"])])
async def test_a_url_that_would_say_more_than_an_address_is_refused(url: str, reach: Reach) -> None:
    async with sink() as server, client(reach) as http:
        answer = await http.post(url.replace("{port}", str(server.port)), b"x", {}, timeout_s=30)
    assert isinstance(answer, Failure)
    assert answer.reason == "bad_url"
    assert server.connections == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-a", "b\r\nX-Evil: 1"),
        ("x-a", "b\nX-Evil: 1"),
        ("x-a", "b\rX-Evil: 1"),
        ("x-a", "\r\n\r\nPOST /evil HTTP/1.1\r\n"),
        ("x-a", "b\r\n"),
        ("x-a", "b\0c"),
        ("x-a", "\ud800"),
        ("x-a\r\nX-Evil", "1"),
        ("x-a\n", "1"),
        ("x-a\0", "1"),
        ("x-a: b", "1"),
        ("x a", "1"),
        ("", "1"),
        ("xä", "1"),
        ("Transfer-Encoding", "chunked"),
        ("content-length", "0"),
        ("HOST", "other.example"),
        ("connection", "close"),
    ],
)
async def test_no_header_can_end_early_or_change_what_the_client_says(name: str, value: str) -> None:
    async with sink() as server, client() as http:
        answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {name: value}, timeout_s=30)
        asked = await http.get(f"http://127.0.0.1:{server.port}/", {name: value}, timeout_s=30)
    for one in (answer, asked):
        assert isinstance(one, Failure)
        assert one.reason == "bad_url"
    assert server.connections == 0


async def test_letters_beyond_ascii_in_a_header_hide_no_line_break() -> None:
    async with sink() as server, client() as http:
        answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {"x-a": "\u010d\u010aäb"}, timeout_s=30)
    assert isinstance(answer, Response)
    ((head, _),) = server.requests
    assert "x-a: \u010d\u010aäb".encode() in head.split(b"\r\n")


@pytest.mark.parametrize("name", ["User-Agent", "user-agent"])
async def test_who_asks_may_be_said_by_the_caller_and_is_said_once(name: str) -> None:
    async with sink() as server, client() as http:
        await http.post(f"http://127.0.0.1:{server.port}/", b"x", {name: "Curlew/2", "x-a": "b"}, timeout_s=30)
        await http.get(f"http://127.0.0.1:{server.port}/", {"x-a": "b"}, timeout_s=30)
        refused = await http.get(f"http://127.0.0.1:{server.port}/", {name: "a\r\nX-Evil: 1"}, timeout_s=30)
    said = [[line for line in head.split(b"\r\n") if b"agent" in line.lower()] for head, _ in server.requests]
    assert said == [[f"{name}: Curlew/2".encode()], [b"User-Agent: Whimbrel"]]
    assert isinstance(refused, Failure)
    assert refused.reason == "bad_url"


async def test_a_user_agent_cannot_end_early_either() -> None:
    http = HttpClient(LOOPBACK, user_agent="a\r\nX-Evil: 1")
    await http.start()
    async with sink() as server:
        answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30)
    await http.stop()
    assert isinstance(answer, Failure)
    assert server.connections == 0


async def test_a_look_up_that_hangs_ends_at_the_deadline() -> None:
    async def hang(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    http = HttpClient(LOOPBACK, lookup=hang)
    await http.start()
    answer = await http.post("https://a.example/", b"x", {}, timeout_s=0.1)
    assert http._pool.places_taken == 0
    await http.stop()
    assert isinstance(answer, Failure)
    assert answer.reason == "timeout"
