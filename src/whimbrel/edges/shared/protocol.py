"""One HTTP connection: uvicorn's, with the guards that it lacks, one write for each answer, and a direct way.

Theory of operation. With httptools uvicorn waits for ever for the rest of a request and takes headers of any size.
`GuardedProtocol` keeps, for each connection, what it is waiting for (`_IDLE` between requests, `_HEADERS`, `_BODY`)
and until when; one sweep a second looks at all connections, so that a request costs no timer. What runs out of time
while headers or a body are under way is answered 408; an idle connection is closed without a word; a client that does
not read its answer is cut. An answer that is ready before the body has arrived (401, 413) lets the client finish for
two seconds: closing at once would reset the connection and lose the answer.

A request of a hot route is held back until the end of the read that its headers came in. If it is whole by then and
nothing came after it, it goes the direct way (`exchange.py`); if not, it goes by ASGI as if it had not been held: what
comes in several reads, what is pipelined, what asks for a 100 and whoever is slow to read pass there as ever.

It stands on uvicorn's internals: the version is pinned, and tests/edges/test_server.py watches it over real sockets.
"""

import asyncio
import math
from typing import Any
from urllib.parse import unquote

import httptools
import msgspec
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from whimbrel.base import limits
from whimbrel.edges.shared.exchange import Cycle, Direct, DirectTable, Exchange, Openings
from whimbrel.edges.shared.problems import problem_body

_IDLE, _HEADERS, _BODY = 0, 1, 2
_HEADER_OVERHEAD = 4  # ": " and CRLF
_ASGI = {"version": "3.0", "spec_version": "2.3"}


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
    """What all connections of a server share, with the guard and the handlers of the direct way."""

    def __init__(self, guard: Guard, direct: DirectTable) -> None:
        super().__init__()
        self.guard = guard
        self.direct = direct
        self.openings = Openings(self)


class _Held:
    """A request of a hot route whose headers are there, until the end of the read."""

    __slots__ = ("direct", "keep_alive", "parts")

    def __init__(self, direct: Direct, keep_alive: bool) -> None:
        self.direct = direct
        self.keep_alive = keep_alive
        self.parts: list[bytes] = []


class _Refused(Exception):
    """Ends the parsing of a request that has been answered already."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    cycle: Any  # the newest request: a Cycle or an Exchange

    def __init__(
        self,
        config: Config,
        server_state: GuardedState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.openings = server_state.openings
        self._guard = server_state.guard
        self._direct = server_state.direct
        self._held: _Held | None = None
        self._awaiting = _IDLE
        self._deadline = math.inf
        self._stalled_at = math.inf
        self._octets = 0  # of this request's headers and what came with them, in the reads before this one
        self._coming = 0  # octets of this read
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
        self._coming = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.cycle.keep_alive = False  # RFC 9110 7.8: an upgrade may be ignored; the parser takes no more, though
        except httptools.HttpParserError as error:
            self._release()
            if not isinstance(error.__context__, _Refused):
                self._refuse("malformed_http")
        else:
            if self._held is not None:
                self._take(self._held)
            elif self._awaiting == _HEADERS:
                self._still_headers()

    def _still_headers(self) -> None:
        """The parser calls back for whole headers only: one endless header shows nowhere else."""
        if not self._octets:
            self._deadline = self.loop.time() + self._guard.headers_s
        self._octets += self._coming
        if self._octets > self._guard.headers_max:
            self._refuse("headers_too_large")

    def pause_writing(self) -> None:
        self._stalled_at = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stalled_at = math.inf
        super().resume_writing()

    # ---- what the parser says

    def on_message_begin(self) -> None:
        if self._held is not None:
            self._release()
        self.url = b""
        self.headers = []
        self._awaiting = _HEADERS
        self._octets = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._awaiting == _HEADERS:  # a trailer is no header (RFC 9110 6.5.1), and none is asked for
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._octets + self._coming > self._guard.headers_max and self._size() > self._guard.headers_max:
            self._refuse("headers_too_large")
            raise _Refused
        self._awaiting = _BODY
        parser, before = self.parser, self.cycle
        keep_alive = parser.should_keep_alive()
        direct = self._direct.get((parser.get_method(), self.url))
        if direct is not None and (before is None or before.response_complete) and not parser.should_upgrade():
            self._held = _Held(direct, keep_alive)
        else:
            self._begin(keep_alive)

    def _size(self) -> int:
        """Octets of target and headers."""
        return len(self.url) + sum(len(name) + len(value) + _HEADER_OVERHEAD for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
        else:
            self._held.parts.append(body)

    def on_message_complete(self) -> None:
        self._awaiting = _IDLE
        if self._held is not None:
            return
        super().on_message_complete()
        self._deadline = self.loop.time() + self._guard.idle_s if self.cycle.response_complete else math.inf

    # ---- the two ways

    def _take(self, held: _Held) -> None:
        """What was held, at the end of its read: directly if it can be."""
        headers = dict(self.headers)
        if self._awaiting != _IDLE or self.flow.write_paused or b"expect" in headers:
            self._release()
            return
        self._held = None
        self._deadline = math.inf
        body = held.parts[0] if len(held.parts) == 1 else b"".join(held.parts)
        exchange = self.cycle = Exchange(self, headers, body, held.keep_alive)
        held.direct(exchange)

    def _release(self) -> None:
        """What was held goes by ASGI, with what has come of its body."""
        held, self._held = self._held, None
        if held is None:
            return
        self._begin(held.keep_alive)
        for part in held.parts:
            super().on_body(part)
        if self._awaiting == _IDLE:
            self.on_message_complete()

    def _begin(self, keep_alive: bool) -> None:
        """Hand the request to the application, in its turn."""
        self._deadline = self.loop.time() + self._guard.body_s
        self.scope = self._scope()
        before = self.cycle
        cycle = self.cycle = Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=any(n == b"expect" and v.lower() == b"100-continue" for n, v in self.headers),
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.openings = self.openings
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

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
