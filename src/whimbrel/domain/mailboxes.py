"""Mailboxes: whose mail becomes texts of an account, and how; and the log of their mails, of those that go out too."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from whimbrel.base.limits import MAILBOX_ANSWER_DAYS, MAILBOX_ANSWER_DAYS_MAX
from whimbrel.domain.mail_results import Wanted
from whimbrel.domain.model import MessageClass

MailboxStatus = Literal["active", "paused"]
Report = Literal["none", "failed", "all"]
MailKind = Literal["text", "answer", "report"]
MailState = Literal["sent", "refused", "pending", "failed"]
STATES: Final[tuple[MailState, ...]] = ("sent", "refused", "pending", "failed")


class MailboxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a mailbox does; stored as one JSON column."""

    auth: Annotated[
        Wanted,
        Meta(
            description="What the mail server in front must have found out: `dkim` or `spf` passed for the domain of "
            "the From field, `any` of these or DMARC; `none` believes whatever that server hands on."
        ),
    ] = "any"
    sender: Annotated[str, Meta(description="Sender of the texts; empty: the account's default.")] = ""
    message_class: Annotated[MessageClass, Meta(description="Class of the texts.")] = msgspec.field(
        default="transactional", name="class"
    )
    subject: Annotated[bool, Meta(description="Whether the subject stands before the text.")] = False
    max_parts: Annotated[int, Meta(ge=1, le=10, description="Segments of one text; longer mail is refused.")] = 6
    machines: Annotated[
        bool,
        Meta(
            description="Whether mail is taken that a machine wrote on its own (an alarm, a list). What answers by "
            "itself never is."
        ),
    ] = False
    answers: Annotated[
        Literal["writer", "address", "none"],
        Meta(description="Where a phone's answer goes: to who wrote the mail, to `answers_to`, or nowhere."),
    ] = "writer"
    answers_to: Annotated[str, Meta(description="An address of mail, with `answers` = `address`.")] = ""
    answer_days: Annotated[
        int,
        Meta(ge=1, le=MAILBOX_ANSWER_DAYS_MAX, description="Days that a phone's text is taken for an answer."),
    ] = MAILBOX_ANSWER_DAYS
    report: Annotated[
        Report,
        Meta(description="Whether the writer hears by mail what became of a text: never, when it failed, or always."),
    ] = "failed"


class Mailbox(msgspec.Struct, frozen=True, gc=False):
    """A mailbox. Column order of the `mailboxes` table."""

    id: str
    account_id: str
    test: bool  # its texts are test traffic
    name: str
    status: MailboxStatus
    tag: str  # of NUMBER+TAG@DOMAIN; one in the installation
    allowed: tuple[str, ...]  # addresses, and domains with their at sign, in lower case
    settings: str  # JSON of MailboxSettings
    reports: bool  # who wrote hears by mail what became of a text
    created_at: int
    updated_at: int


class MailboxMail(msgspec.Struct, frozen=True, gc=False):
    """One line of the log: a mail for one phone, or one that goes out. Column order of `mailbox_mails`."""

    id: str
    account_id: str
    mailbox_id: str
    kind: MailKind
    state: MailState
    reason: str  # a code of the catalogue; empty where there is none
    detail: str
    message_id: str | None  # the text that was sent, or the one that came
    phone: str  # masked
    mail: bytes | None  # encrypted: JSON of Correspondence
    phone_hash: int | None  # by which an answer finds the mail, as long as one may come
    taken: str | None  # what was sent for, which happens once in a mailbox
    tries: int
    due_at: int | None  # of the next try to send it; None: there is none
    created_at: int
    updated_at: int


class Correspondence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an answer has to know of a mail; and of a mail that goes out where it goes. Addresses and subjects are
    people's, so the log keeps them encrypted."""

    writer: str = ""  # who wrote the mail
    to: str = ""  # where answers go, or this mail goes
    subject: str = ""
    message_id: str = ""  # Message-ID of the mail
    references: tuple[str, ...] = ()
    number: str = ""  # the phone, in E.164
    attachments: int = 0
    state: str = ""  # of a report: what became of the text
    reason: str = ""
