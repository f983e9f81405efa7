"""The messages and attempts of one list as they stand while a verb works on them: loaded by sets, changed in memory,
written by sets. Answers and receipts share it, so that both move a message by the same rules.

Apart from the two verbs because neither owns it: an answer, a receipt that waited for it, and a second receipt of the
same message may come in one list, and each has to see what the one before it did.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from whimbrel.base.limits import DOUBT_DEADLINE_S, PART_RECEIPTS_WAIT_S
from whimbrel.domain import outcomes, states
from whimbrel.domain.model import Flag, Options
from whimbrel.domain.outcomes import Outcome, Segment
from whimbrel.store.script import Many, Query, Row, Rows, Script
from whimbrel.store.verbs import ledger
from whimbrel.store.verbs.events import Subject, moved, row
from whimbrel.store.verbs.ledger import Entry
from whimbrel.store.verbs.queue import queue_key

_SECOND_US: Final = 1_000_000
_DOUBT_US: Final = DOUBT_DEADLINE_S * _SECOND_US
_PART_WAIT_US: Final = PART_RECEIPTS_WAIT_S * _SECOND_US
_HAS_DEADLINE: Final = Flag.IN_DOUBT | Flag.PART_DELIVERED
_ANSWERED: Final = 1
_REPORTED: Final = 2

_encode = msgspec.json.Encoder().encode
_decode_options = msgspec.json.Decoder(Options).decode


class Tried(msgspec.Struct, gc=False):
    """A working copy of an attempt."""

    position: int
    message_id: str
    part: int
    parts: int
    carrier_id: str
    bind: str
    state: str
    carrier_message_id: str | None
    carrier_key: str | None
    status_code: int | None
    reason: str | None
    throttled: int
    tail_hash: int
    committed_at: int
    answered_at: int | None
    receipt_state: str | None
    receipt_error: str | None
    receipts: int
    resolved_at: int | None
    touched: int = 0  # what to write: _ANSWERED, _REPORTED


class Course(msgspec.Struct):
    """A working copy of what may change of a message, with the attempts that bear on it, oldest first."""

    id: str
    account_id: str
    test: int
    message_class: str
    state: str
    price_micros: int
    held_micros: int
    charged_micros: int
    carrier_id: str | None
    candidates: str
    priority: int
    rank: int
    expires_at: int
    updated_at: int
    sent_at: int | None
    final_at: int | None
    reason: str | None
    flags: int
    seq: int
    options: str
    tries: list[Tried] = []
    is_changed: bool = False


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What an event tells beside its type: ids and codes."""

    carrier_id: str | None = None
    part: int | None = None  # of a long message
    reason: str | None = None
    status_code: int | None = None
    stat: str | None = None
    error: str | None = None
    possible_duplicate: bool = False
    corrected: bool = False


class Progress:
    """See the head of the file. Order of use: `load…`, `course_of`, changes and `settle`, `flush`."""

    def __init__(self) -> None:
        self.tries: dict[int, Tried] = {}
        self._courses: dict[str, Course] = {}
        self._events: list[Row] = []
        self._charges: list[Entry] = []
        self._releases: list[Entry] = []
        self._queued: dict[str, Row] = {}
        self._unqueued: list[Row] = []
        self._deadlines: dict[str, int | None] = {}

    # load

    def add(self, rows: Iterable[Row]) -> list[Tried]:
        """Working copies of attempts, one for each position however often it is loaded."""
        tries = self.tries
        return [tries.get(columns[0]) or tries.setdefault(columns[0], Tried(*columns)) for columns in rows]

    def load_courses(self) -> Script[None]:
        """The messages of all attempts so far. All attempts of a message bear on it when it has several segments or
        was tried again after doubt; otherwise the one that is loaded says all."""
        wanted = {tried.message_id for tried in self.tries.values()} - self._courses.keys()
        if not wanted:
            return
        rows: Rows = yield Query("courses_by_ids", ([*wanted],))
        courses = self._courses
        for columns in rows:
            courses[columns[0]] = Course(*columns)
        whole = {tried.message_id for tried in self.tries.values() if tried.parts > 1} & wanted
        whole |= {
            message_id for message_id in wanted & courses.keys() if courses[message_id].flags & Flag.DOUBT_RETRIED
        }
        if whole:
            self.add((yield Query("attempts_of_messages", ([*whole],))))
        for tried in sorted(self.tries.values(), key=_position):
            if tried.message_id in wanted and tried.message_id in courses:
                courses[tried.message_id].tries.append(tried)

    def course_of(self, tried: Tried) -> Course | None:
        """The message of an attempt; None when it was deleted."""
        return self._courses.get(tried.message_id)

    # change

    def answered(self, tried: Tried) -> None:
        """The attempt's answer or key changed."""
        tried.touched |= _ANSWERED

    def reported(self, tried: Tried) -> None:
        """The attempt's receipt changed."""
        tried.touched |= _REPORTED

    def tell(self, course: Course, kind: str, at: int, facts: Facts) -> None:
        """Append an event that is no move."""
        self._events.append(row(_subject(course), kind, at, _encode(facts).decode()))
        course.seq += 1
        course.updated_at = at
        course.is_changed = True

    def settle(self, course: Course, at: int, facts: Facts) -> bool:
        """Move the message and its money to where its attempts say; whether it moved."""
        segments = _segments(course.tries)
        wanted = outcomes.outcome(segments)
        steps: tuple[str, ...] = ()
        if wanted is not None:
            rest = ""
            if wanted.state == states.QUEUED:
                rest = (
                    outcomes.next_carriers(course.candidates, facts.carrier_id or "")
                    if wanted.elsewhere
                    else course.candidates
                )
                wanted = outcomes.sendable_again(wanted, state=course.state, candidates=rest)
            steps = outcomes.path(course.state, wanted, reason=course.reason, flags=course.flags)
            for state in steps:
                self._move(course, state, wanted, at, facts)
            if wanted.state == states.QUEUED and steps:
                self._enqueue(course, rest)
        if course.state == states.IN_DOUBT:
            self._retry(course, segments, at, facts)
        elif course.state == states.SENT and len(segments) > 1:
            self._await_parts(course, segments, at)
        if course.held_micros:
            self._pay(course, segments, at)
        return bool(steps)

    def _move(self, course: Course, state: str, wanted: Outcome, at: int, facts: Facts) -> None:
        is_correction = course.state in states.FINAL
        if course.state == states.QUEUED:
            self._dequeue(course)
        if course.state == states.IN_DOUBT or (state in states.FINAL and course.flags & _HAS_DEADLINE):
            self._deadlines[course.id] = None
        told = Facts(carrier_id=facts.carrier_id)
        course.reason = None
        if state == states.SENT:
            course.sent_at, course.carrier_id = at, facts.carrier_id
        else:
            course.reason = None if state == states.QUEUED else wanted.reason
            told = _with(facts, reason=wanted.reason, corrected=is_correction)
        if state == states.IN_DOUBT:
            course.flags |= Flag.IN_DOUBT
            self._deadlines[course.id] = at + _DOUBT_US
        elif state in states.FINAL:
            course.final_at = at
            course.flags |= Flag.CORRECTED if is_correction else 0
        self._event_of(course, state, at, told)

    def _event_of(self, course: Course, state: str, at: int, facts: Facts) -> None:
        self._events.append(moved(_subject(course), state, at, _encode(facts).decode()))
        course.state = state
        course.seq += 1
        course.updated_at = at
        course.is_changed = True

    def _enqueue(self, course: Course, candidates: str) -> None:
        course.candidates = candidates
        key = queue_key(candidates, course.priority, course.rank, course.id)
        self._queued[course.id] = (*key, course.expires_at)

    def _dequeue(self, course: Course) -> None:
        if self._queued.pop(course.id, None) is None:
            self._unqueued.append(queue_key(course.candidates, course.priority, course.rank, course.id))

    def _retry(self, course: Course, segments: Sequence[Segment], at: int, facts: Facts) -> None:
        """`retry_once`: the same text once more, by the next carrier where there is one."""
        if course.message_class != "otp" or course.flags & Flag.DOUBT_RETRIED:
            return
        if not outcomes.may_retry(
            segments,
            message_class=course.message_class,
            on_doubt=_decode_options(course.options).on_doubt,
            flags=course.flags,
            expires_at=course.expires_at,
            at=at,
        ):
            return
        self._deadlines[course.id] = None
        course.flags |= Flag.DOUBT_RETRIED | Flag.POSSIBLE_DUPLICATE
        self._event_of(course, states.QUEUED, at, _with(facts, reason=course.reason, possible_duplicate=True))
        course.reason = None
        self._enqueue(course, outcomes.next_carriers(course.candidates, facts.carrier_id or "") or course.candidates)

    def _await_parts(self, course: Course, segments: Sequence[Segment], at: int) -> None:
        """Some carriers report one segment of a long message and never the others (trap T12): do not wait for days."""
        if course.flags & Flag.PART_DELIVERED or not any(s.standing == outcomes.DELIVERED for s in segments):
            return
        course.flags |= Flag.PART_DELIVERED
        course.is_changed = True
        self._deadlines[course.id] = at + _PART_WAIT_US

    def _pay(self, course: Course, segments: Sequence[Segment], at: int) -> None:
        due = outcomes.owed(course.price_micros, segments) - course.charged_micros
        charge = min(max(due, 0), course.held_micros)
        release = course.held_micros - charge if course.state in states.FINAL else 0
        if not charge and not release:
            return
        course.held_micros -= charge + release
        course.charged_micros += charge
        course.is_changed = True
        self._charges.append(Entry(course.account_id, course.id, charge, at))
        if release:
            self._releases.append(Entry(course.account_id, course.id, release, at))

    # write

    def flush(self) -> Script[None]:
        """Everything that changed, in a few statements."""
        touched = [tried for tried in self.tries.values() if tried.touched]
        answered = [_answered_row(tried) for tried in touched if tried.touched & _ANSWERED]
        reported = [_reported_row(tried) for tried in touched if tried.touched & _REPORTED]
        changed = [_course_row(course) for course in self._courses.values() if course.is_changed]
        kept = [(message_id, at) for message_id, at in self._deadlines.items() if at is not None]
        dropped = [(message_id,) for message_id, at in self._deadlines.items() if at is None]
        for statement, rows in (
            ("attempt_answered", answered),
            ("attempt_reported", reported),
            ("course_moved", changed),
            ("queue_delete", self._unqueued),
            ("queue_insert", [*self._queued.values()]),
            ("deadline_set", kept),
            ("deadline_delete", dropped),
            ("event_insert", self._events),
        ):
            if rows:
                yield Many(statement, rows)
        yield from ledger.charge(self._charges)
        yield from ledger.release(self._releases)


def _position(tried: Tried) -> int:
    return tried.position


def _segments(tries: Sequence[Tried]) -> list[Segment]:
    """How each segment stands, in the order of the parts."""
    if len(tries) == 1:
        return [_segment(tries[0])]
    by_part: dict[int, list[Segment]] = {}
    for tried in tries:
        by_part.setdefault(tried.part, []).append(_segment(tried))
    return [outcomes.speaker(by_part[part]) for part in sorted(by_part)]


def _segment(tried: Tried) -> Segment:
    return Segment(outcomes.standing(tried.state, tried.reason, tried.receipt_state), tried.reason)


def _subject(course: Course) -> Subject:
    return Subject(course.id, course.account_id, course.test, course.seq, course.flags)


def _with(facts: Facts, *, reason: str | None, possible_duplicate: bool = False, corrected: bool = False) -> Facts:
    return Facts(
        carrier_id=facts.carrier_id,
        part=facts.part,
        reason=reason,
        status_code=facts.status_code,
        stat=facts.stat,
        error=facts.error,
        possible_duplicate=possible_duplicate,
        corrected=corrected,
    )


def _answered_row(tried: Tried) -> Row:
    return (
        tried.position,
        tried.bind,
        tried.state,
        tried.carrier_message_id,
        tried.carrier_key,
        tried.status_code,
        tried.reason,
        tried.throttled,
        tried.answered_at,
    )


def _reported_row(tried: Tried) -> Row:
    return (
        tried.position,
        tried.state,
        tried.reason,
        tried.receipt_state,
        tried.receipt_error,
        tried.receipts,
        tried.resolved_at,
    )


def _course_row(course: Course) -> Row:
    return (
        course.id,
        course.state,
        course.held_micros,
        course.charged_micros,
        course.carrier_id,
        course.candidates,
        course.updated_at,
        course.sent_at,
        course.final_at,
        course.reason,
        course.flags,
        course.seq,
    )
