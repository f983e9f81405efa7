"""/v1/mailboxes: whose mail becomes texts. A test key sees and makes mailboxes that send test traffic. The mail itself
comes in by SMTP, at a door of its own (edges/mail).
"""

from typing import Annotated

from msgspec import Meta

from whimbrel.domain.mailboxes import MailState
from whimbrel.edges.rest.paging import HistoryQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page
from whimbrel.products.mailboxes import keeping, logbook
from whimbrel.products.mailboxes.shapes import MailboxChange, MailboxView, MailView, NewMailbox

_TAG = "mailboxes"
_OF_SENDERS = ("sender_not_allowed", "invalid_sender")


class MailboxesQuery(HistoryQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which page, and of which."""

    sender: Annotated[str | None, Meta(description="Only mailboxes that take mail of this address.")] = None


class LogQuery(HistoryQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which page, and of which."""

    state: Annotated[MailState | None, Meta(description="Only mails that stand so.")] = None


async def create(services: Services, call: Call[NoQuery, NewMailbox]) -> Answer:
    made = await keeping.create(
        services.manage,
        call.actor,
        call.body,
        account_id=call.account_id,
        test=call.test,
        domain=services.mail_domain,
    )
    return Answer(made, location=f"/v1/mailboxes/{made.id}")


async def find(services: Services, call: Call[MailboxesQuery, None]) -> Answer:
    found = await keeping.find(
        services.manage,
        account_id=call.account_id,
        test=call.test,
        sender=call.query.sender,
        domain=services.mail_domain,
        paging=call.query.paging(),
    )
    return Answer(found)


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    found = await keeping.get(
        services.manage,
        call.path["id"],
        account_id=call.account_id,
        test=call.test,
        domain=services.mail_domain,
    )
    return Answer(found)


async def update(services: Services, call: Call[NoQuery, MailboxChange]) -> Answer:
    changed = await keeping.update(
        services.manage,
        call.actor,
        call.path["id"],
        call.body,
        account_id=call.account_id,
        test=call.test,
        domain=services.mail_domain,
    )
    return Answer(changed)


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await keeping.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer()


async def find_mails(services: Services, call: Call[LogQuery, None]) -> Answer:
    found = await logbook.find(
        services.manage,
        call.path["id"],
        account_id=call.account_id,
        test=call.test,
        state=call.query.state,
        paging=call.query.paging(),
    )
    return Answer(found)


async def get_mail(services: Services, call: Call[NoQuery, None]) -> Answer:
    found = await logbook.get(
        services.manage, call.path["id"], call.path["mail_id"], account_id=call.account_id, test=call.test
    )
    return Answer(found)


OPERATIONS = (
    Operation(
        method="POST", path="/v1/mailboxes", name="createMailbox", tag=_TAG, summary="Take mail of these senders",
        description="Mail of theirs to NUMBER@DOMAIN becomes a text, and a phone's answer goes back by mail. The "
        "answer shows the address that names this mailbox alone.",
        scope="mailboxes:write", handle=create, body=NewMailbox, answer=MailboxView, status=201,
        errors=("too_many_mailboxes", *_OF_SENDERS), example={"name": "Shop", "senders": ["@shop.example"]},
    ),
    Operation(
        method="GET", path="/v1/mailboxes", name="listMailboxes", tag=_TAG, summary="List mailboxes",
        scope="mailboxes:read", handle=find, query=MailboxesQuery, answer=Page[MailboxView],
    ),
    Operation(
        method="GET", path="/v1/mailboxes/{id}", name="getMailbox", tag=_TAG, summary="Read a mailbox",
        scope="mailboxes:read", handle=get, answer=MailboxView,
    ),
    Operation(
        method="PATCH", path="/v1/mailboxes/{id}", name="updateMailbox", tag=_TAG, summary="Change a mailbox",
        description="`senders` are all of them. A paused mailbox refuses mail.",
        scope="mailboxes:write", handle=update, body=MailboxChange, answer=MailboxView, errors=_OF_SENDERS,
        example={"status": "paused"},
    ),
    Operation(
        method="DELETE", path="/v1/mailboxes/{id}", name="deleteMailbox", tag=_TAG,
        summary="Delete a mailbox with its log", scope="mailboxes:write", handle=delete, status=204,
    ),
    Operation(
        method="GET", path="/v1/mailboxes/{id}/log", name="listMails", tag=_TAG, summary="List the mails of a mailbox",
        description="A line for each phone of a mail, with what became of it; and the answers and reports that go out.",
        scope="mailboxes:read", handle=find_mails, query=LogQuery, answer=Page[MailView],
    ),
    Operation(
        method="GET", path="/v1/mailboxes/{id}/log/{mail_id}", name="getMail", tag=_TAG, summary="Read one of them",
        scope="mailboxes:read", handle=get_mail, answer=MailView,
    ),
)  # fmt: skip
