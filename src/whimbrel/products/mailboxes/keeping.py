"""Mailboxes are made, changed and removed."""

import base64
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

from whimbrel.base import ids, limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.mail_addresses import allowances_of, is_allowance, only_address
from whimbrel.domain.mailboxes import Mailbox, MailboxSettings
from whimbrel.manage import accounts, audit, own_senders
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, Page, Paging, after, commit, one, page
from whimbrel.products.mailboxes.shapes import MailboxChange, MailboxView, NewMailbox, settings_of, view
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_TAG_OCTETS: Final = 5
"""Eight characters that people can copy; a tag is no secret, but one that nobody has by chance."""


async def create(
    ctx: Context, actor: str, request: NewMailbox, *, account_id: str, test: bool, domain: str
) -> MailboxView:
    """A new active mailbox. WhimbrelError: invalid_request, too_many_mailboxes."""
    given = {name: getattr(request, name) for name in MailboxSettings.__struct_fields__}
    settings, allowed = _checked(MailboxSettings(**given), request.name, request.senders)
    await accounts.existing(ctx, account_id)
    await own_senders.check(ctx, {"/sender": settings.sender or None}, account_id=account_id)
    async with ctx.lock:
        (count,) = await ctx.store.fetch(int, "mailboxes_count", account_id)
        if count >= limits.MAILBOXES_PER_ACCOUNT:
            detail = f"An account may have {limits.MAILBOXES_PER_ACCOUNT} mailboxes."
            raise WhimbrelError("too_many_mailboxes", detail)
        now = ctx.clock.now_us()
        row = Mailbox(
            id=ctx.ids.new(ids.MAILBOX),
            account_id=account_id,
            test=test,
            name=request.name,
            status="active",
            tag=base64.b32encode(ctx.chance.octets(_TAG_OCTETS)).decode().lower(),
            allowed=allowed,
            settings=msgspec.json.encode(settings).decode(),
            reports=settings.report != "none",
            created_at=now,
            updated_at=now,
        )
        entry = audit.entry(ctx, actor, "mailbox.created", row.id, account_id)
        await commit(ctx, [Write("mailbox_insert", (to_columns(row),)), _senders(row), entry])
    return view(row, domain)


async def find(
    ctx: Context, *, account_id: str, test: bool, sender: str | None, domain: str, paging: Paging
) -> Page[MailboxView]:
    """A page of mailboxes; with `sender` those that take mail of this address."""
    params: tuple[Any, ...] = (account_id, int(test), after(paging), paging.limit + 1)
    statement = paging.of("mailboxes_page", "mailboxes_page_oldest")
    if sender is not None:
        statement = paging.of("mailboxes_page_of_sender", "mailboxes_page_of_sender_oldest")
        params = (*params, list(allowances_of(sender.lower())))
    rows = await ctx.store.fetch(Mailbox, statement, *params)
    return page(rows, paging, lambda row: view(row, domain), lambda row: row.id)


async def get(ctx: Context, mailbox_id: str, *, account_id: str, test: bool, domain: str) -> MailboxView:
    """One of them; `not_found`."""
    return view(await existing(ctx, mailbox_id, account_id, test), domain)


async def update(
    ctx: Context, actor: str, mailbox_id: str, change: MailboxChange, *, account_id: str, test: bool, domain: str
) -> MailboxView:
    """Change it; mail that comes after the answer goes by it."""
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    inner = {name: value for name, value in given.items() if name not in ("name", "status", "senders")}
    async with ctx.lock:
        row = await existing(ctx, mailbox_id, account_id, test)
        name = given.get("name", row.name)
        wanted = msgspec.structs.replace(settings_of(row), **inner)
        settings, allowed = _checked(wanted, name, given.get("senders", row.allowed))
        if "sender" in given:
            await own_senders.check(ctx, {"/sender": settings.sender or None}, account_id=account_id)
        changed = msgspec.structs.replace(
            row,
            name=name,
            status=given.get("status", row.status),
            allowed=allowed,
            settings=msgspec.json.encode(settings).decode(),
            reports=settings.report != "none",
            updated_at=ctx.clock.now_us(),
        )
        columns = to_columns(changed)
        updated = (mailbox_id, *(columns[_PLACES[each]] for each in _UPDATED))
        writes = [
            Write("mailbox_update", (updated,)),
            Write("mailbox_senders_delete", ((mailbox_id,),)),
            _senders(changed),
            audit.entry(ctx, actor, "mailbox.updated", mailbox_id, account_id, fields=sorted(given)),
        ]
        await commit(ctx, writes)
    return view(changed, domain)


async def delete(ctx: Context, actor: str, mailbox_id: str, *, account_id: str, test: bool) -> None:
    """Remove a mailbox with its log and with mail that has not gone out; what it sent stays."""
    async with ctx.lock:
        await existing(ctx, mailbox_id, account_id, test)
        writes = [
            Write("mailbox_mails_delete", ((mailbox_id,),)),
            Write("mailbox_senders_delete", ((mailbox_id,),)),
            Write("mailbox_delete", ((mailbox_id,),)),
            audit.entry(ctx, actor, "mailbox.deleted", mailbox_id, account_id),
        ]
        await commit(ctx, writes)


async def existing(ctx: Context, mailbox_id: str, account_id: str, test: bool) -> Mailbox:
    """The mailbox's row; `not_found`."""
    return await one(ctx, Mailbox, "mailbox_by_id", mailbox_id, account_id, int(test))


_UPDATED: Final = ("name", "status", "allowed", "settings", "reports", "updated_at")
_PLACES: Final = {name: place for place, name in enumerate(Mailbox.__struct_fields__)}


def _senders(row: Mailbox) -> Write:
    return Write("mailbox_sender_insert", tuple((allowed, row.id, row.account_id) for allowed in row.allowed))


def _checked(settings: MailboxSettings, name: str, allowed: Sequence[str]) -> tuple[MailboxSettings, tuple[str, ...]]:
    """As they are kept."""
    checks = Checks()
    checks.text(name, "/name")
    most = limits.MAILBOX_SENDERS_MAX
    checks.require(1 <= len(allowed) <= most, "/senders", f"must be 1 to {most} addresses or domains")
    for place, each in enumerate(allowed):
        said = "must be an address, or @ and a domain"
        checks.require(is_allowance(each), f"/senders/{place}", said)
    is_address = only_address(settings.answers_to) is not None
    if settings.answers == "address":
        checks.require(is_address, "/answers_to", "must be an address of mail")
    else:
        checks.require(not settings.answers_to, "/answers_to", "means nothing unless `answers` is address")
    checks.done()
    return settings, tuple(dict.fromkeys(each.lower() for each in allowed))
