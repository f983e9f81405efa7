"""SMPP over TCP: the thin asyncio shell round `codec.smpp.session`, for both roles.

Apart from the machine so that the machine needs no loop, and apart from carriers and the server so that they need no
sockets. A link moves octets, reads the loop's clock, keeps one timer, and hands events in lists to its owner. It writes
once per turn of the loop: whatever was sent in a turn leaves in one piece, with TCP_NODELAY set, so nothing waits for
the peer's delayed acknowledgement.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import msgspec

from whimbrel.codec.smpp.bodies import Bind, Body
from whimbrel.codec.smpp.events import Event, Role, Settings
from whimbrel.codec.smpp.fields import Tlvs
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.session import Session
from whimbrel.net.dial import Dial
from whimbrel.net.recorder import Recorder
from whimbrel.net.tls import in_words

WRITE_HIGH: Final = 256 * 1024
"""Octets that wait for the peer before `is_writable` turns false: about a thousand messages."""
WRITE_MAX: Final = 4 * 1024 * 1024
"""Octets that wait for the peer before the link is cut: only a peer that sends but never reads gets here."""
CLOSE_GRACE_S: Final = 5.0
"""How long a closing link may take to write what is left."""
BACKLOG: Final = 1024
"""Connections that wait to be accepted: a thousand customers may come back at once."""
_READ_FIRST_S: Final = 0.001
"""A timer that fires late (a busy loop) must not declare doubt over responses that already wait in the socket: the
tick comes one turn after its timer, when the reader has had its turn."""


class LinkHandlers(msgspec.Struct, frozen=True):
    """Where a link reports, always from the loop's thread.

    `on_events` gets what one read or one tick brought, in order. `on_closed` comes once, with the tokens in flight,
    oldest first, and a short reason. `on_writable` comes when a full write buffer has drained.
    """

    on_events: Callable[["SmppLink", list[Event]], None]
    on_closed: Callable[["SmppLink", list[Any], str], None]
    on_writable: Callable[["SmppLink"], None] | None = None


class SmppLink(asyncio.Protocol):
    """One connection with its session machine, which exists from `connection_made` on."""

    session: Session

    def __init__(self, loop: asyncio.AbstractEventLoop, role: Role, settings: Settings, handlers: LinkHandlers) -> None:
        self._loop = loop
        self._role = role
        self._settings = settings
        self._handlers = handlers
        self.transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ms = 0
        self._flush_is_due = False
        self._reason = ""
        self.is_writable = True
        self.peer = ""
        self.name = ""
        """What a recorder calls this connection; its owner gives it."""
        self.recorder: Recorder | None = None

    # What the owner may ask and do.

    def now_ms(self) -> int:
        """The loop's clock as the machine wants it."""
        return int(self._loop.time() * 1000)

    @property
    def room(self) -> int:
        """Requests that may be sent now: free window places, 0 while the peer does not read."""
        return self.session.room if self.is_writable else 0

    def bind(self, command_id: int, body: Bind) -> None:
        """ESME: ask to bind; errors as in `Session.bind`."""
        self.session.bind(command_id, body, now_ms=self.now_ms())
        self.wake()

    def send(self, command_id: int, body: Body | bytes | None, *, token: Any, tlvs: Tlvs = ()) -> int:
        """Send one request; errors as in `Session.send`. For lists use the session and `wake` once."""
        sequence = self.session.send(command_id, body, token=token, now_ms=self.now_ms(), tlvs=tlvs)
        self.wake()
        return sequence

    def respond(self, request: Pdu, status: int = 0, body: Body | None = None, *, tlvs: Tlvs = ()) -> None:
        """Answer a request of the peer; see `Session.respond`."""
        self.session.respond(request, status, body, tlvs=tlvs)
        self.wake()

    def unbind(self) -> None:
        """Ask the peer to end the session; `on_closed` follows."""
        self.session.unbind(now_ms=self.now_ms())
        self.wake()

    def wake(self) -> None:
        """Write the session's output at the end of this turn; needed after using `session` directly."""
        if not self._flush_is_due:
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    def record(self, recorder: Recorder | None) -> None:
        """Keep what is read and written from now on in `recorder`; None ends it."""
        self.recorder = recorder
        if recorder is not None and self.transport is not None:
            recorder.begin(self.name or self.peer, self.session.half_read)

    def turn(self, role: Role, settings: Settings, handlers: LinkHandlers) -> None:
        """Begin a new session in another role on the same connection, for another owner: after outbind the SMSC that
        connected to us is bound to by us (clause 4.1.7). For the old owner that is the link's end."""
        self._handlers.on_closed(self, self.session.lost(), "handed over")
        self._role, self._settings, self._handlers = role, settings, handlers
        self.session = Session(role, settings, self.now_ms())
        self._cancel_timer()
        self._arm()

    def pause_reading(self) -> None:
        """Take no more from the peer until `resume_reading`: back-pressure on one that sends too much."""
        if self.transport is not None and self.transport.is_reading():
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Undo `pause_reading`."""
        if self.transport is not None and not self.transport.is_closing() and not self.transport.is_reading():
            self.transport.resume_reading()

    def close(self, reason: str = "closed") -> None:
        """Write what is left and close the connection."""
        if self.transport is None or self.transport.is_closing():
            return
        self._reason = self._reason or reason
        self._write_output(self.transport)
        self._cancel_timer()
        self._timer = self._loop.call_later(CLOSE_GRACE_S, self.transport.abort)
        self.transport.close()

    def abort(self, reason: str = "aborted") -> None:
        """Cut the connection; what was not written is lost."""
        self._reason = self._reason or reason
        if self.transport is not None:
            self.transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the session and its deadline for binding."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)
        endpoint = transport.get_extra_info("socket")
        if endpoint is not None:
            endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer = _name_of(transport.get_extra_info("peername"))
        self.session = Session(self._role, self._settings, self.now_ms())
        self._arm()

    def data_received(self, data: bytes) -> None:
        """Octets to events. The machine's own answers leave before the owner works: a busy owner must not look dead."""
        if self.recorder is not None:
            self.recorder.came(self.name or self.peer, data)
        events = self.session.receive(data, self.now_ms())
        if self.session.has_output and not self._flush_is_due:
            self._flush()
        self._report(events)

    def eof_received(self) -> None:
        """The peer sends no more: write what is left, then the transport closes itself."""
        self._flush()

    def pause_writing(self) -> None:
        """The peer reads too slowly."""
        self.is_writable = False

    def resume_writing(self) -> None:
        """The write buffer has drained."""
        self.is_writable = True
        if self._handlers.on_writable is not None:
            self._handlers.on_writable(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the owner what was in flight."""
        self._cancel_timer()
        self.transport = None
        reason = self._reason or (in_words(exc) if exc is not None else "peer closed")
        if self.recorder is not None:
            self.recorder.end(self.name or self.peer, reason)
        self._handlers.on_closed(self, self.session.lost(), reason)

    # Once per turn.

    def _flush(self) -> None:
        self._flush_is_due = False
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        self._write_output(transport)
        if self.session.close_reason is not None:
            self.close(self.session.close_reason)
        elif transport.get_write_buffer_size() > WRITE_MAX:
            self.abort("peer does not read")
        else:
            self._arm()

    def _write_output(self, transport: asyncio.Transport) -> None:
        if not self.session.has_output:
            return
        octets = self.session.take_output()
        if self.recorder is not None:
            self.recorder.went(self.name or self.peer, octets)
        transport.write(octets)

    def _report(self, events: list[Event]) -> None:
        if not events:
            return
        self._handlers.on_events(self, events)
        if self.session.is_closed or self.session.has_output:
            self.wake()
        else:
            self._arm()

    # The one timer.

    def _arm(self) -> None:
        due_ms = self.session.next_deadline_ms
        if due_ms is None or (self._timer is not None and self._timer_ms <= due_ms):
            return
        self._cancel_timer()
        self._timer_ms = due_ms
        self._timer = self._loop.call_at(due_ms / 1000, self._read_then_tick)

    def _read_then_tick(self) -> None:
        self._timer = self._loop.call_later(_READ_FIRST_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        events = self.session.tick(self.now_ms())
        try:
            self._report(events)
        finally:
            self._flush()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


async def connect(
    loop: asyncio.AbstractEventLoop, dial: Dial, *, within_s: float, settings: Settings, handlers: LinkHandlers
) -> SmppLink:
    """An ESME's link to an SMSC, not bound yet; DialError, also when it takes longer than `within_s`."""
    return await dial.run(loop, lambda: SmppLink(loop, Role.ESME, settings, handlers), within_s)


async def listen(
    loop: asyncio.AbstractEventLoop,
    host: str | Sequence[str] | socket.socket,
    port: int,
    factory: Callable[[], SmppLink],
) -> asyncio.Server:
    """A listening SMSC; `factory` makes a link of role SMSC for each connection. Port 0 takes a free one; a
    socket in place of a host has its port already."""
    if isinstance(host, socket.socket):
        return await loop.create_server(factory, sock=host, backlog=BACKLOG)
    return await loop.create_server(factory, host, port, backlog=BACKLOG)


def _name_of(address: Any) -> str:
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address or "")
