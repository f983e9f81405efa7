"""Between our parts and SMPP's short messages: addresses with their type (TON and NPI), validity, receipts, inbound."""

import msgspec

from whimbrel.carriers.interface import Inbound, Part, Report
from whimbrel.codec import udh
from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.bodies import ShortMessage
from whimbrel.codec.smpp.pdu import Pdu, tlv_integer, user_data
from whimbrel.codec.smpp.shortmessage import SubmitTemplate, submit_template
from whimbrel.codec.smpp.tables import MessageState, Tag
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.wire import Wire

_UDHI = 0x40  # SMPP 3.4 5.2.12: the short message begins with a user data header
_RECEIPT_ASKED = 1  # 5.2.17: a receipt for success and failure
_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3_600, 60
_VALIDITY_MAX_S = 99 * _DAY_S
_TEMPLATES_MAX = 512
_DATA_CODING = {"gsm7": 0, "ucs2": 8, "binary": 4}
_STATE_NAMES = tuple(state.name for state in MessageState)  # by number: an enum looks its `name` up in Python


class Address(msgspec.Struct, frozen=True, gc=False):
    """An address as it stands in a PDU (5.2.5, 5.2.6)."""

    ton: int
    npi: int
    digits: str


def address(value: str) -> Address:
    """International numbers are 1/1 without the plus, short codes 3/0, names 5/0 (trap T61)."""
    if value.startswith("+"):
        return Address(1, 1, value[1:])
    if value.isdigit():
        return Address(3, 0, value)
    return Address(5, 0, value)


def relative_validity(seconds: int) -> str:
    """The relative form of 7.1.1, immune to the carrier's clock: days, hours, minutes, seconds from now."""
    seconds = max(1, min(seconds, _VALIDITY_MAX_S))
    days, rest = divmod(seconds, _DAY_S)
    hours, rest = divmod(rest, _HOUR_S)
    minutes, seconds = divmod(rest, _MINUTE_S)
    return f"0000{days:02d}{hours:02d}{minutes:02d}{seconds:02d}000R"


class Writer:
    """Bodies of submit_sm. Messages of one sender that live equally long share all but destination and text."""

    def __init__(self, settings: CarrierSettings) -> None:
        self._settings = settings
        self._templates: dict[tuple[str, int, str, bool, Wire | None], SubmitTemplate] = {}

    def body(self, part: Part, now_us: int) -> bytes:
        """The octets of one submit_sm's body; CodecError when sender or destination cannot be written."""
        lifetime_s = (part.expires_at - now_us) // 1_000_000
        octets = part.octets
        has_header = part.parts > 1 or bool(part.header)
        if has_header:
            octets = self._header(part) + octets
        key = (part.source, lifetime_s, part.encoding, has_header, part.wire)
        template = self._templates.get(key)
        if template is None:
            if len(self._templates) >= _TEMPLATES_MAX:
                self._templates.clear()
            template = self._templates[key] = self._template(part, lifetime_s, has_header=has_header)
        return template.body(part.destination.lstrip("+"), octets)

    def _header(self, part: Part) -> bytes:
        """The user data header (TS 23.040 9.2.3.24): the place of the part first, as most phones expect it."""
        place = b""
        if part.parts > 1:
            wide = part.wide
            reference = part.reference if wide else part.reference & udh.MAX_REFERENCE
            element = udh.concat_element(udh.Concat(reference, part.parts, part.part, wide))
            place = bytes((element.identifier, len(element.data))) + element.data
        elements = place + part.header
        return bytes((len(elements),)) + elements

    def _template(self, part: Part, lifetime_s: int, *, has_header: bool) -> SubmitTemplate:
        source, destination = address(part.source), address(part.destination)
        return submit_template(
            ShortMessage(
                service_type=self._settings.service_type,
                source_ton=source.ton,
                source_npi=source.npi,
                source=source.digits,
                dest_ton=destination.ton,
                dest_npi=destination.npi,
                dest=destination.digits,
                esm_class=_UDHI if has_header else 0,
                validity_period=relative_validity(lifetime_s),
                registered_delivery=_RECEIPT_ASKED,
                data_coding=_DATA_CODING[part.encoding],
            )
        )


def report(pdu: Pdu, body: ShortMessage) -> Report | None:
    """The receipt in a deliver_sm, None when it says nothing that could be matched."""
    found = receipt.parse(body.short_message, body.data_coding, pdu.tlvs)
    if found is None:
        return None
    return Report(found.message_ids, _STATE_NAMES[found.state], found.stat, found.error, (body.source, body.dest))


def inbound(pdu: Pdu, body: ShortMessage, session: str) -> Inbound:
    """A text from a phone; a header that cannot be read is left in place, so that nothing of the text is lost."""
    octets = user_data(pdu)
    place = _sar(pdu)
    if body.esm_class & _UDHI:
        try:
            parsed = udh.parse(octets)
        except udh.BadUdh:
            pass
        else:
            octets, place = parsed.payload, udh.concat(parsed.elements) or place
    return Inbound(
        source=_with_plus(body.source, body.source_ton),
        destination=_with_plus(body.dest, body.dest_ton),
        octets=octets,
        data_coding=body.data_coding,
        reference=place.reference if place else 0,
        total=place.total if place else 1,
        number=place.number if place else 1,
        session=session,
    )


def _sar(pdu: Pdu) -> udh.Concat | None:
    """The place in a long text by the sar parameters (5.3.2.22 to 5.3.2.24), which some carriers send in place of a
    header."""
    if not pdu.tlvs:
        return None
    reference = tlv_integer(pdu.tlvs, Tag.SAR_MSG_REF_NUM)
    total = tlv_integer(pdu.tlvs, Tag.SAR_TOTAL_SEGMENTS)
    number = tlv_integer(pdu.tlvs, Tag.SAR_SEGMENT_SEQNUM)
    if reference is None or not total or not number:
        return None
    return udh.Concat(reference, total, number, wide=True)


def _with_plus(digits: str, ton: int) -> str:
    return f"+{digits}" if ton == 1 and digits.isdigit() else digits
