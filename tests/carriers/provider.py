"""A provider over HTTP at the other end of a carrier: a real server over loopback that answers as a test says, and
keeps what it heard. Its list of requests is what counts: what a carrier says it sent may be wrong."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.servers import ended
from whimbrel.base.clock import SystemChance, SystemClock
from whimbrel.carriers.http import HttpCarrier, client_of
from whimbrel.carriers.interface import Handlers, Part, Reply
from whimbrel.codec import gsm7
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.model import Carrier

HOUR_US = 3_600_000_000
FIELDS = {"to": "{to}", "from": "{from_digits}", "text": "{text}", "ref": "{reference}", "callback": "{callback}"}


class Heard(msgspec.Struct, frozen=True):
    """A request as it came."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Drop:
    """In place of an answer: the connection is closed. `after`: what is said before."""

    def __init__(self, after: bytes = b"") -> None:
        self.after = after


class Hang:
    """In place of an answer: nothing comes."""


Answer = bytes | Drop | Hang


def says(status: int, body: Any = None, **headers: str) -> bytes:
    octets = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(octets)}", "", ""]).encode() + octets


class Provider:
    """Answers each request with what `answer` makes of it; by default it takes everything, with ids P1, P2, …"""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.heard: list[Heard] = []
        self.answer: Callable[[Heard], Answer] = lambda heard: says(201, {"id": f"P{len(self.heard)}"})
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, at the port that it had before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Be gone."""
        if self._server is not None:
            server, self._server = self._server, None
            await ended(server, [writer.transport for writer in self._writers])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                heard = await self._hear(reader)
                answer = self.answer(heard)
                if isinstance(answer, Hang):
                    continue
                writer.write(answer.after if isinstance(answer, Drop) else answer)
                await writer.drain()
                if isinstance(answer, Drop):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _hear(self, reader: asyncio.StreamReader) -> Heard:
        line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
        heard = Heard(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
        self.heard.append(heard)
        return heard


class Bench:
    """A carrier, and what it handed in."""

    def __init__(self, settings: HttpSettings, callback: str) -> None:
        self.replies: list[Reply] = []
        self.may_submit = True
        self.clock = SystemClock()
        handlers = Handlers(self.replies.extend, _none, _none, lambda: None, lambda: self.may_submit)
        text = msgspec.json.encode(settings).decode()
        self.carrier = HttpCarrier(
            Carrier("CR1", "tern", "http", "active", False, text, b"", 0, 0),
            "secret",
            handlers,
            client=client_of(settings),
            callback=lambda: callback,
            clock=self.clock,
            chance=SystemChance(),
        )
        self._attempts = 0

    def part(self, text: str = "Hello", **more: Any) -> Part:
        self._attempts += 1
        fields: dict[str, Any] = {
            "attempt": self._attempts,
            "message_id": f"SM{self._attempts}",
            "source": "+12025550100",
            "destination": "+447911123456",
            "octets": gsm7.encode(text),
            "encoding": "gsm7",
            "expires_at": self.clock.now_us() + HOUR_US,
            "part": 1,
            "parts": 1,
            "tail_hash": 0,
            "priority": 1,
        }
        return Part(**fields | more)

    async def send(self, *parts: Part) -> list[Reply]:
        """The replies, once there is one for each of all parts so far."""
        self.carrier.submit(parts)
        return await self.answered(self._attempts)

    async def answered(self, count: int) -> list[Reply]:
        await until(lambda: len(self.replies) >= count)
        return self.replies

    def rested(self) -> float:
        """The rest of the carrier is over now; how many seconds it would have taken."""
        handle = self.carrier._sender._rest
        assert handle is not None, "it does not rest"
        left_s = handle.when() - asyncio.get_running_loop().time()
        handle.cancel()
        self.carrier._sender._rested()
        return left_s

    def kinds(self) -> list[tuple[int, str]]:
        """Attempt and what became of it, in the order of attempts: each exactly once."""
        return sorted((reply.part.attempt, reply.kind) for reply in self.replies)


async def _none(brought: Sequence[Any]) -> None:
    raise AssertionError("nothing comes in over HTTP requests of ours")


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.002)


@asynccontextmanager
async def provider(tls: ssl.SSLContext | None = None) -> AsyncIterator[Provider]:
    made = Provider(tls)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def carrier(port: int, *, callback: str = "https://us.example/r", **settings: Any) -> AsyncIterator[Bench]:
    usual = {
        "url": f"http://127.0.0.1:{port}/v1/messages",
        "fields": FIELDS,
        "reconnect_min_s": 0.02,
        "reconnect_max_s": 0.05,
    }
    made = Bench(HttpSettings(**usual | settings), callback)
    made.carrier.start()
    try:
        yield made
    finally:
        await made.carrier.stop(0.0)
