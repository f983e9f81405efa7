"""Sender pools: which senders stand under one name, and how each of them does, live."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import choosing, table_files, tables
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/pools"
TABLE: Final = Table(
    name="pools",
    path=PATH,
    cells="pools/cells.html",
    operation="listPools",
    columns=(
        Column("name", "pools.name"),
        Column("default", "pools.default", lambda row, more: row.is_default),
        Column("senders", "pools.senders", lambda row, more: " ".join(each.sender for each in row.members)),
        Column("queue", "pools.queue", lambda row, more: max((each.health.queue_s for each in row.members), default=0)),
        Column("sick", "pools.sick", lambda row, more: sum(each.health.sick for each in row.members)),
        Column("since", "pools.since", "created_at", usual=False),
        Column("id", "table.id", usual=False),
    ),
)
_TICKS: Final = ("is_default", "sticky", "match_area", "names_first", "smart", "inbound_on_number")
_NEW: Final = Form.of(
    {"sticky": "1", "match_area": "1", "names_first": "1", "inbound_on_number": "1", "queue_max_s": "14400"}
)


async def pools(request: Request) -> Response:
    """All of the account."""
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    return await tables.answer(request, TABLE, "pools/list.html", may_write=_may_write(request))


async def new(request: Request) -> Response:
    return _form(request, None, _NEW)


async def create(request: Request) -> Response:
    form = await request.form()
    senders = form.text("senders").replace(",", " ").split()
    try:
        made = await request.api("createPool", body={**_body(form), "senders": senders})
    except WhimbrelError as error:
        return _form(request, None, form, _told(error))
    return request.go(f"{PATH}/{made.id}", done="pool.created")


async def pool(request: Request) -> Response:
    """Its members, and how they do."""
    return await _one(request, Form())


async def members(request: Request) -> Response:
    """The members alone: what the page asks for again and again."""
    found = await request.api("getPool", path=dict(request.path))
    return request.page("pools/members.html", pool=found, may_write=_may_write(request))


async def edit(request: Request) -> Response:
    found = await request.api("getPool", path=dict(request.path))
    return _form(request, found, _filled(found))


async def update(request: Request) -> Response:
    form = await request.form()
    found = await request.api("getPool", path=dict(request.path))
    try:
        await request.api("updatePool", path=dict(request.path), body=_body(form))
    except WhimbrelError as error:
        return _form(request, found, form, _told(error))
    return request.go(f"{PATH}/{found.id}", done="pool.changed")


async def put_member(request: Request) -> Response:
    form = await request.form()
    body: dict[str, Any] = {name: _figure(form.text(name) or "0") for name in ("weight", "rate_per_min", "daily_cap")}
    body["countries"] = form.text("countries").upper().replace(",", " ").split()
    path = {"id": request.path["id"], "sender": form.text("sender") or "-"}
    try:
        await request.api("putPoolMember", path=path, body=body)
    except WhimbrelError as error:
        return await _one(request, form, problem(error))
    return request.go(f"{PATH}/{request.path['id']}", done="pool.member")


async def remove_member(request: Request) -> Response:
    form = await request.form()
    await request.api("deletePoolMember", path={"id": request.path["id"], "sender": form.text("sender")})
    return request.go(f"{PATH}/{request.path['id']}", done="pool.member_removed")


async def remove(request: Request) -> Response:
    await request.api("deletePool", path=dict(request.path))
    return request.go(PATH, done="pool.removed")


async def _one(request: Request, form: Form, told: Problem | None = None) -> Response:
    found = await request.api("getPool", path={"id": request.path["id"]})
    return request.page(
        "pools/one.html",
        status=told.status if told else 200,
        pool=found,
        form=form,
        problem=told,
        may_write=_may_write(request),
    )


def _figure(text: str) -> int | str:
    """What is no number is handed on, so that the API says so."""
    return int(text) if text.isdecimal() and len(text) < 10 else text


def _body(form: Form) -> dict[str, Any]:
    validity = form.text("validity")
    return {
        "name": form.text("name"),
        "queue_max_s": _figure(form.text("queue_max_s")),
        "fallback": form.text("fallback") or None,
        "validity": _figure(validity) if validity else None,
        **{name: form.flag(name) for name in _TICKS},
    }


def _filled(found: Any) -> Form:
    values: dict[str, Any] = msgspec.to_builtins(found)
    shown = {name: str(values[name] or "") for name in ("name", "queue_max_s", "fallback", "validity")}
    return Form.of({**shown, **{name: "1" for name in _TICKS if values[name]}})


def _told(error: WhimbrelError) -> Problem:
    """What is wrong with one of the senders is said of the field that holds all of them."""
    told = problem(error)
    fields = {("senders" if name.startswith("senders.") else name): words for name, words in told.fields.items()}
    return msgspec.structs.replace(told, fields=fields)


def _may_write(request: Request) -> bool:
    return request.api.may("createPool")


def _form(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    if not _may_write(request):
        raise WhimbrelError("forbidden", "Your role does not change sender pools.")
    return request.page("pools/form.html", status=told.status if told else 200, pool=found, form=form, problem=told)


PAGES = (
    Page(path=PATH, handle=pools),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=f"{PATH}/{{id}}", handle=pool),
    Page(path=f"{PATH}/{{id}}/members", handle=members),
    Page(path=f"{PATH}/{{id}}/members", method="POST", handle=put_member),
    Page(path=f"{PATH}/{{id}}/members/remove", method="POST", handle=remove_member),
    Page(path=f"{PATH}/{{id}}/edit", handle=edit),
    Page(path=f"{PATH}/{{id}}/edit", method="POST", handle=update),
    Page(path=f"{PATH}/{{id}}/remove", method="POST", handle=remove),
)
