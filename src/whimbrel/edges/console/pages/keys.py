"""API keys: made with a choice of scopes, shown once, revoked at once."""

from typing import Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.manage.scopes import ACCOUNT_SCOPES, OPERATOR, OPERATOR_SCOPES

_KEYS = "/console/keys"
TABLE: Final = Table(
    name="keys",
    path=_KEYS,
    cells="keys/cells.html",
    operation="listKeys",
    acts=True,
    columns=(
        Column("name", "keys.name"),
        Column("key", "keys.key", "hint"),
        Column("mode", "keys.mode"),
        Column("state", "keys.state", "status"),
        Column("scopes", "keys.scopes"),
        Column("made", "keys.made", "created_at"),
        Column("until", "keys.until", "expires_at", usual=False),
        Column("id", "table.id", usual=False),
    ),
)
_SENDS = ("messages:write", "messages:read")


async def keys(request: Request) -> Response:
    """All keys, newest first; a script asks for the rows that follow."""
    return await tables.answer(request, TABLE, "keys/list.html", may_write=request.api.may("createKey"))


async def new(request: Request) -> Response:
    mode = "test" if request.visit.session.test else "live"
    return _new(request, Form.of({"mode": mode, "scopes": _SENDS}))


async def create(request: Request) -> Response:
    """The key itself is shown on the answer and never again."""
    form = await request.form()
    body = {"name": form.text("name"), "mode": form.text("mode"), "scopes": form.many("scopes")}
    if form.text("expires_at"):
        body["expires_at"] = f"{form.text('expires_at')}T00:00:00Z"
    try:
        made = await request.api("createKey", body=body)
    except WhimbrelError as error:
        return _new(request, form, error)
    return request.page("keys/made.html", key=made, url=request.origin)


async def revoke(request: Request) -> Response:
    await request.api("revokeKey", path=dict(request.path))
    return request.go(_KEYS, done="key.revoked")


def _new(request: Request, form: Form, error: WhimbrelError | None = None) -> Response:
    if not request.api.may("createKey"):
        raise WhimbrelError("forbidden", "Your role may not make keys.")
    asked = request.asked
    known = ACCOUNT_SCOPES if asked.acting_for is not None else {**ACCOUNT_SCOPES, **OPERATOR_SCOPES}
    grantable = [scope for scope in known if scope in asked.principal.scopes or OPERATOR in asked.principal.scopes]
    told = problem(error) if error else None
    return request.page(
        "keys/new.html",
        status=422 if error else 200,
        form=form,
        problem=told,
        scopes=grantable,
        meanings=known,
        wrong_scopes=next((words for name, words in told.fields.items() if name.startswith("scopes")), "")
        if told
        else "",
    )


PAGES = (
    Page(path=_KEYS, handle=keys),
    table_files.page(TABLE),
    Page(path=f"{_KEYS}/new", handle=new, confirmed=True),
    Page(path=f"{_KEYS}/new", method="POST", handle=create, confirmed=True),
    Page(path=f"{_KEYS}/{{id}}/revoke", method="POST", handle=revoke),
)
