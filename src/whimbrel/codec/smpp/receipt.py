"""Delivery receipts: from the octets of a deliver_sm or data_sm to a value, and back.

Apart from `pdu` because a receipt is a text inside a PDU whose format the specification only suggests (appendix B):
every SMSC has its own dialect. Fields may be missing, shuffled, empty or in capitals; the id may stand in a TLV, in
the text, or differ between them. So parsing finds labels from left to right and stops at the user's text, which may
itself hold "stat:" or "id:".
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from whimbrel.codec.smpp.fields import Tlvs, make_tlv, tlv, tlv_text
from whimbrel.codec.smpp.tables import ESM_INTERMEDIATE, ESM_RECEIPT, MessageState, Tag

_ESM_SME_ACK = 0x08
_RECEIPT_BITS = ESM_RECEIPT | _ESM_SME_ACK | ESM_INTERMEDIATE
"""SMSC receipt, SME acknowledgement, intermediate notification (clause 5.2.12), as Kannel masks them."""

_UCS2 = 8
_BOMS = (b"\xfe\xff", b"\xff\xfe")
_STATES_BY_NUMBER: Final = {int(state): state for state in MessageState}
_TEXT_OCTETS = 20
"""Appendix B: the receipt quotes the first 20 characters of the message."""

WORDS: Final[Mapping[MessageState, str]] = MappingProxyType(
    {
        MessageState.SCHEDULED: "SCHEDLD",
        MessageState.ENROUTE: "ENROUTE",
        MessageState.DELIVERED: "DELIVRD",
        MessageState.EXPIRED: "EXPIRED",
        MessageState.DELETED: "DELETED",
        MessageState.UNDELIVERABLE: "UNDELIV",
        MessageState.ACCEPTED: "ACCEPTD",
        MessageState.UNKNOWN: "UNKNOWN",
        MessageState.REJECTED: "REJECTD",
        MessageState.SKIPPED: "SKIPPED",
    }
)
"""The word of each state in a receipt's text (appendix B, table B-2)."""

_WORDS_BY_NUMBER: Final = tuple(WORDS[state] for state in MessageState)  # an enum hashes in Python

STATES: Final[Mapping[str, MessageState]] = MappingProxyType(
    {
        **{word: state for state, word in WORDS.items()},
        **{state.name: state for state in MessageState},
        "BUFFRED": MessageState.ENROUTE,
        "BUFFERED": MessageState.ENROUTE,
        "ACKED": MessageState.ACCEPTED,
        "FAILED": MessageState.UNDELIVERABLE,
        "UNDELIVERED": MessageState.UNDELIVERABLE,
    }
)
"""Words met in the wild, in capitals; a carrier's profile may bring its own table. A word that stands in no table is
UNKNOWN, with the word itself in `Receipt.stat`."""

_USUAL = re.compile(
    r"id:(\S*) sub:\S* dlvrd:\S* submit date:(\S*) done date:(\S*) stat:(\S+) err:(\S+)(?: [Tt]ext:|$)", re.ASCII
).match
"""The layout of appendix B to the letter, which most receipts have; the labels below read any other."""
_LABELS = r"id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err|text"
_LABELLED = re.compile(
    rf"(?<!\S)(?:text:.*|(id|submit|done|stat|err)(?:[ _]?date)?:\s*((?!(?:{_LABELS}):)\S*))",
    re.IGNORECASE | re.DOTALL | re.ASCII,
).findall


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """One delivery receipt.

    `message_ids` are candidates, the best first: the TLV's, then the text's when it differs; empty when the SMSC gave
    none. `stat` is the SMSC's own word, empty when only the TLV told the state. `error` is the text's err as it came
    ("000", "21b"); the dates are as they came: their formats differ too much to be trusted. `network_error` is the
    network_error_code TLV (clause 5.3.2.31), see `network_error_code`.
    """

    message_ids: tuple[str, ...]
    state: MessageState
    stat: str = ""
    error: str | None = None
    submitted_at: str | None = None
    done_at: str | None = None
    network_error: bytes | None = None


def is_receipt(esm_class: int) -> bool:
    """True when esm_class marks a receipt or notification. The text alone never does: users write "id:1 stat:" too."""
    return bool(esm_class & _RECEIPT_BITS)


def parse(
    short_message: bytes, data_coding: int, tlvs: Tlvs, *, states: Mapping[str, MessageState] = STATES
) -> Receipt | None:
    """The receipt in a deliver_sm or data_sm that `is_receipt`; None when it holds neither an id nor a state."""
    text = short_message
    tlv_id = tlv_state = network_error = None
    if tlvs:
        text = text or tlv(tlvs, Tag.MESSAGE_PAYLOAD) or b""
        tlv_id = tlv_text(tlvs, Tag.RECEIPTED_MESSAGE_ID)
        tlv_state = _state_of_tlv(tlv(tlvs, Tag.MESSAGE_STATE))
        network_error = tlv(tlvs, Tag.NETWORK_ERROR_CODE)
    characters = _characters(text, data_coding)
    usual = _USUAL(characters)
    text_id, submitted_at, done_at, stat, error = usual.groups() if usual is not None else _labelled(characters)
    if not (tlv_id or text_id or stat is not None or tlv_state is not None):
        return None
    state = tlv_state
    if state is None:
        stat = stat or ""
        state = states.get(stat) or states.get(stat.upper(), MessageState.UNKNOWN)
    return Receipt(_candidates(tlv_id, text_id), state, stat or "", error, submitted_at, done_at, network_error)


def network_error_code(value: bytes) -> tuple[int, int] | None:
    """Network type and error of the network_error_code TLV; type 0 for the SMSCs that write three ASCII digits.

    None when the value has not three octets.
    """
    if len(value) != 3:
        return None
    if value.isdigit():
        return 0, int(value)
    return value[0], int.from_bytes(value[1:], "big")


def build_text(
    message_id: str,
    state: MessageState,
    *,
    submitted_at: str,
    done_at: str,
    error: str = "000",
    text: bytes = b"",
    segments: int = 1,
) -> bytes:
    """A receipt as short_message (appendix B). Dates are YYMMDDhhmm; `text` is cut to 20 octets. `segments` of the
    message count as delivered all or none."""
    delivered = segments if state is MessageState.DELIVERED else 0
    head = (
        f"id:{message_id} sub:{segments:03d} dlvrd:{delivered:03d} submit date:{submitted_at} done date:{done_at}"
        f" stat:{_WORDS_BY_NUMBER[state]} err:{error} Text:"
    )
    return head.encode("latin-1") + text[:_TEXT_OCTETS]


def build_tlvs(message_id: str, state: MessageState, *, network_error: bytes | None = None) -> Tlvs:
    """A receipt as TLVs: receipted_message_id, message_state and, when given, network_error_code."""
    tlvs = (make_tlv(Tag.RECEIPTED_MESSAGE_ID, message_id), make_tlv(Tag.MESSAGE_STATE, state))
    return tlvs if network_error is None else (*tlvs, make_tlv(Tag.NETWORK_ERROR_CODE, network_error))


def _characters(text: bytes, data_coding: int) -> str:
    """The receipt's text; octets beyond ASCII can only be the user's, so any reading of them will do."""
    if text.startswith(_BOMS):
        return text.decode("utf-16", "replace").removesuffix("\0")
    if data_coding == _UCS2 and 0 in text:
        return text.decode("utf-16-be", "replace").removesuffix("\0")
    return text.removesuffix(b"\0").decode("latin-1")


_Fields = tuple[str | None, str | None, str | None, str | None, str | None]


def _labelled(text: str) -> _Fields:
    """id, submit date, done date, stat and err, each None when its label is missing."""
    found: dict[str, str] = {}
    for label, value in _LABELLED(text):
        found.setdefault(label.lower(), value)
    return found.get("id"), found.get("submit"), found.get("done"), found.get("stat"), found.get("err")


def _state_of_tlv(value: bytes | None) -> MessageState | None:
    if not value:
        return None
    return _STATES_BY_NUMBER.get(int.from_bytes(value, "big"))


def _candidates(tlv_id: str | None, text_id: str | None) -> tuple[str, ...]:
    if not tlv_id:
        return (text_id,) if text_id else ()
    if not text_id or text_id == tlv_id:
        return (tlv_id,)
    return (tlv_id, text_id)
