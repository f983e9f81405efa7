"""Texts of phones as a customer's bind is given them: one deliver_sm, or one for each part of a long text (SMPP 3.4
4.6.1). Apart from `customer_receipts` because these have a text of their own, of any length and alphabet.
"""

from typing import Final

import msgspec

from whimbrel.codec import alphabets, segments, udh
from whimbrel.codec.alphabets import Alphabet
from whimbrel.codec.codings import data_coding
from whimbrel.codec.smpp.bodies import ShortMessage
from whimbrel.codec.smpp.fields import Tlvs, make_tlv, write_tlvs
from whimbrel.codec.smpp.shortmessage import write_short_message
from whimbrel.codec.smpp.tables import ESM_UDHI, Tag
from whimbrel.domain.customer_receipts import Parcel
from whimbrel.domain.customers import CustomerSettings, LongInbound
from whimbrel.domain.model import Encoding, Flag
from whimbrel.domain.wire import Wire

RECEIVED: Final = "message.received"

_INTERNATIONAL, _SHORT, _NAME = (1, 1), (3, 0), (5, 0)  # TON and NPI (5.2.5, 5.2.6; trap T61)
_PLAIN: Final = Wire()
_PART_MAX: Final = 254 - 1 - segments.CONCAT_OCTETS
"""Octets of a part that a short_message can hold beside the place of the part (5.2.22). Only UTF-8 can take more."""


_HEADER_MAX: Final = segments.USER_DATA_OCTETS - 1 - segments.CONCAT_OCTETS - 4
"""Octets of the elements of a header that leave a part of a long text room for any character; larger ones are left out:
the text is worth more."""


class _Options(msgspec.Struct, frozen=True, gc=False):
    """What is needed of a message's options."""

    wire: Wire | None = None


_read_options = msgspec.json.Decoder(_Options).decode


class _Written(msgspec.Struct, frozen=True, gc=False):
    """A text in octets: those of each part without its place in the text, and how they are to be read. `joined`: one
    piece that would be several parts on the air."""

    kind: Encoding
    parts: tuple[bytes, ...]
    joined: bool = False


def bodies(parcel: Parcel, settings: CustomerSettings, *, tlvs: bool) -> tuple[bytes, ...]:
    """The body of a deliver_sm for each part; none when the message is gone or redacted. A bind without `tlvs` (3.3) is
    given long texts with headers, whatever its settings."""
    if parcel.options is None or parcel.text is None or (parcel.flags or 0) & Flag.REDACTED:
        return ()
    wire = _read_options(parcel.options).wire or _PLAIN
    header = bytes.fromhex(wire.header)
    if len(header) > _HEADER_MAX:
        header = b""
    way: LongInbound = settings.long_inbound if tlvs else "udh"
    written = _write(parcel, settings.alphabet, way, len(header))
    further = write_tlvs(tuple((tag, bytes.fromhex(value)) for tag, value in wire.tlvs)) if tlvs and wire.tlvs else b""
    example = _example(parcel, settings, wire, written.kind)
    if len(written.parts) == 1:
        return (_single(example, written.parts[0], header, joined=written.joined) + further,)
    reference = int(parcel.message_id[-12:-4], 16)
    return tuple(
        _part(example, octets, header, udh.Concat(reference, len(written.parts), number, wide=way == "sar")) + further
        for number, octets in enumerate(written.parts, start=1)
    )


def _write(parcel: Parcel, alphabet: Alphabet, way: LongInbound, header_octets: int) -> _Written:
    """In the credential's alphabet where it has every character, else in UCS-2; parts in the sizes of the air."""
    text = parcel.text or ""
    if parcel.encoding == "binary":
        cut = segments.cut_octets(bytes.fromhex(text), extra_header_octets=header_octets)
        return _pieces("binary", cut, way)
    if alphabets.fits(text, alphabet):
        septets = _pieces("gsm7", segments.cut(text, encoding="gsm7", extra_header_octets=header_octets), way)
        elements = header_octets + (segments.CONCAT_OCTETS if len(septets.parts) > 1 and way == "udh" else 0)
        before = 1 + elements if elements else 0
        parts = [alphabets.transcode(part, alphabet, header_octets=before) or b"" for part in septets.parts]
        if septets.joined or max(map(len, parts)) <= _PART_MAX:
            return _Written("gsm7", tuple(parts), septets.joined)
    return _pieces("ucs2", segments.cut(text, encoding="ucs2", extra_header_octets=header_octets), way)


def _pieces(kind: Encoding, cut: tuple[bytes, ...], way: LongInbound) -> _Written:
    joined = way == "payload" and len(cut) > 1
    return _Written(kind, (b"".join(cut),) if joined else cut, joined)


def _example(parcel: Parcel, settings: CustomerSettings, wire: Wire, kind: Encoding) -> ShortMessage:
    source_ton, source_npi, source = _address(parcel.sender or "", plus=settings.plus)
    dest_ton, dest_npi, dest = _address(parcel.recipient or "", plus=settings.plus)
    return ShortMessage(
        service_type=wire.service_type,
        source_ton=source_ton if settings.source_ton is None else settings.source_ton,
        source_npi=source_npi if settings.source_npi is None else settings.source_npi,
        source=source,
        dest_ton=dest_ton,
        dest_npi=dest_npi,
        dest=dest,
        protocol_id=wire.protocol_id,
        data_coding=data_coding(kind, wire.message_class),
    )


def _address(value: str, *, plus: bool) -> tuple[int, int, str]:
    if value.startswith("+"):
        return (*_INTERNATIONAL, value if plus else value[1:])
    return (*(_SHORT if value.isdigit() else _NAME), value)


def _single(example: ShortMessage, octets: bytes, header: bytes, *, joined: bool = False) -> bytes:
    if header:
        example = msgspec.structs.replace(example, esm_class=ESM_UDHI)
        octets = bytes((len(header),)) + header + octets
    if not joined:
        return write_short_message(msgspec.structs.replace(example, short_message=octets))
    return write_short_message(example) + write_tlvs((make_tlv(Tag.MESSAGE_PAYLOAD, octets),))


def _part(example: ShortMessage, octets: bytes, header: bytes, place: udh.Concat) -> bytes:
    if not place.wide:
        element = udh.concat_element(msgspec.structs.replace(place, reference=place.reference & udh.MAX_REFERENCE))
        return _single(example, octets, bytes((element.identifier, len(element.data))) + element.data + header)
    tlvs: Tlvs = (
        make_tlv(Tag.SAR_MSG_REF_NUM, place.reference & udh.MAX_REFERENCE_WIDE),
        make_tlv(Tag.SAR_TOTAL_SEGMENTS, place.total),
        make_tlv(Tag.SAR_SEGMENT_SEQNUM, place.number),
    )
    return _single(example, octets, header) + write_tlvs(tlvs)
