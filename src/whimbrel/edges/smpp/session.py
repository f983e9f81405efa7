"""One session of a customer: binding, what it asks, what it is sent, and its end.

It has no state of its own beside who it is and how many of its requests are under way; the protocol's states are the
machine's (`codec.smpp.session`). Ending is always the same: nothing new is taken, what is under way is answered, then
unbind; the machine gives the peer some seconds for its answer.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.codec.smpp import events as ev
from whimbrel.codec.smpp.bodies import Bind, BindResp, Outbind
from whimbrel.codec.smpp.events import Settings, State
from whimbrel.codec.smpp.pdu import Pdu, make_tlv
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import (
    BIND_TRANSMITTER,
    DATA_SM,
    INTERFACE_VERSION_3_4,
    OUTBIND,
    SUBMIT_MULTI,
    Tag,
)
from whimbrel.domain.customers import CustomerSettings
from whimbrel.edges.smpp.customers import Customer
from whimbrel.edges.smpp.gate import Admitted, Gate, Refused
from whimbrel.edges.smpp.query import Queries
from whimbrel.edges.smpp.registry import Registry, Reply
from whimbrel.edges.smpp.seats import Seats
from whimbrel.edges.smpp.statuses import CLOSING
from whimbrel.edges.smpp.submit import Answers, Submits
from whimbrel.net.recorder import Recorders
from whimbrel.net.smpp import SmppLink

SYSTEM_ID: Final = "whimbrel"
VERSION: Final = 0x50
"""interface_version of ours: SMPP 5.0; a peer of 3.4 is told 3.4, which is what is spoken with it."""
REST_S: Final = 0.05
"""Without reading, after a read of nothing but what was over a limit: twenty reads a second still tell it so."""
_ADDRESSED: Final = frozenset({DATA_SM, SUBMIT_MULTI})
_log = logging.getLogger("whimbrel.smpp")

OutbindTaker = Callable[[str, str, SmppLink], bool]
"""system_id, password and the link of an SMSC that asks us to bind; whether it is one of our carriers, who then owns
the link (SMPP 3.4 4.1.7)."""


class Serving(msgspec.Struct, frozen=True):
    """What serves the customers of one cell."""

    registry: Registry
    seats: Seats
    submits: Submits
    queries: Queries


class Works(msgspec.Struct, frozen=True):
    """What all sessions share. `serving` gives what serves an account, None while its cell cannot be reached, and
    `bound` how many binds a credential has here; `customers` are by credential id."""

    gate: Gate
    serving: Callable[[str], Serving | None]
    bound: Callable[[str], int]
    answers: Answers
    customers: dict[str, Customer]
    recorders: Recorders
    told: Callable[[str, str], bool]
    """Whether it is the first time that this is told of an address."""
    admitted: Callable[["CustomerSession"], None]
    outbind: OutbindTaker | None = None


class CustomerSession:
    """A connection of a customer, and once it is bound a `registry.Bound`."""

    __slots__ = ("_admitted", "_binding", "_is_ending", "_serving", "_works", "customer", "link", "under_way")

    customer: Customer
    _serving: Serving

    def __init__(self, works: Works, link: SmppLink) -> None:
        self._works = works
        self.link = link
        self.under_way = 0
        self._admitted: Admitted | None = None
        self._binding: asyncio.Task[None] | None = None
        self._is_ending = False

    # What the registry's users see.

    @property
    def credential_id(self) -> str:
        return self.customer.credential_id

    @property
    def account_id(self) -> str:
        return self.customer.account_id

    @property
    def settings(self) -> CustomerSettings:
        return self.customer.settings

    @property
    def peer_version(self) -> int | None:
        return self.link.session.peer_version

    @property
    def can_receive(self) -> bool:
        return self.link.session.bind_command != BIND_TRANSMITTER

    @property
    def is_bound(self) -> bool:
        return self._admitted is not None

    @property
    def address(self) -> str:
        """Where it comes from, without the port."""
        return self.link.peer.rpartition(":")[0]

    def room(self) -> int:
        return 0 if self._is_ending else self.link.room

    def deliver(self, command_id: int, octets: bytes, token: Any) -> None:
        self.link.send(command_id, octets, token=token)

    def close(self, reason: str) -> None:
        if self._is_ending:
            return
        self._is_ending = True
        if self.link.session.state in (State.OPEN, State.BINDING):
            self.link.close(reason)
            return
        _log.info("a customer is unbound", extra=self._seen(reason=reason))
        self._end_if_through()

    def settled(self, count: int) -> None:
        """So many of its requests are answered."""
        self.under_way -= count
        if self._is_ending:
            self._end_if_through()

    def still(self) -> None:
        """WhimbrelError unauthorized when who is bound may be so no more."""
        if self._admitted is None or self._works.gate.current(self._admitted) is None:
            raise WhimbrelError("unauthorized")

    def follow(self) -> None:
        """The tables have changed: new settings hold from now on, and who may no longer be bound is unbound."""
        if self._admitted is None:
            return
        now = self._works.gate.current(self._admitted)
        if now is None:
            self.close("no longer admitted")
            return
        if now.settings != self._admitted.settings:
            self.customer.adopt(now.settings)
            self.link.session.adopt(_settings(now.settings, self.link.session.settings))
            self.link.wake()
        self._admitted = now

    # What the link tells.

    def on_events(self, link: SmppLink, events: list[ev.Event]) -> None:
        """What one read or one tick brought."""
        submits: list[Pdu] = []
        queries: list[Pdu] = []
        replies: list[Reply] = []
        for event in events:
            if type(event) is ev.SubmitReceived:
                submits.append(event.pdu)
            elif type(event) is ev.RequestReceived:
                (submits if event.pdu.command_id in _ADDRESSED else queries).append(event.pdu)
            else:
                self._on_other(event, replies)
        if replies:
            self._serving.registry.replied(self, replies)
        if submits or queries:
            self._take(submits, queries)

    def on_closed(self, link: SmppLink, tokens: Sequence[Any], reason: str) -> None:
        """The connection is gone."""
        if self._binding is not None:
            self._binding.cancel()
        if self._admitted is not None:
            self._serving.registry.remove(self, tokens)
            _log.info("a customer's bind has ended", extra=self._seen(reason=reason))

    def on_writable(self, link: SmppLink) -> None:
        """The peer reads again."""
        link.resume_reading()
        if self._admitted is not None:
            self._serving.registry.writable(self)

    # Parts of them.

    def _take(self, submits: list[Pdu], queries: list[Pdu]) -> None:
        if self._is_ending:
            for request in submits + queries:
                self._works.answers.refused(self, request, CLOSING)
            return
        is_of_use = bool(submits) and self._serving.submits.take(self, submits)
        if queries:
            is_of_use |= self._serving.queries.take(self, queries)
        if not is_of_use:
            self._rest()

    def _rest(self) -> None:
        """It sends, and sends again, what is over its limits: it is read from less often, so that others are."""
        self.link.pause_reading()
        asyncio.get_running_loop().call_later(REST_S, self._go_on)

    def _go_on(self) -> None:
        if self.link.is_writable:
            self.link.resume_reading()

    def _on_other(self, event: ev.Event, replies: list[Reply]) -> None:
        match event:
            case ev.Answered(token, pdu) | ev.Nacked(token, pdu):
                if token is not None:
                    replies.append(Reply(token, pdu.status))
            case ev.AnsweredLate(token, pdu):
                replies.append(Reply(token, pdu.status, late=True))
            case ev.TimedOut(token):
                replies.append(Reply(token, None))
            case ev.BindRequested(pdu):
                self._binding = asyncio.ensure_future(self._bind(pdu))
            case ev.ProtocolError(in_step=False) if self._admitted is None:
                if self._works.told(self.address, "octets"):
                    _log.warning("octets that are no SMPP", extra={"address": self.address})
            case ev.Refused(pdu) if pdu.command_id == OUTBIND:
                self._outbound(pdu)
            case _:
                pass

    async def _bind(self, pdu: Pdu) -> None:
        body = pdu.body if isinstance(pdu.body, Bind) else Bind()
        works = self._works
        found = await works.gate.admit(body.system_id, body.password, self.address, binds_now=works.bound)
        serving = None if isinstance(found, Refused) else works.serving(found.account.id)
        if isinstance(found, Refused):
            await asyncio.sleep(found.wait_s)
        elif serving is None:
            found = works.gate.no_cell(found)
        elif not await serving.seats.take(found.credential.id, found.settings.binds_max):
            found = works.gate.no_seat(found)
        session = self.link.session
        if session.state is not State.BINDING or self.link.transport is None:
            return  # it has gone meanwhile
        if self._is_ending:
            self.link.respond(pdu, Status.ESME_RBINDFAIL)
        elif isinstance(found, Admitted) and serving is not None:
            self._admit(pdu, found, serving)
        elif isinstance(found, Refused):
            self.link.respond(pdu, found.status)
            self.link.close(found.reason)

    def _admit(self, pdu: Pdu, found: Admitted, serving: Serving) -> None:
        known = self._works.customers.get(found.credential.id)
        if known is None:
            known = self._works.customers[found.credential.id] = Customer(found)
        else:
            known.adopt(found.settings)
        self.customer, self._admitted, self._serving = known, found, serving
        session = self.link.session
        session.adopt(_settings(found.settings, session.settings))
        version = min(max(session.peer_version or 0, INTERFACE_VERSION_3_4), VERSION)
        told = (make_tlv(Tag.SC_INTERFACE_VERSION, version),)
        self.link.name = f"{found.credential.system_id} {self.link.peer}"
        self._works.recorders.attach(found.credential.id, self.link)
        self.link.respond(pdu, 0, BindResp(SYSTEM_ID), tlvs=told)
        _log.info("a customer is bound", extra=self._seen(version=session.peer_version, address=self.address))
        serving.registry.add(self)
        self._works.admitted(self)

    def _outbound(self, pdu: Pdu) -> None:
        asked = pdu.body if isinstance(pdu.body, Outbind) else Outbind()
        outbind = self._works.outbind
        if outbind is None or not self._works.gate.takes_call(
            asked.system_id, self.address, lambda: outbind(asked.system_id, asked.password, self.link)
        ):
            self.link.close("an outbind of nobody we know")

    def _end_if_through(self) -> None:
        if not self.under_way and self.link.session.state is State.BOUND:
            self.link.unbind()

    def _seen(self, **more: Any) -> dict[str, Any]:
        return {"credential": self.customer.credential_id, **more}


def _settings(wanted: CustomerSettings, before: Settings) -> Settings:
    """The machine's settings of a bound session."""
    return msgspec.structs.replace(
        before,
        window=wanted.window,
        enquire_link_ms=wanted.enquire_link_s * 1000,
        inactivity_ms=wanted.inactivity_s * 1000,
    )
