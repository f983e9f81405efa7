"""The log of a mailbox: what came, what became of it, and what went out."""

from cryptography.exceptions import InvalidTag

from whimbrel.domain.mailboxes import Correspondence, MailboxMail, MailState
from whimbrel.manage.context import Context, Page, Paging, after, one, page
from whimbrel.products.mailboxes.keeping import existing
from whimbrel.products.mailboxes.receiving import opened
from whimbrel.products.mailboxes.shapes import MailView, mail_view


async def find(
    ctx: Context, mailbox_id: str, *, account_id: str, test: bool, state: MailState | None, paging: Paging
) -> Page[MailView]:
    """A page of mails; of one state, or of all."""
    await existing(ctx, mailbox_id, account_id, test)
    place = after(paging)
    if state is None:
        statement = paging.of("mailbox_mails_page", "mailbox_mails_page_oldest")
        rows = await ctx.store.fetch(MailboxMail, statement, mailbox_id, place, paging.limit + 1)
    else:
        statement = paging.of("mailbox_mails_page_of_state", "mailbox_mails_page_of_state_oldest")
        rows = await ctx.store.fetch(MailboxMail, statement, mailbox_id, state, place, paging.limit + 1)
    return page(rows, paging, lambda row: mail_view(row, _about(ctx, row)), lambda row: row.id)


async def get(ctx: Context, mailbox_id: str, mail_id: str, *, account_id: str, test: bool) -> MailView:
    """One mail; `not_found`."""
    await existing(ctx, mailbox_id, account_id, test)
    row = await one(ctx, MailboxMail, "mailbox_mail_by_id", mail_id, mailbox_id)
    return mail_view(row, _about(ctx, row))


def _about(ctx: Context, row: MailboxMail) -> Correspondence | None:
    try:
        return opened(ctx.vault, row)
    except InvalidTag:
        return None
