"""The webhook sink, a process of its own: `python -m tests.soak.sink LOG` prints its port. Of each POST one short line
stays in its log (webhook-id, type, message, seq), because a long run brings more than a million.
"""

import asyncio
import os
import re
import sys
from typing import cast

import msgspec

_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb"webhook-id: *(\S+)", re.IGNORECASE)


class Told(msgspec.Struct):
    """What is kept of a body."""

    type: str
    seq: int
    message_id: str | None = None


_told = msgspec.json.Decoder(Told).decode


class Sink(asyncio.Protocol):
    """One connection; all write to one log."""

    log = -1

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._buffer += data
        lines: list[bytes] = []
        while (line := self._take()) is not None:
            lines.append(line)
        if lines:
            os.write(Sink.log, b"".join(lines))
            self._transport.write(_NO_CONTENT * len(lines))

    def _take(self) -> bytes | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        length, event = _LENGTH.search(self._buffer, 0, end), _ID.search(self._buffer, 0, end)
        assert length is not None and event is not None
        whole = end + 4 + int(length[1])
        if len(self._buffer) < whole:
            return None
        told = _told(self._buffer[end + 4 : whole])
        self._buffer = self._buffer[whole:]
        return f"{event[1].decode()} {told.type} {told.message_id or '-'} {told.seq}\n".encode()


async def serve(path: str) -> None:
    """Until killed."""
    Sink.log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
