"""People of an account's application: their authenticators, the codes that were asked of them, wrong ones counted."""

from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.pages.verify import PATH, may_manage
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, More, Table

_PLACE: Final = f"{PATH}/{{id}}/authenticators"
_ONE: Final = f"{_PLACE}/{{identity}}"


async def _names(request: Request) -> More:
    """What a person's authenticators are called."""
    found = await request.api("listFactors", path={name: request.path[name] for name in ("id", "identity")})
    return {"names": {each.id: each.name for each in found.data}}


TABLE: Final = Table(
    name="verify_people",
    path=_PLACE,
    cells="verify/people_cells.html",
    operation="listEntities",
    columns=(
        Column("identity", "verify.people.identity"),
        Column("since", "verify.people.since", "created_at"),
        Column("changed", "verify.changed", "updated_at"),
        Column("id", "table.id", usual=False),
    ),
)
CHALLENGES: Final = Table(
    name="verify_challenges",
    path=_ONE,
    cells="verify/challenges_cells.html",
    operation="listChallenges",
    by="at",
    filters=("status",),
    more=_names,
    columns=(
        Column("at", "verify.attempts.at", "created_at"),
        Column("factor", "verify.people.factor", lambda row, more: more["names"].get(row.factor_id)),
        Column("status", "verify.status"),
        Column("reason", "verify.attempts.reason", usual=False),
        Column("id", "table.id", usual=False),
    ),
)
_STATUSES: Final = ("pending", "approved", "denied", "expired")


async def people(request: Request) -> Response:
    """Those of a service. One who is looked for by the identity, where they are many, is shown at once."""
    identity = request.query.text("find")
    if not identity:
        return await _people(request)
    path = {"id": request.path["id"], "identity": identity}
    try:
        await request.api("getEntity", path=path)
    except WhimbrelError as error:
        if error.code != "not_found":
            raise
        return await _people(request)
    return request.go(_ONE.format(id=path["id"], identity=quote(identity, safe="")))


async def enrol(request: Request) -> Response:
    """One more authenticator for somebody, who begins with the first one. Its secret is shown here and never again."""
    form, service_id = await request.form(), request.path["id"]
    path = {"id": service_id, "identity": form.text("identity")}
    try:
        if not path["identity"]:
            words = request.words("verify.people.identity_missing")
            raise WhimbrelError("invalid_request", words, errors=[FieldError("/identity", words)])
        made = await request.api("createFactor", path=path, body={"name": form.text("name")})
    except WhimbrelError as error:
        return await _people(request, form, problem(error))
    service = await request.api("getVerifyService", path={"id": service_id})
    return request.page("verify/factor.html", service=service, factor=made, place=_ONE.format(**path))


async def person(request: Request) -> Response:
    return await _person(request)


async def confirm(request: Request) -> Response:
    """The first code of a new authenticator."""
    form, path = await request.form(), dict(request.path)
    try:
        found = await request.api("verifyFactor", path=path, body={"code": form.text("code")})
        _check_right(request, found.valid, "wrong")
    except WhimbrelError as error:
        return await _person(request, form, problem(error, "code"), path["factor"])
    return request.go(_ONE.format(**path), done="verify.factor_verified")


async def check(request: Request) -> Response:
    """A code of a confirmed one."""
    form, path = await request.form(), dict(request.path)
    factor = path.pop("factor")
    try:
        found = await request.api("createChallenge", path=path, body={"factor_id": factor, "code": form.text("code")})
        _check_right(request, found.status == "approved", found.reason or "wrong")
    except WhimbrelError as error:
        return await _person(request, form, problem(error, "code"), factor)
    return request.go(_ONE.format(**path), done="verify.factor_right")


async def remove_factor(request: Request) -> Response:
    path = dict(request.path)
    await request.api("deleteFactor", path=path)
    return request.go(_ONE.format(**path), done="verify.factor_removed")


async def unlock(request: Request) -> Response:
    path = dict(request.path)
    await request.api("unlockEntity", path=path)
    return request.go(_ONE.format(**path), done="verify.unlocked")


async def remove(request: Request) -> Response:
    path = dict(request.path)
    await request.api("deleteEntity", path=path)
    return request.go(_PLACE.format(**path), done="verify.person_removed")


def _check_right(request: Request, is_right: bool, reason: str) -> None:
    """Say at the field that the code is wrong."""
    if is_right:
        return
    words = request.words(f"verify.people.{reason if reason == 'used_before' else 'wrong_code'}")
    raise WhimbrelError("invalid_request", words, errors=[FieldError("/code", words)])


async def _people(request: Request, form: Form = EMPTY, told: Problem | None = None) -> Response:
    values: dict[str, Any] = {"service": await request.api("getVerifyService", path={"id": request.path["id"]})}
    values |= {"sought": request.query.text("find"), "may_verify": request.api.may("createFactor")}
    status = told.status if told else 200
    return await tables.answer(request, TABLE, "verify/people.html", status=status, form=form, problem=told, **values)


async def _person(request: Request, form: Form = EMPTY, told: Problem | None = None, factor: str = "") -> Response:
    """`factor`: the one whose code was refused."""
    path = {name: request.path[name] for name in ("id", "identity")}
    found = await request.api("getEntity", path=path)
    service = await request.api("getVerifyService", path={"id": path["id"]})
    factors: Any = (await request.api("listFactors", path=path)).data
    return await tables.answer(
        request,
        CHALLENGES,
        "verify/person.html",
        status=told.status if told else 200,
        person=found,
        service=service,
        factors=factors,
        form=form,
        problem=told,
        refused=factor,
        may_verify=request.api.may("createFactor"),
        may_manage=may_manage(request),
        place=_ONE.format(**path),
        statuses=_STATUSES,
    )


PAGES = (
    Page(path=_PLACE, handle=people),
    table_files.page(TABLE),
    Page(path=_PLACE, method="POST", handle=enrol),
    Page(path=_ONE, handle=person),
    table_files.page(CHALLENGES),
    Page(path=f"{_ONE}/unlock", method="POST", handle=unlock),
    Page(path=f"{_ONE}/remove", method="POST", handle=remove),
    Page(path=f"{_ONE}/factors/{{factor}}/confirm", method="POST", handle=confirm),
    Page(path=f"{_ONE}/factors/{{factor}}/check", method="POST", handle=check),
    Page(path=f"{_ONE}/factors/{{factor}}/remove", method="POST", handle=remove_factor),
)
