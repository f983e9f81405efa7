"""Schedules: the list, a new one, and one with its next times."""

import json
from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import attachments, campaigning, table_files, tables, usable
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/schedules"
_SHOWN: Final = "10"
_PREVIEWED: Final = 6
TABLE: Final = Table(
    name="schedules",
    path=PATH,
    cells="schedules/cells.html",
    operation="listSchedules",
    columns=(
        Column("name", "schedules.name"),
        Column("state", "schedules.state", "status"),
        Column("starts_at", "schedules.starts_at"),
        Column("zone", "schedules.zone", usual=False),
        Column("rrule", "schedules.rrule"),
        Column("recipients", "schedules.recipients", css="n"),
        Column("last", "schedules.last", "last_at"),
        Column("id", "table.id", usual=False),
    ),
)
_LISTS: Final = ("recipients", "variables")
"""Fields that hold more than one thing that may be wrong."""
_GROUPS: Final = (("audience", "to_"), ("exclude", "not_"))


async def schedules(request: Request) -> Response:
    """All of the account, newest first; a script asks for the rows that follow."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="schedules")
    return await tables.answer(request, TABLE, "schedules/list.html", may_write=request.api.may("createSchedule"))


async def new(request: Request) -> Response:
    return await _form(request, None, Form.of({"zone": "recipient"}))


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        made = await request.api("createSchedule", body=_body(await attachments.kept(request, form)))
    except WhimbrelError as error:
        return await _form(request, None, form, _told(error))
    return request.go(f"{PATH}/{made.id}", done="schedule.made")


async def look(request: Request) -> Response:
    """When it would run, while somebody writes."""
    form = await request.form()
    given = {**form.given("starts_at", "zone", "rrule"), **_people(form)}
    seen: Any = ()
    told = None
    try:
        if not request.api.may("previewSchedule") or "starts_at" in given:
            body = given | {"recipients": campaigning.numbers_in(form.raw("recipients")), "count": _PREVIEWED}
            seen = (await request.api("previewSchedule", body=body)).data
    except WhimbrelError as error:
        if error.code == "forbidden":
            raise
        told = problem(error)
    return request.part("schedules/one.html", "look", seen=seen, told=told)


async def attach(request: Request) -> Response:
    """The media of the form, with what was named or without what was taken away; what a URL gives is kept."""
    if not request.api.may("createSchedule"):
        raise WhimbrelError("forbidden", request.words("schedules.not_for_you"))
    found = await request.api("getSchedule", path=dict(request.path)) if request.path else None
    form, told = await attachments.kept_or_told(request, await request.form(), _told)
    if not request.is_part:
        return await _form(request, found, form, told)
    return await attachments.part(request, form, _place(found), told)


async def schedule(request: Request) -> Response:
    return await _one(request)


async def update(request: Request) -> Response:
    form = await request.form()
    try:
        body = _body(await attachments.kept(request, form)) | {
            "rrule": form.text("rrule"),
            "sender": form.text("sender") or None,
        }
        await request.api("updateSchedule", path=dict(request.path), body=body)
    except WhimbrelError as error:
        return await _one(request, form, _told(error))
    return request.go(f"{PATH}/{request.path['id']}", done="schedule.saved")


async def pause(request: Request) -> Response:
    return await _acted(request, "updateSchedule", {"status": "paused"}, "schedule.paused")


async def resume(request: Request) -> Response:
    return await _acted(request, "updateSchedule", {"status": "active"}, "schedule.resumed")


async def skip(request: Request) -> Response:
    form = await request.form()
    return await _acted(request, "skipSchedule", {"occurrence": form.text("occurrence")}, "schedule.skipped")


async def remove(request: Request) -> Response:
    await request.api("deleteSchedule", path=dict(request.path))
    return request.go(PATH, done="schedule.removed")


async def _acted(request: Request, operation: str, body: Any, done: str) -> Response:
    await request.api(operation, path=dict(request.path), body=body)
    return request.go(f"{PATH}/{request.path['id']}", done=done)


def _body(form: Form) -> dict[str, Any]:
    """A schedule as the API takes it."""
    given = {
        **form.given("name", "starts_at", "zone", "rrule", "sender", "class", "flow_id", "template"),
        "name": form.text("name"),
        "variables": form.json("variables"),
        "shorten_links": form.flag("shorten_links"),
        "media": [*attachments.named(form)],
        **_people(form),
    }
    if "template" in given:
        given |= form.given("language")
    elif "flow_id" not in given:
        given["text"] = form.raw("text").replace("\r\n", "\n")
    return {**given, "recipients": campaigning.numbers_in(form.raw("recipients"))}


def _people(form: Form) -> dict[str, Any]:
    """The contacts that it goes to, and those that it does not."""
    found: dict[str, Any] = {}
    for name, prefix in _GROUPS:
        found[name] = {kind: [*form.many(prefix + kind)] for kind, _ in campaigning.GROUPS}
        found[name]["filter"] = form.text(f"{prefix}filter") or None
    found["audience"]["everybody"] = form.flag("everybody")
    return found


def _shown(found: Any) -> list[tuple[str, str]]:
    """The same as fields of the form."""
    pairs = [("everybody", "1")] if found.audience.everybody else []
    pairs += [("shorten_links", "1")] if found.shorten_links else []
    for name, prefix in _GROUPS:
        group = getattr(found, name)
        pairs += [(prefix + kind, each) for kind, _ in campaigning.GROUPS for each in getattr(group, kind)]
        pairs.append((f"{prefix}filter", group.filter or ""))
    return pairs


def _told(error: WhimbrelError) -> Problem:
    """A refusal with what is wrong in a list at the list."""
    pointers = [each.pointer for each in error.errors]
    lists = [name for name in _LISTS if any(pointer.startswith(f"/{name}/") for pointer in pointers)]
    for name, prefix in _GROUPS:
        lists += [f"{prefix}filter"] if any(pointer.startswith(f"/{name}") for pointer in pointers) else []
    return problem(error, lists[0] if lists else "")


async def _one(request: Request, form: Form | None = None, told: Problem | None = None) -> Response:
    path = dict(request.path)
    found = await request.api("getSchedule", path=path)
    if form is None:
        numbers = await request.api("listRecipientsOfSchedule", path=path)
        shown = {
            "name": found.name,
            "starts_at": found.starts_at,
            "zone": found.zone,
            "rrule": found.rrule or "",
            "text": found.text or "",
            "template": found.template or "",
            "language": found.language or "",
            "variables": json.dumps(found.variables, ensure_ascii=False) if found.variables else "",
            "flow_id": found.flow_id or "",
            "sender": found.sender or "",
            "class": found.message_class or "",
            "recipients": "\n".join(numbers.data),
        }
        form = Form([*shown.items(), *_shown(found), *(("media", each) for each in found.media)])
    return await _form(request, found, form, told)


async def _form(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    may_write = request.api.may("createSchedule")
    coming: Any = ()
    ran: Any = ()
    if found is not None:
        ran = (await request.api("listRunsOfSchedule", path={"id": found.id}, query={"limit": _SHOWN})).data
        coming = (await request.api("listNextOfSchedule", path={"id": found.id}, query={"limit": _SHOWN})).data
    elif not may_write:
        raise WhimbrelError("forbidden", request.words("schedules.not_for_you"))
    return request.page(
        "schedules/one.html",
        status=told.status if told else 200,
        schedule=found,
        form=form,
        problem=told,
        coming=coming,
        ran=ran,
        groups=await _groups(request),
        seen=(),
        told=None,
        flows=await _flows(request, form.text("flow_id")),
        templates=await usable.templates(request, request.words("schedules.no_template")),
        may_write=may_write,
        **_place(found),
        **await attachments.values(request, attachments.settled(form)),
    )


def _place(found: Any) -> dict[str, str]:
    """Where its form asks for media."""
    return {"attach": f"{PATH}/{found.id}/attach" if found else f"{PATH}/attach", "form_id": "schedule"}


async def _flows(request: Request, chosen: str) -> list[tuple[str, str]]:
    """Flows that may begin, and the one that is chosen although it rests or is gone."""
    active = (await request.api("listFlows", query={"status": "active"})).data
    shown = [("", request.words("schedules.no_flow")), *((each.id, each.name) for each in active)]
    if chosen and all(chosen != id_ for id_, _ in shown):
        try:
            shown.append((chosen, (await request.api("getFlow", path={"id": chosen})).name))
        except WhimbrelError:
            shown.append((chosen, chosen))
    return shown


async def _groups(request: Request) -> dict[str, Any]:
    """What contacts are described with."""
    return {
        kind: (await request.api(operation)).data if request.api.may(operation) else ()
        for kind, operation in campaigning.GROUPS
    }


PAGES = (
    Page(path=PATH, handle=schedules),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=f"{PATH}/attach", method="POST", handle=attach),
    Page(path=f"{PATH}/{{id}}/attach", method="POST", handle=attach),
    Page(path=f"{PATH}/look", method="POST", handle=look),
    Page(path=f"{PATH}/{{id}}", handle=schedule),
    Page(path=f"{PATH}/{{id}}", method="POST", handle=update),
    Page(path=f"{PATH}/{{id}}/pause", method="POST", handle=pause),
    Page(path=f"{PATH}/{{id}}/resume", method="POST", handle=resume),
    Page(path=f"{PATH}/{{id}}/skip", method="POST", handle=skip),
    Page(path=f"{PATH}/{{id}}/remove", method="POST", handle=remove),
)
