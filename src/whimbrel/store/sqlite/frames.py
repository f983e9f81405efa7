"""Frames over a Unix socket: four octets of length, then a body. Both ends of the store process's connections cut and
gather them alike; what a body says stands in `wire.py`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Final, cast

_LENGTH: Final = 4


def framed(body: bytes) -> bytes:
    """The octets of the frame of a body."""
    return len(body).to_bytes(_LENGTH, "big") + body


class Frames:
    """Cuts a stream of octets into the bodies of its frames."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """What is whole now."""
        held = self._octets
        held += octets
        start = 0
        try:
            while len(held) - start >= _LENGTH:
                end = start + _LENGTH + int.from_bytes(held[start : start + _LENGTH], "big")
                if end > len(held):
                    return
                body = bytes(held[start + _LENGTH : end])
                start = end
                yield body
        finally:
            del held[:start]


class FrameProtocol(asyncio.Protocol, ABC):
    """One end of one connection. What a turn of the loop has to say goes out in one write."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    @abstractmethod
    def took(self, body: bytes) -> None:
        """The other end said this."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        for body in self._frames.feed(data):
            self.took(body)

    def send(self, octets: bytes) -> None:
        """Frames, in their order; nothing, once the connection is lost."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(octets)

    def _flush(self) -> None:
        out, self._out = self._out, []
        if out and self._transport is not None:
            self._transport.write(b"".join(out))

    def close(self) -> None:
        """Send what waits, then close. One that does not read its last frames keeps the connection: see `abort`."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close, whatever waits to be sent."""
        if self._transport is not None:
            self._transport.abort()
