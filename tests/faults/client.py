"""The client: unique texts to unique numbers over keep-alive connections, alone and in batches, some with an
Idempotency-Key, and its own log of what was acknowledged and what stayed unanswered.

After a death it goes on as a careful application does: what was never sent is sent, what stayed unanswered is sent
again where it has a key, and is left alone where it has none.
"""

import asyncio
import random
from collections import deque
from typing import Any

import msgspec

from .wire import Answer, Connection, now_us, request

_LONG_WORDS = 45  # of ten characters: three segments


class Text(msgspec.Struct, frozen=True):
    """One message: its number and its text are its own."""

    to: str
    text: str
    message_class: str
    retry_once: bool = False

    def json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"to": self.to, "text": self.text, "class": self.message_class}
        return {**shown, "on_doubt": "retry_once"} if self.retry_once else shown


class Sending(msgspec.Struct):
    """One request and what the client knows of it: 0 where something has not happened."""

    texts: tuple[Text, ...]
    key: str | None
    sent_at: int = 0
    acknowledged_at: int = 0
    replayed: bool = False
    ids: tuple[str, ...] = ()
    unexpected: str = ""
    reference: int | None = None  # over SMPP, in place of a key

    @property
    def may_be_sent(self) -> bool:
        is_repeatable = self.key is not None or self.reference is not None
        return not self.acknowledged_at and (not self.sent_at or is_repeatable)

    def octets(self, api_key: str) -> bytes:
        headers = {"Authorization": f"Bearer {api_key}"}
        if self.key is not None:
            headers["Idempotency-Key"] = self.key
        if len(self.texts) == 1:
            return request("POST", "/v1/messages", self.texts[0].json(), headers)
        return request("POST", "/v1/messages/batch", {"messages": [text.json() for text in self.texts]}, headers)

    def take(self, answer: Answer) -> None:
        """Write the answer down. 409 and 503 say that nothing was stored now: the client comes again."""
        if answer.status != 202:
            self.sent_at = 0
            if answer.status not in {409, 503}:
                self.unexpected = f"{answer.status} {answer.body[:300].decode('utf-8', 'replace')}"
            return
        body = answer.json()
        shown = [body] if len(self.texts) == 1 else body["data"]
        ids = tuple(one.get("id", "") for one in shown)
        if len(ids) != len(self.texts) or not all(ids):
            self.unexpected = answer.body[:300].decode("utf-8", "replace")
            return
        self.acknowledged_at = now_us()
        self.replayed = b"idempotent-replayed: true" in answer.head
        self.ids = ids


class Mix(msgspec.Struct, frozen=True):
    """What a client sends."""

    messages: int
    batch_share: float = 0.5  # of messages that go in batches
    long_share: float = 0.05
    keyed_share: float = 0.6  # of requests
    retry_once_share: float = 0.0


def sendings(mix: Mix, chance: random.Random, tag: str, first: int) -> list[Sending]:
    """The requests of a mix in their order; numbers count from `first`."""
    made: list[Sending] = []
    total = 0
    while total < mix.messages:
        wanted = chance.randint(20, 80) if chance.random() < mix.batch_share / 25 else 1
        wanted = min(wanted, mix.messages - total)
        texts = tuple(_text(mix, chance, tag, first + total + i) for i in range(wanted))
        total += wanted
        made.append(Sending(texts, f"{tag}-{len(made)}" if chance.random() < mix.keyed_share else None))
    return made


def _text(mix: Mix, chance: random.Random, tag: str, number: int) -> Text:
    name = f"{tag}{number:05d}"
    long = chance.random() < mix.long_share
    text = " ".join(f"{name}{word:02d}" for word in range(_LONG_WORDS)) if long else f"{name} your order is on its way"
    once = chance.random() < mix.retry_once_share
    kind = "otp" if once else chance.choice(("otp", "transactional", "transactional", "marketing"))
    return Text(f"+4479{11_000_000 + number:08d}", text, kind, once)


class Client:
    """Sends what is left, as often as it is told to."""

    def __init__(self, log: list[Sending]) -> None:
        self.log = log
        self.is_through = False
        self._left: deque[Sending] = deque()

    async def run(self, port: int, api_key: str, connections: int) -> None:
        """Send until nothing is left or the other side is gone."""
        self.is_through = False
        self._left = deque(sending for sending in self.log if sending.may_be_sent)
        await asyncio.gather(*(self._work(port, api_key) for _ in range(connections)))
        self.is_through = True

    async def _work(self, port: int, api_key: str) -> None:
        try:
            connection = await Connection.open(port)
        except OSError:
            return
        try:
            while self._left:
                await self._send(connection, self._left.popleft(), api_key)
        except OSError:
            return
        finally:
            connection.close()

    async def _send(self, connection: Connection, sending: Sending, api_key: str) -> None:
        sending.sent_at = sending.sent_at or now_us()
        sending.take(await connection.ask(sending.octets(api_key)))
        if not sending.acknowledged_at and not sending.unexpected:
            self._left.append(sending)  # 409 while the first is under way, 503 while the server stops
            await asyncio.sleep(0.05)

    @property
    def acknowledged(self) -> int:
        """Messages that were acknowledged so far."""
        return sum(len(sending.ids) for sending in self.log)
