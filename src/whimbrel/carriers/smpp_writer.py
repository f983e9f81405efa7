"""Our parts as the bodies of submit_sm, written as the carrier's settings want them.

Apart from the reader because it is made for speed: messages of one sender that live equally long share all octets but
destination and text, so those are made once (a template). What is rare (a header, optional parameters, another
alphabet) is added to that, and costs the plain text nothing.
"""

from typing import Literal

from whimbrel.carriers import smpp_addresses
from whimbrel.carriers.interface import Part
from whimbrel.codec import alphabets, codings, segments, shifts, udh
from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp import names, times
from whimbrel.codec.smpp.bodies import ShortMessage
from whimbrel.codec.smpp.fields import Tlvs, make_tlv, write_tlvs
from whimbrel.codec.smpp.shortmessage import SubmitTemplate, submit_template
from whimbrel.codec.smpp.tables import Tag
from whimbrel.domain.dialect import CarrierSettings, asks_for
from whimbrel.domain.wire import Wire
from whimbrel.domain.wire_form import tag_named

_UDHI = 0x40  # SMPP 3.4 5.2.12: the short message begins with a user data header
_ASKS = 1  # registered_delivery, 5.2.17: a receipt for success and failure
_SECOND_US = 1_000_000
_TEMPLATES_MAX = 512
_TEXT_MAX = 254  # 5.2.22: octets of a short_message
_BINARY_CODING = 4
_USER_DATA_BITS = 8 * segments.USER_DATA_OCTETS
_KINDS: dict[str, Literal["gsm7", "ucs2", "binary"]] = {"gsm7": "gsm7", "ucs2": "ucs2", "binary": "binary"}


class Unwritable(CodecError):
    """A part that this carrier cannot be given; `reason` is a code of the catalogue."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


_Key = tuple[str, int, str, int, Wire | None]
"""Sender, seconds of validity or the second that ends it, encoding, `_UDHI` and `_ASKS`, the sender's own wishes."""


class Writer:
    """Bodies of submit_sm for one carrier."""

    def __init__(self, settings: CarrierSettings) -> None:
        self._settings = settings
        self._templates: dict[_Key, SubmitTemplate] = {}
        self._transcodes = settings.alphabet != "gsm7"
        self._takes_tlvs = settings.interface_version != "3.3"
        self._tlvs = common_tlvs(settings) if self._takes_tlvs else ()
        self._shape = _ASKS if settings.receipts_on != "none" else 0
        self._is_relative = settings.validity == "relative"
        self._digits = 0 if settings.keep_plus else 1  # where a number begins
        self._plain_max = -1 if self._transcodes else segments.GSM7_SINGLE  # octets of what needs no second look

    def body(self, part: Part, now_us: int) -> bytes:
        """The octets of one submit_sm's body, optional parameters included; CodecError when it cannot be written."""
        octets = part.octets
        if part.parts > 1 or part.header or len(octets) > self._plain_max:
            return self._rare(part, now_us)
        ends_at = part.expires_at - now_us if self._is_relative else part.expires_at
        key = (part.source, ends_at // _SECOND_US, part.encoding, self._shape, part.wire)
        template = self._templates.get(key) or self._add_template(key)
        return template.body(part.destination[self._digits :], octets)

    def _rare(self, part: Part, now_us: int) -> bytes:
        """A part of several, with a header, in another alphabet, or too long for a short message."""
        octets, header, further = part.octets, b"", b""
        if part.parts > 1 or part.header:
            header, further = self._frame(part)
        is_whole = part.parts == 1 and self._exceeds(part, len(header))
        if self._transcodes and part.encoding == "gsm7":
            octets = self._transcoded(part, len(header))
        octets = header + octets
        if is_whole or len(octets) > _TEXT_MAX:
            further += self._payload(octets)
            octets = b""
        asks = asks_for(self._settings.receipts_on, part.part, part.parts)
        shape = (_ASKS if asks else 0) | (_UDHI if header else 0)
        ends_at = part.expires_at - now_us if self._is_relative else part.expires_at
        key = (part.source, ends_at // _SECOND_US, part.encoding, shape, part.wire)
        template = self._templates.get(key) or self._add_template(key)
        return template.body(part.destination[self._digits :], octets) + further

    def _frame(self, part: Part) -> tuple[bytes, bytes]:
        """The user data header (TS 23.040 9.2.3.24), the place of the part first, as most phones expect it; or the
        place as optional parameters (SMPP 3.4 5.3.2.22 to 5.3.2.24)."""
        if part.parts == 1:
            return _header(part.header), b""
        if self._settings.long_messages == "sar" and self._takes_tlvs:
            return _header(part.header) if part.header else b"", _sar(part)
        wide = part.wide and self._settings.long_messages == "udh16"
        reference = part.reference if wide else part.reference & udh.MAX_REFERENCE
        element = udh.concat_element(udh.Concat(reference, part.parts, part.part, wide))
        return _header(bytes((element.identifier, len(element.data))) + element.data + part.header), b""

    def _exceeds(self, part: Part, header_octets: int) -> bool:
        """Whether this is a long message in one piece, which the carrier cuts itself."""
        bits = 7 if part.encoding == "gsm7" else 8
        fill = -8 * header_octets % 7 if bits == 7 else 0
        return 8 * header_octets + fill + bits * len(part.octets) > _USER_DATA_BITS

    def _transcoded(self, part: Part, header_octets: int) -> bytes:
        """Septets in the alphabet that this carrier takes data_coding 0 for (trap T51)."""
        shift = udh.shift_of(udh.parse(_header(part.header)).elements) if part.header else shifts.NO_SHIFT
        octets = alphabets.transcode(part.octets, self._settings.alphabet, shift=shift, header_octets=header_octets)
        if octets is None:
            raise Unwritable("carrier_rejected", f"a character has no place in {self._settings.alphabet}")
        return octets

    def _payload(self, octets: bytes) -> bytes:
        """message_payload in place of the short message (5.3.2.32)."""
        if not self._takes_tlvs:
            raise Unwritable("carrier_rejected", "the text is too long for SMPP 3.3")
        return write_tlvs(((Tag.MESSAGE_PAYLOAD, octets),))

    def _add_template(self, key: _Key) -> SubmitTemplate:
        if len(self._templates) >= _TEMPLATES_MAX:
            self._templates.clear()
        template = self._templates[key] = self._template(key)
        return template

    def _template(self, key: _Key) -> SubmitTemplate:
        sender, lifetime_s, encoding, shape, wire = key
        settings = self._settings
        source = smpp_addresses.source(sender, settings)
        ton, npi = settings.destination
        message = ShortMessage(
            service_type=wire.service_type if wire and wire.service_type else settings.service_type,
            source_ton=source.ton,
            source_npi=source.npi,
            source=source.digits,
            dest_ton=ton,
            dest_npi=npi,
            esm_class=shape & _UDHI,
            protocol_id=wire.protocol_id if wire else 0,
            validity_period=self._validity(lifetime_s),
            registered_delivery=shape & _ASKS,
            data_coding=self._data_coding(encoding, wire),
        )
        try:
            return submit_template(message, self._tlvs_of(wire))
        except CodecError as error:
            raise Unwritable("invalid_source", str(error)) from error

    def _validity(self, lifetime_s: int) -> str:
        match self._settings.validity:
            case "relative":
                return times.write_relative(lifetime_s)
            case "absolute":
                return times.write_absolute(lifetime_s * _SECOND_US)
            case "none":
                return ""

    def _data_coding(self, encoding: str, wire: Wire | None) -> int:
        if wire is not None and wire.data_coding is not None:
            return wire.data_coding
        kind = _KINDS[encoding]
        if wire is not None and wire.message_class is not None:
            return codings.data_coding(kind, wire.message_class, self._settings.flash_coding)
        settings = self._settings
        if kind == "gsm7":
            return settings.gsm7_coding
        return settings.ucs2_coding if kind == "ucs2" else _BINARY_CODING

    def _tlvs_of(self, wire: Wire | None) -> Tlvs:
        """The carrier's own, and the sender's, which win."""
        if wire is None or not wire.tlvs or not self._takes_tlvs:
            return self._tlvs
        given = tuple([(tag, bytes.fromhex(octets)) for tag, octets in wire.tlvs])
        tags = {tag for tag, _ in given}
        return (*[one for one in self._tlvs if one[0] not in tags], *given)


def common_tlvs(settings: CarrierSettings) -> Tlvs:
    """The optional parameters of each submit_sm; CodecError when one has no such name or no such value."""
    found: list[tuple[int, bytes]] = []
    for name, value in settings.tlvs.items():
        tag = tag_named(name, settings.tlv_names)
        if tag is None:
            raise CodecError(f"{name} names no optional parameter")
        found.append((tag, names.value_octets(tag, value)))
    return tuple(found)


def _header(elements: bytes) -> bytes:
    return bytes((len(elements),)) + elements


def _sar(part: Part) -> bytes:
    return write_tlvs(
        (
            make_tlv(Tag.SAR_MSG_REF_NUM, part.reference),
            make_tlv(Tag.SAR_TOTAL_SEGMENTS, part.parts),
            make_tlv(Tag.SAR_SEGMENT_SEQNUM, part.part),
        )
    )
