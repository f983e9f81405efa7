"""/v1/sender-rules: what countries say about senders."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import sender_rules
from whimbrel.manage.sender_rules import CountryRules, RuleChange, RuleList, RuleSwitch, RuleView

_TAG = "senders"
_EXAMPLE = {
    "country": "FR", "verdict": "needs_registration", "kinds": ["alphanumeric"], "since": "2027-01-01",
    "source": "https://example.com/rules", "note": "As our carrier says.", "enforce": True,
}  # fmt: skip


class RulesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which rules."""

    country: Annotated[str, Meta(description="Of this country only (ISO 3166).")] = ""
    own: Annotated[bool, Meta(description="Only what the operator wrote or switched.")] = False


async def find(services: Services, call: Call[RulesQuery, None]) -> Answer:
    return Answer(await sender_rules.find(services.manage, call.query.country, own_only=call.query.own))


async def of_country(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await sender_rules.of_country(services.manage, call.path["country"]))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await sender_rules.get(services.manage, call.path["rule"]))


async def put(services: Services, call: Call[NoQuery, RuleChange]) -> Answer:
    return Answer(await sender_rules.put(services.manage, call.actor, call.path["rule"], call.body))


async def switch(services: Services, call: Call[NoQuery, RuleSwitch]) -> Answer:
    return Answer(await sender_rules.switch(services.manage, call.actor, call.path["rule"], call.body))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await sender_rules.delete(services.manage, call.actor, call.path["rule"])
    return Answer()


OPERATIONS = (
    Operation(
        method="GET", path="/v1/sender-rules", name="listSenderRules", tag=_TAG,
        summary="List what countries say about senders",
        description="By country, the rule that counts most first; also those that are switched off or not in force.",
        access="any", scope="senders:read", handle=find, query=RulesQuery, answer=RuleList,
    ),
    Operation(
        method="GET", path="/v1/sender-countries/{country}", name="getSenderCountry", tag=_TAG,
        summary="Read what is known of senders in a country",
        access="any", scope="senders:read", handle=of_country, answer=CountryRules,
    ),
    Operation(
        method="GET", path="/v1/sender-rules/{rule}", name="getSenderRule", tag=_TAG, summary="Read a rule",
        access="any", scope="senders:read", handle=get, answer=RuleView,
    ),
    Operation(
        method="PUT", path="/v1/sender-rules/{rule}", name="putSenderRule", tag=_TAG,
        summary="Add a rule, or put one in the place of another",
        description="Of several rules for a sender the operator's holds, and of these the newest `as_of`.",
        access="operator", account_header="refused", scope="senders:assign", handle=put, body=RuleChange,
        answer=RuleView, errors=("rule_limit", "conflict"), example=_EXAMPLE,
    ),
    Operation(
        method="PATCH", path="/v1/sender-rules/{rule}", name="switchSenderRule", tag=_TAG,
        summary="Switch a rule on or off",
        access="operator", account_header="refused", scope="senders:assign", handle=switch, body=RuleSwitch,
        answer=RuleView, errors=("conflict",), example={"enabled": False},
    ),
    Operation(
        method="DELETE", path="/v1/sender-rules/{rule}", name="deleteSenderRule", tag=_TAG,
        summary="Take an operator's rule away",
        description="One of ours that it stood in the place of holds again, as it was.",
        access="operator", account_header="refused", scope="senders:assign", handle=delete, status=204,
        errors=("conflict",),
    ),
)  # fmt: skip
