"""deliver_sm bodies for receipts, in the forms that carriers use.

Apart from the SMSC because the shape of a receipt varies between carriers while the rules of when to send one do
not. The text is that of SMPP 3.4, appendix B; the TLVs are those of 5.3.2.12 and 5.3.2.35.
"""

import struct
from datetime import UTC, datetime

from msgspec import Struct

from whimbrel.codec.smpp.fields import write_tlvs
from whimbrel.codec.smpp.pdu import ShortMessage, Tlvs, encode_body
from whimbrel.codec.smpp.receipt import STATES
from whimbrel.codec.smpp.tables import (
    DELIVER_SM,
    ESM_INTERMEDIATE,
    ESM_RECEIPT,
    MessageState,
    Tag,
)
from whimbrel_sandbox.dialect_receipts import INTERMEDIATE
from whimbrel_sandbox.message import Message
from whimbrel_sandbox.outcome import Form, Receipt
from whimbrel_sandbox.scenarios.table import BY_NUMBER

_QUOTED = 20  # characters of the message that a receipt repeats (appendix B)
_MINUTE_US = 60_000_000
_GSM = 3  # network type of an error code (5.3.2.31)


class Minutes:
    """Times as receipts write them, `YYMMDDhhmm` in UTC; the latest minutes are remembered."""

    def __init__(self) -> None:
        self._words: dict[int, bytes] = {}

    def write(self, at_us: int) -> bytes:
        """The minute of a time in microseconds since 1970."""
        minute = at_us // _MINUTE_US
        word = self._words.get(minute)
        if word is None:
            if len(self._words) > 1_000:
                self._words.clear()
            word = datetime.fromtimestamp(minute * 60, UTC).strftime("%y%m%d%H%M").encode()
            self._words[minute] = word
        return word


class Shape(Struct, frozen=True):
    """What is the same in all receipts with one stat, err and form, so that it is written once."""

    esm_class: int
    has_text: bool
    has_tlvs: bool
    is_shuffled: bool
    delivered: bytes
    verdict: bytes
    tlvs: bytes


def receipt_body(message: Message, receipt: Receipt, minutes: Minutes) -> bytes:
    """The body of the deliver_sm, from the handset's number to the message's source."""
    submit = message.submit
    shape = _SHAPES.get((receipt.stat, receipt.err, message.outcome.form)) or _shape(receipt, message.outcome.form)
    named = message.receipt_id.encode()
    body = ShortMessage(
        submit.service_type,
        submit.dest_ton,
        submit.dest_npi,
        submit.dest,
        submit.source_ton,
        submit.source_npi,
        submit.source,
        shape.esm_class,
        short_message=_text(message, shape, named, minutes) if shape.has_text else b"",
    )
    octets = encode_body(DELIVER_SM, body)
    if shape.has_tlvs:
        return b"%b\x00\x1e\x00%c%b\0%b" % (octets, len(named) + 1, named, shape.tlvs)
    return octets


def _text(message: Message, shape: Shape, named: bytes, minutes: Minutes) -> bytes:
    done = minutes.write(message.done_us)
    submitted = minutes.write(message.submitted_us)
    if shape.is_shuffled:
        return b"%b done date:%b submit date:%b id:%b" % (shape.verdict, done, submitted, named)
    return b"id:%b sub:001 dlvrd:%b submit date:%b done date:%b %b text:%b" % (
        named,
        shape.delivered,
        submitted,
        done,
        shape.verdict,
        b"" if message.submit.data_coding else message.payload[:_QUOTED],
    )


def _shape(receipt: Receipt, form: Form) -> Shape:
    tlvs: Tlvs = ((int(Tag.MESSAGE_STATE), b"%c" % STATES.get(receipt.stat, MessageState.UNKNOWN)),)
    if receipt.err != "000" and receipt.err.isdigit() and len(receipt.err) == 3:
        tlvs = (*tlvs, (int(Tag.NETWORK_ERROR_CODE), struct.pack(">BH", _GSM, int(receipt.err))))
    return Shape(
        ESM_INTERMEDIATE if receipt.stat in INTERMEDIATE else ESM_RECEIPT,
        has_text=form is not Form.TLV,
        has_tlvs=form in (Form.BOTH, Form.TLV),
        is_shuffled=form is Form.SHUFFLED,
        delivered=b"001" if receipt.stat == "DELIVRD" else b"000",
        verdict=f"stat:{receipt.stat} err:{receipt.err}".encode(),
        tlvs=write_tlvs(tlvs),
    )


EXPIRED = Receipt("EXPIRED")
DELETED = Receipt("DELETED")
_ALL = {EXPIRED, DELETED, *(receipt for outcome in BY_NUMBER.values() for receipt in outcome.receipts)}
_SHAPES = {(receipt.stat, receipt.err, form): _shape(receipt, form) for receipt in _ALL for form in Form}
