"""Prices of a segment, by the first digits of the number: the general list, and what holds for the account."""

from decimal import Decimal
from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo

_PRICES = "/console/prices"


def _mms(row: Any) -> Decimal | None:
    return Decimal(row.mms_price) if row.mms_price else None


TABLE: Final = Table(
    name="prices",
    path=_PRICES,
    cells="prices/cells.html",
    operation="listPrices",
    acts=True,
    columns=(
        Column("prefix", "prices.prefix", lambda row, more: f"+{row.prefix}"),
        Column("price", "prices.price", lambda row, more: Decimal(row.price), css="n"),
        Column("mms_price", "prices.mms_price", lambda row, more: _mms(row), css="n"),
        Column("currency", "prices.currency", usual=False),
        Column("whose", "prices.whose", "account_id"),
        Column("since", "prices.since", "updated_at"),
        Column("id", "table.id", usual=False),
    ),
)


async def prices(request: Request) -> Response:
    """All that hold for who asks; a script asks for the rows that follow."""
    return await _prices(request, EMPTY, None)


async def put(request: Request) -> Response:
    """Set one; setting it again replaces it."""
    form = await request.form()
    body = {"prefix": form.text("prefix").lstrip("+"), "price": form.text("price")}
    body |= form.given("mms_price")
    currency = form.text("currency").upper()
    account_id = request.asked.acting_for if form.flag("own") else None
    try:
        await request.api_for(account_id)("setPrice", body=body | ({"currency": currency} if currency else {}))
    except WhimbrelError as error:
        return await _prices(request, form, error)
    return request.go(_PRICES, done="price.set")


async def remove(request: Request) -> Response:
    found = await request.api_for(None)("getPrice", path=dict(request.path))
    await request.api_for(None)("deletePrice", path=dict(request.path))
    body = {"prefix": found.prefix, "price": found.price, "currency": found.currency, "mms_price": found.mms_price}
    undo = Undo("setPrice", _PRICES, body=body, account_id=found.account_id)
    return request.undone_by(undo).go(_PRICES, done="price.removed")


async def _prices(request: Request, form: Form, error: WhimbrelError | None) -> Response:
    told = problem(error) if error else None
    return await tables.answer(
        request,
        TABLE,
        "prices/list.html",
        status=told.status if told else 200,
        form=form,
        problem=told,
        account_id=request.asked.acting_for,
        may_write=request.api.may("setPrice"),
    )


PAGES = (
    Page(path=_PRICES, handle=prices),
    table_files.page(TABLE),
    Page(path=_PRICES, method="POST", handle=put),
    Page(path=f"{_PRICES}/{{id}}/remove", method="POST", handle=remove),
)
