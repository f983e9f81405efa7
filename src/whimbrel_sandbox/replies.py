"""The octets that stand in place of a submit_sm_resp or data_sm_resp, or around it.

Apart from the session, which sends them: here each reply is a function of the request and the message's id, so that a
new one is a new row.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

from whimbrel.codec.smpp.pdu import header
from whimbrel.codec.smpp.tables import GENERIC_NACK, SEQUENCE_MAX, Status
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


class Asked(Struct, frozen=True):
    """What is answered: the command_id of the response, the request's number, and what the response says."""

    command_id: int
    sequence: int
    status: int
    message_id: str


def played(reply: Reply, asked: Asked) -> bytes:
    """The octets of a reply that is not the usual one; none for those that are silence or a lost link."""
    make = _MADE.get(reply)
    return b"" if make is None else make(asked)


def _whole(asked: Asked) -> bytes:
    return response(asked.command_id, asked.sequence, asked.status, asked.message_id)


def _cut(asked: Asked) -> bytes:
    whole = _whole(asked)
    return whole[: len(whole) // 2]


def _nack(sequence: int) -> bytes:
    return header(0, GENERIC_NACK, Status.ESME_RSYSERR, sequence)


def _of_length(length: int, whole: bytes) -> bytes:
    return length.to_bytes(_LENGTH_OCTETS, "big") + whole[_LENGTH_OCTETS:]


def _length_within(asked: Asked) -> bytes:
    whole = _whole(asked)
    return _of_length(len(whole) + _NEVER_COMES, whole)


def _command_unknown(asked: Asked) -> bytes:
    return response(octets.UNKNOWN_RESPONSE, asked.sequence, asked.status, asked.message_id)


def _stray(asked: Asked) -> bytes:
    other = (asked.sequence + 1_000_000) % SEQUENCE_MAX
    return response(asked.command_id, other, asked.status, "stray") + _whole(asked)


def _with(asked: Asked, body: bytes) -> bytes:
    return header(len(body), asked.command_id, asked.status, asked.sequence) + body


_MADE: Mapping[Reply, Callable[[Asked], bytes]] = MappingProxyType(
    {
        Reply.CUT: _cut,
        Reply.NACK: lambda asked: _nack(asked.sequence),
        Reply.NACK_ZERO: lambda asked: _nack(0),
        Reply.NACK_FIRST: lambda asked: _nack(0) + _whole(asked),
        Reply.LENGTH_SHORT: lambda asked: _of_length(8, _whole(asked)),
        Reply.LENGTH_HUGE: lambda asked: _of_length(0x7FFFFFFF, _whole(asked)),
        Reply.LENGTH_BEYOND: lambda asked: _whole(asked) + _BEYOND,
        Reply.LENGTH_WITHIN: _length_within,
        Reply.COMMAND_UNKNOWN: _command_unknown,
        Reply.REQUEST_UNKNOWN: lambda asked: octets.UNKNOWN + _whole(asked),
        Reply.UNREADABLE: lambda asked: octets.UNREADABLE + _whole(asked),
        Reply.TWICE: lambda asked: _whole(asked) * 2,
        Reply.STRAY: _stray,
        Reply.BODY_MISSING: lambda asked: _with(asked, b""),
        Reply.ID_EMPTY: lambda asked: _with(asked, b"\0"),
        Reply.ID_OPEN: lambda asked: _with(asked, asked.message_id.encode()),
        Reply.TLVS: lambda asked: _with(asked, asked.message_id.encode() + b"\0" + octets.ALIEN_TLVS),
        Reply.WITH_BODY: lambda asked: _with(asked, b"\0"),
    }
)
