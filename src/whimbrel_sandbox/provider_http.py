"""The port of the provider over HTTP: HTTP/1.1 as little as a simulator needs, so that a connection can be dropped
where a test wants it dropped. `POST /messages` with JSON or a form, `GET /messages` with a query.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from whimbrel_sandbox.center import Center
from whimbrel_sandbox.provider import Answer, End, Provider, Request

_HEAD_MAX: Final = 64 * 1024
_BODY_MAX: Final = 1024 * 1024
_PATH: Final = "/messages"
_REASONS: Final = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class ProviderServer:
    """Serves a bound socket."""

    def __init__(self, center: Center, provider: Provider) -> None:
        self._center = center
        self._provider = provider
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def start(self, bound: socket.socket) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, sock=bound, limit=_HEAD_MAX)

    async def stop(self) -> None:
        """Drop every connection, and call nobody any more."""
        if self._server is not None:
            self._server.close()
        tasks = [task for task in self._open.values() if task is not None]
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._provider.callbacks.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link, sequence = self._center.next_link(), 0
        self._open[writer] = asyncio.current_task()
        try:
            while True:
                sequence += 1
                if not await self._exchange(reader, writer, link, sequence):
                    break
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # who left, or speaks something else, is no concern of a simulator
        finally:
            self._open.pop(writer)
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: int, sequence: int
    ) -> bool:
        """One request and its answer; False when the connection is to be dropped."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= _BODY_MAX or "transfer-encoding" in headers:
            return False
        body = await reader.readexactly(length)
        url = urlsplit(target)
        if url.path != _PATH or method not in ("GET", "POST"):
            answer = Answer(404, b'{"error":"there is POST /messages"}')
        else:
            fields = _fields(url.query, headers.get("content-type", ""), body)
            answer = self._provider.submit(Request(link, sequence, headers.get("authorization", ""), fields))
        if answer.wait_ms:
            await asyncio.sleep(answer.wait_ms / 1000)
        if answer.end is End.SILENCE:
            await reader.read()  # until the client leaves
        if answer.end is not None:
            return False
        writer.write(_written(answer))
        await writer.drain()
        return True


def _fields(query: str, kind: str, body: bytes) -> dict[str, object]:
    """The fields of a request; of a name that stands several times, a list. Raises ValueError."""
    if kind.startswith("application/json"):
        return msgspec.json.decode(body, type=dict[str, object])
    pairs = parse_qs(body.decode() if body else query, keep_blank_values=True)
    return {name: values[0] if len(values) == 1 else values for name, values in pairs.items()}


def _written(answer: Answer) -> bytes:
    reason = _REASONS.get(answer.status, "Whatever")
    lines = [f"HTTP/1.1 {answer.status} {reason}", f"content-length: {len(answer.body)}"]
    lines.append("content-type: application/json")
    if answer.retry_after_s:
        lines.append(f"retry-after: {answer.retry_after_s}")
    return "\r\n".join([*lines, "", ""]).encode() + answer.body
