"""Brands: named groups of the account's senders, one of which a STOP may reach."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import choosing, table_files, tables
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/brands"
TABLE: Final = Table(
    name="brands",
    path=PATH,
    cells="consents/brands_cells.html",
    operation="listBrands",
    is_paged=False,
    columns=(
        Column("name", "consents.name"),
        Column("senders", "consents.brand_senders", lambda row, more: " ".join(row.senders)),
        Column("since", "consents.since", "created_at"),
        Column("id", "table.id", usual=False),
    ),
)


async def brands(request: Request) -> Response:
    """All of the account, and a form for one more."""
    chooser = await choosing.account(request)
    return chooser or await _brands(request, Form(), None)


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("createBrand", body=_body(form))
    except WhimbrelError as error:
        return await _brands(request, form, problem(error))
    return request.go(PATH, done="brand.created")


async def brand(request: Request) -> Response:
    """One of them, as a form."""
    return await _brand(request, None, None)


async def update(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("putBrand", path=dict(request.path), body=_body(form))
    except WhimbrelError as error:
        return await _brand(request, form, problem(error))
    return request.go(PATH, done="brand.changed")


async def remove(request: Request) -> Response:
    """Who opted out of it is kept; a brand that is made anew is another one."""
    path = dict(request.path)
    await request.api("deleteBrand", path=path)
    return request.go(PATH, done="brand.removed")


def _body(form: Form) -> dict[str, Any]:
    return {"name": form.text("name"), "senders": [*form.many("senders")]}


async def _brands(request: Request, form: Form, told: Problem | None) -> Response:
    may_write = request.api.may("createBrand")
    values = {"form": form, "problem": told, "may_write": may_write, "senders": await _senders(request)}
    return await tables.answer(request, TABLE, "consents/brands.html", status=told.status if told else 200, **values)


async def _brand(request: Request, form: Form | None, told: Problem | None) -> Response:
    found = await request.api("getBrand", path=dict(request.path))
    return request.page(
        "consents/brand.html",
        status=told.status if told else 200,
        brand=found,
        form=form or Form.of({"name": found.name, "senders": found.senders}),
        problem=told,
        senders=sorted({*await _senders(request), *found.senders}),
        may_write=request.api.may("putBrand"),
    )


async def _senders(request: Request) -> list[str]:
    """Those that may be of one."""
    if not request.api.may("listSenders"):
        return []
    found = await request.api("listSenders", query={"limit": str(limits.PAGE_MAX)})
    return sorted({each.value for each in found.data})


PAGES = (
    Page(path=PATH, handle=brands),
    table_files.page(TABLE),
    Page(path=PATH, method="POST", handle=create),
    Page(path=f"{PATH}/{{id}}", handle=brand),
    Page(path=f"{PATH}/{{id}}", method="POST", handle=update),
    Page(path=f"{PATH}/{{id}}/remove", method="POST", handle=remove),
)
