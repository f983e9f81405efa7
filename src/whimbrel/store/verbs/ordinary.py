"""What nearly always happens, written without reading first: a carrier takes a message of one segment, and its first
receipt says that it was delivered. Each is one update that applies only where everything is ordinary, and says where it
did. Whatever is not (several segments, doubt, a second answer or receipt, a message that has moved on) takes the long
way through `progress.py`, which knows all rules; tests hold the two to the same result.
"""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from whimbrel.domain.model import Flag
from whimbrel.domain.positions import recent_floor
from whimbrel.domain.states import DELIVERED, SENT
from whimbrel.store.errors import Overtaken
from whimbrel.store.interface import Answer, ReceiptRow
from whimbrel.store.script import Each, Many, Row, Rows, Script
from whimbrel.store.verbs import ledger
from whimbrel.store.verbs.events import Subject, moved
from whimbrel.store.verbs.ledger import Entry
from whimbrel.store.verbs.progress import Facts
from whimbrel.store.verbs.sealing import unseal

_encode = msgspec.json.Encoder().encode


def take_ordinary(answers: Sequence[Answer]) -> Script[list[Answer]]:
    """Record the ordinary ones; the others are given back, in order."""
    if len({answer.message_id for answer in answers}) < len(answers):
        return list(answers)  # several answers to one message: their order decides
    likely = [answer for answer in answers if answer.kind == "accepted" and answer.parts == 1]
    if not likely:
        return list(answers)
    lowest = min(answer.attempt for answer in likely)
    rows: Rows = yield Each("message_taken", [(a.message_id, a.at, a.carrier_id, a.attempt, lowest) for a in likely])
    taken = {row[0]: row for row in rows}
    if taken:
        yield from _tell([answer for answer in likely if answer.message_id in taken], taken)
    return [answer for answer in answers if answer.message_id not in taken]


def _tell(answers: Sequence[Answer], taken: dict[str, Row]) -> Script[None]:
    attempts: list[Row] = []
    lowest = min(answer.attempt for answer in answers)
    events: list[Row] = []
    charges: list[Entry] = []
    for answer in answers:
        message_id, account_id, test, seq, flags, charged = taken[answer.message_id]
        subject = Subject(message_id, account_id, test, seq - 1, flags)
        events.append(moved(subject, SENT, answer.at, _facts(answer.carrier_id)))
        charges.append(Entry(account_id, message_id, charged, answer.at))
        attempts.append((*_attempt(answer), lowest))
    changed: int = yield Many("attempt_taken", attempts)
    if changed < len(attempts):
        raise Overtaken("an attempt was answered meanwhile")
    yield Many("event_insert", events)
    yield from ledger.charge(charges)


@lru_cache(maxsize=1024)
def _facts(carrier_id: str, stat: str | None = None, error: str | None = None) -> str:
    """Few values, made once and not for each message."""
    return _encode(Facts(carrier_id=carrier_id, stat=stat, error=error)).decode()


def _attempt(answer: Answer) -> Row:
    return (
        answer.attempt,
        answer.bind,
        answer.carrier_message_id,
        answer.carrier_key,
        answer.status_code,
        answer.throttled,
        answer.at,
    )


def deliver_ordinary(receipts: Sequence[ReceiptRow]) -> Script[list[bool]]:
    """Record the ordinary ones; for each receipt whether it is recorded."""
    places = [(receipt.carrier_id, receipt.keys[0]) if receipt.keys else ("", "") for receipt in receipts]
    if len(set(places)) < len(places):
        return [False] * len(receipts)  # several receipts for one attempt: their order decides
    likely = {
        place: r for place, r in zip(places, receipts, strict=True) if r.state == DELIVERED and r.final and r.keys
    }
    if not likely:
        return [False] * len(receipts)
    floor = recent_floor(min(receipt.at for receipt in likely.values()))
    found: Rows = yield Each("attempt_delivered", [(*place, r.error, r.at, floor) for place, r in likely.items()])
    taken = {(row[0], row[1]): row[2] for row in found}
    if taken:
        yield from _tell_delivered([(message_id, likely[place]) for place, message_id in taken.items()])
    return [place in taken for place in places]


def _tell_delivered(delivered: Sequence[tuple[str, ReceiptRow]]) -> Script[None]:
    rows: Rows = yield Each("message_delivered", [(message_id, receipt.at) for message_id, receipt in delivered])
    by_message = {row[0]: row for row in rows}
    if len(by_message) < len(delivered):
        raise Overtaken("a message moved meanwhile")
    events: list[Row] = []
    sealed: list[str] = []
    for message_id, receipt in delivered:
        _, account_id, test, seq, flags = by_message[message_id]
        subject = Subject(message_id, account_id, test, seq - 1, flags)
        data = _facts(receipt.carrier_id, receipt.stat, receipt.error)
        events.append(moved(subject, DELIVERED, receipt.at, data))
        if flags & Flag.SEALED:
            sealed.append(message_id)
    yield Many("event_insert", events)
    yield from unseal(sealed)
