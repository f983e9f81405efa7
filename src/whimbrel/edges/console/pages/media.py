"""Media: files that the account has to send, how much room they take, one of them, and a file that is brought."""

from typing import Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import attachments, table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, More, Table

PATH: Final = "/console/media"
_ONE: Final = f"{PATH}/{{id}}"


async def _more(request: Request) -> More:
    return {"usage": await request.api("getMediaUsage"), "is_shown": attachments.is_shown}


TABLE: Final = Table(
    name="media",
    path=PATH,
    cells="media/cells.html",
    operation="listMedia",
    by="made",
    filters=("content_type",),
    more=_more,
    columns=(
        Column("name", "media.name"),
        Column("type", "media.type", "content_type"),
        Column("size", "media.size", css="n"),
        Column("messages", "media.messages", css="n"),
        Column("source", "media.source", usual=False),
        Column("made", "media.made", "created_at"),
        Column("expires", "media.expires", "expires_at"),
        Column("id", "table.id", usual=False),
    ),
)


async def media(request: Request) -> Response:
    """All of the account, the newest first."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="media")
    return await _list(request, EMPTY)


async def fetch(request: Request) -> Response:
    """Keep what a URL gives."""
    form = await request.form()
    try:
        made = await attachments.fetched(request, form.text("url"))
    except WhimbrelError as error:
        return await _list(request, form, problem(error, "url"))
    return request.go(_ONE.format(id=made.id), done="media.brought")


async def medium(request: Request) -> Response:
    """One of them."""
    found = await request.api("getMedium", path=dict(request.path))
    api = request.api
    return request.page(
        "media/one.html",
        medium=found,
        is_shown=attachments.is_shown(found),
        may_write=api.may("deleteMedium"),
        may_send=api.may("sendMessage"),
    )


async def remove(request: Request) -> Response:
    await request.api("deleteMedium", path=dict(request.path))
    return request.go(PATH, done="media.removed")


async def _list(request: Request, form: Form, told: Problem | None = None) -> Response:
    may_write = request.api.may("createMedium")
    status = told.status if told else 200
    return await tables.answer(
        request, TABLE, "media/list.html", status=status, form=form, problem=told, may_write=may_write
    )


PAGES = (
    Page(path=PATH, handle=media),
    Page(path=PATH, method="POST", handle=attachments.bring),
    table_files.page(TABLE),
    Page(path=f"{PATH}/fetch", method="POST", handle=fetch),
    Page(path=_ONE, handle=medium),
    Page(path=f"{_ONE}/content", handle=attachments.content),
    Page(path=f"{_ONE}/remove", method="POST", handle=remove),
)
