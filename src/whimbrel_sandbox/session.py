"""One connection of a client: octets to PDUs and back, the bind, the window of deliveries.

Apart from the SMSC, which decides what happens to messages. Everything that is sent in one turn of the loop goes out
in one write, responses before receipts. A client that does not read is not read from either.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol, cast

from whimbrel.codec.smpp.pdu import BadPdu, Bind, BindResp, Decoder, Pdu, encode, header
from whimbrel.codec.smpp.pdu import make_tlv as tlv_of
from whimbrel.codec.smpp.tables import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    CANCEL_SM,
    COMMANDS,
    DELIVER_SM_RESP,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    INTERFACE_VERSION_3_4,
    QUERY_SM,
    RESPONSE_BIT,
    SEQUENCE_MAX,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
    Status,
    Tag,
)
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.esme import Delivery, Esme
from whimbrel_sandbox.log import Bound, Malformed, Responded, Unbound
from whimbrel_sandbox.outcomes import Reply
from whimbrel_sandbox.window import Window

SYSTEM_ID = "whimbrel"
_ROLES = {BIND_TRANSMITTER: "transmitter", BIND_RECEIVER: "receiver", BIND_TRANSCEIVER: "transceiver"}


class Desk(Protocol):
    """Where requests about messages go."""

    def submit(self, session: "Session", pdu: Pdu) -> None:
        """Take a submit_sm and see to its answer."""
        ...

    def ignore(self, session: "Session", pdu: Pdu) -> None:
        """Note a submit_sm that came while the SMSC is silent."""
        ...

    def query(self, pdu: Pdu) -> Pdu:
        """The answer to a query_sm."""
        ...

    def cancel(self, pdu: Pdu) -> Pdu:
        """The answer to a cancel_sm."""
        ...


class Session(asyncio.Protocol):
    """A connection, from `connection_made` to `connection_lost`."""

    def __init__(self, center: Center, desk: Desk) -> None:
        self.number = center.next_link()
        self.esme: Esme | None = None
        self.unanswered = 0
        self._center = center
        self._desk = desk
        self._role = 0
        self._is_closing = False
        self._is_paused = False
        self._reason = "lost"
        self._heard_at = 0.0
        self._sequence = 0
        self._decoder = Decoder()
        self._window = Window(center, self.number)
        self._out: list[bytes] = []
        self._handlers: dict[int, Callable[[Pdu], None]] = {
            SUBMIT_SM: self._on_submit,
            DELIVER_SM_RESP: self._on_deliver_resp,
            ENQUIRE_LINK: self._on_enquire_link,
            BIND_TRANSMITTER: self._on_bind,
            BIND_RECEIVER: self._on_bind,
            BIND_TRANSCEIVER: self._on_bind,
            UNBIND: self._on_unbind,
            UNBIND_RESP: self._on_unbind_resp,
            QUERY_SM: self._on_query,
            CANCEL_SM: self._on_cancel,
            ENQUIRE_LINK_RESP: self._on_life,
            GENERIC_NACK: self._on_deliver_resp,
        }

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's class does not derive from it
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._heard_at = self._center.loop.time()
        self._center.links.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: what it had not answered goes to the next receiver."""
        self._is_closing = True
        self._center.links.discard(self)
        if self.esme is not None:
            self._leave(self.esme)

    def data_received(self, data: bytes) -> None:
        """Octets came, in any cut."""
        self._heard_at = self._center.loop.time()
        handlers = self._handlers
        is_silent = self._center.behaviour.silent
        for pdu in self._decoder.feed(data):
            if self._is_closing:
                return
            if isinstance(pdu, BadPdu):
                self._on_bad(pdu)
            elif is_silent:
                self._swallow(pdu)
            else:
                handlers.get(pdu.command_id, self._on_unknown)(pdu)

    def pause_writing(self) -> None:
        """The client does not read: take no more from it."""
        self._is_paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._is_paused = False
        if not self._transport.is_closing():
            self._transport.resume_reading()
        if self.esme is not None:
            self._center.touched(self.esme)

    # What the SMSC calls.

    def respond(self, response: tuple[int, int, str]) -> None:
        """Answer a submit_sm; `response` is (sequence, command_status, message id)."""
        self.unanswered -= 1
        if self._is_closing or self._center.behaviour.silent:
            return
        sequence, status, message_id = response
        self._send(_response(sequence, status, message_id))
        self._center.counts.responses += 1
        if self._center.log is not None:
            self._center.log.add(Responded(self._center.now_us(), self.number, sequence, message_id, status))

    def misbehave(self, reply: Reply, sequence: int, message_id: str) -> None:
        """Do what the reply says in place of a response."""
        self.unanswered -= 1
        if reply is Reply.NONE:
            return
        self._center.note(Responded(self._center.now_us(), self.number, sequence, message_id, reply=reply))
        if reply is Reply.NACK or reply is Reply.NACK_ZERO:
            shown = sequence if reply is Reply.NACK else 0
            self._send(header(0, GENERIC_NACK, Status.ESME_RSYSERR, shown))
        elif reply is Reply.UNBIND:
            self.unbind()
        elif reply is Reply.CUT:
            response = _response(sequence, 0, message_id)
            self._send(response[: len(response) // 2])
            self.close()
        elif reply is Reply.DROP:
            self.close()

    # What the center and the queue of the client call.

    def room(self) -> int:
        """How many more deliver_sm may go out now."""
        if self._is_paused or self._is_closing or self._center.behaviour.silent:
            return 0
        return self._window.room()

    def deliver(self, delivery: Delivery) -> None:
        """Send a deliver_sm and remember it until it is answered."""
        self._send(self._window.send(self._next_sequence(), delivery))

    def flush(self) -> None:
        """Write all that this turn of the loop collected."""
        if self._out and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def unbind(self) -> None:
        """Ask the client to go."""
        self._reason = "dropped"
        self._send(header(0, UNBIND, 0, self._next_sequence()))

    def abort(self) -> None:
        """Break the connection: the client sees a reset."""
        self._reason = "dropped"
        self._is_closing = True
        self._out.clear()
        self._transport.abort()

    def close(self) -> None:
        """Write what is collected and close."""
        if self._reason == "lost":
            self._reason = "dropped"
        self.flush()
        self._is_closing = True
        self._transport.close()

    def reset(self) -> None:
        """Forget which submits wait for their response: the timers that would send it are gone."""
        self.unanswered = 0

    def sweep(self, now: float) -> None:
        """Take back what was not answered in time, and ask whether a quiet client is still there."""
        settings = self._center.settings
        if self.esme is not None:
            self._window.take_back(self.esme, sent_before=now - settings.deliver_timeout_ms / 1000)
        if settings.enquire_link_ms and self._role and self._heard_at < now - settings.enquire_link_ms / 1000:
            self._send(header(0, ENQUIRE_LINK, 0, self._next_sequence()))

    # One method for each command.

    def _on_submit(self, pdu: Pdu) -> None:
        if self._role == 0 or self._role == BIND_RECEIVER:
            self._send(header(0, SUBMIT_SM_RESP, Status.ESME_RINVBNDSTS, pdu.sequence))
            return
        self.unanswered += 1
        self._desk.submit(self, pdu)

    def _on_deliver_resp(self, pdu: Pdu) -> None:
        if self.esme is not None:
            self._window.answer(self.esme, pdu.sequence, pdu.status)

    def _on_enquire_link(self, pdu: Pdu) -> None:
        self._send(header(0, ENQUIRE_LINK_RESP, 0, pdu.sequence))

    def _on_bind(self, pdu: Pdu) -> None:
        bind = pdu.body
        assert isinstance(bind, Bind)
        status = self._bind_status(bind)
        center = self._center
        role = _ROLES[pdu.command_id]
        center.note(Bound(center.now_us(), self.number, bind.system_id, role, status))
        if status:
            self._send(header(0, pdu.command_id | RESPONSE_BIT, status, pdu.sequence))
            return
        center.counts.binds += 1
        self._role = pdu.command_id
        self.esme = center.esme(bind.system_id)
        # 4.1.2: a client older than 3.4 must not be sent optional parameters.
        speaks_tlvs = bind.interface_version >= INTERFACE_VERSION_3_4
        tlvs = (tlv_of(Tag.SC_INTERFACE_VERSION, INTERFACE_VERSION_3_4),) if speaks_tlvs else ()
        self._send(encode(Pdu(pdu.command_id | RESPONSE_BIT, 0, pdu.sequence, BindResp(SYSTEM_ID), tlvs)))
        if pdu.command_id != BIND_TRANSMITTER:
            self.esme.receivers.append(self)
            center.touched(self.esme)

    def _bind_status(self, bind: Bind) -> int:
        settings = self._center.settings
        if self._role:
            return Status.ESME_RALYBND
        if self._center.behaviour.refuse_binds:
            return self._center.behaviour.refuse_binds
        if settings.system_id is not None and bind.system_id != settings.system_id:
            return Status.ESME_RINVSYSID
        if settings.password is not None and bind.password != settings.password:
            return Status.ESME_RINVPASWD
        return Status.ESME_ROK

    def _on_unbind(self, pdu: Pdu) -> None:
        self._reason = "unbind"
        self._send(header(0, UNBIND_RESP, 0, pdu.sequence))
        self.close()

    def _on_unbind_resp(self, pdu: Pdu) -> None:
        self.close()

    def _on_query(self, pdu: Pdu) -> None:
        self._send(encode(self._desk.query(pdu)))

    def _on_cancel(self, pdu: Pdu) -> None:
        self._send(encode(self._desk.cancel(pdu)))

    def _on_life(self, pdu: Pdu) -> None:
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
        if pdu.command_id == SUBMIT_SM and self._role:
            self._desk.ignore(self, pdu)

    # Helpers.

    def _send(self, octets: bytes) -> None:
        if self._is_closing or self._center.behaviour.silent:
            return
        if not self._out:
            self._center.dirty(self)
        self._out.append(octets)

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % SEQUENCE_MAX + 1
        return self._sequence

    def _leave(self, esme: Esme) -> None:
        if self in esme.receivers:
            esme.receivers.remove(self)
        self._window.take_back(esme)
        self._center.note(Unbound(self._center.now_us(), self.number, esme.system_id, self._reason))


def _response(sequence: int, status: int, message_id: str) -> bytes:
    if status:  # 4.4.2: the body is not returned with an error
        return header(0, SUBMIT_SM_RESP, status, sequence)
    body = message_id.encode() + b"\0"
    return header(len(body), SUBMIT_SM_RESP, 0, sequence) + body
