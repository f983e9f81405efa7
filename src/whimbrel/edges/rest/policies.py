"""/v1/policies: what an account lets its marketing do, the operator's floor below it, and the rules of quiet hours."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.edges.rest.shapes import Moment
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import policies, quiet_checks
from whimbrel.manage.policies import NewPolicy, NewRule, PolicyView, RuleList, RuleView
from whimbrel.manage.quiet_checks import QuietCheck

_TAG = "policies"


class CheckQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which number, and when."""

    to: Annotated[str, Meta(description="A number in E.164.")]
    at: Annotated[Moment | None, Meta(description="A moment (RFC 3339); now by default.")] = None


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await policies.get(services.manage, account_id=call.acting_for))


async def put(services: Services, call: Call[NoQuery, NewPolicy]) -> Answer:
    return Answer(await policies.put(services.manage, call.actor, call.body, account_id=call.acting_for))


async def rules(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await policies.rules(services.manage))


async def put_rule(services: Services, call: Call[NoQuery, NewRule]) -> Answer:
    return Answer(await policies.put_rule(services.manage, call.actor, call.path["id"], call.body))


async def delete_rule(services: Services, call: Call[NoQuery, None]) -> Answer:
    await policies.delete_rule(services.manage, call.actor, call.path["id"])
    return Answer()


async def check(services: Services, call: Call[CheckQuery, None]) -> Answer:
    query = call.query
    return Answer(await quiet_checks.check(services.manage, query.to, query.at, account_id=call.acting_for))


OPERATIONS = (
    Operation(
        method="GET", path="/v1/policies", name="getPolicy", tag=_TAG, summary="Read the policy",
        description="What the account has decided, and what is in force with the installation's policy. The operator "
        "reads that one without `X-Account-Id`.",
        access="any", scope="policies:read", handle=get, answer=PolicyView,
    ),
    Operation(
        method="PUT", path="/v1/policies", name="putPolicy", tag=_TAG, summary="Set the policy",
        description="As a whole: what is absent is not decided. The operator sets the installation's without "
        "`X-Account-Id`: a floor, below which no account can go.",
        access="any", scope="policies:write", live_only=True, handle=put, body=NewPolicy, answer=PolicyView,
        example={"quiet_hours": "wait", "caps": [{"max": 3, "hours": 168}], "on_cap": "wait"},
    ),
    Operation(
        method="GET", path="/v1/policies/quiet-hours", name="listQuietRules", tag=_TAG,
        summary="List the rules of quiet hours",
        description="Each with its source, the day on which it was read, and how sure it is.",
        access="any", scope="policies:read", handle=rules, answer=RuleList,
    ),
    Operation(
        method="GET", path="/v1/policies/quiet-hours/check", name="checkQuietHours", tag=_TAG,
        summary="What holds for a number",
        description="Where it may be, which rules it may be under, whether marketing may be sent to it at a moment, "
        "why not, when it may be next, and what is open in the week after.",
        access="any", scope="policies:read", handle=check, query=CheckQuery, answer=QuietCheck,
        errors=("invalid_number",),
    ),
    Operation(
        method="PUT", path="/v1/policies/quiet-hours/{id}", name="putQuietRule", tag=_TAG,
        summary="Add a rule, change one, or switch one off",
        description="With the id of a rule of the product it stands in that one's place.",
        access="operator", account_header="refused", scope="policies:write", handle=put_rule, body=NewRule,
        answer=RuleView, errors=("conflict",),
        example={"title": "Germany", "country": "DE", "hours": {"every": "08:00-20:00", "sun": "closed"}},
    ),
    Operation(
        method="DELETE", path="/v1/policies/quiet-hours/{id}", name="deleteQuietRule", tag=_TAG,
        summary="Take a rule of your own away",
        description="The product's rule of that id holds again, where there is one.",
        access="operator", account_header="refused", scope="policies:write", handle=delete_rule, status=204,
        errors=("conflict",),
    ),
)  # fmt: skip
