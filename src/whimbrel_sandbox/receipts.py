"""deliver_sm bodies for receipts, in the forms that carriers use.

Apart from the SMSC because the shape of a receipt varies between carriers while the rules of when to send one do
not. The text is that of SMPP 3.4, appendix B; the TLVs are those of 5.3.2.12 and 5.3.2.35.
"""

from datetime import UTC, datetime

from whimbrel.codec.smpp.pdu import ShortMessage, Tlvs, encode_body
from whimbrel.codec.smpp.receipt import STATES
from whimbrel.codec.smpp.tables import (
    DELIVER_SM,
    ESM_INTERMEDIATE,
    ESM_RECEIPT,
    Tag,
)
from whimbrel_sandbox.message import Message
from whimbrel_sandbox.outcomes import Form, Receipt

INTERMEDIATE = frozenset({"ENROUTE", "ACCEPTD"})
_STATE_TLV = {stat: b"%c" % state for stat, state in STATES.items()}
_QUOTED = 20  # characters of the message that a receipt repeats (appendix B)
_MINUTE_US = 60_000_000
_SMSC_NETWORK_ERROR = b"\x03%b"  # network type GSM (5.3.2.31)


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


def receipt_body(message: Message, receipt: Receipt, minutes: Minutes) -> bytes:
    """The body of the deliver_sm, from the handset's number to the message's source."""
    submit = message.submit
    form = message.outcome.form
    text = b"" if form is Form.TLV else _text(message, receipt, minutes)
    tlvs: Tlvs = () if form is Form.TEXT or form is Form.SHUFFLED else _tlvs(message, receipt)
    body = ShortMessage(
        submit.service_type,
        submit.dest_ton,
        submit.dest_npi,
        submit.dest,
        submit.source_ton,
        submit.source_npi,
        submit.source,
        ESM_INTERMEDIATE if receipt.stat in INTERMEDIATE else ESM_RECEIPT,
        short_message=text,
    )
    return encode_body(DELIVER_SM, body, tlvs)


def _tlvs(message: Message, receipt: Receipt) -> Tlvs:
    state = (int(Tag.MESSAGE_STATE), _STATE_TLV[receipt.stat])
    named = (int(Tag.RECEIPTED_MESSAGE_ID), message.receipt_id.encode() + b"\0")
    if receipt.err == "000":
        return (named, state)
    code = _SMSC_NETWORK_ERROR % int(receipt.err).to_bytes(2, "big")
    return (named, state, (int(Tag.NETWORK_ERROR_CODE), code))


def _text(message: Message, receipt: Receipt, minutes: Minutes) -> bytes:
    done = minutes.write(message.done_us)
    submitted = minutes.write(message.submitted_us)
    named = message.receipt_id.encode()
    stat, err = receipt.stat.encode(), receipt.err.encode()
    if message.outcome.form is Form.SHUFFLED:
        return b"stat:%b err:%b done date:%b submit date:%b id:%b" % (stat, err, done, submitted, named)
    return b"id:%b sub:001 dlvrd:%b submit date:%b done date:%b stat:%b err:%b text:%b" % (
        named,
        b"001" if stat == b"DELIVRD" else b"000",
        submitted,
        done,
        stat,
        err,
        b"" if message.submit.data_coding else message.payload[:_QUOTED],
    )
