"""/v1/numbers: numbers of accounts, and their papers. A number is a sender too, under the same id; here is what only
numbers have."""

from typing import Annotated

from msgspec import Meta

from whimbrel.domain.model import Sender
from whimbrel.domain.sender_rules import SenderKind
from whimbrel.edges.rest.paging import PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import numbers
from whimbrel.manage.context import Page
from whimbrel.manage.numbers import NewNumber, NumberAssignment, NumberChange, NumberView, view
from whimbrel.manage.senders import Approval, Wanted
from whimbrel.products.registrations import documents
from whimbrel.products.registrations.shapes import DocumentView, NewDocument, document_view

_TAG = "numbers"
_DOCUMENT_BODY_MAX = 7 * 1024 * 1024 + 65_536  # five MiB in base64


class NumbersQuery(PageQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which numbers."""

    kind: Annotated[SenderKind | None, Meta(description="Only those of this kind.")] = None
    approval: Annotated[Approval | None, Meta(description="Only those that the operator approved, or not.")] = None
    country: Annotated[str | None, Meta(description="Only those of this country (ISO 3166).")] = None
    number: Annotated[str | None, Meta(description="Only those with these digits in them.")] = None


async def create(services: Services, call: Call[NoQuery, NewNumber]) -> Answer:
    made = await numbers.create(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(_view(services, made), location=f"/v1/numbers/{made.id}")


async def find(services: Services, call: Call[NumbersQuery, None]) -> Answer:
    query = call.query
    part = None if query.number is None else "".join(filter(str.isdigit, query.number))
    wanted = Wanted(kind=query.kind, approval=query.approval, country=query.country, part=part)
    found = await numbers.find(services.manage, wanted, account_id=call.acting_for, paging=query.paging())
    return Answer(Page(tuple(_view(services, each) for each in found.data), found.next_cursor))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(_view(services, await numbers.get(services.manage, call.path["id"], account_id=call.account_id)))


async def update(services: Services, call: Call[NoQuery, NumberChange]) -> Answer:
    changed = await numbers.update(services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id)
    return Answer(_view(services, changed))


async def assign(services: Services, call: Call[NoQuery, NumberAssignment]) -> Answer:
    changed = await numbers.assign(services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id)
    return Answer(_view(services, changed))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await numbers.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


async def add_document(services: Services, call: Call[NoQuery, NewDocument]) -> Answer:
    number = await numbers.get(services.manage, call.path["id"], account_id=call.account_id)
    made = await documents.add(services.manage, call.actor, number.id, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/documents/{made.id}")


async def list_documents(services: Services, call: Call[NoQuery, None]) -> Answer:
    number = await numbers.get(services.manage, call.path["id"], account_id=call.account_id)
    found = await documents.of_subject(services.manage, number.id, account_id=call.account_id)
    return Answer(Page(tuple(map(document_view, found))))


def _view(services: Services, sender: Sender) -> NumberView:
    return view(sender, services.tables.number_limits.get(sender.id))


OPERATIONS = (
    Operation(
        method="POST", path="/v1/numbers", name="createNumber", tag=_TAG, summary="Give an account a number",
        description="The header `X-Account-Id` names the account. The number is a sender of it too, under the same id.",
        access="operator", account_header="needed", scope="senders:assign", handle=create, body=NewNumber,
        answer=NumberView, status=201, errors=("conflict", "invalid_sender", "webhook_url_refused"),
        example={"number": "+12025550123", "label": "Support", "capabilities": ["sms", "inbound"]},
    ),
    Operation(
        method="GET", path="/v1/numbers", name="listNumbers", tag=_TAG, summary="List numbers, newest first",
        description="Of the account, or of all where the operator names none.",
        access="any", scope="senders:read", handle=find, query=NumbersQuery, answer=Page[NumberView],
    ),
    Operation(
        method="GET", path="/v1/numbers/{id}", name="getNumber", tag=_TAG, summary="Read a number",
        scope="senders:read", handle=get, answer=NumberView,
    ),
    Operation(
        method="PATCH", path="/v1/numbers/{id}", name="updateNumber", tag=_TAG,
        summary="Change what a number is called, and where answers go",
        scope="senders:write", live_only=True, handle=update, body=NumberChange, answer=NumberView,
        errors=("webhook_url_refused",), example={"label": "Support", "sms_url": "https://example.com/inbound"},
    ),
    Operation(
        method="PATCH", path="/v1/numbers/{id}/assignment", name="assignNumber", tag=_TAG,
        summary="Change what a number can do, who holds it, and whether it may be used",
        access="operator", account_header="needed", scope="senders:assign", handle=assign, body=NumberAssignment,
        answer=NumberView, example={"approval": "rejected", "approval_reason": "The letter is not signed."},
    ),
    Operation(
        method="DELETE", path="/v1/numbers/{id}", name="deleteNumber", tag=_TAG, summary="Take a number away",
        access="operator", account_header="needed", scope="senders:assign", handle=delete, status=204,
    ),
    Operation(
        method="POST", path="/v1/numbers/{id}/documents", name="addDocumentOfNumber", tag=_TAG,
        summary="Keep a file with a number", body_max=_DOCUMENT_BODY_MAX,
        scope="senders:write", live_only=True, handle=add_document, body=NewDocument, answer=DocumentView, status=201,
        errors=("document_limit", "body_too_large"),
        example={"name": "letter.pdf", "content_type": "application/pdf", "data": "JVBERi0xLjcK"},
    ),
    Operation(
        method="GET", path="/v1/numbers/{id}/documents", name="listDocumentsOfNumber", tag=_TAG,
        summary="List the files of a number", scope="senders:read", handle=list_documents, answer=Page[DocumentView],
    ),
)  # fmt: skip
