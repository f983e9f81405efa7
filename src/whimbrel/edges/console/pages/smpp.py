"""SMPP credentials: what applications bind with, how many binds they have, and what waits for them."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.customers import CustomerSettings
from whimbrel.edges.console import choosing, table_files, tables
from whimbrel.edges.console.forms import Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo

_SMPP = "/console/smpp"
TABLE: Final = Table(
    name="smpp",
    path=_SMPP,
    cells="smpp/cells.html",
    operation="listSmppCredentials",
    live_s=5,
    columns=(
        Column("name", "smpp.name"),
        Column("system_id", "smpp.system_id"),
        Column("state", "smpp.state", "status"),
        Column("binds", "smpp.binds", css="n"),
        Column("owed", "smpp.owed", css="n"),
        Column("owed_since", "smpp.owed_since"),
        Column("id", "table.id", usual=False),
    ),
)
_DEFAULTS: Final[dict[str, Any]] = msgspec.to_builtins(CustomerSettings())


async def credentials(request: Request) -> Response:
    """All of the account; a script asks for the rows again, and for those that follow."""
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    return await tables.answer(request, TABLE, "smpp/list.html", may_write=request.api.may("createSmppCredential"))


async def new(request: Request) -> Response:
    return _form(request, None, Form.of({"settings": "{}"}))


async def create(request: Request) -> Response:
    """The password is shown on the answer and never again."""
    form = await request.form()
    try:
        body = {"name": form.text("name"), "settings": _settings(form)} | form.given("system_id")
        made = await request.api("createSmppCredential", body=body)
    except WhimbrelError as error:
        return _form(request, None, form, error)
    return request.page("smpp/password.html", credential=made)


async def credential(request: Request) -> Response:
    found = await request.api("getSmppCredential", path=dict(request.path))
    return _form(request, found, Form.of({"name": found.name, "settings": _more(found.settings)}))


async def update(request: Request) -> Response:
    form = await request.form()
    found = await request.api("getSmppCredential", path=dict(request.path))
    try:
        settings = _DEFAULTS | _settings(form)
        body = {"name": form.text("name"), "settings": settings}
        await request.api("updateSmppCredential", path=dict(request.path), body=body)
    except WhimbrelError as error:
        return _form(request, found, form, error)
    return request.go(_SMPP, done="smpp.changed")


async def suspend(request: Request) -> Response:
    await request.api("updateSmppCredential", path=dict(request.path), body={"status": "suspended"})
    return request.undone_by(_undo(request, "active")).go(_SMPP, done="smpp.suspended")


async def activate(request: Request) -> Response:
    await request.api("updateSmppCredential", path=dict(request.path), body={"status": "active"})
    return request.undone_by(_undo(request, "suspended")).go(_SMPP, done="smpp.activated")


async def rotate(request: Request) -> Response:
    made = await request.api("rotateSmppPassword", path=dict(request.path), body={})
    return request.page("smpp/password.html", credential=made)


async def remove(request: Request) -> Response:
    await request.api("deleteSmppCredential", path=dict(request.path))
    return request.go(_SMPP, done="smpp.removed")


def _undo(request: Request, status: str) -> Undo:
    account_id = request.asked.acting_for
    return Undo("updateSmppCredential", _SMPP, dict(request.path), {"status": status}, account_id)


def _settings(form: Form) -> dict[str, Any]:
    """The settings as they were typed. WhimbrelError: they are no JSON object."""
    try:
        return msgspec.json.decode(form.text("settings") or "{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        detail = f"must be a JSON object: {error}"
        raise WhimbrelError("invalid_request", errors=[FieldError("/settings", detail)]) from None


def _more(settings: CustomerSettings) -> str:
    """What is not as it is by default."""
    values: dict[str, Any] = msgspec.to_builtins(settings)
    shown = {name: value for name, value in values.items() if value != _DEFAULTS[name]}
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()


def _form(request: Request, credential: Any, form: Form, error: WhimbrelError | None = None) -> Response:
    may_write = request.api.may("createSmppCredential")
    if credential is None and not may_write:
        raise WhimbrelError("forbidden", "Your role may not make SMPP credentials.")
    told = problem(error) if error else None
    wrong = {name: words for name, words in told.fields.items() if name.startswith("settings.")} if told else {}
    return request.page(
        "smpp/form.html",
        status=told.status if told else 200,
        credential=credential,
        form=form,
        problem=told,
        wrong_settings=[f"{name.removeprefix('settings.')} {words}" for name, words in wrong.items()],
        defaults=_DEFAULTS,
        may_write=may_write,
    )


PAGES = (
    Page(path=_SMPP, handle=credentials),
    table_files.page(TABLE),
    Page(path=f"{_SMPP}/new", handle=new, confirmed=True),
    Page(path=f"{_SMPP}/new", method="POST", handle=create, confirmed=True),
    Page(path=f"{_SMPP}/{{id}}", handle=credential),
    Page(path=f"{_SMPP}/{{id}}", method="POST", handle=update),
    Page(path=f"{_SMPP}/{{id}}/suspend", method="POST", handle=suspend),
    Page(path=f"{_SMPP}/{{id}}/activate", method="POST", handle=activate),
    Page(path=f"{_SMPP}/{{id}}/rotate", method="POST", handle=rotate, confirmed=True),
    Page(path=f"{_SMPP}/{{id}}/remove", method="POST", handle=remove),
)
