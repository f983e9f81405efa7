"""/v1/hooks: addresses that other systems call. A test key sees and makes hooks that send test traffic. The call
itself, `POST /v1/hooks/{id}`, needs no key and is answered by a door of its own (edges/hooks).
"""

from typing import Annotated

from msgspec import Meta

from whimbrel.base import limits
from whimbrel.domain.hook_presets import PRESETS
from whimbrel.edges.rest.paging import HistoryQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page
from whimbrel.products.hooks import keeping, logbook, trying
from whimbrel.products.hooks.shapes import (
    CallView,
    CallWhole,
    HookChange,
    HookCreated,
    HookReceipt,
    HookReplay,
    HookRotation,
    HookSecret,
    HookTrial,
    HookTried,
    HookView,
    NewHook,
    PresetView,
    preset_view,
)

_TAG = "hooks"
_OF_SENDERS = ("sender_not_allowed", "invalid_sender")
_SETTINGS_MAX = 256 * 1024  # octets: rules and mapping with their names
_TRIAL_MAX = 2 * limits.HOOK_BODY_MAX  # octets: a body within JSON


class CallsQuery(HistoryQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which page, and of which."""

    verdict: Annotated[str | None, Meta(description="Only calls that ended so, such as `sent` or `no_number`.")] = None


async def create(services: Services, call: Call[NoQuery, NewHook]) -> Answer:
    made = await keeping.create(
        services.manage,
        call.actor,
        call.body,
        account_id=call.account_id,
        test=call.test,
        public_url=services.public_url,
    )
    return Answer(made, location=f"/v1/hooks/{made.id}")


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    about = {"account_id": call.account_id, "test": call.test, "public_url": services.public_url}
    return Answer(await keeping.find(services.manage, **about))  # type: ignore[arg-type]


async def presets(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(Page(tuple(preset_view(name) for name in PRESETS)))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    found = await keeping.get(
        services.manage,
        call.path["id"],
        account_id=call.account_id,
        test=call.test,
        public_url=services.public_url,
    )
    return Answer(found)


async def secret(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await keeping.secret_of(services.manage, call.path["id"], account_id=call.account_id, test=call.test))


async def update(services: Services, call: Call[NoQuery, HookChange]) -> Answer:
    changed = await keeping.update(
        services.manage,
        call.actor,
        call.path["id"],
        call.body,
        account_id=call.account_id,
        test=call.test,
        public_url=services.public_url,
    )
    return Answer(changed)


async def rotate(services: Services, call: Call[NoQuery, HookRotation]) -> Answer:
    changed = await keeping.rotate(
        services.manage,
        call.actor,
        call.path["id"],
        call.body,
        account_id=call.account_id,
        test=call.test,
        public_url=services.public_url,
    )
    return Answer(changed)


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await keeping.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer()


async def tried(services: Services, call: Call[NoQuery, HookTrial]) -> Answer:
    result = await trying.tried(
        services.manage,
        services.accept,
        services.tables,
        call.path["id"],
        call.body,
        account_id=call.account_id,
        test=call.test,
    )
    return Answer(result)


async def find_calls(services: Services, call: Call[CallsQuery, None]) -> Answer:
    found = await logbook.find(
        services.manage,
        call.path["id"],
        account_id=call.account_id,
        test=call.test,
        verdict=call.query.verdict,
        paging=call.query.paging(),
    )
    return Answer(found)


async def get_call(services: Services, call: Call[NoQuery, None]) -> Answer:
    found = await logbook.get(
        services.manage, call.path["id"], call.path["call_id"], account_id=call.account_id, test=call.test
    )
    return Answer(found)


async def replay(services: Services, call: Call[NoQuery, HookReplay]) -> Answer:
    receipt = await logbook.replay(
        services.manage,
        services.hooks,
        call.actor,
        call.body,
        hook_id=call.path["id"],
        call_id=call.path["call_id"],
        account_id=call.account_id,
        test=call.test,
    )
    return Answer(receipt)


_RULE = {
    "name": "paid",
    "events": ["orders/paid"],
    "to": ["shipping_address.phone", "phone"],
    "country": ["shipping_address.country_code"],
    "text": "Thank you for your order {{name}}.",
}

OPERATIONS = (
    Operation(
        method="POST", path="/v1/hooks", name="createHook", tag=_TAG,
        summary="Make an address that another system calls",
        description="The answer holds the secret that signs its calls. What is not given is the preset's.",
        scope="hooks:write", handle=create, body=NewHook, body_max=_SETTINGS_MAX, answer=HookCreated, status=201,
        errors=("too_many_hooks", *_OF_SENDERS),
        example={"name": "Shop", "preset": "shopify", "secret": "shpss_0123", "rules": [_RULE]},
    ),
    Operation(
        method="GET", path="/v1/hooks", name="listHooks", tag=_TAG, summary="List hooks, newest first",
        description="All of them.", scope="hooks:read", handle=find, answer=Page[HookView],
    ),
    Operation(
        method="GET", path="/v1/hooks/presets", name="listHookPresets", tag=_TAG,
        summary="List what hooks may begin with",
        description="For each sender how it signs, where its events are, rules to begin with, and sample calls.",
        scope="hooks:read", access="any", handle=presets, answer=Page[PresetView],
    ),
    Operation(
        method="POST", path="/v1/hooks/{id}", name="callHook", tag=_TAG, summary="What the other system calls",
        description="Needs no key: the call is signed as the hook asks. JSON, a form or XML. Answers after what it "
        "brought is stored; the same event sends once, however often it comes.",
        access="public", answer=HookReceipt,
        errors=("not_found", "hook_signature", "hook_body", "body_too_large", "rate_limited", "account_suspended"),
    ),
    Operation(
        method="GET", path="/v1/hooks/{id}", name="getHook", tag=_TAG, summary="Read a hook",
        scope="hooks:read", handle=get, answer=HookView,
    ),
    Operation(
        method="PATCH", path="/v1/hooks/{id}", name="updateHook", tag=_TAG, summary="Change a hook",
        description="`rules` are all of them. A paused hook logs its calls and sends nothing.",
        scope="hooks:write", handle=update, body=HookChange, body_max=_SETTINGS_MAX, answer=HookView,
        errors=_OF_SENDERS,
        example={"status": "paused"},
    ),
    Operation(
        method="DELETE", path="/v1/hooks/{id}", name="deleteHook", tag=_TAG, summary="Delete a hook with its log",
        scope="hooks:write", handle=delete, status=204,
    ),
    Operation(
        method="GET", path="/v1/hooks/{id}/secret", name="getHookSecret", tag=_TAG, summary="Read the secret",
        scope="hooks:write", handle=secret, answer=HookSecret,
    ),
    Operation(
        method="POST", path="/v1/hooks/{id}/rotate", name="rotateHookSecret", tag=_TAG, summary="Set another secret",
        description="For 24 hours the one before it holds too. Without `secret` one is made.",
        scope="hooks:write", handle=rotate, body=HookRotation, answer=HookCreated, example={},
    ),
    Operation(
        method="POST", path="/v1/hooks/{id}/try", name="tryHook", tag=_TAG, summary="Try a call",
        description="What it would lead to, also by rules that are not kept yet. Nothing is sent, nothing is logged.",
        scope="hooks:write", handle=tried, body=HookTrial, body_max=_TRIAL_MAX, answer=HookTried,
        errors=("payload_gone",),
        example={"headers": {"content-type": "application/json"}, "body": '{"phone": "+14155550123"}'},
    ),
    Operation(
        method="GET", path="/v1/hooks/{id}/calls", name="listHookCalls", tag=_TAG, summary="List the calls of a hook",
        description="With what came of each of their events, or why nothing did.",
        scope="hooks:read", handle=find_calls, query=CallsQuery, answer=Page[CallView],
    ),
    Operation(
        method="GET", path="/v1/hooks/{id}/calls/{call_id}", name="getHookCall", tag=_TAG, summary="Read a call",
        description="With its headers and its body, as long as they are kept.",
        scope="hooks:write", handle=get_call, answer=CallWhole,
    ),
    Operation(
        method="POST", path="/v1/hooks/{id}/calls/{call_id}/replay", name="replayHookCall", tag=_TAG,
        summary="Take a call again",
        description="By the rules of now. What was sent for before is sent with `again` only.",
        scope="hooks:write", handle=replay, body=HookReplay, answer=HookReceipt, errors=("payload_gone",), example={},
    ),
)  # fmt: skip
