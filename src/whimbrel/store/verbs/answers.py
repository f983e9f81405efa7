"""record_answers: what carriers said to attempts, and what follows for their messages, in one commit. Then the receipts
that came before their answers are looked for in the same transaction. No receipt of the carrier is parked from before
the first statement until the commit (see `receipts.py`), so that the two can never miss each other.
"""

from collections import defaultdict
from collections.abc import Sequence

from whimbrel.domain import outcomes
from whimbrel.domain.receipts import carrier_keys
from whimbrel.store.interface import Answer
from whimbrel.store.script import Query, Rows, Script
from whimbrel.store.verbs.ordinary import take_ordinary
from whimbrel.store.verbs.progress import Facts, Progress, Tried
from whimbrel.store.verbs.receipts import apply_parked


def record_answers(answers: Sequence[Answer]) -> Script[list[str]]:
    """Each answer to its attempt, in order; a second answer to the same attempt changes nothing but what a late
    acceptance teaches (the carrier's id of an attempt in doubt). Ids of messages that are queued for the carrier which
    has just refused them, because it takes them at another time."""
    yield Query("parking_shared", ([*{answer.carrier_id for answer in answers}],))
    others = yield from take_ordinary(answers)
    later = (yield from _take(others)) if others else []
    yield from _look_for_parked(answers)
    return later


def _take(answers: Sequence[Answer]) -> Script[list[str]]:
    progress = Progress()
    progress.add((yield Query("attempts_by_positions", ([answer.attempt for answer in answers],))))
    yield from progress.complete()
    for answer in answers:
        tried = progress.tries.get(answer.attempt)
        if tried is not None:
            _apply(progress, tried, answer)
    yield from progress.flush()
    return progress.later


def _apply(progress: Progress, tried: Tried, answer: Answer) -> None:
    state = outcomes.answered(tried.state, answer.kind)
    if state is None:
        return
    tried.state = state
    tried.bind = answer.bind
    tried.status_code = answer.status_code
    tried.throttled = answer.throttled
    tried.answered_at = answer.at
    if answer.kind == "accepted":
        tried.carrier_message_id = answer.carrier_message_id
        tried.carrier_key = answer.carrier_key
    if state != "resolved":
        tried.reason = outcomes.answer_reason(answer.kind, answer.reason)
    progress.answered(tried)
    facts = Facts(
        carrier_id=tried.carrier_id,
        part=tried.part if tried.parts > 1 else None,
        reason=tried.reason,
        status_code=answer.status_code or None,
    )
    progress.settle(progress.course_of(tried), answer.at, facts)


def _look_for_parked(answers: Sequence[Answer]) -> Script[None]:
    """Parked receipts that these answers may explain: by id, or by tail where an attempt went into doubt or left it."""
    if not (yield Query("parked_any")):
        return
    keys: dict[str, set[str]] = defaultdict(set)
    tails: dict[str, set[int]] = defaultdict(set)
    for answer in answers:
        tails[answer.carrier_id].add(answer.tail_hash)
        if answer.carrier_key:
            keys[answer.carrier_id].update((answer.carrier_key, *carrier_keys((answer.carrier_key,))))
    parked: Rows = []
    for carrier_id, carrier_tails in tails.items():
        parked += yield Query("parked_for", (carrier_id, [*keys[carrier_id]], [*carrier_tails]))
    if parked:
        yield from apply_parked(parked)
