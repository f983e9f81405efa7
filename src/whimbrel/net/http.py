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
so a request is made at least once, as webhooks are anyway. Who must not be heard twice asks with `once`: then no
request is made again of which an octet may have left, and a Failure says whether one may (`was_sent`).

Each call has one deadline for all of it (asyncio.timeout costs 10 µs), look-up and waiting for a place included. On a
kept connection, the way of nearly all calls, it is the connection that is watched, and no task needs to be interrupted.
The client is our own, because a call of aiohttp's costs five times as much.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Final, NewType
from urllib.parse import urlsplit

import msgspec

from whimbrel.base.limits import RESPONSE_BODY_MAX
from whimbrel.net.addresses import Reach, UrlProblem
from whimbrel.net.deadlines import Deadline, Deadlines
from whimbrel.net.http_answer import Answer, NoAnswerError, Reason
from whimbrel.net.http_connection import Connection, NoAnswer, Origin
from whimbrel.net.http_dial import Dialer, Tls
from whimbrel.net.http_pool import STOPPED, Pool
from whimbrel.net.names import Lookup, Names, is_literal

URLS_KEPT: Final = 4096  # parsed and vetted once for an endpoint, not for each event
_DETAIL_MAX: Final = 200  # characters
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch  # RFC 9110 5.6.2
# What this client says itself, or does not speak. Who asks may be said by the caller in its place.
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"})
_AGENT = "user-agent"

HeaderLines = NewType("HeaderLines", str)
"""Headers as they are sent, each with its CRLF, made by the caller of nothing but its own words, numbers and ids. What
anybody else has a say in comes as a mapping, which is checked."""
Headers = Mapping[str, str] | HeaderLines
Done = Callable[["Response | Failure"], None]


class Response(msgspec.Struct, frozen=True, gc=False):
    """An answer of any status. `body` is its start, at most RESPONSE_BODY_MAX octets unless the caller asked for more,
    as sent (never decompressed). `location`: where a redirect leads, which is for the caller to follow."""

    status: int
    body: bytes
    content_type: str
    retry_after_s: float | None
    latency_ms: int
    location: str = ""


class Failure(msgspec.Struct, frozen=True, gc=False):
    """No answer, and why; `detail` is for people to read."""

    reason: Reason
    latency_ms: int
    detail: str = ""
    was_sent: bool = False  # octets of the request may have left


class _Target(msgspec.Struct, frozen=True, gc=False):
    """A URL that may be called: whom to ask, and how a request to it begins after its method."""

    origin: Origin
    head: str  # three lines
    bare: str  # the first two, without who asks


class _Request(msgspec.Struct, frozen=True, gc=False):
    """A request as it is sent, and its time by the loop's clock."""

    origin: Origin
    octets: bytes
    started: float
    until: float
    body_max: int = RESPONSE_BODY_MAX
    once: bool = False  # not again after an octet of it may have left


class _Course:
    """How far a call has come."""

    __slots__ = ("was_sent",)

    def __init__(self) -> None:
        self.was_sent = False


class HttpClient:
    """The one way out over HTTP. Start it in the loop that uses it."""

    def __init__(
        self,
        reach: Reach,
        *,
        user_agent: str = "Whimbrel",
        tls: Tls | None = None,
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
        self._tasks: set[asyncio.Task[None]] = set()  # of what was begun and found no connection
        self._vetted = lru_cache(maxsize=URLS_KEPT)(partial(_vet, reach, user_agent))

    async def start(self) -> None:
        """Get ready; nothing is opened before the first call."""
        self.ready()

    def ready(self) -> None:
        """The same for who cannot wait; in the loop that uses it."""
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

    async def post(self, url: str, body: bytes, headers: Headers, *, timeout_s: float) -> Response | Failure:
        """POST `body`; what came back within `timeout_s`, from the look-up to the last octet read."""
        return await self._call(self._request(url, body, headers, timeout_s))

    async def ask_once(self, url: str, body: bytes | None, headers: Headers, *, timeout_s: float) -> Response | Failure:
        """POST `body`, or GET where there is none, at most once."""
        return await self._call(self._request(url, body, headers, timeout_s, once=True))

    async def get(
        self, url: str, headers: Headers, *, timeout_s: float, body_max: int = RESPONSE_BODY_MAX
    ) -> Response | Failure:
        """GET, under the same rules. Of a longer body `body_max` octets come, and the rest is not read."""
        request = self._request(url, None, headers, timeout_s)
        if isinstance(request, _Request) and body_max != RESPONSE_BODY_MAX:
            request = msgspec.structs.replace(request, body_max=body_max)
        return await self._call(request)

    async def look(self, url: str, *, timeout_s: float) -> Failure | None:
        """Open a connection, which the next request may use, and ask nothing; why there is none."""
        request = self._request(url, None, HeaderLines(""), timeout_s)
        if isinstance(request, Failure):
            return request
        deadline = self._deadlines.until(request.until)
        try:
            with deadline:
                await self._pool.place(None)
                self._pool.give(await self._opened(request.origin, deadline), _now_s())
        except (NoAnswerError, TimeoutError) as error:
            return self._failure(request, error, was_sent=False)
        return None

    def begin(
        self,
        url: str,
        body: bytes | None,
        headers: Headers,
        *,
        timeout_s: float,
        done: Done,
        once: bool = False,
    ) -> None:
        """`post` for one who does not wait (`get`, where there is no body): `done` is told the end, never before this
        returns. It must not raise. Where a connection is kept this costs no task, no future and no turn of the loop.
        `once`: as `ask_once`."""
        request = self._request(url, body, headers, timeout_s, once=once)
        kept = None if isinstance(request, Failure) else self._pool.take(request.origin, request.started)
        if kept is None or isinstance(request, Failure):
            self._begin_task(request, done)
            return
        kept.at = request.until
        self._deadlines.add(kept)
        kept.ask(request.octets, partial(self._told, kept, request, done))

    def _told(self, kept: Connection, request: _Request, done: Done, answer: Answer | NoAnswer) -> None:
        self._deadlines.remove(kept)
        self._pool.give(kept, _now_s())
        if isinstance(answer, NoAnswerError) and _may_repeat(kept, request):
            self._begin_task(request, done, is_second=True)
        else:
            done(self._result(request, answer, was_sent=kept.was_sent))

    def _begin_task(self, request: _Request | Failure, done: Done, *, is_second: bool = False) -> None:
        async def call() -> None:
            done(await self._call(request, is_second=is_second))

        task = asyncio.get_running_loop().create_task(call())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _request(
        self, url: str, body: bytes | None, headers: Headers, timeout_s: float, *, once: bool = False
    ) -> _Request | Failure:
        assert self._dialer is not None, "the client is not started"
        target = self._vetted(url)
        if isinstance(target, UrlProblem):
            return Failure(target.reason, 0, target.detail)
        try:
            octets = _written(target, headers, body)
        except NoAnswerError as error:
            return Failure(error.reason, 0, error.detail[:_DETAIL_MAX])
        started = _now_s()
        return _Request(target.origin, octets, started, started + timeout_s, once=once)

    async def _call(self, request: _Request | Failure, *, is_second: bool = False) -> Response | Failure:
        """`is_second`: a kept connection was tried, and had closed."""
        if isinstance(request, Failure):
            return request
        course = _Course()
        try:
            kept = None if is_second else self._pool.take(request.origin, request.started)
            answer = None if kept is None else await self._asked(kept, request, course)
            if answer is None:
                deadline = self._deadlines.until(request.until)
                with deadline:
                    answer = await self._ask(request, deadline, course, is_second=is_second or kept is not None)
        except (NoAnswerError, TimeoutError) as error:
            return self._result(request, error, was_sent=course.was_sent)
        return self._result(request, answer, was_sent=True)

    async def _asked(self, kept: Connection, request: _Request, course: _Course) -> Answer | None:
        """The answer on a kept connection; None: it closed before anything was heard, and may be asked for again."""
        kept.at = request.until
        self._deadlines.add(kept)
        try:
            return await kept.exchange(request.octets, request.body_max)
        except NoAnswerError:
            if not _may_repeat(kept, request):
                raise
            return None
        finally:
            course.was_sent |= kept.was_sent
            self._deadlines.remove(kept)
            self._pool.give(kept, _now_s())

    async def _ask(self, request: _Request, deadline: Deadline, course: _Course, *, is_second: bool) -> Answer:
        """The answer on a new connection, or, at the first go, on one that comes free while we wait in line."""
        kept = await self._pool.place(None if is_second else request.origin)
        if kept is not None:
            answer = await self._asked(kept, request, course)
            if answer is not None:
                return answer
            await self._pool.place(None)
        connection = await self._opened(request.origin, deadline)
        try:
            return await connection.exchange(request.octets, request.body_max)
        finally:
            course.was_sent |= connection.was_sent
            self._pool.give(connection, _now_s())

    def _result(self, request: _Request, answer: Answer | NoAnswer, *, was_sent: bool) -> Response | Failure:
        if not isinstance(answer, Answer):
            return self._failure(request, answer, was_sent=was_sent)
        latency_ms = _elapsed_ms(request)
        return Response(
            answer.status, answer.body, answer.content_type, answer.retry_after_s, latency_ms, answer.location
        )

    def _failure(self, request: _Request, trouble: NoAnswer, *, was_sent: bool) -> Failure:
        elapsed_ms = _elapsed_ms(request)
        if isinstance(trouble, NoAnswerError):
            return Failure(trouble.reason, elapsed_ms, trouble.detail[:_DETAIL_MAX], was_sent)
        if self._pool.is_stopped:
            return Failure("connection_lost", elapsed_ms, STOPPED, was_sent)
        return Failure("timeout", elapsed_ms, "no answer in time", was_sent)

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


def _may_repeat(kept: Connection, request: _Request) -> bool:
    """Whether a request that a kept connection brought no answer to may be made on a fresh one."""
    return not kept.was_heard and not (request.once and kept.was_sent)


def _elapsed_ms(request: _Request) -> int:
    return round((_now_s() - request.started) * 1000)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


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
    if not user_agent.isprintable():  # not given by customers, but it would end early all the same
        return UrlProblem("bad_url", "the name of the client cannot be sent")
    if is_literal(host) and not reach.allows(host):
        return UrlProblem("address_refused", "the address is not on the public internet")
    # Sent as it was given: Twilio's signature is over the whole URL.
    path = url[len(parts.scheme) + len("://") + len(parts.netloc) :].partition("#")[0]
    name = f"[{host}]" if ":" in host else host.rstrip(".")
    if port is not None and port != default:
        name = f"{name}:{port}"
    start = path if path.startswith("/") else f"/{path}"
    bare = f"{start} HTTP/1.1\r\nHost: {name}\r\n"
    return _Target(Origin(parts.scheme == "https", host, port or default), f"{bare}User-Agent: {user_agent}\r\n", bare)


def _written(target: _Target, headers: Headers, body: bytes | None) -> bytes:
    """A whole request. NoAnswerError: a header is none, or holds what would end it early."""
    if isinstance(headers, str):  # our own words, which never say who asks
        head, lines = target.head, headers
    else:
        head, lines = target.bare if any(map(_says_who_asks, headers)) else target.head, _checked(headers)
    if body is None:
        return f"GET {head}{lines}\r\n".encode()
    return f"POST {head}{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _checked(headers: Mapping[str, str]) -> HeaderLines:
    for name in headers:
        if not _may_be_given(name):
            raise NoAnswerError("bad_url", f"a header may not be named {name!r}")
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or "\0" in lines:
        raise NoAnswerError("bad_url", "a header holds a line break or NUL")
    try:
        lines.encode()
    except UnicodeEncodeError:
        raise NoAnswerError("bad_url", "a header holds what is no character") from None
    return HeaderLines(lines)


@lru_cache(maxsize=256)
def _says_who_asks(name: str) -> bool:
    return name.lower() == _AGENT


@lru_cache(maxsize=256)
def _may_be_given(name: str) -> bool:
    return _TOKEN(name) is not None and name.lower() not in _OURS
