"""One client's connection: octets to PDUs, the bind, the commands, the window of deliveries.

Apart from the link, which reads and writes, and from the SMSC, which decides what happens to messages. Responses go out
before receipts. A conduct other than the usual one changes the handlers of commands when it is taken on.
"""

from collections.abc import Callable
from typing import Protocol

from whimbrel.codec.smpp.pdu import BadPdu, Bind, Decoder, Pdu, encode, header
from whimbrel.codec.smpp.tables import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    BINDS,
    CANCEL_SM,
    COMMANDS,
    DATA_SM,
    DATA_SM_RESP,
    DELIVER_SM_RESP,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    QUERY_SM,
    REPLACE_SM,
    RESPONSE_BIT,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    UNBIND_RESP,
    Status,
)
from whimbrel_sandbox import binding, replies
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.esme import Delivery, Esme
from whimbrel_sandbox.link import Link
from whimbrel_sandbox.log import Bound, Malformed, Responded, Unbound
from whimbrel_sandbox.outcome import End, Reply
from whimbrel_sandbox.replies import Asked
from whimbrel_sandbox.scenarios.conduct import Conduct
from whimbrel_sandbox.window import Window

_ROLES = {BIND_TRANSMITTER: "transmitter", BIND_RECEIVER: "receiver", BIND_TRANSCEIVER: "transceiver"}
_CONGESTION_STATE = bytes.fromhex("0428 0001")  # SMPP 5.0, 4.8.4.18
_NOTHING = End.NOTHING  # Python 3.11 takes 0.16 µs to look up a member of an enum: not for each message


class Desk(Protocol):
    """Where requests about messages go."""

    def submit(self, session: "Session", pdu: Pdu) -> None:
        """Take a submit_sm, data_sm or submit_multi and see to its answer."""
        ...

    def ignore(self, session: "Session", pdu: Pdu) -> None:
        """Note a submit_sm that came while the SMSC is silent."""
        ...

    def manage(self, pdu: Pdu) -> Pdu:
        """The answer to a query_sm, replace_sm or cancel_sm."""
        ...


class Session(Link):
    """A connection, from `connection_made` to `connection_lost`."""

    def __init__(self, center: Center, desk: Desk) -> None:
        super().__init__(center)
        self.esme: Esme | None = None
        self.role = 0
        self.unanswered = 0
        self._desk = desk
        self._tail = b""
        self._decoder = Decoder()
        self._window = Window(center, self.number)
        self._usual: dict[int, Callable[[Pdu], None]] = {
            SUBMIT_SM: self._on_submit,
            DATA_SM: self._on_submit,
            SUBMIT_MULTI: self._on_submit,
            DELIVER_SM_RESP: self._on_deliver_resp,
            DATA_SM_RESP: self._on_deliver_resp,
            ENQUIRE_LINK: self._on_enquire_link,
            BIND_TRANSMITTER: self._on_bind,
            BIND_RECEIVER: self._on_bind,
            BIND_TRANSCEIVER: self._on_bind,
            UNBIND: self._on_unbind,
            UNBIND_RESP: self._on_unbind_resp,
            QUERY_SM: self._on_managed,
            CANCEL_SM: self._on_managed,
            REPLACE_SM: self._on_managed,
            ENQUIRE_LINK_RESP: self._on_nothing,
            GENERIC_NACK: self._on_deliver_resp,
        }
        self._handlers = self._usual

    # What the transport calls.

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: what it had not answered goes to the next receiver."""
        self._is_closing = True
        self._center.links.discard(self)
        if self.esme is not None:
            self._leave(self.esme)

    def data_received(self, data: bytes) -> None:
        """Octets came, in any cut."""
        self._heard_at = self._center.loop.time()
        is_silent = self._is_silent or self._center.behaviour.silent
        for pdu in self._decoder.feed(data):
            if self._is_closing:
                return
            if isinstance(pdu, BadPdu):
                self._on_bad(pdu)
            elif is_silent:
                self._swallow(pdu)
            else:
                self._handlers.get(pdu.command_id, self._on_unknown)(pdu)
        if self._conduct.reads >= 0:
            self._stop_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self.esme is not None:
            self._center.touched(self.esme)

    @property
    def system_id(self) -> str | None:
        """The client, once it is bound."""
        return None if self.esme is None else self.esme.system_id

    # What the SMSC calls.

    def respond(self, response: tuple[Pdu, int, str]) -> None:
        """Answer a submit_sm or data_sm; `response` is (request, command_status, message id)."""
        self.unanswered -= 1
        if self._is_closing or self._is_silent or self._center.behaviour.silent:
            return
        request, status, message_id = response
        sequence = request.sequence
        self._send(replies.response(request.command_id | RESPONSE_BIT, sequence, status, message_id, self._tail))
        self._center.counts.responses += 1
        if self._center.log is not None:
            self._center.log.add(Responded(self._center.now_us(), self.number, sequence, message_id, status))

    def answer(self, pdu: Pdu, message_id: str) -> None:
        """Answer a submit_multi."""
        self.unanswered -= 1
        self._send(encode(pdu))
        self._center.counts.responses += 1
        self._center.note(Responded(self._center.now_us(), self.number, pdu.sequence, message_id, pdu.status))

    def misbehave(self, reply: Reply, request: Pdu, status: int, message_id: str) -> None:
        """Do what the reply says in place of a response."""
        self.unanswered -= 1
        if reply is Reply.NONE:
            return
        sequence = request.sequence
        self._center.note(Responded(self._center.now_us(), self.number, sequence, message_id, status, reply=reply))
        if reply is Reply.UNBIND or reply is Reply.UNBIND_CLOSE:
            self.unbind()
        octets = replies.played(reply, Asked(request.command_id | RESPONSE_BIT, sequence, status, message_id))
        if octets:
            self._send(octets)
        if reply in replies.CLOSING:
            self.close()
        elif reply is Reply.RESET:
            self.flush()
            self.abort()

    # What the center and the queue of the client call.

    def room(self) -> int:
        """How many more deliver_sm may go out now."""
        if self._is_paused or self._is_closing or self._is_leaving:
            return 0
        if self._is_silent or self._center.behaviour.silent:
            return 0
        return self._window.room()

    def deliver(self, delivery: Delivery) -> None:
        """Send a deliver_sm and remember it until it is answered."""
        octets = self._window.send(self._next_sequence(), delivery)
        if delivery.end is _NOTHING or delivery.tries > 1:
            self._send(octets)
            return
        self._send(octets[: len(octets) // 2] if delivery.end is End.CUT else octets)
        if delivery.end is End.UNBIND:
            self.unbind()
        else:
            self.close()

    def reset(self) -> None:
        """Forget which submits wait for their response: the timers that would send it are gone."""
        self.unanswered = 0

    def sweep(self, now: float) -> None:
        """Take back what was not answered in time, and ask whether a quiet client is still there."""
        settings = self._center.settings
        if self.esme is not None:
            self._window.take_back(self.esme, sent_before=now - settings.deliver_timeout_ms / 1000)
        if settings.enquire_link_ms and self.role and self._heard_at < now - settings.enquire_link_ms / 1000:
            self._send(header(0, ENQUIRE_LINK, 0, self._next_sequence()))

    def take_conduct(self) -> None:
        """Behave as the stage says now."""
        self._take(self._center.stage.play_for(self.system_id).conduct)

    def _take(self, conduct: Conduct) -> None:
        if conduct == self._conduct or self._is_closing:
            return
        super()._take(conduct)
        self._tail = b"%b%c" % (_CONGESTION_STATE, conduct.congestion) if conduct.congestion >= 0 else b""
        unanswered = dict.fromkeys(conduct.unanswered - BINDS, self._on_nothing)
        unknown = dict.fromkeys(conduct.unknown - BINDS, self._on_unknown)
        paired = {SUBMIT_SM: self._on_submit_paired} if conduct.needs_pair else {}
        self._handlers = {**self._usual, **paired, **unanswered, **unknown}

    # One method for each command.

    def _on_submit(self, pdu: Pdu) -> None:
        if self.role == 0 or self.role == BIND_RECEIVER:
            self._send(header(0, pdu.command_id | RESPONSE_BIT, Status.ESME_RINVBNDSTS, pdu.sequence))
            return
        self.unanswered += 1
        self._desk.submit(self, pdu)

    def _on_submit_paired(self, pdu: Pdu) -> None:
        if self.esme is not None and not self.esme.receivers:
            self._send(header(0, pdu.command_id | RESPONSE_BIT, Status.ESME_RINVBNDSTS, pdu.sequence))
            return
        self._on_submit(pdu)

    def _on_deliver_resp(self, pdu: Pdu) -> None:
        if self.esme is not None:
            self._window.answer(self.esme, pdu.sequence, pdu.status)

    def _on_enquire_link(self, pdu: Pdu) -> None:
        self._send(header(0, ENQUIRE_LINK_RESP, 0, pdu.sequence + self._conduct.enquire_resp_offset))

    def _on_bind(self, pdu: Pdu) -> None:
        bind = pdu.body
        assert isinstance(bind, Bind)
        if self.role:
            self._note_bind(pdu, Status.ESME_RALYBND)
            self._send(header(0, pdu.command_id | RESPONSE_BIT, Status.ESME_RALYBND, pdu.sequence))
            return
        conduct = self._center.stage.play_for(bind.system_id).conduct
        self._take(conduct)
        if pdu.command_id in conduct.unanswered or conduct.is_silent:
            if conduct.bind_close:
                self.close()
        elif pdu.command_id in conduct.unknown:
            self._on_unknown(pdu)
        elif conduct.bind_delay_ms:
            self._center.later(conduct.bind_delay_ms, self._answer_bind, pdu)
        else:
            self._answer_bind(pdu)

    def _answer_bind(self, pdu: Pdu) -> None:
        bind, center, conduct = pdu.body, self._center, self._conduct
        assert isinstance(bind, Bind)
        known = center.esmes.get(bind.system_id)
        binds = 0 if known is None else known.binds + known.lingering
        status = binding.verdict(
            pdu, binds=binds, conduct=conduct, settings=center.settings, behaviour=center.behaviour
        )
        self._note_bind(pdu, status)
        if status:
            self._send(binding.refusal(pdu, status, conduct))
            if conduct.bind_close:
                self.close()
            return
        center.counts.binds += 1
        self.role = pdu.command_id
        self.esme = center.esme(bind.system_id)
        self.esme.binds += 1
        self._send(binding.acceptance(pdu, conduct))
        if conduct.unbind_after_ms:
            center.later(conduct.unbind_after_ms, self._unbind_in_time, None)
        if pdu.command_id != BIND_TRANSMITTER:
            self.esme.receivers.append(self)
            center.touched(self.esme)

    def _on_unbind(self, pdu: Pdu) -> None:
        self._reason = "unbind"
        self._send(header(0, UNBIND_RESP, 0, pdu.sequence))
        self.close()

    def _on_unbind_resp(self, pdu: Pdu) -> None:
        self.close()

    def _on_managed(self, pdu: Pdu) -> None:
        if self.role == 0 or self.role == BIND_RECEIVER:
            self._send(header(0, pdu.command_id | RESPONSE_BIT, Status.ESME_RINVBNDSTS, pdu.sequence))
            return
        self._send(encode(self._desk.manage(pdu)))

    def _on_nothing(self, pdu: Pdu) -> None:
        """An answer that only shows that the client is alive; `data_received` took its time."""

    def _on_unknown(self, pdu: Pdu) -> None:
        if not pdu.command_id & RESPONSE_BIT:
            self._send(header(0, GENERIC_NACK, Status.ESME_RINVCMDID, pdu.sequence))

    def _on_bad(self, bad: BadPdu) -> None:
        center = self._center
        center.counts.malformed += 1
        center.note(Malformed(center.now_us(), self.number, bad.sequence, bad.status, bad.in_step, bad.reason))
        answer = bad.command_id | RESPONSE_BIT
        self._send(header(0, answer if answer in COMMANDS else GENERIC_NACK, bad.status, bad.sequence))
        if not bad.in_step:
            self.close()

    def _swallow(self, pdu: Pdu) -> None:
        if pdu.command_id == SUBMIT_SM and self.role:
            self._desk.ignore(self, pdu)

    # Helpers.

    def _note_bind(self, pdu: Pdu, status: int) -> None:
        assert isinstance(pdu.body, Bind)
        at_us = self._center.now_us()
        self._center.note(Bound(at_us, self.number, pdu.body.system_id, _ROLES[pdu.command_id], status))

    def _leave(self, esme: Esme) -> None:
        if self in esme.receivers:
            esme.receivers.remove(self)
        esme.binds -= 1
        if self._conduct.linger_ms:
            esme.lingering += 1
            self._center.later(self._conduct.linger_ms, Esme.release, esme)
        self._window.take_back(esme)
        self._center.note(Unbound(self._center.now_us(), self.number, esme.system_id, self._reason))
