"""Opt-outs: numbers that the account must not text."""

import re
from typing import Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

_OPT_OUTS = "/console/opt-outs"
TABLE: Final = Table(
    name="opt_outs",
    path=_OPT_OUTS,
    cells="opt_outs/cells.html",
    operation="listOptOuts",
    by="since",
    filters=("number",),
    acts=True,
    columns=(
        Column("number", "opt_outs.number"),
        Column("source", "opt_outs.source"),
        Column("scope", "opt_outs.scope", lambda row, more: row.sender or row.pool or row.brand or row.scope),
        Column("since", "opt_outs.since", "created_at"),
        Column("id", "table.id", usual=False),
    ),
)
_BETWEEN = re.compile(r"[\s,;]+")


async def opt_outs(request: Request) -> Response:
    """All of the account, newest first, or whether one number is among them."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="opt_outs")
    return await _opt_outs(request, EMPTY, None)


async def record(request: Request) -> Response:
    """One number or many: each that is not a number is told, and then none is recorded."""
    form = await request.form()
    numbers = [each for each in _BETWEEN.split(form.raw("numbers")) if each]
    try:
        made = await request.api("importOptOuts", body={"numbers": numbers})
    except WhimbrelError as error:
        return await _opt_outs(request, form, error)
    return request.go(_OPT_OUTS, done="opt_out.recorded" if made.created else "opt_out.known")


async def remove(request: Request) -> Response:
    await request.api("deleteOptOut", path=dict(request.path))
    return request.go(_OPT_OUTS, done="opt_out.removed")


async def _opt_outs(request: Request, form: Form, error: WhimbrelError | None) -> Response:
    told = problem(error, "numbers") if error else None
    values = {"form": form, "problem": told, "may_write": request.api.may("importOptOuts")}
    status, page = 422 if told else 200, "opt_outs/list.html"
    try:
        return await tables.answer(request, TABLE, page, status=status, wrong="", **values)
    except WhimbrelError as refusal:
        if refusal.code != "invalid_number":
            raise
        table = await tables.shown(request, TABLE, (), address=TABLE.address(request))
        return request.page(page, status=status, wrong=refusal.detail, table=table, **values)


PAGES = (
    Page(path=_OPT_OUTS, handle=opt_outs),
    table_files.page(TABLE),
    Page(path=_OPT_OUTS, method="POST", handle=record),
    Page(path=f"{_OPT_OUTS}/{{id}}/remove", method="POST", handle=remove),
)
