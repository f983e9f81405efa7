"""One connection of the client: PDUs out and in, responses to their requests, deliveries answered.

Apart from the run, which decides what is sent. It never waits: whoever wants an answer is called or has a future.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from msgspec import Struct

from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.pdu import BadPdu, DataSm, Decoder, MessageId, Pdu, ShortMessage, SubmitMultiResp, header
from whimbrel.codec.smpp.tables import (
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    RESPONSE_BIT,
    SEQUENCE_MAX,
    UNBIND,
    UNBIND_RESP,
    Status,
)
from whimbrel_sandbox.client.manner import Answers, Manner, Numbers
from whimbrel_sandbox.client.messages import Request
from whimbrel_sandbox.client.tally import Tally

_READ_PAUSE_S = 0.25
_SMALL_BUFFER = 2_048
_STATUSES = {Answers.ERROR: Status.ESME_RX_T_APPN, Answers.REJECTED: Status.ESME_RX_P_APPN}


class Flight(Struct, gc=False):
    """A submit without its answer."""

    sent_at: float
    receipts: int


class Connection(asyncio.Protocol):
    """See the head of this file. `now` is in seconds, `on_room` is called when an answer made room."""

    def __init__(self, tally: Tally, manner: Manner, now: Callable[[], float], on_room: Callable[[], None]) -> None:
        self.now = now
        self.loop = asyncio.get_running_loop()
        self.flights: dict[int, Flight] = {}
        self.role = 0
        self.is_closed = False
        self.is_leaving = False
        self.closed = self.loop.create_future()
        self.received = 0
        self.heard_at = self.now()
        self._tally = tally
        self._manner = manner
        self._on_room = on_room
        self._asked: dict[int, asyncio.Future[Pdu | BadPdu]] = {}
        self._decoder = Decoder()
        self._sequence = 0
        self._out: list[bytes] = []
        self._handlers: dict[int, Callable[[Pdu], None]] = {
            DELIVER_SM: self._on_delivery,
            DATA_SM: self._on_delivery,
            ENQUIRE_LINK: self._on_enquiry,
            UNBIND: self._on_unbind,
        }

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's class does not derive from it
        link = transport.get_extra_info("socket")
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._manner.reads >= 0:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, max(self._manner.reads, _SMALL_BUFFER))

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; what had no answer never gets one."""
        self.is_closed = True
        if not self.is_leaving:
            self._tally.lost += 1
        self._tally.unanswered += len(self.flights)
        self.flights.clear()
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(exc or ConnectionError("the server closed the connection"))
        if not self.closed.done():
            self.closed.set_result(None)
        self._on_room()

    def data_received(self, data: bytes) -> None:
        """Octets came, in any cut."""
        self.heard_at = self.now()
        self.received += len(data)
        before = len(self.flights)
        for pdu in self._decoder.feed(data):
            if isinstance(pdu, BadPdu):
                self._on_bad(pdu)
            elif pdu.command_id & RESPONSE_BIT:
                self._on_response(pdu)
            else:
                self._handlers.get(pdu.command_id, self._on_other)(pdu)
        if self.role and self._manner.reads >= 0:
            self.stop_reading()
        if len(self.flights) < before:
            self._on_room()
        self.flush()

    # What the run calls.

    async def ask(self, command_id: int, octets: bytes = b"", *, within_s: float) -> Pdu | BadPdu:
        """Send a request and wait for its response, or generic_nack. Raises TimeoutError and ConnectionError."""
        sequence = self._next()
        answer: asyncio.Future[Pdu | BadPdu] = self.loop.create_future()
        self._asked[sequence] = answer
        self.write(header(len(octets), command_id, 0, sequence) + octets)
        try:
            async with asyncio.timeout(within_s):
                return await answer
        finally:
            del self._asked[sequence]

    def submit(self, request: Request) -> None:
        """Send a message's PDU; `flush` writes it."""
        sequence = self._number()
        if sequence in self.flights:  # a number used twice: only one of the two can be answered
            self._tally.unanswered += 1
        self.flights[sequence] = Flight(self.now(), request.receipts)
        self._tally.submitted += 1
        self._out += (header(len(request.octets), request.command_id, 0, sequence), request.octets)

    def write(self, octets: bytes) -> None:
        """Send octets as they stand, behind those that wait."""
        self._out.append(octets)
        self.flush()

    def flush(self) -> None:
        """Write what was collected; by pieces when the manner wants that."""
        if not self._out:
            return
        octets = b"".join(self._out)
        self._out.clear()
        if self.is_closed or self.transport.is_closing():
            return
        step = self._manner.piece_octets or len(octets)
        for at in range(0, len(octets), step):
            self.transport.write(octets[at : at + step])

    def expire(self, older_than: float) -> None:
        """Count the submits that waited too long as unanswered."""
        late = [sequence for sequence, flight in self.flights.items() if flight.sent_at < older_than]
        for sequence in late:
            del self.flights[sequence]
        self._tally.unanswered += len(late)

    def enquire(self) -> None:
        """Ask whether the server lives; any answer will do."""
        self.write(header(0, ENQUIRE_LINK, 0, self._next()))

    def stop_reading(self) -> None:
        """Read no more, or not for a while."""
        if self.is_closed or self.transport.is_closing():
            return
        self.transport.pause_reading()
        if self._manner.reads:
            self.loop.call_later(_READ_PAUSE_S, self._read_on)

    def close(self) -> None:
        """Write the rest and close."""
        self.is_leaving = True
        if not self.transport.is_closing():  # a TLS transport that is closed twice cannot be aborted any more
            self.transport.close()

    def abort(self) -> None:
        """Break the connection."""
        self.is_leaving = True
        self.transport.abort()

    # What comes in.

    def _on_response(self, pdu: Pdu) -> None:
        asked = self._asked.get(pdu.sequence)
        if asked is not None and not asked.done():
            asked.set_result(pdu)
            return
        if pdu.command_id == ENQUIRE_LINK_RESP:
            return
        flight = self.flights.pop(pdu.sequence, None)
        if flight is None:
            self._tally.stray += 1
            return
        if pdu.command_id == GENERIC_NACK:
            self._tally.nacked += 1
        message_id, receipts = "", flight.receipts
        if isinstance(pdu.body, MessageId | SubmitMultiResp):
            message_id = pdu.body.message_id
        if isinstance(pdu.body, SubmitMultiResp) and receipts:
            receipts -= len(pdu.body.unsuccessful)
        self._tally.answered(pdu.status, message_id, sent_at=flight.sent_at, now=self.now(), receipts=receipts)

    def _on_bad(self, bad: BadPdu) -> None:
        self._tally.malformed += 1
        asked = self._asked.get(bad.sequence)
        if asked is not None and not asked.done():
            asked.set_result(bad)
        if not bad.in_step:
            self.transport.close()

    def _on_delivery(self, pdu: Pdu) -> None:
        body = pdu.body
        assert isinstance(body, ShortMessage | DataSm)
        found = None
        if receipt.is_receipt(body.esm_class):
            text = body.short_message if isinstance(body, ShortMessage) else b""
            found = receipt.parse(text, body.data_coding, pdu.tlvs)
        if found is None:
            self._tally.inbound += 1
        else:
            self._tally.receipted(found, self.now())
        self._answer_delivery(pdu)

    def _answer_delivery(self, pdu: Pdu) -> None:
        answers = self._manner.answers
        if answers is Answers.NOTHING:
            return
        status = _STATUSES.get(answers, 0)
        sequence = pdu.sequence + 1_000_000 if answers is Answers.WRONG_NUMBER else pdu.sequence
        if answers is Answers.NACK:
            octets = header(0, GENERIC_NACK, Status.ESME_RSYSERR, sequence)
        else:
            octets = header(1, pdu.command_id | RESPONSE_BIT, status, sequence & SEQUENCE_MAX) + b"\0"
        if answers is Answers.LATE:
            self.loop.call_later(self._manner.late_ms / 1000, self.write, octets)
        else:
            self._out.append(octets * 2 if answers is Answers.TWICE else octets)

    def _on_enquiry(self, pdu: Pdu) -> None:
        if not self._manner.ignores_enquiries:
            self._out.append(header(0, ENQUIRE_LINK_RESP, 0, pdu.sequence))

    def _on_unbind(self, pdu: Pdu) -> None:
        self._out.append(header(0, UNBIND_RESP, 0, pdu.sequence))
        self.flush()
        self.transport.close()

    def _on_other(self, pdu: Pdu) -> None:
        """alert_notification, outbind: nothing to answer. Requests of no use to a client are not known."""

    # Numbers, and reading on.

    def _next(self) -> int:
        self._sequence = self._sequence % SEQUENCE_MAX + 1
        return self._sequence

    def _number(self) -> int:
        numbers = self._manner.numbers
        if numbers is Numbers.COUNTED:
            return self._next()
        if numbers is Numbers.ZERO:
            return 0
        if numbers is Numbers.SAME:
            return 77
        return SEQUENCE_MAX - self._next() if numbers is Numbers.BACKWARD else SEQUENCE_MAX + self._next()

    def _read_on(self) -> None:
        if not self.is_closed and not self.transport.is_closing():
            self.transport.resume_reading()
