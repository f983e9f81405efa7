"""Who changed what: one entry for each change, written in the change's own commit. Entries hold ids, names and codes,
never secrets and never people's numbers.
"""

from typing import Any

import msgspec

from whimbrel.base import ids, moments
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, page
from whimbrel.store.interface import Write


class AuditRow(msgspec.Struct, frozen=True, gc=False):
    """An entry as stored. Column order of the `audit` table."""

    id: str
    account_id: str | None
    actor: str
    action: str
    subject_id: str
    detail: str
    created_at: int


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `actor` is a key's id, or "cli", or "quickstart"; `action` a noun and a verb ("carrier.paused")."""

    id: str
    account_id: str | None
    actor: str
    action: str
    subject_id: str
    detail: dict[str, Any]
    created_at: str


def entry(
    ctx: Context, actor: str, action: str, subject_id: str, account_id: str | None = None, **detail: Any
) -> Write:
    """The write of one entry, to be committed with the change."""
    row = (
        ctx.ids.new(ids.AUDIT),
        account_id,
        actor,
        action,
        subject_id,
        msgspec.json.encode(detail).decode(),
        ctx.clock.now_us(),
    )
    return Write("audit_insert", (row,))


async def find(ctx: Context, account_id: str | None = None, paging: Paging = FIRST_PAGE) -> Page[AuditView]:
    """Changes to one account's things, or (None) all changes of the installation; newest first by default."""
    statement = paging.of("audit_page", "audit_page_oldest")
    rows = await ctx.store.report(account_id, AuditRow, statement, account_id, after(paging), paging.limit + 1)
    return page(rows, paging, _view, lambda row: row.id)


def _view(row: AuditRow) -> AuditView:
    return AuditView(
        id=row.id,
        account_id=row.account_id,
        actor=row.actor,
        action=row.action,
        subject_id=row.subject_id,
        detail=msgspec.json.decode(row.detail),
        created_at=moments.to_text(row.created_at),
    )
