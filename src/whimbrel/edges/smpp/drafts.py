"""From a submit_sm to drafts: what its fields and TLVs mean to us. Nothing is decided here that accept decides.

Apart from `submit`, which has the limits and the answers. data_sm and submit_multi are made submit_sms before
(`as_submit`), so that there is one reading of everything. Clauses are those of SMPP 3.4.
"""

import hashlib
from typing import Final

import msgspec

from whimbrel.base import limits
from whimbrel.codec import alphabets, codings, gsm7, segments, shifts, udh
from whimbrel.codec.codings import Coding
from whimbrel.codec.shifts import NO_SHIFT, Shift
from whimbrel.codec.smpp.bodies import DataSm, ShortMessage, SubmitMulti
from whimbrel.codec.smpp.fields import Tlvs, tlv, tlv_integer
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import ESM_TYPE_MASK, ESM_UDHI, Tag
from whimbrel.codec.smpp.times import BadTime, read_time
from whimbrel.domain.model import PLAIN, Draft, Options
from whimbrel.domain.wire import Origin, Wire
from whimbrel.edges.smpp import addresses
from whimbrel.edges.smpp.customers import Customer
from whimbrel.journey.record import IdempotencyKey

_RECEIPTS: Final = 0x13
"""registered_delivery (5.2.17): a final receipt, bits 0 and 1, or an intermediate one, bit 4."""
_VENDOR_FIRST, _VENDOR_LAST = 0x1400, 0x3FFF
"""Tags that SMSC vendors may define (table 5-7, "reserved for SMSC vendor specific optional parameters")."""
_PASSED: Final = frozenset(
    {
        Tag.PAYLOAD_TYPE,
        Tag.SOURCE_SUBADDRESS,
        Tag.DEST_SUBADDRESS,
        Tag.USER_RESPONSE_CODE,
        Tag.SOURCE_PORT,
        Tag.DESTINATION_PORT,
        Tag.LANGUAGE_INDICATOR,
        Tag.CALLBACK_NUM_PRES_IND,
        Tag.CALLBACK_NUM_ATAG,
        Tag.CALLBACK_NUM,
        Tag.DISPLAY_TIME,
        Tag.SMS_SIGNAL,
        Tag.MS_VALIDITY,
        Tag.USSD_SERVICE_OP,
        Tag.ITS_REPLY_TYPE,
        Tag.ITS_SESSION_INFO,
    }
)
"""What the specification defines for the phone or the network beyond us."""
_SECOND_US: Final = 1_000_000
_DIGEST: Final = 16
_NO_WIRE: Final = Wire()
_PLAIN_CODING: Final = 0
_NOT_PLAIN: Final = ESM_TYPE_MASK | ESM_UDHI
_canonical = msgspec.msgpack.Encoder().encode


class Refuse(Exception):
    """The PDU cannot become a message: its answer's command_status, and a word for additional_status_info_text."""

    def __init__(self, status: Status, words: str) -> None:
        self.status = status
        self.words = words
        super().__init__(words)


class Content(msgspec.Struct, frozen=True, gc=False):
    """All of a submit_sm but whom it is for."""

    body: ShortMessage
    text: str
    data: bytes | None = None
    wire: Wire | None = None
    in_parts: bool = False  # one part of a long message that the customer has cut
    send_at_us: int | None = None
    validity_s: int | None = None
    reference: int | None = None


class _Octets(msgspec.Struct, frozen=True, gc=False):
    """User data taken apart: the octets after the header, its elements, how many octets it takes, and what national
    tables it names."""

    octets: bytes
    elements: tuple[udh.Element, ...] = ()
    header_octets: int = 0
    shift: Shift = NO_SHIFT


class _Meaning(msgspec.Struct, frozen=True, gc=False):
    """Text or data, the data_coding where it must stay as it is, and the message class."""

    text: str = ""
    data: bytes | None = None
    data_coding: int | None = None
    message_class: int | None = None


def as_submit(body: ShortMessage | DataSm | SubmitMulti) -> ShortMessage:
    """The same request as a submit_sm; destinations of submit_multi are left out."""
    if isinstance(body, ShortMessage):
        return body
    fields = msgspec.structs.asdict(body)
    fields.pop("destinations", None)
    return ShortMessage(**fields)


def content(body: ShortMessage, tlvs: Tlvs, customer: Customer, now_us: int) -> Content:
    """What the customer wants sent. Raises `Refuse`."""
    is_plain = not (tlvs or body.esm_class & _NOT_PLAIN or body.data_coding or body.protocol_id)
    if is_plain and body.short_message and not body.schedule_time and not body.validity_period:
        return Content(body, _decoded(_Octets(body.short_message), customer), validity_s=customer.validity_s)
    if body.esm_class & ESM_TYPE_MASK:
        raise Refuse(Status.ESME_RINVESMCLASS, "a customer sends messages, not receipts")
    found = _taken_apart(body, _octets(body, tlvs))
    place, elements = udh.concat(found.elements), found.elements
    if place is None and (sar := _sar(tlvs)) is not None:
        place, elements = sar, (udh.concat_element(sar), *elements)
    meaning = _meaning(found, customer, body.data_coding, in_parts=place is not None)
    send_at_us, validity_s = _times(body, tlvs, customer, now_us)
    wire = Wire(
        tlvs=_passed(tlvs),
        message_class=meaning.message_class,
        header=_hex(elements, keep_shifts=meaning.data is not None),
        data_coding=meaning.data_coding,
        protocol_id=body.protocol_id,
    )
    return Content(
        body,
        meaning.text,
        meaning.data,
        None if wire == _NO_WIRE else wire,
        place is not None,
        send_at_us,
        validity_s,
        tlv_integer(tlvs, Tag.USER_MESSAGE_REFERENCE),
    )


def draft(what: Content, customer: Customer, ton: int, npi: int, address: str) -> Draft:
    """The message to one destination. Raises `Refuse`."""
    to = addresses.recipient(ton, address)
    if to is None:
        raise Refuse(Status.ESME_RINVDSTTON, "a national number: of which country?")
    body = what.body
    options = PLAIN
    if what.wire is not None or what.reference is not None or body.registered_delivery & _RECEIPTS:
        origin = Origin(
            customer.credential_id,
            body.registered_delivery,
            (body.source_ton, body.source_npi, body.source),
            (ton, npi, address),
            what.reference,
            body.service_type,
        )
        options = Options(wire=what.wire, origin=origin, max_parts=1 if what.in_parts else None)
    return Draft(
        customer.account_id,
        customer.test,
        "smpp",  # door
        to,
        what.text,
        addresses.sender(body.source_ton, body.source),
        customer.message_class,
        what.send_at_us,
        what.validity_s,
        options,
        False,  # bypass_opt_out
        what.data,
    )


def key(what: Content, customer: Customer, request: ShortMessage | DataSm | SubmitMulti) -> IdempotencyKey | None:
    """The idempotency key of a request with a user_message_reference, where the credential's references are unique."""
    if what.reference is None or not customer.settings.unique_reference:
        return None
    door = "smpp-test" if customer.test else "smpp"
    octets = _canonical((request, what.text, what.data, msgspec.to_builtins(what.wire)))
    fingerprint = hashlib.blake2b(octets, digest_size=_DIGEST).digest()
    return IdempotencyKey(customer.account_id, door, f"{customer.credential_id}:{what.reference}", fingerprint)


def _octets(body: ShortMessage, tlvs: Tlvs) -> bytes:
    """short_message or message_payload; 5.3.2.32 forbids both."""
    payload = tlv(tlvs, Tag.MESSAGE_PAYLOAD)
    if payload and body.short_message:
        raise Refuse(Status.ESME_ROPTPARNOTALLWD, "short_message and message_payload are both filled")
    octets = body.short_message or payload or b""
    if not octets and body.sm_default_msg_id:
        raise Refuse(Status.ESME_RINVDFTMSGID, "there are no predefined messages")
    return octets


def _taken_apart(body: ShortMessage, octets: bytes) -> _Octets:
    if not body.esm_class & ESM_UDHI:
        return _Octets(octets)
    try:
        parsed = udh.parse(octets)
    except udh.BadUdh as error:
        raise Refuse(Status.ESME_RINVESMCLASS, f"no user data header: {error}") from None
    return _Octets(parsed.payload, parsed.elements, len(octets) - len(parsed.payload), udh.shift_of(parsed.elements))


def _sar(tlvs: Tlvs) -> udh.Concat | None:
    """The place in a long message by the sar parameters (5.3.2.22 to 5.3.2.24), as the element that phones read."""
    reference = tlv_integer(tlvs, Tag.SAR_MSG_REF_NUM)
    total = tlv_integer(tlvs, Tag.SAR_TOTAL_SEGMENTS)
    number = tlv_integer(tlvs, Tag.SAR_SEGMENT_SEQNUM)
    if reference is None or not total or not number or total == 1:
        return None
    if number > total or total > udh.MAX_PARTS or reference > udh.MAX_REFERENCE_WIDE:
        raise Refuse(Status.ESME_RINVOPTPARAMVAL, "no such part of a long message")
    return udh.Concat(reference, total, number, wide=reference > udh.MAX_REFERENCE)


def _meaning(found: _Octets, customer: Customer, data_coding: int, *, in_parts: bool) -> _Meaning:
    """Text becomes text wherever it can, because a text is screened, shown and cut for its carrier. Parts of a long
    message stay octets unless they are GSM-7: encoded anew each by itself, one could come out in another coding than
    the others, or not fit.
    """
    coding = codings.of(data_coding)
    if coding.kind == "unknown":
        raise Refuse(Status.ESME_RINVDCS, f"data_coding 0x{data_coding:02X} is reserved or compressed")
    if coding.kind == "binary":
        return _Meaning(data=found.octets, message_class=coding.message_class)
    if coding.kind != "gsm7" and (in_parts or coding.waiting is not None):
        return _Meaning(data=found.octets, data_coding=data_coding)
    kept = data_coding if coding.waiting is not None else None
    return _Meaning(_text(found, customer, coding, data_coding), data_coding=kept, message_class=coding.message_class)


def _text(found: _Octets, customer: Customer, coding: Coding, data_coding: int) -> str:
    octets = found.octets
    if data_coding == _PLAIN_CODING:
        return _decoded(found, customer)
    if coding.kind == "gsm7":
        return _checked(gsm7.decode(octets) if found.shift == NO_SHIFT else shifts.decode(octets, found.shift))
    text = segments.decode(octets, data_coding)
    return text if coding.kind == "ucs2" else _checked(text)


def _decoded(found: _Octets, customer: Customer) -> str:
    alphabet = customer.settings.alphabet
    if alphabet == "gsm7" and found.shift is NO_SHIFT:
        return _checked(gsm7.decode(found.octets))
    return _checked(alphabets.decode(found.octets, alphabet, shift=found.shift, header_octets=found.header_octets))


def _checked(text: str) -> str:
    """Octets that the alphabet does not hold: what they were meant to be is not for us to guess."""
    if "\ufffd" in text:
        raise Refuse(Status.ESME_RSUBMITFAIL, "invalid_text: octets that data_coding does not hold")
    return text


def _times(body: ShortMessage, tlvs: Tlvs, customer: Customer, now_us: int) -> tuple[int | None, int | None]:
    """When it is due, None at once, and for how many seconds from then it is worth sending. More than the longest
    validity is the longest, as SMSCs do; a span of nothing asks for the default."""
    try:
        send_at_us = read_time(body.schedule_time, now_us)
    except BadTime as error:
        raise Refuse(Status.ESME_RINVSCHED, str(error)) from None
    try:
        until_us = read_time(body.validity_period, now_us)
    except BadTime as error:
        raise Refuse(Status.ESME_RINVEXPIRY, str(error)) from None
    live_s = tlv_integer(tlvs, Tag.QOS_TIME_TO_LIVE)
    if until_us is None and live_s:
        until_us = now_us + live_s * _SECOND_US
    if until_us is None or until_us == now_us:
        return send_at_us, customer.validity_s
    due_us = now_us if send_at_us is None else max(send_at_us, now_us)
    return send_at_us, min(-(-(until_us - due_us) // _SECOND_US), limits.VALIDITY_MAX_S)


def _passed(tlvs: Tlvs) -> tuple[tuple[int, str], ...]:
    """TLVs that go on to the carrier: the vendors' own, and those for the phone."""
    found = [(tag, value.hex()) for tag, value in tlvs if _VENDOR_FIRST <= tag <= _VENDOR_LAST or tag in _PASSED]
    if sum(len(value) for _, value in found) > 2 * limits.SMPP_TLVS_MAX:
        raise Refuse(Status.ESME_RINVPARLEN, f"TLVs of more than {limits.SMPP_TLVS_MAX} octets")
    return tuple(found)


def _hex(elements: tuple[udh.Element, ...], *, keep_shifts: bool) -> str:
    """The header as it goes on. Elements that name national tables are left out of a text, which is encoded anew."""
    dropped = () if keep_shifts else (udh.IEI_SINGLE_SHIFT, udh.IEI_LOCKING_SHIFT)
    kept = [element for element in elements if element.identifier not in dropped]
    return "".join(f"{each.identifier:02x}{len(each.data):02x}{each.data.hex()}" for each in kept)
