"""What is sent in about templates, and how they are shown."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import limits, moments
from whimbrel.domain.model import MessageClass
from whimbrel.domain.templates.document import (
    Approval,
    Content,
    Dlt,
    Template,
    TemplateStatus,
    TemplateVersion,
    Variable,
)
from whimbrel.domain.templates.rendering import Form

Reason = Annotated[str, Meta(min_length=1, max_length=limits.NAME_MAX, description="Told to who published it.")]


class NewTemplate(Content, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """A template to keep."""

    name: Annotated[
        str,
        Meta(
            description="How messages name it: small letters, digits, -, _ and ., at most 64; one in the account.",
            examples=["order-shipped"],
        ),
    ]
    description: str = ""
    publish: Annotated[bool, Meta(description="Whether to publish it at once, as version 1.")] = False


class TemplateChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to change; what is absent stays. Of the content it changes the draft, never a version."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    message_class: MessageClass | UnsetType = msgspec.field(default=UNSET, name="class")
    sender: str | UnsetType | None = UNSET
    default_language: str | UnsetType = UNSET
    texts: Annotated[dict[str, str] | UnsetType, Meta(description="All of them: a language that is absent goes.")] = (
        UNSET
    )
    variables: tuple[Variable, ...] | UnsetType | None = UNSET
    dlt: Dlt | UnsetType | None = UNSET


class Rejection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a version is rejected."""

    reason: Reason


class TemplateView(msgspec.Struct, frozen=True, kw_only=True):
    """A template with its draft, or with its newest version where no draft differs from it."""

    id: str
    account_id: str
    name: str
    description: str
    status: TemplateStatus
    draft: Annotated[bool, Meta(description="Whether what is shown is a draft that was not published.")]
    version: Annotated[int | None, Meta(description="The newest version; null while there is none.")]
    approval: Annotated[Approval | None, Meta(description="Of the newest version.")]
    live_version: Annotated[
        int | None, Meta(description="The newest approved version: what messages are made of that name none.")
    ]
    message_class: MessageClass = msgspec.field(name="class")
    sender: str | None
    default_language: str
    texts: dict[str, str]
    variables: tuple[Variable, ...]
    dlt: Dlt | None
    created_at: str
    updated_at: str


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """What was published."""

    template_id: str
    account_id: str
    version: int
    live: Annotated[bool, Meta(description="Whether messages that name no version are made of it.")] = False
    approval: Approval
    reason: Annotated[str | None, Meta(description="Why it was rejected.")]
    decided_by: Annotated[str | None, Meta(description="Who approved or rejected it; null: nobody had to.")]
    decided_at: str | None
    published_by: str
    message_class: MessageClass = msgspec.field(name="class")
    sender: str | None
    default_language: str
    texts: dict[str, str]
    variables: tuple[Variable, ...]
    dlt: Dlt | None
    created_at: str


def content_of(document: str) -> Content:
    """A stored content."""
    return msgspec.json.decode(document, type=Content)


def template_view(row: Template, newest: TemplateVersion | None) -> TemplateView:
    """The public shape; `newest`: its newest version, where it has one."""
    document = row.draft if row.draft is not None or newest is None else newest.content
    assert document is not None, "a template without a version has a draft"
    return TemplateView(
        **_fields(content_of(document)),
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        description=row.description,
        status=row.status,
        draft=row.draft is not None,
        version=row.newest or None,
        approval=newest.approval if newest else None,
        live_version=row.live,
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )


def version_view(row: TemplateVersion, live: int | None = None) -> VersionView:
    """The public shape; `live`: the number of the version that is used."""
    return VersionView(
        **_fields(content_of(row.content)),
        template_id=row.template_id,
        account_id=row.account_id,
        version=row.number,
        live=row.number == live,
        approval=row.approval,
        reason=row.reason or None,
        decided_by=row.decided_by or None,
        decided_at=moments.to_text_or_none(row.decided_at),
        published_by=row.published_by,
        created_at=moments.to_text(row.created_at),
    )


def _fields(content: Content) -> dict[str, Any]:
    return msgspec.structs.asdict(content) | {"variables": Form(content).variables}


def plain_content(request: NewTemplate | VersionView) -> Content:
    """The content of what says more."""
    return Content(**{name: getattr(request, name) for name in Content.__struct_fields__})
