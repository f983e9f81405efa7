"""Campaigns: the list; a draft with its estimate, tests and approval; and one that has begun, with its progress and
what it has brought, read anew every second while it sends.
"""

import re
from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables, usable
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/campaigns"
_BETWEEN = re.compile(r"[\s,;]+")
_GROUPS: Final = (("lists", "listLists"), ("tags", "listTags"), ("segments", "listSegments"))
_LETTERS: Final = ("A", "B", "C")
TABLE: Final = Table(
    name="campaigns",
    path=PATH,
    cells="campaigns/cells.html",
    operation="listCampaigns",
    filters=("status",),
    columns=(
        Column("name", "campaigns.name"),
        Column("state", "campaigns.state", "status"),
        Column("accepted", "campaigns.accepted", "progress.accepted", css="n"),
        Column("refused", "campaigns.refused", "progress.refused", css="n"),
        Column("started", "campaigns.started", "started_at"),
        Column("ended", "campaigns.ended", "ended_at", usual=False),
        Column("id", "table.id", usual=False),
    ),
)


async def campaigns(request: Request) -> Response:
    """All of the account, newest first; a script asks for the rows that follow."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="campaigns")
    return await tables.answer(request, TABLE, "campaigns/list.html", may_write=request.api.may("createCampaign"))


async def new(request: Request) -> Response:
    if not request.api.may("createCampaign"):
        raise WhimbrelError("forbidden", request.words("campaigns.not_for_you"))
    return await _form(request, None, Form.of({"zone": "UTC", "metric": "answered"}))


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        made = await request.api("createCampaign", body=_body(form))
    except WhimbrelError as error:
        return await _form(request, None, form, _told(error))
    return request.go(f"{PATH}/{made.id}", done="campaign.made")


async def campaign(request: Request) -> Response:
    return await _one(request)


async def update(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("updateCampaign", path=dict(request.path), body=_body(form))
    except WhimbrelError as error:
        return await _one(request, form=form, told=_told(error))
    return request.go(f"{PATH}/{request.path['id']}", done="campaign.saved")


async def progress(request: Request) -> Response:
    """How far it is, for a page that is open."""
    found = await request.api("getCampaign", path=dict(request.path))
    return request.part("campaigns/progress.html", "progress", **await _standing(request, found))


async def estimate(request: Request) -> Response:
    """What a draft would do; what is in its way, if it can do nothing."""
    await request.api("getCampaign", path=dict(request.path))
    try:
        found, told = await request.api("estimateCampaign", path=dict(request.path)), None
    except WhimbrelError as error:
        found, told = None, problem(error)
    return request.part("campaigns/estimate.html", "estimate", estimate=found, problem=told)


async def approve(request: Request) -> Response:
    return await _acted(request, "approveCampaign", "campaign.approved")


async def start(request: Request) -> Response:
    return await _acted(request, "startCampaign", "campaign.started")


async def pause(request: Request) -> Response:
    return await _acted(request, "pauseCampaign", "campaign.paused")


async def resume(request: Request) -> Response:
    return await _acted(request, "resumeCampaign", "campaign.resumed")


async def cancel(request: Request) -> Response:
    return await _acted(request, "cancelCampaign", "campaign.canceled")


async def choose(request: Request) -> Response:
    form = await request.form()
    return await _acted(request, "chooseWinnerOfCampaign", "campaign.decided", {"variant": form.text("variant")})


async def send_test(request: Request) -> Response:
    form = await request.form()
    wanted = {"to": [each for each in _BETWEEN.split(form.raw("to")) if each]}
    try:
        sent = await request.api("testCampaign", path=dict(request.path), body=wanted)
    except WhimbrelError as error:
        return await _one(request, tried=form, told=problem(error, "to"))
    return await _one(request, tried=form, tested=sent.data)


async def remove(request: Request) -> Response:
    await request.api("deleteCampaign", path=dict(request.path))
    return request.go(PATH, done="campaign.removed")


async def _acted(request: Request, operation: str, done: str, body: Any = None) -> Response:
    try:
        await request.api(operation, path=dict(request.path), body=body)
    except WhimbrelError as error:
        return await _one(request, told=problem(error))
    return request.go(f"{PATH}/{request.path['id']}", done=done)


def _body(form: Form) -> dict[str, Any]:
    """A campaign as the API takes it."""
    variants = [
        {"name": letter, "text": text}
        for letter in _LETTERS
        if (text := form.raw(f"text_{letter}").replace("\r\n", "\n")).strip()
    ]
    body: dict[str, Any] = {
        **form.given("name", "sender", "class"),
        "name": form.text("name"),
        "audience": _group(form, "to_") | {"everybody": form.flag("everybody")},
        "exclude": _group(form, "not_"),
        "schedule": {"zone": form.text("zone") or "UTC", **form.given("at"), **_pace(form), **_windows(form)},
    }
    if form.text("template"):
        return body | {"template": form.text("template")}
    body["variants"] = variants or [{"name": "A", "text": ""}]
    if len(variants) > 1 and form.flag("trial"):
        body["winner"] = {
            "metric": form.text("metric"),
            "sample_percent": _number(form, "sample_percent", 20),
            "wait_s": _number(form, "wait_minutes", 60) * 60,
            "min_difference": float(_number(form, "min_difference", 0)),
        }
    return body


def _group(form: Form, prefix: str) -> dict[str, Any]:
    given: dict[str, Any] = {name: [*form.many(prefix + name)] for name, _ in _GROUPS}
    return given | {"numbers": [each for each in _BETWEEN.split(form.raw(f"{prefix}numbers")) if each]}


def _pace(form: Form) -> dict[str, Any]:
    if not form.text("pace"):
        return {}
    return {"pace": {"count": _number(form, "pace", 0), "per": form.text("per") or "second"}}


def _windows(form: Form) -> dict[str, Any]:
    if not form.text("begin") and not form.text("end"):
        return {}
    window: dict[str, Any] = {"begin": form.text("begin") or "00:00", "end": form.text("end") or "24:00"}
    return {"windows": [window | ({"days": [*form.many("days")]} if form.many("days") else {})]}


def _number(form: Form, name: str, otherwise: int) -> int | str:
    """As a number, or as it was typed: the API says what is wrong with it."""
    typed = form.text(name)
    if not typed:
        return otherwise
    return int(typed) if typed.isascii() and typed.isdigit() else 0


def _told(error: WhimbrelError) -> Problem:
    """A refusal with what is wrong at the fields of this form."""
    told = problem(error)
    fields = dict(told.fields)
    for pointer, words in told.fields.items():
        for begin, field in _FIELDS.items():
            if pointer.startswith(begin):
                fields.setdefault(field, words)
    return msgspec.structs.replace(told, fields=fields)


_FIELDS: Final = {
    "audience.numbers": "to_numbers",
    "exclude.numbers": "not_numbers",
    "audience": "audience",
    "schedule.at": "at",
    "schedule.zone": "zone",
    "schedule.pace": "pace",
    "schedule.windows": "begin",
    "variants.0": "text_A",
    "variants.1": "text_B",
    "variants.2": "text_C",
    "text": "text_A",
}


async def _one(
    request: Request,
    *,
    form: Form | None = None,
    told: Problem | None = None,
    tried: Form | None = None,
    tested: Any = (),
) -> Response:
    found = await request.api("getCampaign", path=dict(request.path))
    if found.status != "draft":
        status = told.status if told else 200
        return request.page("campaigns/one.html", status=status, problem=told, **await _standing(request, found))
    if form is None:
        path = dict(request.path)
        numbers = await request.api("listNumbersOfCampaign", path=path)
        excluded = await request.api("listNumbersOfCampaign", path=path, query={"excluded": "true"})
        form = Form.of(_shown(found, numbers.data, excluded.data))
    return await _form(request, found, form, told, tried=tried or Form(), tested=tested)


async def _standing(request: Request, found: Any) -> dict[str, Any]:
    results = await request.api("getResultsOfCampaign", path={"id": found.id})
    return {
        "campaign": found,
        "results": results,
        "carriers": await _carriers(request),
        "may_send": request.api.may("startCampaign"),
        "may_write": request.api.may("createCampaign"),
    }


async def _carriers(request: Request) -> dict[str, str]:
    """Names of carriers by id, for those who may know them."""
    if not request.api.may("listCarriers"):
        return {}
    return {each.id: each.name for each in (await request.api("listCarriers", query={"limit": "1000"})).data}


def _shown(found: Any, numbers: tuple[str, ...], excluded: tuple[str, ...]) -> dict[str, str | tuple[str, ...]]:
    schedule = found.schedule
    shown: dict[str, str | tuple[str, ...]] = {
        "name": found.name,
        "sender": found.sender or "",
        "class": found.message_class or "",
        "template": found.variants[0].template or "",
        "at": (schedule.at or "")[:16],
        "zone": schedule.zone,
        "pace": str(schedule.pace.count) if schedule.pace else "",
        "per": schedule.pace.per if schedule.pace else "second",
        "to_numbers": "\n".join(numbers),
        "not_numbers": "\n".join(excluded),
    }
    if found.audience.everybody:
        shown["everybody"] = "1"
    for prefix, group in (("to_", found.audience), ("not_", found.exclude)):
        shown |= {prefix + name: getattr(group, name) for name, _ in _GROUPS}
    shown |= {f"text_{each.name}": each.text or "" for each in found.variants}
    if schedule.windows:
        window = schedule.windows[0]
        shown |= {"begin": window.begin, "end": window.end, "days": window.days}
    if found.winner is not None:
        trial = found.winner
        shown |= {"trial": "1", "metric": trial.metric, "sample_percent": str(trial.sample_percent)}
        shown |= {"wait_minutes": str(trial.wait_s // 60), "min_difference": f"{trial.min_difference:g}"}
    return shown


async def _form(
    request: Request,
    found: Any,
    form: Form,
    told: Problem | None = None,
    *,
    tried: Form | None = None,
    tested: Any = (),
) -> Response:
    groups = {}
    for name, operation in _GROUPS:
        groups[name] = (await request.api(operation)).data if request.api.may(operation) else ()
    needs = (await request.api("getCampaignPolicy")).approval
    return request.page(
        "campaigns/form.html",
        status=told.status if told else 200,
        campaign=found,
        form=form,
        problem=told,
        groups=groups,
        letters=_LETTERS,
        templates=await usable.templates(request, request.words("campaigns.no_template")),
        needs_approval=needs,
        may_write=request.api.may("createCampaign"),
        may_send=request.api.may("startCampaign"),
        may_approve=request.api.may("approveCampaign"),
        tried=tried or Form(),
        tested=tested,
    )


PAGES = (
    Page(path=PATH, handle=campaigns),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=f"{PATH}/{{id}}", handle=campaign),
    Page(path=f"{PATH}/{{id}}", method="POST", handle=update),
    Page(path=f"{PATH}/{{id}}/progress", handle=progress),
    Page(path=f"{PATH}/{{id}}/estimate", handle=estimate),
    Page(path=f"{PATH}/{{id}}/test", method="POST", handle=send_test),
    Page(path=f"{PATH}/{{id}}/approve", method="POST", handle=approve),
    Page(path=f"{PATH}/{{id}}/start", method="POST", handle=start),
    Page(path=f"{PATH}/{{id}}/pause", method="POST", handle=pause),
    Page(path=f"{PATH}/{{id}}/resume", method="POST", handle=resume),
    Page(path=f"{PATH}/{{id}}/cancel", method="POST", handle=cancel),
    Page(path=f"{PATH}/{{id}}/winner", method="POST", handle=choose),
    Page(path=f"{PATH}/{{id}}/remove", method="POST", handle=remove),
)
