"""The load generator: HTTP/1.1 keep-alive connections with one request in flight on each, unique numbers, latencies of
every answer. A process of its own: `python -m bench.load PLAN` reads a plan as JSON and prints a result as JSON.

Closed loop (rate 0): the next request follows the answer. Open loop: requests are due at a fixed rate, and the latency
counts from when a request was due, so that a stall is not hidden (coordinated omission).
"""

import asyncio
import sys
import time
from typing import cast

import msgspec
import uvloop


class Plan(msgspec.Struct, frozen=True):
    """What to send."""

    host: str
    port: int
    key: str
    messages: int
    batch: int = 1  # messages a request
    connections: int = 50
    rate_per_s: float = 0.0  # requests; 0: as fast as answers come
    first: int = 0  # number of the first recipient, so that scenarios do not share any
    text: str = "Your order 4711 has left our house and arrives tomorrow between nine and noon."


class Result(msgspec.Struct, frozen=True):
    """What came back."""

    accepted: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float


class _Connection(asyncio.Protocol):
    """One connection; `ask` sends a request and gives its status."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waiter: asyncio.Future[int] | None = None

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
        status = int(self._buffer[9:12])
        self._buffer = self._buffer[end + 4 + length :]
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionError("closed"))

    def ask(self, octets: bytes) -> "asyncio.Future[int]":
        assert self._transport is not None
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(octets)
        return self._waiter


class _Load:
    """A plan under way."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._next = 0
        self._requests = -(-plan.messages // plan.batch)
        self._latencies: list[float] = []
        self._accepted = 0
        self._refused = 0

    def _octets(self, number: int) -> bytes:
        plan = self._plan
        first = plan.first + number * plan.batch
        messages = [
            {"to": f"+4479{11_000_000 + first + i:08d}", "text": plan.text}
            for i in range(min(plan.batch, plan.messages - number * plan.batch))
        ]
        path = "/v1/messages" if plan.batch == 1 else "/v1/messages/batch"
        body = msgspec.json.encode(messages[0] if plan.batch == 1 else {"messages": messages})
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {plan.host}\r\nAuthorization: Bearer {plan.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def _work(self, start: float) -> None:
        plan, loop = self._plan, asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, plan.host, plan.port)
        while self._next < self._requests:
            number, self._next = self._next, self._next + 1
            due = start + number / plan.rate_per_s if plan.rate_per_s else time.perf_counter()
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            octets = self._octets(number)
            began = due if plan.rate_per_s else time.perf_counter()
            status = await connection.ask(octets)
            self._latencies.append(time.perf_counter() - began)
            if status == 202:
                self._accepted += plan.batch
            else:
                self._refused += plan.batch

    async def run(self) -> Result:
        start = time.perf_counter()
        await asyncio.gather(*(self._work(start) for _ in range(self._plan.connections)))
        seconds = time.perf_counter() - start
        ordered = sorted(self._latencies)
        return Result(
            accepted=min(self._accepted, self._plan.messages),
            refused=self._refused,
            seconds=seconds,
            p50_ms=_at(ordered, 0.50),
            p99_ms=_at(ordered, 0.99),
            max_ms=ordered[-1] * 1000,
        )


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def main() -> None:
    """Run the plan of the command line."""
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    result = uvloop.run(_Load(plan).run())
    sys.stdout.write(msgspec.json.encode(result).decode() + "\n")


if __name__ == "__main__":
    main()
