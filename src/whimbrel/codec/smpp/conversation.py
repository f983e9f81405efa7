"""What the peer's PDUs do to a session: the states, and the answers that the machine gives by itself.

Apart from `session`, which is what the owner of a session asks and does; its head tells how both work. Nothing here is
called by an owner.
"""

from typing import Final

from whimbrel.codec.smpp.bodies import Bind
from whimbrel.codec.smpp.events import (
    AnsweredLate,
    BindRefused,
    BindRequested,
    Bound,
    Closed,
    CloseReason,
    Event,
    Nacked,
    PeerUnbound,
    ProtocolError,
    Refused,
    Role,
    Settings,
    State,
    Stray,
)
from whimbrel.codec.smpp.fields import tlv_integer
from whimbrel.codec.smpp.outstanding import Outstanding
from whimbrel.codec.smpp.pdu import BadPdu, Decoder, Pdu, header
from whimbrel.codec.smpp.tables import (
    BIND_RECEIVER,
    BIND_RESPS,
    BINDS,
    COMMANDS,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    FROM_SMSC,
    FROM_TRANSMITTER,
    GENERIC_NACK,
    OUTBIND,
    RESPONSE_BIT,
    UNBIND,
    UNBIND_RESP,
    WITHOUT_RESPONSE,
    Status,
    Tag,
)
from whimbrel.codec.smpp.timers import NEVER, Timers
from whimbrel.codec.smpp.versions import takes_tlvs

_BIND_ANSWERS: Final = BIND_RESPS | {GENERIC_NACK}
_NOTHING: Final[frozenset[int]] = frozenset()
_OUTBIND: Final = frozenset({OUTBIND})


class Conversation:
    """The state of one session and the rules that the peer's PDUs follow; see the head of `session`."""

    __slots__ = (
        "_allowed",
        "_bind_asked",
        "_bind_command",
        "_decoder",
        "_output",
        "_outstanding",
        "_owed",
        "_timers",
        "_unbind_owed",
        "close_reason",
        "peer_version",
        "role",
        "sends_tlvs",
        "settings",
        "state",
    )

    def __init__(self, role: Role, settings: Settings, now_ms: int) -> None:
        """`now_ms` is when the connection came up: the bind's deadline counts from here."""
        self.role = role
        self.settings = settings
        self.state = State.OPEN
        self.close_reason: CloseReason | None = None
        self.peer_version: int | None = None
        """What the peer said: interface_version of its bind, sc_interface_version of its answer; None before, and
        from an SMSC that does not say."""
        self.sends_tlvs = True
        """False when either side is of SMPP 3.3: TLVs of ours are then left out."""
        self._decoder = Decoder(settings.max_pdu_octets)
        self._output: list[bytes] = []
        self._outstanding = Outstanding(settings.first_sequence)
        self._owed = 0
        self._unbind_owed: int | None = None
        self._bind_asked = 0
        self._bind_command = 0
        self._timers = Timers(settings, now_ms)
        self._allowed = _NOTHING if role is Role.SMSC else _OUTBIND

    # Requests of the peer.

    def _requested(self, pdu: Pdu, now_ms: int, events: list[Event]) -> None:
        command_id = pdu.command_id
        if command_id == ENQUIRE_LINK:
            self._output.append(header(0, ENQUIRE_LINK_RESP, 0, pdu.sequence))
        elif command_id in BINDS and self.role is Role.SMSC and self.state is State.OPEN:
            self.state = State.BINDING
            self._timers.bind_requested()
            self._heard_version(pdu.body.interface_version if isinstance(pdu.body, Bind) else None)
            events.append(BindRequested(pdu))
        elif command_id == UNBIND:
            self._peer_unbinds(pdu, now_ms, events)
        else:
            self._refuse(pdu, events)

    def _refuse(self, pdu: Pdu, events: list[Event]) -> None:
        second = pdu.command_id in BINDS and self.role is Role.SMSC
        if pdu.command_id not in WITHOUT_RESPONSE:
            status = Status.ESME_RALYBND if second else Status.ESME_RINVBNDSTS
            self._write(pdu.command_id | RESPONSE_BIT, status, pdu.sequence, b"")
        events.append(Refused(pdu))

    def _peer_unbinds(self, pdu: Pdu, now_ms: int, events: list[Event]) -> None:
        self._unbind_owed = pdu.sequence
        if self.state is not State.UNBINDING:
            self.state = State.UNBOUND
            self._allowed = _NOTHING
            self._timers.deadline_ms = now_ms + self.settings.unbind_timeout_ms
            events.append(PeerUnbound())
        self._answer_unbind()

    def _answer_unbind(self) -> None:
        if self._unbind_owed is not None and not self._owed:
            self._write(UNBIND_RESP, 0, self._unbind_owed, b"")
            self._unbind_owed = None

    def _bind_answered(self, command_id: int, status: int) -> None:
        if self.state is not State.BINDING:
            return
        if status:
            self.state = State.OPEN
            self._timers.bind_refused()
            return
        self._bound(command_id)

    def _bound(self, command_id: int) -> None:
        self.state = State.BOUND
        self._bind_command = command_id
        self._timers.deadline_ms = NEVER
        if self.role is Role.ESME:
            self._allowed = FROM_SMSC
        elif command_id != BIND_RECEIVER:
            self._allowed = FROM_TRANSMITTER

    def _heard_version(self, version: int | None, *, ours_allows: bool = True) -> None:
        self.peer_version = version
        self.sends_tlvs = ours_allows and takes_tlvs(version)

    def _unreadable(self, bad: BadPdu, events: list[Event]) -> None:
        if not bad.in_step or (bad.status == Status.ESME_RINVCMDID and not bad.command_id & RESPONSE_BIT):
            self._write(GENERIC_NACK, bad.status, bad.sequence, b"")
        elif bad.command_id in COMMANDS and bad.command_id not in WITHOUT_RESPONSE:
            self._write(bad.command_id | RESPONSE_BIT, bad.status, bad.sequence, b"")
        events.append(ProtocolError(bad.in_step, bad.command_id, bad.sequence, bad.status, bad.reason))
        if not bad.in_step:
            self._close(CloseReason.PROTOCOL, events)

    # Responses of the peer.

    def _responded(self, pdu: Pdu, events: list[Event]) -> None:
        """To no request of the owner: to one of the machine's own, or too late, or to nothing."""
        if pdu.command_id == ENQUIRE_LINK_RESP:
            return
        if self.state is State.BINDING and self.role is Role.ESME and pdu.command_id in _BIND_ANSWERS:
            self._bind_settled(pdu, events)
        elif self.state is State.UNBINDING and pdu.command_id == UNBIND_RESP:
            self._close(CloseReason.UNBOUND, events)
        else:
            self._stray(pdu, events)

    def _bind_settled(self, pdu: Pdu, events: list[Event]) -> None:
        if pdu.status or pdu.command_id == GENERIC_NACK:
            self.state = State.OPEN
            self._allowed = _OUTBIND
            events.append(BindRefused(pdu))
            return
        self._heard_version(tlv_integer(pdu.tlvs, Tag.SC_INTERFACE_VERSION), ours_allows=self.sends_tlvs)
        self._bound(self._bind_asked)
        events.append(Bound(pdu))

    def _stray(self, pdu: Pdu, events: list[Event]) -> None:
        late = self._outstanding.answered_late(pdu.sequence, pdu.command_id)
        if late is not None:
            events.append(AnsweredLate(late.token, pdu))
        elif pdu.command_id == GENERIC_NACK:
            events.append(Nacked(None, pdu))
        else:
            events.append(Stray(pdu))

    # Octets and numbers.

    def _write(self, command_id: int, status: int, sequence: int, octets: bytes) -> None:
        self._output += (header(len(octets), command_id, status, sequence), octets)

    def _close(self, reason: CloseReason, events: list[Event]) -> None:
        self.state = State.CLOSED
        self.close_reason = reason
        events.append(Closed(reason))
