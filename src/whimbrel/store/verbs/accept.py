"""accept: everything that an acknowledged message leaves behind, in one commit: its key, the hold on the balance, its
row, its place in the queue or the schedule (or, where it is claimed at once, its attempts), its first events, and what
the caller wants written with it. A claim for a carrier that another node has by now is none: the message is queued.
"""

from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter

import msgspec

from whimbrel.domain.links import Link
from whimbrel.domain.model import Flag, Message
from whimbrel.domain.states import QUEUED, SENDING, event_type
from whimbrel.store.interface import Basis, Claim, Idempotency, Stored, Submission, Verdict
from whimbrel.store.script import Each, Many, One, Query, Row, Rows, Script
from whimbrel.store.verbs import frequency, media
from whimbrel.store.verbs.claim import attempt_numbers, attempt_rows
from whimbrel.store.verbs.configuration import has_changed
from whimbrel.store.verbs.events import NO_DATA, carrier_data
from whimbrel.store.verbs.leases import lost
from whimbrel.store.verbs.ledger import Entry, hold
from whimbrel.store.verbs.queue import queue_key

_KEY_TAKEN = Stored(key_taken=True)
_STALE = Stored(stale=True)
_OVERTAKEN = Stored(overtaken=True)
_STORED = Stored()
_UNCOVERED = Verdict(code="insufficient_balance")
_LOST_MEDIA = Verdict(code="media_not_found", pointer="/media")
_FIRST_SEQ = 1
_CLAIMED_SEQ = 2
_STATE, _HELD, _CARRIER, _SEQ = map(Message.__struct_fields__.index, ("state", "held_micros", "carrier_id", "seq"))

_ONLY = attrgetter("only")
_LINKS = attrgetter("links")
_NONE: frozenset[int] = frozenset()
_NOBODY: frozenset[str] = frozenset()

_encode = msgspec.json.Encoder().encode
_as_row = msgspec.structs.astuple


def accept(submissions: Sequence[Submission], basis: Basis | None = None) -> Script[list[Stored]]:
    """Store what is free and covered; gives what became of each submission, in order. `basis`: what they were planned
    with."""
    if basis is not None and (yield from has_changed(basis, _numbers(submissions))):
        return [_STALE] * len(submissions)
    links = [link for each in submissions for link in each.links] if any(map(_LINKS, submissions)) else []
    if links and (yield from _has_taken(links)):
        return [_STALE] * len(submissions)
    counted = [each for submission in submissions for each in submission.counted]
    uses = [use for each in submissions for use in each.media] if links else []
    people = (yield from frequency.unchanged(counted)) if counted else {}
    if people is None:
        return [_STALE] * len(submissions)
    free = yield from _take_keys(submissions)
    overtaken = (yield from _overtaken(submissions, free)) if any(map(_ONLY, submissions)) else _NONE
    lost_media = (yield from media.hold(uses)) if uses else _NOBODY
    uncovered = yield from hold(
        [
            Entry(message.account_id, message.id, price_to_hold(message), message.created_at)
            for submission, is_free in zip(submissions, free, strict=True)
            if is_free
            for message in submission.messages
            if message.id not in lost_media
        ]
    )
    if lost_media:
        uncovered |= lost_media
    results: list[Stored] = []
    messages: list[Message] = []
    claims: dict[str, Claim] = {}
    also: dict[str, list[Row]] = defaultdict(list)
    for submission, is_free in zip(submissions, free, strict=True):
        if not is_free:
            results.append(_OVERTAKEN if len(results) in overtaken else _KEY_TAKEN)
            continue
        kept, result = (
            (yield from _without(submission, uncovered, lost_media)) if uncovered else (submission.messages, _STORED)
        )
        results.append(result)
        messages.extend(kept)
        claims.update((claim.message_id, claim) for claim in submission.claims if claim.message_id not in uncovered)
        if kept or not submission.messages:
            for write in submission.also:
                also[write.statement].extend(write.rows)
    told = {id_: data for submission in submissions for id_, data in submission.told.items()}
    attempts = yield from _insert(messages, (yield from _held(claims)) if claims else claims, told)
    if counted:
        stored = {message.id for message in messages}
        yield from frequency.count(people, [each for each in counted if each.message_id in stored])
    if links:
        yield from _insert_links(links, messages)
        yield from media.insert_uses(uses, {message.id for message in messages})
    for statement, rows in also.items():
        yield Many(statement, rows)
    return [_with_attempts(*pair, attempts) for pair in zip(submissions, results, strict=True)] if attempts else results


def _has_taken(links: Sequence[Link]) -> Script[bool]:
    """Whether one of the codes, which are drawn by chance, is another link's: then they are drawn anew."""
    taken: Rows = yield Query("links_codes_taken", ([link.code for link in links],))
    return bool(taken)


def _insert_links(links: Sequence[Link], messages: Sequence[Message]) -> Script[None]:
    stored = {message.id for message in messages}
    rows = [_as_row(link) for link in links if link.message_id in stored]
    if rows:
        yield Many("link_insert", rows)


def _numbers(submissions: Sequence[Submission]) -> list[tuple[str, int]]:
    return [(message.account_id, message.recipient_hash) for each in submissions for message in each.messages]


def _with_attempts(submission: Submission, result: Stored, attempts: dict[str, tuple[int, ...]]) -> Stored:
    if not submission.claims or result.key_taken or result.overtaken:
        return result
    made = {c.message_id: attempts[c.message_id] for c in submission.claims if c.message_id in attempts}
    return msgspec.structs.replace(result, attempts=made)


def price_to_hold(message: Message) -> int:
    """Test traffic touches no ledger."""
    return 0 if message.test else message.price_micros


def _take_keys(submissions: Sequence[Submission]) -> Script[list[bool]]:
    """Whether each submission may go ahead: it has no key, or its key was free. Of two with one key the first wins."""
    wanted = [_idempotency_row(s.idempotency) for s in submissions if s.idempotency is not None]
    if not wanted:
        return [True] * len(submissions)
    rows: Rows = yield Each("idempotency_take", wanted)
    won = set(rows)
    free: list[bool] = []
    for submission in submissions:
        if submission.idempotency is None:
            free.append(True)
            continue
        key = _idempotency_key(submission.idempotency)
        free.append(key in won)
        won.discard(key)
    return free


def _overtaken(submissions: Sequence[Submission], free: list[bool]) -> Script[frozenset[int]]:
    """Places of those whose conditions do not hold any more; they are not free then."""
    places: set[int] = set()
    for place, submission in enumerate(submissions):
        if free[place] and not (yield from _holds(submission)):
            places.add(place)
            free[place] = False
            if submission.idempotency is not None:
                yield Many("idempotency_drop", [_idempotency_key(submission.idempotency)])
    return frozenset(places)


def _holds(submission: Submission) -> Script[bool]:
    """The conditions of one are written in their order, up to the first that changes nothing: what others wait for
    stands first."""
    for write in submission.only:
        for params in write.rows:
            changed: int = yield One(write.statement, params)
            if not changed:
                return False
    return True


def _idempotency_key(row: Idempotency) -> Row:
    return (row.account_id, row.door, row.key, row.chunk)


def _idempotency_row(row: Idempotency) -> Row:
    return (*_idempotency_key(row), row.fingerprint, row.chunks, _encode(row.verdicts), row.created_at)


def _without(
    submission: Submission, uncovered: frozenset[str], lost_media: frozenset[str]
) -> Script[tuple[tuple[Message, ...], Stored]]:
    """The messages that stay and the result. The kept verdicts say what the balance did not cover, and whose media had
    just been deleted (`lost_media`, which are among the uncovered); a request of which nothing was stored was refused,
    and a refusal keeps no key (unless it is one chunk of several)."""
    gone = tuple(message.id for message in submission.messages if message.id in uncovered)
    if not gone:
        return submission.messages, _STORED
    kept = tuple(message for message in submission.messages if message.id not in uncovered)
    row = submission.idempotency
    if row is not None and not kept and row.chunks == 1:
        yield Many("idempotency_drop", [_idempotency_key(row)])
    elif row is not None:
        told = {id_: _LOST_MEDIA if id_ in lost_media else _UNCOVERED for id_ in gone}
        verdicts = [told.get(verdict.id or "", verdict) for verdict in row.verdicts]
        yield Many("idempotency_verdicts", [(*_idempotency_key(row), _encode(verdicts))])
    return kept, Stored(uncovered=gone, lost_media=tuple(id_ for id_ in gone if id_ in lost_media))


def _insert(
    messages: Sequence[Message], claims: dict[str, Claim], told: dict[str, str]
) -> Script[dict[str, tuple[int, ...]]]:
    """Gives the numbers of the attempts by message. `told`: what the first events of some of them tell."""
    if not messages:
        return {}
    yield Many("message_insert", [_message_row(message, claims.get(message.id)) for message in messages])
    queued = [m for m in messages if m.state == QUEUED and m.id not in claims]
    scheduled = [m for m in messages if m.state != QUEUED]
    attempts = (yield from _insert_attempts(messages, claims)) if claims else {}
    if queued:
        yield Many("queue_insert", [(*queue_key(m.candidates, m.priority, m.rank, m.id), m.expires_at) for m in queued])
    if scheduled:
        yield Many("schedule_insert", [(m.due_at, m.id) for m in scheduled])
    yield Many("event_insert", _first_events(messages, claims, told))
    return attempts


def _held(claims: dict[str, Claim]) -> Script[dict[str, Claim]]:
    elsewhere = yield from lost(claims.values())
    return {id_: claim for id_, claim in claims.items() if claim.carrier_id not in elsewhere} if elsewhere else claims


def _insert_attempts(messages: Sequence[Message], claims: dict[str, Claim]) -> Script[dict[str, tuple[int, ...]]]:
    numbers = yield from attempt_numbers(list(claims.values()))
    owners = {message.id: message.account_id for message in messages}
    rows = [row for c in claims.values() for row in attempt_rows(c, owners[c.message_id], numbers[c.message_id])]
    yield Many("attempt_insert", rows)
    return numbers


def _message_row(message: Message, claim: Claim | None) -> Row:
    """The row as it is stored: what is held, the newest event's number and what a claim changes are decided here."""
    row = list(_as_row(message))
    row[_HELD] = price_to_hold(message)
    row[_SEQ] = _FIRST_SEQ
    if claim is not None:
        row[_STATE], row[_CARRIER], row[_SEQ] = SENDING, claim.carrier_id, _CLAIMED_SEQ
    return tuple(row)


def _first_events(messages: Sequence[Message], claims: dict[str, Claim], told: dict[str, str]) -> list[Row]:
    events: list[Row] = []
    for m in messages:
        callback = 1 if m.flags & Flag.CALLBACK else 0
        kind = event_type(m.state)
        data = told.get(m.id, NO_DATA) if told else NO_DATA
        events.append((m.account_id, m.test, m.id, _FIRST_SEQ, kind, data, callback, m.created_at))
        claim = claims.get(m.id)
        if claim is not None:
            data = carrier_data(claim.carrier_id)
            kind = event_type(SENDING)
            events.append((m.account_id, m.test, m.id, _CLAIMED_SEQ, kind, data, callback, claim.at))
    return events
