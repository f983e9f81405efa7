"""Connections that are kept for the next call, and how many there may be.

A connection holds a place from before its name is looked up until it is closed; there are CONNECTIONS_MAX. Who finds
neither an idle connection nor a place closes the one that has been idle for longest, or waits in line, within the
caller's deadline. What a finished call leaves goes to the first in line: the connection if it leads there, else its
place. So there is nothing idle while anybody waits.

Of the idle connections of an origin the last one used is taken first, so that the others can grow old. One sweep closes
what has been idle for KEEP_ALIVE_S.
"""

import asyncio
from typing import Final

from whimbrel.net.http_answer import NoAnswerError
from whimbrel.net.http_connection import Connection, Origin

CONNECTIONS_MAX: Final = 1000  # open at once; more wait within their deadline
KEEP_ALIVE_S: Final = 4.5  # below the 5 s of Node and uvicorn, or the server may be closing what is used again
_SWEEP_S: Final = 1.0

STOPPED: Final = "the client was stopped"


class Pool:
    """All connections of a client."""

    def __init__(self, *, connections_max: int = CONNECTIONS_MAX, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._connections_max = connections_max
        self._keep_alive_s = keep_alive_s
        self._opening = 0  # places of connections that are not open yet
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # the longest idle first
        self._idle_of: dict[Origin, list[Connection]] = {}  # the last used last
        self._line: dict[asyncio.Future[Connection | None], Origin | None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.is_stopped = False

    @property
    def places_taken(self) -> int:
        """Connections, and those being opened."""
        return self._opening + len(self._open)

    @property
    def idle(self) -> int:
        """Connections that wait for a call."""
        return len(self._idle)

    def start(self) -> None:
        """Begin to sweep."""
        self._timer = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    def stop(self) -> None:
        """Close everything; who waits for an answer or a place gets NoAnswerError."""
        self.is_stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for waiting in self._line:
            if not waiting.done():
                waiting.set_exception(NoAnswerError("connection_lost", STOPPED))
        self._line.clear()
        for connection in list(self._open):
            connection.abort(STOPPED)
            self.forget(connection)

    def take(self, origin: Origin, now_s: float) -> Connection | None:
        """An idle connection that leads there, at once."""
        idle = self._idle_of.get(origin)
        while idle:
            connection = idle.pop()
            del self._idle[connection]
            if connection.is_open and now_s - connection.idle_since_s < self._keep_alive_s:
                return connection
            self.drop(connection)
        return None

    async def place(self, origin: Origin | None) -> Connection | None:
        """A place for a new connection, or, in its stead, a connection to this origin that has just come free. Who got
        None opens a connection and says so by `add`, or gives the place back by `leave`."""
        if self.is_stopped:
            raise NoAnswerError("connection_lost", STOPPED)
        if self.places_taken >= self._connections_max and self._idle:
            self.drop(next(iter(self._idle)))
        if self.places_taken < self._connections_max:
            self._opening += 1
            return None
        waiting: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._line[waiting] = origin
        try:
            return await waiting
        except asyncio.CancelledError:
            self._line.pop(waiting, None)
            if not waiting.cancelled() and waiting.exception() is None:
                self._give_back(waiting.result())  # it came in the same turn as the cancellation
            raise

    def add(self, connection: Connection) -> None:
        """A connection has been opened in its place."""
        self._opening -= 1
        if self.is_stopped:
            connection.abort(STOPPED)
        if connection.is_open:
            self._open.add(connection)
        else:
            self._serve_line()

    def leave(self) -> None:
        """A place is not used."""
        self._opening -= 1
        self._serve_line()

    def give(self, connection: Connection, now_s: float) -> None:
        """A call is done with a connection: the next one may have it, if it is still open."""
        if not connection.is_open or self.is_stopped:
            self.drop(connection)
            return
        if self._line:
            self._pass_on(connection)
            return
        connection.idle_since_s = now_s
        self._idle[connection] = None
        idle = self._idle_of.get(connection.origin)
        if idle is None:
            self._idle_of[connection.origin] = [connection]
        else:
            idle.append(connection)

    def drop(self, connection: Connection) -> None:
        """Close a connection that no call is using; its place is free."""
        connection.close()
        self.forget(connection)

    def forget(self, connection: Connection) -> None:
        """A connection is gone. Told twice is told once."""
        if connection not in self._open:
            return
        self._open.remove(connection)
        if connection in self._idle:
            del self._idle[connection]
            self._idle_of[connection.origin].remove(connection)
        self._serve_line()

    def _give_back(self, granted: Connection | None) -> None:
        if granted is None:
            self.leave()
        else:
            self.give(granted, asyncio.get_running_loop().time())

    def _pass_on(self, connection: Connection) -> None:
        """Strictly first come, first served: another origin's connection makes room for who is first."""
        waiting = next(iter(self._line))
        if self._line[waiting] != connection.origin:
            self.drop(connection)
            return
        del self._line[waiting]
        if waiting.done():
            self.give(connection, asyncio.get_running_loop().time())
        else:
            waiting.set_result(connection)

    def _serve_line(self) -> None:
        while self._line and self.places_taken < self._connections_max:
            waiting = next(iter(self._line))
            del self._line[waiting]
            if not waiting.done():
                self._opening += 1
                waiting.set_result(None)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_SWEEP_S, self._sweep)
        before_s = loop.time() - self._keep_alive_s
        old = []
        for connection in self._idle:
            if connection.idle_since_s > before_s:
                break
            old.append(connection)
        for connection in old:
            self.drop(connection)
        for origin in [origin for origin, idle in self._idle_of.items() if not idle]:
            del self._idle_of[origin]
