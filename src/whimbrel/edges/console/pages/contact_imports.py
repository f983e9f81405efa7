"""Imports of contacts: a file is brought by the browser in pieces, looked at, begun, followed, and what was wrong with
it is downloaded. Every choice of the form is looked at anew while it is made.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.contact_sheets import FIXED
from whimbrel.edges.console import people_known, table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.pages.contacts import PATH as CONTACTS
from whimbrel.edges.console.pages.contacts import may_write
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.whole import whole
from whimbrel.products.contacts import imports as product

PATH: Final = f"{CONTACTS}/imports"
_ONE: Final = f"{PATH}/{{id}}"
_SHOWN: Final = "contacts/import.html"
TABLE: Final = Table(
    name="contact_imports",
    path=PATH,
    cells="contacts/imports_cells.html",
    operation="listContactImports",
    by="since",
    columns=(
        Column("name", "contacts.file"),
        Column("status", "contacts.state"),
        Column("rows", "contacts.rows", css="n"),
        Column("created", "contacts.created", css="n"),
        Column("updated", "contacts.updated", css="n"),
        Column("failed", "contacts.failed", css="n"),
        Column("since", "contacts.since", "created_at"),
        Column("id", "table.id", usual=False),
    ),
)
_DATES: Final = ("iso", "dmy", "mdy")
_EXISTING: Final = ("update", "skip", "replace")
_DUPLICATES: Final = ("last", "first")
_OVER: Final = ("done", "canceled", "failed")


async def imports(request: Request) -> Response:
    """Newest first."""
    return await tables.answer(request, TABLE, "contacts/imports.html", may_write=may_write(request))


async def new(request: Request) -> Response:
    return await _new(request, EMPTY, None)


async def create(request: Request) -> Response:
    """Announce a file; what was pasted is one, whole. A script is told where the file goes."""
    form = await request.form()
    rows = form.raw("rows")
    name = form.text("name") or request.words("contacts.pasted")
    try:
        if not rows.strip() and not request.is_part:
            words = request.words("contacts.nothing_pasted")
            raise WhimbrelError("invalid_request", words)
        made = await request.api("createContactImport", body={"name": name})
        if rows.strip():
            await _bring(request, made.id, 0, _once(rows.encode()))
    except WhimbrelError as error:
        return await _new(request, form, problem(error, "rows"))
    return request.go(_ONE.format(id=made.id))


async def file(request: Request) -> Response:
    """A piece of the file, as the browser reads it; answers with what has come so far."""
    path = {"id": request.path["id"]}
    await request.api("getContactImport", path=path)
    if not request.api.may("uploadContactImport"):
        raise WhimbrelError("forbidden", request.words("contacts.not_for_you"))
    offset = whole(request.query.text("offset", "0"))
    grown = await _bring(request, path["id"], -1 if offset is None else offset, _pieces(request))
    return Response(str(grown.size), media_type="text/plain")


async def one(request: Request) -> Response:
    """A file that has come is looked at; one that was begun is followed."""
    found = await request.api("getContactImport", path={"id": request.path["id"]})
    if request.is_part:
        shown = request.part(_SHOWN, "progress", found=found, may_write=may_write(request))
        if found.status in _OVER:
            shown.headers["hx-refresh"] = "true"
        return shown
    return await _one(request, found, EMPTY, None)


async def preview(request: Request) -> Response:
    """What the choices would make of the file."""
    found, form = await request.api("getContactImport", path={"id": request.path["id"]}), await request.form()
    return request.part(_SHOWN, "mapping", **await _mapping(request, found, form))


async def start(request: Request) -> Response:
    form, path = await request.form(), {"id": request.path["id"]}
    try:
        await request.api("startContactImport", path=path, body=_plan(form))
    except WhimbrelError as error:
        found = await request.api("getContactImport", path=path)
        return await _one(request, found, form, problem(error))
    return request.go(_ONE.format(**path))


async def cancel(request: Request) -> Response:
    path = {"id": request.path["id"]}
    await request.api("cancelContactImport", path=path)
    return request.go(_ONE.format(**path), done="contact_import.canceled")


async def remove(request: Request) -> Response:
    await request.api("deleteContactImport", path=dict(request.path))
    return request.go(PATH, done="contact_import.removed")


async def errors(request: Request) -> Response:
    """The rows that were not taken, as a file."""
    found = await request.api("getContactImport", path={"id": request.path["id"]})
    account_id, test = found.account_id, request.asked.principal.test
    pieces = await product.errors(request.there.manage, found.id, account_id=account_id, test=test)
    return StreamingResponse(
        people_known.while_held(request, pieces),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="errors-{found.number}.csv"'},
    )


async def _bring(request: Request, import_id: str, offset: int, pieces: AsyncIterator[bytes]) -> Any:
    found = await request.api("getContactImport", path={"id": import_id})
    test = request.asked.principal.test
    return await product.receive(
        request.there.manage, import_id, offset, pieces, account_id=found.account_id, test=test
    )


async def _once(octets: bytes) -> AsyncIterator[bytes]:
    yield octets


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces of the size that they are kept in."""
    piece, size = bytearray(), 0
    async for part in request.http.stream():
        size += len(part)
        if size > limits.IMPORT_BODY_MAX:
            raise WhimbrelError("body_too_large")
        piece += part
        while len(piece) >= limits.IMPORT_PIECE:
            yield bytes(piece[: limits.IMPORT_PIECE])
            del piece[: limits.IMPORT_PIECE]
    if piece:
        yield bytes(piece)


async def _new(request: Request, form: Form, told: Problem | None) -> Response:
    if not may_write(request):
        raise WhimbrelError("forbidden", request.words("contacts.not_for_you"))
    await request.api("listContactImports", query={"limit": "1"})
    status = told.status if told else 200
    return request.page("contacts/upload.html", status=status, form=form, problem=told, most=limits.IMPORT_SIZE_MAX)


async def _one(request: Request, found: Any, form: Form, told: Problem | None) -> Response:
    values: dict[str, Any] = {"found": found, "problem": told, "may_write": may_write(request)}
    if found.status == "uploading":
        values |= await _mapping(request, found, form) | {"problem": told}
    return request.page(_SHOWN, status=told.status if told else 200, **values)


async def _mapping(request: Request, found: Any, form: Form) -> dict[str, Any]:
    """The file as it would be read; or why it cannot be."""
    known = await people_known.described(request)
    values = {"found": found, "form": form, "problem": None, "look": None, "unreadable": "", **known}
    values |= _choices(request, known["fields"]) | {"may_write": may_write(request)}
    try:
        values["look"] = await request.api("previewContactImport", path={"id": found.id}, body=_plan(form))
    except WhimbrelError as error:
        if error.code == "import_unreadable":
            values["unreadable"] = error.detail
        elif error.code == "invalid_request":
            values["problem"] = problem(error)
            plain = _plan(Form.of({name: form.text(name) for name in ("header", "dates", "existing", "duplicates")}))
            values["look"] = await request.api("previewContactImport", path={"id": found.id}, body=plain)
        else:
            raise
    return values


def _choices(request: Request, fields: Any) -> dict[str, Any]:
    words = request.words
    fixed = [(each, words(f"contacts.columns.{each}")) for each in FIXED]
    return {
        "columns": [("", words("contacts.columns.none")), *fixed, *((each.name, each.name) for each in fields)],
        "dates": [(each, words(f"contacts.dates.{each}")) for each in _DATES],
        "existing": [(each, words(f"contacts.existing.{each}")) for each in _EXISTING],
        "duplicates": [(each, words(f"contacts.duplicates.{each}")) for each in _DUPLICATES],
    }


def _plan(form: Form) -> dict[str, Any]:
    """The choices as the API takes them; what was not sent yet is found out from the file."""
    plan: dict[str, Any] = {"tags": people_known.tags_of(form), "lists": list(form.many("lists"))}
    plan |= {name: form.text(name) for name in ("dates", "existing", "duplicates") if form.text(name)}
    if form.flag("start_flows"):
        plan["start_flows"] = True
    if form.text("default_country"):
        plan["default_country"] = form.text("default_country").upper()
    if form.sent("column"):
        plan["columns"] = [each or None for each in form.many("column")]
        plan["header"] = form.flag("header")
    return plan


PAGES = (
    Page(path=PATH, handle=imports),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=_ONE, handle=one),
    Page(path=f"{_ONE}/file", method="POST", handle=file),
    Page(path=f"{_ONE}/preview", method="POST", handle=preview),
    Page(path=f"{_ONE}/start", method="POST", handle=start),
    Page(path=f"{_ONE}/cancel", method="POST", handle=cancel),
    Page(path=f"{_ONE}/remove", method="POST", handle=remove),
    Page(path=f"{_ONE}/errors", handle=errors),
)
