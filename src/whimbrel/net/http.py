"""Requests to addresses that customers name: webhooks, callbacks. Trouble of the network or of the other side is a
value, not an exception, and no request can be made to reach what it must not.

How a private network stays out of reach: a literal address is vetted before the call; a name is resolved here, every
answer is vetted (one bad answer refuses the name), and the connection is made to a vetted address, so that a name that
changes its mind between look-up and connection (DNS rebinding) changes nothing. Redirects are not followed, proxies of
the environment are not used, and a resolver's error is a refusal.

One connector is shared, so that connections to a busy endpoint are kept. Each call has a deadline of its own for all of
it (aiohttp rounds its total timeout up to whole seconds, and asyncio.timeout costs 10 µs).
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import Literal

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.hdrs import CONTENT_TYPE, RETRY_AFTER
from yarl import URL

from whimbrel.base.limits import RESPONSE_BODY_MAX, WEBHOOK_CONNECT_TIMEOUT_S
from whimbrel.net.addresses import Reach, UrlProblem
from whimbrel.net.deadlines import Deadlines

CONNECTIONS_MAX = 1000  # open at once; more wait within their deadline
KEEP_ALIVE_S = 4.5  # below the 5 s of Node and uvicorn: a connection that the server is closing is not used again
NAMES_KEPT_S = 10  # a vetted look-up is used so long
URLS_KEPT = 4096  # parsed and vetted once for an endpoint, not for each event
NAMES_AT_ONCE = 8  # look-ups block a thread each; a few that hang must not stop the others
_SKIPPED_HEADERS = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")

Reason = Literal[
    "bad_url",
    "address_refused",
    "name_not_found",
    "connect_failed",
    "connect_timeout",
    "tls_failed",
    "timeout",
    "connection_lost",
    "bad_answer",
]
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]


class Response(msgspec.Struct, frozen=True, gc=False):
    """An answer of any status. `body` is its start, at most RESPONSE_BODY_MAX octets, as sent (never decompressed)."""

    status: int
    body: bytes
    content_type: str
    retry_after_s: float | None
    latency_ms: int


class Failure(msgspec.Struct, frozen=True, gc=False):
    """No answer, and why; `detail` is for people to read."""

    reason: Reason
    latency_ms: int
    detail: str = ""


class RefusedAddressError(OSError):
    """A name or address that leads where requests must not go."""


class HttpClient:
    """The one way out over HTTP. Start it in the loop that uses it."""

    def __init__(
        self,
        reach: Reach,
        *,
        user_agent: str = "Whimbrel",
        tls: ssl.SSLContext | None = None,
        lookup: Lookup | None = None,
    ) -> None:
        """`lookup` gives the addresses of a name (host, port); the system's by default. `tls`: the context for https;
        the system's roots by default."""
        self._user_agent = user_agent
        self._tls = tls
        self._names = _Names(reach, lookup)
        self._deadlines = Deadlines()
        self._session: aiohttp.ClientSession | None = None
        self._vetted = lru_cache(maxsize=URLS_KEPT)(partial(_vet, reach))

    async def start(self) -> None:
        """Open the connector."""
        connector = aiohttp.TCPConnector(
            resolver=self._names,
            limit=CONNECTIONS_MAX,
            ttl_dns_cache=NAMES_KEPT_S,
            keepalive_timeout=KEEP_ALIVE_S,
            ssl=self._tls or True,
            happy_eyeballs_delay=None,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=WEBHOOK_CONNECT_TIMEOUT_S),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=_SKIPPED_HEADERS,
            headers={"User-Agent": self._user_agent},
        )

    async def stop(self) -> None:
        """Close all connections; calls under way fail."""
        if self._session is not None:
            await self._session.close()
        await self._names.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Response | Failure:
        """POST `body`; what came back within `timeout_s`, from the look-up to the last octet read."""
        return await self._request("POST", url, body, headers, timeout_s)

    async def get(self, url: str, headers: Mapping[str, str], *, timeout_s: float) -> Response | Failure:
        """GET, under the same rules."""
        return await self._request("GET", url, None, headers, timeout_s)

    async def _request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> Response | Failure:
        assert self._session is not None, "the client is not started"
        loop = asyncio.get_running_loop()
        started = loop.time()
        target = self._vetted(url)
        if isinstance(target, UrlProblem):
            return Failure(target.reason, 0, target.detail)
        try:
            with self._deadlines.within(timeout_s):
                async with self._session.request(
                    method, target, data=body, headers=headers, allow_redirects=False
                ) as response:
                    start = await _body(response)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Failure(_reason(error), _elapsed_ms(loop, started), _words(error))
        received = response.headers
        return Response(
            status=response.status,
            body=start,
            content_type=received.get(CONTENT_TYPE, ""),
            retry_after_s=_retry_after(received) if RETRY_AFTER in received else None,
            latency_ms=_elapsed_ms(loop, started),
        )


def _vet(reach: Reach, url: str) -> URL | UrlProblem:
    """The URL as aiohttp will read it, if it may be called. The host that it reads is vetted once more, so that no
    difference between two parsers opens a way."""
    problem = reach.url_problem(url)
    if problem is not None:
        return problem
    try:
        target = URL(url, encoded=True)  # sent as it was given: Twilio's signature is over the whole URL
    except ValueError:
        return UrlProblem("bad_url", "the URL cannot be read")
    host = target.raw_host or ""
    if (":" in host or host.replace(".", "").isdigit()) and not reach.allows(host):
        return UrlProblem("address_refused", "the address is not on the public internet")
    return target


class _Names(AbstractResolver):
    """Resolves names for the connector and lets only vetted addresses through."""

    def __init__(self, reach: Reach, lookup: Lookup | None) -> None:
        self._reach = reach
        self._lookup = lookup or self._ask_system
        self._threads = ThreadPoolExecutor(NAMES_AT_ONCE, "lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await self._lookup(host, port)
        if not addresses:
            raise OSError(None, "the name has no address")
        for address in addresses:
            if not self._reach.allows(address):
                raise RefusedAddressError(None, f"{host} has an address that is not on the public internet")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def _ask_system(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _getaddrinfo, host, port)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _getaddrinfo(host: str, port: int) -> list[tuple[object, object, object, str, tuple[object, ...]]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [(family, kind, proto, name, tuple(address)) for family, kind, proto, name, address in found]


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """The start of the body. A longer one is not read to the end, which costs its connection."""
    content = response.content
    chunk = await content.readany()
    if content.at_eof() and len(chunk) <= RESPONSE_BODY_MAX:
        return chunk
    chunks, size = [chunk], len(chunk)
    while size < RESPONSE_BODY_MAX and (chunk := await content.readany()):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)[:RESPONSE_BODY_MAX]


def _elapsed_ms(loop: asyncio.AbstractEventLoop, started: float) -> int:
    return int((loop.time() - started) * 1000)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """RFC 9110 10.2.3: seconds, or a date, which is measured against the server's own clock."""
    value = headers[RETRY_AFTER].strip()
    if value.isdigit() and value.isascii():
        return float(value)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _reason(error: Exception) -> Reason:
    causes: tuple[tuple[tuple[type[BaseException], ...], Reason], ...] = (
        ((aiohttp.ConnectionTimeoutError,), "connect_timeout"),
        ((TimeoutError,), "timeout"),
        ((aiohttp.ClientConnectorSSLError, aiohttp.ClientConnectorCertificateError, ssl.SSLError), "tls_failed"),
        ((aiohttp.ClientConnectorDNSError,), "name_not_found"),
        ((aiohttp.ClientConnectorError,), "connect_failed"),
        ((aiohttp.InvalidURL,), "bad_url"),
        ((aiohttp.ClientConnectionError, OSError), "connection_lost"),
    )
    if isinstance(error.__cause__, RefusedAddressError) or isinstance(error, RefusedAddressError):
        return "address_refused"
    return next((reason for kinds, reason in causes if isinstance(error, kinds)), "bad_answer")


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
