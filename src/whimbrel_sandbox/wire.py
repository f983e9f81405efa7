"""How octets leave and come in, where a conduct wants it otherwise than whole and at once.

Apart from the session, whose ordinary way is one write a turn and knows nothing of these.
"""

import asyncio
import socket
from typing import Protocol

from whimbrel_sandbox.scenarios.conduct import Conduct
from whimbrel_sandbox.wheel import Wheel

READ_PAUSE_MS = 250
_BUFFER_OCTETS = 2_048  # the kernel doubles it; so small a window closes at once


class Wire(Protocol):
    """Writes for a session."""

    def write(self, octets: bytes) -> None:
        """Send them in time."""
        ...

    def drain(self) -> None:
        """Send all that is held, now: the connection will close."""
        ...


class Pieces:
    """Writes so many octets in each turn of the loop, so that the network sees them one by one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.WriteTransport, octets: int) -> None:
        self._loop = loop
        self._transport = transport
        self._octets = octets
        self._held = bytearray()

    def write(self, octets: bytes) -> None:
        """Put them behind what is held."""
        if not self._held:
            self._loop.call_soon(self._turn)
        self._held += octets

    def drain(self) -> None:
        """Send the rest at once."""
        self._transport.write(bytes(self._held))
        self._held.clear()

    def _turn(self) -> None:
        if not self._held or self._transport.is_closing():
            return
        self._transport.write(bytes(self._held[: self._octets]))
        del self._held[: self._octets]
        if self._held:
            self._loop.call_soon(self._turn)


class Held:
    """Waits for more before it writes."""

    def __init__(self, wheel: Wheel, transport: asyncio.WriteTransport, wait_ms: float) -> None:
        self._wheel = wheel
        self._transport = transport
        self._wait_ms = wait_ms
        self._held = bytearray()

    def write(self, octets: bytes) -> None:
        """Put them behind what is held."""
        if not self._held:
            self._wheel.after(self._wait_ms, self._due, None)
        self._held += octets

    def drain(self) -> None:
        """Send it now."""
        if self._held and not self._transport.is_closing():
            self._transport.write(bytes(self._held))
        self._held.clear()

    def _due(self, _: None) -> None:
        self.drain()


def wire_of(
    conduct: Conduct, *, loop: asyncio.AbstractEventLoop, wheel: Wheel, transport: asyncio.WriteTransport, scale: float
) -> Wire | None:
    """The wire that a conduct asks for; None for the ordinary one. `scale` multiplies its times."""
    if conduct.piece_octets > 0:
        return Pieces(loop, transport, conduct.piece_octets)
    if conduct.hold_ms:
        return Held(wheel, transport, conduct.hold_ms * scale)
    return None


def narrow(transport: asyncio.BaseTransport, reads: int) -> None:
    """Give the connection a receive buffer of about the octets of one read."""
    octets = max(reads, _BUFFER_OCTETS)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)
