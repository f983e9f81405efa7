"""Receipts as a customer's bind is given them: a deliver_sm from an event, its message, how the message came and how
its credential wants it (SMPP 3.4 4.6, appendix B).

Apart from `receipts`, which reads what carriers say: here we are the SMSC, and there are many customers' parsers to
please. So the text follows appendix B to the letter, addresses and user_message_reference stand as the customer wrote
them, and nothing is said that its submit_sm_resp did not already say in the same form.
"""

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import msgspec

from whimbrel.codec import alphabets
from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.bodies import ShortMessage
from whimbrel.codec.smpp.fields import Tlvs, make_tlv, write_tlvs
from whimbrel.codec.smpp.shortmessage import write_short_message
from whimbrel.codec.smpp.tables import ESM_INTERMEDIATE, ESM_RECEIPT, MessageState, Tag
from whimbrel.domain.customers import CustomerSettings, shown_id
from whimbrel.domain.model import Flag
from whimbrel.domain.refusals import MAP_ERRORS
from whimbrel.domain.wire import Origin

RECEIPT: Final = "message.receipt"
SENT: Final = "message.sent"
FINAL: Final[Mapping[str, MessageState]] = MappingProxyType(
    {
        "message.delivered": MessageState.DELIVERED,
        "message.undelivered": MessageState.UNDELIVERABLE,
        "message.expired": MessageState.EXPIRED,
        "message.failed": MessageState.UNDELIVERABLE,
        "message.rejected": MessageState.REJECTED,
        "message.canceled": MessageState.DELETED,
        "message.unknown": MessageState.UNKNOWN,
    }
)
"""What each final state is called (5.2.28). `in_doubt` is not final and has no word there: nothing is told of it."""

TYPES: Final = (*FINAL, SENT, RECEIPT)
"""Events that a receipt may follow."""

_INTERMEDIATE: Final = frozenset({MessageState.SCHEDULED, MessageState.ENROUTE, MessageState.ACCEPTED})
_WANTED: Final = 0x03  # 5.2.17: bits 1 and 0 of registered_delivery
_ALL, _FAILURE, _SUCCESS = 1, 2, 3  # the last is of 5.0 (4.7.21); 3.4 reserves it
_WANTS_INTERMEDIATE: Final = 0x10
_DELIVERED: Final = "message.delivered"
_QUOTED: Final = 20
"""Characters of the message in its receipt (appendix B), and octets at most."""
_GSM, _OWN = 3, 8
"""Network types of network_error_code: GSM (5.3.2.31), and the message centre's own (5.0, 4.8.4.42)."""

ERRORS: Final[Mapping[str, int]] = MappingProxyType(
    {
        # as the Mobile Application Part has them (3GPP TS 29.002 17.6.6), which most parsers know
        "unknown_subscriber": 1,
        "barred": 13,
        "absent_subscriber": 27,
        "handset_error": 28,
        "memory_full": 32,
        "network_error": 34,
        # our own
        "undelivered": 101,
        "expired": 102,
        "expired_at_carrier": 103,
        "canceled": 104,
        "deleted_at_carrier": 105,
        "carrier_rejected": 106,
        "carrier_unavailable": 107,
        "invalid_destination": 108,
        "invalid_source": 109,
        "filtered": 110,
        "no_receipt": 111,
        "link_lost": 112,
        "response_timeout": 113,
        "crash": 114,
        "opted_out": 115,
        "no_route": 116,
        "no_price": 117,
        "insufficient_balance": 118,
        "invalid_number": 119,
        "quarantined": 120,
        "carrier_error": 121,
        "daily_cap_reached": 122,
    }
)
"""`err` for each reason of the catalogue, where the carrier gave no number."""

_OTHER_ERROR: Final = 199
_ERROR_DIGITS: Final = 8
_ERROR_MAX: Final = 999


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What an event tells of a receipt; other fields are not read."""

    reason: str | None = None
    stat: str | None = None
    error: str | None = None


class Parcel(msgspec.Struct, frozen=True, gc=False):
    """Something that a credential is owed, with its message. Columns of `smpp_owed_page`; those of a message that was
    deleted since are None."""

    position: int  # of its event
    message_id: str
    kind: str  # the event's type
    data: str
    at: int  # of the event
    recipient: str | None
    sender: str | None
    text: str | None
    encoding: str | None
    segments: int | None
    created_at: int | None
    flags: int | None
    options: str | None


class _Came(msgspec.Struct, frozen=True, gc=False):
    """What is needed of a message's options."""

    origin: Origin | None = None


_read_facts = msgspec.json.Decoder(Facts).decode
_read_came = msgspec.json.Decoder(_Came).decode


def origin_of(options: str) -> Origin | None:
    """How a message came over a customer's bind; None when it did not, or was redacted."""
    return _read_came(options).origin


class _Told(msgspec.Struct, frozen=True, gc=False):
    """What a receipt says of an event, whatever its message: `tlvs` are message_state and network_error_code."""

    state: MessageState
    esm_class: int
    error: str
    tlvs: bytes


@lru_cache(maxsize=4096)
def _told(kind: str, data: str) -> _Told | None:
    """None when no receipt follows: one of a part, or one that contradicts. Events have few kinds of data."""
    facts = _read_facts(data)
    state = FINAL.get(kind)
    if state is not None:
        error = 0 if state is MessageState.DELIVERED else _error(facts)
        return _Told(state, ESM_RECEIPT, f"{error:03d}", _outcome_tlvs(state, error))
    state = MessageState.ENROUTE if kind == SENT else receipt.STATES.get((facts.stat or "").upper())
    if state not in _INTERMEDIATE:
        return None
    return _Told(state, ESM_INTERMEDIATE, "000", _outcome_tlvs(state, 0))


def is_wanted(registered: int, kind: str, data: str) -> bool:
    """Whether a submit_sm with this registered_delivery asked to be told of this event (5.2.17)."""
    if kind not in FINAL:
        return bool(registered & _WANTS_INTERMEDIATE) and _told(kind, data) is not None
    wanted = registered & _WANTED
    return wanted == _ALL or wanted == (_SUCCESS if kind == _DELIVERED else _FAILURE)


def body(parcel: Parcel, settings: CustomerSettings, *, tlvs: bool) -> bytes | None:
    """The body of the deliver_sm; None when nothing can be told any more. A bind without `tlvs` (3.3) is given the
    text, whatever the format. CodecError when an address cannot be written, which accept does not let in."""
    told = _told(parcel.kind, parcel.data)
    if told is None or parcel.options is None:
        return None
    origin = origin_of(parcel.options) or _REDACTED
    message_id = shown_id(origin.told_id or parcel.message_id, settings.id_format)
    wanted = settings.receipt_format
    source, destination = origin.destination, origin.source
    octets = write_short_message(
        ShortMessage(
            service_type=origin.service_type,
            source_ton=source[0],
            source_npi=source[1],
            source=source[2],
            dest_ton=destination[0],
            dest_npi=destination[1],
            dest=destination[2],
            esm_class=told.esm_class,
            short_message=b"" if tlvs and wanted == "tlv" else _text(parcel, told, message_id, settings.alphabet),
        )
    )
    if tlvs and wanted != "text":
        shown = message_id.encode("latin-1")
        octets = b"%b%b%b\0%b" % (octets, _ID_HEAD(Tag.RECEIPTED_MESSAGE_ID, len(shown) + 1), shown, told.tlvs)
    if tlvs and origin.reference is not None:
        octets += _reference(origin.reference)
    return octets


_REDACTED: Final = Origin("")
"""Its numbers are gone; its id still says which message it was."""


def _text(parcel: Parcel, told: _Told, message_id: str, alphabet: alphabets.Alphabet) -> bytes:
    text = receipt.build_text(
        message_id,
        told.state,
        submitted_at=_date(parcel.created_at or parcel.at),
        done_at=_date(parcel.at),
        error=told.error,
        text=_quote(parcel, alphabet),
        segments=parcel.segments or 1,
    )
    if alphabet != "gsm7_packed":
        return text  # what appendix B says is the same in all the others
    return alphabets.transcode(text, alphabet) or text


def _quote(parcel: Parcel, alphabet: alphabets.Alphabet) -> bytes:
    """The beginning of the text; empty where it is redacted, no text, or not of the customer's alphabet."""
    if parcel.encoding != "gsm7" or not parcel.text or (parcel.flags or 0) & Flag.REDACTED:
        return b""
    characters = parcel.text[:_QUOTED]
    unpacked: alphabets.Alphabet = "gsm7" if alphabet == "gsm7_packed" else alphabet
    while (octets := alphabets.encode(characters, unpacked)) is not None and len(octets) > _QUOTED:
        characters = characters[:-1]
    return octets or b""


def _error(facts: Facts) -> int:
    """The carrier's number if it gave one, else that of our reason."""
    said = (facts.error or "").strip()
    if said.isascii() and said.isdigit() and len(said) <= _ERROR_DIGITS and 0 < int(said) <= _ERROR_MAX:
        return int(said)
    return ERRORS.get(facts.reason or "", _OTHER_ERROR)


_ID_HEAD: Final = struct.Struct(">HH").pack
"""Tag and length of receipted_message_id (5.3.2.12), by hand: the one TLV that differs in every receipt."""


def _outcome_tlvs(state: MessageState, error: int) -> bytes:
    """message_state and, for an error, network_error_code (5.3.2.35, 5.3.2.31)."""
    found: Tlvs = (make_tlv(Tag.MESSAGE_STATE, state),)
    if error:
        code = bytes((_GSM if error in MAP_ERRORS else _OWN, error >> 8, error & 0xFF))
        found += (make_tlv(Tag.NETWORK_ERROR_CODE, code),)
    return write_tlvs(found)


def _reference(reference: int) -> bytes:
    return write_tlvs((make_tlv(Tag.USER_MESSAGE_REFERENCE, reference),))


_MINUTE_US: Final = 60_000_000


def _date(at: int) -> str:
    """YYMMDDhhmm, UTC (appendix B)."""
    return _minute(at // _MINUTE_US)


@lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%y%m%d%H%M")
