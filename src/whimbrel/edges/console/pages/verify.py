"""Verify: the services of an account, made and changed by a form."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.verify import CODE_MAX, CODE_MIN, ServiceSettings
from whimbrel.edges.console import table_files, tables, verifying
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/verify"
TABLE: Final = Table(
    name="verify_services",
    path=PATH,
    cells="verify/services_cells.html",
    operation="listVerifyServices",
    columns=(
        Column("name", "verify.name"),
        Column("code", "verify.code", lambda row, more: row.settings["code_length"]),
        Column("holds", "verify.holds", lambda row, more: row.settings["ttl_s"]),
        Column("channels", "verify.channels_short", lambda row, more: row.settings["channels"], usual=False),
        Column("countries", "verify.countries", lambda row, more: row.settings["countries"]),
        Column("guard", "verify.guard", lambda row, more: row.settings["guard"]),
        Column("changed", "verify.changed", "updated_at"),
        Column("id", "table.id", usual=False),
    ),
)
_LISTS: Final = ("countries", "channels")
_DEFAULTS: Final = msgspec.structs.asdict(ServiceSettings())


async def services(request: Request) -> Response:
    """All of the account."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="verify")
    may = may_manage(request)
    return await tables.answer(request, TABLE, "verify/list.html", may_manage=may, span=verifying.span)


async def new(request: Request) -> Response:
    return await _form(request, None, verifying.begun(_DEFAULTS))


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        made = await request.api("createVerifyService", body=verifying.body_of(form))
    except WhimbrelError as error:
        return await _form(request, None, form, problem(error, _listed(error)))
    return request.go(f"{PATH}/{made.id}", done="verify.made")


async def edit(request: Request) -> Response:
    found = await request.api("getVerifyService", path=dict(request.path))
    return await _form(request, found, verifying.filled(found))


async def update(request: Request) -> Response:
    form, path = await request.form(), dict(request.path)
    found = await request.api("getVerifyService", path=path)
    try:
        await request.api("updateVerifyService", path=path, body=verifying.body_of(form))
    except WhimbrelError as error:
        return await _form(request, found, form, problem(error, _listed(error)))
    return request.go(f"{PATH}/{found.id}", done="verify.saved")


async def remove(request: Request) -> Response:
    await request.api("deleteVerifyService", path=dict(request.path))
    return request.go(PATH, done="verify.removed")


def may_manage(request: Request) -> bool:
    """Whether the visitor may change services."""
    return request.api.may("createVerifyService")


def _listed(error: WhimbrelError) -> str:
    """The field of the list of which one is wrong."""
    pointers = [each.pointer for each in error.errors]
    wrong = (name for name in _LISTS if any(each.startswith(f"/settings/{name}/") for each in pointers))
    return next((f"settings.{name}" for name in wrong), "")


async def _form(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    if not may_manage(request):
        raise WhimbrelError("forbidden", request.words("verify.not_for_you"))
    senders = await request.api("listSenders", query={"limit": str(limits.PAGE_MAX)})
    values = {each.value for each in senders.data} | {form.text("settings.sender")}
    return request.page(
        "verify/form.html",
        status=told.status if told else 200,
        service=found,
        form=form,
        problem=told,
        alphabets=[(each, request.words(f"verify.alphabets.{each}")) for each in verifying.ALPHABETS],
        doubts=[(each, request.words(f"verify.doubts.{each}")) for each in verifying.DOUBTS],
        languages=verifying.spoken(request.words("verify.language_any")),
        senders=[("", request.words("verify.sender_any")), *((each, each) for each in sorted(values) if each)],
        refusable=verifying.refusable(form),
        shortest=CODE_MIN,
        longest=CODE_MAX,
    )


PAGES = (
    Page(path=PATH, handle=services),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=f"{PATH}/{{id}}/edit", handle=edit),
    Page(path=f"{PATH}/{{id}}/edit", method="POST", handle=update),
    Page(path=f"{PATH}/{{id}}/remove", method="POST", handle=remove),
)
