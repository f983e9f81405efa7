"""The webhook sink, a process of its own that survives every kill: `python sink.py LOG` prints its port. Each POST is
one line in its append-only log (moment in microseconds, webhook-id, body), written before it is answered.
"""

import asyncio
import os
import sys
import time
from typing import cast

_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


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
        head = self._buffer[:end]
        fields = {name.lower(): value for name, value in (line.split(b": ", 1) for line in head.split(b"\r\n")[1:])}
        body_end = end + 4 + int(fields[b"content-length"])
        if len(self._buffer) < body_end:
            return None
        body, self._buffer = self._buffer[end + 4 : body_end], self._buffer[body_end:]
        at = time.time_ns() // 1000
        return b"%d %b %b\n" % (at, fields[b"webhook-id"], body)


async def _serve(path: str) -> None:
    Sink.log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
