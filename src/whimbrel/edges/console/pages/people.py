"""People and roles: who may use the console, and what they may do. The operator's people see those of the account that
they act for, and their own."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.request import Api, Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo
from whimbrel.manage.users import UserInvited, UserView

_PEOPLE = "/console/people"
_STAFF = "staff"


async def people(request: Request) -> Response:
    """Everybody, newest first; a script asks for the rows that follow."""
    api, whose = _api(request)
    roles, may_write = (await api("listRoles")).data, api.may("updateUser")
    return await tables.answer(request, TABLE, "people/list.html", roles=roles, whose=whose, may_write=may_write)


async def new(request: Request) -> Response:
    return await _new(request, EMPTY)


async def invite(request: Request) -> Response:
    form = await request.form()
    api, _ = _api(request)
    body = {"email": form.text("email"), "name": form.text("name"), "role": form.text("role")}
    try:
        made = await api("inviteUser", body=body)
    except WhimbrelError as error:
        return await _new(request, form, error)
    return _link(request, made)


async def person(request: Request) -> Response:
    return await _person(request, None, None)


async def update(request: Request) -> Response:
    form = await request.form()
    body = {"name": form.text("name"), "role": form.text("role")}
    return await _changed(request, "updateUser", body, done="person.changed", form=form)


async def disable(request: Request) -> Response:
    return await _changed(request, "updateUser", {"disabled": True}, done="person.disabled", undo={"disabled": False})


async def enable(request: Request) -> Response:
    return await _changed(request, "updateUser", {"disabled": False}, done="person.enabled", undo={"disabled": True})


async def link(request: Request) -> Response:
    """A new link, shown this once."""
    api, _ = _api(request)
    try:
        made = await api("makeUserLink", path=dict(request.path))
    except WhimbrelError as error:
        return await _person(request, None, error)
    return _link(request, made)


async def remove(request: Request) -> Response:
    api, whose = _api(request)
    try:
        await api("deleteUser", path=dict(request.path))
    except WhimbrelError as error:
        return await _person(request, None, error)
    return request.go(_PEOPLE, done="person.removed", **_query(whose))


def _api(request: Request) -> tuple[Api, str]:
    """The operations for the people that are asked for, and whose they are (`staff`: the operator's own)."""
    if request.visit.user.account_id is not None:
        return request.api, ""
    if request.query.text("whose") == _STAFF or request.visit.session.acting_for is None:
        return request.api_for(None), _STAFF
    return request.api, ""


TABLE: Final = Table(
    name="people",
    path=_PEOPLE,
    cells="people/cells.html",
    operation="listUsers",
    kept=("whose",),
    api=lambda request: _api(request)[0],
    columns=(
        Column("name", "people.name"),
        Column("email", "people.email"),
        Column("role", "people.role"),
        Column("status", "people.status"),
        Column("second", "people.second", "second_factor"),
        Column("signed_in", "people.signed_in", "signed_in_at"),
        Column("id", "table.id", usual=False),
    ),
)


def _query(whose: str) -> dict[str, str]:
    return {"whose": whose} if whose else {}


async def _new(request: Request, form: Form, error: WhimbrelError | None = None) -> Response:
    api, whose = _api(request)
    if not api.may("inviteUser"):
        raise WhimbrelError("forbidden", "Your role may not invite people.")
    return request.page(
        "people/new.html",
        status=422 if error else 200,
        form=form,
        problem=problem(error) if error else None,
        roles=(await api("listRoles")).data,
        whose=whose,
    )


async def _changed(
    request: Request,
    operation: str,
    body: Mapping[str, Any],
    *,
    done: str,
    form: Form | None = None,
    undo: Mapping[str, Any] | None = None,
) -> Response:
    api, whose = _api(request)
    try:
        changed: UserView = await api(operation, path=dict(request.path), body=body)
    except WhimbrelError as error:
        return await _person(request, form, error)
    place, query = f"{_PEOPLE}/{changed.id}", _query(whose)
    back = None if undo is None else Undo(operation, place, dict(request.path), undo, changed.account_id, query)
    return request.undone_by(back).go(place, done=done, **query)


async def _person(request: Request, form: Form | None, error: WhimbrelError | None) -> Response:
    api, whose = _api(request)
    found: UserView = await api("getUser", path=dict(request.path))
    return request.page(
        "people/one.html",
        status=error.spec.http if error else 200,
        person=found,
        form=form or Form.of({"name": found.name, "role": found.role}),
        problem=problem(error) if error else None,
        roles=(await api("listRoles")).data,
        may_write=api.may("updateUser"),
        whose=whose,
    )


def _link(request: Request, made: UserInvited) -> Response:
    address = f"{request.origin}/console/link/{made.code}"
    return request.page("people/link.html", person=made, address=address, whose=_api(request)[1])


PAGES = (
    Page(path=_PEOPLE, handle=people),
    table_files.page(TABLE),
    Page(path=f"{_PEOPLE}/new", handle=new, confirmed=True),
    Page(path=f"{_PEOPLE}/new", method="POST", handle=invite, confirmed=True),
    Page(path=f"{_PEOPLE}/{{id}}", handle=person),
    Page(path=f"{_PEOPLE}/{{id}}", method="POST", handle=update, confirmed=True),
    Page(path=f"{_PEOPLE}/{{id}}/disable", method="POST", handle=disable, confirmed=True),
    Page(path=f"{_PEOPLE}/{{id}}/enable", method="POST", handle=enable, confirmed=True),
    Page(path=f"{_PEOPLE}/{{id}}/link", method="POST", handle=link, confirmed=True),
    Page(path=f"{_PEOPLE}/{{id}}/remove", method="POST", handle=remove, confirmed=True),
)
