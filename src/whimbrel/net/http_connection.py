"""One connection to an HTTP server: the thin asyncio shell round `http_answer.AnswerReader`. One request at a time; no
timer of its own, its caller has a deadline.

What ends early ends the connection: a call that is cancelled or out of time, an answer that is none, octets that nobody
has asked for. A peer that does not read pauses the transport, which needs no care: there is one request to buffer, and
the deadline to end it.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple, cast

from whimbrel.net.http_answer import Answer, AnswerReader, NoAnswerError


class Origin(NamedTuple):
    """Whom a connection leads to. `host` is a name or an address as the URL has it, without brackets."""

    is_tls: bool
    host: str
    port: int


class Connection(asyncio.Protocol):
    """One connection; `on_lost` is told once when it is gone."""

    __slots__ = ("_loop", "_on_lost", "_reader", "_transport", "_waiting", "idle_since_s", "is_open", "origin")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, origin: Origin, on_lost: Callable[["Connection"], None]
    ) -> None:
        self._loop = loop
        self._on_lost = on_lost
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self.origin = origin
        self.idle_since_s = 0.0  # of the loop's clock
        self.is_open = False

    @property
    def was_heard(self) -> bool:
        """Whether any octet of an answer to the last request has come."""
        return self._reader.was_heard

    async def exchange(self, request: bytes) -> Answer:
        """Send a whole request; its answer. NoAnswerError: there is none. Afterwards the connection is open only if it
        may be used again."""
        self._reader.begin()
        if not self.is_open:
            raise NoAnswerError("connection_lost", "closed before the request")
        assert self._transport is not None
        waiting: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting = waiting
        self._transport.write(request)
        try:
            answer = await waiting
        except BaseException:
            self.abort()
            raise
        if self.is_open and (answer.is_last or self._transport.get_write_buffer_size()):
            self.close()  # with octets of the request on their way (an early refusal) the next one would queue behind
        return answer

    def close(self) -> None:
        """Close in order, when nothing is left to write; else at once."""
        if self.is_open:
            assert self._transport is not None
            self.is_open = False
            if self._transport.get_write_buffer_size():
                self._transport.abort()
            else:
                self._transport.close()

    def abort(self, why: str = "") -> None:
        """Close at once. A call that waits for its answer fails."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()
        if self._waiting is not None:
            self._fail(NoAnswerError("connection_lost", why or "closed"))

    # ---- what the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, and through with the TLS handshake."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's class does not derive from it
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Octets of an answer, if anybody has asked."""
        if self._waiting is None:
            self.abort()  # they would be taken for the answer to the next request
            return
        try:
            answer = self._reader.feed(data)
        except NoAnswerError as error:
            self._fail(error)
            return
        if answer is not None:
            self._succeed(answer)

    def eof_received(self) -> None:
        """The peer sends no more; the transport closes after this."""
        self.is_open = False
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.is_open = False
        self._end(exc)
        self._reader.close()
        self._on_lost(self)

    def _end(self, error: Exception | None) -> None:
        if self._waiting is None:
            return
        try:
            answer = self._reader.end(error)
        except NoAnswerError as lost:
            self._fail(lost)
        else:
            self._succeed(answer)

    def _succeed(self, answer: Answer) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _fail(self, error: NoAnswerError) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(error)
