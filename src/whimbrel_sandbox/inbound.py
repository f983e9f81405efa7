"""Texts that phones send: cut into parts, put in the order asked for, shaped as deliver_sm bodies; and the answers
that reserved numbers give.

Apart from the phones, which only receive, and from the SMSC, which only delivers.
"""

from typing import Literal

from whimbrel.base.clock import Chance
from whimbrel.codec import segments, udh
from whimbrel_sandbox import alphabets
from whimbrel_sandbox.esme import Delivery
from whimbrel_sandbox.outcome import Answer
from whimbrel_sandbox.phone_texts import Address, body_of, national, pieces
from whimbrel_sandbox.scenarios.conduct import Conduct, Parting

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
    Answer.LIKE_RECEIPT: "id:1 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000",
    Answer.UNICODE: "Grüße aus dem Sandkasten \U0001f426 – angekommen",
}


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
    text: str, source: Address, dest: Address, *, text_id: str, reference: int, conduct: Conduct, wide: bool = False
) -> list[Delivery]:
    """The parts of one text in their order. Raises CodecError for a text that no parts can carry."""
    is_plain = national(text, conduct) is not None or alphabets.write(text, conduct.alphabet) is not None
    coding = segments.GSM7_DATA_CODING if is_plain else segments.UCS2_DATA_CODING
    parting = Parting.WIDE if wide else conduct.parting
    has_wide_numbers = parting in (Parting.WIDE, Parting.SAR)
    mask = udh.MAX_REFERENCE_WIDE if has_wide_numbers else udh.MAX_REFERENCE
    made = pieces(text, coding, reference=reference & mask, parting=parting, conduct=conduct)
    total = max(piece.number for piece in made)
    found = []
    for piece in made:
        command_id, body = body_of(piece, source, dest, coding=coding, conduct=conduct)
        delivery = Delivery(
            body,
            text_id,
            source=source.number,
            dest=dest.number,
            octets=piece.octets,
            text=piece.text,
            data_coding=coding,
            part=piece.number,
            parts=total,
            command_id=command_id,
        )
        found.append(delivery)
    return found


def ordered(parts: list[Delivery], order: Order, chance: Chance) -> list[Delivery]:
    """The parts in the order in which they are to be sent; "shuffled" never leaves them in their own order."""
    if order == "backward":
        return parts[::-1]
    if order == "shuffled" and len(parts) > 1:
        mixed = sorted(parts, key=lambda _: chance.uniform(0, 1))
        return mixed if mixed != parts else [*parts[1:], parts[0]]
    return parts
