"""The HTTP client against servers that behave and servers that do not. Loopback only; names are resolved by a table."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from whimbrel.base.limits import RESPONSE_BODY_MAX
from whimbrel.net.addresses import Reach
from whimbrel.net.http import Failure, HttpClient, Response

LOOPBACK = Reach(["127.0.0.0/8"], plain_http=True)
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Sink:
    """A server that answers each request with `answer` and keeps what it got. Empty: it never answers."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[tuple[bytes, bytes]] = []
        self.connections = 0
        self.port = 0
        self.asked = asyncio.Event()
        self.done = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length")
                    ),
                    0,
                )
                self.requests.append((head, await reader.readexactly(length)))
                self.asked.set()
                if not self.answer:
                    await self.done.wait()
                    return
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def sink(answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n") -> AsyncIterator[Sink]:
    one = Sink(answer)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        one.done.set()
        server.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def client(reach: Reach = LOOPBACK, names: dict[str, Sequence[str]] | None = None) -> AsyncIterator[HttpClient]:
    async def lookup(host: str, _port: int) -> Sequence[str]:
        if names is None or host not in names:
            raise OSError(None, "no such name")
        return names[host]

    http = HttpClient(reach, lookup=lookup)
    await http.start()
    try:
        yield http
    finally:
        await http.stop()


def _answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def test_a_post_arrives_as_it_was_given_and_nothing_is_added_but_who_asks() -> None:
    async with sink(_answer("200 OK", "Content-Type: text/plain", body=b"thanks")) as server, client() as http:
        url = f"http://127.0.0.1:{server.port}/a%7Eb/%2f/../hook?x=%41+y&z=[1]#rc=3"
        answer = await http.post(
            url, b'{"a":1}', {"content-type": "application/json", "webhook-id": "EV1"}, timeout_s=5
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
            assert isinstance(await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=5), Response)
    assert server.connections == 1
    assert len(server.requests) == 5


async def test_get() -> None:
    async with sink(_answer("404 Not Found")) as server, client() as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}/", {"x-a": "b"}, timeout_s=5)
    assert isinstance(answer, Response)
    assert answer.status == 404
    assert server.requests[0][0].startswith(b"GET / HTTP/1.1\r\n")


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with sink() as inner:
        location = f"Location: http://127.0.0.1:{inner.port}/"
        async with sink(_answer("302 Found", location)) as server, client() as http:
            answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=5)
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
    async with sink(_answer("429 Too Many Requests", *headers)) as server, client() as http:
        answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=5)
    assert isinstance(answer, Response)
    assert answer.retry_after_s == expected


async def test_the_start_of_a_giant_body_is_kept_and_its_connection_dropped() -> None:
    async with sink(_answer("200 OK", body=b"z" * (4 * RESPONSE_BODY_MAX))) as server, client() as http:
        first = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=5)
        second = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=5)
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

    async with _server(endless) as port, client() as http:
        answer = await http.post(f"http://127.0.0.1:{port}/", b"x", {}, timeout_s=5)
    assert isinstance(answer, Response)
    assert len(answer.body) == RESPONSE_BODY_MAX


async def test_compressed_bodies_stay_compressed() -> None:
    async with (
        sink(_answer("200 OK", "Content-Encoding: gzip", body=b"\x1f\x8bnot really")) as server,
        client() as http,
    ):
        answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=5)
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
    assert 0.2 <= took < 2
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

    async with _server(drip) as port, client() as http:
        answer = await http.post(f"http://127.0.0.1:{port}/", b"x", {}, timeout_s=0.2)
    assert isinstance(answer, Failure)
    assert answer.reason == "timeout"


async def test_being_cancelled_is_not_a_timeout() -> None:
    async with sink(b"") as server, client() as http:
        task = asyncio.ensure_future(http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=30))
        async with asyncio.timeout(5):
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

    async with _server(broken) as port, client() as http:
        answer = await http.post(f"http://127.0.0.1:{port}/", b"", {}, timeout_s=5)
    assert isinstance(answer, Failure)
    assert answer.reason == reason


async def test_nobody_listens() -> None:
    async with sink() as server:
        port = server.port
    async with client() as http:
        answer = await http.post(f"http://127.0.0.1:{port}/", b"x", {}, timeout_s=5)
    assert isinstance(answer, Failure)
    assert answer.reason == "connect_failed"


async def test_tls_with_a_server_that_has_none() -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        writer.close()

    async with _server(plain) as port, client() as http:
        answer = await http.post(f"https://127.0.0.1:{port}/", b"x", {}, timeout_s=5)
    assert isinstance(answer, Failure)
    assert answer.reason == "tls_failed"


@pytest.mark.parametrize(("name", "reason"), [("hooks.example", None), ("other.example", "tls_failed")])
async def test_the_certificate_must_be_of_the_name_though_the_address_is_pinned(
    name: str, reason: str | None, tmp_path: Path
) -> None:
    serving, trusting = _certificate_for("hooks.example", tmp_path)
    one = Sink(b"HTTP/1.1 204 No Content\r\n\r\n")
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]
    http = HttpClient(LOOPBACK, tls=trusting, lookup=lambda _host, _port: _soon(["127.0.0.1"]))
    await http.start()
    answer = await http.post(f"https://{name}:{port}/", b"x", {}, timeout_s=5)
    await http.stop()
    server.close()
    assert isinstance(answer, Failure if reason else Response)
    assert getattr(answer, "reason", None) == reason


async def _soon(addresses: list[str]) -> list[str]:
    return addresses


def _certificate_for(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate of its own making, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(private + pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    return serving, ssl.create_default_context(cadata=pem.decode())


async def test_a_bad_url_or_address_is_never_called() -> None:
    async with sink() as server, client(Reach()) as http:
        refused = await http.post(f"https://[::ffff:127.0.0.1]:{server.port}/", b"x", {}, timeout_s=5)
        bad = await http.post("gopher://example.com/", b"x", {}, timeout_s=5)
    assert isinstance(refused, Failure)
    assert refused.reason == "address_refused"
    assert isinstance(bad, Failure)
    assert bad.reason == "bad_url"
    assert server.connections == 0


class _Credulous(Reach):
    """Sees nothing wrong with any URL, as a parser that reads another host than aiohttp does."""

    def url_problem(self, url: str) -> None:
        return None


@pytest.mark.parametrize("url", ["http://127.0.0.1:9999/", "http://127.1:9999/", "http://[::1]:9999/"])
async def test_the_host_that_the_client_itself_reads_is_vetted_too(url: str) -> None:
    async with client(_Credulous()) as http:
        answer = await http.post(url, b"x", {}, timeout_s=5)
    assert isinstance(answer, Failure)
    assert answer.reason == "address_refused"


async def test_a_name_is_connected_to_at_the_address_that_was_vetted() -> None:
    async with sink() as server, client(names={"hooks.example": ["127.0.0.1"]}) as http:
        answer = await http.post(f"http://hooks.example:{server.port}/", b"x", {}, timeout_s=5)
    assert isinstance(answer, Response)
    assert b"Host: hooks.example:" in server.requests[0][0]


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["::ffff:169.254.169.254"], ["fe80::1%eth0"], ["garbage"]],
)
async def test_a_name_with_one_bad_address_is_refused(addresses: list[str]) -> None:
    async with client(Reach(plain_http=True), {"rebind.example": addresses}) as http:
        answer = await http.post("http://rebind.example:9999/", b"x", {}, timeout_s=5)
    assert isinstance(answer, Failure)
    assert answer.reason == "address_refused"


@pytest.mark.parametrize("names", [{}, {"gone.example": []}])
async def test_a_name_that_does_not_resolve_is_refused(names: dict[str, Sequence[str]]) -> None:
    async with client(Reach(), names) as http:
        answer = await http.post("https://gone.example/", b"x", {}, timeout_s=5)
    assert isinstance(answer, Failure)
    assert answer.reason == "name_not_found"


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with sink() as proxy, sink() as server, client() as http:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        answer = await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=5)
    assert isinstance(answer, Response)
    assert proxy.connections == 0


async def test_a_client_that_never_started_stops() -> None:
    await HttpClient(LOOPBACK).stop()


async def test_cookies_are_not_kept() -> None:
    async with sink(_answer("200 OK", "Set-Cookie: a=b")) as server, client() as http:
        for _ in range(2):
            await http.post(f"http://127.0.0.1:{server.port}/", b"x", {}, timeout_s=5)
    assert all(b"cookie" not in head.lower() for head, _ in server.requests)


async def test_the_system_resolver_is_vetted_too() -> None:
    http = HttpClient(Reach(plain_http=True))
    await http.start()
    try:
        answer = await http.post("http://0x7f.1:9999/", b"x", {}, timeout_s=5)
    finally:
        await http.stop()
    assert isinstance(answer, Failure)
    assert answer.reason in ("address_refused", "name_not_found")  # libc may or may not read hexadecimal


@asynccontextmanager
async def _server(handler: Handler) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)
