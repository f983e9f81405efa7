"""Flows: the list, the editor with its picture, runs and what each of them did."""

import json
from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.flow_documents import STEPS, TRIGGERS
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.shared import cursors

PATH: Final = "/console/flows"
_FIELDS: Final = sorted(
    {name for kind in (*STEPS.values(), *TRIGGERS.values()) for name in kind.__struct_encode_fields__}
    | {"on_run", "on_contact"}
)
"""Of all kinds of steps and triggers, each of which has words; and whose a step is."""
_ENDS: Final = ("delivered", "undelivered", "failed", "expired", "rejected", "unknown", "approved", "canceled")
"""Of messages and verifications."""
RUNS: Final = "/console/flow-runs"
TABLE: Final = Table(
    name="flows",
    path=PATH,
    cells="flows/cells.html",
    operation="listFlows",
    filters=("status",),
    columns=(
        Column("name", "flows.name"),
        Column("begins", "flows.begins", lambda row, more: row.trigger["type"]),
        Column("state", "flows.state", "status"),
        Column("version", "flows.version", css="n"),
        Column("changed", "flows.changed", "updated_at"),
        Column("id", "table.id", usual=False),
    ),
)
RUN_TABLE: Final = Table(
    name="flow_runs",
    path=RUNS,
    cells="flows/run_cells.html",
    operation="listFlowRuns",
    by="started",
    filters=("flow_id", "state"),
    columns=(
        Column("run", "flows.run", lambda row, more: row.phone or row.id),
        Column("state", "flows.state"),
        Column("step", "flows.step"),
        Column("steps", "flows.steps", css="n"),
        Column("started", "flows.started", "started_at"),
        Column("id", "table.id", usual=False),
    ),
)
_LATELY: Final = "20"
_EMPTY_FLOW: Final = {
    "trigger": {"type": "keyword", "keywords": ["HELLO"]},
    "start": "answer",
    "steps": {"answer": {"type": "send", "text": "Hello from us!"}},
}


async def flows(request: Request) -> Response:
    """All of the account, newest first; a script asks for the rows that follow."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="flows")
    return await tables.answer(request, TABLE, "flows/list.html", may_write=request.api.may("createFlow"))


async def new(request: Request) -> Response:
    """An empty flow, or a ready-made one to begin with."""
    ready = (await request.api("listReadyMadeFlows")).data
    chosen = next((each for each in ready if each.name == request.query.text("ready")), None)
    document = _EMPTY_FLOW if chosen is None else chosen.document
    form = Form.of({"name": "" if chosen is None else chosen.title, "document": _pretty(document)})
    return await _editor(request, None, form)


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        body = {"name": form.text("name"), "document": _document(form), "status": "paused"}
        made = await request.api("createFlow", body=body)
    except WhimbrelError as error:
        return await _editor(request, None, form, problem(error))
    return request.go(f"{PATH}/{made.id}", done="flow.made")


async def flow(request: Request) -> Response:
    found = await request.api("getFlow", path=dict(request.path))
    return await _editor(request, found, Form.of({"name": found.name, "document": _pretty(found.document)}))


async def update(request: Request) -> Response:
    form = await request.form()
    found = await request.api("getFlow", path=dict(request.path))
    try:
        document = _document(form)
        body: dict[str, Any] = {"name": form.text("name")}
        if document != found.document:
            body["document"] = document
        await request.api("updateFlow", path=dict(request.path), body=body)
    except WhimbrelError as error:
        return await _editor(request, found, form, problem(error))
    return request.go(f"{PATH}/{found.id}", done="flow.saved")


async def activate(request: Request) -> Response:
    return await _status(request, "active", "flow.activated")


async def pause(request: Request) -> Response:
    return await _status(request, "paused", "flow.paused")


async def _status(request: Request, status: str, done: str) -> Response:
    await request.api("updateFlow", path=dict(request.path), body={"status": status})
    return request.go(f"{PATH}/{request.path['id']}", done=done)


async def remove(request: Request) -> Response:
    await request.api("deleteFlow", path=dict(request.path))
    return request.go(PATH, done="flow.removed")


async def begin(request: Request) -> Response:
    """A run for one phone."""
    form = await request.form()
    try:
        body = {"phone": form.text("phone"), "variables": form.json("variables")}
        run = await request.api("startFlow", path=dict(request.path), body=body)
    except WhimbrelError as error:
        found = await request.api("getFlow", path=dict(request.path))
        shown = Form.of({"name": found.name, "document": _pretty(found.document)})
        filled = shown.plus({"phone": form.raw("phone"), "variables": form.raw("variables")})
        return await _editor(request, found, filled, problem(error))
    return request.go(f"{RUNS}/{run.id}", done="flow.begun")


async def runs(request: Request) -> Response:
    """Runs of all flows, or of one."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="flows")
    return await tables.answer(request, RUN_TABLE, "flows/runs.html")


async def run(request: Request) -> Response:
    path = dict(request.path)
    found = await request.api("getFlowRun", path=path)
    steps = await request.api("listFlowSteps", path=path, query=request.query.given("cursor"))
    cases = await _cases(request, found)
    values = {"run": found, "steps": steps.data, "next": steps.next_cursor, "cases": cases}
    if request.is_part and request.query.text("cursor"):
        return request.part("flows/run.html", "rows", **values)
    variables = None if found.variables is None else _pretty(found.variables)
    return request.page("flows/run.html", variables=variables, may_run=request.api.may("stopFlowRun"), **values)


async def _cases(request: Request, run: Any) -> dict[str, str]:
    """What the cases of its version's branches ask, by the step and the outcome as the history has them."""
    query = {"limit": "1", "cursor": cursors.encode(run.version + 1)}
    try:
        found = await request.api("listFlowVersions", path={"id": run.flow_id}, query=query)
    except WhimbrelError as error:
        if error.code not in {"not_found", "forbidden"}:
            raise
        return {}
    steps = found.data[0].document["steps"] if found.data else {}
    return {
        f"{name} case_{place}": case["when"]
        for name, step in steps.items()
        for place, case in enumerate(step.get("cases", ()), start=1)
    }


async def stop(request: Request) -> Response:
    return await _acted(request, "stopFlowRun", "flow.stopped")


async def skip(request: Request) -> Response:
    return await _acted(request, "skipFlowWait", "flow.skipped")


async def erase(request: Request) -> Response:
    return await _acted(request, "eraseFlowRun", "flow.erased")


async def _acted(request: Request, operation: str, done: str) -> Response:
    await request.api(operation, path=dict(request.path))
    return request.go(f"{RUNS}/{request.path['id']}", done=done)


async def _editor(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    lately = None
    if found is not None:
        query = {"flow_id": found.id, "limit": _LATELY}
        lately = (await request.api("listFlowRuns", query=query)).data
    elif not request.api.may("createFlow"):
        raise WhimbrelError("forbidden", request.words("flows.not_for_you"))
    ready = () if found is not None else (await request.api("listReadyMadeFlows")).data
    wrong = [(place, words) for place, words in (told.fields if told else {}).items() if place.startswith("document")]
    return request.page(
        "flows/one.html",
        status=told.status if told else 200,
        flow=found,
        form=form,
        problem=told,
        wrong=wrong,
        runs=lately,
        ready=ready,
        step_fields=_FIELDS,
        triggers=tuple(TRIGGERS),
        ends=_ENDS,
        people=await _people(request),
        may_write=request.api.may("updateFlow"),
        may_run=request.api.may("startFlow"),
    )


async def _people(request: Request) -> list[tuple[str, str]]:
    """Whom a conversation may be given to: people of the account, and the visitor, who may be the operator's; none for
    those who may not see them, who write an id."""
    if not request.api.may("listConversationPeople"):
        return []
    people = (await request.api("listConversationPeople")).data
    named = {each.id: each.name for each in people} | {request.visit.user.id: request.visit.user.name}
    return sorted(named.items(), key=lambda pair: pair[1].casefold())


def _document(form: Form) -> dict[str, Any]:
    return form.json("document")


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


PAGES = (
    Page(path=PATH, handle=flows),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=f"{PATH}/{{id}}", handle=flow),
    Page(path=f"{PATH}/{{id}}", method="POST", handle=update),
    Page(path=f"{PATH}/{{id}}/activate", method="POST", handle=activate),
    Page(path=f"{PATH}/{{id}}/pause", method="POST", handle=pause),
    Page(path=f"{PATH}/{{id}}/remove", method="POST", handle=remove),
    Page(path=f"{PATH}/{{id}}/runs", method="POST", handle=begin),
    Page(path=RUNS, handle=runs),
    table_files.page(RUN_TABLE),
    Page(path=f"{RUNS}/{{id}}", handle=run),
    Page(path=f"{RUNS}/{{id}}/stop", method="POST", handle=stop),
    Page(path=f"{RUNS}/{{id}}/skip", method="POST", handle=skip),
    Page(path=f"{RUNS}/{{id}}/erase", method="POST", handle=erase),
)
