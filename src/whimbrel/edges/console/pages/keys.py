"""API keys: made with a choice of scopes, shown once, revoked at once."""

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console.forms import Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.manage.scopes import ACCOUNT_SCOPES, OPERATOR, OPERATOR_SCOPES

_KEYS = "/console/keys"
_SENDS = ("messages:write", "messages:read")


async def keys(request: Request) -> Response:
    """All keys, newest first; a script asks for the rows that follow."""
    found = await request.api("listKeys", query=request.query.given("cursor"))
    values = {"keys": found.data, "next": found.next_cursor, "may_write": request.api.may("createKey")}
    if request.is_part:
        return request.part("keys/list.html", "rows", **values)
    return request.page("keys/list.html", **values)


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
    Page(path=f"{_KEYS}/new", handle=new, confirmed=True),
    Page(path=f"{_KEYS}/new", method="POST", handle=create, confirmed=True),
    Page(path=f"{_KEYS}/{{id}}/revoke", method="POST", handle=revoke),
)
