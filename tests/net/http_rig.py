"""Servers for the HTTP client's tests, and a client whose names are resolved by a table. Loopback only."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from whimbrel.net.addresses import Reach
from whimbrel.net.http import HttpClient
from whimbrel.net.http_pool import Pool

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
    http._pool = Pool(keep_alive_s=60.0)  # a test may be held up for longer than a server keeps a connection
    await http.start()
    try:
        yield http
    finally:
        await http.stop()


def expire(http: HttpClient) -> None:
    """Time is up for the one call that is under way."""
    (deadline,) = http._deadlines._open
    http._deadlines.remove(deadline)
    deadline.expire()


def answer_of(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def certificate_for(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
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


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)


class Script:
    """A server whose connections each answer requests from a list of their own; the last list is for all that follow.
    After its list, and in place of an empty answer, a connection is closed."""

    def __init__(self, *connections: list[bytes]) -> None:
        self._lists = connections
        self.connections = 0
        self.requests = 0
        self.closed = asyncio.Event()  # the client has closed a connection

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = self._lists[min(self.connections, len(self._lists) - 1)]
        self.connections += 1
        try:
            for answer in answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().rpartition(b"content-length: ")[2].split(b"\r\n")[0] or b"0")
                await reader.readexactly(length)
                self.requests += 1
                if not answer:
                    return
                writer.write(answer)
                await writer.drain()
            if len(answers) > 1 and not answers[-1]:
                return
            await reader.read()
            self.closed.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()
        finally:
            writer.close()
