"""From what became of a message's segments to what becomes of the message: one function of all its attempts, whatever
the order in which answers and receipts came.

Theory of operation. An attempt has a *standing*: what is known of one try of one segment. A segment may have several
attempts (fail-over, a retry after doubt): its standing is that of its newest one, unless an older one that a carrier
has or may have says more. `outcome` reads the standings of all segments; `path` turns the outcome into moves that
`domain/states.py` allows from the present state, so a repeated or late word changes nothing. Money follows the same
standings (`owed`): a segment that a carrier took is paid once, however often it was tried.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from whimbrel.base.errors import CATALOGUE
from whimbrel.base.limits import EVENTS_BEFORE_GIVING_UP
from whimbrel.domain import states
from whimbrel.domain.model import Flag
from whimbrel.domain.receipts import FINAL_STATES
from whimbrel.domain.refusals import DAILY_CAP
from whimbrel.domain.turns import carrier_of

UNANSWERED: Final = "unanswered"
ACCEPTED: Final = "accepted"
DELIVERED: Final = states.DELIVERED
UNDELIVERED: Final = states.UNDELIVERED
EXPIRED: Final = states.EXPIRED  # the carrier's verdict, by receipt
IN_DOUBT: Final = states.IN_DOUBT
WITHDRAWN: Final = "withdrawn"
REFUSED_NOW: Final = "refused_now"
REFUSED: Final = "refused"
_NOES: Final = (REFUSED, REFUSED_NOW, WITHDRAWN)

_RANK: Final = {
    standing: rank
    for rank, standing in enumerate(
        (REFUSED, REFUSED_NOW, EXPIRED, UNDELIVERED, IN_DOUBT, WITHDRAWN, UNANSWERED, ACCEPTED, DELIVERED)
    )
}
"""Which of several attempts of one segment speaks for it: the highest. A later word counts for less than what a phone
or a carrier already has; a doubt counts for more than a refusal of the retry that it led to."""

_TAKEN: Final = frozenset({ACCEPTED, DELIVERED, UNDELIVERED, EXPIRED})
_ANSWERED: Final = {
    **{(state, "accepted"): "accepted" for state in ("committed", "on_wire", IN_DOUBT, "accepted")},
    **{(state, kind): "refused" for state in ("committed", "on_wire", IN_DOUBT) for kind in _NOES},
    **{(state, IN_DOUBT): IN_DOUBT for state in ("committed", "on_wire")},
    ("resolved", "accepted"): "resolved",
}
_SPEAKING: Final = frozenset({ACCEPTED, IN_DOUBT})
_LASTING: Final = _TAKEN | {IN_DOUBT}
_RETRYABLE: Final = frozenset({IN_DOUBT, REFUSED_NOW, WITHDRAWN})
_NOT_SENT: Final = "not_sent"
_EXPIRED_HERE: Final = "expired"


class Segment(msgspec.Struct, frozen=True, gc=False):
    """How one segment stands, and the reason when that is a refusal, a failure or a doubt. `was_taken`: a carrier has
    it by another attempt than the one that speaks for it, so it is paid all the same."""

    standing: str
    reason: str | None = None
    was_taken: bool = False


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What a message should become. `elsewhere`: queued for its next carrier, not again for the same one.
    `taken`: a carrier has every segment."""

    state: str
    reason: str | None = None
    elsewhere: bool = False
    taken: bool = False


_ALSO_DELIVERED: Final = Segment(DELIVERED)
_SENT: Final = Outcome(states.SENT, taken=True)
_ALL_DELIVERED: Final = Outcome(states.DELIVERED, taken=True)
_SIMPLE: Final = {ACCEPTED: _SENT, DELIVERED: _ALL_DELIVERED}


def standing(state: str, reason: str | None, receipt_state: str | None) -> str:
    """The standing of one attempt by its columns."""
    if receipt_state in FINAL_STATES:
        return receipt_state
    if state in _SPEAKING:
        return state
    if state != "refused":
        return UNANSWERED
    if reason == _NOT_SENT:
        return WITHDRAWN
    return REFUSED_NOW if is_temporary(reason) else REFUSED


def is_temporary(reason: str | None) -> bool:
    """Whether a refusal with this reason lets the next carrier try."""
    spec = CATALOGUE.get(reason or "")
    return spec is not None and not spec.permanent


def answered(state: str, kind: str) -> str | None:
    """The state of an attempt after an answer of this kind; None when the answer changes nothing.

    The first answer counts. A late one ends a doubt; a late acceptance of what a receipt has told already still
    teaches the carrier's id.
    """
    return _ANSWERED.get((state, kind))


def answer_reason(kind: str, reason: str | None) -> str | None:
    """The reason to keep with an attempt, such that `standing` reads from it what the kind was."""
    if kind == "refused":
        return reason if reason and not is_temporary(reason) else "carrier_rejected"
    if kind == "refused_now":
        return reason if is_temporary(reason) and reason != _NOT_SENT else "carrier_unavailable"
    if kind == "withdrawn":
        return _NOT_SENT
    return reason or "link_lost" if kind == IN_DOUBT else None


def speaker(tries: Sequence[Segment]) -> Segment:
    """Which of the attempts of one segment, oldest first, speaks for it."""
    newest = tries[-1]
    if len(tries) == 1:
        return newest
    lasting = [segment for segment in tries[:-1] if segment.standing in _LASTING]
    found = max((newest, *lasting), key=lambda segment: _RANK[segment.standing])
    if found.standing not in _TAKEN and any(segment.standing in _TAKEN for segment in lasting):
        return Segment(found.standing, found.reason, was_taken=True)
    return found


def spokesman(cuts: Sequence[Sequence[Segment]]) -> Sequence[Segment]:
    """Which of the cuts of one message, the newest last, speaks for it: carriers differ in how many parts they are
    given. An older one only where a carrier has or may have of it, and more surely than of the newest."""
    newest = cuts[-1]
    lasting = [cut for cut in cuts[:-1] if any(segment.standing in _LASTING for segment in cut)]
    return max((newest, *lasting), key=lambda cut: min(_RANK[segment.standing] for segment in cut))


def by_one_receipt(segments: Sequence[Segment]) -> Sequence[Segment]:
    """The segments of a message whose carrier was asked for one receipt (trap T12): what it says of the part that was
    asked about is said of all that the carrier has."""
    if not any(segment.standing == DELIVERED for segment in segments):
        return segments
    return [_ALSO_DELIVERED if segment.standing == ACCEPTED else segment for segment in segments]


def outcome(segments: Sequence[Segment]) -> Outcome | None:
    """What the message should become by the standings of all its segments; None while nothing can be said.

    Nothing but a doubt is told before the last segment has its answer.
    """
    if len(segments) == 1 and segments[0].standing in _SIMPLE:
        return _SIMPLE[segments[0].standing]
    standings = {segment.standing for segment in segments}
    if UNANSWERED in standings:
        return _doubt(segments) if IN_DOUBT in standings else None
    return _answered(segments, standings)


def _answered(segments: Sequence[Segment], standings: set[str]) -> Outcome:
    """The same when every segment has its answer."""
    everywhere = standings <= _TAKEN
    if UNDELIVERED in standings or EXPIRED in standings:
        return _failed_receipt(segments, everywhere)
    if IN_DOUBT in standings:
        return _doubt(segments)
    if everywhere:
        return _ALL_DELIVERED if standings == {DELIVERED} else _SENT
    return _cut_short(segments) if standings & _TAKEN else _not_taken(segments)


def _first(segments: Iterable[Segment], *wanted: str) -> Segment | None:
    return next((segment for segment in segments if segment.standing in wanted), None)


def _doubt(segments: Sequence[Segment]) -> Outcome:
    found = _first(segments, IN_DOUBT)
    return Outcome(states.IN_DOUBT, found.reason if found else None)


def _failed_receipt(segments: Sequence[Segment], everywhere: bool) -> Outcome:
    failed = _first(segments, UNDELIVERED)
    if failed is not None:
        return Outcome(states.UNDELIVERED, failed.reason or "undelivered", taken=everywhere)
    ran_out = _first(segments, EXPIRED)
    return Outcome(states.EXPIRED, (ran_out and ran_out.reason) or "expired_at_carrier", taken=everywhere)


def _cut_short(segments: Sequence[Segment]) -> Outcome:
    """Some segments were taken and others never will be: the phone cannot show the whole text."""
    missing = _first(segments, REFUSED) or _first(segments, REFUSED_NOW, WITHDRAWN)
    reason = missing.reason if missing and missing.standing != WITHDRAWN else None
    return Outcome(states.UNDELIVERED, reason or "carrier_unavailable")


def _not_taken(segments: Sequence[Segment]) -> Outcome:
    refused = _first(segments, REFUSED)
    if refused is not None:
        expired = refused.reason == _EXPIRED_HERE
        return Outcome(states.EXPIRED if expired else states.FAILED, refused.reason or "carrier_rejected")
    for_now = [segment.reason for segment in segments if segment.standing == REFUSED_NOW]
    if for_now:
        return Outcome(states.QUEUED, DAILY_CAP if DAILY_CAP in for_now else for_now[0], elsewhere=True)
    return Outcome(states.QUEUED, _NOT_SENT)


def may_retry(
    segments: Sequence[Segment], *, message_class: str, on_doubt: str, flags: int, expires_at: int, at: int
) -> bool:
    """Whether a message in doubt is sent once more (DESIGN: classes): only a code whose sender asked for it, once,
    within its validity, and only as a whole: not while a carrier has one of its segments or has still to answer."""
    return (
        message_class == "otp"
        and on_doubt == "retry_once"
        and not flags & Flag.DOUBT_RETRIED
        and at < expires_at
        and all(segment.standing in _RETRYABLE for segment in segments)
    )


def path(state: str, wanted: Outcome, *, reason: str | None, flags: int) -> tuple[str, ...]:
    """The states to move through, in order; empty when nothing changes.

    A final verdict about segments that a carrier has goes through `sent`, so that every message tells both. A message
    that waits for its retry leaves the queue only for what was taken after all: its retry may still succeed.
    """
    target = wanted.state
    if state == target:
        return ()
    if state in states.FINAL:
        corrected = bool(flags & Flag.CORRECTED)
        return (target,) if states.may_correct(state, target, reason=reason, corrected=corrected) else ()
    if state == states.QUEUED and target not in (states.SENT, states.DELIVERED):
        return ()
    if wanted.taken and target != states.SENT and state != states.SENT:
        return (states.SENT, target) if states.may_move(state, states.SENT) else ()
    return (target,) if states.may_move(state, target) else ()


def sendable_again(wanted: Outcome, *, state: str, candidates: str, events: int) -> Outcome:
    """What becomes of a message that should be queued again: nothing is sent after a doubt was told (its late answer
    ends it), nor when no carrier is left. Only going to the queue and back can fill a timeline, so a message that did
    it thousands of times ends: no event number is ever too large for an id."""
    if candidates and state != states.IN_DOUBT and events < EVENTS_BEFORE_GIVING_UP:
        return wanted
    reason = wanted.reason if wanted.reason != _NOT_SENT else None
    return Outcome(states.FAILED, reason or "carrier_unavailable")


_STRAIGHT: Final = {
    (state, standing): (wanted, path(state, wanted, reason=None, flags=0))
    for state in (states.SENDING, states.SENT)
    for standing, wanted in _SIMPLE.items()
}


def straight(state: str, standing: str) -> tuple[Outcome, tuple[str, ...]] | None:
    """`outcome` and `path` of nearly every message: one segment, taken or delivered, in its ordinary place. None for
    all others. Remembered, because each message asks twice."""
    return _STRAIGHT.get((state, standing))


def asks_again(wanted: Outcome, candidates: str) -> bool:
    """Whether a message that should be queued again waits for the carrier that it was with, none being left beside."""
    return wanted.elsewhere and not candidates and wanted.reason == DAILY_CAP


def next_carriers(candidates: str, carrier_id: str) -> str:
    """The candidates after the carrier that was tried; empty when there is none."""
    lanes = candidates.split()
    carriers = [carrier_of(lane) for lane in lanes]
    if carrier_id in carriers:
        lanes = lanes[carriers.index(carrier_id) + 1 :]
    return " ".join(lanes)


def share(price_micros: int, part: int, parts: int) -> int:
    """What one of `parts` segments costs; the last one bears the remainder."""
    each, remainder = divmod(price_micros, parts)
    return each + remainder if part == parts else each


def owed(price_micros: int, segments: Sequence[Segment]) -> int:
    """What the segments that a carrier took cost together; `segments` stand in the order of their parts."""
    parts = len(segments)
    return sum(
        share(price_micros, part, parts)
        for part, segment in enumerate(segments, start=1)
        if segment.standing in _TAKEN or segment.was_taken
    )


def at_deadline(state: str, flags: int, reason: str | None) -> tuple[str, str | None]:
    """State and reason of a message, `in_doubt` or `sent`, whose deadline has passed.

    Carriers that report only some of the parts of a long message (trap T12) leave it `sent`: what they did report
    counts then.
    """
    if state == states.IN_DOUBT:
        return states.UNKNOWN, reason or "no_receipt"
    if flags & Flag.PART_DELIVERED:
        return states.DELIVERED, None
    return states.UNKNOWN, "no_receipt"
