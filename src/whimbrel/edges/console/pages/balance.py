"""Money: what the account may still spend, and every movement behind it."""

from typing import Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

_BALANCE = "/console/balance"
TABLE: Final = Table(
    name="ledger",
    path=_BALANCE,
    cells="balance/cells.html",
    operation="listLedger",
    by="when",
    columns=(
        Column("when", "balance.when", "created_at"),
        Column("what", "balance.what", "kind"),
        Column("books", "balance.books", lambda row, more: f"{row.debit} {row.credit}", css="soft"),
        Column("amount", "balance.amount", css="n"),
        Column("message", "balance.of", lambda row, more: row.message_id or row.note),
        Column("position", "balance.position", usual=False, css="n"),
    ),
)


async def balance(request: Request) -> Response:
    return await _balance(request, EMPTY, None)


async def top_up(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("topUpBalance", body={"amount": form.text("amount"), "note": form.text("note")})
    except WhimbrelError as error:
        return await _balance(request, form, error)
    return request.go(_BALANCE, done="balance.topped_up")


async def _balance(request: Request, form: Form, error: WhimbrelError | None) -> Response:
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="balance")
    if request.visit.session.test:
        return request.page("balance/test.html")
    shown = await request.api("getBalance")
    told = problem(error) if error else None
    may_top_up = request.api.may("topUpBalance")
    status = told.status if told else 200
    values = {"balance": shown, "form": form, "problem": told, "may_top_up": may_top_up}
    return await tables.answer(request, TABLE, "balance/balance.html", status=status, **values)


PAGES = (
    Page(path=_BALANCE, handle=balance),
    table_files.page(TABLE),
    Page(path=_BALANCE, method="POST", handle=top_up, confirmed=True),
)
