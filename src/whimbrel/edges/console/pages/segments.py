"""Segments: filters under a name, counted while somebody writes them, with what is wrong marked."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import people_known, table_files, tables
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.pages.contacts import PATH as CONTACTS
from whimbrel.edges.console.pages.contacts import may_write
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo

PATH: Final = f"{CONTACTS}/segments"
_ONE: Final = f"{PATH}/{{id}}"
_SHOWN: Final = "contacts/segment.html"
TABLE: Final = Table(
    name="segments",
    path=PATH,
    cells="contacts/segments_cells.html",
    operation="listSegments",
    is_paged=False,
    acts=True,
    columns=(
        Column("name", "contacts.segment"),
        Column("filter", "contacts.filter"),
        Column("members", "contacts.members", lambda row, more: None, sorts=False, css="n"),
        Column("changed", "contacts.changed", "updated_at"),
        Column("id", "table.id", usual=False),
    ),
)


async def segments(request: Request) -> Response:
    """All, by name."""
    return await tables.answer(request, TABLE, "contacts/segments.html", may_write=may_write(request))


async def members(request: Request) -> Response:
    """How many there are in one now."""
    try:
        found = await request.api("countSegment", path=dict(request.path))
    except WhimbrelError as error:
        if error.code != "invalid_filter":
            raise
        return request.part("contacts/many.html", "members", count=None, wrong=error.detail)
    return request.part("contacts/many.html", "members", count=found.count, wrong="")


async def new(request: Request) -> Response:
    return await _form(request, None, Form.of({"filter": request.query.text("filter")}))


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        made = await request.api("createSegment", body=_body(form))
    except WhimbrelError as error:
        return await _form(request, None, form, _told(error))
    return request.go(_ONE.format(id=made.id), done="segment.created")


async def one(request: Request) -> Response:
    found = await request.api("getSegment", path=dict(request.path))
    return await _form(request, found, Form.of({"name": found.name, "filter": found.filter}))


async def update(request: Request) -> Response:
    form, path = await request.form(), dict(request.path)
    found = await request.api("getSegment", path=path)
    try:
        await request.api("updateSegment", path=path, body=_body(form))
    except WhimbrelError as error:
        return await _form(request, found, form, _told(error))
    return request.go(_ONE.format(id=found.id), done="segment.changed")


async def label(request: Request) -> Response:
    """Everybody of it comes on a list or gets a tag, or loses it: followed on the page of an import."""
    form, path = await request.form(), dict(request.path)
    found = await request.api("getSegment", path=path)
    kind, _, name = form.text("label").partition(":")
    body = {"action": form.text("action")} | ({kind: name} if kind in ("tag", "list") else {})
    try:
        begun = await request.api("labelSegment", path=path, body=body)
    except WhimbrelError as error:
        shown = Form.of({"name": found.name, "filter": found.filter, "label": form.text("label")})
        return await _form(request, found, shown, problem(error, "label"))
    return request.go(f"{CONTACTS}/imports/{begun.id}")


async def remove(request: Request) -> Response:
    found = await request.api("getSegment", path=dict(request.path))
    await request.api("deleteSegment", path=dict(request.path))
    undo = Undo("createSegment", PATH, body={"name": found.name, "filter": found.filter})
    return request.undone_by(undo).go(PATH, done="segment.removed")


async def preview(request: Request) -> Response:
    """Whom a filter holds for, while somebody writes it: how many, the newest, or where it is wrong."""
    if not request.api.may("previewSegment"):
        raise WhimbrelError("forbidden")
    filter = (await request.form()).text("filter")
    return request.part(_SHOWN, "preview", **await _preview(request, filter))


async def _preview(request: Request, filter: str) -> dict[str, Any]:
    values: dict[str, Any] = {"found": None, "marked": None, "wrong": ""}
    if not filter:
        return values
    try:
        values["found"] = await request.api("previewSegment", body={"filter": filter})
    except WhimbrelError as error:
        if error.code != "invalid_filter":
            raise
        values |= {"marked": people_known.marked(filter, error), "wrong": error.detail}
    return values


async def _form(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    """Whom it holds for is asked for by the page: to count a million people takes longer than a page may."""
    values = await people_known.described(request) | {"found": None, "marked": None, "wrong": ""}
    values["labels"] = [
        (f"{kind}:{each.name}", f"{request.words(f'contacts.{kind}')}: {each.name}")
        for kind in ("list", "tag")
        for each in values[f"{kind}s"]
    ]
    return request.page(
        _SHOWN,
        status=told.status if told else 200,
        segment=found,
        form=form,
        problem=told,
        may_write=may_write(request),
        **values,
    )


def _body(form: Form) -> dict[str, str]:
    return {"name": form.text("name"), "filter": form.text("filter")}


def _told(error: WhimbrelError) -> Problem:
    return problem(error, "name" if error.code == "conflict" else "")


PAGES = (
    Page(path=PATH, handle=segments),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=f"{PATH}/preview", method="POST", handle=preview),
    Page(path=_ONE, handle=one),
    Page(path=_ONE, method="POST", handle=update),
    Page(path=f"{_ONE}/members", handle=members),
    Page(path=f"{_ONE}/remove", method="POST", handle=remove),
    Page(path=f"{_ONE}/label", method="POST", handle=label),
)
