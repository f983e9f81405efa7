"""An SMSC without any rules, and a carrier that is bound to it without a journey: what a trap test needs to do wrong on
purpose and to see what leaves. Waiting is for conditions with a deadline.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any

import msgspec

from tests.servers import ended
from whimbrel.base.clock import SystemChance, SystemClock
from whimbrel.carriers.interface import Handlers, Inbound, Part, Reply, Report
from whimbrel.carriers.smpp import SmppCarrier
from whimbrel.codec.smpp.bodies import BindResp, Body, MessageId, ShortMessage
from whimbrel.codec.smpp.pdu import BadPdu, Decoder, Pdu, encode
from whimbrel.codec.smpp.tables import (
    BINDS,
    DELIVER_SM,
    ENQUIRE_LINK,
    RESPONSE_BIT,
    SUBMIT_SM,
    UNBIND,
)
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.model import Carrier
from whimbrel.net.recorder import Recorders

DEADLINE_S = 30.0
HOUR_US = 3_600_000_000
RECEIPT = b"id:%s sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:"


async def until(condition: Callable[[], Any], within_s: float = DEADLINE_S) -> Any:
    """Wait until `condition` gives something true, and give that."""
    async with asyncio.timeout(within_s):
        while True:
            found = condition()
            if found:
                return found
            await asyncio.sleep(0.002)


class Connection(asyncio.Protocol):
    """One connection: what came over it, and a way to answer with anything."""

    transport: asyncio.Transport

    def __init__(self, smsc: "RawSmsc") -> None:
        self.smsc = smsc
        self.got: list[Pdu] = []
        self.raw = b""
        self.is_closed = False
        self._decoder = Decoder()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.smsc.connections.append(self)

    def data_received(self, data: bytes) -> None:
        self.raw += data
        for pdu in self._decoder.feed(data):
            assert not isinstance(pdu, BadPdu), pdu
            self.got.append(pdu)
            self.smsc.answer(self, pdu)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True

    def send(
        self, command_id: int, status: int = 0, sequence: int = 1, body: Body | None = None, tlvs: Any = ()
    ) -> None:
        self.transport.write(encode(Pdu(command_id, status, sequence, body, tuple(tlvs))))

    def respond(self, pdu: Pdu, status: int = 0, body: Body | None = None, tlvs: Any = ()) -> None:
        self.send(pdu.command_id | RESPONSE_BIT, status, pdu.sequence, body, tlvs)

    def take(self, pdu: Pdu, message_id: str) -> None:
        """Accept a submit_sm."""
        self.respond(pdu, 0, MessageId(message_id))

    def receipt(self, message_id: str, sequence: int = 1000) -> None:
        text = RECEIPT % message_id.encode()
        body = ShortMessage(source="447911123456", dest="12025550100", esm_class=4, short_message=text)
        self.send(DELIVER_SM, 0, sequence, body)

    def of(self, command_id: int) -> list[Pdu]:
        return [pdu for pdu in self.got if pdu.command_id == command_id]

    @property
    def submits(self) -> list[Pdu]:
        return self.of(SUBMIT_SM)

    async def until_got(self, command_id: int, count: int = 1) -> list[Pdu]:
        return await until(lambda: (found := self.of(command_id)) and len(found) >= count and found)


class RawSmsc:
    """Listens; binds, enquire_links and unbinds are answered as they should be unless `own` says that it did."""

    def __init__(self, own: Callable[[Connection, Pdu], bool] | None = None) -> None:
        self.own = own or (lambda connection, pdu: False)
        self.connections: list[Connection] = []
        self.port = 0

    @property
    def last(self) -> Connection:
        return self.connections[-1]

    def answer(self, connection: Connection, pdu: Pdu) -> None:
        if self.own(connection, pdu):
            return
        if pdu.command_id in BINDS:
            connection.respond(pdu, 0, BindResp("SMSC"))
        elif pdu.command_id in (ENQUIRE_LINK, UNBIND):
            connection.respond(pdu)


@asynccontextmanager
async def listening(smsc: RawSmsc, tls: SSLContext | None = None) -> AsyncIterator[RawSmsc]:
    server = await asyncio.get_running_loop().create_server(lambda: Connection(smsc), "127.0.0.1", smsc.port, ssl=tls)
    smsc.port = server.sockets[0].getsockname()[1]
    try:
        yield smsc
    finally:
        await ended(server, [connection.transport for connection in smsc.connections])


class Bench:
    """A carrier, and what it handed in."""

    def __init__(self, settings: CarrierSettings, *, clock: Any = None) -> None:
        self.replies: list[Reply] = []
        self.reports: list[Report] = []
        self.texts: list[Inbound] = []
        self.store: Callable[[], Awaitable[None]] | None = None  # awaited before anything counts as stored
        self.clock = clock or SystemClock()
        handlers = Handlers(self.replies.extend, self._keep(self.reports), self._keep(self.texts), lambda: None)
        text = msgspec.json.encode(settings).decode()
        carrier = Carrier("CR1", "tern", "smpp", "active", False, text, b"", 0, 0)
        self.recorders = Recorders(self.clock.now_us)
        self.carrier = SmppCarrier(
            carrier, "secret", handlers, clock=self.clock, chance=SystemChance(), recorders=self.recorders
        )
        self._attempts = 0

    def _keep(self, where: list[Any]) -> Callable[[Sequence[Any]], Awaitable[None]]:
        async def keep(found: Sequence[Any]) -> None:
            if self.store is not None:
                await self.store()
            where.extend(found)

        return keep

    def part(self, text: str = "Hello", **more: Any) -> Part:
        self._attempts += 1
        fields: dict[str, Any] = {
            "attempt": self._attempts,
            "message_id": f"SM{self._attempts}",
            "source": "+12025550100",
            "destination": "+447911123456",
            "octets": text.encode(),
            "encoding": "gsm7",
            "expires_at": self.clock.now_us() + HOUR_US,
            "part": 1,
            "parts": 1,
            "tail_hash": 0,
            "priority": 1,
        }
        return Part(**fields | more)

    def submit(self, *parts: Part) -> None:
        self.carrier.submit(parts)

    def kinds(self) -> list[tuple[int, str]]:
        """Attempt and what became of it, in the order of the answers."""
        return [(reply.part.attempt, reply.kind) for reply in self.replies]

    async def up(self, count: int = 1) -> None:
        await until(lambda: self.carrier.health().binds_up >= count)


@asynccontextmanager
async def bench(smsc: RawSmsc, *, clock: Any = None, up: bool = True, **settings: Any) -> AsyncIterator[Bench]:
    """A carrier that is bound to `smsc`."""
    wanted = {"host": "127.0.0.1", "port": smsc.port, "system_id": "us"}
    quick = {"reconnect_min_s": 0.05, "reconnect_max_s": 0.1}
    made = Bench(CarrierSettings(**(wanted | quick | settings)), clock=clock)
    made.carrier.start()
    try:
        if up:
            await made.up()
        yield made
    finally:
        await made.carrier.stop(0.05)


@asynccontextmanager
async def bound(
    own: Callable[[Connection, Pdu], bool] | None = None, *, clock: Any = None, **settings: Any
) -> AsyncIterator[tuple[RawSmsc, Bench]]:
    """Both at once."""
    async with listening(RawSmsc(own)) as smsc, bench(smsc, clock=clock, **settings) as made:
        yield smsc, made
