"""/v1/messages and /v1/inbound: what was sent and what came in. Sending itself is in `sending.py`."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits, moments
from whimbrel.domain.callbacks import EventBody, MessageView, Reason, message_view, reason_of
from whimbrel.domain.model import Attempt, Event, Message
from whimbrel.domain.positions import floor_of_messages
from whimbrel.edges.rest.drafts import draft
from whimbrel.edges.rest.events import EventObject, views
from whimbrel.edges.rest.evidence import Accepted, accepted
from whimbrel.edges.rest.sending import SCOPE, refusal
from whimbrel.edges.rest.shapes import BatchView, NewBatch, NewMessage
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.journey.explain import Explanation
from whimbrel.manage import deliveries
from whimbrel.manage.deliveries import MessageDeliveries
from whimbrel.products.media.keeping import Whose
from whimbrel.store.interface import Verdict

_TAG = "messages"
SEND_ERRORS = (
    "recipient_missing", "invalid_number", "text_missing", "text_too_long", "too_many_parts", "invalid_text",
    "invalid_sender", "sender_not_allowed", "no_sender", "sender_not_approved", "sender_unregistered",
    "sender_forbidden", "notice_missing", "invalid_class", "invalid_schedule", "invalid_validity",
    "invalid_callback_url", "metadata_too_large", "opted_out", "quiet_hours", "frequency_cap", "no_route", "no_price",
    "price_over_max", "insufficient_balance",
)  # fmt: skip
_EXAMPLE = {"to": "+14155550123", "text": "Your code is 123456.", "class": "otp"}


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One try of one segment at one carrier, with its receipt."""

    part: int
    parts: int
    carrier_id: str
    carrier: str | None
    bind: str
    state: Literal["committed", "on_wire", "accepted", "refused", "in_doubt", "resolved"]
    carrier_message_id: str | None
    status_code: int | None
    reason: Reason | None
    throttled: Annotated[int, Meta(description="How often the carrier asked to wait before it took it.")]
    committed_at: str
    answered_at: str | None
    receipt_state: str | None
    receipt_error: str | None
    receipts: int
    resolved_at: str | None


class Timeline(msgspec.Struct, frozen=True):
    """Everything that happened to a message: its events in order, and the tries at carriers with their receipts."""

    data: tuple[EventBody, ...]
    attempts: tuple[AttemptView, ...]
    accepted: Accepted


class TimelineObject(msgspec.Struct, frozen=True):
    """The same as the document describes it."""

    data: tuple[EventObject, ...]
    attempts: tuple[AttemptView, ...]
    accepted: Accepted


class Attempts(msgspec.Struct, frozen=True):
    """The tries of a message at carriers."""

    data: tuple[AttemptView, ...]


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    message = await services.cancel.find(call.account_id, call.test, call.path["id"])
    return Answer(message_view(message))


async def timeline(services: Services, call: Call[NoQuery, None]) -> Answer:
    message = await services.cancel.find(call.account_id, call.test, call.path["id"])
    shown = await views(services.store, await _events(services, message))
    return Answer(Timeline(shown, await _attempts(services, message), await accepted(services, message)))


async def attempts(services: Services, call: Call[NoQuery, None]) -> Answer:
    message = await services.cancel.find(call.account_id, call.test, call.path["id"])
    return Answer(Attempts(await _attempts(services, message)))


async def told(services: Services, call: Call[NoQuery, None]) -> Answer:
    message = await services.cancel.find(call.account_id, call.test, call.path["id"])
    events = await _events(services, message)
    return Answer(await deliveries.of_events(services.manage, events, account_id=message.account_id))


async def cancel(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(message_view(await services.cancel.cancel(call.account_id, call.test, call.path["id"])))


async def redact(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(message_view(await services.cancel.redact(call.account_id, call.test, call.path["id"])))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await services.cancel.delete(call.account_id, call.test, call.path["id"])
    return Answer()


async def explain(services: Services, call: Call[NoQuery, NewMessage]) -> Answer:
    reach, tlv_names = services.manage.reach, services.tables.tlv_names
    made = draft(call.body, call.account_id, call.test, "rest", reach=reach, tlv_names=tlv_names)
    if isinstance(made, Verdict):
        raise refusal(made)
    if made.options.media:
        await services.media.check(Whose(call.account_id, call.test, call.actor), made.options.media)
    told = await services.accept.explain(made)
    return Answer(told)


async def _events(services: Services, message: Message) -> list[Event]:
    account_id = message.account_id
    return await services.store.report(account_id, Event, "events_of_subject", account_id, message.id)


async def _attempts(services: Services, message: Message) -> tuple[AttemptView, ...]:
    floor = floor_of_messages([message.id])
    rows = await services.store.report(message.account_id, Attempt, "attempts_of_message", message.id, floor)
    carriers = services.tables.carriers
    return tuple(_attempt_view(row, carriers) for row in rows)


def _attempt_view(row: Attempt, carriers: Any) -> AttemptView:
    carrier = carriers.get(row.carrier_id)
    return AttemptView(
        part=row.part,
        parts=row.parts,
        carrier_id=row.carrier_id,
        carrier=carrier.name if carrier else None,
        bind=row.bind,
        state=row.state,
        carrier_message_id=row.carrier_message_id,
        status_code=row.status_code,
        reason=reason_of(row.reason),
        throttled=row.throttled,
        committed_at=moments.to_text(row.committed_at),
        answered_at=moments.to_text_or_none(row.answered_at),
        receipt_state=row.receipt_state,
        receipt_error=row.receipt_error,
        receipts=row.receipts,
        resolved_at=moments.to_text_or_none(row.resolved_at),
    )


OPERATIONS = (
    Operation(
        method="POST", path="/v1/messages", name="sendMessage", tag=_TAG, summary="Send a text",
        description="202 when it is stored; nothing acknowledged is lost. A refusal means that nothing was stored.",
        scope=SCOPE, body=NewMessage, answer=MessageView, status=202, idempotent=True, errors=SEND_ERRORS,
        example=_EXAMPLE,
    ),
    Operation(
        method="POST", path="/v1/messages/batch", name="sendBatch", tag=_TAG, summary="Send up to 10,000 texts",
        description="Each gets a verdict of its own, in order: its id, or why it was refused.",
        scope=SCOPE, body=NewBatch, body_max=limits.BATCH_BODY_MAX, answer=BatchView, status=202, idempotent=True,
        errors=("batch_empty", "batch_too_large"),
        example={"messages": [{"to": "+14155550123"}, {"to": "+14155550124"}], "defaults": {"text": "Open at nine."}},
    ),
    Operation(
        method="POST", path="/v1/messages/explain", name="explainMessage", tag=_TAG,
        summary="What would become of a text",
        description="A dry run: the verdict of every step of accept with its evidence; nothing is stored or sent.",
        scope=SCOPE, handle=explain, body=NewMessage, answer=Explanation, example=_EXAMPLE,
    ),
    Operation(
        method="GET", path="/v1/messages/{id}", name="getMessage", tag=_TAG, summary="Read a message",
        scope="messages:read", handle=get, answer=MessageView,
    ),
    Operation(
        method="GET", path="/v1/messages/{id}/events", name="getTimeline", tag=_TAG,
        summary="Everything that happened to a message",
        scope="messages:read", handle=timeline, answer=TimelineObject,
    ),
    Operation(
        method="GET", path="/v1/messages/{id}/attempts", name="getAttempts", tag=_TAG,
        summary="The tries of a message at carriers",
        scope="messages:read", handle=attempts, answer=Attempts,
    ),
    Operation(
        method="GET", path="/v1/messages/{id}/deliveries", name="listMessageDeliveries", tag=_TAG,
        summary="What webhooks were told about a message",
        description="Each POST with its answer, and what waits for another one or was given up.",
        scope="webhooks:read", handle=told, answer=MessageDeliveries,
    ),
    Operation(
        method="POST", path="/v1/messages/{id}/cancel", name="cancelMessage", tag=_TAG, summary="Take a message back",
        description="While it is scheduled or queued. Canceling again answers as the first time.",
        scope=SCOPE, handle=cancel, answer=MessageView, errors=("not_cancelable",),
    ),
    Operation(
        method="POST", path="/v1/messages/{id}/redact", name="redactMessage", tag=_TAG,
        summary="Erase text and numbers of a message",
        description="Of a final one; status, price and events stay.",
        scope=SCOPE, handle=redact, answer=MessageView, errors=("not_final",),
    ),
    Operation(
        method="DELETE", path="/v1/messages/{id}", name="deleteMessage", tag=_TAG, summary="Delete a message",
        description="A final one, with its attempts and events.",
        scope=SCOPE, handle=delete, status=204, errors=("not_final",),
    ),
)  # fmt: skip
