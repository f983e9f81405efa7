"""What the session machine is told at its start, and what it reports. Plain values, apart so that carriers, servers and
the simulator can match on them without the machine.

Events and tokens must not refer to each other in a cycle (`gc=False`): a token is the caller's own mark of a request,
handed back untouched.
"""

from enum import Enum, StrEnum
from typing import Any

import msgspec

from whimbrel.codec.smpp.pdu import MAX_PDU_OCTETS, Pdu


class Role(Enum):
    """Which side of the session this machine plays (clause 2.1)."""

    ESME = "esme"
    SMSC = "smsc"


class State(Enum):
    """Session states (clause 2.2), with the two ways of leaving told apart."""

    OPEN = "open"
    BINDING = "binding"
    """A bind request waits for its answer: the peer's (ESME) or ours (SMSC)."""
    BOUND = "bound"
    UNBINDING = "unbinding"
    """We sent unbind and wait for the answer."""
    UNBOUND = "unbound"
    """The peer sent unbind: no new requests of ours; it is answered when all its requests are."""
    CLOSED = "closed"


class CloseReason(StrEnum):
    """Why the machine wants its connection closed."""

    PROTOCOL = "protocol"
    BIND_TIMEOUT = "bind_timeout"
    LINK_DEAD = "link_dead"
    INACTIVE = "inactive"
    UNBOUND = "unbound"
    UNBIND_TIMEOUT = "unbind_timeout"
    PEER_UNBOUND = "peer_unbound"


class Settings(msgspec.Struct, frozen=True):
    """Timers in milliseconds (clause 7.2) and limits of one session. Defaults are those most carriers ask for."""

    window: int = 10
    """submit_sm, deliver_sm, data_sm and submit_multi that may wait for their response (clause 2.9)."""
    response_timeout_ms: int = 30_000
    enquire_link_ms: int = 30_000
    """Silence of the peer after which we ask; 0 never asks."""
    enquire_link_answer_ms: int = 10_000
    """How long each enquire_link waits for any sign of life."""
    enquire_link_tries: int = 3
    bind_timeout_ms: int = 10_000
    """From the connection's start until the session is bound; a deadline for slow or silent peers."""
    inactivity_ms: int = 0
    """Silence of the peer after which the session is dropped; 0 never."""
    unbind_timeout_ms: int = 5_000
    max_pdu_octets: int = MAX_PDU_OCTETS
    first_sequence: int = 1


class BindRequested(msgspec.Struct, frozen=True, gc=False):
    """SMSC: the peer asks to bind; answer with `Session.respond`."""

    pdu: Pdu


class Bound(msgspec.Struct, frozen=True, gc=False):
    """ESME: the bind succeeded; the response may carry sc_interface_version."""

    pdu: Pdu


class BindRefused(msgspec.Struct, frozen=True, gc=False):
    """ESME: the bind failed, by its response or by a generic_nack."""

    pdu: Pdu


class SubmitReceived(msgspec.Struct, frozen=True, gc=False):
    """SMSC: a submit_sm on a bind that allows it; answer with `Session.respond`."""

    pdu: Pdu


class DeliverReceived(msgspec.Struct, frozen=True, gc=False):
    """ESME: a deliver_sm; answer with `Session.respond`."""

    pdu: Pdu


class RequestReceived(msgspec.Struct, frozen=True, gc=False):
    """Any other request: data_sm, query_sm, …; alert_notification and outbind have no response."""

    pdu: Pdu


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A request that the session's state forbids; already answered with ESME_RINVBNDSTS or ESME_RALYBND."""

    pdu: Pdu


class Answered(msgspec.Struct, frozen=True, gc=False):
    """The response to our request with this token."""

    token: Any
    pdu: Pdu


class Nacked(msgspec.Struct, frozen=True, gc=False):
    """A generic_nack. `token` is None when it names no request of ours (sequence 0): nothing is failed by it, each
    request keeps its timer."""

    token: Any
    pdu: Pdu


class TimedOut(msgspec.Struct, frozen=True, gc=False):
    """No response in time: the peer may or may not have the request. Its window place is free again."""

    token: Any


class AnsweredLate(msgspec.Struct, frozen=True, gc=False):
    """The response to a request that was reported as TimedOut."""

    token: Any
    pdu: Pdu


class Stray(msgspec.Struct, frozen=True, gc=False):
    """A response to nothing we know of."""

    pdu: Pdu


class PeerUnbound(msgspec.Struct, frozen=True, gc=False):
    """The peer sent unbind. Requests in flight may still be answered until the connection closes."""


class ProtocolError(msgspec.Struct, frozen=True, gc=False):
    """Octets that are no PDU, already answered. When not `in_step`, Closed follows."""

    in_step: bool
    command_id: int
    sequence: int
    status: int
    reason: str


class Closed(msgspec.Struct, frozen=True, gc=False):
    """The machine is done: write its output, close the connection, and ask `Session.lost` for what was in flight."""

    reason: CloseReason


Event = (
    BindRequested
    | Bound
    | BindRefused
    | SubmitReceived
    | DeliverReceived
    | RequestReceived
    | Refused
    | Answered
    | Nacked
    | TimedOut
    | AnsweredLate
    | Stray
    | PeerUnbound
    | ProtocolError
    | Closed
)
