"""The ordinary answer: a carrier takes a message of one segment, for the first time. Nearly every answer is this one, so
it is written without reading first: an update that applies only where everything is ordinary, and says where it did.
Whatever is not (several segments, doubt, a second answer, a message that has moved on) takes the long way through
`progress.py`, which knows all rules; a test holds the two to the same result.
"""

from collections.abc import Sequence

from whimbrel.domain.states import SENT
from whimbrel.store.interface import Answer
from whimbrel.store.script import Each, Many, Row, Rows, Script
from whimbrel.store.verbs import ledger
from whimbrel.store.verbs.events import Subject, event_data, moved
from whimbrel.store.verbs.ledger import Entry


def take_ordinary(answers: Sequence[Answer]) -> Script[list[Answer]]:
    """Record the ordinary ones; the others are given back, in order."""
    if len({answer.message_id for answer in answers}) < len(answers):
        return list(answers)  # several answers to one message: their order decides
    likely = [answer for answer in answers if answer.kind == "accepted" and answer.parts == 1]
    if not likely:
        return list(answers)
    rows: Rows = yield Each("message_taken", [(a.message_id, a.at, a.carrier_id, a.attempt) for a in likely])
    taken = {row[0]: row for row in rows}
    if taken:
        yield from _tell([answer for answer in likely if answer.message_id in taken], taken)
    return [answer for answer in answers if answer.message_id not in taken]


def _tell(answers: Sequence[Answer], taken: dict[str, Row]) -> Script[None]:
    attempts: list[Row] = []
    events: list[Row] = []
    charges: list[Entry] = []
    for answer in answers:
        message_id, account_id, test, seq, flags, charged = taken[answer.message_id]
        subject = Subject(message_id, account_id, test, seq - 1, flags)
        events.append(moved(subject, SENT, answer.at, event_data(carrier_id=answer.carrier_id)))
        charges.append(Entry(account_id, message_id, charged, answer.at))
        attempts.append(_attempt(answer))
    yield Many("attempt_taken", attempts)
    yield Many("event_insert", events)
    yield from ledger.charge(charges)


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
