"""The client: texts at a steady rate, in batches, each request with an idempotency key; what gets no answer or an error
of the server is asked again, of another node, until it is accepted. Its log is what was acknowledged.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence

import msgspec

from tests.faults.wire import Answer, Connection, request

from .nodes import Node
from .scene import PREFIXES

_TICK_S = 0.01
_PATIENCE_S = 4.0  # for an answer, before another node is asked
_PAUSE_S = 0.05
_CLASSES = ("otp", "transactional", "transactional", "marketing")


class Sent(msgspec.Struct, gc=False):
    """One text; `id` is empty until it is acknowledged."""

    to: str
    text: str
    message_class: str
    id: str = ""


class Client:
    """Sends `rate_per_s` texts for `seconds`, `batch` in a request; `log` grows meanwhile."""

    def __init__(self, nodes: Sequence[Node], key: str, *, rate_per_s: float, seconds: float, batch: int) -> None:
        self.log: list[Sent] = []
        self.refused: list[str] = []
        self.asked_again = 0
        self.took_s: list[float] = []  # from when each request was due to its answer
        self._nodes = nodes
        self._key = key
        self._rate_per_s = rate_per_s
        self._count = int(rate_per_s * seconds)
        self._batch = batch
        self._due: deque[tuple[float, str, list[Sent]]] = deque()
        self._wake = asyncio.Semaphore(0)
        self._chance = random.Random(1)

    async def run(self, workers: int = 60) -> None:
        """Come back when everything is answered."""
        tasks = [asyncio.create_task(self._work()) for _ in range(workers)]
        began = time.monotonic()
        while len(self.log) < self._count:
            due = min(self._count, int((time.monotonic() - began) * self._rate_per_s) + self._batch)
            while len(self.log) + self._batch <= due:
                at = began + len(self.log) / self._rate_per_s
                sent = [_text(number) for number in range(len(self.log), len(self.log) + self._batch)]
                self.log += sent
                self._due.append((at, f"request-{len(self.log)}", sent))
                self._wake.release()
            if due == self._count:
                break
            await asyncio.sleep(_TICK_S)
        for _ in tasks:
            self._wake.release()
        await asyncio.gather(*tasks)

    def stop(self) -> None:
        """Send nothing more; `run` comes back when what was sent is answered."""
        self._count = len(self.log)

    async def _work(self) -> None:
        connections: dict[int, Connection] = {}
        while True:
            await self._wake.acquire()
            if not self._due:
                for connection in connections.values():
                    connection.close()
                return
            due, key, sent = self._due.popleft()
            await self._send(connections, key, sent)
            self.took_s.append(time.monotonic() - due)

    async def _send(self, connections: dict[int, Connection], key: str, sent: list[Sent]) -> None:
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": key}
        body = {"messages": [{"to": s.to, "text": s.text, "class": s.message_class} for s in sent]}
        octets = request("POST", "/v1/messages/batch", body, headers)
        while True:
            answer = await self._ask(connections, octets)
            if answer is not None and answer.status == 202:
                for one, told in zip(sent, answer.json()["data"], strict=True):
                    one.id = told.get("id", "")
                    if not one.id:
                        self.refused.append(str(told)[:200])
                return
            if answer is not None and answer.status not in (409, 429, 500, 502, 503):
                self.refused.append(f"{answer.status} {answer.body[:200]!r}")
                return
            self.asked_again += 1
            await asyncio.sleep(_PAUSE_S)

    async def _ask(self, connections: dict[int, Connection], octets: bytes) -> Answer | None:
        """None: no answer; another node is asked the next time, most likely."""
        port = self._chance.choice(self._nodes).port
        try:
            async with asyncio.timeout(_PATIENCE_S):
                if port not in connections:
                    connections[port] = await Connection.open(port)
                return await connections[port].ask(octets)
        except (OSError, TimeoutError):
            dead = connections.pop(port, None)
            if dead is not None:
                dead.close()
            return None


def _text(number: int) -> Sent:
    turn, place = divmod(number, len(PREFIXES))
    to = f"+{PREFIXES[place]}{turn:06d}"  # numbers that exist: the first 500,000 of a prefix
    return Sent(to, f"n{number:07d} your order is on its way", _CLASSES[number % len(_CLASSES)])
