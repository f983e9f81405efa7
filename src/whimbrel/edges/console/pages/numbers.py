"""Numbers: what an account can be called and answered by, who holds each, how much it may send, and its papers."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import choosing, papers, table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/senders/numbers"
_ONE: Final = f"{PATH}/{{id}}"
TABLE: Final = Table(
    name="numbers",
    path=PATH,
    cells="numbers/cells.html",
    operation="listNumbers",
    columns=(
        Column("number", "numbers.number"),
        Column("label", "numbers.label"),
        Column("kind", "senders.kind"),
        Column("country", "numbers.country"),
        Column("capabilities", "numbers.capabilities", lambda row, more: " ".join(row.capabilities)),
        Column("approval", "numbers.approval"),
        Column("per_minute", "numbers.per_minute", "limits.per_minute", css="n"),
        Column("per_day", "numbers.per_day", "limits.per_day", css="n"),
        Column("answers", "senders.answers", "sms_url", usual=False),
        Column("carrier", "numbers.carrier", "carrier_id", usual=False),
        Column("id", "table.id", usual=False),
    ),
)
CAPABILITIES: Final = ("sms", "mms", "voice", "inbound")
_APPROVALS: Final = ("approved", "pending", "rejected")


async def numbers(request: Request) -> Response:
    """All of the account, newest first."""
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    return await tables.answer(request, TABLE, "numbers/list.html", may_assign=request.api.may("createNumber"))


async def new(request: Request) -> Response:
    return await _new(request, Form.of({"capabilities": ("sms", "inbound"), "approval": "approved"}))


async def create(request: Request) -> Response:
    form = await request.form()
    body = {"number": form.text("number"), "country": form.text("country").upper(), "label": form.text("label")}
    try:
        made = await request.api("createNumber", body=body | _assignment(form, first=True))
    except WhimbrelError as error:
        return await _new(request, form, error)
    return request.go(_ONE.format(id=made.id), done="number.made")


async def number(request: Request) -> Response:
    return await _number(request, None, None)


async def update(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("updateNumber", path=dict(request.path), body=_choices(form))
    except WhimbrelError as error:
        return await _number(request, form, error)
    return request.go(_ONE.format(**request.path), done="sender.changed")


async def assign(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("assignNumber", path=dict(request.path), body=_assignment(form))
    except WhimbrelError as error:
        return await _number(request, form, error)
    return request.go(_ONE.format(**request.path), done="sender.changed")


async def remove(request: Request) -> Response:
    await request.api("deleteNumber", path=dict(request.path))
    return request.go(PATH, done="sender.removed")


async def bring(request: Request) -> Response:
    """A paper, as the browser reads it."""
    return await papers.bring(request, "getNumber", "addDocumentOfNumber")


def _choices(form: Form) -> dict[str, Any]:
    return {
        "label": form.text("label"),
        "is_default": form.flag("is_default"),
        "countries": form.text("countries").upper().replace(",", " ").split(),
        "sms_url": form.text("sms_url") or None,
        "sms_method": form.text("sms_method", "POST"),
        "sms_fallback_url": form.text("sms_fallback_url") or None,
        "sms_fallback_method": form.text("sms_fallback_method", "POST"),
    }


def _assignment(form: Form, *, first: bool = False) -> dict[str, Any]:
    """What the operator says; a figure that is none is handed on, so that the API says so."""
    said: dict[str, Any] = {
        "capabilities": list(form.many("capabilities")),
        "carrier_id": form.text("carrier_id") or None,
        "approval": form.text("approval", "approved"),
        "per_minute": _figure(form.text("per_minute")),
        "per_day": _figure(form.text("per_day")),
    }
    return said if first else said | {"approval_reason": form.text("approval_reason")}


def _figure(text: str) -> int | str | None:
    return int(text) if text.isdecimal() and len(text) < 12 else text or None


async def _carriers(request: Request) -> list[tuple[str, str]]:
    if not request.api.may("listCarriers"):
        return []
    return [(each.id, each.name) for each in (await request.api("listCarriers")).data]


async def _new(request: Request, form: Form, error: WhimbrelError | None = None) -> Response:
    if not request.api.may("createNumber"):
        raise WhimbrelError("forbidden", request.words("numbers.not_for_you"))
    return request.page(
        "numbers/new.html",
        status=422 if error else 200,
        form=form,
        problem=problem(error) if error else None,
        carriers=await _carriers(request),
        capabilities=CAPABILITIES,
        approvals=_APPROVALS,
    )


async def _number(request: Request, form: Form | None, error: WhimbrelError | None) -> Response:
    found = await request.api("getNumber", path=dict(request.path))
    filled: dict[str, str | tuple[str, ...]] = {
        "label": found.label,
        "countries": " ".join(found.countries),
        "sms_url": found.sms_url or "",
        "sms_method": found.sms_method,
        "sms_fallback_url": found.sms_fallback_url or "",
        "sms_fallback_method": found.sms_fallback_method,
        "capabilities": found.capabilities,
        "carrier_id": found.carrier_id or "",
        "approval": found.approval,
        "approval_reason": found.approval_reason,
        "per_minute": str(found.per_minute or ""),
        "per_day": str(found.per_day or ""),
        **({"is_default": "1"} if found.is_default else {}),
    }
    return request.page(
        "numbers/one.html",
        status=422 if error else 200,
        number=found,
        form=form or Form.of(filled),
        facts=Form.of(filled) if form is None or not form.sent("approval") else form,
        problem=problem(error) if error else None,
        documents=(await request.api("listDocumentsOfNumber", path=dict(request.path))).data,
        carriers=await _carriers(request),
        capabilities=CAPABILITIES,
        approvals=_APPROVALS,
        may_write=request.api.may("updateNumber"),
        may_assign=request.api.may("assignNumber"),
        empty=EMPTY,
        most=papers.MOST,
    )


PAGES = (
    Page(path=PATH, handle=numbers),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=_ONE, handle=number),
    Page(path=_ONE, method="POST", handle=update),
    Page(path=f"{_ONE}/assignment", method="POST", handle=assign),
    Page(path=f"{_ONE}/papers", method="POST", handle=bring),
    Page(path=f"{_ONE}/remove", method="POST", handle=remove),
)
