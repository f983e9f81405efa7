"""One request and its answer, in two forms with one face to the connection: `Cycle` speaks ASGI, for everything;
`Exchange` is the direct way, for a hot route whose request came whole in one read.

A handler of the direct way is a plain function. It is called with the exchange, and sooner or later it answers, once:
at once, or from the callback of a future that it waits for (`after`). So a request on this way costs no task, no event
and no messages of ASGI; deadlines, keep-alive, shutdown and a client that leaves are the connection's business on both
ways, and it finds on both what it looks for.

uvicorn sends head and body of an answer one by one, a system call each, which costs more than all the rest of a small
answer; here both go in one write.
"""

import asyncio
import logging
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState

from whimbrel.edges.shared.asgi import ABANDON, Headers, Receive, Scope, Send

_BODYLESS = frozenset({204, 304})
_TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"21")]
_log = logging.getLogger("whimbrel.edges")


class Openings:
    """The first lines of answers: status line and date. The date changes once a second, so they are kept meanwhile."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._of: Headers | None = None
        self._known: dict[int, bytes] = {}

    def opening(self, status: int) -> bytes:
        """Status line and the headers of every answer."""
        if self._state.default_headers is not self._of:
            self._of = self._state.default_headers
            self._known = {}
        found = self._known.get(status)
        if found is None:
            found = self._known[status] = STATUS_LINE[status] + _lines(self._state.default_headers)
        return found


def _lines(headers: Headers) -> bytes:
    """Headers as they stand on the wire. RuntimeError when one of them would end its line: it could begin another."""
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        raise RuntimeError("a header of an answer holds a line break")
    return lines


class Cycle(RequestResponseCycle):
    """A request and its answer by ASGI."""

    openings: Openings
    _head = b""

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == ABANDON:
            self.disconnected = True
            self.transport.abort()
            return
        if message["type"] == "http.response.start":
            if self.response_started:
                raise RuntimeError("the answer has begun already")
            self.response_started = True
            self.waiting_for_100_continue = False
            self._head = self._render_head(message["status"], message["headers"])
            return
        if self.response_complete:
            raise RuntimeError("the answer is complete already")
        more = message.get("more_body", False)
        self.transport.write(self._head + self._frame(message["body"], more))
        self._head = b""
        if not more:
            self._complete()

    async def send_500_response(self) -> None:
        """Nothing, for what a stop cannot wait for any longer: it may be stored yet."""
        if isinstance(sys.exception(), asyncio.CancelledError):
            await self.send({"type": ABANDON})
        else:
            await super().send_500_response()

    def _render_head(self, status: int, headers: Headers) -> bytes:
        """Status line and headers; without a content length the body is sent in chunks."""
        has_length = any(name == b"content-length" for name, _ in headers)
        chunked = not has_length and status not in _BODYLESS and self.scope["method"] != "HEAD"
        lines = [self.openings.opening(status), _lines(headers)]
        if chunked:
            lines.append(b"transfer-encoding: chunked\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        self.chunked_encoding = chunked
        return b"".join(lines)

    def _frame(self, body: bytes, more: bool) -> bytes:
        if self.scope["method"] == "HEAD":
            return b""
        if not self.chunked_encoding:
            return body
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return chunk if more else chunk + b"0\r\n\r\n"

    def _complete(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class Connection(Protocol):
    """What an exchange needs of its connection."""

    transport: asyncio.Transport
    client: tuple[str, int] | None
    tasks: set[asyncio.Task[None]]
    openings: Openings

    def on_response_complete(self) -> None:
        """The answer is written."""
        ...


class _Unheard:
    """In place of the event by which a cycle hears of its connection: an exchange waits for nothing that it sends."""

    def set(self) -> None:
        pass


class Exchange:
    """A request that came whole, and its answer."""

    response_started = False
    response_complete = False
    disconnected = False
    chunked_encoding = False
    message_event = _Unheard()
    also = b""
    """A header that every answer has, as its line."""
    _then: Any = None

    def __init__(self, connection: Connection, headers: dict[bytes, bytes], body: bytes, keep_alive: bool) -> None:
        self._connection = connection
        self.headers = headers
        """By lower-case name; of several the last."""
        self.body = body
        self.keep_alive = keep_alive

    @property
    def client(self) -> tuple[str, int] | None:
        """The address and port that it comes from."""
        return self._connection.client

    def after(self, future: asyncio.Future[Any], then: Callable[[asyncio.Future[Any]], None]) -> None:
        """Call `then(future)` when it is done. Until then the future counts as one of the server's tasks: a graceful
        stop waits for it, and cancels it when it has waited long enough."""
        self._then = then
        self._connection.tasks.add(future)  # type: ignore[arg-type]  # the server looks at them and may cancel them
        future.add_done_callback(self._done)

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._connection.tasks.discard(future)
        then, self._then = self._then, None  # who waits holds the exchange too: a circle that only the collector finds
        try:
            then(future)
        except BaseException as error:
            _log.error("a request was left without an answer", exc_info=error)
            if not self.response_complete:
                self.leave(error)
            if not isinstance(error, Exception | asyncio.CancelledError):
                raise

    def leave(self, error: BaseException) -> None:
        """What failed is told. What a stop cannot wait for any longer may be stored yet, and is not called refused."""
        if isinstance(error, asyncio.CancelledError):
            self.abandon()
        else:
            self.give_up()

    def give_up(self) -> None:
        """What uvicorn answers for an application that failed."""
        self.keep_alive = False
        self.answer(500, _TEXT, b"Internal Server Error")

    def abandon(self) -> None:
        """Close the connection without an answer."""
        self.disconnected = self.response_complete = True
        self._connection.transport.abort()
        self._connection.on_response_complete()

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer; the length of the body is among the headers."""
        self.write(status, _lines(headers), body)

    def write(self, status: int, lines: bytes, body: bytes) -> None:
        """Answer with headers that are rendered already, each with the end of its line."""
        if self.disconnected:
            return
        self.response_started = self.response_complete = True
        connection = self._connection
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        connection.transport.write(connection.openings.opening(status) + lines + self.also + end + body)
        if not self.keep_alive:
            connection.transport.close()
        connection.on_response_complete()


Direct = Callable[[Exchange], None]
"""A handler of the direct way. It raises nothing: what goes wrong is an answer too."""

DirectTable = Mapping[tuple[bytes, bytes], Direct]
"""Handlers by method and by target, as they stand in the request line: a target with a query is another one."""


class Application(ABC):
    """An application with hot routes that it also takes directly; by ASGI it answers them all the same."""

    direct: DirectTable

    @abstractmethod
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...
