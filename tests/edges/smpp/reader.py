"""A customer's bind that receives, and messages whose receipts are owed to it."""

from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.edges.edge_rig import until
from whimbrel.base.clock import SystemClock
from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.events import DeliverReceived
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import BIND_RECEIVER, BIND_TRANSMITTER
from whimbrel.store.owed import waiting

from .customer import Door, Esme, esme

ALL = {"registered_delivery": 1}


class Clock(SystemClock):
    """The machine's, set forward by a test: waits that would take seconds are over at once."""

    def __init__(self) -> None:
        self.ahead_us = 0
        self._stopped_us: int | None = None

    def stop(self) -> None:
        """What waits from now on is due when a test says so, however long the test takes."""
        self._stopped_us = super().monotonic_us()

    def now_us(self) -> int:
        return super().now_us() + self.ahead_us

    def monotonic_us(self) -> int:
        return (super().monotonic_us() if self._stopped_us is None else self._stopped_us) + self.ahead_us


Answer = Callable[[Pdu], int | None]


def well(pdu: Pdu) -> int:
    return Status.ESME_ROK


def never(pdu: Pdu) -> None:
    return None


class Reader:
    """A bind that receives; `answer` says with which status (None: not at all)."""

    def __init__(self, one: Esme, answer: Answer = well) -> None:
        self.one = one
        self.link = one.link
        self.answer = answer
        self.got: list[Pdu] = []
        one.mute = True
        self._on_events = one.on_events
        self.link._handlers = msgspec.structs.replace(self.link._handlers, on_events=self._take)

    def _take(self, link: Any, events: list[Any]) -> None:
        self._on_events(link, events)
        for event in events:
            if isinstance(event, DeliverReceived):
                self.got.append(event.pdu)
                status = self.answer(event.pdu)
                if status is not None:
                    link.respond(event.pdu, status)

    @property
    def ids(self) -> list[str]:
        """Ids of the receipts that came, in order."""
        found = [receipt.parse(pdu.body.short_message, 0, pdu.tlvs) for pdu in self.got]
        return [each.message_ids[0] for each in found if each]

    async def has(self, count: int) -> list[Pdu]:
        await until(lambda: len(self.got) >= count)
        return self.got


@asynccontextmanager
async def reading(door: Door, answer: Answer = well, command_id: int = BIND_RECEIVER, **bind: Any):
    """A bind that receives."""
    async with esme(door.port) as one:
        reader = Reader(one, answer)
        assert (await one.bind(command_id, **bind)).status == 0
        yield reader


async def sent(door: Door, count: int = 1, **fields: Any) -> list[str]:
    """Messages that came over a transmitter that is gone again, once their receipts are owed; their ids."""
    async with door.bound(BIND_TRANSMITTER) as one:
        ids = [(await one.submit(**ALL | fields)).body.message_id for _ in range(count)]
    await owed(door, count)
    return ids


async def owed(door: Door, count: int) -> None:
    """Wait until so many rows are owed to the customer."""

    async def there() -> bool:
        found = await waiting(door.app.store, [door.credential_id])
        return found[door.credential_id].count == count

    await until(there)
