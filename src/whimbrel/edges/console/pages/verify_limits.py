"""Rate limits of a verify service: starts counted by a key of one's own, in buckets."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import VERIFY_BUCKETS_PER_LIMIT
from whimbrel.edges.console import table_files, tables, verifying
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.pages.verify import PATH, may_manage
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, More, Table

_PLACE: Final = f"{PATH}/{{id}}/limits"


async def _service(request: Request) -> More:
    """The service whose limits they are, if it is the account's."""
    return {"service": await request.api("getVerifyService", path={"id": request.path["id"]})}


TABLE: Final = Table(
    name="verify_limits",
    path=_PLACE,
    cells="verify/limits_cells.html",
    operation="listVerifyRateLimits",
    is_paged=False,
    more=_service,
    fixed=lambda request: {"service_id": request.path["id"]},
    columns=(
        Column("name", "verify.limit_name"),
        Column("description", "verify.description"),
        Column("buckets", "verify.buckets", lambda row, more: [f"{b.max}/{b.interval_s}s" for b in row.buckets]),
        Column("changed", "verify.changed", "updated_at"),
        Column("id", "table.id", usual=False),
    ),
)


async def all_limits(request: Request) -> Response:
    values: dict[str, Any] = {"span": verifying.span, "may_manage": may_manage(request)}
    return await tables.answer(request, TABLE, "verify/limits.html", **values)


async def new(request: Request) -> Response:
    return await _form(request, None, Form.of({"buckets.0.max": "5", "buckets.0.interval_s": "3600"}))


async def create(request: Request) -> Response:
    form, service_id = await request.form(), request.path["id"]
    try:
        body = {"service_id": service_id, "name": form.text("name"), **verifying.limit_body(form)}
        await request.api("createVerifyRateLimit", body=body)
    except WhimbrelError as error:
        return await _form(request, None, verifying.tidied(form), problem(error, _about(error)))
    return request.go(_PLACE.format(id=service_id), done="verify.limit_made")


async def limit(request: Request) -> Response:
    found = await _found(request)
    return await _form(request, found, verifying.limit_fields(found))


async def update(request: Request) -> Response:
    form, found = await request.form(), await _found(request)
    try:
        await request.api("updateVerifyRateLimit", path={"id": found.id}, body=verifying.limit_body(form))
    except WhimbrelError as error:
        return await _form(request, found, verifying.tidied(form), problem(error))
    return request.go(_PLACE.format(id=found.service_id), done="verify.limit_saved")


async def remove(request: Request) -> Response:
    found = await _found(request)
    await request.api("deleteVerifyRateLimit", path={"id": found.id})
    return request.go(_PLACE.format(id=found.service_id), done="verify.limit_removed")


async def _found(request: Request) -> Any:
    """The limit of the address, where it is of the service of the address."""
    found = await request.api("getVerifyRateLimit", path={"id": request.path["limit"]})
    if found.service_id != request.path["id"]:
        raise WhimbrelError("not_found")
    return found


def _about(error: WhimbrelError) -> str:
    return "name" if error.code == "conflict" and not error.errors else ""


async def _form(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    if not may_manage(request):
        raise WhimbrelError("forbidden", request.words("verify.not_for_you"))
    service = await request.api("getVerifyService", path={"id": request.path["id"]})
    return request.page(
        "verify/limit.html",
        status=told.status if told else 200,
        service=service,
        limit=found,
        form=form.plus({"name": found.name}) if found else form,
        problem=told,
        rows=range(VERIFY_BUCKETS_PER_LIMIT),
    )


PAGES = (
    Page(path=_PLACE, handle=all_limits),
    table_files.page(TABLE),
    Page(path=f"{_PLACE}/new", handle=new),
    Page(path=f"{_PLACE}/new", method="POST", handle=create),
    Page(path=f"{_PLACE}/{{limit}}", handle=limit),
    Page(path=f"{_PLACE}/{{limit}}", method="POST", handle=update),
    Page(path=f"{_PLACE}/{{limit}}/remove", method="POST", handle=remove),
)
