"""People of an account's application: their authenticators, the codes that were asked of them, wrong ones counted."""

from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.pages.verify import PATH, may_manage
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page

_PLACE: Final = f"{PATH}/{{id}}/authenticators"
_ONE: Final = f"{_PLACE}/{{identity}}"
_SHOWN: Final = "20"


async def people(request: Request) -> Response:
    """Those of a service, newest first; a script asks for the rows that follow. One who is looked for by the identity
    is shown at once."""
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
    path = {"id": request.path["id"]}
    service = await request.api("getVerifyService", path=path)
    found = await request.api("listEntities", path=path, query=request.query.given("cursor"))
    values = {"service": service, "people": found.data, "next": found.next_cursor}
    values["sought"] = request.query.text("find")
    if request.is_part and request.query.text("cursor"):
        return request.part("verify/people.html", "rows", **values)
    may = request.api.may("createFactor")
    status = told.status if told else 200
    return request.page("verify/people.html", status=status, form=form, problem=told, may_verify=may, **values)


async def _person(request: Request, form: Form = EMPTY, told: Problem | None = None, factor: str = "") -> Response:
    """`factor`: the one whose code was refused."""
    path = {name: request.path[name] for name in ("id", "identity")}
    found = await request.api("getEntity", path=path)
    service = await request.api("getVerifyService", path={"id": path["id"]})
    factors: Any = (await request.api("listFactors", path=path)).data
    query = {"limit": _SHOWN, **request.query.given("cursor")}
    challenges = await request.api("listChallenges", path=path, query=query)
    values = {"challenges": challenges.data, "next": challenges.next_cursor, "place": _ONE.format(**path)}
    values["names"] = {each.id: each.name for each in factors}
    if request.is_part and "cursor" in query:
        return request.part("verify/person.html", "rows", **values)
    return request.page(
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
        **values,
    )


PAGES = (
    Page(path=_PLACE, handle=people),
    Page(path=_PLACE, method="POST", handle=enrol),
    Page(path=_ONE, handle=person),
    Page(path=f"{_ONE}/unlock", method="POST", handle=unlock),
    Page(path=f"{_ONE}/remove", method="POST", handle=remove),
    Page(path=f"{_ONE}/factors/{{factor}}/confirm", method="POST", handle=confirm),
    Page(path=f"{_ONE}/factors/{{factor}}/check", method="POST", handle=check),
    Page(path=f"{_ONE}/factors/{{factor}}/remove", method="POST", handle=remove_factor),
)
