"""/v1/lookups: what numbers say about themselves, and what the account knows of them."""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.lookups import Lookup, Lookups, LookupView, NewLookup

_TAG = "lookups"


class LookupQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """How a number is read, and whether its region is named."""

    country: Annotated[str, Meta(description="Country of a number that has no plus sign: two letters (ISO 3166).")] = ""
    region: Annotated[bool, Meta(description="Whether to name the region, such as a city.")] = False


class _Handlers:
    def __init__(self, alone: asyncio.Lock) -> None:
        self._alone = alone

    async def one(self, services: Services, call: Call[LookupQuery, None]) -> Answer:
        found = await Lookup(services.manage, self._alone).one(
            call.path["number"],
            account_id=call.account_id,
            test=call.test,
            country=call.query.country,
            region=call.query.region,
        )
        return Answer(found)

    async def many(self, services: Services, call: Call[NoQuery, NewLookup]) -> Answer:
        return Answer(await Lookup(services.manage, self._alone).many(call.body, account_id=call.account_id))


def operations(alone: asyncio.Lock) -> tuple[Operation, ...]:
    """The operations; `alone` is held while one of their lists is worked through."""
    handlers = _Handlers(alone)
    return (
        Operation(
            method="GET", path="/v1/lookups/{number}", name="lookUp", tag=_TAG, summary="Look up a number",
            description="An invalid number is an answer with `valid` false and the reasons. No network is asked: "
            "the operator is the one that the number was given to.",
            scope="lookups:read", handle=handlers.one, query=LookupQuery, answer=LookupView,
        ),
        Operation(
            method="POST", path="/v1/lookups", name="lookUpMany", tag=_TAG,
            summary="Look up many numbers",
            description=f"Up to {limits.LOOKUPS_MAX:,}, in their order. `last_seen_at` is not looked for.",
            scope="lookups:read", handle=handlers.many, body=NewLookup, answer=Lookups,
            example={"numbers": ["+14155550123", "020 7946 0958"], "country": "GB"},
        ),
    )  # fmt: skip
