"""Routes: which carriers take which numbers, in their order, and what would happen to a sample number."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, More, Table
from whimbrel.edges.console.undoing import Undo
from whimbrel.edges.console.whole import whole_or_text

_ROUTES = "/console/routes"
_MANY = "1000"
_CHOICES = ("carriers.1", "carriers.2", "carriers.3")


async def routes(request: Request) -> Response:
    return await _routes(request)


async def explain(request: Request) -> Response:
    """What would become of a text to a number: asked by a form beside the list."""
    form = await request.form()
    try:
        found = await request.api("explainMessage", body={"to": form.text("to"), "text": "Hello"})
    except WhimbrelError as error:
        told = problem(error)
        return request.part("routes/list.html", "explained", explained=None, refused=told, status=told.status)
    names = await _names(request)
    return request.part("routes/list.html", "explained", explained=found, refused=None, names=names)


async def new(request: Request) -> Response:
    return await _form(request, None, Form.of({"enabled": "1"}))


async def create(request: Request) -> Response:
    form = await request.form()
    body = _body(form) | ({"account_id": request.asked.acting_for} if form.flag("own") else {})
    try:
        await request.api_for(None)("createRoute", body=body)
    except WhimbrelError as error:
        return await _form(request, None, form, error)
    return request.go(_ROUTES, done="route.made")


async def edit(request: Request) -> Response:
    found = await request.api("getRoute", path=dict(request.path))
    chosen = dict(zip(_CHOICES, found.carriers, strict=False))
    fields = {"prefix": found.prefix, "country": found.country, "position": str(found.position), **chosen}
    return await _form(request, found, Form.of(fields | ({"enabled": "1"} if found.enabled else {})))


async def update(request: Request) -> Response:
    form = await request.form()
    found = await request.api("getRoute", path=dict(request.path))
    try:
        await request.api("updateRoute", path=dict(request.path), body=_body(form))
    except WhimbrelError as error:
        return await _form(request, found, form, error)
    return request.go(_ROUTES, done="route.changed")


async def move(request: Request) -> Response:
    """One place up or down."""
    form = await request.form()
    found = await request.api("getRoute", path=dict(request.path))
    position = max(1, found.position + (1 if form.flag("down") else -1))
    await request.api("updateRoute", path=dict(request.path), body={"position": position})
    return request.go(_ROUTES)


async def remove(request: Request) -> Response:
    found = await request.api("getRoute", path=dict(request.path))
    await request.api("deleteRoute", path=dict(request.path))
    names = ("carriers", "prefix", "country", "account_id", "position", "enabled")
    undo = Undo("createRoute", _ROUTES, body={name: getattr(found, name) for name in names})
    return request.undone_by(undo).go(_ROUTES, done="route.removed")


def _body(form: Form) -> dict[str, Any]:
    """A route as the API takes it."""
    position = form.text("position")
    return {
        "carriers": [form.text(name) for name in _CHOICES if form.text(name)],
        "prefix": form.text("prefix").lstrip("+"),
        "country": form.text("country").upper(),
        "enabled": form.flag("enabled"),
        **({"position": whole_or_text(position)} if position else {}),
    }


async def _names(request: Request) -> dict[str, str]:
    """Names of carriers by id."""
    if not request.api.may("listCarriers"):
        return {}
    return {each.id: each.name for each in (await request.api("listCarriers", query={"limit": _MANY})).data}


def _carriers_of(route: Any, more: More) -> list[str]:
    return [more["names"].get(each, each) for each in route.carriers]


async def _beside(request: Request) -> More:
    return {"names": await _names(request)}


TABLE: Final = Table(
    name="routes",
    path=_ROUTES,
    cells="routes/cells.html",
    operation="listRoutes",
    acts=True,
    more=_beside,
    columns=(
        Column("numbers", "routes.numbers", lambda row, more: f"+{row.prefix}" if row.prefix else row.country),
        Column("position", "routes.position", css="n"),
        Column("carriers", "routes.carriers", _carriers_of),
        Column("whose", "routes.whose", "account_id"),
        Column("state", "routes.state", lambda row, more: "active" if row.enabled else "disabled"),
        Column("id", "table.id", usual=False),
    ),
)


async def _routes(request: Request) -> Response:
    return await tables.answer(
        request,
        TABLE,
        "routes/list.html",
        form=EMPTY,
        explained=None,
        refused=None,
        may_write=request.api.may("createRoute"),
        may_explain=request.asked.acting_for is not None and request.api.may("explainMessage"),
    )


async def _form(request: Request, route: Any, form: Form, error: WhimbrelError | None = None) -> Response:
    if not request.api.may("createRoute"):
        raise WhimbrelError("forbidden", "Your role may not change routes.")
    told = problem(error) if error else None
    return request.page(
        "routes/form.html",
        status=told.status if told else 200,
        route=route,
        form=form,
        problem=told,
        wrong_carriers=_wrong_carriers(told),
        names=await _names(request),
        choices=_CHOICES,
        account_id=request.asked.acting_for,
    )


def _wrong_carriers(told: Problem | None) -> str:
    fields = told.fields if told else {}
    return next((words for name, words in fields.items() if name.startswith("carriers")), "")


PAGES = (
    Page(path=_ROUTES, handle=routes),
    table_files.page(TABLE),
    Page(path=f"{_ROUTES}/explain", method="POST", handle=explain),
    Page(path=f"{_ROUTES}/new", handle=new),
    Page(path=f"{_ROUTES}/new", method="POST", handle=create),
    Page(path=f"{_ROUTES}/{{id}}", handle=edit),
    Page(path=f"{_ROUTES}/{{id}}", method="POST", handle=update),
    Page(path=f"{_ROUTES}/{{id}}/move", method="POST", handle=move),
    Page(path=f"{_ROUTES}/{{id}}/remove", method="POST", handle=remove),
)
