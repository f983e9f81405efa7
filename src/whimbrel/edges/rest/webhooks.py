"""/v1/webhooks: endpoints that events are posted to. A test key sees and makes endpoints for test traffic."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.rest.paging import HistoryQuery, PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import deliveries, webhooks
from whimbrel.manage.context import Page
from whimbrel.manage.deliveries import DeliveryView, Replayed, ReplayOne, ReplaySpan, State, TryView
from whimbrel.manage.webhooks import NewWebhook, WebhookChange, WebhookCreated, WebhookSecret, WebhookView

_TAG = "webhooks"


class DeliveriesQuery(HistoryQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which page, and of which."""

    state: Annotated[State | None, Meta(description="Only those that wait for another try, or that are dead.")] = None


class Replay(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to send again: one event, the events of a span of time, or all that is dead."""

    event_id: Annotated[str | None, Meta(description="One event.")] = None
    since: Annotated[str | None, Meta(description="With `until`: the events from here on (RFC 3339).")] = None
    until: Annotated[str | None, Meta(description="With `since`: up to here, excluded.")] = None
    dead: Annotated[bool, Meta(description="Everything that was given up.")] = False


async def create(services: Services, call: Call[NoQuery, NewWebhook]) -> Answer:
    made = await webhooks.create(services.manage, call.actor, call.body, account_id=call.account_id, test=call.test)
    return Answer(made, location=f"/v1/webhooks/{made.id}")


async def find(services: Services, call: Call[PageQuery, None]) -> Answer:
    paging = call.query.paging()
    return Answer(await webhooks.find(services.manage, account_id=call.account_id, test=call.test, paging=paging))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await webhooks.get(services.manage, call.path["id"], account_id=call.account_id, test=call.test))


async def secret(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await webhooks.secret(services.manage, call.path["id"], account_id=call.account_id, test=call.test))


async def update(services: Services, call: Call[NoQuery, WebhookChange]) -> Answer:
    changed = await webhooks.update(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(changed)


async def rotate(services: Services, call: Call[NoQuery, None]) -> Answer:
    changed = await webhooks.rotate(
        services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test
    )
    return Answer(changed)


async def enable(services: Services, call: Call[NoQuery, None]) -> Answer:
    changed = await webhooks.enable(
        services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test
    )
    return Answer(changed)


async def disable(services: Services, call: Call[NoQuery, None]) -> Answer:
    changed = await webhooks.disable(
        services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test
    )
    return Answer(changed)


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await webhooks.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer()


async def find_deliveries(services: Services, call: Call[DeliveriesQuery, None]) -> Answer:
    found = await deliveries.find(
        services.manage,
        call.path["id"],
        account_id=call.account_id,
        test=call.test,
        state=call.query.state,
        paging=call.query.paging(),
    )
    return Answer(found)


async def find_tries(services: Services, call: Call[HistoryQuery, None]) -> Answer:
    found = await deliveries.tries(
        services.manage, call.path["id"], account_id=call.account_id, test=call.test, paging=call.query.paging()
    )
    return Answer(found)


async def replay(services: Services, call: Call[NoQuery, Replay]) -> Answer:
    ctx, actor, webhook_id = services.manage, call.actor, call.path["id"]
    account_id, test = call.account_id, call.test
    match call.body:
        case Replay(event_id=str(event_id), since=None, until=None, dead=False):
            one = ReplayOne(event_id=event_id)
            return Answer(await deliveries.replay_one(ctx, actor, webhook_id, one, account_id=account_id, test=test))
        case Replay(event_id=None, since=str(since), until=str(until), dead=False):
            span = ReplaySpan(since=since, until=until)
            return Answer(await deliveries.replay_span(ctx, actor, webhook_id, span, account_id=account_id, test=test))
        case Replay(event_id=None, since=None, until=None, dead=True):
            return Answer(await deliveries.replay_dead(ctx, actor, webhook_id, account_id=account_id, test=test))
        case _:
            raise WhimbrelError("invalid_request", "Send `event_id`, or `since` and `until`, or `dead`: true.")


OPERATIONS = (
    Operation(
        method="POST", path="/v1/webhooks", name="createWebhook", tag=_TAG, summary="Create a webhook",
        description="Events from now on are posted to it, signed as Standard Webhooks has it with the `secret` in the "
        "answer. `events`: types, `message.*` for a family, or `*`.",
        scope="webhooks:write", handle=create, body=NewWebhook, answer=WebhookCreated, status=201,
        errors=("webhook_url_refused", "too_many_webhooks"),
        example={"url": "https://example.com/hooks/sms", "events": ["message.*"]},
    ),
    Operation(
        method="GET", path="/v1/webhooks", name="listWebhooks", tag=_TAG, summary="List webhooks",
        scope="webhooks:read", handle=find, query=PageQuery, answer=Page[WebhookView],
    ),
    Operation(
        method="GET", path="/v1/webhooks/{id}", name="getWebhook", tag=_TAG, summary="Read a webhook",
        scope="webhooks:read", handle=get, answer=WebhookView,
    ),
    Operation(
        method="GET", path="/v1/webhooks/{id}/secret", name="getWebhookSecret", tag=_TAG,
        summary="Read the secret that signs now",
        scope="webhooks:write", handle=secret, answer=WebhookSecret,
    ),
    Operation(
        method="PATCH", path="/v1/webhooks/{id}", name="updateWebhook", tag=_TAG, summary="Change a webhook",
        scope="webhooks:write", handle=update, body=WebhookChange, answer=WebhookView,
        errors=("webhook_url_refused",), example={"events": ["message.delivered", "message.undelivered"]},
    ),
    Operation(
        method="POST", path="/v1/webhooks/{id}/rotate", name="rotateWebhookSecret", tag=_TAG,
        summary="Make a new signing secret", description="For 24 hours the one before it signs too.",
        scope="webhooks:write", handle=rotate, answer=WebhookCreated,
    ),
    Operation(
        method="POST", path="/v1/webhooks/{id}/enable", name="enableWebhook", tag=_TAG, summary="Post events again",
        description="It begins with those that came while it was disabled.",
        scope="webhooks:write", handle=enable, answer=WebhookView,
    ),
    Operation(
        method="POST", path="/v1/webhooks/{id}/disable", name="disableWebhook", tag=_TAG,
        summary="Post nothing until it is enabled",
        scope="webhooks:write", handle=disable, answer=WebhookView,
    ),
    Operation(
        method="DELETE", path="/v1/webhooks/{id}", name="deleteWebhook", tag=_TAG,
        summary="Delete a webhook with what waits for it",
        scope="webhooks:write", handle=delete, status=204,
    ),
    Operation(
        method="GET", path="/v1/webhooks/{id}/deliveries", name="listDeliveries", tag=_TAG,
        summary="List events that a webhook has not taken",
        scope="webhooks:read", handle=find_deliveries, query=DeliveriesQuery, answer=Page[DeliveryView],
    ),
    Operation(
        method="GET", path="/v1/webhooks/{id}/tries", name="listTries", tag=_TAG, summary="List the POSTs to a webhook",
        scope="webhooks:read", handle=find_tries, query=HistoryQuery, answer=Page[TryView],
    ),
    Operation(
        method="POST", path="/v1/webhooks/{id}/replay", name="replayWebhook", tag=_TAG, summary="Send events again",
        description="They keep their ids, and are retried like all others.",
        scope="webhooks:write", handle=replay, body=Replay, answer=Replayed, errors=("conflict",),
        example={"since": "2030-01-31T12:00:00Z", "until": "2030-01-31T13:00:00Z"},
    ),
)  # fmt: skip
