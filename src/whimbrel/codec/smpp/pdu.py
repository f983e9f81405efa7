"""PDUs: values to octets, and a stream of octets to values.

Apart from `session`, which knows what the PDUs mean to each other; here each stands alone. The invariant that the
fuzz target holds: bytes give PDUs or a protocol error that says whether the stream is in step; nothing else.

A PDU that is framed well but cannot be read leaves the stream in step: its length says where the next one starts. A
command_length that is impossible does not: the decoder then refuses all that follows.
"""

import struct
from collections.abc import Callable
from typing import Final, cast

import msgspec

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.bodies import (
    AlertNotification,
    Bind,
    BindResp,
    Body,
    CancelSm,
    DataSm,
    DistributionList,
    MessageId,
    Outbind,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ShortMessage,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessfulSme,
)
from whimbrel.codec.smpp.fields import (
    PduError,
    Tlvs,
    make_tlv,
    read_fields,
    read_present_fields,
    read_tlvs,
    tlv,
    tlv_integer,
    tlv_text,
    write_fields,
    write_tlvs,
)
from whimbrel.codec.smpp.shortmessage import (
    SubmitTemplate,
    read_short_message,
    submit_template,
    write_message_id,
    write_short_message,
)
from whimbrel.codec.smpp.tables import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER,
    BIND_RECEIVER_RESP,
    BIND_TRANSCEIVER,
    BIND_TRANSCEIVER_RESP,
    BIND_TRANSMITTER,
    BIND_TRANSMITTER_RESP,
    CANCEL_SM,
    COMMANDS,
    DATA_SM,
    DATA_SM_RESP,
    DELIVER_SM,
    DELIVER_SM_RESP,
    HEADER_OCTETS,
    OUTBIND,
    QUERY_SM,
    QUERY_SM_RESP,
    REPLACE_SM,
    RESPONSE_BIT,
    SUBMIT_MULTI,
    SUBMIT_MULTI_RESP,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    Status,
    Tag,
)

__all__ = [
    "MAX_PDU_OCTETS",
    "AlertNotification",
    "BadPdu",
    "Bind",
    "BindResp",
    "Body",
    "CancelSm",
    "DataSm",
    "Decoder",
    "DistributionList",
    "MessageId",
    "Outbind",
    "Pdu",
    "QuerySm",
    "QuerySmResp",
    "ReplaceSm",
    "ShortMessage",
    "SmeAddress",
    "SubmitMulti",
    "SubmitMultiResp",
    "SubmitTemplate",
    "Tlvs",
    "UnsuccessfulSme",
    "body_of",
    "encode",
    "encode_body",
    "fills_both",
    "header",
    "make_tlv",
    "pack_header",
    "submit_template",
    "tlv",
    "tlv_integer",
    "tlv_text",
    "user_data",
]

MAX_PDU_OCTETS: Final = 65536
"""Cap on command_length. The largest honest PDU is a message_payload of 64 KiB less its head; jsmpp, cloudhopper and
Kannel cap in the same order, and an HTTP request on the port ("GET " as a length) is refused at its fourth octet."""

_LENGTH_OCTETS = 4
_HEADER = struct.Struct(">IIII")
_read_header = _HEADER.unpack_from
pack_header: Final = _HEADER.pack
"""command_length of the whole PDU, command_id, status, sequence (clause 3.2); `header` counts itself."""


class Pdu(msgspec.Struct, frozen=True, gc=False):
    """One PDU (clause 3.2). `body` is None where the command has none, or a response came without its own."""

    command_id: int
    status: int = 0
    sequence: int = 0
    body: Body | None = None
    tlvs: Tlvs = ()


class BadPdu(msgspec.Struct, frozen=True, gc=False):
    """Octets that are no PDU. `status` answers them; when not `in_step` the stream is lost and must be closed.

    `command_id` and `sequence` are 0 when the stream is lost, as clause 4.3.1 wants it for the generic_nack.
    """

    command_id: int
    sequence: int
    status: int
    in_step: bool
    reason: str


_BODIES: Final[dict[int, type[Body]]] = {
    BIND_TRANSMITTER: Bind,
    BIND_RECEIVER: Bind,
    BIND_TRANSCEIVER: Bind,
    BIND_TRANSMITTER_RESP: BindResp,
    BIND_RECEIVER_RESP: BindResp,
    BIND_TRANSCEIVER_RESP: BindResp,
    OUTBIND: Outbind,
    SUBMIT_SM: ShortMessage,
    DELIVER_SM: ShortMessage,
    SUBMIT_SM_RESP: MessageId,
    DELIVER_SM_RESP: MessageId,
    DATA_SM: DataSm,
    DATA_SM_RESP: MessageId,
    QUERY_SM: QuerySm,
    QUERY_SM_RESP: QuerySmResp,
    CANCEL_SM: CancelSm,
    REPLACE_SM: ReplaceSm,
    SUBMIT_MULTI: SubmitMulti,
    SUBMIT_MULTI_RESP: SubmitMultiResp,
    ALERT_NOTIFICATION: AlertNotification,
}


def body_of(command_id: int) -> type[Body] | None:
    """The struct of a command's mandatory fields; None when it has none, or is unknown."""
    return _BODIES.get(command_id)


def header(octets: int, command_id: int, status: int, sequence: int) -> bytes:
    """The four integers before a body of `octets` octets (clause 3.2)."""
    return _HEADER.pack(HEADER_OCTETS + octets, command_id, status, sequence)


def encode(pdu: Pdu) -> bytes:
    """One PDU as octets; CodecError when a field does not fit or the body belongs to another command."""
    octets = encode_body(pdu.command_id, pdu.body, pdu.tlvs)
    try:
        return _HEADER.pack(HEADER_OCTETS + len(octets), pdu.command_id, pdu.status, pdu.sequence) + octets
    except struct.error as error:
        raise CodecError("command_id, status and sequence must fit four octets") from error


def encode_body(command_id: int, body: Body | None, tlvs: Tlvs = ()) -> bytes:
    """All that follows the header; CodecError as in `encode`."""
    kind = _BODIES.get(command_id)
    if body is None:
        octets = b""
        if kind is not None and not command_id & RESPONSE_BIT:
            raise CodecError(f"{COMMANDS[command_id].name} needs a body")
    elif type(body) is not kind:
        raise CodecError(f"{type(body).__name__} is no body of command 0x{command_id:08X}")
    elif kind is ShortMessage:
        octets = write_short_message(cast(ShortMessage, body))
    elif kind is MessageId:
        octets = write_message_id(cast(MessageId, body))
    else:
        octets = write_fields(COMMANDS[command_id].fields, body)
    return octets + write_tlvs(tlvs) if tlvs else octets


def user_data(pdu: Pdu) -> bytes:
    """The message's octets: short_message, or the message_payload TLV when that is empty (clause 5.3.2.32)."""
    text = getattr(pdu.body, "short_message", b"")
    return text or tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or b""


def fills_both(pdu: Pdu) -> bool:
    """True when short_message and message_payload both hold a text. Clause 5.3.2.32 forbids it: with the payload
    sm_length is 0. `user_data` then keeps to sm_length; a server may refuse, a client counts it and takes the text."""
    return bool(getattr(pdu.body, "short_message", b"")) and bool(tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD))


class Decoder:
    """Octets as they come from a connection, in any cut, to PDUs; keeps at most one unfinished PDU."""

    __slots__ = ("_held", "_lost", "_max_length", "_wanted")

    def __init__(self, max_length: int = MAX_PDU_OCTETS) -> None:
        """`max_length` caps command_length, in octets."""
        self._max_length = max_length
        self._held = bytearray()
        self._wanted = _LENGTH_OCTETS
        self._lost = False

    @property
    def is_lost(self) -> bool:
        """True after a PDU that was not in step; all further octets are ignored."""
        return self._lost

    @property
    def held(self) -> bytes:
        """The octets of a PDU that is not whole yet."""
        return bytes(self._held)

    def feed(self, data: bytes) -> list[Pdu | BadPdu]:
        """All PDUs that are whole now, in order."""
        if self._lost:
            return []
        if self._held:
            self._held += data
            if len(self._held) < self._wanted:
                return []
            data = bytes(self._held)
            self._held.clear()
        found: list[Pdu | BadPdu] = []
        pos = self._cut(data, found)
        if pos < len(data):
            self._hold(data[pos:], found)
        return found

    def _cut(self, data: bytes, found: list[Pdu | BadPdu]) -> int:
        """Append all whole PDUs and return where the first unfinished one starts."""
        pos = 0
        last = len(data) - HEADER_OCTETS
        while pos <= last:
            length, command_id, status, sequence = _read_header(data, pos)
            end = pos + length
            if length < HEADER_OCTETS or length > self._max_length or end > len(data):
                break
            try:
                body, tlvs = _READERS.get(command_id, _read_unknown)(data, pos + HEADER_OCTETS, end)
                found.append(Pdu(command_id, status, sequence, body, tlvs))
            except (ValueError, IndexError, struct.error) as error:
                found.append(_bad(command_id, sequence, error))
            pos = end
        return pos

    def _hold(self, rest: bytes, found: list[Pdu | BadPdu]) -> None:
        """Keep an unfinished PDU, or lose the stream when its length, known from its fourth octet on, cannot be."""
        self._wanted = _LENGTH_OCTETS
        if len(rest) >= _LENGTH_OCTETS:
            self._wanted = int.from_bytes(rest[:_LENGTH_OCTETS], "big")
            if not HEADER_OCTETS <= self._wanted <= self._max_length:
                self._lost = True
                reason = f"command_length is {self._wanted}"
                found.append(BadPdu(0, 0, Status.ESME_RINVCMDLEN, False, reason))
                return
        self._held += rest


def _bad(command_id: int, sequence: int, error: Exception) -> BadPdu:
    if isinstance(error, PduError):
        return BadPdu(command_id, sequence, error.status, True, str(error))
    return BadPdu(command_id, sequence, Status.ESME_RINVCMDLEN, True, "the PDU ends inside its mandatory fields")


_Read = Callable[[bytes, int, int], tuple[Body | None, Tlvs]]
"""From the octets, where the body starts and where the PDU ends, to the body and the TLVs."""


def _read_unknown(data: bytes, pos: int, end: int) -> tuple[Body | None, Tlvs]:
    raise PduError(Status.ESME_RINVCMDID, "unknown command_id")


def _read_bare(data: bytes, pos: int, end: int) -> tuple[Body | None, Tlvs]:
    return None, read_tlvs(data, pos, end) if pos < end else ()


def _read_message_id(data: bytes, pos: int, end: int) -> tuple[Body | None, Tlvs]:
    if pos == end:
        return None, ()
    stop = data.find(0, pos, end)
    if stop < 0:
        stop = end
    body = MessageId(data[pos:stop].decode("latin-1"))
    return body, read_tlvs(data, stop + 1, end) if stop + 1 < end else ()


def _reader_of_request(command_id: int) -> _Read:
    fields, kind = COMMANDS[command_id].fields, _BODIES[command_id]

    def read(data: bytes, pos: int, end: int) -> tuple[Body | None, Tlvs]:
        values, pos = read_fields(fields, data, pos, end)
        return kind(*values), read_tlvs(data, pos, end)

    return read


def _reader_of_response(command_id: int) -> _Read:
    fields, kind = COMMANDS[command_id].fields, _BODIES[command_id]

    def read(data: bytes, pos: int, end: int) -> tuple[Body | None, Tlvs]:
        if pos == end:
            return None, ()
        values, pos = read_present_fields(fields, data, pos, end)
        return kind(*values), read_tlvs(data, pos, end)

    return read


def _reader_of(command_id: int) -> _Read:
    kind = _BODIES.get(command_id)
    if kind is None:
        return _read_bare
    if kind is ShortMessage:
        return read_short_message
    if kind is MessageId:
        return _read_message_id
    return _reader_of_response(command_id) if command_id & RESPONSE_BIT else _reader_of_request(command_id)


_READERS: Final[dict[int, _Read]] = {command_id: _reader_of(command_id) for command_id in COMMANDS}
