"""A carrier over SMPP: several binds, one queue of parts. Parts leave in order, as the windows, the throughput limit
and the carrier's own complaints (ESME_RTHROTTLED, ESME_RMSGQFUL) allow; a part that was told to wait goes first when
its time comes. Every part is answered exactly once, also when a link breaks.

Runs in the event loop's thread. A part is itself the token that flies with its request.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import msgspec

from whimbrel.base import faults
from whimbrel.base.clock import Chance, Clock
from whimbrel.carriers.aside import Aside
from whimbrel.carriers.interface import Handlers, Health, Inbound, Part, Reply, Report
from whimbrel.carriers.smpp_bind import BindHandlers, SmppBind
from whimbrel.carriers.smpp_messages import Writer, inbound, report
from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.bodies import MessageId, ShortMessage
from whimbrel.codec.smpp.events import Answered, AnsweredLate, DeliverReceived, Event, Nacked, RequestReceived, TimedOut
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.receipt import is_receipt
from whimbrel.codec.smpp.tables import SUBMIT_SM, Status
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.model import Carrier
from whimbrel.domain.pacing import Bucket, Pace
from whimbrel.domain.refusals import classify

_log = logging.getLogger("whimbrel.carrier")
_AHEAD = 4  # a quarter of the window may be committed ahead of the wire
_BURST_S = 0.1  # how much of a second's throughput may leave at once
_RATE_WINDOW_US = _SECOND_US = 1_000_000


class SmppCarrier:
    """See the head of this file. Implements CarrierLink."""

    def __init__(self, carrier: Carrier, password: str, handlers: Handlers, *, clock: Clock, chance: Chance) -> None:
        self.carrier = carrier
        self.settings = msgspec.json.decode(carrier.settings, type=CarrierSettings)
        self._handlers = handlers
        self._clock = clock
        self._out: deque[Part] = deque()
        self._writer = Writer(self.settings)
        self._pace = Pace(self.settings.throughput_per_s)
        self._bucket = Bucket(0, 1)
        self._aside = Aside(max(1, self.settings.window * self.settings.binds // _AHEAD))
        self._aside_timer: asyncio.TimerHandle | None = None
        self._throttled = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False
        self._since = clock.now_us()
        self._taken = self._taken_before = 0  # accepted in this second and the one before: what the carrier bears
        self._taken_since = 0
        self._inbound: set[asyncio.Task[None]] = set()
        bind_handlers = BindHandlers(self._on_up, self._on_events, self._on_down, self._pump)
        self._binds = [
            SmppBind(f"{carrier.name}#{number}", self.settings, password, bind_handlers, chance)
            for number in range(1, self.settings.binds + 1)
        ]
        self._set_rate()

    def start(self) -> None:
        """Bring the binds up."""
        for bind in self._binds:
            bind.start()

    # What the journey asks.

    def room(self) -> int:
        """Segments that may be committed now: what could leave at once, and a quarter of the window ahead of it; less
        where a rate holds, because a code passes only what is not committed."""
        if self._stopping:
            return 0
        up = [bind for bind in self._binds if bind.is_up]
        if not up:
            return 0
        free = sum(bind.room for bind in up)
        ahead = self.settings.window * len(up) // _AHEAD
        if self._bucket.rate_per_s:
            free = min(free, self._bucket.available(self._clock.monotonic_us()))
            ahead = min(ahead, int(self._bucket.rate_per_s * _BURST_S))
        room = free + max(1, ahead - len(self._aside)) - len(self._out)
        if room < ahead and any(bind.in_flight for bind in up):
            return 0  # an answer under way makes more room soon: commits of a few messages cost as much as large ones
        return max(0, room)

    def submit(self, parts: Sequence[Part]) -> None:
        """Take parts, in order."""
        self._out.extend(parts)
        if self._stopping or not any(bind.is_up for bind in self._binds):
            self._withdraw()
        else:
            self._pump()

    def health(self) -> Health:
        """The carrier as an operator wants to see it."""
        up = sum(bind.is_up for bind in self._binds)
        return Health(
            state="up" if up else "connecting",
            binds_up=up,
            binds=len(self._binds),
            in_flight=sum(bind.in_flight for bind in self._binds),
            waiting=len(self._out) + len(self._aside),
            set_aside=len(self._aside),
            throttled=self._throttled,
            window=self.settings.window * len(self._binds),
            throughput_per_s=self._bucket.rate_per_s,
            last_error=next((bind.last_error for bind in self._binds if bind.last_error), None),
            since=self._since,
        )

    async def stop(self, deadline_s: float) -> None:
        """Give back what has not left, wait for the answers under way, acknowledge what came in, unbind. A long message
        that has begun to leave is finished first: the phone could not show half of it."""
        self._stopping = True
        self._out.extendleft(reversed([*self._aside.clear()]))
        begun = self._begun()
        self._withdraw()
        self._out.extend(begun)
        self._pump()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        # looking is enough here: an event would have to be set by every answer of a carrier's life
        while (self._out or any(bind.in_flight for bind in self._binds)) and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self._withdraw()
        if self._inbound:
            await asyncio.wait(list(self._inbound), timeout=max(1.0, deadline - loop.time()))
        await asyncio.gather(*(bind.stop(2.0) for bind in self._binds))
        for timer in (self._timer, self._aside_timer):
            if timer is not None:
                timer.cancel()

    def _begun(self) -> list[Part]:
        """Take out the parts of messages that have other parts on the wire or at the carrier."""
        waiting = Counter(part.message_id for part in self._out)
        begun = [part for part in self._out if waiting[part.message_id] < part.parts]
        if begun:
            self._out = deque(part for part in self._out if waiting[part.message_id] == part.parts)
        return begun

    # Out.

    def _pump(self) -> None:
        """Write what may leave now."""
        if not self._out:
            return
        now = self._clock.now_us()
        monotonic = self._clock.monotonic_us()
        self._set_rate()
        over: list[Reply] = []
        sent = False
        for bind in self._binds:
            count = min(bind.room, len(self._out))
            if count and self._bucket.rate_per_s:
                count = min(count, self._bucket.available(monotonic))
                self._bucket.take(count, monotonic)
            if count > 0:
                self._write(bind, count, now, over)
                sent = True
        if sent:
            asyncio.get_running_loop().call_soon(faults.hit, "carrier.after_write")
        if over:
            self._handlers.replies(over)
        if self._out and self._bucket.rate_per_s:
            self._wait_for_tokens(monotonic)

    def _write(self, bind: SmppBind, count: int, now: int, over: list[Reply]) -> None:
        link = bind.link
        assert link is not None
        requests: list[tuple[bytes, Part]] = []
        for _ in range(count):
            part = self._out.popleft()
            if part.expires_at <= now:
                over.append(Reply(part, "expired", bind.name))
                continue
            try:
                requests.append((self._writer.body(part, now), part))
            except CodecError as error:
                _log.warning("a part cannot be written", extra={"bind": bind.name, "error": str(error)})
                over.append(Reply(part, "refused", bind.name, reason="invalid_source"))
        link.session.send_list(SUBMIT_SM, requests, now_ms=link.now_ms())
        link.wake()

    def _wait_for_tokens(self, monotonic: int) -> None:
        if self._timer is not None and not self._timer.cancelled() and self._timer.when() > 0:
            self._timer.cancel()
        wait_us = max(1_000, int(1_000_000 / self._bucket.rate_per_s))
        if self._bucket.available(monotonic) >= 1:
            return
        self._timer = asyncio.get_running_loop().call_later(wait_us / 1_000_000, self._tokens_came)

    def _tokens_came(self) -> None:
        self._timer = None
        self._pump()
        self._handlers.room()

    def _set_rate(self) -> None:
        monotonic = self._clock.monotonic_us()
        rate = self._pace.rate_per_s(monotonic)
        if rate != self._bucket.rate_per_s:
            self._bucket.burst = max(1.0, rate * _BURST_S)
            self._bucket.set_rate(rate, monotonic)

    def _withdraw(self) -> None:
        """Nothing of these has left: they go back to their place in the queue."""
        self._out.extendleft(reversed([*self._aside.clear()]))
        if self._out:
            replies = [Reply(part, "withdrawn", "", reason="not_sent") for part in self._out]
            self._out.clear()
            self._handlers.replies(replies)

    # In.

    def _on_up(self, bind: SmppBind) -> None:
        self._since = self._clock.now_us()
        self._handlers.room()

    def _on_down(self, bind: SmppBind, tokens: Sequence[Any], reason: str) -> None:
        self._since = self._clock.now_us()
        self._handlers.replies([Reply(part, "in_doubt", bind.name, reason="link_lost") for part in tokens])
        if not any(other.is_up for other in self._binds):
            self._withdraw()

    def _on_events(self, bind: SmppBind, events: Sequence[Event]) -> None:
        replies: list[Reply] = []
        waiting: list[Part] = []
        delivered: list[Pdu] = []
        for event in events:
            if isinstance(event, Answered):
                self._answer(bind, event.token, event.pdu, replies, waiting)
            elif isinstance(event, DeliverReceived):
                delivered.append(event.pdu)
            elif isinstance(event, Nacked) and event.token is not None:
                self._answer(bind, event.token, event.pdu, replies, waiting)
            elif isinstance(event, AnsweredLate):
                self._answer(bind, event.token, event.pdu, replies, None)
            elif isinstance(event, TimedOut):
                replies.append(Reply(event.token, "in_doubt", bind.name, reason="response_timeout"))
            elif isinstance(event, RequestReceived) and bind.link is not None:
                bind.link.respond(event.pdu, Status.ESME_RINVCMDID)
        if waiting:
            self._told_to_wait(waiting)
        if replies:
            self._handlers.replies(replies)
        if delivered:
            self._deliver(bind, delivered)
        self._pump()

    def _answer(self, bind: SmppBind, part: Part, pdu: Pdu, replies: list[Reply], waiting: list[Part] | None) -> None:
        """A part that is told to wait joins `waiting`; None where its doubt was told already: then a "not now" ends
        the doubt, and the part is not sent again behind the sender's back."""
        if not pdu.status:
            message_id = pdu.body.message_id if isinstance(pdu.body, MessageId) else ""
            self._taken += 1
            replies.append(Reply(part, "accepted", bind.name, message_id or None))
            return
        refusal = classify(pdu.status, self.settings.temporary_statuses)
        if refusal.kind == "throttled" and waiting is not None and (not self._stopping or part.parts > 1):
            waiting.append(part)
            return
        if refusal.kind == "throttled" and waiting is not None:  # we stop: it goes back to its place in the queue
            replies.append(Reply(part, "withdrawn", bind.name, status_code=pdu.status, reason="not_sent"))
            return
        kind = "refused_now" if refusal.kind == "throttled" else refusal.kind
        replies.append(Reply(part, kind, bind.name, status_code=pdu.status, reason=refusal.reason))

    def _told_to_wait(self, waiting: Sequence[Part]) -> None:
        """Keep them, in order, ahead of what has not been tried; slow down, beginning with a pause. What was told so
        time and again steps aside, and slows nobody down any more."""
        monotonic = self._clock.monotonic_us()
        again: list[Part] = []
        for told in waiting:
            part = msgspec.structs.replace(told, throttled=told.throttled + 1)
            if self._aside.takes(part):
                self._aside.put(part, monotonic)
            else:
                again.append(part)
        self._throttled += len(waiting)
        self._out.extendleft(reversed(again))
        self._wait_for_aside(monotonic)
        if again:
            self._pace.throttled(monotonic, self._observed(monotonic))
            self._set_rate()
            self._bucket.take(self._bucket.available(monotonic), monotonic)
            self._wait_for_tokens(monotonic)

    def _wait_for_aside(self, monotonic: int) -> None:
        due = self._aside.next_us()
        if due is not None and self._aside_timer is None and not self._stopping:
            delay_s = max(0, due - monotonic) / _SECOND_US
            self._aside_timer = asyncio.get_running_loop().call_later(delay_s, self._try_aside)

    def _try_aside(self) -> None:
        """What stepped aside goes first when its time has come."""
        self._aside_timer = None
        monotonic = self._clock.monotonic_us()
        self._out.extendleft(reversed(self._aside.due(monotonic)))
        self._wait_for_aside(monotonic)
        self._pump()

    def _observed(self, monotonic: int) -> float:
        """Segments a second that the carrier has taken lately."""
        if monotonic - self._taken_since >= _RATE_WINDOW_US:
            self._taken_before, self._taken, self._taken_since = self._taken, 0, monotonic
        return float(max(self._taken_before, self._taken))

    def _deliver(self, bind: SmppBind, pdus: Sequence[Pdu]) -> None:
        reports: list[Report] = []
        texts: list[Inbound] = []
        for pdu in pdus:
            body = pdu.body
            if not isinstance(body, ShortMessage):
                continue
            if not is_receipt(body.esm_class):
                texts.append(inbound(pdu, body, bind.session_name))
            elif (found := report(pdu, body)) is not None:
                reports.append(found)
        task = asyncio.get_running_loop().create_task(self._take(bind, pdus, reports, texts))
        self._inbound.add(task)
        task.add_done_callback(self._inbound.discard)

    async def _take(
        self, bind: SmppBind, pdus: Sequence[Pdu], reports: Sequence[Report], texts: Sequence[Inbound]
    ) -> None:
        """Acknowledge only what is stored; what could not be stored the carrier keeps and sends again (trap T45)."""
        link = bind.link
        status = 0
        try:
            if reports:
                await self._handlers.reports(reports)
            if texts:
                await self._handlers.inbound(texts)
        except Exception:
            _log.exception("receipts could not be stored; the carrier keeps them", extra={"bind": bind.name})
            status = Status.ESME_RX_T_APPN
        if link is not None:
            link.session.respond_list(pdus, status)
            link.wake()
