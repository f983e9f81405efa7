"""/v1/keys: an account's keys, or (asked by the operator without X-Account-Id) the operator's own."""

from whimbrel.edges.rest.paging import PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import keys
from whimbrel.manage.context import Page
from whimbrel.manage.keys import Grantor, KeyCreated, KeyView, NewKey

_TAG = "keys"


async def create(services: Services, call: Call[NoQuery, NewKey]) -> Answer:
    made = await keys.create(
        services.manage,
        call.actor,
        call.body,
        account_id=call.acting_for,
        grantor=Grantor(call.principal.scopes, call.principal.test),
    )
    return Answer(made, location=f"/v1/keys/{made.id}")


async def find(services: Services, call: Call[PageQuery, None]) -> Answer:
    return Answer(await keys.find(services.manage, account_id=call.acting_for, paging=call.query.paging()))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await keys.get(services.manage, call.path["id"], account_id=call.acting_for))


async def revoke(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await keys.revoke(services.manage, call.actor, call.path["id"], account_id=call.acting_for))


OPERATIONS = (
    Operation(
        method="POST", path="/v1/keys", name="createKey", tag=_TAG, summary="Create an API key",
        description="The answer alone shows the key. It gets no scope that the asking key lacks.",
        access="any", scope="keys:write", handle=create, body=NewKey, answer=KeyCreated, status=201,
        errors=("conflict",), example={"name": "server", "scopes": ["messages:write", "messages:read"]},
    ),
    Operation(
        method="GET", path="/v1/keys", name="listKeys", tag=_TAG, summary="List keys",
        access="any", scope="keys:read", handle=find, query=PageQuery, answer=Page[KeyView],
    ),
    Operation(
        method="GET", path="/v1/keys/{id}", name="getKey", tag=_TAG, summary="Read a key",
        access="any", scope="keys:read", handle=get, answer=KeyView,
    ),
    Operation(
        method="DELETE", path="/v1/keys/{id}", name="revokeKey", tag=_TAG, summary="Revoke a key",
        description="It fails at the next request; it stays in the list.",
        access="any", scope="keys:write", handle=revoke, answer=KeyView,
    ),
)  # fmt: skip
