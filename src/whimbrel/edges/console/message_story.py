"""What happened to a message, step by step, each with its evidence: made of its events, its attempts at carriers and
what webhooks were told. Pure. As of an earlier moment it is what was known then, and no more.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from whimbrel.domain.callbacks import EventBody, Reason
from whimbrel.manage.deliveries import MessageDeliveries, MessageTry, MessageWait

Kind = Literal["accepted", "received", "screened", "routed", "attempt", "event"]
Tone = Literal["", "good", "warn", "bad"]

_TONES: Final[Mapping[str, Tone]] = {
    "delivered": "good", "received": "good", "undelivered": "bad", "failed": "bad", "rejected": "bad",
    "expired": "warn", "in_doubt": "warn", "unknown": "warn", "canceled": "warn",
}  # fmt: skip
_MESSAGE: Final = "message."
_SHOWN_BY_ATTEMPTS: Final = "sending"
_MOVE_NOTHING: Final = ("message.receipt", "message.redacted")
_NO_TELLING: Final = MessageDeliveries((), ())


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. `word`: the event's type without its family; `facts`: what the event says of itself."""

    at: str
    kind: Kind
    word: str = ""
    tone: Tone = ""
    seq: int = 0
    event_id: str = ""
    facts: Mapping[str, Any] = {}
    reason: Reason | None = None
    attempt: Any = None
    tries: Sequence[MessageTry] = ()
    waits: Sequence[MessageWait] = ()


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """The steps, and how the message stood after the last of them. `hidden`: how many came later than was asked for;
    `digest` changes whenever something is added."""

    steps: tuple[Step, ...]
    status: str
    carrier_id: str | None
    sent_at: str | None
    final_at: str | None
    reason: Reason | None
    hidden: int
    digest: str


def story(message: Any, timeline: Any, told: MessageDeliveries | None, *, at: str = "") -> Story:
    """Of the message as the API tells it; `at`: a moment of the API, or empty for now."""
    deliveries = told or _NO_TELLING
    steps = sorted(_steps(message, timeline, deliveries), key=lambda step: step.at)
    known = [_as_of(step, at) for step in steps if not at or step.at <= at]
    moves = [event for event in timeline.data if not at or event.created_at <= at]
    last = next((event for event in reversed(moves) if _moves(event.type)), None)
    is_now = not at or (len(known) == len(steps) and len(moves) == len(timeline.data))
    tried = [step.attempt.carrier_id for step in known if step.attempt is not None]
    return Story(
        steps=tuple(known),
        status=message.status if is_now or last is None else last.type.removeprefix(_MESSAGE),
        carrier_id=message.carrier_id if is_now or message.direction == "in" else tried[-1] if tried else None,
        sent_at=_until(message.sent_at, at),
        final_at=_until(message.final_at, at),
        reason=message.reason if is_now or last is None else getattr(last.data, "reason", None),
        hidden=len(steps) - len(known),
        digest=_digest(timeline, deliveries),
    )


def _moves(event_type: str) -> bool:
    """Whether it says how the message stands."""
    return event_type.startswith(_MESSAGE) and event_type not in _MOVE_NOTHING


def _steps(message: Any, timeline: Any, told: MessageDeliveries) -> Iterator[Step]:
    tries: dict[str, list[MessageTry]] = defaultdict(list)
    waits: dict[str, list[MessageWait]] = defaultdict(list)
    for each in told.data:
        tries[each.event_id].append(each)
    for wait in told.waiting:
        waits[wait.event_id].append(wait)
    for event in timeline.data:
        word = event.type.removeprefix(_MESSAGE)
        if word == _SHOWN_BY_ATTEMPTS and timeline.attempts and not tries[event.id] and not waits[event.id]:
            continue
        kind: Kind = "event" if event.seq > 1 else "received" if message.direction == "in" else "accepted"
        yield _event(event, kind, word, tries[event.id], waits[event.id])
        if kind == "accepted":
            yield Step(at=event.created_at, kind="screened", tone="good")
            yield Step(at=event.created_at, kind="routed")
    for attempt in timeline.attempts:
        yield Step(at=attempt.committed_at, kind="attempt", word=attempt.state, tone=_tone_of(attempt), attempt=attempt)


def _event(event: EventBody, kind: Kind, word: str, tries: list[MessageTry], waits: list[MessageWait]) -> Step:
    detail = event.data if isinstance(event.data, msgspec.Raw) else getattr(event.data, "detail", msgspec.UNSET)
    facts: Mapping[str, Any] = {} if detail is msgspec.UNSET else msgspec.json.decode(detail)
    return Step(
        at=event.created_at,
        kind=kind,
        word=word,
        tone=_TONES.get(word, ""),
        seq=event.seq,
        event_id=event.id,
        facts=facts,
        reason=getattr(event.data, "reason", None),
        tries=tries,
        waits=waits,
    )


def _tone_of(attempt: Any) -> Tone:
    if attempt.state == "refused":
        return "bad"
    return "warn" if attempt.state == "in_doubt" else ""


def _as_of(step: Step, at: str) -> Step:
    """The step without what was learned of it later."""
    if not at:
        return step
    tries = [each for each in step.tries if each.at <= at]
    waits = step.waits if len(tries) == len(step.tries) else ()
    attempt = step.attempt
    if attempt is not None and attempt.resolved_at is not None and attempt.resolved_at > at:
        attempt = msgspec.structs.replace(
            attempt, state="accepted", receipt_state=None, receipt_error=None, receipts=0, resolved_at=None
        )
    if attempt is not None and attempt.answered_at is not None and attempt.answered_at > at:
        attempt = msgspec.structs.replace(
            attempt, state="on_wire", carrier_message_id=None, status_code=None, reason=None, answered_at=None,
        )  # fmt: skip
    return msgspec.structs.replace(step, tries=tries, waits=waits, attempt=attempt)


def _until(moment: str | None, at: str) -> str | None:
    return moment if moment and (not at or moment <= at) else None


def _digest(timeline: Any, told: MessageDeliveries) -> str:
    answered = sum(1 for each in timeline.attempts if each.answered_at)
    receipts = sum(each.receipts for each in timeline.attempts)
    seq = timeline.data[-1].seq if timeline.data else 0
    return f"{seq}.{len(timeline.attempts)}.{answered}.{receipts}.{len(told.data)}.{len(told.waiting)}"
