"""What the API says of mailboxes and takes for them."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import moments
from whimbrel.base.limits import MAILBOX_ANSWER_DAYS_MAX
from whimbrel.domain.mail_results import Wanted
from whimbrel.domain.mailboxes import (
    Correspondence,
    Mailbox,
    MailboxMail,
    MailboxSettings,
    MailboxStatus,
    MailKind,
    MailState,
    Report,
)
from whimbrel.domain.model import MessageClass

Senders = Annotated[
    tuple[str, ...],
    Meta(description="Whose mail it takes: addresses, and `@` with a domain for everybody there."),
]
Name = Annotated[str, Meta(description="What people call it.")]
_CLASS = "class"


class NewMailbox(MailboxSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mailbox to make."""

    name: Name
    senders: Senders


class MailboxChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays. `senders` are all of them."""

    name: Name | UnsetType = UNSET
    status: MailboxStatus | UnsetType = UNSET
    senders: Senders | UnsetType = UNSET
    auth: Wanted | UnsetType = UNSET
    sender: str | UnsetType = UNSET
    message_class: MessageClass | UnsetType = msgspec.field(default=UNSET, name=_CLASS)
    subject: bool | UnsetType = UNSET
    max_parts: Annotated[int, Meta(ge=1, le=10)] | UnsetType = UNSET
    machines: bool | UnsetType = UNSET
    answers: Literal["writer", "address", "none"] | UnsetType = UNSET
    answers_to: str | UnsetType = UNSET
    answer_days: Annotated[int, Meta(ge=1, le=MAILBOX_ANSWER_DAYS_MAX)] | UnsetType = UNSET
    report: Report | UnsetType = UNSET


class MailboxView(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox. `address` is what to write to, with a phone's number in place of `NUMBER`; null where the installation
    has no domain for mail."""

    id: str
    account_id: str
    test: bool
    name: str
    status: MailboxStatus
    tag: str
    address: str | None
    senders: tuple[str, ...]
    auth: Wanted
    sender: str
    message_class: MessageClass = msgspec.field(name=_CLASS)
    subject: bool
    max_parts: int
    machines: bool
    answers: Literal["writer", "address", "none"]
    answers_to: str
    answer_days: int
    report: Report
    created_at: str
    updated_at: str


class MailView(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a mailbox's log. `kind`: a mail that became a `text`, the `answer` of a phone, or a `report`; the last
    two go out to `address`. `phone` is masked; `message_id` is the text that was sent, or that came."""

    id: str
    mailbox_id: str
    kind: MailKind
    state: MailState
    reason: str | None
    detail: str
    message_id: str | None
    phone: str
    address: str | None
    subject: str | None
    attachments: int
    tries: int
    next_try_at: str | None
    created_at: str
    updated_at: str


def settings_of(row: Mailbox) -> MailboxSettings:
    """A mailbox's settings."""
    return msgspec.json.decode(row.settings, type=MailboxSettings)


def view(row: Mailbox, domain: str) -> MailboxView:
    """The public shape. `domain`: where mail for phones comes to; may be empty."""
    return MailboxView(
        id=row.id,
        account_id=row.account_id,
        test=row.test,
        name=row.name,
        status=row.status,
        tag=row.tag,
        address=f"NUMBER+{row.tag}@{domain}" if domain else None,
        senders=row.allowed,
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
        **msgspec.structs.asdict(settings_of(row)),
    )


def mail_view(row: MailboxMail, about: Correspondence | None) -> MailView:
    """A line of the log; `about` None: it is not kept."""
    address = None if about is None else (about.writer if row.kind == "text" else about.to)
    return MailView(
        id=row.id,
        mailbox_id=row.mailbox_id,
        kind=row.kind,
        state=row.state,
        reason=row.reason or None,
        detail=row.detail,
        message_id=row.message_id,
        phone=row.phone,
        address=address,
        subject=None if about is None else about.subject,
        attachments=0 if about is None else about.attachments,
        tries=row.tries,
        next_try_at=moments.to_text_or_none(row.due_at),
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )
