"""A customer's ESME over a real connection, and the rig with a credential for it: the application of `edge_rig` with
its SMPP door on a free port.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.edges.edge_rig import ACTOR, Edge, running_edge, until
from whimbrel.codec.smpp import events as ev
from whimbrel.codec.smpp.bodies import Bind, Body, ShortMessage
from whimbrel.codec.smpp.events import Role, Settings
from whimbrel.codec.smpp.pdu import Pdu, Tlvs
from whimbrel.codec.smpp.tables import BIND_TRANSCEIVER, SUBMIT_SM
from whimbrel.config import Smpp
from whimbrel.domain.customers import CustomerSettings
from whimbrel.domain.model import Message
from whimbrel.manage import smpp_credentials
from whimbrel.net.smpp import LinkHandlers, SmppLink
from whimbrel_sandbox.log import Submitted

PASSWORD = "s3cret-8"  # many clients send no more than the eight characters of SMPP 3.4 4.1.1
SYSTEM_ID = "acme"
TO = "14155550123"
QUIET = Settings(window=2000, enquire_link_ms=0, response_timeout_ms=120_000, bind_timeout_ms=60_000)
DOOR = Smpp(port=0, bind_deadline_s=60)


class Esme:
    """A customer's bind: sends requests, keeps what comes."""

    def __init__(self) -> None:
        self.link: SmppLink
        self.came: list[ev.Event] = []
        self.closed = ""
        self._waiting: dict[int, asyncio.Future[Pdu]] = {}
        self._tokens = 0
        self.mute = False

    def on_events(self, link: SmppLink, events: list[ev.Event]) -> None:
        for event in events:
            if isinstance(event, ev.Answered | ev.Nacked) and event.token in self._waiting:
                self._waiting.pop(event.token).set_result(event.pdu)
            else:
                self.came.append(event)
            if isinstance(event, ev.DeliverReceived) and not self.mute:
                link.respond(event.pdu)

    def on_closed(self, link: SmppLink, tokens: list[Any], reason: str) -> None:
        self.closed = reason
        for token in tokens:
            self._waiting.pop(token).cancel()

    async def bind(self, command_id: int = BIND_TRANSCEIVER, **fields: Any) -> Pdu:
        """The answer to a bind."""
        given = {"system_id": SYSTEM_ID, "password": PASSWORD} | fields
        self.link.bind(command_id, Bind(**given))
        await until(lambda: self.seen(ev.Bound, ev.BindRefused) or self.closed)
        found = self.seen(ev.Bound, ev.BindRefused)
        assert found, self.closed
        return found[-1].pdu

    def seen(self, *kinds: type) -> list[Any]:
        return [event for event in self.came if isinstance(event, kinds)]

    def ask(self, command_id: int, body: Body | bytes | None, tlvs: Tlvs = ()) -> "asyncio.Future[Pdu]":
        """Send a request; the future brings its answer."""
        self._tokens += 1
        future = asyncio.get_running_loop().create_future()
        self._waiting[self._tokens] = future
        self.link.send(command_id, body, token=self._tokens, tlvs=tlvs)
        return future

    def submit(self, text: bytes = b"Hello", *, tlvs: Tlvs = (), **fields: Any) -> "asyncio.Future[Pdu]":
        """A submit_sm to a number that is delivered."""
        given = {"source_ton": 1, "source_npi": 1, "source": "12025550100", "dest_ton": 1, "dest_npi": 1, "dest": TO}
        return self.ask(SUBMIT_SM, ShortMessage(**given | {"short_message": text} | fields), tlvs)


@asynccontextmanager
async def esme(port: int, settings: Settings = QUIET, **more: Any) -> AsyncIterator[Esme]:
    """A connection that has not bound."""
    one, loop = Esme(), asyncio.get_running_loop()
    one.link = SmppLink(loop, Role.ESME, settings, LinkHandlers(one.on_events, one.on_closed))
    await loop.create_connection(lambda: one.link, "127.0.0.1", port, **more)
    try:
        yield one
    finally:
        one.link.abort()


class Door:
    """The running application and its SMPP door."""

    def __init__(self, edge: Edge) -> None:
        assert edge.app.smpp is not None
        self.edge = edge
        self.app = edge.app
        self.port = edge.app.smpp.ports[0]
        self.credential_id = ""

    async def credential(self, system_id: str = SYSTEM_ID, *, test: bool = False, **settings: Any) -> str:
        """A credential of the customer; its id."""
        request = smpp_credentials.NewSmppCredential(
            name=system_id, system_id=system_id, password=PASSWORD, settings=CustomerSettings(**settings)
        )
        made = await smpp_credentials.create(
            self.app.manage, ACTOR, request, account_id=self.edge.customer.id, test=test
        )
        return made.id

    async def change(self, **fields: Any) -> None:
        """Change the credential."""
        change = smpp_credentials.SmppCredentialChange(**fields)
        await smpp_credentials.update(
            self.app.manage, ACTOR, self.credential_id, change, account_id=self.edge.customer.id, test=False
        )

    @asynccontextmanager
    async def bound(self, command_id: int = BIND_TRANSCEIVER, **fields: Any) -> AsyncIterator[Esme]:
        """A bind of the customer."""
        async with esme(self.port) as one:
            answer = await one.bind(command_id, **fields)
            assert answer.status == 0, answer
            yield one

    async def messages(self) -> list[Message]:
        """All outbound messages of the customer, the oldest first."""
        search = msgspec.json.decode((await self.edge.get("/v1/messages")).body)["data"]
        found = await self.app.store.messages([row["id"] for row in search])
        return sorted(found, key=lambda message: message.id)

    def submitted(self) -> list[Submitted]:
        """What the carrier was given."""
        log = self.edge.simulator.center.log
        assert log is not None
        return [event for event in log.after(0, 10_000)[1] if isinstance(event, Submitted)]

    async def message(self, message_id: str) -> Message:
        (found,) = await self.app.store.messages([message_id])
        return found


@asynccontextmanager
async def running_door(folder: Path, *, smpp: Smpp | None = None, **more: Any) -> AsyncIterator[Door]:
    """An installation with a customer who may bind as `acme`."""
    async with running_edge(folder, smpp=smpp or DOOR, **more) as edge:
        door = Door(edge)
        door.credential_id = await door.credential()
        yield door
