"""Submit: from a claimed message to the parts that a carrier writes to the wire."""

from collections.abc import Sequence
from typing import Protocol

from whimbrel.carriers.interface import Part
from whimbrel.codec import segments
from whimbrel.codec.errors import CodecError

_DATA_CODING = {"gsm7": 0, "ucs2": 8}


class Sendable(Protocol):
    """What is needed of a message to send it: it comes from accept as it was made, or from the queue."""

    @property
    def id(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def recipient(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def encoding(self) -> str: ...
    @property
    def segments(self) -> int: ...
    @property
    def expires_at(self) -> int: ...
    @property
    def priority(self) -> int: ...


def octets(message: Sendable) -> tuple[bytes, ...]:
    """The short_message of each part; CodecError when the stored text does not fit its stored encoding.

    The concatenation reference is drawn from the message's id, so that a part which is built again is the same part.
    """
    reference = int(message.id[-12:-4], 16) & 0xFF if message.segments > 1 else 0  # one segment has no header
    built = segments.build(message.text, encoding="gsm7" if message.encoding == "gsm7" else "ucs2", reference=reference)
    if len(built) != message.segments:
        raise CodecError(f"{len(built)} parts were built where {message.segments} were priced")
    return built


def parts(message: Sendable, built: Sequence[bytes], attempts: Sequence[int], tail_hash: int) -> list[Part]:
    """One part for each committed attempt."""
    data_coding, total = _DATA_CODING[message.encoding], len(built)
    return [
        Part(
            attempt=attempt,
            message_id=message.id,
            source=message.sender,
            destination=message.recipient,
            octets=built[index],
            data_coding=data_coding,
            udh=total > 1,
            expires_at=message.expires_at,
            part=index + 1,
            parts=total,
            tail_hash=tail_hash,
            priority=message.priority,
        )
        for index, attempt in enumerate(attempts)
    ]
