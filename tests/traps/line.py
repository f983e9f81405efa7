"""A whole installation whose carrier is an SMSC without rules: the test says which id a submit is answered with, and
writes the receipts itself. What a receipt does is looked at when it was acknowledged: then it is stored.
"""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.journey.rig import SENDER, Rig, rig
from tests.traps.raw_smsc import Connection, RawSmsc, listening, until
from whimbrel.codec.smpp.bodies import Body, DataSm, MessageId, ShortMessage
from whimbrel.codec.smpp.fields import Tlvs
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.tables import DATA_SM, DELIVER_SM, RESPONSE_BIT, SUBMIT_SM
from whimbrel.domain.model import Message

PHONE = "+447911123456"
USUAL = "id:{} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:{} err:{} text:Hello"

Answer = str | int | None
"""A message_id, a command_status, or None: no answer yet."""


def receipt(message_id: str, stat: str = "DELIVRD", err: str = "000") -> bytes:
    """The text of appendix B."""
    return USUAL.format(message_id, stat, err).encode()


class Line:
    """Short ways to send and to tell."""

    def __init__(self, r: Rig, smsc: RawSmsc) -> None:
        self.r = r
        self.smsc = smsc
        self.answers: deque[Answer] = deque()
        self.submits: list[tuple[Connection, Pdu]] = []
        self._sequence = 1000
        smsc.own = self._own

    def _own(self, connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id != SUBMIT_SM:
            return False
        self.submits.append((connection, pdu))
        answer = self.answers.popleft() if self.answers else None
        if answer is not None:
            self.answer(answer, len(self.submits) - 1)
        return True

    def answer(self, answer: str | int, place: int = -1) -> None:
        """Answer a submit that waits."""
        connection, pdu = self.submits[place]
        if isinstance(answer, str):
            connection.respond(pdu, 0, MessageId(answer))
        else:
            connection.respond(pdu, answer)

    async def add(self, name: str, *, binds: int = 1, **settings: Any) -> str:
        """A carrier that is bound to the SMSC."""
        before = sum(health.binds_up for health in self.r.app.worker.health().values())
        carrier_id = await self.r.add_carrier(name, host="127.0.0.1", port=self.smsc.port, binds=binds, **settings)
        await self.r.bound(before + binds)
        return carrier_id

    async def give(self, text: str = "Hello", phone: str = PHONE) -> str:
        """Hand in a text, and wait until it is on the wire; its id."""
        before = len(self.submits)
        (message_id,) = await self.r.send(self.r.draft(phone, text))
        await until(lambda: len(self.submits) > before)
        return message_id

    async def sent(self, *ids: str, text: str = "Hello", phone: str = PHONE) -> str:
        """A message that the carrier took, its parts under these ids."""
        self.answers.extend(ids)
        message_id = await self.give(text, phone)
        await self.r.settled(message_id, "sent")
        return message_id

    async def tell(
        self, text: bytes = b"", *, tlvs: Tlvs = (), connection: int = 0, esm_class: int = 4, **fields: Any
    ) -> int:
        """Bring a deliver_sm, and wait for its answer; the status."""
        addresses = {"source": PHONE[1:], "dest": SENDER[1:], "source_ton": 1, "dest_ton": 1}
        body = ShortMessage(**addresses | {"esm_class": esm_class, "short_message": text} | fields)
        return await self._bring(DELIVER_SM, body, tlvs, connection)

    async def tell_by_data_sm(self, tlvs: Tlvs, *, esm_class: int = 4) -> int:
        return await self._bring(DATA_SM, DataSm(source=PHONE[1:], dest=SENDER[1:], esm_class=esm_class), tlvs, 0)

    async def _bring(self, command_id: int, body: Body, tlvs: Tlvs, connection: int) -> int:
        self._sequence += 1
        sequence = self._sequence
        peer = self.smsc.connections[connection]
        peer.send(command_id, 0, sequence, body, tlvs)

        def answered() -> list[Pdu]:
            return [pdu for pdu in peer.of(command_id | RESPONSE_BIT) if pdu.sequence == sequence]

        (answer,) = await until(answered)
        return int(answer.status)

    async def state(self, message_id: str) -> str:
        return (await self.r.message(message_id)).state

    async def told(self, message_id: str) -> list[str]:
        """Types of its events after `sent`, without their family."""
        events = [kind.removeprefix("message.") for kind in await self.r.events(message_id)]
        return events[events.index("sent") + 1 :]

    async def inbound(self, count: int = 1) -> list[Message]:
        return await self.r.inbound(count)


@asynccontextmanager
async def line(folder: Path, *, binds: int = 1, **settings: Any) -> AsyncIterator[Line]:
    """An account with credit, and the SMSC as its only carrier."""
    async with listening(RawSmsc()) as smsc, rig(folder) as r:
        one = Line(r, smsc)
        r.account_id = await r.add_account("Acme", SENDER)
        await r.set_price()
        r.carrier_id = await one.add("raw", binds=binds, **settings)
        await r.add_route(r.carrier_id)
        yield one
