"""Mandatory fields and TLVs to and from octets, driven by the table of commands.

Apart from `pdu` because this is the slow, general way, right for all commands; `shortmessage` holds the same codec
shaped by hand for the few PDUs that travel by the thousand, and tests hold the two against each other.

Reading is liberal, writing is strict: a peer's over-long address is read (the PDU bounds it), ours is refused.
"""

import struct
from typing import Any

import msgspec

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.bodies import DistributionList, SmeAddress, UnsuccessfulSme
from whimbrel.codec.smpp.tables import (
    CString,
    Destinations,
    Field,
    Integer,
    Kind,
    OctetString,
    Status,
    Tag,
)

Tlvs = tuple[tuple[int, bytes], ...]
"""Optional parameters in the order of the wire; the same tag may come twice (clause 5.3)."""

_TLV_HEAD = struct.Struct(">HH")
_SME, _LIST = 1, 2
"""dest_flag (clause 5.2.25)."""


class PduError(CodecError):
    """Octets that are no valid PDU, with the command_status that answers them."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def read_fields(fields: tuple[Field, ...], data: bytes, pos: int, end: int) -> tuple[list[Any], int]:
    """The values of all fields and the position after them; PduError when the octets up to `end` run out."""
    values = []
    for field in fields:
        value, pos = _read(field.kind, data, pos, end)
        values.append(value)
    return values, pos


def read_present_fields(fields: tuple[Field, ...], data: bytes, pos: int, end: int) -> tuple[list[Any], int]:
    """Like `read_fields`, but stops where the octets do: SMSCs send responses without some or all of their fields."""
    values: list[Any] = []
    for field in fields:
        if pos >= end:
            break
        try:
            value, pos = _read(field.kind, data, pos, end)
        except PduError:
            if isinstance(field.kind, CString):
                values.append(data[pos:end].decode("latin-1"))
            return values, end
        values.append(value)
    return values, pos


def write_fields(fields: tuple[Field, ...], body: msgspec.Struct) -> bytes:
    """The octets of all fields; CodecError names the field that cannot be written."""
    return b"".join(_write(field.name, field.kind, getattr(body, field.name)) for field in fields)


def read_tlvs(data: bytes, pos: int, end: int) -> Tlvs:
    """All whole TLVs; one that reaches beyond the PDU is dropped together with the rest, never the message itself."""
    found = []
    while pos + 4 <= end:
        tag, length = _TLV_HEAD.unpack_from(data, pos)
        pos += 4
        if pos + length > end:
            break
        found.append((tag, data[pos : pos + length]))
        pos += length
    return tuple(found)


def write_tlvs(tlvs: Tlvs) -> bytes:
    """TLVs in the given order; CodecError when a tag or a length does not fit two octets."""
    try:
        return b"".join(_TLV_HEAD.pack(tag, len(value)) + value for tag, value in tlvs)
    except struct.error as error:
        raise CodecError("a TLV's tag and length must fit two octets") from error


def tlv(tlvs: Tlvs, tag: int) -> bytes | None:
    """The value of the first TLV with this tag."""
    for found, value in tlvs:
        if found == tag:
            return value
    return None


def tlv_integer(tlvs: Tlvs, tag: int) -> int | None:
    """The first TLV with this tag as an unsigned integer of any width (peers differ); None when absent or empty."""
    value = tlv(tlvs, tag)
    return int.from_bytes(value, "big") if value else None


def tlv_text(tlvs: Tlvs, tag: int) -> str | None:
    """The first TLV with this tag as a C-string, with or without its NUL; None when absent."""
    value = tlv(tlvs, tag)
    return None if value is None else value.removesuffix(b"\0").decode("latin-1")


def make_tlv(tag: Tag, value: int | str | bytes) -> tuple[int, bytes]:
    """A known TLV from a plain value, in the shape the table gives it; CodecError when it does not fit."""
    return int(tag), _write(tag.name.lower(), tag.kind, value)


def write_value(name: str, kind: Kind, value: int | str | bytes) -> bytes:
    """One value in a given shape; CodecError, with `name` in it, when it does not fit."""
    return _write(name, kind, value)


def _read(kind: Kind, data: bytes, pos: int, end: int) -> tuple[Any, int]:
    match kind:
        case Integer(octets):
            return int.from_bytes(_take(data, pos, end, octets), "big"), pos + octets
        case CString():
            stop = data.find(0, pos, end)
            if stop < 0:
                raise PduError(Status.ESME_RINVCMDLEN, "a C-string has no end")
            return data[pos:stop].decode("latin-1"), stop + 1
        case OctetString(_, length_octets):
            length = int.from_bytes(_take(data, pos, end, length_octets), "big")
            pos += length_octets
            if pos + length > end:
                raise PduError(Status.ESME_RINVMSGLEN, "sm_length reaches beyond the PDU")
            return data[pos : pos + length], pos + length
        case Destinations():
            return _read_destinations(data, pos, end)
        case _:
            return _read_unsuccessful(data, pos, end)


def _take(data: bytes, pos: int, end: int, octets: int) -> bytes:
    if pos + octets > end:
        raise PduError(Status.ESME_RINVCMDLEN, "the PDU ends inside its mandatory fields")
    return data[pos : pos + octets]


_ADDRESS = (Integer(), Integer(), CString(21))
_DL_NAME = (CString(21),)
_FAILURE = (*_ADDRESS, Integer(4))


def _read_row(kinds: tuple[Kind, ...], data: bytes, pos: int, end: int) -> tuple[list[Any], int]:
    values = []
    for kind in kinds:
        value, pos = _read(kind, data, pos, end)
        values.append(value)
    return values, pos


def _read_destinations(data: bytes, pos: int, end: int) -> tuple[tuple[SmeAddress | DistributionList, ...], int]:
    count = _take(data, pos, end, 1)[0]
    pos += 1
    found: list[SmeAddress | DistributionList] = []
    for _ in range(count):
        flag = _take(data, pos, end, 1)[0]
        if flag == _SME:
            values, pos = _read_row(_ADDRESS, data, pos + 1, end)
            found.append(SmeAddress(*values))
        elif flag == _LIST:
            values, pos = _read_row(_DL_NAME, data, pos + 1, end)
            found.append(DistributionList(*values))
        else:
            raise PduError(Status.ESME_RINVDESTFLAG, f"dest_flag is {flag}")
    return tuple(found), pos


def _read_unsuccessful(data: bytes, pos: int, end: int) -> tuple[tuple[UnsuccessfulSme, ...], int]:
    count = _take(data, pos, end, 1)[0]
    pos += 1
    found = []
    for _ in range(count):
        values, pos = _read_row(_FAILURE, data, pos, end)
        found.append(UnsuccessfulSme(*values))
    return tuple(found), pos


def _write(name: str, kind: Kind, value: Any) -> bytes:
    match kind:
        case Integer(octets):
            return _write_integer(name, octets, value)
        case CString(max_octets):
            return _write_cstring(name, max_octets, value)
        case OctetString(max_octets, length_octets):
            if len(value) > max_octets:
                raise CodecError(f"{name} has {len(value)} octets, {max_octets} fit")
            return (len(value).to_bytes(length_octets, "big") if length_octets else b"") + bytes(value)
        case Destinations(max_count):
            return _write_rows(name, max_count, [_destination(destination) for destination in value])
        case _:
            rows = [_write_row(name, _FAILURE, (sme.ton, sme.npi, sme.address, sme.status)) for sme in value]
            return _write_rows(name, kind.max_count, rows)


def _write_integer(name: str, octets: int, value: int) -> bytes:
    try:
        return value.to_bytes(octets, "big")
    except OverflowError as error:
        raise CodecError(f"{name} is {value}, which does not fit {octets} octet(s)") from error


def _write_cstring(name: str, max_octets: int, value: str) -> bytes:
    try:
        octets = value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise CodecError(f"{name} holds a character beyond Latin-1") from error
    if len(octets) >= max_octets:
        raise CodecError(f"{name} has {len(octets)} characters, {max_octets - 1} fit")
    if b"\0" in octets:
        raise CodecError(f"{name} holds a NUL")
    return octets + b"\0"


def _destination(destination: SmeAddress | DistributionList) -> bytes:
    if isinstance(destination, SmeAddress):
        row = (destination.ton, destination.npi, destination.address)
        return bytes([_SME]) + _write_row("destinations", _ADDRESS, row)
    return bytes([_LIST]) + _write_row("destinations", _DL_NAME, (destination.name,))


def _write_row(name: str, kinds: tuple[Kind, ...], values: tuple[int | str, ...]) -> bytes:
    return b"".join(_write(name, kind, value) for kind, value in zip(kinds, values, strict=True))


def _write_rows(name: str, max_count: int, rows: list[bytes]) -> bytes:
    if len(rows) > max_count:
        raise CodecError(f"{name} has {len(rows)} entries, {max_count} fit")
    return bytes([len(rows)]) + b"".join(rows)
