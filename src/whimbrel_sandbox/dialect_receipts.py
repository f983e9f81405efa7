"""deliver_sm and data_sm bodies for receipts in a dialect: anything that a carrier may write.

Apart from `receipts.py`, which writes the usual forms at speed.
"""

from whimbrel.codec.smpp.fields import write_tlvs
from whimbrel.codec.smpp.pdu import DataSm, ShortMessage, encode_body
from whimbrel.codec.smpp.receipt import STATES
from whimbrel.codec.smpp.tables import DATA_SM, DELIVER_SM, ESM_INTERMEDIATE, ESM_RECEIPT, MessageState, Tag
from whimbrel_sandbox.dialect import Coding, Dialect, date
from whimbrel_sandbox.message import Message
from whimbrel_sandbox.outcome import Receipt

INTERMEDIATE = frozenset({"ENROUTE", "ACCEPTD"})
_QUOTED = 20  # octets of the message that a receipt repeats (appendix B)
_SHORT_MAX = 254
_ADDRESS_MAX = 20


def command_of(dialect: Dialect) -> int:
    """The command that carries such a receipt."""
    return DATA_SM if dialect.as_data_sm else DELIVER_SM


def dialect_body(message: Message, receipt: Receipt, dialect: Dialect) -> bytes:
    """The body, from the handset's number to the message's source unless the dialect has it otherwise."""
    text = b"" if dialect.layout is None else _text(dialect.layout, message, receipt, dialect)
    usual = ESM_INTERMEDIATE if receipt.stat in INTERMEDIATE else ESM_RECEIPT
    esm_class = usual if dialect.esm_class is None else dialect.esm_class
    in_payload = dialect.in_payload or dialect.as_data_sm or len(text) > _SHORT_MAX
    submit = message.submit
    phone = (submit.dest_ton, submit.dest_npi, (dialect.source_prefix + submit.dest)[:_ADDRESS_MAX])
    sender = (submit.source_ton, submit.source_npi, submit.source)
    source, dest = (phone, sender) if dialect.is_swapped else (sender, phone)
    tlvs = _tlvs(message, receipt, dialect)
    if in_payload and text:
        tlvs = ((int(Tag.MESSAGE_PAYLOAD), text + dialect.payload_tail), *tlvs)
    after = write_tlvs(tlvs) + dialect.tail
    if dialect.as_data_sm:
        data = DataSm(submit.service_type, *source, *dest, esm_class, 0, dialect.data_coding)
        return encode_body(DATA_SM, data) + after
    body = ShortMessage(
        submit.service_type,
        *source,
        *dest,
        esm_class,
        data_coding=dialect.data_coding,
        short_message=b"" if in_payload else text,
    )
    return encode_body(DELIVER_SM, body) + after


def _text(layout: str, message: Message, receipt: Receipt, dialect: Dialect) -> bytes:
    own = b"" if message.submit.data_coding else message.payload[:_QUOTED]
    quote = own if dialect.quote is None else dialect.quote
    words = layout.format(
        id=message.receipt_id,
        dlvrd="001" if receipt.stat == "DELIVRD" else "000",
        submitted=date(message.submitted_us, dialect.dates),
        done=date(message.done_us, dialect.dates),
        stat=receipt.stat if receipt.word is None else receipt.word,
        err=receipt.err,
        text=quote.decode("latin-1"),
    )
    if dialect.coding is Coding.UCS2_MARKED:
        return b"\xfe\xff" + words.encode(Coding.UCS2)
    return words.encode(dialect.coding.value)


def _tlvs(message: Message, receipt: Receipt, dialect: Dialect) -> tuple[tuple[int, bytes], ...]:
    found: list[tuple[int, bytes]] = []
    if dialect.id_tlv:
        found.append((int(Tag.RECEIPTED_MESSAGE_ID), message.tlv_id.encode() + dialect.id_tlv_end))
    if dialect.state_tlv:
        found.append((int(Tag.MESSAGE_STATE), b"%c" % STATES.get(receipt.stat, MessageState.UNKNOWN)))
    return (*found, *dialect.tlvs)
