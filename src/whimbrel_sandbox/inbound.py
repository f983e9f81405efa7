"""Texts that phones send: cut into parts, put in the order asked for, shaped as deliver_sm bodies; and the answers
that reserved numbers give.

Apart from the phones, which only receive, and from the SMSC, which only delivers.
"""

from typing import Literal

from msgspec import Struct

from whimbrel.base.clock import Chance
from whimbrel.codec import gsm7, segments, udh
from whimbrel.codec.smpp.pdu import ShortMessage, encode_body
from whimbrel.codec.smpp.tables import DELIVER_SM, ESM_UDHI
from whimbrel_sandbox.esme import Delivery
from whimbrel_sandbox.outcomes import Answer

Order = Literal["forward", "backward", "shuffled"]

KEYWORDS = frozenset({Answer.STOP, Answer.START, Answer.HELP})
"""Answers that the application may itself answer: a phone must not start that round again and again."""

_LONG = " ".join(f"This is sentence {number} of a long answer that needs several parts." for number in range(1, 9))
_WORDS = {
    Answer.STOP: "STOP",
    Answer.START: "START",
    Answer.HELP: "HELP",
    Answer.LONG: _LONG,
    Answer.LONG_SHUFFLED: _LONG,
    Answer.UNICODE: "Grüße aus dem Sandkasten \U0001f426 – angekommen",
}


class Address(Struct, frozen=True, gc=False):
    """An address as it stands in a PDU."""

    number: str
    ton: int = 1
    npi: int = 1


def address(number: str) -> Address:
    """An address typed by a person: international digits, a short code, or letters (SMPP 3.4, 5.2.5)."""
    bare = number.removeprefix("+")
    if not bare.isdigit():
        return Address(number, 5, 0)
    return Address(bare, 3, 0) if len(bare) <= 6 else Address(bare)


def answer_words(answer: Answer, received: str) -> str:
    """What the phone answers to the text it received."""
    return _WORDS.get(answer, received)


def deliveries(
    text: str, source: Address, dest: Address, *, text_id: str, reference: int, wide: bool = False
) -> list[Delivery]:
    """The parts of one text in their order. Raises CodecError for a text that no parts can carry."""
    encoding: segments.Encoding = "gsm7" if gsm7.is_gsm7(text) else "ucs2"
    coding = segments.GSM7_DATA_CODING if encoding == "gsm7" else segments.UCS2_DATA_CODING
    mask = udh.MAX_REFERENCE_WIDE if wide else udh.MAX_REFERENCE
    parts = segments.build(text, encoding=encoding, reference=reference & mask, wide=wide)
    pieces = segments.split(text, encoding, wide=wide)
    return [
        Delivery(
            _body(octets, source, dest, coding=coding, is_part=len(parts) > 1),
            text_id,
            source=source.number,
            dest=dest.number,
            octets=octets,
            text=piece,
            data_coding=coding,
            part=number,
            parts=len(parts),
        )
        for number, (octets, piece) in enumerate(zip(parts, pieces, strict=True), 1)
    ]


def ordered(parts: list[Delivery], order: Order, chance: Chance) -> list[Delivery]:
    """The parts in the order in which they are to be sent; "shuffled" never leaves them in their own order."""
    if order == "backward":
        return parts[::-1]
    if order == "shuffled" and len(parts) > 1:
        mixed = sorted(parts, key=lambda _: chance.uniform(0, 1))
        return mixed if mixed != parts else [*parts[1:], parts[0]]
    return parts


def _body(octets: bytes, source: Address, dest: Address, *, coding: int, is_part: bool) -> bytes:
    body = ShortMessage(
        source_ton=source.ton,
        source_npi=source.npi,
        source=source.number,
        dest_ton=dest.ton,
        dest_npi=dest.npi,
        dest=dest.number,
        esm_class=ESM_UDHI if is_part else 0,
        data_coding=coding,
        short_message=octets,
    )
    return encode_body(DELIVER_SM, body)
