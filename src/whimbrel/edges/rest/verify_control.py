"""/v1/verify/attempts, rate-limits, blocks and safe-list: what verifications came to, and what holds them back."""

import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.base.clock import SECOND_US
from whimbrel.edges.rest.paging import Cursor, HistoryQuery, Limit, Ordered, PageQuery
from whimbrel.edges.rest.shapes import Moment
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page, Paging
from whimbrel.products.verify import blocks, rates, reports
from whimbrel.products.verify.blocks import BlockView, Lift, NewSafeNumber, SafeNumberView
from whimbrel.products.verify.rates import NewRateLimit, RateLimitChange, RateLimitView
from whimbrel.products.verify.reporting import ReportTaken
from whimbrel.products.verify.reports import Summary
from whimbrel.products.verify.views import AttemptView

_TAG = "verify"
_DAY_US = 24 * 3600 * SECOND_US


class AttemptQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which page, and of what time."""

    created_from: Annotated[Moment | None, Meta(description="Sent at this time or later.")] = None
    created_to: Annotated[Moment | None, Meta(description="Sent before this time.")] = None
    order: Ordered = "desc"
    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT


class SummaryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Of what began in this time: the last 30 days by default."""

    created_from: Moment | None = None
    created_to: Moment | None = None
    country: Annotated[str | None, Meta(description="Only this one, and then by prefix too (ISO 3166).")] = None
    service_id: Annotated[str | None, Meta(description="Only this service's.")] = None


class RateLimitQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Whose."""

    service_id: Annotated[str, Meta(description="A verify service.")]


def _us(moment: datetime.datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * SECOND_US)


async def find_attempts(services: Services, call: Call[AttemptQuery, None]) -> Answer:
    query = call.query
    found = await reports.attempts(
        services.manage,
        account_id=call.account_id,
        test=call.test,
        paging=Paging(query.cursor, query.limit, query.order),
        from_us=_us(query.created_from) or 0,
        to_us=_us(query.created_to),
    )
    return Answer(found)


async def get_attempt(services: Services, call: Call[NoQuery, None]) -> Answer:
    found = await reports.attempt(services.manage, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer(found)


async def summarise(services: Services, call: Call[SummaryQuery, None]) -> Answer:
    query, now = call.query, services.clock.now_us()
    until = _us(query.created_to)
    until = now if until is None else until
    since = _us(query.created_from)
    found = await reports.summary(
        services.manage,
        account_id=call.account_id,
        test=call.test,
        from_us=until - 30 * _DAY_US if since is None else since,
        to_us=until,
        country=query.country,
        service_id=query.service_id,
    )
    return Answer(found)


async def create_limit(services: Services, call: Call[NoQuery, NewRateLimit]) -> Answer:
    made = await rates.create(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/verify/rate-limits/{made.id}")


async def find_limits(services: Services, call: Call[RateLimitQuery, None]) -> Answer:
    return Answer(await rates.find(services.manage, call.query.service_id, account_id=call.account_id))


async def get_limit(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await rates.get(services.manage, call.path["id"], account_id=call.account_id))


async def update_limit(services: Services, call: Call[NoQuery, RateLimitChange]) -> Answer:
    about = {"account_id": call.account_id}
    return Answer(await rates.update(services.manage, call.actor, call.path["id"], call.body, **about))


async def delete_limit(services: Services, call: Call[NoQuery, None]) -> Answer:
    await rates.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


async def find_blocks(services: Services, call: Call[HistoryQuery, None]) -> Answer:
    paging = call.query.paging()
    return Answer(await blocks.find(services.manage, account_id=call.account_id, test=call.test, paging=paging))


async def get_block(services: Services, call: Call[NoQuery, None]) -> Answer:
    found = await blocks.get(services.manage, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer(found)


async def lift_block(services: Services, call: Call[NoQuery, Lift]) -> Answer:
    lifted = await blocks.lift(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(lifted)


async def add_safe(services: Services, call: Call[NoQuery, NewSafeNumber]) -> Answer:
    made = await blocks.make_safe(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/verify/safe-list/{made.id}")


async def find_safe(services: Services, call: Call[PageQuery, None]) -> Answer:
    return Answer(await blocks.safe_numbers(services.manage, account_id=call.account_id, paging=call.query.paging()))


async def get_safe(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await blocks.safe_number(services.manage, call.path["id"], account_id=call.account_id))


async def delete_safe(services: Services, call: Call[NoQuery, None]) -> Answer:
    await blocks.make_unsafe(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


_LIMITS = "/v1/verify/rate-limits"
_BLOCKS = "/v1/verify/blocks"
_SAFE = "/v1/verify/safe-list"
OPERATIONS = (
    Operation(
        method="GET", path="/v1/verify/attempts", name="listVerifyAttempts", tag=_TAG,
        summary="List the texts of all verifications", description="Newest first, without numbers and codes.",
        scope="verify:read", handle=find_attempts, query=AttemptQuery, answer=Page[AttemptView],
    ),
    Operation(
        method="GET", path="/v1/verify/attempts/summary", name="summariseVerifyAttempts", tag=_TAG,
        summary="Conversion by country and prefix",
        description=f"Of the last {limits.VERIFY_COUNTS_DAYS} days at most.",
        scope="verify:read", handle=summarise, query=SummaryQuery, answer=Summary,
    ),
    Operation(
        method="GET", path="/v1/verify/attempts/{id}", name="getVerifyAttempt", tag=_TAG,
        summary="Read one text of a verification",
        scope="verify:read", handle=get_attempt, answer=AttemptView,
    ),
    Operation(
        method="POST", path="/v1/verify/attempts/{id}/report", name="reportVerifyAttempt", tag=_TAG,
        summary="What became of a call or a chat message",
        description="For carriers of channels, without a key: signed with the channel's secret as webhooks are. What "
        "is undelivered has the next channel taken at once; what was told first stands.",
        access="public", answer=ReportTaken,
        errors=("not_found", "hook_signature", "invalid_request", "body_too_large", "rate_limited"),
    ),
    Operation(
        method="POST", path=_LIMITS, name="createVerifyRateLimit", tag=_TAG,
        summary="Limit starts by a key of your own",
        description="Starts name it in `rate_keys`, with the key that it counts by.",
        scope="verify:manage", live_only=True, handle=create_limit, body=NewRateLimit, answer=RateLimitView,
        status=201, errors=("verify_limit_exists", "verify_too_many_limits", "verify_too_many_buckets"),
        example={
            "service_id": "VA00000000000000000000000000000000", "name": "address",
            "buckets": [{"max": 5, "interval_s": 3600}],
        },
    ),
    Operation(
        method="GET", path=_LIMITS, name="listVerifyRateLimits", tag=_TAG, summary="List a service's rate limits",
        description="All of them, by name.",
        scope="verify:read", handle=find_limits, query=RateLimitQuery, answer=Page[RateLimitView],
    ),
    Operation(
        method="GET", path=f"{_LIMITS}/{{id}}", name="getVerifyRateLimit", tag=_TAG, summary="Read a rate limit",
        scope="verify:read", handle=get_limit, answer=RateLimitView,
    ),
    Operation(
        method="PATCH", path=f"{_LIMITS}/{{id}}", name="updateVerifyRateLimit", tag=_TAG,
        summary="Change a rate limit", description="`buckets` replaces all of them, and counts anew.",
        scope="verify:manage", live_only=True, handle=update_limit, body=RateLimitChange, answer=RateLimitView,
        errors=("verify_too_many_buckets",), example={"buckets": [{"max": 3, "interval_s": 600}]},
    ),
    Operation(
        method="DELETE", path=f"{_LIMITS}/{{id}}", name="deleteVerifyRateLimit", tag=_TAG,
        summary="Delete a rate limit",
        scope="verify:manage", live_only=True, handle=delete_limit, status=204,
    ),
    Operation(
        method="GET", path=_BLOCKS, name="listVerifyBlocks", tag=_TAG, summary="List what the pumping guard blocked",
        description="Newest first, also what has ended.",
        scope="verify:read", handle=find_blocks, query=HistoryQuery, answer=Page[BlockView],
    ),
    Operation(
        method="GET", path=f"{_BLOCKS}/{{id}}", name="getVerifyBlock", tag=_TAG, summary="Read a block",
        scope="verify:read", handle=get_block, answer=BlockView,
    ),
    Operation(
        method="POST", path=f"{_BLOCKS}/{{id}}/lift", name="liftVerifyBlock", tag=_TAG, summary="Lift a block",
        description="The same numbers are not blocked again for a while.",
        scope="verify:manage", handle=lift_block, body=Lift, answer=BlockView, errors=("conflict",),
        example={"quiet_s": 86400},
    ),
    Operation(
        method="POST", path=_SAFE, name="addSafeNumber", tag=_TAG, summary="Put a number on the safe list",
        description="The pumping guard lets it pass. It is kept as a keyed hash and a masked form only.",
        scope="verify:manage", live_only=True, handle=add_safe, body=NewSafeNumber, answer=SafeNumberView, status=201,
        errors=("invalid_number",), example={"number": "+14155550123"},
    ),
    Operation(
        method="GET", path=_SAFE, name="listSafeNumbers", tag=_TAG, summary="List the safe list",
        scope="verify:read", handle=find_safe, query=PageQuery, answer=Page[SafeNumberView],
    ),
    Operation(
        method="GET", path=f"{_SAFE}/{{id}}", name="getSafeNumber", tag=_TAG, summary="Look for a number on the list",
        description="By its id, or the number.",
        scope="verify:read", handle=get_safe, answer=SafeNumberView,
    ),
    Operation(
        method="DELETE", path=f"{_SAFE}/{{id}}", name="deleteSafeNumber", tag=_TAG,
        summary="Take a number off the safe list", description="By its id, or the number.",
        scope="verify:manage", live_only=True, handle=delete_safe, status=204,
    ),
)  # fmt: skip
