"""put off: messages that wait for a place on their carrier get another time: nothing may be sent to their recipients
just now. They keep their price, their hold and the end of their validity. What waits for its time already, or for its
campaign, is left alone.
"""

from collections.abc import Sequence

import msgspec

from whimbrel.domain.model import Flag
from whimbrel.domain.states import SCHEDULED
from whimbrel.store.interface import Moved, PutOff
from whimbrel.store.script import Many, Query, Row, Rows, Script
from whimbrel.store.verbs import frequency
from whimbrel.store.verbs.events import Subject, moved
from whimbrel.store.verbs.queue import queue_key


class _Waiting(msgspec.Struct, frozen=True, gc=False):
    """Columns of `messages_to_put_off`."""

    id: str
    account_id: str
    test: int
    seq: int
    flags: int
    candidates: str
    priority: int
    rank: int


def put_off(items: Sequence[PutOff]) -> Script[int]:
    """How many were put off: those that neither left nor ended meanwhile."""
    rows: Rows = yield Query("messages_to_put_off", ([item.message_id for item in items],))
    found = {row[0]: _Waiting(*row) for row in rows}
    pairs = [(item, found.pop(item.message_id)) for item in items if item.message_id in found]
    if not pairs:
        return 0
    yield Many("message_put_off", [(item.message_id, item.due_at, item.reason, item.at) for item, _ in pairs])
    yield Many("queue_delete", [queue_key(m.candidates, m.priority, m.rank, m.id) for _, m in pairs])
    yield Many("schedule_insert", [(item.due_at, item.message_id) for item, _ in pairs])
    yield Many("event_insert", [_event(item, message) for item, message in pairs])
    yield from frequency.move([Moved(m.id, item.due_at) for item, m in pairs if m.flags & Flag.COUNTED])
    return len(pairs)


def _event(item: PutOff, message: _Waiting) -> Row:
    subject = Subject(message.id, message.account_id, message.test, message.seq, message.flags)
    return moved(subject, SCHEDULED, item.at, item.data)
