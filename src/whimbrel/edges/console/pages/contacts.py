"""Contacts: people whom the account knows, found and chosen, made and changed, merged, erased, taken out as a file."""

from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import people_known, tables
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, More, Table
from whimbrel.manage import exports
from whimbrel.products.contacts import exporting
from whimbrel.products.contacts.keeping import Wanted

PATH: Final = "/console/contacts"
_ONE: Final = f"{PATH}/{{id}}"
WHICH: Final = ("filter", "segment", "tag", "list", "search")
_WRONG: Final = ("invalid_filter", "not_found", "invalid_parameter")
_TIMELINE: Final = "50"


async def _choices(request: Request) -> More:
    """What contacts are chosen by."""
    return await people_known.described(request)


TABLE: Final = Table(
    name="contacts",
    path=PATH,
    cells="contacts/cells.html",
    operation="listContacts",
    by="since",
    filters=WHICH,
    more=_choices,
    columns=(
        Column("number", "contacts.number"),
        Column("name", "contacts.name"),
        Column("country", "contacts.country"),
        Column("language", "contacts.language", usual=False),
        Column("time_zone", "contacts.time_zone", usual=False),
        Column("tags", "contacts.tags"),
        Column("lists", "contacts.lists"),
        Column("fields", "contacts.fields", lambda row, more: [f"{name}={row.fields[name]}" for name in row.fields]),
        Column("since", "contacts.since", "created_at"),
        Column("changed", "contacts.changed", "updated_at", usual=False),
        Column("id", "table.id", usual=False),
    ),
)


async def contacts(request: Request) -> Response:
    """Newest first, those that the filters choose. A filter that cannot be read is told in the list."""
    values: dict[str, Any] = {"may_write": may_write(request), "wrong": None}
    try:
        return await tables.answer(request, TABLE, "contacts/list.html", **values)
    except WhimbrelError as error:
        address = TABLE.address(request)
        if error.code not in _WRONG or not address:
            raise
        values |= {**await _choices(request), "wrong": problem(error)}
        values["marked"] = people_known.marked(address.get("filter", ""), error)
        values["table"] = await tables.shown(request, TABLE, (), address=address)
        return request.page("table/table.html" if request.is_part else "contacts/list.html", **values)


async def count(request: Request) -> Response:
    """How many there are, for a list that stands already."""
    found = await request.api("countContacts", query=request.query.given(*WHICH))
    return request.part("contacts/many.html", "many", count=found.count)


async def new(request: Request) -> Response:
    return await _form(request, None, EMPTY)


async def create(request: Request) -> Response:
    form, known = await request.form(), await people_known.described(request)
    try:
        made = await request.api("createContact", body=people_known.new_body(form, known["fields"]))
    except WhimbrelError as error:
        return await _form(request, None, form, problem(error, "number" if error.code == "contact_exists" else ""))
    return request.go(_ONE.format(id=made.id), done="contact.created")


async def one(request: Request) -> Response:
    """What is known of somebody, and what happened."""
    return await _one(request, EMPTY, None)


async def edit(request: Request) -> Response:
    found = await request.api("getContact", path=dict(request.path))
    return await _form(request, found, people_known.filled(found))


async def update(request: Request) -> Response:
    form, path = await request.form(), dict(request.path)
    found, known = await request.api("getContact", path=path), await people_known.described(request)
    try:
        await request.api("updateContact", path=path, body=people_known.change_body(form, found, known["fields"]))
    except WhimbrelError as error:
        return await _form(request, found, form, problem(error, "number" if error.code == "contact_exists" else ""))
    return request.go(_ONE.format(id=found.id), done="contact.changed")


async def merge(request: Request) -> Response:
    """Another contact becomes this one."""
    if not may_write(request):
        raise WhimbrelError("forbidden", request.words("contacts.not_for_you"))
    form, into = await request.form(), request.path["id"]
    try:
        other = await people_known.other(request, form.text("other"))
        await request.api("mergeContacts", body={"into": into, "contacts": [other]})
    except WhimbrelError as error:
        return await _one(request, form, problem(error, "other"))
    return request.go(_ONE.format(id=into), done="contact.merged")


async def remove(request: Request) -> Response:
    await request.api("deleteContact", path=dict(request.path))
    return request.go(PATH, done="contact.erased")


async def export(request: Request) -> Response:
    """All that the filters choose, with every field, as a file that can be imported again."""
    asked = request.query.given(*WHICH)
    if not request.api.may("exportContacts"):
        raise WhimbrelError("forbidden")
    await request.api("countContacts", query=asked)
    visit, principal = request.visit, request.asked.principal
    account_id = visit.session.acting_for or principal.account_id or ""
    await exports.note(request.there.manage, visit.user.id, account_id, "contacts", sorted(asked))
    pages = await exporting.export(request.there.manage, Wanted(**asked), account_id=account_id, test=principal.test)
    name = f"contacts-{request.services.clock.now_us() // 1_000_000}.csv"
    return StreamingResponse(
        people_known.while_held(request, pages),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def may_write(request: Request) -> bool:
    """Whether the visitor may change contacts."""
    return request.api.may("createContact")


async def _one(request: Request, form: Form, told: Problem | None) -> Response:
    path = {"id": request.path["id"]}
    found = await request.api("getContact", path=path)
    query = {"limit": _TIMELINE, **request.query.given("cursor")}
    timeline = await request.api("readTimelineOfContact", path=path, query=query)
    known = await people_known.described(request)
    values = {"contact": found, "next": timeline.next_cursor, "here_path": _ONE.format(**path)}
    values["items"] = [(each, people_known.told(each.detail, known)) for each in timeline.data]
    values["may_read"] = request.api.may("getMessage")
    if request.is_part and request.http.method == "GET":
        return request.part("contacts/one.html", "items", **values)
    may = {"may_write": may_write(request), "may_send": request.api.may("sendMessage")}
    status = told.status if told else 200
    return request.page("contacts/one.html", status=status, form=form, problem=told, **may, **values)


async def _form(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    if not may_write(request):
        raise WhimbrelError("forbidden", request.words("contacts.not_for_you"))
    known, status = await people_known.described(request), told.status if told else 200
    return request.page("contacts/form.html", status=status, contact=found, form=form, problem=told, **known)


PAGES = (
    Page(path=PATH, handle=contacts),
    Page(path=f"{PATH}/count", handle=count),
    Page(path=f"{PATH}/export", handle=export, confirmed=True),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=_ONE, handle=one),
    Page(path=f"{_ONE}/edit", handle=edit),
    Page(path=f"{_ONE}/edit", method="POST", handle=update),
    Page(path=f"{_ONE}/merge", method="POST", handle=merge),
    Page(path=f"{_ONE}/remove", method="POST", handle=remove),
)
