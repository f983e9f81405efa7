"""/v1/senders: what may stand as the sender of an account's messages. The operator assigns them, accounts choose."""

from typing import Annotated

from msgspec import Meta

from whimbrel.domain.sender_rules import SenderKind
from whimbrel.edges.rest.paging import PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import senders
from whimbrel.manage.context import Page
from whimbrel.manage.senders import Approval, NewSender, SenderAssignment, SenderChange, SenderView, Wanted

_TAG = "senders"


class SendersQuery(PageQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which senders."""

    kind: Annotated[SenderKind | None, Meta(description="Only those of this kind.")] = None
    approval: Annotated[Approval | None, Meta(description="Only those that the operator approved, or not.")] = None
    value: Annotated[str | None, Meta(description="Only this name or number.")] = None


async def create(services: Services, call: Call[NoQuery, NewSender]) -> Answer:
    made = await senders.create(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/senders/{made.id}")


async def find(services: Services, call: Call[SendersQuery, None]) -> Answer:
    query = call.query
    wanted = Wanted(kind=query.kind, approval=query.approval, value=query.value)
    return Answer(await senders.find(services.manage, wanted, account_id=call.account_id, paging=query.paging()))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await senders.get(services.manage, call.path["id"], account_id=call.account_id))


async def update(services: Services, call: Call[NoQuery, SenderChange]) -> Answer:
    return Answer(
        await senders.update(services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id)
    )


async def assign(services: Services, call: Call[NoQuery, SenderAssignment]) -> Answer:
    return Answer(
        await senders.assign(services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id)
    )


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await senders.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


OPERATIONS = (
    Operation(
        method="POST", path="/v1/senders", name="createSender", tag=_TAG, summary="Give an account a sender",
        description="A sender must belong to who uses it. The header `X-Account-Id` names the account.",
        access="operator", account_header="needed",
        scope="senders:assign", handle=create, body=NewSender, answer=SenderView, status=201,
        errors=("conflict", "invalid_sender", "webhook_url_refused"),
        example={"value": "+15005550006", "is_default": True},
    ),
    Operation(
        method="GET", path="/v1/senders", name="listSenders", tag=_TAG, summary="List senders",
        scope="senders:read", handle=find, query=SendersQuery, answer=Page[SenderView],
    ),
    Operation(
        method="GET", path="/v1/senders/{id}", name="getSender", tag=_TAG, summary="Read a sender",
        scope="senders:read", handle=get, answer=SenderView,
    ),
    Operation(
        method="PATCH", path="/v1/senders/{id}", name="updateSender", tag=_TAG,
        summary="Change defaults and where answers go",
        scope="senders:write", live_only=True, handle=update, body=SenderChange, answer=SenderView,
        errors=("webhook_url_refused",), example={"is_default": True, "countries": ["US", "CA"]},
    ),
    Operation(
        method="PATCH", path="/v1/senders/{id}/assignment", name="assignSender", tag=_TAG,
        summary="Say whether a sender may be used",
        description="From one that is not approved nothing is sent, neither what is new nor what waits.",
        access="operator", account_header="needed", scope="senders:assign", handle=assign, body=SenderAssignment,
        answer=SenderView, example={"approval": "rejected", "approval_reason": "The name is somebody else's."},
    ),
    Operation(
        method="DELETE", path="/v1/senders/{id}", name="deleteSender", tag=_TAG, summary="Take a sender away",
        access="operator", account_header="needed", scope="senders:assign", handle=delete, status=204,
    ),
)  # fmt: skip
