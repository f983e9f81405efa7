"""HTTP/1.1 as the client of the fault suite speaks it: keep-alive connections with one request in flight on each, and
waiting for a condition.

Apart from any library, because the rig wants to know exactly which request was answered when the other side died.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import msgspec


class Answer(NamedTuple):
    """A whole answer; `head` is in lower case."""

    status: int
    head: bytes
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waiter: asyncio.Future[Answer] | None = None
        self._lost = False

    @classmethod
    async def open(cls, port: int) -> "Connection":
        _, made = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        place = head.find(b"content-length:")
        length = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        answer = Answer(int(head[9:12]), head, self._buffer[end + 4 : end + 4 + length])
        self._buffer = self._buffer[end + 4 + length :]
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionError("closed"))

    async def ask(self, octets: bytes) -> Answer:
        """The answer; OSError when the connection ends before it is whole."""
        if self._lost or self._transport is None:
            raise ConnectionError("closed")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(octets)
        return await self._waiter

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def request(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
    """A request's octets; `body` becomes JSON."""
    octets = b"" if body is None else msgspec.json.encode(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(octets)}"]
    if octets:
        lines.append("Content-Type: application/json")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + octets


async def call(port: int, method: str, path: str, body: Any = None, key: str = "") -> Answer:
    """One request on a connection of its own."""
    connection = await Connection.open(port)
    try:
        return await connection.ask(request(method, path, body, {"Authorization": f"Bearer {key}"} if key else {}))
    finally:
        connection.close()


def now_us() -> int:
    """The clock that all logs of a round share."""
    return time.time_ns() // 1000


async def until(condition: Callable[[], Any], within_s: float, what: str) -> Any:
    """The first true value of `condition`, asked again and again; TimeoutError after `within_s`."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s} s: {what}")
        await asyncio.sleep(0.02)
