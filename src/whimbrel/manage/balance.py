"""Balances and the ledger behind them. Money comes in here and nowhere else; what messages cost moves in the journey's
own commits.
"""

import msgspec

from whimbrel.base import limits, moments, money
from whimbrel.manage import accounts, audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after_position, commit, one, page
from whimbrel.store.interface import Write


class BalanceRow(msgspec.Struct, frozen=True, gc=False):
    """A row of the `balances` table."""

    account_id: str
    currency: str
    available: int
    held: int
    spent: int


class LedgerRow(msgspec.Struct, frozen=True, gc=False):
    """A row of the `ledger` table."""

    position: int
    account_id: str
    message_id: str | None
    kind: str
    debit: str
    credit: str
    amount_micros: int
    note: str
    created_at: int


class TopUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to add money: a decimal string in the account's currency."""

    amount: str
    note: str = ""


class BalanceView(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may still spend, what is on hold for messages under way, and what it has spent."""

    account_id: str
    currency: str
    available: str
    held: str
    spent: str


class LedgerView(msgspec.Struct, frozen=True, kw_only=True):
    """One movement from one book (debit) to another (credit): bank, available, held, spent."""

    position: int
    account_id: str
    message_id: str | None
    kind: str
    debit: str
    credit: str
    amount: str
    note: str
    created_at: str


async def get(ctx: Context, *, account_id: str) -> BalanceView:
    """The balance of an account."""
    row = await one(ctx, BalanceRow, "balance_by_account", account_id)
    return BalanceView(
        account_id=row.account_id,
        currency=row.currency,
        available=money.to_text(row.available),
        held=money.to_text(row.held),
        spent=money.to_text(row.spent),
    )


async def top_up(ctx: Context, actor: str, request: TopUp, *, account_id: str) -> BalanceView:
    """Add money to an account."""
    checks = Checks()
    micros = checks.amount(request.amount, "/amount", positive=True)
    checks.text(request.note, "/note", longest=limits.NAME_MAX, empty=True)
    checks.done()
    await accounts.existing(ctx, account_id)
    entry = (account_id, None, "top_up", "bank", "available", micros, request.note, ctx.clock.now_us())
    detail = {"amount": money.to_text(micros), "note": request.note}
    writes = [
        Write("balance_top_up", ((account_id, micros),)),
        Write("ledger_insert", (entry,)),
        audit.entry(ctx, actor, "balance.topped_up", account_id, account_id, **detail),
    ]
    async with ctx.lock:
        await commit(ctx, writes)
    return await get(ctx, account_id=account_id)


async def ledger(ctx: Context, *, account_id: str, paging: Paging = FIRST_PAGE) -> Page[LedgerView]:
    """Every movement of an account's money, newest first."""
    statement = paging.of("ledger_page", "ledger_page_oldest")
    params = (account_id, after_position(paging), paging.limit + 1)
    rows = await ctx.store.report(account_id, LedgerRow, statement, *params)
    return page(rows, paging, _view, lambda row: row.position)


def _view(row: LedgerRow) -> LedgerView:
    return LedgerView(
        position=row.position,
        account_id=row.account_id,
        message_id=row.message_id,
        kind=row.kind,
        debit=row.debit,
        credit=row.credit,
        amount=money.to_text(row.amount_micros),
        note=row.note,
        created_at=moments.to_text(row.created_at),
    )
