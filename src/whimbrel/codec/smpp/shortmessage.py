"""submit_sm, deliver_sm and their responses shaped by hand: the PDUs that travel by the thousand.

Apart from `fields` because they buy their speed (about a tenth of the general way's time) with flat code that repeats
the table's field order; tests hold both ways against each other. A property of SMPP helps: schedule_time and
validity_period are nearly always empty, so ten single octets stand in a row.
"""

import struct

import msgspec

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.bodies import MessageId, ShortMessage
from whimbrel.codec.smpp.fields import PduError, Tlvs, read_tlvs, write_tlvs
from whimbrel.codec.smpp.tables import Status

_TEN = struct.Struct(">10B").unpack_from
_FIVE = struct.Struct(">5B").unpack_from
_PAIR = struct.Struct(">BB").pack
_THREE = struct.Struct(">BBB").pack
_TAIL = struct.Struct(">BBBBB").pack

_SERVICE_TYPE_MAX = 5
_ADDRESS_MAX = 20
_TIME_MAX = 16
_TEXT_MAX = 254
_MESSAGE_ID_MAX = 64
"""Octets without the NUL (clauses 5.2.8, 5.2.9, 5.2.11, 5.2.15, 5.2.16, 5.2.22, 5.2.23)."""


def read_short_message(data: bytes, pos: int, end: int) -> tuple[ShortMessage, Tlvs]:
    """The body that starts at `pos`, and the TLVs after it.

    A C-string is searched up to `end`; single octets may be read beyond it (they belong to the next PDU, or raise
    IndexError or struct.error at the end of the buffer), so the last check alone decides. ValueError when a C-string
    has no end, PduError when the text reaches beyond the PDU.
    """
    stop = data.index(0, pos, end) if data[pos] else pos  # nearly always empty, and a search costs more than a look
    service_type = data[pos:stop].decode("latin-1") if stop > pos else ""
    source_ton = data[stop + 1]
    source_npi = data[stop + 2]
    pos = stop + 3
    stop = data.index(0, pos, end)
    source = data[pos:stop].decode("latin-1")
    dest_ton = data[stop + 1]
    dest_npi = data[stop + 2]
    pos = stop + 3
    stop = data.index(0, pos, end)
    dest = data[pos:stop].decode("latin-1")
    schedule_time = validity_period = ""
    pos = stop + 11
    esm_class, protocol_id, priority, no_time, no_validity, registered, replace, coding, default, length = _TEN(
        data, stop + 1
    )
    if no_time or no_validity:
        schedule_time, validity_period, pos = _read_times(data, stop + 4, end)
        registered, replace, coding, default, length = _FIVE(data, pos)
        pos += 5
    after = pos + length
    if after > end:
        raise _overrun(pos, end)
    body = ShortMessage(
        service_type,
        source_ton,
        source_npi,
        source,
        dest_ton,
        dest_npi,
        dest,
        esm_class,
        protocol_id,
        priority,
        schedule_time,
        validity_period,
        registered,
        replace,
        coding,
        default,
        data[pos:after],
    )
    return body, read_tlvs(data, after, end) if after < end else ()


def _overrun(pos: int, end: int) -> ValueError:
    """Which of the two it was must not depend on the octets that happen to follow the PDU."""
    if pos > end:
        return ValueError("the PDU ends inside its mandatory fields")
    return PduError(Status.ESME_RINVMSGLEN, "sm_length reaches beyond the PDU")


def _read_times(data: bytes, pos: int, end: int) -> tuple[str, str, int]:
    middle = data.index(0, pos, end)
    stop = data.index(0, middle + 1, end)
    return data[pos:middle].decode("latin-1"), data[middle + 1 : stop].decode("latin-1"), stop + 1


def write_short_message(body: ShortMessage) -> bytes:
    """The mandatory fields; CodecError when one of them cannot be written."""
    service_type = body.service_type
    source = body.source
    dest = body.dest
    schedule_time = body.schedule_time
    validity_period = body.validity_period
    text = body.short_message
    try:
        octets = b"%b\0%c%c%b\0%c%c%b\0%c%c%c%b\0%b\0%c%c%c%c%c%b" % (
            service_type.encode("latin-1"),
            body.source_ton,
            body.source_npi,
            source.encode("latin-1"),
            body.dest_ton,
            body.dest_npi,
            dest.encode("latin-1"),
            body.esm_class,
            body.protocol_id,
            body.priority,
            schedule_time.encode("latin-1"),
            validity_period.encode("latin-1"),
            body.registered_delivery,
            body.replace_if_present,
            body.data_coding,
            body.sm_default_msg_id,
            len(text),
            text,
        )
    except (OverflowError, UnicodeEncodeError) as error:
        raise CodecError(f"a field does not fit: {error}") from error
    if len(text) > _TEXT_MAX or len(source) > _ADDRESS_MAX or len(dest) > _ADDRESS_MAX:
        raise CodecError("an address or the text is too long")
    if "\0" in source or "\0" in dest:
        raise CodecError("an address holds a NUL")
    if service_type or schedule_time or validity_period:
        _check_rare(service_type, schedule_time, validity_period)
    return octets


def _check_rare(service_type: str, schedule_time: str, validity_period: str) -> None:
    if len(service_type) > _SERVICE_TYPE_MAX or len(schedule_time) > _TIME_MAX or len(validity_period) > _TIME_MAX:
        raise CodecError("service_type, schedule_time or validity_period is too long")
    if "\0" in service_type + schedule_time + validity_period:
        raise CodecError("service_type, schedule_time or validity_period holds a NUL")


def write_message_id(body: MessageId) -> bytes:
    """The body of a response; CodecError when the id cannot be written."""
    message_id = body.message_id
    if len(message_id) > _MESSAGE_ID_MAX or "\0" in message_id:
        raise CodecError("message_id is too long or holds a NUL")
    try:
        return message_id.encode("latin-1") + b"\0"
    except UnicodeEncodeError as error:
        raise CodecError("message_id holds a character beyond Latin-1") from error


class SubmitTemplate(msgspec.Struct, frozen=True, gc=False):
    """All octets of submit_sm bodies that differ in destination and text only; made by `submit_template`."""

    head: bytes
    middle: bytes
    tail: bytes

    def body(self, dest: str, text: bytes) -> bytes:
        """The body for one destination and text; CodecError when they cannot be written."""
        if len(dest) > _ADDRESS_MAX or len(text) > _TEXT_MAX or "\0" in dest:
            raise CodecError("the destination or the text cannot be written")
        try:
            return b"%b%b%b%c%b%b" % (self.head, dest.encode("latin-1"), self.middle, len(text), text, self.tail)
        except UnicodeEncodeError as error:
            raise CodecError("the destination holds a character beyond Latin-1") from error


def submit_template(example: ShortMessage, tlvs: Tlvs = ()) -> SubmitTemplate:
    """A template from one whole message; its own destination and text are left out."""
    bare = write_short_message(msgspec.structs.replace(example, dest="", short_message=b""))
    head_octets = len(example.service_type) + 1 + 2 + len(example.source) + 1 + 2
    return SubmitTemplate(bare[:head_octets], bare[head_octets:-1], write_tlvs(tlvs))
