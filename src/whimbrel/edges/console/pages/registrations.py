"""Registrations: a form made of the regime's own questions, its papers, and what the operator says to it."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import choosing, papers, table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/senders/registrations"
_ONE: Final = f"{PATH}/{{id}}"
STATES: Final = ("draft", "submitted", "approved", "rejected", "expired")
TABLE: Final = Table(
    name="registrations",
    path=PATH,
    cells="registrations/cells.html",
    operation="listRegistrations",
    filters=("state",),
    columns=(
        Column("name", "registrations.name"),
        Column("title", "registrations.regime"),
        Column("countries", "registrations.countries", lambda row, more: " ".join(row.countries)),
        Column("state", "registrations.state"),
        Column("senders", "registrations.senders", lambda row, more: len(row.senders), css="n"),
        Column("expires", "registrations.expires", "expires_at"),
        Column("since", "senders.since", "created_at"),
        Column("account", "registrations.account", "account_id", usual=False),
        Column("id", "table.id", usual=False),
    ),
)


async def registrations(request: Request) -> Response:
    """Those of the account; where none is chosen, all that wait for the operator."""
    may_write = request.api.may("createRegistration") and request.asked.acting_for is not None
    return await tables.answer(request, TABLE, "registrations/list.html", may_write=may_write, states=STATES)


async def new(request: Request) -> Response:
    chooser = await choosing.account(request)
    return await _new(request, EMPTY, None) if chooser is None else chooser


async def create(request: Request) -> Response:
    form = await request.form()
    body = {"regime": form.text("regime"), "name": form.text("name"), "country": form.text("country").upper()}
    try:
        made = await request.api("createRegistration", body=body)
    except WhimbrelError as error:
        return await _new(request, form, error)
    return request.go(_ONE.format(id=made.id))


async def one(request: Request) -> Response:
    return await _one(request, None, None)


async def update(request: Request) -> Response:
    """Save; with `submit` also hand it over, after which what is missing stands at its fields."""
    form, path = await request.form(), {"id": request.path["id"]}
    found = await request.api("getRegistration", path=path)
    regime = await request.api("getRegistrationRegime", path={"regime": found.regime})
    done = "registration.saved"
    try:
        await request.api("updateRegistration", path=path, body=_body(form, regime, found))
        if form.flag("submit"):
            await request.api("submitRegistration", path=path)
            done = "registration.submitted"
    except WhimbrelError as error:
        return await _one(request, form, error)
    return request.go(_ONE.format(**path), done=done)


async def approve(request: Request) -> Response:
    form, path = await request.form(), {"id": request.path["id"]}
    found = await request.api("getRegistration", path=path)
    regime = await request.api("getRegistrationRegime", path={"regime": found.regime})
    days = form.text("valid_days")
    body = {
        "decision": {name: value for name, value in _answers(form, "decision", regime.decision).items() if value},
        "valid_days": int(days) if days.isdecimal() and len(days) < 6 else days or None,
    }
    try:
        await request.api("approveRegistration", path=path, body=body)
    except WhimbrelError as error:
        return await _one(request, form, error)
    return request.go(_ONE.format(**path), done="registration.approved")


async def reject(request: Request) -> Response:
    form, path = await request.form(), {"id": request.path["id"]}
    try:
        await request.api("rejectRegistration", path=path, body={"reason": form.text("reason")})
    except WhimbrelError as error:
        return await _one(request, form, error)
    return request.go(_ONE.format(**path), done="registration.rejected")


async def remove(request: Request) -> Response:
    await request.api("deleteRegistration", path=dict(request.path))
    return request.go(PATH, done="registration.removed")


async def bring(request: Request) -> Response:
    """A paper, as the browser reads it."""
    return await papers.bring(request, "getRegistration", "addDocumentOfRegistration")


async def drop(request: Request) -> Response:
    """A paper goes; the page that it stood on comes back."""
    row = await request.api("getDocument", path={"id": request.path["id"]})
    await request.api("deleteDocument", path={"id": request.path["id"]})
    folder = PATH if row.subject_id.startswith("RG") else "/console/senders/numbers"
    return request.go(f"{folder}/{row.subject_id}", done="registration.paper_gone")


def _body(form: Form, regime: Any, found: Any) -> dict[str, Any]:
    """What the API takes: of one that is approved only its senders change."""
    senders = [name for name in form.many("senders") if name]
    if found.state not in ("draft", "rejected"):
        return {"senders": senders}
    body: dict[str, Any] = {"name": form.text("name"), "answers": _answers(form, "answers", regime.fields)}
    if regime.kinds:
        body["senders"] = senders
    if regime.parent:
        body["parent_id"] = form.text("parent_id") or None
    if not regime.countries:
        body["country"] = form.text("country").upper()
    return body


def _answers(form: Form, prefix: str, fields: Sequence[Any]) -> dict[str, Any]:
    return {field.name: _answer(form, f"{prefix}.{field.name}", field.type) for field in fields}


def _answer(form: Form, name: str, kind: str) -> Any:
    """What was answered; None where nothing was. What is of no such kind is handed on, so that the API says so."""
    if kind == "choices":
        return list(form.many(name)) or None
    text = form.text(name)
    if kind == "boolean":
        return {"true": True, "false": False}.get(text)
    if kind == "integer":
        return int(text) if text.isdecimal() and len(text) < 12 else text or None
    return text or None


async def _new(request: Request, form: Form, error: WhimbrelError | None) -> Response:
    if not request.api.may("createRegistration"):
        raise WhimbrelError("forbidden", request.words("registrations.not_for_you"))
    return request.page(
        "registrations/new.html",
        status=422 if error else 200,
        form=form,
        problem=problem(error) if error else None,
        regimes=(await request.api("listRegistrationRegimes")).data,
    )


async def _one(request: Request, form: Form | None, error: WhimbrelError | None) -> Response:
    found = await request.api("getRegistration", path={"id": request.path["id"]})
    regime = await request.api("getRegistrationRegime", path={"regime": found.regime})
    is_chosen = request.asked.acting_for is not None
    own = (await request.api("listSenders", query={"limit": "1000"})).data if regime.kinds and is_chosen else ()
    parents = []
    if regime.parent and is_chosen:
        every = (await request.api("listRegistrations", query={"limit": "1000"})).data
        parents = [(each.id, each.name) for each in every if each.regime == regime.parent]
    return request.page(
        "registrations/one.html",
        status=422 if error else 200,
        found=found,
        regime=regime,
        form=form or _filled(found),
        problem=problem(error) if error else None,
        senders=[each for each in own if each.kind in regime.kinds],
        parents=parents,
        labels=_labels(regime),
        is_open=found.state in ("draft", "rejected"),
        may_write=request.api.may("updateRegistration"),
        may_decide=request.api.may("approveRegistration") and found.state not in ("draft", "rejected"),
        most=papers.MOST,
    )


def _labels(regime: Any) -> dict[str, str]:
    """What is missing, in the words of its question."""
    papers_asked = {f"documents/{paper.name}": paper.label for paper in regime.documents}
    return {field.name: field.label for field in regime.fields} | papers_asked


def _filled(found: Any) -> Form:
    values: dict[str, str | tuple[str, ...]] = {
        "name": found.name,
        "country": found.country,
        "parent_id": found.parent_id or "",
        "senders": found.senders,
    }
    for prefix, answers in (("answers", found.answers), ("decision", found.decision)):
        for name, value in answers.items():
            values[f"{prefix}.{name}"] = _shown(value)
    return Form.of(values)


def _shown(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, bool):
        return "true" if value else "false"
    return tuple(value) if isinstance(value, list | tuple) else str(value)


PAGES = (
    Page(path=PATH, handle=registrations),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path="/console/senders/papers/{id}", handle=papers.content),
    Page(path="/console/senders/papers/{id}/remove", method="POST", handle=drop),
    Page(path=_ONE, handle=one),
    Page(path=_ONE, method="POST", handle=update),
    Page(path=f"{_ONE}/approve", method="POST", handle=approve),
    Page(path=f"{_ONE}/reject", method="POST", handle=reject),
    Page(path=f"{_ONE}/papers", method="POST", handle=bring),
    Page(path=f"{_ONE}/remove", method="POST", handle=remove),
)
