"""One connection to an HTTP server: the thin asyncio shell round `http_answer.AnswerReader`. One request at a time; no
timer of its own: its caller has a deadline, or has it watched (`net/deadlines.py`).

What ends early ends the connection: a call that is cancelled or out of time, an answer that is none, octets that nobody
has asked for. A peer that does not read pauses the transport, which needs no care: there is one request to buffer, and
the deadline to end it.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, cast

from whimbrel.base.limits import RESPONSE_BODY_MAX
from whimbrel.net.http_answer import Answer, AnswerReader, NoAnswerError


class Origin(NamedTuple):
    """Whom a connection leads to. `host` is a name or an address as the URL has it, without brackets."""

    is_tls: bool
    host: str
    port: int


NoAnswer = NoAnswerError | TimeoutError
Told = Callable[[Answer | NoAnswer], None]


class Connection(asyncio.Protocol):
    """One connection; `on_lost` is told once when it is gone."""

    __slots__ = (
        "_loop",
        "_on_lost",
        "_reader",
        "_told",
        "_transport",
        "at",
        "idle_since_s",
        "is_open",
        "origin",
        "was_sent",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, origin: Origin, on_lost: Callable[["Connection"], None]
    ) -> None:
        self._loop = loop
        self._on_lost = on_lost
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._told: Told | None = None  # who has asked and waits for the answer
        self.origin = origin
        self.at = 0.0  # when the request under way is out of time, where that is watched
        self.idle_since_s = 0.0  # of the loop's clock
        self.is_open = False
        self.was_sent = False  # whether any octet of the last request may have left

    @property
    def was_heard(self) -> bool:
        """Whether any octet of an answer to the last request has come."""
        return self._reader.was_heard

    def ask(self, request: bytes, told: Told, body_max: int = RESPONSE_BODY_MAX) -> None:
        """Send a whole request. `told` is called once, later: with its answer, or with why there is none. By then the
        connection is open only if it may be used again."""
        assert self._transport is not None
        self._reader.begin(body_max)
        self._told = told
        self.was_sent = not self._transport.is_closing()
        if not self.was_sent:  # after an error of the network, which uvloop tells of a turn later
            self._loop.call_soon(self.abort, "closed before the request")
        else:
            self._transport.write(request)

    async def exchange(self, request: bytes, body_max: int = RESPONSE_BODY_MAX) -> Answer:
        """The same for a task that waits; NoAnswerError or TimeoutError: there is no answer."""
        if not self.is_open:
            self._reader.begin()
            self.was_sent = False
            raise NoAnswerError("connection_lost", "closed before the request")
        waiting: asyncio.Future[Answer] = self._loop.create_future()
        self.ask(request, partial(_settle, waiting), body_max)
        try:
            return await waiting
        except asyncio.CancelledError:
            self.abort()
            raise

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
        self._end_with(NoAnswerError("connection_lost", why or "closed"))

    def expire(self) -> None:
        """The request under way is out of time: TimeoutError."""
        self._end_with(TimeoutError())

    # ---- what the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, and through with the TLS handshake."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's class does not derive from it
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Octets of an answer, if anybody has asked."""
        if self._told is None:
            self.abort()  # they would be taken for the answer to the next request
            return
        try:
            answer = self._reader.feed(data)
        except NoAnswerError as error:
            self._end_with(error)
            return
        if answer is not None:
            self._end_with(answer)

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
        if self._told is None:
            return
        try:
            answer = self._reader.end(error)
        except NoAnswerError as lost:
            self._end_with(lost)
        else:
            self._end_with(answer)

    def _end_with(self, answer: Answer | NoAnswer) -> None:
        """Tell who has asked, if anybody has."""
        told, self._told = self._told, None
        if told is None:
            return
        assert self._transport is not None
        if not isinstance(answer, Answer):
            self.is_open = False
            self._transport.abort()
        elif self.is_open and (answer.is_last or self._transport.get_write_buffer_size()):
            self.close()  # with octets of the request on their way (an early refusal) the next one would queue behind
        told(answer)


def _settle(waiting: "asyncio.Future[Answer]", answer: Answer | NoAnswer) -> None:
    if waiting.done():
        return  # cancelled
    if isinstance(answer, Answer):
        waiting.set_result(answer)
    else:
        waiting.set_exception(answer)
