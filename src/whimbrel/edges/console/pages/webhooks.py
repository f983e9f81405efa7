"""Webhooks: endpoints, what was posted to them and what they answered, sending it again, and a way to find out why a
signature is not right."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.codec import signatures
from whimbrel.domain.events import EVENT_TYPES
from whimbrel.edges.console import choosing, table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo
from whimbrel.edges.console.whole import whole

_WEBHOOKS = "/console/webhooks"
_LATELY = "50"
TABLE: Final = Table(
    name="webhooks",
    path=_WEBHOOKS,
    cells="webhooks/cells.html",
    operation="listWebhooks",
    columns=(
        Column("url", "webhooks.url"),
        Column("description", "webhooks.description", usual=False),
        Column("events", "webhooks.events"),
        Column("state", "webhooks.state", "status"),
        Column("since", "webhooks.since", "created_at"),
        Column("id", "table.id", usual=False),
    ),
)
TRIES: Final = Table(
    name="webhook_tries",
    path=f"{_WEBHOOKS}/{{id}}",
    cells="webhooks/tries.html",
    operation="listTries",
    by="at",
    columns=(
        Column("at", "webhooks.at"),
        Column("event", "webhooks.event", "event_type"),
        Column("number", "webhooks.number", css="n"),
        Column("answer", "webhooks.answer", lambda row, more: row.status or row.error),
        Column("took", "webhooks.took", "latency_ms", css="n"),
        Column("event_id", "webhooks.event_id", usual=False),
    ),
)
_ALL = "*"


async def webhooks(request: Request) -> Response:
    """All endpoints, newest first; a script asks for the rows that follow."""
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    return await tables.answer(request, TABLE, "webhooks/list.html", may_write=request.api.may("createWebhook"))


async def new(request: Request) -> Response:
    return _form(request, None, Form.of({"events": (_ALL,)}))


async def create(request: Request) -> Response:
    """The endpoint, with the secret that signs."""
    form = await request.form()
    try:
        made = await request.api("createWebhook", body=_body(form))
    except WhimbrelError as error:
        return _form(request, None, form, error)
    return request.page("webhooks/secret.html", webhook=made, secret=made.secret)


async def webhook(request: Request) -> Response:
    return await _webhook(request)


async def edit(request: Request) -> Response:
    found = await request.api("getWebhook", path=dict(request.path))
    filled = Form.of({"url": found.url, "events": found.events, "description": found.description})
    return _form(request, found, filled)


async def update(request: Request) -> Response:
    form = await request.form()
    found = await request.api("getWebhook", path=dict(request.path))
    try:
        await request.api("updateWebhook", path=dict(request.path), body=_body(form))
    except WhimbrelError as error:
        return _form(request, found, form, error)
    return _back(request, "webhook.changed")


async def secret(request: Request) -> Response:
    """The secret that signs now; whoever sees it can forge events."""
    found = await request.api("getWebhook", path=dict(request.path))
    shown = await request.api("getWebhookSecret", path=dict(request.path))
    return request.page("webhooks/secret.html", webhook=found, secret=shown.secret)


async def rotate(request: Request) -> Response:
    made = await request.api("rotateWebhookSecret", path=dict(request.path))
    return request.page("webhooks/secret.html", webhook=made, secret=made.secret)


async def enable(request: Request) -> Response:
    await request.api("enableWebhook", path=dict(request.path))
    return _back(request, "webhook.enabled", "disableWebhook")


async def disable(request: Request) -> Response:
    await request.api("disableWebhook", path=dict(request.path))
    return _back(request, "webhook.disabled", "enableWebhook")


async def remove(request: Request) -> Response:
    await request.api("deleteWebhook", path=dict(request.path))
    return request.go(_WEBHOOKS, done="webhook.removed")


async def replay(request: Request) -> Response:
    """One event, what was given up, or a span of time, again."""
    form = await request.form()
    body: Mapping[str, Any]
    if form.text("event_id"):
        body = {"event_id": form.text("event_id")}
    elif form.flag("dead"):
        body = {"dead": True}
    else:
        body = {name: f"{form.text(name)}:00Z" for name in ("since", "until")}
    try:
        done = await request.api("replayWebhook", path=dict(request.path), body=body)
    except WhimbrelError as error:
        return await _webhook(request, form, problem(error))
    return _back(request, "webhook.replayed" if done.count else "webhook.nothing_to_replay")


async def debug(request: Request) -> Response:
    return request.page("webhooks/debug.html", form=EMPTY, verdict=None, problem=None)


async def debugged(request: Request) -> Response:
    """What the signature of a request should be, and where what was received differs. Nothing is kept."""
    form = await request.form()
    try:
        verdict, expected = _verdict(form)
    except signatures.SecretError as error:
        refused = WhimbrelError("invalid_request", f"The secret cannot be one of ours: {error}.")
        return request.page("webhooks/debug.html", status=422, form=form, verdict=None, problem=problem(refused))
    return request.page("webhooks/debug.html", form=form, verdict=verdict, expected=expected, problem=None)


def _verdict(form: Form) -> tuple[str, str]:
    """A key of `webhooks.verdicts`, and the signature that would be right."""
    sent_at, received = whole(form.text("timestamp")), form.text("signature").split()
    if sent_at is None:
        return "timestamp", ""
    body = form.raw("body").replace("\r\n", "\n")  # as forms send line ends; our bodies have none
    expected = signatures.standard_webhook([form.text("secret")], form.text("message_id"), sent_at, body.encode())
    if expected in received:
        return "right", expected
    trimmed = signatures.standard_webhook(
        [form.text("secret")], form.text("message_id"), sent_at, body.strip().encode()
    )
    if trimmed in received:
        return "spaces", expected
    return ("no_version" if not any(each.startswith("v1,") for each in received) else "wrong"), expected


def _body(form: Form) -> dict[str, Any]:
    """An endpoint as the API takes it. All events go before single ones."""
    events = form.many("events")
    wanted = (_ALL,) if _ALL in events else events
    return {"url": form.text("url"), "events": wanted, "description": form.text("description")}


def _form(request: Request, webhook: Any, form: Form, error: WhimbrelError | None = None) -> Response:
    if not request.api.may("createWebhook"):
        raise WhimbrelError("forbidden", "Your role may not change webhooks.")
    told = problem(error) if error else None
    return request.page(
        "webhooks/form.html",
        status=told.status if told else 200,
        webhook=webhook,
        form=form,
        problem=told,
        event_types=tuple(EVENT_TYPES),
    )


def _back(request: Request, done: str, opposite: str = "") -> Response:
    place, account_id = f"{_WEBHOOKS}/{request.path['id']}", request.asked.acting_for
    undo = Undo(opposite, place, path=dict(request.path), account_id=account_id) if opposite else None
    return request.undone_by(undo).go(place, done=done)


async def _webhook(request: Request, form: Form = EMPTY, told: Problem | None = None) -> Response:
    path = dict(request.path)
    found = await request.api("getWebhook", path=path)
    waiting = await request.api("listDeliveries", path=path, query={"limit": _LATELY})
    return await tables.answer(
        request,
        TRIES,
        "webhooks/one.html",
        status=told.status if told else 200,
        webhook=found,
        waiting=waiting.data,
        has_more=waiting.next_cursor is not None,
        form=form,
        problem=told,
        may_write=request.api.may("updateWebhook"),
    )


PAGES = (
    Page(path=_WEBHOOKS, handle=webhooks),
    table_files.page(TABLE),
    Page(path=f"{_WEBHOOKS}/new", handle=new, confirmed=True),
    Page(path=f"{_WEBHOOKS}/new", method="POST", handle=create, confirmed=True),
    Page(path=f"{_WEBHOOKS}/debug", handle=debug),
    Page(path=f"{_WEBHOOKS}/debug", method="POST", handle=debugged),
    Page(path=f"{_WEBHOOKS}/{{id}}", handle=webhook),
    table_files.page(TRIES),
    Page(path=f"{_WEBHOOKS}/{{id}}/edit", handle=edit, confirmed=True),
    Page(path=f"{_WEBHOOKS}/{{id}}/edit", method="POST", handle=update, confirmed=True),
    Page(path=f"{_WEBHOOKS}/{{id}}/secret", handle=secret, confirmed=True),
    Page(path=f"{_WEBHOOKS}/{{id}}/rotate", method="POST", handle=rotate, confirmed=True),
    Page(path=f"{_WEBHOOKS}/{{id}}/enable", method="POST", handle=enable),
    Page(path=f"{_WEBHOOKS}/{{id}}/disable", method="POST", handle=disable),
    Page(path=f"{_WEBHOOKS}/{{id}}/remove", method="POST", handle=remove),
    Page(path=f"{_WEBHOOKS}/{{id}}/replay", method="POST", handle=replay),
)
