"""/v1/pools: several senders under one name, of which each message takes one."""

from typing import Annotated

from msgspec import Meta

from whimbrel.edges.rest.paging import PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import pools
from whimbrel.manage.context import Page
from whimbrel.manage.pool_views import Known, PoolView, view
from whimbrel.manage.pools import NewMember, NewPool, PoolChange

_TAG = "pools"


class PoolsQuery(PageQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which pools."""

    name: Annotated[str | None, Meta(description="Only the one of this name.")] = None


def _told(services: Services, found: Known) -> PoolView:
    return view(found, services.tables.pools.standings)


async def create(services: Services, call: Call[NoQuery, NewPool]) -> Answer:
    made = await pools.create(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(_told(services, made), location=f"/v1/pools/{made.pool.id}")


async def find(services: Services, call: Call[PoolsQuery, None]) -> Answer:
    query, standings = call.query, services.tables.pools.standings
    return Answer(
        await pools.find(services.manage, standings, account_id=call.account_id, name=query.name, paging=query.paging())
    )


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(_told(services, await pools.known(services.manage, call.path["id"], account_id=call.account_id)))


async def update(services: Services, call: Call[NoQuery, PoolChange]) -> Answer:
    found = await pools.update(services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id)
    return Answer(_told(services, found))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await pools.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


async def put_member(services: Services, call: Call[NoQuery, NewMember]) -> Answer:
    path = call.path
    found = await pools.put_member(
        services.manage, call.actor, path["id"], path["sender"], call.body, account_id=call.account_id
    )
    return Answer(_told(services, found))


async def remove_member(services: Services, call: Call[NoQuery, None]) -> Answer:
    path = call.path
    await pools.remove_member(services.manage, call.actor, path["id"], path["sender"], account_id=call.account_id)
    return Answer()


OPERATIONS = (
    Operation(
        method="POST", path="/v1/pools", name="createPool", tag=_TAG, summary="Make a sender pool",
        description="A message with `pool` in place of `sender` is written by one of its members.",
        scope="senders:write", live_only=True, handle=create, body=NewPool, answer=PoolView, status=201,
        errors=("conflict", "sender_not_allowed", "too_many_pools", "webhook_url_refused"),
        example={"name": "support", "senders": ["+15005550006"]},
    ),
    Operation(
        method="GET", path="/v1/pools", name="listPools", tag=_TAG, summary="List sender pools",
        scope="senders:read", handle=find, query=PoolsQuery, answer=Page[PoolView],
    ),
    Operation(
        method="GET", path="/v1/pools/{id}", name="getPool", tag=_TAG, summary="Read a sender pool",
        description="With its members, and how each of them does.",
        scope="senders:read", handle=get, answer=PoolView,
    ),
    Operation(
        method="PATCH", path="/v1/pools/{id}", name="updatePool", tag=_TAG, summary="Change a sender pool",
        scope="senders:write", live_only=True, handle=update, body=PoolChange, answer=PoolView,
        errors=("conflict", "sender_not_allowed", "webhook_url_refused"), example={"sticky": False},
    ),
    Operation(
        method="DELETE", path="/v1/pools/{id}", name="deletePool", tag=_TAG, summary="Delete a sender pool",
        scope="senders:write", live_only=True, handle=delete, status=204,
    ),
    Operation(
        method="PUT", path="/v1/pools/{id}/members/{sender}", name="putPoolMember", tag=_TAG,
        summary="Put a sender into a pool, or change what it is there",
        description="`sender` is its value or its id.",
        scope="senders:write", live_only=True, handle=put_member, body=NewMember, answer=PoolView,
        errors=("sender_not_allowed", "too_many_pools"), example={"weight": 3, "rate_per_min": 60},
    ),
    Operation(
        method="DELETE", path="/v1/pools/{id}/members/{sender}", name="deletePoolMember", tag=_TAG,
        summary="Take a sender out of a pool",
        scope="senders:write", live_only=True, handle=remove_member, status=204,
    ),
)  # fmt: skip
