"""What a template is, as values: its content (the JSON document of a draft or a version), and the rows of its
tables.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.domain.model import MessageClass

VariableType = Literal["text", "number", "integer", "money", "date", "time", "datetime", "url", "phone", "code"]
Approval = Literal["pending", "approved", "rejected"]
TemplateStatus = Literal["active", "archived"]
DltContent = Literal["transactional", "service_implicit", "service_explicit", "promotional"]


class Variable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """Something that is filled in."""

    name: Annotated[str, Meta(description="Letters, digits and _, a letter first; at most 40.", examples=["order"])]
    type: VariableType = "text"
    required: Annotated[bool, Meta(description="Whether a message must give it; one with a default need not.")] = True
    default: Annotated[Any, Meta(description="What it is where a message does not give it.")] = None
    max_length: Annotated[
        Annotated[int, Meta(ge=1, le=limits.TEXT_MAX)] | None,
        Meta(
            description=f"Characters of a text, code or url; {limits.TEMPLATE_VALUE_DEFAULT} by default.",
        ),
    ] = None
    min: Annotated[str | int | None, Meta(description="The least number or amount.")] = None
    max: Annotated[str | int | None, Meta(description="The greatest number or amount.")] = None
    currency: Annotated[str | None, Meta(description="ISO 4217, of amounts that do not say theirs.")] = None
    zone: Annotated[
        str | None,
        Meta(description="IANA time zone in which a moment is told; UTC by default.", examples=["Asia/Kolkata"]),
    ] = None
    hosts: Annotated[
        tuple[str, ...], Meta(description="Hosts that a url may lead to, with those below them; none: any.")
    ] = ()
    lines: Annotated[bool, Meta(description="Whether line breaks of a text stay; else they become spaces.")] = False
    example: Annotated[Any, Meta(description="A sample value for previews.")] = None
    description: str = ""


class DltTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A text as it is registered at a DLT platform."""

    template_id: str
    text: Annotated[
        str | None,
        Meta(description="The text as it was approved, with {#var#} for what varies; then texts are compared with it."),
    ] = None


class Dlt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The registration that carriers in India ask for: who sends, and which text in which language."""

    entity_id: Annotated[str, Meta(description="The principal entity's id, TLV 0x1400.")]
    content_type: DltContent = "service_implicit"
    telemarketer_id: Annotated[str | None, Meta(description="The chain of telemarketers, TLV 0x1402.")] = None
    templates: Annotated[dict[str, DltTemplate], Meta(description="By language; ids go into TLV 0x1401.")] = {}


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """What a draft or a version says."""

    message_class: Annotated[MessageClass, Meta(description="The class of its messages.")] = msgspec.field(
        default="transactional", name="class"
    )
    sender: Annotated[str | None, Meta(description="The sender of messages that name none.")] = None
    default_language: Annotated[str, Meta(description="BCP 47; the text of all that have no text of their own.")] = "en"
    texts: Annotated[
        dict[str, str], Meta(description="By language.", examples=[{"en": "Hi {{name}}", "de": "Hallo {{name}}"}])
    ]
    variables: Annotated[
        tuple[Variable, ...] | None,
        Meta(description="Without any they are those that the texts name, of types that their filters take."),
    ] = None
    dlt: Dlt | None = None


class Template(msgspec.Struct, frozen=True, gc=False):
    """A name, and the draft under it. Column order of the `templates` table."""

    id: str
    account_id: str
    name: str  # one in the account
    description: str
    status: TemplateStatus
    draft: str | None  # JSON of Content; None: nothing has changed since the newest version
    newest: int  # number of the newest version; 0: none was published
    live: int | None  # number of the newest version that is approved
    seq: int  # number of its newest event
    created_at: int
    updated_at: int


class TemplateVersion(msgspec.Struct, frozen=True, gc=False):
    """What was published; its content never changes. Column order of the `template_versions` table."""

    template_id: str
    number: int
    account_id: str
    content: str  # JSON of Content
    approval: Approval
    reason: str  # why it was rejected
    decided_by: str  # who approved or rejected it; empty: nobody had to
    decided_at: int | None
    published_by: str
    created_at: int
