"""Mailboxes: whose mail becomes texts, how each is taken, and the log of what came and what went out."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.mailboxes import STATES
from whimbrel.edges.console import choosing, table_files, tables
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/mailboxes"
TABLE: Final = Table(
    name="mailboxes",
    path=PATH,
    cells="mailboxes/cells.html",
    operation="listMailboxes",
    columns=(
        Column("name", "mailboxes.name"),
        Column("senders", "mailboxes.senders", lambda row, more: " ".join(row.senders)),
        Column("state", "mailboxes.state", "status"),
        Column("address", "mailboxes.address", sorts=False),
        Column("id", "table.id", usual=False),
    ),
)
LOG: Final = Table(
    name="mailbox_mails",
    path=f"{PATH}/{{id}}",
    cells="mailboxes/mails.html",
    operation="listMails",
    by="at",
    filters=("state",),
    columns=(
        Column("at", "mailboxes.at", "created_at"),
        Column("what", "mailboxes.what", "kind"),
        Column("state", "mailboxes.state"),
        Column("address", "mailboxes.who"),
        Column("phone", "mailboxes.phone"),
        Column("subject", "mailboxes.subject", usual=False),
        Column("message", "mailboxes.message", "message_id"),
        Column("id", "table.id", usual=False),
    ),
)
_TICKS: Final = ("subject", "machines")
_TEXTS: Final = ("auth", "sender", "class", "answers", "answers_to", "report")
_NUMBERS: Final = ("max_parts", "answer_days")
_NEW: Final = {
    "auth": "any", "class": "transactional", "answers": "writer", "report": "failed", "max_parts": "6",
    "answer_days": "7",
}  # fmt: skip


async def mailboxes(request: Request) -> Response:
    """All of the account."""
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    return await tables.answer(request, TABLE, "mailboxes/list.html", may_write=_may_write(request))


async def new(request: Request) -> Response:
    return _form(request, None, Form.of(_NEW))


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        made = await request.api("createMailbox", body=_body(form))
    except WhimbrelError as error:
        return _form(request, None, form, _told(error))
    return request.go(f"{PATH}/{made.id}", done="mailbox.created")


async def mailbox(request: Request) -> Response:
    """What it says of itself, and its log."""
    found = await request.api("getMailbox", path={"id": request.path["id"]})
    return await tables.answer(
        request, LOG, "mailboxes/one.html", mailbox=found, states=STATES, may_write=_may_write(request)
    )


async def edit(request: Request) -> Response:
    found = await request.api("getMailbox", path=dict(request.path))
    return _form(request, found, _filled(found))


async def update(request: Request) -> Response:
    form = await request.form()
    found = await request.api("getMailbox", path=dict(request.path))
    try:
        await request.api("updateMailbox", path=dict(request.path), body=_body(form))
    except WhimbrelError as error:
        return _form(request, found, form, _told(error))
    return request.go(f"{PATH}/{found.id}", done="mailbox.changed")


async def status(request: Request) -> Response:
    form = await request.form()
    is_paused = form.text("status") == "paused"
    wanted = {"status": "paused" if is_paused else "active"}
    await request.api("updateMailbox", path=dict(request.path), body=wanted)
    return request.go(f"{PATH}/{request.path['id']}", done="mailbox.paused" if is_paused else "mailbox.active")


async def remove(request: Request) -> Response:
    await request.api("deleteMailbox", path=dict(request.path))
    return request.go(PATH, done="mailbox.removed")


def _body(form: Form) -> dict[str, Any]:
    """What the API takes. A number that is none is handed on, so that the API says so."""
    texts = {name: form.text(name) for name in _TEXTS if form.sent(name)}
    typed = {name: form.text(name) for name in _NUMBERS}
    figures = {name: int(text) if text.isdecimal() and len(text) < 10 else text for name, text in typed.items()}
    ticks = {name: form.flag(name) for name in _TICKS}
    senders = [line for line in form.text("senders").replace(",", " ").split() if line]
    return {"name": form.text("name"), "senders": senders, **texts, **figures, **ticks}


def _filled(found: Any) -> Form:
    values: dict[str, Any] = msgspec.to_builtins(found)
    shown = {name: str(values[name]) for name in ("name", *_TEXTS, *_NUMBERS)}
    ticked = {name: "1" for name in _TICKS if values[name]}
    return Form.of({**shown, **ticked, "senders": "\n".join(values["senders"])})


def _told(error: WhimbrelError) -> Problem:
    """What is wrong with one of the senders is said of the field that holds all of them."""
    told = problem(error)
    fields = {("senders" if name.startswith("senders.") else name): words for name, words in told.fields.items()}
    return msgspec.structs.replace(told, fields=fields)


def _may_write(request: Request) -> bool:
    return request.api.may("createMailbox")


def _form(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    if not _may_write(request):
        raise WhimbrelError("forbidden", "Your role does not change mailboxes.")
    return request.page(
        "mailboxes/form.html", status=told.status if told else 200, mailbox=found, form=form, problem=told
    )


PAGES = (
    Page(path=PATH, handle=mailboxes),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=f"{PATH}/{{id}}", handle=mailbox),
    table_files.page(LOG),
    Page(path=f"{PATH}/{{id}}/edit", handle=edit),
    Page(path=f"{PATH}/{{id}}/edit", method="POST", handle=update),
    Page(path=f"{PATH}/{{id}}/status", method="POST", handle=status),
    Page(path=f"{PATH}/{{id}}/remove", method="POST", handle=remove),
)
