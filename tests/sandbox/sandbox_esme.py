"""A small SMPP client on the product's codec, for the simulator's tests: it keeps all it received and waits for what
a test expects, with a deadline and without sleeps.
"""

import asyncio
from collections.abc import Callable

from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.pdu import BadPdu, Bind, Decoder, MessageId, Pdu, ShortMessage, encode
from whimbrel.codec.smpp.tables import (
    BIND_TRANSCEIVER,
    DATA_SM,
    DELIVER_SM,
    RESPONSE_BIT,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
)

DEADLINE_S = 60


def reserved(number: str) -> str:
    return f"1500555{number}"


async def eventually(condition: Callable):
    """The first true answer of `condition`, asked again each millisecond; TimeoutError after the deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not (result := condition()):  # noqa: ASYNC110 - the simulator has no event for its every state
            await asyncio.sleep(0.001)
        return result


class Esme:
    """One connection. `answers` decides the status of the next deliver_sm_resp; None leaves it unanswered."""

    def __init__(self) -> None:
        self.received: list[Pdu | BadPdu] = []
        self.is_closed = self.was_reset = False
        self.octets = 0
        self.answers: Callable[[Pdu], int | None] = lambda pdu: 0
        self.sequence = 0
        self._changed = asyncio.Event()

    @classmethod
    async def connect(cls, port: int) -> "Esme":
        esme = cls()
        esme.reader, esme.writer = await asyncio.open_connection("127.0.0.1", port)
        esme._task = asyncio.create_task(esme._read())
        return esme

    @classmethod
    async def bound(cls, port: int, *, system_id: str = "esme", password: str = "", command: int = BIND_TRANSCEIVER):
        esme = await cls.connect(port)
        bound = await esme.ask(Pdu(command, 0, esme.next(), Bind(system_id, password)))
        assert bound.status == 0
        return esme

    async def _read(self) -> None:
        decoder = Decoder()
        try:
            while data := await self.reader.read(65536):
                self.octets += len(data)
                for pdu in decoder.feed(data):
                    self.received.append(pdu)
                    if pdu.command_id in (DELIVER_SM, DATA_SM) and (status := self.answers(pdu)) is not None:
                        self.send(Pdu(pdu.command_id | RESPONSE_BIT, status, pdu.sequence, MessageId("")))
                self._changed.set()
        except ConnectionError:
            self.was_reset = True
        self.is_closed = True
        self._changed.set()

    def next(self) -> int:
        self.sequence += 1
        return self.sequence

    def send(self, *pdus: Pdu) -> None:
        self.writer.write(b"".join(encode(pdu) for pdu in pdus))

    def submit(self, dest: str, text: bytes = b"hello", *, registered: int = 1, tlvs=(), **fields) -> int:
        """Send a submit_sm; answers its sequence number."""
        body = ShortMessage(
            source_ton=5, source="Shop", dest_ton=1, dest_npi=1, dest=dest, registered_delivery=registered,
            short_message=text, **fields,
        )  # fmt: skip
        sequence = self.next()
        self.send(Pdu(SUBMIT_SM, 0, sequence, body, tlvs))
        return sequence

    async def ask(self, pdu: Pdu) -> Pdu:
        self.send(pdu)
        return await self.response(pdu.sequence)

    async def response(self, sequence: int) -> Pdu:
        """The response (or generic_nack) with this sequence number."""
        return (await self.until(lambda: [p for p in self.received if p.command_id >> 31 and p.sequence == sequence]))[
            0
        ]

    async def submitted(self, dest: str, text: bytes = b"hello", **fields) -> Pdu:
        return await self.response(self.submit(dest, text, **fields))

    async def deliveries(self, count: int) -> list[Pdu]:
        await self.until(lambda: len(self.delivered()) >= count)
        return self.delivered()

    async def receipts(self, count: int) -> list[receipt.Receipt]:
        await self.until(lambda: len(self.receipted()) >= count)
        return [receipt.parse(p.body.short_message, p.body.data_coding, p.tlvs) for p in self.receipted()]

    def delivered(self) -> list[Pdu]:
        return [pdu for pdu in self.received if pdu.command_id == DELIVER_SM]

    def receipted(self) -> list[Pdu]:
        return [pdu for pdu in self.delivered() if receipt.is_receipt(pdu.body.esm_class)]

    def responses(self) -> list[Pdu]:
        return [pdu for pdu in self.received if pdu.command_id == SUBMIT_SM_RESP]

    async def until(self, found: Callable):
        """The first true answer of `found`, asked again whenever something came; TimeoutError after the deadline."""
        async with asyncio.timeout(DEADLINE_S):
            while not (result := found()):
                self._changed.clear()
                await self._changed.wait()
            return result

    async def closed(self) -> None:
        await self.until(lambda: self.is_closed)

    async def vanish(self) -> None:
        """Go without a word."""
        self.writer.transport.abort()
        await asyncio.wait([self._task])

    async def leave(self) -> None:
        self.writer.close()
        await asyncio.wait([self._task])
