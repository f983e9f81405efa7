"""The customer's webhook endpoint in a process of its own: answers 204 and remembers which events and messages it was
told of. `python -m tests.scale.sink` prints its port. `GET /counts` tells how many posts, events and messages;
`GET /messages` their ids, one a line.
"""

import asyncio
import json
import re
import sys
from typing import cast

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_EVENT = re.compile(rb"webhook-id: *(\S+)", re.IGNORECASE)


class Told:
    """What came."""

    def __init__(self) -> None:
        self.posts = 0
        self.events: set[bytes] = set()
        self.messages: set[str] = set()

    def post(self, head: bytes, body: bytes) -> None:
        event = _EVENT.search(head)
        assert event is not None, head
        self.posts += 1
        self.events.add(event[1])
        self.messages.add(json.loads(body)["message_id"])

    def answer(self, path: bytes) -> bytes:
        if path == b"/messages":
            return "\n".join(sorted(self.messages)).encode()
        return json.dumps({"posts": self.posts, "events": len(self.events), "messages": len(self.messages)}).encode()


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head, length = self._buffer[:end], _LENGTH.search(self._buffer, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"POST"):
            self._told.post(head, body)
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            return
        shown = self._told.answer(head.split(b" ", 2)[1])
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(shown), shown))


async def serve() -> None:
    """Until killed."""
    told = Told()
    server = await asyncio.get_running_loop().create_server(lambda: Sink(told), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
