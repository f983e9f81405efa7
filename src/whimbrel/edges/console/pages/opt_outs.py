"""Opt-outs: numbers that the account must not text."""

import re

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page

_OPT_OUTS = "/console/opt-outs"
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
    looked_for = request.query.text("number")
    try:
        found = await request.api("listOptOuts", query=request.query.given("number", "cursor"))
        rows, following, wrong = found.data, found.next_cursor, ""
    except WhimbrelError as refusal:
        if refusal.code != "invalid_number":
            raise
        rows, following, wrong = (), None, refusal.detail
    values = {"opt_outs": rows, "next": following, "may_write": request.api.may("importOptOuts")}
    if request.is_part:
        return request.part("opt_outs/list.html", "rows", **values)
    return request.page(
        "opt_outs/list.html",
        status=422 if told else 200,
        form=form,
        problem=told,
        looked_for=looked_for,
        wrong=wrong,
        **values,
    )


PAGES = (
    Page(path=_OPT_OUTS, handle=opt_outs),
    Page(path=_OPT_OUTS, method="POST", handle=record),
    Page(path=f"{_OPT_OUTS}/{{id}}/remove", method="POST", handle=remove),
)
