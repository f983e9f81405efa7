"""What tests of publishers have in common, whichever broker they publish to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

import pytest

from whimbrel.net.brokers import BrokerError, Publisher, Record

_PATIENCE_S = 60


def be_patient(monkeypatch: pytest.MonkeyPatch, *publishers: ModuleType) -> None:
    """A broker that is slow because the machine is, is not given up."""
    for module in publishers:
        for name in ("_CONNECT_S", "_CONNECT_ALL_S", "_API_S", "_REQUEST_S", "_ACK_S"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, _PATIENCE_S)


def record(message: int, seq: int, size: int = 0) -> Record:
    """The event `seq` of a message."""
    key, event_id = f"SM{message:04}", f"EV{message:04}{seq:02}"
    event = {"id": event_id, "message_id": key, "seq": seq, "more": "x" * size}
    return Record(key, event_id, "message.sent", "AC1", False, json.dumps(event).encode())


def records(messages: int, events: int = 3) -> list[Record]:
    """The events of so many messages, mixed as in a log."""
    return [record(message, seq) for seq in range(1, events + 1) for message in range(messages)]


@asynccontextmanager
async def connected(made: Publisher) -> AsyncIterator[Publisher]:
    """It is connected as long as the block."""
    try:
        await made.connect()
        yield made
    finally:
        await made.close()


async def refusal(made: Publisher) -> str:
    """What a connection is refused with."""
    try:
        with pytest.raises(BrokerError) as caught:
            await made.connect()
        return str(caught.value)
    finally:
        await made.close()


async def publish_all(made: Publisher, wanted: list[Record]) -> None:
    """As a stream does it: what was not taken is published again, over a new connection."""
    left = wanted
    while left:
        taken: set[int] = set()
        try:
            await made.publish(left, taken.add)
        except BrokerError:
            await reconnected(made)
        left = [each for place, each in enumerate(left) if place not in taken]


async def reconnected(made: Publisher) -> None:
    """Once the broker is back."""
    async with asyncio.timeout(3 * _PATIENCE_S):
        while True:
            try:
                return await made.connect()
            except BrokerError:
                await asyncio.sleep(0.05)
