"""/v1/templates: texts with variables, kept under names, with their versions."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.domain.templates.document import Approval
from whimbrel.edges.rest.paging import Cursor, Limit, PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page, Paging
from whimbrel.products.templates import keeping, versions
from whimbrel.products.templates.preview import Preview, Trial, preview
from whimbrel.products.templates.shapes import (
    NewTemplate,
    Rejection,
    TemplateChange,
    TemplateView,
    VersionView,
)
from whimbrel.products.templates.versions import Decision

_TAG = "templates"
_READ, _WRITE, _APPROVE = "templates:read", "templates:write", "templates:approve"
_EXAMPLE = {
    "name": "order-shipped",
    "texts": {
        "en": "Hi {{name|default:there}}, your order {{order}} is on its way: {{link}}",
        "de": "Hallo {{name|default:du}}, deine Bestellung {{order}} ist unterwegs: {{link}}",
    },
    "variables": [
        {"name": "name", "required": False, "max_length": 30},
        {"name": "order", "type": "code"},
        {"name": "link", "type": "url", "hosts": ["example.com"]},
    ],
    "publish": True,
}


class TemplateQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which templates."""

    status: Annotated[Literal["active", "archived"] | None, Meta(description="Only these.")] = None
    name: Annotated[str | None, Meta(description="Only those whose names begin so.")] = None
    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT


async def create(services: Services, call: Call[NoQuery, NewTemplate]) -> Answer:
    ctx, about = services.manage, {"account_id": call.account_id}
    row = await keeping.create(ctx, call.actor, call.body, **about)
    made = (
        await versions.publish(ctx, call.actor, row.id, **about) if call.body.publish else await keeping.view(ctx, row)
    )
    return Answer(made, location=f"/v1/templates/{row.id}")


async def find(services: Services, call: Call[TemplateQuery, None]) -> Answer:
    query = call.query
    found = await keeping.find(
        services.manage,
        account_id=call.account_id,
        status=query.status or "",
        prefix=query.name or "",
        paging=Paging(query.cursor, query.limit),
    )
    return Answer(found)


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    row = await keeping.existing(services.manage, call.path["id"], call.account_id)
    return Answer(await keeping.view(services.manage, row))


async def update(services: Services, call: Call[NoQuery, TemplateChange]) -> Answer:
    about = {"account_id": call.account_id}
    return Answer(await keeping.update(services.manage, call.actor, call.path["id"], call.body, **about))


async def publish(services: Services, call: Call[NoQuery, None]) -> Answer:
    about = {"account_id": call.account_id}
    return Answer(await versions.publish(services.manage, call.actor, call.path["id"], **about))


async def archive(services: Services, call: Call[NoQuery, None]) -> Answer:
    about = {"account_id": call.account_id}
    return Answer(await keeping.set_status(services.manage, call.actor, call.path["id"], "archived", **about))


async def restore(services: Services, call: Call[NoQuery, None]) -> Answer:
    about = {"account_id": call.account_id}
    return Answer(await keeping.set_status(services.manage, call.actor, call.path["id"], "active", **about))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await keeping.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


async def list_versions(services: Services, call: Call[PageQuery, None]) -> Answer:
    found = await versions.find(
        services.manage, call.path["id"], account_id=call.account_id, paging=call.query.paging()
    )
    return Answer(found)


async def get_version(services: Services, call: Call[NoQuery, None]) -> Answer:
    path = call.path
    return Answer(await versions.get(services.manage, path["id"], path["version"], account_id=call.account_id))


async def approve(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await _decided(services, call, "approved"))


async def reject(services: Services, call: Call[NoQuery, Rejection]) -> Answer:
    return Answer(await _decided(services, call, "rejected", call.body.reason))


async def _decided(services: Services, call: Call[Any, Any], approval: Approval, reason: str = "") -> VersionView:
    decision = Decision(call.actor, call.within is None, approval, reason)
    path = call.path
    return await versions.decide(services.manage, decision, path["id"], path["version"], account_id=call.account_id)


async def pending(services: Services, call: Call[PageQuery, None]) -> Answer:
    found = await versions.pending(services.manage, account_id=call.acting_for, paging=call.query.paging())
    return Answer(found)


async def try_out(services: Services, call: Call[NoQuery, Trial]) -> Answer:
    return Answer(await preview(services.manage, services.tables, call.body, account_id=call.account_id))


OPERATIONS = (
    Operation(
        method="POST", path="/v1/templates", name="createTemplate", tag=_TAG, summary="Keep a template",
        description="As a draft, or with `publish` as version 1 at once.",
        scope=_WRITE, live_only=True, handle=create, body=NewTemplate, answer=TemplateView, status=201,
        errors=("conflict", "too_many_templates"), example=_EXAMPLE,
    ),
    Operation(
        method="GET", path="/v1/templates", name="listTemplates", tag=_TAG, summary="List templates, by name",
        scope=_READ, handle=find, query=TemplateQuery, answer=Page[TemplateView],
    ),
    Operation(
        method="POST", path="/v1/templates/preview", name="previewTemplate", tag=_TAG,
        summary="What a template's texts would be",
        description="In each language, with segments and, for a number, the price; nothing is stored or sent.",
        scope=_READ, handle=try_out, body=Trial, answer=Preview, errors=("invalid_variable", "invalid_number"),
        example={"template": "order-shipped", "variables": {"name": "Ana"}, "to": "+14155550123"},
    ),
    Operation(
        method="GET", path="/v1/templates/{id}", name="getTemplate", tag=_TAG, summary="Read a template",
        description="By id or name: its draft, or the newest version where no draft differs from it.",
        scope=_READ, handle=get, answer=TemplateView,
    ),
    Operation(
        method="PATCH", path="/v1/templates/{id}", name="updateTemplate", tag=_TAG, summary="Change a template's draft",
        description="What was published stays as it is, until the draft is published as the next version.",
        scope=_WRITE, live_only=True, handle=update, body=TemplateChange, answer=TemplateView, errors=("conflict",),
        example={"texts": {"en": "Hi {{name|default:there}}, order {{order}} has left: {{link}}"}},
    ),
    Operation(
        method="POST", path="/v1/templates/{id}/publish", name="publishTemplate", tag=_TAG,
        summary="Make the draft the next version",
        scope=_WRITE, live_only=True, handle=publish, answer=TemplateView, errors=("conflict", "too_many_templates"),
    ),
    Operation(
        method="POST", path="/v1/templates/{id}/archive", name="archiveTemplate", tag=_TAG,
        summary="Let no message be made of a template",
        scope=_WRITE, live_only=True, handle=archive, answer=TemplateView,
    ),
    Operation(
        method="POST", path="/v1/templates/{id}/restore", name="restoreTemplate", tag=_TAG,
        summary="Bring an archived template back",
        scope=_WRITE, live_only=True, handle=restore, answer=TemplateView,
    ),
    Operation(
        method="DELETE", path="/v1/templates/{id}", name="deleteTemplate", tag=_TAG, summary="Delete a template",
        description="One that was never published or is archived. Messages keep its name and version.",
        scope=_WRITE, live_only=True, handle=delete, status=204, errors=("in_use",),
    ),
    Operation(
        method="GET", path="/v1/templates/{id}/versions", name="listTemplateVersions", tag=_TAG,
        summary="List what was published of a template, newest first",
        scope=_READ, handle=list_versions, query=PageQuery, answer=Page[VersionView],
    ),
    Operation(
        method="GET", path="/v1/templates/{id}/versions/{version}", name="getTemplateVersion", tag=_TAG,
        summary="Read a version", scope=_READ, handle=get_version, answer=VersionView,
    ),
    Operation(
        method="POST", path="/v1/templates/{id}/versions/{version}/approve", name="approveTemplateVersion", tag=_TAG,
        summary="Approve a version",
        scope=_APPROVE, live_only=True, handle=approve, answer=VersionView,
    ),
    Operation(
        method="POST", path="/v1/templates/{id}/versions/{version}/reject", name="rejectTemplateVersion", tag=_TAG,
        summary="Reject a version, or take its approval back",
        description="Messages are made of the newest version before it that is approved.",
        scope=_APPROVE, live_only=True, handle=reject, body=Rejection, answer=VersionView,
        example={"reason": "The link is not ours."},
    ),
    Operation(
        method="GET", path="/v1/template-approvals", name="listTemplateApprovals", tag=_TAG,
        summary="List versions that wait for approval, oldest first",
        description="Of the account, or of all where the operator names none.",
        access="any", scope=_READ, handle=pending, query=PageQuery, answer=Page[VersionView],
    ),
)  # fmt: skip
