"""/v1/accounts: the operator sees all, an account sees itself and its sub-accounts."""

import msgspec

from whimbrel.edges.rest.paging import PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import accounts
from whimbrel.manage.accounts import AccountChange, AccountCreated, AccountSecret, AccountView, NewAccount
from whimbrel.manage.context import Page

_TAG = "accounts"


async def create(services: Services, call: Call[NoQuery, NewAccount]) -> Answer:
    """The operator's new account stands alone; an account's is its own sub-account."""
    request = call.body
    if call.within is not None and request.parent_id is None:
        request = msgspec.structs.replace(request, parent_id=call.within)
    made = await accounts.create(services.manage, call.actor, request, within=call.within)
    return Answer(made, location=f"/v1/accounts/{made.id}")


async def find(services: Services, call: Call[PageQuery, None]) -> Answer:
    return Answer(await accounts.find(services.manage, within=call.within, paging=call.query.paging()))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await accounts.get(services.manage, call.path["id"], within=call.within))


async def update(services: Services, call: Call[NoQuery, AccountChange]) -> Answer:
    return Answer(await accounts.update(services.manage, call.actor, call.path["id"], call.body, within=call.within))


async def suspend(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await accounts.suspend(services.manage, call.actor, call.path["id"], within=call.within))


async def activate(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await accounts.activate(services.manage, call.actor, call.path["id"], within=call.within))


async def close(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await accounts.close(services.manage, call.actor, call.path["id"], within=call.within))


async def rotate_token(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await accounts.rotate_token(services.manage, call.actor, call.path["id"], within=call.within))


async def callback_secret(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await accounts.callback_secret(services.manage, call.path["id"], within=call.within))


async def rotate_callback_secret(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(
        await accounts.rotate_callback_secret(services.manage, call.actor, call.path["id"], within=call.within)
    )


OPERATIONS = (
    Operation(
        method="POST", path="/v1/accounts", name="createAccount", tag=_TAG, summary="Create an account",
        description="An account's own key creates a sub-account. The answer alone shows the account's secrets.",
        access="any", account_header="refused",
        scope="accounts:write", live_only=True, handle=create, body=NewAccount, answer=AccountCreated,
        status=201, example={"name": "Example Ltd", "currency": "USD"},
    ),
    Operation(
        method="GET", path="/v1/accounts", name="listAccounts", tag=_TAG, summary="List accounts",
        access="any", account_header="refused",
        scope="accounts:read", handle=find, query=PageQuery, answer=Page[AccountView],
    ),
    Operation(
        method="GET", path="/v1/accounts/{id}", name="getAccount", tag=_TAG, summary="Read an account",
        access="any", account_header="refused", scope="accounts:read", handle=get, answer=AccountView,
    ),
    Operation(
        method="PATCH", path="/v1/accounts/{id}", name="updateAccount", tag=_TAG, summary="Change an account",
        access="any", account_header="refused",
        scope="accounts:write", live_only=True, handle=update, body=AccountChange, answer=AccountView,
        example={"name": "Example plc"},
    ),
    Operation(
        method="POST", path="/v1/accounts/{id}/suspend", name="suspendAccount", tag=_TAG, summary="Suspend an account",
        description="Its requests are refused from now on; what it has queued is still sent.",
        access="any", account_header="refused",
        scope="accounts:write", live_only=True, handle=suspend, answer=AccountView, errors=("conflict",),
    ),
    Operation(
        method="POST", path="/v1/accounts/{id}/activate", name="activateAccount", tag=_TAG,
        summary="Take a suspended account's requests again",
        access="any", account_header="refused",
        scope="accounts:write", live_only=True, handle=activate, answer=AccountView, errors=("conflict",),
    ),
    Operation(
        method="POST", path="/v1/accounts/{id}/close", name="closeAccount", tag=_TAG,
        summary="Close an account for good",
        access="any", account_header="refused",
        scope="accounts:write", live_only=True, handle=close, answer=AccountView, errors=("conflict",),
    ),
    Operation(
        method="POST", path="/v1/accounts/{id}/rotate-token", name="rotateAuthToken", tag=_TAG,
        summary="Make a new auth token", description="The old one fails at the next request.",
        access="any", account_header="refused",
        scope="accounts:write", live_only=True, handle=rotate_token, answer=AccountSecret,
    ),
    Operation(
        method="GET", path="/v1/accounts/{id}/callback-secret", name="getCallbackSecret", tag=_TAG,
        summary="Read the secret that signs messages' own callbacks",
        access="any", account_header="refused", scope="accounts:write", live_only=True, handle=callback_secret,
        answer=AccountSecret,
    ),
    Operation(
        method="POST", path="/v1/accounts/{id}/rotate-callback-secret", name="rotateCallbackSecret", tag=_TAG,
        summary="Make a new secret for the signatures of messages' callbacks",
        access="any", account_header="refused",
        scope="accounts:write", live_only=True, handle=rotate_callback_secret, answer=AccountSecret,
    ),
)  # fmt: skip
