"""A carrier over SMPP: its binds, the queue of parts (`outbox`), what it brings (`smpp_intake`), and what its
answers mean. Every part is answered exactly once, also when a link breaks.

Runs in the event loop's thread.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from whimbrel.base.clock import Chance, Clock
from whimbrel.carriers.interface import Handlers, Health, Part, Question, Reply, Report
from whimbrel.carriers.outbox import Outbox
from whimbrel.carriers.smpp_bind import BindHandlers, SmppBind
from whimbrel.carriers.smpp_dial import ROLES
from whimbrel.carriers.smpp_intake import BROUGHT, Intake
from whimbrel.carriers.smpp_query import Queries
from whimbrel.carriers.smpp_reader import Reader
from whimbrel.carriers.smpp_submit import Submits
from whimbrel.codec.smpp.bodies import MessageId
from whimbrel.codec.smpp.events import Answered, AnsweredLate, DeliverReceived, Event, Nacked, RequestReceived, TimedOut
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.tables import GENERIC_NACK, WITHOUT_RESPONSE, Status
from whimbrel.codec.smpp.versions import congestion
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.model import Carrier
from whimbrel.domain.refusals import classify, own_refusals
from whimbrel.net.recorder import Recorders
from whimbrel.net.smpp import SmppLink

_log = logging.getLogger("whimbrel.carrier")
_CONGESTED: Final = 90  # SMPP 5.0 4.8.4.18: from here on the SMSC is congested


class SmppCarrier:
    """See the head of this file. Implements CarrierLink."""

    def __init__(
        self,
        carrier: Carrier,
        password: str,
        handlers: Handlers,
        *,
        clock: Clock,
        chance: Chance,
        recorders: Recorders | None = None,
    ) -> None:
        self.carrier = carrier
        self.settings = msgspec.json.decode(carrier.settings, type=CarrierSettings)
        self._handlers = handlers
        self._clock = clock
        self._recorders = recorders
        self._since = clock.now_us()
        self._ignored = 0
        bind_handlers = BindHandlers(self._on_up, self._on_events, self._on_down, self._pump, self._opened)
        submits = Submits(self.settings)
        self._binds = [
            SmppBind(
                f"{carrier.name}#{number + 1}{'r' if place else ''}",
                self.settings,
                password,
                bind_handlers,
                submits=submits,
                clock=clock,
                chance=chance,
                role=role,
                home=number,
            )
            for number in range(self.settings.binds)
            for place, role in enumerate(ROLES[self.settings.bind_mode])
        ]
        senders = [bind for bind in self._binds if bind.sends]
        self._counted = senders or self._binds  # which of them are "a bind": a pair is up when its transmitter is
        self._outbox = Outbox(
            senders,
            handlers,
            window=self.settings.window,
            throughput_per_s=self.settings.throughput_per_s,
            clock=clock,
        )
        self._queries = Queries(self.settings, senders)
        self._intake = Intake(Reader(self.settings), handlers)
        self._own_refusals = own_refusals(self.settings)

    def start(self) -> None:
        """Bring the binds up."""
        for bind in self._binds:
            bind.start()

    # What the journey asks.

    def room(self, priority: int) -> int:
        """Segments of a class that may be committed now."""
        return self._outbox.room(priority)

    def submit(self, parts: Sequence[Part]) -> None:
        """Take parts, in order."""
        self._outbox.put(parts)

    def unsent(self) -> frozenset[str]:
        """Ids of messages with parts that have not left, those excepted that were set aside."""
        return self._outbox.unsent()

    def health(self) -> Health:
        """The carrier as an operator wants to see it."""
        up = sum(bind.is_up for bind in self._counted)
        outbox = self._outbox
        return Health(
            state="up" if up else "connecting",
            binds_up=up,
            binds=len(self._counted),
            in_flight=sum(bind.in_flight for bind in self._binds),
            waiting=len(outbox),
            set_aside=outbox.set_aside,
            throttled=outbox.throttled,
            window=self.settings.window * self.settings.binds,
            throughput_per_s=outbox.rate_per_s,
            last_error=next((bind.last_error for bind in self._binds if bind.last_error), None),
            since=self._since,
            stalled_s=outbox.stalled_s(),
            ignored=self._ignored,
            connections=tuple([bind.health() for bind in self._binds]),
        )

    async def query(self, questions: Sequence[Question]) -> list[Report]:
        """What the carrier says of these messages when it is asked (query_sm)."""
        return await self._queries.ask(questions)

    def adopt(self, link: SmppLink) -> bool:
        """Bind over a connection that the carrier opened and began with outbind; False when none is waited for."""
        return any(bind.adopt(link) for bind in self._binds)

    async def stop(self, deadline_s: float) -> None:
        """Give back what has not left, wait for the answers under way, acknowledge what came in, unbind. A long message
        that has begun to leave is finished first: the phone could not show half of it."""
        self._outbox.finish()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        # looking is enough here: an event would have to be set by every answer of a carrier's life
        while (len(self._outbox) or any(bind.in_flight for bind in self._binds)) and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self._outbox.close()
        await self._intake.drain(max(1.0, deadline - loop.time()))
        await asyncio.gather(*(bind.stop(2.0) for bind in self._binds))
        self._outbox.close()

    # What the binds tell.

    def _opened(self, link: SmppLink) -> None:
        if self._recorders is not None:
            self._recorders.attach(self.carrier.id, link)

    def _on_up(self, bind: SmppBind) -> None:
        self._since = self._clock.now_us()
        self._handlers.room()

    def _on_down(self, bind: SmppBind, tokens: Sequence[Any], reason: str) -> None:
        self._since = self._clock.now_us()
        if self._queries.under_way:
            tokens = self._queries.sift_tokens(tokens)
        self._handlers.replies([Reply(part, "in_doubt", bind.name, reason="link_lost") for part in tokens])
        if not any(other.is_up for other in self._counted):
            self._outbox.withdraw()

    def _pump(self) -> None:
        self._outbox.pump()

    def _on_events(self, bind: SmppBind, events: Sequence[Event]) -> None:
        replies: list[Reply] = []
        waiting: list[Part] = []
        brought: list[Pdu] = []
        for event in self._queries.sift(events) if self._queries.under_way else events:
            if isinstance(event, Answered):
                self._answer(bind, event.token, event.pdu, replies, waiting)
            elif isinstance(event, DeliverReceived):
                brought.append(event.pdu)
            elif isinstance(event, Nacked) and event.token is not None:
                self._answer(bind, event.token, event.pdu, replies, waiting)
            elif isinstance(event, AnsweredLate) and isinstance(event.token, Part):  # or a query that was given up
                self._answer(bind, event.token, event.pdu, replies, None)
            elif isinstance(event, TimedOut):
                replies.append(Reply(event.token, "in_doubt", bind.name, reason="response_timeout"))
            elif isinstance(event, RequestReceived):
                self._asked(bind, event.pdu, brought)
        if waiting:
            self._outbox.told_to_wait(waiting)
        if replies:
            self._handlers.replies(replies)
        if brought and bind.link is not None:
            self._intake.take(bind.name, bind.session_name, bind.link, brought)
        if replies or waiting:
            self._outbox.moved()
        self._outbox.pump()

    def _asked(self, bind: SmppBind, pdu: Pdu, brought: list[Pdu]) -> None:
        """data_sm brings what deliver_sm brings (trap T47); alert_notification says that a phone is there again, which
        nothing here waits for."""
        if pdu.command_id in BROUGHT:
            brought.append(pdu)
            return
        self._ignored += 1
        if bind.link is not None and pdu.command_id not in WITHOUT_RESPONSE:
            bind.link.respond(pdu, Status.ESME_RINVCMDID)

    def _answer(self, bind: SmppBind, part: Part, pdu: Pdu, replies: list[Reply], waiting: list[Part] | None) -> None:
        """A part that is told to wait joins `waiting`; None where its doubt was told already: then a "not now" ends
        the doubt, and the part is not sent again behind the sender's back."""
        if pdu.tlvs and (congestion(pdu.tlvs) or 0) >= _CONGESTED:
            self._outbox.slow_down()
        if not pdu.status and pdu.command_id != GENERIC_NACK:
            message_id = pdu.body.message_id if isinstance(pdu.body, MessageId) else ""
            self._outbox.taken()
            replies.append(Reply(part, "accepted", bind.name, message_id or None))
            return
        refusal = classify(pdu.status, self._own_refusals)
        stopping = self._outbox.is_stopping
        if refusal.kind == "throttled" and waiting is not None and (not stopping or part.parts > 1):
            waiting.append(part)
            return
        if refusal.kind == "throttled" and waiting is not None:  # we stop: it goes back to its place in the queue
            replies.append(Reply(part, "withdrawn", bind.name, status_code=pdu.status, reason="not_sent"))
            return
        kind = "refused_now" if refusal.kind == "throttled" else refusal.kind
        replies.append(Reply(part, kind, bind.name, status_code=pdu.status, reason=refusal.reason))
