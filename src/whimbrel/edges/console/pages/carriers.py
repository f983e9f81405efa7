"""Carriers: added by a form that tests the bind, their health live, tested, paused, traced."""

import asyncio
from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import carrier_codes, carrier_form, table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo
from whimbrel.edges.console.whole import whole_or_text

_CARRIERS = "/console/carriers"
_ENTRIES = "50"
TABLE: Final = Table(
    name="carriers",
    path=_CARRIERS,
    cells="carriers/cells.html",
    operation="getCarriersHealth",
    is_paged=False,
    live_s=2,
    columns=(
        Column("name", "carriers.name"),
        Column("state", "carriers.state", lambda row, more: row.health.state if row.health else row.status),
        Column("binds", "carriers.binds", "health.binds_up", css="n"),
        Column("in_flight", "carriers.in_flight", "health.in_flight", css="n"),
        Column("waiting", "carriers.waiting", "health.waiting", css="n"),
        Column("granted", "carriers.granted", "health.throughput_per_s", css="n"),
        Column("node", "carriers.node", css="soft"),
        Column("id", "table.id", usual=False),
    ),
)


async def carriers(request: Request) -> Response:
    """All of them with their health; a script asks for the rows again and again."""
    return await tables.answer(request, TABLE, "carriers/list.html", may_write=request.api.may("createCarrier"))


async def new(request: Request) -> Response:
    return await _form(request, None, carrier_form.empty())


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        settings = carrier_form.settings_of(form)
        body = {"name": form.text("name"), "password": form.raw("password"), "settings": settings}
        made = await request.api("createCarrier", body=body | {"sandbox": form.flag("sandbox")})
    except WhimbrelError as error:
        return await _form(request, None, form, error)
    return request.go(f"{_CARRIERS}/{made.id}", done="carrier.made")


async def carrier(request: Request) -> Response:
    """One carrier; a script asks for its health."""
    path = dict(request.path)
    health = await request.api("getCarrierHealth", path=path)
    if request.is_part:
        return request.part("carriers/one.html", "health", carrier=health)
    found, trace, codes = await asyncio.gather(
        request.api("getCarrier", path=path), _trace(request), carrier_codes.seen(request, path["id"])
    )
    return request.page(
        "carriers/one.html",
        carrier=health,
        settings=found.settings,
        unusual=carrier_form.unusual(found.settings),
        trace=trace,
        codes=codes,
        form=EMPTY,
        problem=None,
        may_write=request.api.may("updateCarrier"),
    )


async def edit(request: Request) -> Response:
    found = await request.api("getCarrier", path=dict(request.path))
    return await _form(request, found, carrier_form.filled(found.name, found.settings, sandbox=found.sandbox))


async def update(request: Request) -> Response:
    form = await request.form()
    found = await request.api("getCarrier", path=dict(request.path))
    password = {"password": form.raw("password")} if form.raw("password") else {}
    try:
        settings = carrier_form.settings_of(form, found.settings)
        body = {"name": form.text("name"), "settings": settings, "sandbox": form.flag("sandbox")}
        await request.api("updateCarrier", path=dict(request.path), body=body | password)
    except WhimbrelError as error:
        return await _form(request, found, form, error)
    return _back(request, "carrier.changed")


async def test(request: Request) -> Response:
    """A bind of its own and, where there is a number, a text; then what that says about the settings."""
    form = await request.form()
    body = {"text": form.raw("text"), "sender": form.text("sender")} if form.text("to") else {}
    try:
        found = await request.api("testCarrier", path=dict(request.path), body=body | form.given("to"))
    except WhimbrelError as error:
        told = problem(error)
        return request.part("carriers/one.html", "tested", tested=None, problem=told, carrier=None, status=told.status)
    may_write = request.api.may("updateCarrier")
    return request.part(
        "carriers/one.html", "tested", tested=found, problem=None, may_write=may_write, id=request.path["id"]
    )


async def apply(request: Request) -> Response:
    """One setting that a test proposed."""
    form = await request.form()
    value: Any = form.text("value")
    value = {"True": True, "False": False}.get(value, whole_or_text(value))
    body = {"settings": {form.text("setting"): value}}
    await request.api("updateCarrier", path=dict(request.path), body=body)
    return _back(request, "carrier.changed")


async def pause(request: Request) -> Response:
    await request.api("pauseCarrier", path=dict(request.path))
    return _back(request, "carrier.paused", "resumeCarrier")


async def resume(request: Request) -> Response:
    await request.api("resumeCarrier", path=dict(request.path))
    return _back(request, "carrier.resumed", "pauseCarrier")


async def remove(request: Request) -> Response:
    try:
        await request.api("deleteCarrier", path=dict(request.path))
    except WhimbrelError as error:
        found = await request.api("getCarrier", path=dict(request.path))
        form = carrier_form.filled(found.name, found.settings, sandbox=found.sandbox)
        return await _form(request, found, form, error)
    return request.go(_CARRIERS, done="carrier.removed")


async def record(request: Request) -> Response:
    """Begin to record PDUs, or end it."""
    form = await request.form()
    body = {"enabled": form.flag("on"), "seconds": 600}
    await request.api("traceCarrier", path=dict(request.path), body=body)
    return _back(request, "carrier.recording" if form.flag("on") else "carrier.recorded")


async def trace(request: Request) -> Response:
    """What was recorded lately; asked for by a script."""
    return request.part("carriers/one.html", "trace", trace=await _trace(request), carrier=None)


async def _trace(request: Request) -> Any:
    """None where the carrier's binds are at another node."""
    try:
        return await request.api("getCarrierTrace", path=dict(request.path), query={"limit": _ENTRIES})
    except WhimbrelError as error:
        if error.code not in {"at_another_node", "forbidden"}:
            raise
        return None


def _back(request: Request, done: str, opposite: str = "") -> Response:
    place = f"{_CARRIERS}/{request.path['id']}"
    undo = Undo(opposite, place, path=dict(request.path)) if opposite else None
    return request.undone_by(undo).go(place, done=done)


async def _form(request: Request, carrier: Any, form: Form, error: WhimbrelError | None = None) -> Response:
    if not request.api.may("createCarrier"):
        raise WhimbrelError("forbidden", "Your role may not change carriers.")
    told = problem(error) if error else None
    if told is not None:
        told = msgspec.structs.replace(told, fields=carrier_form.by_field(told.fields))
    return request.page(
        "carriers/form.html",
        status=told.status if told else 200,
        carrier=carrier,
        form=form,
        problem=told,
        others=[] if told is None else _elsewhere(told.fields),
        groups=carrier_form.GROUPS,
        profiles=(await request.api("listCarrierProfiles")).data,
        choices=carrier_form.CHOICES,
    )


def _elsewhere(fields: Any) -> list[str]:
    """What is wrong with what has no field."""
    own = {field.name for field in carrier_form.FIELDS} | {"name", "password"}
    return [f"{name.removeprefix('settings.')} {words}" for name, words in fields.items() if name not in own]


PAGES = (
    Page(path=_CARRIERS, handle=carriers),
    table_files.page(TABLE),
    Page(path=f"{_CARRIERS}/new", handle=new),
    Page(path=f"{_CARRIERS}/new", method="POST", handle=create),
    Page(path=f"{_CARRIERS}/{{id}}", handle=carrier),
    Page(path=f"{_CARRIERS}/{{id}}/edit", handle=edit, confirmed=True),
    Page(path=f"{_CARRIERS}/{{id}}/edit", method="POST", handle=update, confirmed=True),
    Page(path=f"{_CARRIERS}/{{id}}/test", method="POST", handle=test),
    Page(path=f"{_CARRIERS}/{{id}}/apply", method="POST", handle=apply, confirmed=True),
    Page(path=f"{_CARRIERS}/{{id}}/pause", method="POST", handle=pause),
    Page(path=f"{_CARRIERS}/{{id}}/resume", method="POST", handle=resume),
    Page(path=f"{_CARRIERS}/{{id}}/remove", method="POST", handle=remove),
    Page(path=f"{_CARRIERS}/{{id}}/record", method="POST", handle=record),
    Page(path=f"{_CARRIERS}/{{id}}/trace", handle=trace),
)
