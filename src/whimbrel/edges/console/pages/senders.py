"""Senders: what may stand as the sender of an account's messages, and where answers to it go."""

from typing import Any, Final, get_args

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.manage.senders import Approval

_SENDERS = "/console/senders"
_APPROVALS: Final = get_args(Approval)
TABLE: Final = Table(
    name="senders",
    path=_SENDERS,
    cells="senders/cells.html",
    operation="listSenders",
    columns=(
        Column("value", "senders.value"),
        Column("kind", "senders.kind"),
        Column("default", "senders.default", lambda row, more: (row.countries or ("*",)) if row.is_default else None),
        Column("approval", "numbers.approval"),
        Column("answers", "senders.answers", "sms_url", css="wide"),
        Column("since", "senders.since", "created_at"),
        Column("id", "table.id", usual=False),
    ),
)


async def senders(request: Request) -> Response:
    """All of the account, newest first; a script asks for the rows that follow."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="senders")
    return await tables.answer(request, TABLE, "senders/list.html", may_assign=request.api.may("createSender"))


async def new(request: Request) -> Response:
    return _new(request, Form())


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("createSender", body={"value": form.text("value"), **_choices(form)})
    except WhimbrelError as error:
        return _new(request, form, error)
    return request.go(_SENDERS, done="sender.made")


async def sender(request: Request) -> Response:
    return await _sender(request, None, None)


async def update(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("updateSender", path=dict(request.path), body=_choices(form))
    except WhimbrelError as error:
        return await _sender(request, form, error)
    return request.go(_SENDERS, done="sender.changed")


async def assign(request: Request) -> Response:
    if not request.api.may("assignSender"):
        raise WhimbrelError("forbidden", "Only the operator's people approve senders.")
    form = await request.form()
    body = {"approval": form.text("approval"), "approval_reason": form.text("approval_reason")}
    try:
        await request.api("assignSender", path=dict(request.path), body=body)
    except WhimbrelError as error:
        return await _sender(request, None, error, Form.of(body))
    return request.go(f"{_SENDERS}/{request.path['id']}", done="sender.changed")


async def remove(request: Request) -> Response:
    await request.api("deleteSender", path=dict(request.path))
    return request.go(_SENDERS, done="sender.removed")


def _choices(form: Form) -> dict[str, Any]:
    """What is chosen of a sender, as the API takes it."""
    return {
        "is_default": form.flag("is_default"),
        "countries": form.text("countries").upper().replace(",", " ").split(),
        "sms_url": form.text("sms_url") or None,
        "sms_method": form.text("sms_method", "POST"),
        "sms_fallback_url": form.text("sms_fallback_url") or None,
    }


def _new(request: Request, form: Form, error: WhimbrelError | None = None) -> Response:
    if not request.api.may("createSender"):
        raise WhimbrelError("forbidden", "Only the operator's people give senders to accounts.")
    return request.page(
        "senders/one.html",
        status=422 if error else 200,
        sender=None,
        form=form,
        problem=problem(error) if error else None,
        may_write=True,
        may_assign=True,
    )


async def _sender(
    request: Request, form: Form | None, error: WhimbrelError | None, facts: Form | None = None
) -> Response:
    found = await request.api("getSender", path=dict(request.path))
    filled = {
        "countries": " ".join(found.countries),
        "sms_url": found.sms_url or "",
        "sms_method": found.sms_method,
        "sms_fallback_url": found.sms_fallback_url or "",
        **({"is_default": "1"} if found.is_default else {}),
    }
    return request.page(
        "senders/one.html",
        status=422 if error else 200,
        sender=found,
        form=form or Form.of(filled),
        facts=facts or Form.of({"approval": found.approval, "approval_reason": found.approval_reason}),
        approvals=_APPROVALS,
        problem=problem(error) if error else None,
        may_write=request.api.may("updateSender"),
        may_assign=request.api.may("deleteSender"),
    )


PAGES = (
    Page(path=_SENDERS, handle=senders),
    table_files.page(TABLE),
    Page(path=f"{_SENDERS}/new", handle=new),
    Page(path=f"{_SENDERS}/new", method="POST", handle=create),
    Page(path=f"{_SENDERS}/{{id}}", handle=sender),
    Page(path=f"{_SENDERS}/{{id}}", method="POST", handle=update),
    Page(path=f"{_SENDERS}/{{id}}/assignment", method="POST", handle=assign),
    Page(path=f"{_SENDERS}/{{id}}/remove", method="POST", handle=remove),
)
