"""The octets that stand in place of a submit_sm_resp, or around it.

Apart from the session, which sends them: here each reply is a function of the request's sequence number and the
message's id, so that a new one is a new row.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from whimbrel.codec.smpp.pdu import header
from whimbrel.codec.smpp.tables import GENERIC_NACK, SEQUENCE_MAX, SUBMIT_SM_RESP, Status
from whimbrel_sandbox.outcome import Reply
from whimbrel_sandbox.scenarios import octets

_LENGTH_OCTETS = 4
_BEYOND = b"\x00\x00\x00"
_NEVER_COMES = 64

CLOSING = frozenset({Reply.DROP, Reply.CUT, Reply.UNBIND_CLOSE, Reply.LENGTH_SHORT, Reply.LENGTH_HUGE})
"""After these the connection is closed: a peer that reads on would wait for ever."""


def response(command_id: int, sequence: int, status: int, message_id: str, tlvs: bytes = b"") -> bytes:
    """The response as it should be; with an error it has no body (4.4.2)."""
    if status:
        return header(0, command_id, status, sequence)
    body = b"%b\0%b" % (message_id.encode(), tlvs)
    return header(len(body), command_id, 0, sequence) + body


def played(reply: Reply, sequence: int, status: int, message_id: str) -> bytes:
    """The octets of a reply that is not the usual one; none for those that are silence or a lost link."""
    make = _MADE.get(reply)
    return b"" if make is None else make(sequence, status, message_id)


def _whole(sequence: int, status: int, message_id: str) -> bytes:
    return response(SUBMIT_SM_RESP, sequence, status, message_id)


def _cut(sequence: int, status: int, message_id: str) -> bytes:
    whole = _whole(sequence, status, message_id)
    return whole[: len(whole) // 2]


def _nack(sequence: int, status: int, message_id: str) -> bytes:
    return header(0, GENERIC_NACK, Status.ESME_RSYSERR, sequence)


def _nack_zero(sequence: int, status: int, message_id: str) -> bytes:
    return _nack(0, status, message_id)


def _nack_first(sequence: int, status: int, message_id: str) -> bytes:
    return _nack(0, status, message_id) + _whole(sequence, status, message_id)


def _of_length(length: int, whole: bytes) -> bytes:
    return length.to_bytes(_LENGTH_OCTETS, "big") + whole[_LENGTH_OCTETS:]


def _length_short(sequence: int, status: int, message_id: str) -> bytes:
    return _of_length(8, _whole(sequence, status, message_id))


def _length_huge(sequence: int, status: int, message_id: str) -> bytes:
    return _of_length(0x7FFFFFFF, _whole(sequence, status, message_id))


def _length_beyond(sequence: int, status: int, message_id: str) -> bytes:
    return _whole(sequence, status, message_id) + _BEYOND


def _length_within(sequence: int, status: int, message_id: str) -> bytes:
    whole = _whole(sequence, status, message_id)
    return _of_length(len(whole) + _NEVER_COMES, whole)


def _command_unknown(sequence: int, status: int, message_id: str) -> bytes:
    return response(octets.UNKNOWN_RESPONSE, sequence, status, message_id)


def _after(first: bytes) -> Callable[[int, int, str], bytes]:
    return lambda sequence, status, message_id: first + _whole(sequence, status, message_id)


def _twice(sequence: int, status: int, message_id: str) -> bytes:
    return _whole(sequence, status, message_id) * 2


def _stray(sequence: int, status: int, message_id: str) -> bytes:
    other = (sequence + 1_000_000) % SEQUENCE_MAX
    return _whole(other, status, "stray") + _whole(sequence, status, message_id)


def _body_missing(sequence: int, status: int, message_id: str) -> bytes:
    return header(0, SUBMIT_SM_RESP, status, sequence)


def _id_empty(sequence: int, status: int, message_id: str) -> bytes:
    return _whole(sequence, status, "")


def _with(body: bytes, sequence: int, status: int) -> bytes:
    return header(len(body), SUBMIT_SM_RESP, status, sequence) + body


_MADE: Mapping[Reply, Callable[[int, int, str], bytes]] = MappingProxyType(
    {
        Reply.CUT: _cut,
        Reply.NACK: _nack,
        Reply.NACK_ZERO: _nack_zero,
        Reply.NACK_FIRST: _nack_first,
        Reply.LENGTH_SHORT: _length_short,
        Reply.LENGTH_HUGE: _length_huge,
        Reply.LENGTH_BEYOND: _length_beyond,
        Reply.LENGTH_WITHIN: _length_within,
        Reply.COMMAND_UNKNOWN: _command_unknown,
        Reply.REQUEST_UNKNOWN: _after(octets.UNKNOWN),
        Reply.UNREADABLE: _after(octets.UNREADABLE),
        Reply.TWICE: _twice,
        Reply.STRAY: _stray,
        Reply.BODY_MISSING: _body_missing,
        Reply.ID_EMPTY: _id_empty,
        Reply.ID_OPEN: lambda sequence, status, message_id: _with(message_id.encode(), sequence, status),
        Reply.TLVS: lambda sequence, status, message_id: _with(
            message_id.encode() + b"\0" + octets.ALIEN_TLVS, sequence, status
        ),
        Reply.WITH_BODY: lambda sequence, status, message_id: _with(b"\0", sequence, status),
    }
)
