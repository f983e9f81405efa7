"""The HTTP server: uvicorn, with the guards that it lacks.

Theory of operation. With httptools uvicorn waits for ever for the rest of a request and takes headers of any size.
`GuardedProtocol` keeps, for each connection, what it is waiting for (`_IDLE` between requests, `_HEADERS`, `_BODY`)
and until when; one sweep a second looks at all connections, so that a request costs no timer. What runs out of time
while headers or a body are under way is answered 408; an idle connection is closed without a word; a client that does
not read its answer is cut. An answer that is ready before the body has arrived (401, 413) lets the client finish for
two seconds: closing at once would reset the connection and lose the answer.

It stands on uvicorn's internals: the version is pinned, and tests/edges/test_server.py watches it over real sockets.
"""

import asyncio
import contextlib
import math
import socket
from collections.abc import Iterator
from typing import Any

import httptools
import msgspec
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from whimbrel.base import limits
from whimbrel.edges.shared.asgi import ASGIApp
from whimbrel.edges.shared.problems import problem_body

_IDLE, _HEADERS, _BODY = 0, 1, 2
_BACKLOG = 2048
_HEADER_OVERHEAD = 4  # ": " and CRLF


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


class _GuardedState(ServerState):
    """What all connections of a server share, with the guard."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self.guard = guard


class _Refused(Exception):
    """Ends the parsing of a request that has been answered already."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: _GuardedState,
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
        super().on_message_begin()
        self._awaiting = _HEADERS
        self._header_octets = 0
        self._deadline = self.loop.time() + self._guard.headers_s

    def on_headers_complete(self) -> None:
        octets = len(self.url)
        for name, value in self.headers:
            octets += len(name) + len(value) + _HEADER_OVERHEAD
        if octets > self._guard.headers_max:
            self._refuse("headers_too_large")
            raise _Refused
        self._awaiting = _BODY
        self._deadline = self.loop.time() + self._guard.body_s
        super().on_headers_complete()

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


class HttpServer(Server):
    """The server for `app.py`: binds at once (`port` is known before it serves), starts, stops within a deadline.
    Signals are the application's business."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        port: int,
        guard: Guard | None = None,
    ) -> None:
        self._guard = guard or Guard()
        super().__init__(
            Config(
                app,
                http=GuardedProtocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=_BACKLOG,
            )
        )
        self.server_state = _GuardedState(self._guard)
        self._socket = _bind(host, port)
        self._tasks: tuple[asyncio.Task[Any], ...] = ()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._socket.getsockname()[1])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def start(self) -> None:
        """Listen; requests are taken when this returns."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.on_tick(0)
        await self.startup(sockets=[self._socket])
        loop = asyncio.get_running_loop()
        self._tasks = (loop.create_task(self.main_loop()), loop.create_task(self._sweep()))

    async def stop(self, deadline_s: float = limits.STOP_DEADLINE_S) -> None:
        """Take no more connections, finish what is under way within `deadline_s`, end streams."""
        self.should_exit = True
        self.config.timeout_graceful_shutdown = max(1, int(deadline_s))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.started:
            await self.shutdown(sockets=[self._socket])
        else:
            self._socket.close()

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._guard.sweep_s)
            now = loop.time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, GuardedProtocol):
                    connection.sweep(now)


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
