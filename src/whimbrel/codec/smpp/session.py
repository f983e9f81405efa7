"""One SMPP session without I/O and without a clock: the same machine plays ESME and SMSC.

Theory of operation
-------------------
The owner has a connection and a clock; the machine has the rules. Octets go in by `receive`, time by `tick` (and as
an argument of verbs), events come out as lists, octets by `take_output`, once per turn of the owner's loop. Nothing
here blocks, calls back or holds a timer. Time is an integer in milliseconds that never runs back.

States (clause 2.2)::

            ESME: bind()                ESME: Bound
    OPEN ---------------------> BINDING ---------------------> BOUND
     ^      SMSC: BindRequested   |     SMSC: respond(ok)       |  \\
     |                            |                  unbind()   |   \\  peer's unbind: PeerUnbound
     +----------------------------+                             v    v
          refused: BindRefused / respond(error)         UNBINDING    UNBOUND
                                                                |    |
     any state: stream lost, deadline, dead link  ------------> CLOSED   (event Closed, then nothing more)

Requests of ours. `send` gives the next sequence number, keeps the token under it (`outstanding`) and writes the PDU. A
response is matched by sequence number and command; it frees the place. A request that times out frees its place too,
but its token is remembered: a late response still tells what became of it. Only submit_sm, deliver_sm, data_sm and
submit_multi count for the window. The machine's own requests (bind, unbind, enquire_link) are not kept there.

Requests of the peer. enquire_link is answered on the spot in every state, before the owner sees anything of the turn:
a busy owner must not look dead. Any PDU of the peer counts as life. A request that the state forbids is refused with
ESME_RINVBNDSTS; the others become events that the owner answers by `respond`, in any order, at any time. unbind is
answered once all earlier requests are. An SMSC that delivers before its bind_resp has accepted the bind all the same:
what it brings is taken, because a refusal would lose it.

Versions. A side that binds, or answers, with less than 0x34 speaks SMPP 3.3 and is sent no TLVs, whatever the owner
gives (`versions`).

Errors. A PDU that cannot be read is answered (its own response with the error, generic_nack for an unknown command) and
the session goes on; a stream that is out of step is answered by generic_nack and closed. A `SessionError` is our own
side's mistake, never the peer's.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.bodies import Bind, Body
from whimbrel.codec.smpp.conversation import Conversation
from whimbrel.codec.smpp.events import (
    Answered,
    CloseReason,
    DeliverReceived,
    Event,
    Nacked,
    RequestReceived,
    Role,
    Settings,
    State,
    SubmitReceived,
    TimedOut,
)
from whimbrel.codec.smpp.fields import Tlvs, write_tlvs
from whimbrel.codec.smpp.pdu import BadPdu, Pdu, encode_body, header, pack_header
from whimbrel.codec.smpp.tables import (
    BINDS,
    DELIVER_SM,
    EMPTY_BODIES,
    ENQUIRE_LINK,
    FROM_SMSC,
    GENERIC_NACK,
    HEADER_OCTETS,
    RESPONSE_BIT,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    WINDOWED,
    WITHOUT_RESPONSE,
)
from whimbrel.codec.smpp.timers import NEVER, OVERDUE
from whimbrel.codec.smpp.versions import takes_tlvs, without_tlvs


class SessionError(CodecError):
    """Our own side asks for something that the session's state does not allow."""


class Session(Conversation):
    """One session; see the head of this file. All times are integer milliseconds on one monotonic clock."""

    __slots__ = ()

    # What the owner may ask.

    @property
    def is_closed(self) -> bool:
        """True when the machine is done; it takes and gives nothing more but its output."""
        return self.state is State.CLOSED

    @property
    def bind_command(self) -> int:
        """The bind's command_id once bound; 0 before."""
        return self._bind_command

    @property
    def room(self) -> int:
        """Free places in the window; 0 when nothing may be sent."""
        return self.settings.window - self._outstanding.window_used if self.state is State.BOUND else 0

    @property
    def in_flight(self) -> int:
        """Requests of ours that wait for a response, windowed or not."""
        return len(self._outstanding)

    @property
    def owed(self) -> int:
        """Requests of the peer that wait for `respond`."""
        return self._owed

    @property
    def half_read(self) -> bytes:
        """What came of a PDU that is not whole yet."""
        return self._decoder.held

    @property
    def has_output(self) -> bool:
        """True when `take_output` has something to give."""
        return bool(self._output)

    @property
    def next_deadline_ms(self) -> int | None:
        """When `tick` is due at the latest; None once closed. It may only move nearer by a verb or an event."""
        if self.is_closed:
            return None
        due = self._timers.due_ms()
        first_ms = self._outstanding.first_expiry_ms()
        if first_ms is not None and first_ms < due:
            return first_ms
        return due if due < NEVER else None

    # Verbs.

    def bind(self, command_id: int, body: Bind, *, now_ms: int) -> None:
        """ESME: ask to bind; Bound, BindRefused or Closed follows."""
        if self.role is not Role.ESME or self.state is not State.OPEN or command_id not in BINDS:
            raise SessionError(f"cannot bind in state {self.state.value}")
        octets = encode_body(command_id, body)
        self._write(command_id, 0, self._outstanding.next_sequence(), octets)
        self.sends_tlvs = takes_tlvs(body.interface_version)
        self.state = State.BINDING
        self._bind_asked = command_id
        self._allowed = FROM_SMSC
        self._timers.deadline_ms = now_ms + self.settings.bind_timeout_ms

    def send(self, command_id: int, body: Body | bytes | None, *, token: Any, now_ms: int, tlvs: Tlvs = ()) -> int:
        """Write a request, keep `token` until its response, and return its sequence number.

        `body` may be octets that `encode_body` or a `SubmitTemplate` made. SessionError when the session is not bound
        or the window is full (see `room`); CodecError when the body cannot be written. Nothing is sent then. TLVs are
        left out unless `sends_tlvs`; a message_payload then is a CodecError.
        """
        self._check_room(command_id, 1)
        if isinstance(body, bytes):
            octets = body + write_tlvs(tlvs) if tlvs else body
        else:
            octets = encode_body(command_id, body, tlvs)
        if not self.sends_tlvs:
            octets = without_tlvs(command_id, octets)
        sequence = self._outstanding.add(token, command_id, now_ms + self.settings.response_timeout_ms)
        self._output += (header(len(octets), command_id, 0, sequence), octets)
        return sequence

    def send_list(self, command_id: int, requests: Sequence[tuple[bytes, Any]], *, now_ms: int) -> None:
        """Write requests whose octets are made, each with its token; all or, with an error as in `send`,
        none."""
        self._check_room(command_id, len(requests))
        if not self.sends_tlvs:
            requests = [(without_tlvs(command_id, octets), token) for octets, token in requests]
        expires_ms = now_ms + self.settings.response_timeout_ms
        add = self._outstanding.add
        for octets, token in requests:
            sequence = add(token, command_id, expires_ms)
            self._output += (pack_header(HEADER_OCTETS + len(octets), command_id, 0, sequence), octets)

    def _check_room(self, command_id: int, count: int) -> None:
        if self.state is not State.BOUND:
            raise SessionError(f"cannot send in state {self.state.value}")
        if self._outstanding.window_used + count > self.settings.window and command_id in WINDOWED:
            raise SessionError("the window is full")

    def notify(self, command_id: int, body: Body) -> int:
        """Write a PDU that has no response (outbind, alert_notification) and return its sequence number."""
        if command_id not in WITHOUT_RESPONSE or self.state is State.CLOSED:
            raise SessionError(f"cannot notify in state {self.state.value}")
        sequence = self._outstanding.next_sequence()
        self._write(command_id, 0, sequence, encode_body(command_id, body))
        return sequence

    def respond(self, request: Pdu, status: int = 0, body: Body | None = None, *, tlvs: Tlvs = ()) -> None:
        """Answer a request of the peer. Without a body a success has empty fields and an error has none (clause 4.4.2).

        Once closed it does nothing: the answer to a dead link has no reader.
        """
        if self.is_closed:
            return
        command_id = request.command_id | RESPONSE_BIT
        if not self.sends_tlvs:
            tlvs = ()
        if body is None and not status:
            octets = EMPTY_BODIES.get(command_id, b"") + write_tlvs(tlvs)
        else:
            octets = encode_body(command_id, body, tlvs)
        self._write(command_id, status, request.sequence, octets)
        if request.command_id in BINDS:
            self._bind_answered(request.command_id, status)
            return
        self._owed = max(0, self._owed - 1)
        self._answer_unbind()

    def respond_list(self, requests: Sequence[Pdu], status: int = 0) -> None:
        """Answer messages of the peer, all alike and without a body."""
        if self.is_closed:
            return
        octets = b"" if status else EMPTY_BODIES[SUBMIT_SM_RESP]
        length = HEADER_OCTETS + len(octets)
        self._output += [
            pack_header(length, request.command_id | RESPONSE_BIT, status, request.sequence) + octets
            for request in requests
        ]
        self._owed = max(0, self._owed - len(requests))
        self._answer_unbind()

    def respond_ids(self, answers: Sequence[tuple[Pdu, str]], tlvs: Tlvs = ()) -> None:
        """Answer messages of the peer that are accepted, each with its message_id, all with the same TLVs; ids are
        ASCII of at most 64 characters."""
        if self.is_closed:
            return
        end = b"\0" + write_tlvs(tlvs) if tlvs and self.sends_tlvs else b"\0"
        more = HEADER_OCTETS + len(end)
        for request, message_id in answers:
            head = pack_header(more + len(message_id), request.command_id | RESPONSE_BIT, 0, request.sequence)
            self._output.append(b"%b%b%b" % (head, message_id.encode("ascii"), end))
        self._owed = max(0, self._owed - len(answers))
        self._answer_unbind()

    def adopt(self, settings: Settings) -> None:
        """Go on with other settings. An SMSC learns by the bind whose they are; the size of a PDU stays as it was."""
        self.settings = settings
        self._timers.adopt(settings)

    def nack(self, sequence: int, status: int) -> None:
        """Write a generic_nack (clause 4.3.1)."""
        self._write(GENERIC_NACK, status, sequence, b"")

    def unbind(self, *, now_ms: int) -> None:
        """Ask the peer to end the session; Closed follows at its answer, or after `unbind_timeout_ms`."""
        if self.state is not State.BOUND:
            raise SessionError(f"cannot unbind in state {self.state.value}")
        self._write(UNBIND, 0, self._outstanding.next_sequence(), b"")
        self.state = State.UNBINDING
        self._timers.deadline_ms = now_ms + self.settings.unbind_timeout_ms

    def take_output(self) -> bytes:
        """All octets to be written now, in one piece."""
        octets = b"".join(self._output)
        self._output.clear()
        return octets

    def lost(self) -> list[Any]:
        """The connection is gone: the tokens in flight, oldest first. Their outcome is unknown; the machine is done."""
        self.state = State.CLOSED
        return [flight.token for flight in self._outstanding.drain()]

    def receive(self, data: bytes, now_ms: int) -> list[Event]:
        """Octets from the peer, in any cut; what they mean, in order."""
        events: list[Event] = []
        pdus = [] if self.is_closed else self._decoder.feed(data)
        if pdus:
            self._timers.heard(now_ms)
        for pdu in pdus:
            command_id = pdu.command_id
            if isinstance(pdu, BadPdu):
                self._unreadable(pdu, events)
            elif command_id in self._allowed:
                self._owed += command_id not in WITHOUT_RESPONSE
                events.append(_RECEIVED.get(command_id, RequestReceived)(pdu))
                continue  # what travels by the thousand closes nothing
            elif not command_id & RESPONSE_BIT:
                self._requested(pdu, now_ms, events)
            elif (flight := self._outstanding.answered(pdu.sequence, command_id)) is not None:
                events.append((Answered if command_id != GENERIC_NACK else Nacked)(flight.token, pdu))
                continue
            else:
                self._responded(pdu, events)
            if self.state is State.CLOSED:
                break
        return events

    def tick(self, now_ms: int) -> list[Event]:
        """Let time pass: what timed out, in order."""
        events: list[Event] = []
        if self.is_closed:
            return events
        events += [TimedOut(flight.token) for flight in self._outstanding.expire(now_ms)]
        if now_ms >= self._timers.deadline_ms:
            self._close(OVERDUE[self.state], events)
        elif now_ms >= self._timers.inactive_ms():
            self._close(CloseReason.INACTIVE, events)
        elif now_ms >= self._timers.enquire_due_ms():
            self._enquire(now_ms, events)
        return events

    # Time.

    def _enquire(self, now_ms: int, events: list[Event]) -> None:
        if self._timers.asked >= self.settings.enquire_link_tries:
            self._close(CloseReason.LINK_DEAD, events)
            return
        self._timers.ask(now_ms)
        self._write(ENQUIRE_LINK, 0, self._outstanding.next_sequence(), b"")


_RECEIVED: Final[dict[int, Callable[[Pdu], Event]]] = {SUBMIT_SM: SubmitReceived, DELIVER_SM: DeliverReceived}
