"""/v1/smpp-credentials: what customers bind with. A test key sees and makes credentials for test traffic."""

import msgspec

from whimbrel.edges.rest.paging import PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import smpp_credentials
from whimbrel.manage.context import Page
from whimbrel.manage.smpp_credentials import (
    NewPassword,
    NewSmppCredential,
    SmppCredentialChange,
    SmppCredentialCreated,
    SmppCredentialView,
)

_TAG = "smpp-credentials"


async def create(services: Services, call: Call[NoQuery, NewSmppCredential]) -> Answer:
    made = await smpp_credentials.create(
        services.manage, call.actor, call.body, account_id=call.account_id, test=call.test
    )
    return Answer(made, location=f"/v1/smpp-credentials/{made.id}")


async def find(services: Services, call: Call[PageQuery, None]) -> Answer:
    paging = call.query.paging()
    found = await smpp_credentials.find(services.manage, account_id=call.account_id, test=call.test, paging=paging)
    return Answer(Page(tuple(_now(services, each) for each in found.data), found.next_cursor))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    found = await smpp_credentials.get(services.manage, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer(_now(services, found))


async def update(services: Services, call: Call[NoQuery, SmppCredentialChange]) -> Answer:
    changed = await smpp_credentials.update(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(_now(services, changed))


async def rotate(services: Services, call: Call[NoQuery, NewPassword]) -> Answer:
    changed = await smpp_credentials.rotate(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(_now(services, changed))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await smpp_credentials.delete(
        services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test
    )
    return Answer()


def _now(services: Services, view: SmppCredentialView) -> SmppCredentialView:
    """With the binds that it has now."""
    return msgspec.structs.replace(view, binds=services.smpp_binds(view.id))


OPERATIONS = (
    Operation(
        method="POST", path="/v1/smpp-credentials", name="createSmppCredential", tag=_TAG,
        summary="Create an SMPP credential",
        description="The answer alone shows the password; `system_id` and `password` are made when they are absent.",
        scope="smpp:write", handle=create, body=NewSmppCredential, answer=SmppCredentialCreated, status=201,
        errors=("conflict", "too_many_smpp_credentials"),
        example={"name": "Office", "settings": {"allow_addresses": ["203.0.113.0/24"], "id_format": "decimal"}},
    ),
    Operation(
        method="GET", path="/v1/smpp-credentials", name="listSmppCredentials", tag=_TAG,
        summary="List SMPP credentials",
        scope="smpp:read", handle=find, query=PageQuery, answer=Page[SmppCredentialView],
    ),
    Operation(
        method="GET", path="/v1/smpp-credentials/{id}", name="getSmppCredential", tag=_TAG,
        summary="Read an SMPP credential",
        scope="smpp:read", handle=get, answer=SmppCredentialView,
    ),
    Operation(
        method="PATCH", path="/v1/smpp-credentials/{id}", name="updateSmppCredential", tag=_TAG,
        summary="Change an SMPP credential",
        description="Absent settings stay. New ones hold at once; the binds of one that is suspended are closed.",
        scope="smpp:write", handle=update, body=SmppCredentialChange, answer=SmppCredentialView,
        example={"status": "suspended", "settings": {"receipt_format": "text"}},
    ),
    Operation(
        method="POST", path="/v1/smpp-credentials/{id}/rotate-password", name="rotateSmppPassword", tag=_TAG,
        summary="Rotate an SMPP password",
        description="The password before it holds no more, and binds that were made with it are closed.",
        scope="smpp:write", handle=rotate, body=NewPassword, answer=SmppCredentialCreated, example={},
    ),
    Operation(
        method="DELETE", path="/v1/smpp-credentials/{id}", name="deleteSmppCredential", tag=_TAG,
        summary="Delete an SMPP credential",
        description="Its binds are closed; receipts and inbound texts that wait for them are dropped.",
        scope="smpp:write", handle=delete, status=204,
    ),
)  # fmt: skip
