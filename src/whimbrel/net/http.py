"""Requests to addresses that customers name: webhooks, callbacks. Trouble of the network or of the other side is a
value, not an exception, and no request can be made to reach what it must not.

How a private network stays out of reach: a literal address is vetted before the call; a name is resolved here, every
answer is vetted (one bad answer refuses the name), and the connection is made to a vetted address, so that a name that
changes its mind between look-up and connection (DNS rebinding) changes nothing. Redirects are not followed, proxies of
the environment are not used, and a resolver's error is a refusal.

A URL is sent as it was given, and nothing that is given can add a header or a request: a line break or NUL in a URL or
header is refused. Answers are bounded (`net/http_answer.py`), and a connection is kept for the next call
(`net/http_pool.py`) only when the last one ended cleanly.

A server may close a kept connection at the very moment it is used. A request whose kept connection closed before any
octet of an answer came is therefore sent once more, at once, on a fresh connection; the first may have arrived as well,
so a request is made at least once, as webhooks are anyway.

Each call has one deadline for all of it (asyncio.timeout costs 10 µs), look-up and waiting for a place included. The
client is our own, because a call of aiohttp's costs five times as much.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Final
from urllib.parse import urlsplit

import msgspec

from whimbrel.net.addresses import Reach, UrlProblem
from whimbrel.net.deadlines import Deadline, Deadlines
from whimbrel.net.http_answer import Answer, NoAnswerError, Reason
from whimbrel.net.http_connection import Connection, Origin
from whimbrel.net.http_dial import Dialer
from whimbrel.net.http_pool import STOPPED, Pool
from whimbrel.net.names import Lookup, Names, is_literal

URLS_KEPT: Final = 4096  # parsed and vetted once for an endpoint, not for each event
_DETAIL_MAX: Final = 200  # characters
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch  # RFC 9110 5.6.2
# What this client says itself, or does not speak.
_OURS = frozenset({"host", "user-agent", "content-length", "transfer-encoding", "connection", "upgrade", "expect"})


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


class _Target(msgspec.Struct, frozen=True, gc=False):
    """A URL that may be called: whom to ask, and how a request to it begins after its method."""

    origin: Origin
    head: str  # three lines


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
        self._tls = tls
        self._names = Names(reach, lookup)
        self._deadlines = Deadlines()
        self._pool = Pool()
        self._dialer: Dialer | None = None
        self._opening: set[Deadline] = set()  # of the calls that wait for a connection to be opened
        self._vetted = lru_cache(maxsize=URLS_KEPT)(partial(_vet, reach, user_agent))

    async def start(self) -> None:
        """Get ready; nothing is opened before the first call."""
        self._dialer = Dialer(self._names, self._tls)
        self._pool.start()

    async def stop(self) -> None:
        """Close all connections; calls under way fail."""
        self._pool.stop()
        for deadline in self._opening:
            self._deadlines.remove(deadline)
            deadline.expire()
        self._opening.clear()
        self._names.close()
        await asyncio.sleep(0)  # transports close in the next turn

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Response | Failure:
        """POST `body`; what came back within `timeout_s`, from the look-up to the last octet read."""
        return await self._request("POST ", url, body, headers, timeout_s)

    async def get(self, url: str, headers: Mapping[str, str], *, timeout_s: float) -> Response | Failure:
        """GET, under the same rules."""
        return await self._request("GET ", url, None, headers, timeout_s)

    async def _request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> Response | Failure:
        assert self._dialer is not None, "the client is not started"
        loop = asyncio.get_running_loop()
        started = loop.time()
        target = self._vetted(url)
        if isinstance(target, UrlProblem):
            return Failure(target.reason, 0, target.detail)
        deadline = self._deadlines.within(timeout_s)
        try:
            request = _written(method, target, headers, body)
            with deadline:
                answer = await self._ask(target.origin, request, deadline, started)
        except NoAnswerError as error:
            return Failure(error.reason, _elapsed_ms(loop, started), error.detail[:_DETAIL_MAX])
        except TimeoutError:
            if self._pool.is_stopped:
                return Failure("connection_lost", _elapsed_ms(loop, started), STOPPED)
            return Failure("timeout", _elapsed_ms(loop, started), "no answer in time")
        return Response(
            answer.status, answer.body, answer.content_type, answer.retry_after_s, _elapsed_ms(loop, started)
        )

    async def _ask(self, origin: Origin, request: bytes, deadline: Deadline, now_s: float) -> Answer:
        kept = self._pool.take(origin, now_s) or await self._pool.place(origin)
        if kept is not None:
            try:
                return await self._exchange(kept, request)
            except NoAnswerError:
                if kept.was_heard:
                    raise
            await self._pool.place(None)
        return await self._exchange(await self._opened(origin, deadline), request)

    async def _exchange(self, connection: Connection, request: bytes) -> Answer:
        try:
            return await connection.exchange(request)
        finally:
            self._pool.give(connection, asyncio.get_running_loop().time())

    async def _opened(self, origin: Origin, deadline: Deadline) -> Connection:
        """A new connection in a place that the pool gave."""
        self._opening.add(deadline)
        try:
            if self._dialer is None or self._pool.is_stopped:
                raise NoAnswerError("connection_lost", STOPPED)
            connection = await self._dialer.open(origin, self._pool.forget)
        except BaseException:
            self._pool.leave()
            raise
        finally:
            self._opening.discard(deadline)
        self._pool.add(connection)
        return connection


def _vet(reach: Reach, user_agent: str, url: str) -> _Target | UrlProblem:
    """The URL as it will be called, if it may be. What is read here is vetted once more, so that no difference between
    two readings opens a way."""
    problem = reach.url_problem(url)
    if problem is not None:
        return problem
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return UrlProblem("bad_url", "the URL cannot be read")
    default = _DEFAULT_PORTS.get(parts.scheme)
    if default is None or not host or "@" in parts.netloc or not url.isascii() or not url.isprintable() or " " in url:
        return UrlProblem("bad_url", "the URL cannot be called")
    if is_literal(host) and not reach.allows(host):
        return UrlProblem("address_refused", "the address is not on the public internet")
    # Sent as it was given: Twilio's signature is over the whole URL.
    path = url[len(parts.scheme) + len("://") + len(parts.netloc) :].partition("#")[0]
    name = f"[{host}]" if ":" in host else host.rstrip(".")
    if port is not None and port != default:
        name = f"{name}:{port}"
    start = path if path.startswith("/") else f"/{path}"
    head = f"{start} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: {user_agent}\r\n"
    return _Target(Origin(parts.scheme == "https", host, port or default), head)


def _written(method: str, target: _Target, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """A whole request. NoAnswerError: a header is none, or holds what would end it early."""
    lines = [method, target.head]
    for name, value in headers.items():
        if not _may_be_given(name):
            raise NoAnswerError("bad_url", f"a header may not be named {name!r}")
        lines.append(f"{name}: {value}\r\n")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}\r\n")
    head = "".join(lines)
    ends = len(lines) + 1  # the target has three lines, the method none
    if head.count("\n") != ends or head.count("\r") != ends or "\0" in head:
        raise NoAnswerError("bad_url", "a header holds a line break or NUL")
    try:
        return b"%b\r\n%b" % (head.encode(), body or b"")
    except UnicodeEncodeError:
        raise NoAnswerError("bad_url", "a header holds what is no character") from None


@lru_cache(maxsize=256)
def _may_be_given(name: str) -> bool:
    return _TOKEN(name) is not None and name.lower() not in _OURS


def _elapsed_ms(loop: asyncio.AbstractEventLoop, started: float) -> int:
    return round((loop.time() - started) * 1000)
