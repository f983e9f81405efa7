"""/v1/registrations, /v1/registration-regimes, /v1/documents: what senders are registered with."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.registrations import RegistrationState, regimes
from whimbrel.edges.rest.paging import Cursor, Limit
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page, Paging
from whimbrel.products.registrations import deciding, documents, keeping
from whimbrel.products.registrations.shapes import (
    Approved,
    DocumentView,
    NewDocument,
    NewRegistration,
    RegimeView,
    RegistrationChange,
    RegistrationView,
    Rejected,
    regime_view,
    registration_view,
)

_TAG = "registrations"
_DOCUMENT_BODY_MAX = 7 * 1024 * 1024 + 65_536  # five MiB in base64
_DRAFT = {
    "regime": "sg_ssir",
    "name": "Acme in Singapore",
    "senders": ["PN0196a1b2c3d4e5f60718293a4b5c0000"],
    "answers": {"company_name": "Acme Pte Ltd", "uen": "201912345K"},
}


class RegistrationsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which registrations."""

    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT
    state: Annotated[RegistrationState | None, Meta(description="Only those in this state.")] = None
    regime: Annotated[str | None, Meta(description="Only those of this regime.")] = None


async def list_regimes(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(Page(tuple(map(regime_view, regimes().values()))))


async def get_regime(services: Services, call: Call[NoQuery, None]) -> Answer:
    regime = regimes().get(call.path["regime"])
    if regime is None:
        raise WhimbrelError("not_found")
    return Answer(regime_view(regime))


async def create(services: Services, call: Call[NoQuery, NewRegistration]) -> Answer:
    made = await keeping.create(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(registration_view(made), location=f"/v1/registrations/{made.id}")


async def find(services: Services, call: Call[RegistrationsQuery, None]) -> Answer:
    query = call.query
    found = await keeping.find(
        services.manage,
        account_id=call.acting_for,
        state=query.state,
        regime=query.regime,
        paging=Paging(query.cursor, query.limit),
    )
    papers = await documents.by_subject(services.manage, [row.id for row in found.data])
    return Answer(Page(tuple(registration_view(row, papers[row.id]) for row in found.data), found.next_cursor))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await _view(services, call, call.path["id"]))


async def update(services: Services, call: Call[NoQuery, RegistrationChange]) -> Answer:
    changed = await keeping.update(services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id)
    return Answer(await _view(services, call, changed.id))


async def submit(services: Services, call: Call[NoQuery, None]) -> Answer:
    done = await keeping.submit(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer(await _view(services, call, done.id))


async def approve(services: Services, call: Call[NoQuery, Approved]) -> Answer:
    done = await deciding.approve(services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id)
    return Answer(await _view(services, call, done.id))


async def reject(services: Services, call: Call[NoQuery, Rejected]) -> Answer:
    done = await deciding.reject(services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id)
    return Answer(await _view(services, call, done.id))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await keeping.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


async def add_document(services: Services, call: Call[NoQuery, NewDocument]) -> Answer:
    made = await keeping.add_document(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id
    )
    return Answer(made, location=f"/v1/documents/{made.id}")


async def get_document(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await documents.get(services.manage, call.path["id"], account_id=call.account_id))


async def document_content(services: Services, call: Call[NoQuery, None]) -> Answer:
    row, data = await documents.content(services.manage, call.path["id"], account_id=call.account_id)
    headers = (
        (b"content-disposition", b'attachment; filename="' + row.id.encode() + b'"'),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    )
    return Answer(data, headers=headers, content_type=b"application/octet-stream")


async def delete_document(services: Services, call: Call[NoQuery, None]) -> Answer:
    await keeping.drop_document(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


async def _view(services: Services, call: Call[Any, Any], registration_id: str) -> RegistrationView:
    row, papers = await keeping.get(services.manage, registration_id, account_id=call.account_id)
    return registration_view(row, papers, await keeping.throughput(services.manage, row))


OPERATIONS = (
    Operation(
        method="GET", path="/v1/registration-regimes", name="listRegistrationRegimes", tag=_TAG,
        summary="List ways to register senders",
        description="Each with its questions, papers, and what the operator enters when it is approved, as data.",
        access="any", scope="senders:read", handle=list_regimes, answer=Page[RegimeView],
    ),
    Operation(
        method="GET", path="/v1/registration-regimes/{regime}", name="getRegistrationRegime", tag=_TAG,
        summary="Read a way to register",
        access="any", scope="senders:read", handle=get_regime, answer=RegimeView,
    ),
    Operation(
        method="POST", path="/v1/registrations", name="createRegistration", tag=_TAG, summary="Begin a registration",
        description="As a draft: what is missing is answered later, and told in `missing`.",
        scope="senders:write", live_only=True, handle=create, body=NewRegistration, answer=RegistrationView,
        status=201, errors=("registration_limit",), example=_DRAFT,
    ),
    Operation(
        method="GET", path="/v1/registrations", name="listRegistrations", tag=_TAG,
        summary="List registrations, newest first",
        description="Of the account; or, where the operator names none, of all that are in `state`, by itself "
        "`submitted`. Papers are told of by one registration only.",
        access="any", scope="senders:read", handle=find, query=RegistrationsQuery, answer=Page[RegistrationView],
    ),
    Operation(
        method="GET", path="/v1/registrations/{id}", name="getRegistration", tag=_TAG, summary="Read a registration",
        scope="senders:read", handle=get, answer=RegistrationView,
    ),
    Operation(
        method="PATCH", path="/v1/registrations/{id}", name="updateRegistration", tag=_TAG,
        summary="Change a registration",
        description="While it is a draft or rejected; of others only `senders`.",
        scope="senders:write", live_only=True, handle=update, body=RegistrationChange, answer=RegistrationView,
        errors=("conflict",), example={"answers": {"use_case": "Codes and order updates"}},
    ),
    Operation(
        method="POST", path="/v1/registrations/{id}/submit", name="submitRegistration", tag=_TAG,
        summary="Hand a registration to the operator",
        scope="senders:write", live_only=True, handle=submit, answer=RegistrationView,
        errors=("conflict", "registration_incomplete"),
    ),
    Operation(
        method="POST", path="/v1/registrations/{id}/approve", name="approveRegistration", tag=_TAG,
        summary="Approve a registration",
        description="Its senders count as registered from now on. One that is approved may be approved again, with "
        "other facts.",
        access="operator", account_header="needed", scope="senders:assign", handle=approve, body=Approved,
        answer=RegistrationView, errors=("conflict",), example={"decision": {"external_id": "SSIR-1"}},
    ),
    Operation(
        method="POST", path="/v1/registrations/{id}/reject", name="rejectRegistration", tag=_TAG,
        summary="Reject a registration, or take its approval back",
        access="operator", account_header="needed", scope="senders:assign", handle=reject, body=Rejected,
        answer=RegistrationView, errors=("conflict",), example={"reason": "The letter is not signed."},
    ),
    Operation(
        method="DELETE", path="/v1/registrations/{id}", name="deleteRegistration", tag=_TAG,
        summary="Forget a registration with its papers",
        scope="senders:write", live_only=True, handle=delete, status=204, errors=("in_use",),
    ),
    Operation(
        method="POST", path="/v1/registrations/{id}/documents", name="addDocumentOfRegistration", tag=_TAG,
        summary="Bring a paper of a registration", body_max=_DOCUMENT_BODY_MAX,
        scope="senders:write", live_only=True, handle=add_document, body=NewDocument, answer=DocumentView, status=201,
        errors=("conflict", "document_limit", "body_too_large"),
        example={"name": "letter.pdf", "content_type": "application/pdf", "data": "JVBERi0xLjcK",
                 "purpose": "authorisation"},
    ),
    Operation(
        method="GET", path="/v1/documents/{id}", name="getDocument", tag=_TAG, summary="Read what a file is",
        scope="senders:read", handle=get_document, answer=DocumentView,
    ),
    Operation(
        method="GET", path="/v1/documents/{id}/content", name="getDocumentContent", tag=_TAG,
        summary="Download a file", scope="senders:read", handle=document_content,
        content_type="application/octet-stream",
    ),
    Operation(
        method="DELETE", path="/v1/documents/{id}", name="deleteDocument", tag=_TAG, summary="Take a file away",
        description="One of a registration only while that may be changed.",
        scope="senders:write", live_only=True, handle=delete_document, status=204, errors=("conflict",),
    ),
)  # fmt: skip
