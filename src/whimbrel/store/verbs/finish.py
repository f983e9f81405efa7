"""finish: messages that end without (further) submission: canceled, expired, refused at claim, failed, or given up at
their deadline. What is still held is released, or charged when the ending says so.
"""

from collections.abc import Sequence

import msgspec

from whimbrel.domain.model import Flag
from whimbrel.domain.states import FINAL, QUEUED, SCHEDULED, may_move
from whimbrel.store.interface import Ending, Moved
from whimbrel.store.script import Many, Query, Row, Rows, Script
from whimbrel.store.verbs import frequency
from whimbrel.store.verbs.events import Subject, event_data, moved
from whimbrel.store.verbs.ledger import Entry, charge, release
from whimbrel.store.verbs.queue import queue_key
from whimbrel.store.verbs.sealing import unseal


class _Open(msgspec.Struct, frozen=True, gc=False):
    """Columns of `messages_to_finish`."""

    id: str
    account_id: str
    test: int
    state: str
    seq: int
    flags: int
    held_micros: int
    charged_micros: int
    candidates: str
    priority: int
    rank: int
    due_at: int
    carrier_id: str | None


def finish(endings: Sequence[Ending]) -> Script[list[bool]]:
    """Whether each ending was applied. Of two endings of one message the first wins."""
    rows: Rows = yield Query("messages_to_finish", ([ending.message_id for ending in endings],))
    open_ = {row[0]: _Open(*row) for row in rows}
    applied: list[bool] = []
    ended: list[tuple[Ending, _Open]] = []
    for ending in endings:
        message = open_.get(ending.message_id)
        applies = message is not None and _applies(ending, message)
        applied.append(applies)
        if message is not None and applies:
            ended.append((ending, message))
            del open_[ending.message_id]
    if ended:
        yield from _end(ended)
    return applied


def _applies(ending: Ending, message: _Open) -> bool:
    if ending.account_id is not None and ending.account_id != message.account_id:
        return False
    return message.state in ending.states and may_move(message.state, ending.new_state)


def _end(ended: Sequence[tuple[Ending, _Open]]) -> Script[None]:
    yield from _stop_waiting([message for _, message in ended])
    yield Many("message_finish", [_finished(ending, message) for ending, message in ended])
    yield Many("event_insert", [_event(ending, message) for ending, message in ended])
    unsent = [Moved(m.id, None) for _, m in ended if m.flags & Flag.COUNTED and m.state in (QUEUED, SCHEDULED)]
    yield from frequency.move(unsent)
    yield from unseal([m.id for e, m in ended if m.flags & Flag.SEALED and e.new_state in FINAL])
    yield from charge([_entry(ending, message) for ending, message in ended if ending.charge])
    yield from release([_entry(ending, message) for ending, message in ended if not ending.charge])


def _stop_waiting(messages: Sequence[_Open]) -> Script[None]:
    queued = [queue_key(m.candidates, m.priority, m.rank, m.id) for m in messages if m.state == QUEUED]
    scheduled = [(m.due_at, m.id) for m in messages if m.state == SCHEDULED]
    sent = [(m.id,) for m in messages if m.state not in (QUEUED, SCHEDULED)]
    if queued:
        yield Many("queue_delete", queued)
    if scheduled:
        yield Many("schedule_delete", scheduled)
    if sent:
        yield Many("deadline_delete", sent)


def _finished(ending: Ending, message: _Open) -> Row:
    charged = message.charged_micros + (message.held_micros if ending.charge else 0)
    return (message.id, ending.new_state, ending.reason, ending.at, charged, ending.at)


def _event(ending: Ending, message: _Open) -> Row:
    subject = Subject(message.id, message.account_id, message.test, message.seq, message.flags)
    data = event_data(reason=ending.reason, carrier_id=message.carrier_id)
    return moved(subject, ending.new_state, ending.at, data)


def _entry(ending: Ending, message: _Open) -> Entry:
    return Entry(message.account_id, message.id, message.held_micros, ending.at)
