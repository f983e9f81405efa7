"""The client: texts at a steady rate over keep-alive connections, each with a number and words of its own, and its log
of what was acknowledged. A request is due at its time whether or not the ones before were answered.
"""

import asyncio
import random
import time
from collections import deque
from typing import Any

import msgspec

from tests.faults.wire import Connection, request

CONNECTIONS = 200
_TICK_S = 0.01
_LONG_WORDS = 45  # of ten characters: three segments
_LONG_SHARE = 0.05
_RETRY_SHARE = 0.02  # codes that ask for one more try after doubt
_CLASSES = ("otp", "transactional", "transactional", "marketing")

FLAPPING, THROTTLING, RECEIPTS = PREFIXES = ("447911", "447912", "447913")
"""Where numbers begin, by the carrier that stands first on their route."""
_OF_THE_LOAD = (FLAPPING, RECEIPTS, FLAPPING, THROTTLING, RECEIPTS)


class Sent(msgspec.Struct):
    """One request; `id` is empty until it is acknowledged."""

    to: str
    text: str
    message_class: str
    retry_once: bool
    id: str = ""
    refused: str = ""

    def json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"to": self.to, "text": self.text, "class": self.message_class}
        return {**shown, "on_doubt": "retry_once"} if self.retry_once else shown


def text(number: int, chance: random.Random) -> Sent:
    """The text of a number, counted from 0."""
    name = f"n{number:06d}"
    words = " ".join(f"{name}w{word:02d}" for word in range(_LONG_WORDS))
    once = chance.random() < _RETRY_SHARE
    return Sent(
        to=f"+{_OF_THE_LOAD[number % len(_OF_THE_LOAD)]}{number:06d}",
        text=words if chance.random() < _LONG_SHARE else f"{name} your order is on its way",
        message_class="otp" if once else chance.choice(_CLASSES),
        retry_once=once,
    )


class Client:
    """Sends at `rate_per_s` for `seconds`; `log` grows meanwhile."""

    def __init__(self, rate_per_s: float, seconds: float, chance: random.Random) -> None:
        self.log: list[Sent] = []
        self.late_s: list[float] = []  # from when each was due to its answer
        self._rate_per_s = rate_per_s
        self._messages = int(rate_per_s * seconds)
        self._chance = chance
        self._due: deque[tuple[float, Sent]] = deque()
        self._wake = asyncio.Semaphore(0)

    async def run(self, port: int, key: str) -> None:
        """Come back when everything is answered."""
        workers = [asyncio.create_task(self._work(port, key)) for _ in range(CONNECTIONS)]
        began = time.monotonic()
        while len(self.log) < self._messages:
            due = min(self._messages, int((time.monotonic() - began) * self._rate_per_s) + 1)
            for number in range(len(self.log), due):
                self.log.append(text(number, self._chance))
                self._due.append((began + number / self._rate_per_s, self.log[-1]))
                self._wake.release()
            await asyncio.sleep(_TICK_S)
        for _ in workers:
            self._wake.release()
        await asyncio.gather(*workers)

    async def _work(self, port: int, key: str) -> None:
        connection = await Connection.open(port)
        headers = {"Authorization": f"Bearer {key}"}
        while True:
            await self._wake.acquire()
            if not self._due:
                connection.close()
                return
            due, sent = self._due.popleft()
            answer = await connection.ask(request("POST", "/v1/messages", sent.json(), headers))
            self.late_s.append(time.monotonic() - due)
            if answer.status == 202:
                sent.id = answer.json()["id"]
            else:
                sent.refused = f"{answer.status} {answer.body[:200].decode('utf-8', 'replace')}"
