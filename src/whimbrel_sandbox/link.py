"""One connection, whatever is spoken on it: reading, writing, closing, and the conduct that changes them.

Apart from the session, which knows the commands. Everything that is sent in one turn of the loop goes out in one
write. A client that does not read is not read from either. A conduct other than the usual one changes the wire or a
flag when it is taken on, so that the ordinary way pays nothing for it.
"""

import asyncio
import socket
import struct
from typing import cast

from whimbrel.codec.smpp.pdu import header
from whimbrel.codec.smpp.tables import SEQUENCE_MAX, UNBIND
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.scenarios.conduct import GOOD, Conduct
from whimbrel_sandbox.wire import READ_PAUSE_MS, Wire, narrow, wire_of

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is not sent is thrown away, and the peer sees a reset


class Link(asyncio.Protocol):
    """What a session stands on."""

    def __init__(self, center: Center) -> None:
        self.number = center.next_link()
        self._center = center
        self._conduct = GOOD
        self._wire: Wire | None = None
        self._is_silent = False
        self._is_closing = False
        self._is_leaving = False
        self._is_paused = False
        self._reason = "lost"
        self._heard_at = 0.0
        self._sequence = 0
        self._out: list[bytes] = []

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's class does not derive from it
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._heard_at = self._center.loop.time()
        self._center.links.add(self)
        self.take_conduct()
        if self._conduct.greeting:
            self._send(self._conduct.greeting)

    def pause_writing(self) -> None:
        """The client does not read: take no more from it."""
        self._is_paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._is_paused = False
        if self._conduct.reads < 0:
            self._read_on(None)

    # What the center calls.

    @property
    def system_id(self) -> str | None:
        """Nobody is known on a bare connection."""
        return None

    def write(self, octets: bytes) -> None:
        """Send octets as they stand."""
        self._send(octets)

    def sweep(self, now: float) -> None:
        """Look after timers: a bare connection has none."""

    def reset(self) -> None:
        """Forget what waits: on a bare connection nothing does."""

    def take_conduct(self) -> None:
        """Behave as the stage says now."""
        self._take(self._center.stage.play_for(None).conduct)

    def flush(self) -> None:
        """Write all that this turn of the loop collected."""
        if self._out and not self._transport.is_closing():
            octets = b"".join(self._out)
            if self._wire is None:
                self._transport.write(octets)
            else:
                self._wire.write(octets)
        self._out.clear()

    def unbind(self) -> None:
        """Ask the client to go."""
        self._reason = "dropped"
        self._is_leaving = True
        self._send(header(0, UNBIND, 0, self._next_sequence()))

    def abort(self) -> None:
        """Break the connection: the client sees a reset."""
        self._reason = "dropped"
        self._is_closing = True
        self._out.clear()
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def close(self) -> None:
        """Write what is collected and close."""
        if self._reason == "lost":
            self._reason = "dropped"
        self.flush()
        if self._wire is not None:
            self._wire.drain()
        self._is_closing = True
        if not self._transport.is_closing():  # a TLS transport that is closed twice cannot be aborted any more
            self._transport.close()

    # The conduct.

    def _take(self, conduct: Conduct) -> None:
        if conduct == self._conduct or self._is_closing:
            return
        was_slow = self._conduct.reads >= 0
        self._conduct = conduct
        self._is_silent = conduct.is_silent
        if self._wire is not None:
            self._wire.drain()
        center = self._center
        self._wire = wire_of(
            conduct,
            loop=center.loop,
            wheel=center.wheel,
            transport=self._transport,
            scale=center.settings.time_scale,
        )
        if conduct.drop_after_ms:
            center.later(conduct.drop_after_ms, self._drop_in_time, None)
        if conduct.silent_after_ms:
            center.later(conduct.silent_after_ms, self._silence_in_time, None)
        if conduct.reads >= 0:
            narrow(self._transport, conduct.reads)
            center.loop.call_soon(self._stop_reading)  # the transport starts to read after connection_made
        elif was_slow:
            self._read_on(None)

    def _drop_in_time(self, _: None) -> None:
        if self._conduct.drop_after_ms and not self._is_closing:
            (self.abort if self._conduct.drop_is_reset else self.close)()

    def _silence_in_time(self, _: None) -> None:
        self._is_silent = self._is_silent or bool(self._conduct.silent_after_ms)

    def _unbind_in_time(self, _: None) -> None:
        if self._conduct.unbind_after_ms:
            self.unbind()

    def _stop_reading(self) -> None:
        if self._transport.is_closing() or self._conduct.reads < 0:
            return
        self._transport.pause_reading()
        if self._conduct.reads:
            self._center.later(READ_PAUSE_MS, self._read_on, None)

    def _read_on(self, _: None) -> None:
        if not self._transport.is_closing() and not self._is_paused:
            self._transport.resume_reading()

    # What leaves.

    def _send(self, octets: bytes) -> None:
        if self._is_closing or self._is_silent or self._center.behaviour.silent:
            return
        if not self._out:
            self._center.dirty(self)
        self._out.append(octets)

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % SEQUENCE_MAX + 1
        return self._sequence + self._conduct.sequence_offset
