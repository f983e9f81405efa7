"""Rules of quiet hours, each with its source; the operator adds, changes and switches off."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import Form, problem
from whimbrel.edges.console.pages import policies
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo

PATH: Final = f"{policies.PATH}/rules"
_ONE: Final = f"{PATH}/{{rule}}"
_TEXTS: Final = ("title", "country", "source", "note")
TABLE: Final = Table(
    name="quiet_rules",
    path=PATH,
    cells="policies/cells.html",
    operation="listQuietRules",
    is_paged=False,
    columns=(
        Column("title", "policies.rule"),
        Column("country", "policies.country", lambda row, more: " ".join((row.country, *row.subdivisions))),
        Column("hours", "policies.hours", lambda row, more: _hours(row)),
        Column("cap", "policies.cap", lambda row, more: f"{row.cap.max} / {row.cap.hours} h" if row.cap else None),
        Column("holds", "policies.holds", lambda row, more: "yes" if row.enabled else "no"),
        Column("source", "policies.source"),
        Column("as_of", "policies.as_of", usual=False),
        Column("confidence", "policies.confidence"),
        Column("origin", "policies.origin"),
        Column("note", "policies.note", usual=False),
        Column("id", "table.id", usual=False),
    ),
)


async def rules(request: Request) -> Response:
    """By country, also those that are switched off."""
    return await tables.answer(request, TABLE, "policies/rules.html", may_write=_may_write(request))


async def new(request: Request) -> Response:
    return await _form(request, None, Form.of({"enabled": "1"}), None)


async def create(request: Request) -> Response:
    form = await request.form()
    return await _put(request, form, form.text("id"), None)


async def one(request: Request) -> Response:
    found = await _rule(request)
    return await _form(request, found, _filled(found), None)


async def update(request: Request) -> Response:
    found = await _to_change(request)
    return await _put(request, await request.form(), found.id, found)


async def switch(request: Request) -> Response:
    """Whether a rule holds; of one of the product a copy is kept that is switched off."""
    found, form = await _to_change(request), await request.form()
    is_on = form.text("enabled") == "1"
    await request.api("putQuietRule", path={"id": found.id}, body=_body(found) | {"enabled": is_on})
    return request.go(_ONE.format(rule=found.id), done="quiet_rule.on" if is_on else "quiet_rule.off")


async def remove(request: Request) -> Response:
    found = await _to_change(request)
    await request.api("deleteQuietRule", path={"id": found.id})
    undo = Undo("putQuietRule", PATH, path={"id": found.id}, body=_body(found))
    return request.undone_by(undo).go(PATH, done="quiet_rule.removed")


async def _rule(request: Request) -> Any:
    for rule in (await request.api("listQuietRules")).data:
        if rule.id == request.path["rule"]:
            return rule
    raise WhimbrelError("not_found")


async def _to_change(request: Request) -> Any:
    """The rule, for those who may change it."""
    _check_writes(request)
    return await _rule(request)


def _check_writes(request: Request) -> None:
    if not _may_write(request):
        raise WhimbrelError("forbidden", request.words("policies.not_for_you"))


async def _put(request: Request, form: Form, rule_id: str, found: Any) -> Response:
    cap = {name: policies.figure(form.text(f"cap.{name}")) for name in ("max", "hours")}
    body = {
        **{name: form.text(name) for name in _TEXTS},
        "country": form.text("country").upper(),
        "subdivisions": form.text("subdivisions").upper().replace(",", " ").split(),
        "hours": policies.hours_of(form),
        "cap": cap if any(cap.values()) else None,
        "enabled": form.flag("enabled"),
    }
    try:
        await request.api("putQuietRule", path={"id": rule_id or "-"}, body=body)
    except WhimbrelError as error:
        return await _form(request, found, form, error)
    return request.go(_ONE.format(rule=rule_id), done="quiet_rule.saved")


async def _form(request: Request, found: Any, form: Form, error: WhimbrelError | None) -> Response:
    if found is None:
        _check_writes(request)
    return request.page(
        "policies/rule.html",
        status=422 if error else 200,
        rule=found,
        form=form,
        problem=problem(error, "subdivisions") if error else None,
        days=policies.DAYS,
        may_write=_may_write(request),
    )


def _body(found: Any) -> dict[str, Any]:
    cap = {"max": found.cap.max, "hours": found.cap.hours} if found.cap else None
    texts = {name: getattr(found, name) for name in _TEXTS}
    members = {"subdivisions": list(found.subdivisions), "hours": dict(found.hours), "enabled": found.enabled}
    return {**texts, **members, "cap": cap}


def _filled(found: Any) -> Form:
    values = {name: getattr(found, name) for name in _TEXTS} | {"subdivisions": ", ".join(found.subdivisions)}
    values |= {f"hours.{day}": text for day, text in found.hours.items()}
    if found.cap:
        values |= {"cap.max": str(found.cap.max), "cap.hours": str(found.cap.hours)}
    return Form.of(values | ({"enabled": "1"} if found.enabled else {}))


def _hours(row: Any) -> str:
    return ", ".join(f"{day} {text}" for day, text in row.hours.items())


def _may_write(request: Request) -> bool:
    return request.api.may("putQuietRule")


PAGES = (
    Page(path=PATH, handle=rules),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=_ONE, handle=one),
    Page(path=_ONE, method="POST", handle=update),
    Page(path=f"{_ONE}/switch", method="POST", handle=switch),
    Page(path=f"{_ONE}/remove", method="POST", handle=remove),
)
