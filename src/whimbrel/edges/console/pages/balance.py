"""Money: what the account may still spend, and every movement behind it."""

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page

_BALANCE = "/console/balance"


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
    ledger = await request.api("listLedger", query=request.query.given("cursor"))
    values = {"entries": ledger.data, "next": ledger.next_cursor}
    shown = await request.api("getBalance")
    if request.is_part:
        return request.part("balance/balance.html", "rows", balance=shown, **values)
    told = problem(error) if error else None
    may_top_up = request.api.may("topUpBalance")
    status = told.status if told else 200
    return request.page(
        "balance/balance.html", status=status, balance=shown, form=form, problem=told, may_top_up=may_top_up, **values
    )


PAGES = (
    Page(path=_BALANCE, handle=balance),
    Page(path=_BALANCE, method="POST", handle=top_up, confirmed=True),
)
