"""One HTTP connection: uvicorn's, with the guards that it lacks and one write for each answer.

Theory of operation. With httptools uvicorn waits for ever for the rest of a request and takes headers of any size.
`GuardedProtocol` keeps, for each connection, what it is waiting for (`_IDLE` between requests, `_HEADERS`, `_BODY`)
and until when; one sweep a second looks at all connections, so that a request costs no timer. What runs out of time
while headers or a body are under way is answered 408; an idle connection is closed without a word; a client that does
not read its answer is cut. An answer that is ready before the body has arrived (401, 413) lets the client finish for
two seconds: closing at once would reset the connection and lose the answer.

uvicorn sends head and body of an answer one by one, a system call each, which costs more than all the rest of a small
answer; `_Cycle` keeps the head until the first body comes.

It stands on uvicorn's internals: the version is pinned, and tests/edges/test_server.py watches it over real sockets.
"""

import asyncio
import math
from typing import Any
from urllib.parse import unquote

import httptools
import msgspec
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from whimbrel.base import limits
from whimbrel.edges.shared.problems import problem_body

_IDLE, _HEADERS, _BODY = 0, 1, 2
_HEADER_OVERHEAD = 4  # ": " and CRLF
_ASGI = {"version": "3.0", "spec_version": "2.3"}
_BODYLESS = frozenset({204, 304})


class Guard(msgspec.Struct, frozen=True, gc=False):
    """How long and how much a connection may take; seconds and octets."""

    headers_s: float = limits.HEADERS_DEADLINE_S
    body_s: float = limits.BODY_DEADLINE_S
    idle_s: float = limits.KEEP_ALIVE_S
    linger_s: float = limits.LINGER_S
    write_s: float = limits.WRITE_STALL_S
    headers_max: int = limits.HEADERS_MAX
    connections_max: int = limits.CONNECTIONS_MAX
    sweep_s: float = 1.0


class GuardedState(ServerState):
    """What all connections of a server share, with the guard."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self.guard = guard


class _Refused(Exception):
    """Ends the parsing of a request that has been answered already."""


class _Cycle(RequestResponseCycle):
    """One request and its answer, the answer written at once."""

    _head = b""

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
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

    def _render_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        """Status line and headers; without a content length the body is sent in chunks."""
        lines = [STATUS_LINE[status]]
        chunked = status not in _BODYLESS and self.scope["method"] != "HEAD"
        for name, value in (*self.default_headers, *headers):
            lines.append(b"%b: %b\r\n" % (name, value))
            if name == b"content-length":
                chunked = False
        if chunked:
            lines.append(b"transfer-encoding: chunked\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines):
            raise RuntimeError("a header of an answer holds a line break")
        self.chunked_encoding = chunked
        return head

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


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: GuardedState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._guard = server_state.guard
        self._awaiting = _IDLE
        self._deadline = math.inf
        self._stalled_at = math.inf
        self._header_octets = 0
        self._deaf = False  # refused: what still comes in is thrown away until the client or the deadline closes

    # ---- what the transport says

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.time() + self._guard.idle_s
        if len(self.connections) > self._guard.connections_max:
            self._refuse("overloaded")

    def data_received(self, data: bytes) -> None:
        if self._deaf or self.transport.is_closing():
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.cycle.keep_alive = False  # RFC 9110 7.8: an upgrade may be ignored; the parser takes no more, though
        except httptools.HttpParserError as error:
            if not isinstance(error.__context__, _Refused):
                self._refuse("malformed_http")
        else:
            if self._awaiting == _HEADERS:
                # the parser calls back for whole headers only: one endless header shows nowhere else
                self._header_octets += len(data)
                if self._header_octets > self._guard.headers_max:
                    self._refuse("headers_too_large")

    def pause_writing(self) -> None:
        self._stalled_at = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stalled_at = math.inf
        super().resume_writing()

    # ---- what the parser says

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._awaiting = _HEADERS
        self._header_octets = 0
        self._deadline = self.loop.time() + self._guard.headers_s

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self._header_octets += len(name) + len(value) + _HEADER_OVERHEAD
        self.headers.append((name, value))
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True

    def on_headers_complete(self) -> None:
        if self._header_octets + len(self.url) > self._guard.headers_max:
            self._refuse("headers_too_large")
            raise _Refused
        self._awaiting = _BODY
        self._deadline = self.loop.time() + self._guard.body_s
        self.scope = self._scope()
        before = self.cycle
        self.cycle = _Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _scope(self) -> Any:
        raw_path, _, query = self.url.partition(b"?")
        if raw_path[:1] != b"/":  # absolute form, as to a proxy (RFC 9112 3.2.2); a server must take it
            parsed = httptools.parse_url(self.url)
            raw_path, query = parsed.path or b"/", parsed.query or b""
        path = raw_path.decode("latin-1")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": self.parser.get_http_version(),
            "method": self.parser.get_method().decode("ascii"),
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
            "state": {},
        }

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._awaiting = _IDLE
        self._deadline = self.loop.time() + self._guard.idle_s if self.cycle.response_complete else math.inf

    def on_response_complete(self) -> None:
        """As uvicorn's, with a deadline instead of a timer of its own for each connection."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._awaiting == _BODY:
            self._deadline = self.loop.time() + self._guard.linger_s
        elif self._awaiting == _IDLE:
            self._deadline = self.loop.time() + self._guard.idle_s

    # ---- what time says

    def sweep(self, now: float) -> None:
        """Close what ran out of time."""
        if now - self._stalled_at > self._guard.write_s:
            self.transport.abort()
        elif now >= self._deadline:
            self._out_of_time(now)

    def _out_of_time(self, now: float) -> None:
        if self.transport.is_closing():
            self.transport.abort()  # closed a while ago, and the peer never read the rest
            return
        self._deadline = now + self._guard.linger_s
        cycle = self.cycle
        running = cycle is not None and not cycle.response_complete
        if self._deaf:
            self.transport.close()
        elif self._awaiting == _HEADERS and not running:
            self._refuse("request_timeout")
        elif self._awaiting == _BODY and running and not cycle.response_started:
            self._refuse("request_timeout")
            cycle.disconnected = True
            cycle.message_event.set()
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """A graceful stop: streams end, requests under way are answered, idle connections close."""
        cycle = self.cycle
        if cycle is not None and cycle.chunked_encoding and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            self.transport.close()
        else:
            super().shutdown()

    def _refuse(self, code: str) -> None:
        """Answer from the catalogue without asking the application, and close."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and self._awaiting != _BODY:
            cycle.keep_alive = False  # an earlier request of the pipeline is answered first, then it closes
            return
        status, body = problem_body(code)
        head = [
            STATUS_LINE[status],
            b"content-type: application/problem+json\r\nconnection: close\r\n",
            b"content-length: %d\r\n\r\n" % len(body),
            body,
        ]
        self.transport.write(b"".join(head))
        self._deaf = True
        self._deadline = self.loop.time() + self._guard.linger_s
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
