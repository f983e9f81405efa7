"""Receipts and octets on demand: what a person or a test wants a client to get, right now.

Apart from the network, which sends receipts because of what happened.
"""

from msgspec import Struct

from whimbrel.codec.smpp.fields import write_tlvs
from whimbrel.codec.smpp.pdu import DataSm, ShortMessage, encode_body, make_tlv
from whimbrel.codec.smpp.receipt import STATES
from whimbrel.codec.smpp.tables import DATA_SM, DELIVER_SM, ESM_RECEIPT, MessageState, Tag
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.esme import Delivery
from whimbrel_sandbox.inbound import address
from whimbrel_sandbox.message import Message
from whimbrel_sandbox.network import NobodyToTell
from whimbrel_sandbox.receipts import Minutes
from whimbrel_sandbox.registry import Registry


class BadDemand(ValueError):
    """Octets that are no hex, or a tag that is no number."""


class Demand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receipt to send now.

    For a message that is known by `message_id` all else has the usual values; for any other id name the client by
    `system_id`. `text` or `octets` (hex) stand in place of the usual text, `tlvs` (tag to hex) in place of the usual
    TLVs.
    """

    message_id: str
    system_id: str | None = None
    stat: str = "DELIVRD"
    err: str = "000"
    text: str | None = None
    octets: str | None = None
    tlvs: dict[str, str] | None = None
    esm_class: int = ESM_RECEIPT
    data_coding: int = 0
    source: str | None = None
    dest: str | None = None
    as_data_sm: bool = False


class Octets(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Octets (hex) to write as they stand, on every connection or on those of one client."""

    octets: str
    system_id: str | None = None


def send_receipt(demand: Demand, center: Center, registry: Registry) -> None:
    """Queue the receipt for its client. Raises NobodyToTell and BadDemand."""
    message = registry.find(demand.message_id)
    client = demand.system_id if message is None else message.esme.system_id
    esme = None if client is None else center.esmes.get(client)
    if esme is None:
        raise NobodyToTell("no message has this id; name a system_id that was bound before")
    body = _body(demand, message, center.now_us())
    command_id = DATA_SM if demand.as_data_sm else DELIVER_SM
    esme.waiting.append(Delivery(body, demand.message_id, demand.stat or "?", demand.err, command_id=command_id))
    center.touched(esme)


def send_octets(wanted: Octets, center: Center) -> int:
    """Write the octets; answers on how many connections. Raises BadDemand."""
    raw = _hex(wanted.octets)
    links = [link for link in center.links if wanted.system_id in (None, link.system_id)]
    for link in links:
        link.write(raw)
    return len(links)


def _body(demand: Demand, message: Message | None, now_us: int) -> bytes:
    known = ("", "") if message is None else (message.submit.dest, message.submit.source)
    source, dest = address(demand.source or known[0]), address(demand.dest or known[1])
    text = _text(demand, message, now_us)
    tlvs = _tlvs(demand)
    places = (source.ton, source.npi, source.number, dest.ton, dest.npi, dest.number)
    if demand.as_data_sm:
        payload = write_tlvs(((int(Tag.MESSAGE_PAYLOAD), text),)) if text else b""
        return encode_body(DATA_SM, DataSm("", *places, demand.esm_class, 0, demand.data_coding)) + payload + tlvs
    body = ShortMessage("", *places, demand.esm_class, data_coding=demand.data_coding, short_message=text)
    return encode_body(DELIVER_SM, body) + tlvs


def _text(demand: Demand, message: Message | None, now_us: int) -> bytes:
    if demand.octets is not None:
        return _hex(demand.octets)
    if demand.text is not None:
        return demand.text.encode("latin-1", "replace")
    minutes = Minutes()
    done = minutes.write(now_us)
    submitted = done if message is None else minutes.write(message.submitted_us)
    delivered = b"001" if demand.stat == "DELIVRD" else b"000"
    named = (demand.message_id if message is None else message.receipt_id).encode("latin-1", "replace")
    return b"id:%b sub:001 dlvrd:%b submit date:%b done date:%b stat:%b err:%b text:" % (
        named,
        delivered,
        submitted,
        done,
        demand.stat.encode("latin-1", "replace"),
        demand.err.encode("latin-1", "replace"),
    )


def _tlvs(demand: Demand) -> bytes:
    if demand.tlvs is None:
        state = STATES.get(demand.stat, MessageState.UNKNOWN)
        named = make_tlv(Tag.RECEIPTED_MESSAGE_ID, demand.message_id)
        return write_tlvs((named, make_tlv(Tag.MESSAGE_STATE, state)))
    try:
        return write_tlvs(tuple((int(tag, 0), _hex(value)) for tag, value in demand.tlvs.items()))
    except ValueError as error:
        raise BadDemand(f"a TLV is a number and its octets in hex: {error}") from None


def _hex(words: str) -> bytes:
    try:
        return bytes.fromhex(words)
    except ValueError as error:
        raise BadDemand(f"octets are written in hex: {error}") from None
