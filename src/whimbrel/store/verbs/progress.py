"""The messages and attempts of one list as they stand while a verb works on them: loaded by sets, changed in memory,
written by sets. Answers and receipts share it, so that both move a message by the same rules.

Apart from the two verbs because neither owns it: an answer, a receipt that waited for it, and a second receipt of the
same message may come in one list, and each has to see what the one before it did.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from whimbrel.base.limits import DOUBT_DEADLINE_S, PART_RECEIPTS_WAIT_S, RECEIPT_DEADLINE_S
from whimbrel.domain import outcomes, states
from whimbrel.domain.model import Flag, Options
from whimbrel.domain.outcomes import Outcome, Segment
from whimbrel.domain.positions import floor_of_messages
from whimbrel.store.script import Many, Query, Row, Script
from whimbrel.store.verbs import ledger
from whimbrel.store.verbs.ledger import Entry
from whimbrel.store.verbs.queue import queue_key
from whimbrel.store.verbs.sealing import unseal

_SECOND_US: Final = 1_000_000
_DOUBT_US: Final = DOUBT_DEADLINE_S * _SECOND_US
_RECEIPT_US: Final = RECEIPT_DEADLINE_S * _SECOND_US
_PART_WAIT_US: Final = PART_RECEIPTS_WAIT_S * _SECOND_US
_HAS_DEADLINE: Final = Flag.IN_DOUBT | Flag.PART_DELIVERED
_EVENTS: Final = {state: states.event_type(state) for state in states.STATES}
_ACCEPTED: Final = (Segment(outcomes.ACCEPTED),)

_ANSWERED: Final[Callable[["Tried"], Row]] = attrgetter(
    "position",
    "bind",
    "state",
    "carrier_message_id",
    "carrier_key",
    "status_code",
    "reason",
    "throttled",
    "answered_at",
)
_LEARNED: Final[Callable[["Tried"], Row]] = attrgetter("position", "carrier_key")
_REPORTED: Final[Callable[["Tried"], Row]] = attrgetter(
    "position", "state", "reason", "receipt_state", "receipt_error", "receipts", "resolved_at"
)
_COUNTED: Final[Callable[["Tried"], Row]] = attrgetter("position", "receipts")
_MOVED: Final[Callable[["Course"], Row]] = attrgetter(
    "id",
    "state",
    "held_micros",
    "charged_micros",
    "carrier_id",
    "candidates",
    "updated_at",
    "sent_at",
    "final_at",
    "reason",
    "flags",
    "seq",
)

_encode = msgspec.json.Encoder().encode
_decode_options = msgspec.json.Decoder(Options).decode


class Tried(msgspec.Struct, gc=False):
    """A working copy of an attempt."""

    position: int
    message_id: str
    part: int
    parts: int
    carrier_id: str
    state: str
    carrier_key: str | None
    reason: str | None
    tail_hash: int
    committed_at: int
    receipt_state: str | None
    receipts: int
    # written only
    bind: str = ""
    carrier_message_id: str | None = None
    status_code: int | None = None
    throttled: int = 0
    answered_at: int | None = None
    receipt_error: str | None = None
    resolved_at: int | None = None


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
    sent_at: int | None
    final_at: int | None
    reason: str | None
    flags: int
    seq: int
    options: str
    updated_at: int = 0
    tries: list[Tried] = []


_TRIED_COLUMNS: Final = Tried.__struct_fields__.index("bind")


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
    """See the head of the file. Order of use: `add`, `complete`, changes and `settle`, `flush`."""

    def __init__(self) -> None:
        self.tries: dict[int, Tried] = {}
        self._courses: dict[str, Course] = {}
        self._answered: dict[int, Tried] = {}
        self._learned: dict[int, Tried] = {}
        self._reported: dict[int, Tried] = {}
        self._counted: dict[int, Tried] = {}
        self._changed: dict[str, Course] = {}
        self._events: list[Row] = []
        self._charges: list[Entry] = []
        self._releases: list[Entry] = []
        self._queued: dict[str, Row] = {}
        self._unqueued: list[Row] = []
        self._deadlines: dict[str, int | None] = {}
        self.later: list[str] = []
        """Messages that are queued for the carrier that has just refused them, and are to be put off."""

    # load

    def add(self, rows: Iterable[Row]) -> list[Tried]:
        """Working copies of attempts and of their messages, one of each however often it is loaded."""
        added: list[Tried] = []
        for columns in rows:
            tried = self._add(columns[:_TRIED_COLUMNS])
            if tried.message_id not in self._courses:
                self._courses[tried.message_id] = Course(*columns[_TRIED_COLUMNS:])
            added.append(tried)
        return added

    def _add(self, columns: Row) -> Tried:
        known = self.tries.get(columns[0])
        if known is None:
            known = self.tries[columns[0]] = Tried(*columns)
        return known

    def complete(self) -> Script[None]:
        """All attempts of a message bear on it when it has several segments or was tried again after doubt; otherwise
        the one that is loaded says all. To be called once, after the last `add`."""
        tries, courses = self.tries, self._courses
        whole = {tried.message_id for tried in tries.values() if tried.parts > 1}
        whole |= {course.id for course in courses.values() if course.flags & Flag.DOUBT_RETRIED}
        if whole:
            for columns in (yield Query("attempts_of_messages", ([*whole], floor_of_messages(whole)))):
                self._add(columns)
        for position in sorted(tries):
            tried = tries[position]
            courses[tried.message_id].tries.append(tried)

    def course_of(self, tried: Tried) -> Course:
        """The message of an attempt."""
        return self._courses[tried.message_id]

    # change

    def answered(self, tried: Tried) -> None:
        """The attempt has its answer."""
        self._answered[tried.position] = tried

    def learned(self, tried: Tried) -> None:
        """The attempt's key became known from a receipt."""
        self._learned[tried.position] = tried

    def reported(self, tried: Tried) -> None:
        """The attempt's receipt says something new."""
        self._reported[tried.position] = tried

    def counted(self, tried: Tried) -> None:
        """The attempt got one more receipt."""
        self._counted[tried.position] = tried

    def tell(self, course: Course, kind: str, at: int, facts: Facts) -> None:
        """Append the message's next event."""
        course.seq += 1
        course.updated_at = at
        self._changed[course.id] = course
        callback = 1 if course.flags & Flag.CALLBACK else 0
        data = _encode(facts).decode()
        self._events.append((course.account_id, course.test, course.id, course.seq, kind, data, callback, at))

    def settle(self, course: Course, at: int, facts: Facts) -> bool:
        """Move the message and its money to where its attempts say; whether it moved."""
        segments = _segments(course.tries)
        if course.flags & Flag.ONE_RECEIPT:
            segments = outcomes.by_one_receipt(segments)
        straight = outcomes.straight(course.state, segments[0].standing) if len(segments) == 1 else None
        if straight is not None:
            wanted, steps = straight
            for state in steps:
                self._move(course, state, wanted, at, facts)
            has_moved = bool(steps)
        else:
            has_moved = self._settle_any(course, segments, at, facts)
        if course.held_micros:
            self._pay(course, segments, at)
        return has_moved

    def _settle_any(self, course: Course, segments: Sequence[Segment], at: int, facts: Facts) -> bool:
        wanted = outcomes.outcome(segments)
        has_moved = wanted is not None and self._follow(course, wanted, at, facts)
        if course.state == states.IN_DOUBT:
            self._retry(course, segments, at, facts)
        elif course.state == states.SENT and len(segments) > 1:
            self._await_parts(course, segments, at)
        return has_moved

    def _follow(self, course: Course, wanted: Outcome, at: int, facts: Facts) -> bool:
        candidates, waits = course.candidates, False
        if wanted.state == states.QUEUED:
            if wanted.elsewhere:
                left = outcomes.next_carriers(candidates, facts.carrier_id or "")
                waits = outcomes.asks_again(wanted, left)
                candidates = candidates if waits else left
            wanted = outcomes.sendable_again(wanted, state=course.state, candidates=candidates, events=course.seq)
        steps = outcomes.path(course.state, wanted, reason=course.reason, flags=course.flags)
        for state in steps:
            self._move(course, state, wanted, at, facts)
        if steps and wanted.state == states.QUEUED:
            self._enqueue(course, candidates)
            if waits:
                self.later.append(course.id)
        return bool(steps)

    def _move(self, course: Course, state: str, wanted: Outcome, at: int, facts: Facts) -> None:
        old, course.state = course.state, state
        if old == states.QUEUED:
            self._dequeue(course)
        if old == states.IN_DOUBT or (state in states.FINAL and course.flags & _HAS_DEADLINE):
            self._deadlines[course.id] = None
        if state == states.SENT:
            if course.flags & Flag.IN_DOUBT:  # its age says nothing any more of when a receipt is overdue
                self._deadlines[course.id] = max(course.expires_at, at) + _RECEIPT_US
            course.sent_at, course.carrier_id, course.reason = at, facts.carrier_id, None
            self.tell(course, _EVENTS[state], at, _sent(facts))
            return
        course.reason = wanted.reason if state != states.QUEUED else None
        is_correction = old in states.FINAL
        if state == states.IN_DOUBT:
            course.flags |= Flag.IN_DOUBT
            self._deadlines[course.id] = at + _DOUBT_US
        elif state in states.FINAL:
            course.final_at = at
            course.flags |= Flag.CORRECTED if is_correction else 0
        self.tell(course, _EVENTS[state], at, _with(facts, reason=wanted.reason, corrected=is_correction))

    def _enqueue(self, course: Course, candidates: str) -> None:
        course.candidates = candidates
        key = queue_key(candidates, course.priority, course.rank, course.id)
        self._queued[course.id] = (*key, course.expires_at)

    def _dequeue(self, course: Course) -> None:
        if self._queued.pop(course.id, None) is None:
            self._unqueued.append(queue_key(course.candidates, course.priority, course.rank, course.id))

    def _retry(self, course: Course, segments: Sequence[Segment], at: int, facts: Facts) -> None:
        """`retry_once`: the same text once more, by the next carrier where there is one."""
        if course.message_class != "otp" or not outcomes.may_retry(
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
        told = _with(facts, reason=course.reason, possible_duplicate=True)
        course.state, course.reason = states.QUEUED, None
        self.tell(course, _EVENTS[states.QUEUED], at, told)
        self._enqueue(course, outcomes.next_carriers(course.candidates, facts.carrier_id or "") or course.candidates)

    def _await_parts(self, course: Course, segments: Sequence[Segment], at: int) -> None:
        """Some carriers report one segment of a long message and never the others (trap T12): do not wait for days."""
        if course.flags & Flag.PART_DELIVERED or not any(s.standing == outcomes.DELIVERED for s in segments):
            return
        course.flags |= Flag.PART_DELIVERED
        self._changed[course.id] = course
        self._deadlines[course.id] = at + _PART_WAIT_US

    def _pay(self, course: Course, segments: Sequence[Segment], at: int) -> None:
        due = outcomes.owed(course.price_micros, segments) - course.charged_micros
        charge = min(max(due, 0), course.held_micros)
        release = course.held_micros - charge if course.state in states.FINAL else 0
        if not charge and not release:
            return
        course.held_micros -= charge + release
        course.charged_micros += charge
        course.updated_at = at
        self._changed[course.id] = course
        self._charges.append(Entry(course.account_id, course.id, charge, at))
        if release:
            self._releases.append(Entry(course.account_id, course.id, release, at))

    # write

    def flush(self) -> Script[None]:
        """Everything that changed, in a few statements."""
        counted = self._counted.keys() - self._reported.keys()
        for statement, rows in (
            ("attempt_answered", _with_lowest([*map(_ANSWERED, self._answered.values())])),
            ("attempt_learned", [*map(_LEARNED, self._learned.values())]),
            ("attempt_reported", _with_lowest([*map(_REPORTED, self._reported.values())])),
            ("attempt_counted", [_COUNTED(self.tries[position]) for position in counted]),
            ("course_moved", [*map(_MOVED, self._changed.values())]),
            ("queue_delete", self._unqueued),
            ("queue_insert", [*self._queued.values()]),
            ("deadline_set", [(id_, at) for id_, at in self._deadlines.items() if at is not None]),
            ("deadline_delete", [(id_,) for id_, at in self._deadlines.items() if at is None]),
            ("event_insert", self._events),
        ):
            if rows:
                yield Many(statement, rows)
        yield from unseal([c.id for c in self._changed.values() if c.flags & Flag.SEALED and c.state in states.FINAL])
        yield from ledger.charge(self._charges)
        yield from ledger.release(self._releases)


def _with_lowest(rows: Sequence[Row]) -> Sequence[Row]:
    """Rows that begin with a position, each with the lowest of all."""
    lowest = min((row[0] for row in rows), default=0)
    return [(*row, lowest) for row in rows]


def _segments(tries: Sequence[Tried]) -> Sequence[Segment]:
    """How each segment stands, in the order of the parts."""
    if len(tries) == 1:
        (tried,) = tries
        if tried.state == outcomes.ACCEPTED:
            return _ACCEPTED
        return [_segment(tried)]
    cuts: dict[int, dict[int, list[Segment]]] = {}  # by the number of parts, and by part
    for tried in tries:
        cuts.setdefault(tried.parts, {}).setdefault(tried.part, []).append(_segment(tried))
    newest = cuts.pop(tries[-1].parts)
    spoken = [[outcomes.speaker(cut[part]) for part in sorted(cut)] for cut in (*cuts.values(), newest)]
    return outcomes.spokesman(spoken) if cuts else spoken[0]


def _segment(tried: Tried) -> Segment:
    return Segment(outcomes.standing(tried.state, tried.reason, tried.receipt_state), tried.reason)


def _sent(facts: Facts) -> Facts:
    """What `sent` tells: who has it."""
    is_bare = facts.stat is None and facts.part is None and facts.reason is None and facts.status_code is None
    return facts if is_bare else Facts(carrier_id=facts.carrier_id)


def _with(facts: Facts, *, reason: str | None, possible_duplicate: bool = False, corrected: bool = False) -> Facts:
    """The facts as a move tells them; the same ones where nothing differs."""
    if reason == facts.reason and not possible_duplicate and not corrected:
        return facts
    return msgspec.structs.replace(facts, reason=reason, possible_duplicate=possible_duplicate, corrected=corrected)
