"""The HTTP server for `app.py`: uvicorn with our protocol (`protocol.py`), without its signal handling."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from uvicorn import Config, Server

from whimbrel.base import limits
from whimbrel.edges.shared.asgi import ASGIApp
from whimbrel.edges.shared.exchange import Application
from whimbrel.edges.shared.protocol import Guard, GuardedProtocol, GuardedState

_BACKLOG = 2048
_LOOK_S = 0.005


class HttpServer(Server):
    """The server for `app.py`: binds at once (`port` is known before it serves), starts, stops within a deadline.
    Signals are the application's business."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        port: int,
        shared: bool = False,
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
                proxy_headers=False,
                backlog=_BACKLOG,
            )
        )
        self.server_state = GuardedState(self._guard, app.direct if isinstance(app, Application) else {})
        self._socket = claim(host, port, shared=shared)
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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self.servers if self.started else ():
            server.close()
        self._socket.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(1.0, deadline_s)):
                await self._finish()
        for request in self.server_state.tasks:
            request.cancel()

    async def _finish(self) -> None:
        """What uvicorn looks at every tenth of a second, which is most of the time that an idle node takes to stop. One
        that was taken in the last moment is closed too."""
        while self.server_state.connections or self.server_state.tasks:
            for connection in list(self.server_state.connections):
                connection.shutdown()
            await asyncio.sleep(_LOOK_S)

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._guard.sweep_s)
            now = loop.time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, GuardedProtocol):
                    connection.sweep(now)


def claim(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that has its port and does not listen yet; OSError, with host and port as its file name, when it cannot
    be had. `shared`: among the processes of one user that ask so, between which the kernel shares out connections."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, error.strerror, f"{host} port {port}") from error
    listener.setblocking(False)
    return listener
