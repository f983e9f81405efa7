"""Answer: what a carrier said to one part, as the store keeps it."""

from whimbrel.carriers.interface import Reply
from whimbrel.domain.dialect import IdBase
from whimbrel.domain.receipts import carrier_key
from whimbrel.store.interface import Answer


def answer_of(carrier_id: str, reply: Reply, now: int, base: IdBase) -> Answer:
    """What is kept; `base` is how the carrier writes its ids."""
    part, expired = reply.part, reply.kind == "expired"
    carrier_message_id = reply.carrier_message_id
    return Answer(
        attempt=part.attempt,
        message_id=part.message_id,
        carrier_id=carrier_id,
        kind="refused" if expired else reply.kind,
        at=now,
        bind=reply.bind,
        carrier_message_id=carrier_message_id,
        carrier_key=carrier_key(carrier_message_id, base) if carrier_message_id else None,
        status_code=reply.status_code,
        reason="expired" if expired else reply.reason,
        throttled=part.throttled,
        tail_hash=part.tail_hash,
        parts=part.parts,
    )
