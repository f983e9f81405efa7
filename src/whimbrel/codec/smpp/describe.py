"""One PDU for a reader: names for numbers, and neither people's numbers nor their texts unless they are asked for.

Apart from `pdu` because nothing that carries messages needs it: a trace of a bind, the doctor and the console show
what this makes, and all of it is plain data, ready for JSON. Passwords are never shown. What may hold a number or a
text and is not known to be harmless is shown by its length.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from whimbrel.codec import segments, udh
from whimbrel.codec.shifts import NO_SHIFT, Shift
from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.bodies import DistributionList, SmeAddress, UnsuccessfulSme
from whimbrel.codec.smpp.masks import HIDDEN, mask_number, shown_value
from whimbrel.codec.smpp.names import tag_name
from whimbrel.codec.smpp.pdu import BadPdu, Decoder, Pdu, fills_both, user_data
from whimbrel.codec.smpp.receipt import Receipt
from whimbrel.codec.smpp.statuses import STATUSES, status_name
from whimbrel.codec.smpp.tables import COMMANDS, ESM_UDHI, HEADER_OCTETS, MessageState, Tag

Decode = Callable[[bytes, int, Shift, int], str]
"""From the octets of a text without its header, the data_coding, the header's national tables and how many octets the
header had, to characters; carriers differ."""

_NUMBERS: Final = frozenset({"source", "dest", "esme", "address_range"})
_LENGTH_OCTETS = 4
_STATE_NAMES: Final = {int(state): state.name for state in MessageState}


class DescribedTlv(msgspec.Struct, frozen=True, omit_defaults=True):
    """One TLV; `value` is a number, a text, `{"hex": "…"}`, or None where it is hidden."""

    tag: str
    name: str
    octets: int
    value: str | int | dict[str, str] | None = None
    meaning: str = ""


class DescribedText(msgspec.Struct, frozen=True, omit_defaults=True):
    """The user data: how long it is, and what its header says.

    `octets` counts all of it, `characters` the text without its header. `header` are the identifiers of the header's
    elements ("0x00"), `part` is the place in a long text ("2 of 3, reference 17"), `value` the text where it is shown.
    """

    octets: int
    characters: int
    data_coding: int
    from_payload: bool = False
    fills_both: bool = False
    header: tuple[str, ...] = ()
    part: str = ""
    value: str | None = None


class DescribedReceipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """A delivery receipt, without the user's text that it quotes; see `receipt.Receipt`."""

    message_ids: tuple[str, ...]
    state: str
    stat: str = ""
    err: str | None = None
    submitted_at: str | None = None
    done_at: str | None = None
    network_error: str | None = None


class Described(msgspec.Struct, frozen=True, omit_defaults=True):
    """One PDU. `error` is why its octets are none, and `status` then the one that answers them; `head` are its first
    octets in hex, which tell a lost stream from a wrong port."""

    command: str
    command_id: int
    status: str
    status_code: int
    sequence: int
    octets: int
    meaning: str = ""
    fields: dict[str, Any] = {}
    tlvs: tuple[DescribedTlv, ...] = ()
    text: DescribedText | None = None
    receipt: DescribedReceipt | None = None
    error: str = ""
    head: str = ""


def describe(octets: bytes, *, reveal: bool = False, decode: Decode | None = None) -> Described:
    """The PDU in these octets; whatever follows it is ignored. Never raises.

    `reveal` shows numbers and texts, but no password. `decode` is the carrier's reading of data_coding, by default
    that of `segments`.
    """
    found = Decoder().feed(octets[: max(_LENGTH_OCTETS, _word(octets, 0))])
    if found:
        return describe_pdu(found[0], octets, reveal=reveal, decode=decode)
    cut = BadPdu(_word(octets, 4), _word(octets, 12), 0, False, f"{len(octets)} octets are no whole PDU")
    return describe_pdu(cut, octets, reveal=reveal, decode=decode)


def describe_pdu(pdu: Pdu | BadPdu, octets: bytes, *, reveal: bool = False, decode: Decode | None = None) -> Described:
    """A PDU that was read already; `octets` are those it was read from, header included."""
    command = COMMANDS.get(pdu.command_id)
    known = STATUSES.get(pdu.status)
    described = Described(
        command=command.name if command is not None else f"0x{pdu.command_id:08X}",
        command_id=pdu.command_id,
        status=status_name(pdu.status),
        status_code=pdu.status,
        sequence=pdu.sequence,
        octets=len(octets),
        meaning=known.meaning if known is not None else "",
    )
    if isinstance(pdu, BadPdu):
        shown = HEADER_OCTETS if reveal or pdu.in_step else _LENGTH_OCTETS
        return msgspec.structs.replace(described, error=pdu.reason, head=octets[:shown].hex())
    return msgspec.structs.replace(
        described,
        fields=_fields(pdu, reveal),
        tlvs=tuple([_tlv(tag, value, reveal) for tag, value in pdu.tlvs]),
        text=_text(pdu, reveal, decode),
        receipt=_receipt(pdu),
    )


def describe_all(octets: bytes, *, reveal: bool = False, decode: Decode | None = None) -> list[Described]:
    """All PDUs that stand one behind the other in these octets; the last one may be cut or no PDU at all."""
    found = []
    pos = 0
    while pos < len(octets):
        one = describe(octets[pos:], reveal=reveal, decode=decode)
        found.append(one)
        length = _word(octets, pos)
        pos += length if length >= HEADER_OCTETS else len(octets)
    return found


def _word(octets: bytes, pos: int) -> int:
    return int.from_bytes(octets[pos : pos + 4], "big") if pos + 4 <= len(octets) else 0


def _fields(pdu: Pdu, reveal: bool) -> dict[str, Any]:
    if pdu.body is None:
        return {}
    names = pdu.body.__struct_fields__
    return {name: _field(name, getattr(pdu.body, name), reveal) for name in names if name != "short_message"}


def _field(name: str, value: Any, reveal: bool) -> Any:
    if name == "password":
        return HIDDEN if value else ""
    if isinstance(value, tuple):
        return [_destination(each, reveal) for each in value]
    return mask_number(value) if name in _NUMBERS and not reveal else value


def _destination(each: SmeAddress | DistributionList | UnsuccessfulSme, reveal: bool) -> dict[str, Any]:
    if isinstance(each, DistributionList):
        return {"list": each.name}
    address = {"ton": each.ton, "npi": each.npi, "address": each.address if reveal else mask_number(each.address)}
    return {**address, "status": status_name(each.status)} if isinstance(each, UnsuccessfulSme) else address


def _tlv(tag: int, octets: bytes, reveal: bool) -> DescribedTlv:
    value = shown_value(tag, octets, reveal)
    meaning = _STATE_NAMES.get(value, "") if tag == Tag.MESSAGE_STATE and isinstance(value, int) else ""
    return DescribedTlv(f"0x{tag:04X}", tag_name(tag), len(octets), value, meaning)


def _text(pdu: Pdu, reveal: bool, decode: Decode | None) -> DescribedText | None:
    octets = user_data(pdu)
    if not octets and not hasattr(pdu.body, "short_message"):
        return None
    head = _header(octets) if getattr(pdu.body, "esm_class", 0) & ESM_UDHI else _Header(payload=octets)
    data_coding = getattr(pdu.body, "data_coding", 0)
    if decode is None:
        text = segments.decode(head.payload, data_coding, head.shift)
    else:
        text = decode(head.payload, data_coding, head.shift, len(octets) - len(head.payload))
    return DescribedText(
        octets=len(octets),
        characters=len(text),
        data_coding=data_coding,
        from_payload=bool(octets) and not getattr(pdu.body, "short_message", b""),
        fills_both=fills_both(pdu),
        header=head.elements,
        part=head.part,
        value=text if reveal else None,
    )


class _Header(msgspec.Struct, frozen=True):
    payload: bytes
    elements: tuple[str, ...] = ()
    part: str = ""
    shift: Shift = NO_SHIFT


def _header(octets: bytes) -> _Header:
    try:
        parsed = udh.parse(octets)
    except udh.BadUdh as error:
        return _Header(octets, (f"unreadable: {error}",))
    place = udh.concat(parsed.elements)
    return _Header(
        payload=parsed.payload,
        elements=tuple([f"0x{element.identifier:02X}" for element in parsed.elements]),
        part=f"{place.number} of {place.total}, reference {place.reference}" if place is not None else "",
        shift=udh.shift_of(parsed.elements),
    )


def _receipt(pdu: Pdu) -> DescribedReceipt | None:
    if not receipt.is_receipt(getattr(pdu.body, "esm_class", 0)):
        return None
    found: Receipt | None = receipt.parse(user_data(pdu), getattr(pdu.body, "data_coding", 0), pdu.tlvs)
    if found is None:
        return None
    return DescribedReceipt(
        message_ids=found.message_ids,
        state=found.state.name,
        stat=found.stat,
        err=found.error,
        submitted_at=found.submitted_at,
        done_at=found.done_at,
        network_error=found.network_error.hex() if found.network_error is not None else None,
    )
