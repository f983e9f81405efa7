"""Carriers of every kind: added by a form, their health live, tested, paused; those over SMPP traced, those over HTTP
with the addresses that their provider is told."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import carrier_codes, table_files, tables
from whimbrel.edges.console.carrier_form import SMPP, Sheet
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.http_carrier_form import HTTP
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo
from whimbrel.edges.console.whole import whole_or_text

_CARRIERS = "/console/carriers"
_ENTRIES = "50"
_KIND: Final = "kind"
_SHEETS: Final[Mapping[str, Sheet]] = MappingProxyType({"smpp": SMPP, "http": HTTP})
TABLE: Final = Table(
    name="carriers",
    path=_CARRIERS,
    cells="carriers/cells.html",
    operation="getCarriersHealth",
    is_paged=False,
    live_s=2,
    columns=(
        Column("name", "carriers.name"),
        Column("kind", "carriers.kind", css="soft"),
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
    kind = request.query.text(_KIND)
    return await _form(request, None, _sheet(kind).empty(), kind=kind)


async def create(request: Request) -> Response:
    form = await request.form()
    kind = form.text(_KIND)
    try:
        body = {"name": form.text("name"), "password": form.raw("password"), "sandbox": form.flag("sandbox")}
        of_kind = {"kind": _kind(kind), "settings": _sheet(kind).settings_of(form)}
        made = await request.api("createCarrier", body=body | of_kind)
    except WhimbrelError as error:
        return await _form(request, None, form, error, kind=kind)
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
        kind=found.kind,
        settings=found.settings,
        unusual=_sheet(found.kind).unusual(found.settings),
        calls=_calls(request, found),
        trace=trace,
        codes=codes,
        form=EMPTY,
        problem=None,
        may_write=request.api.may("updateCarrier"),
    )


async def edit(request: Request) -> Response:
    found = await request.api("getCarrier", path=dict(request.path))
    return await _form(request, found, _filled(found))


async def update(request: Request) -> Response:
    form = await request.form()
    found = await request.api("getCarrier", path=dict(request.path))
    password = {"password": form.raw("password")} if form.raw("password") else {}
    try:
        settings = _sheet(found.kind).settings_of(form, found.settings)
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
        return await _form(request, found, _filled(found), error)
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


def _kind(named: str) -> str:
    """The kind that is asked for; SMPP when it is none."""
    return named if named in _SHEETS else "smpp"


def _sheet(named: str) -> Sheet:
    return _SHEETS[_kind(named)]


def _filled(carrier: Any) -> Form:
    return _sheet(carrier.kind).filled(carrier.name, carrier.settings, sandbox=carrier.sandbox)


def _calls(request: Request, carrier: Any) -> list[tuple[str, str]]:
    """Where its provider is to bring receipts and texts: what for, and the address."""
    if carrier.receipts_url is None:
        return []
    begin = "" if carrier.receipts_url.startswith("http") else request.origin
    return [("receipts", begin + carrier.receipts_url), ("inbound", begin + carrier.inbound_url)]


async def _form(
    request: Request, carrier: Any, form: Form, error: WhimbrelError | None = None, *, kind: str = ""
) -> Response:
    if not request.api.may("createCarrier"):
        raise WhimbrelError("forbidden", "Your role may not change carriers.")
    kind = carrier.kind if carrier is not None else _kind(kind)
    sheet = _sheet(kind)
    told = problem(error) if error else None
    if told is not None:
        told = msgspec.structs.replace(told, fields=sheet.by_field(told.fields))
    profiles = [each for each in (await request.api("listCarrierProfiles")).data if each.kind == kind]
    return request.page(
        "carriers/form.html",
        status=told.status if told else 200,
        carrier=carrier,
        kind=kind,
        kinds=tuple(_SHEETS),
        form=form,
        problem=told,
        others=[] if told is None else _elsewhere(sheet, told.fields),
        first=[field for field in sheet.first if field.setting != "profile"],
        groups=sheet.groups,
        profiles=profiles,
        choices=sheet.choices,
    )


def _elsewhere(sheet: Sheet, fields: Any) -> list[str]:
    """What is wrong with what has no field."""
    own = {field.name for field in sheet.fields} | {"name", "password"}
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
