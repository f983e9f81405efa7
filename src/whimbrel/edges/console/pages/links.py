"""Short links with who opened them: those of texts and those of posters; what the account keeps of clicks."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.whole import whole_or_text

PATH: Final = "/console/links"
_ONE: Final = f"{PATH}/{{id}}"
_SETTINGS: Final = f"{PATH}/settings"
TABLE: Final = Table(
    name="links",
    path=PATH,
    cells="links/cells.html",
    operation="listLinks",
    by="made",
    columns=(
        Column("short", "links.short", "short_url"),
        Column("target", "links.target", "url"),
        Column("people", "links.people", "clicks.people", css="n"),
        Column("others", "links.others", "clicks.others", css="n"),
        Column("conversions", "links.conversions", usual=False, css="n"),
        Column("message", "links.message", "message_id"),
        Column("name", "links.name", usual=False),
        Column("group", "links.group", "group_id", usual=False),
        Column("variant", "links.variant", usual=False),
        Column("state", "links.state", "status", usual=False),
        Column("made", "links.made", "created_at"),
        Column("ends", "links.ends", "expires_at", usual=False),
        Column("id", "table.id", usual=False),
    ),
)
CLICKS: Final = Table(
    name="link_clicks",
    path=_ONE,
    cells="links/clicks.html",
    operation="listClicks",
    by="at",
    columns=(
        Column("at", "links.at"),
        Column("kind", "links.kind"),
        Column("reason", "links.reason"),
        Column("agent", "links.agent"),
        Column("country", "links.country"),
        Column("ip", "links.ip", usual=False),
        Column("id", "table.id", usual=False),
    ),
)
_UTM: Final = ("source", "medium", "campaign", "term", "content")


async def links(request: Request) -> Response:
    """All of the account, the newest first."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="links")
    return await tables.answer(request, TABLE, "links/list.html", may_write=_may_write(request))


async def new(request: Request) -> Response:
    return _form(request, EMPTY)


async def create(request: Request) -> Response:
    form = await request.form()
    wanted = {"url": form.text("url"), "name": form.text("name"), "expires_at": _day(form)}
    try:
        made = await request.api("createLink", body=wanted)
    except WhimbrelError as error:
        return _form(request, form, problem(error))
    return request.go(_ONE.format(id=made.id), done="link.created")


async def link(request: Request) -> Response:
    """Where it leads, and who opened it."""
    found = await request.api("getLink", path={"id": request.path["id"]})
    form = Form.of({"url": found.url, "name": found.name})
    return await _link(request, found, form)


async def update(request: Request) -> Response:
    _check_may_write(request)
    form, path = await request.form(), {"id": request.path["id"]}
    try:
        await request.api("updateLink", path=path, body={"url": form.text("url"), "name": form.text("name")})
    except WhimbrelError as error:
        return await _link(request, await request.api("getLink", path=path), form, problem(error))
    return request.go(_ONE.format(**path), done="link.changed")


async def end(request: Request) -> Response:
    """It leads nowhere any more, and its figures stay."""
    path = {"id": request.path["id"]}
    await request.api("updateLink", path=path, body={"expires_at": "2000-01-01T00:00:00Z"})
    return request.go(_ONE.format(**path), done="link.ended")


async def remove(request: Request) -> Response:
    await request.api("deleteLink", path=dict(request.path))
    return request.go(PATH, done="link.removed")


async def settings(request: Request) -> Response:
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="links")
    found = await request.api("getLinkSettings")
    filled = {
        "privacy": found.privacy,
        "repeats": found.repeats,
        "expires_days": "" if found.expires_days is None else str(found.expires_days),
        "click_parameter": found.click_parameter,
        "base_url": found.base_url or "",
        **{f"utm.{name}": found.utm.get(name, "") for name in _UTM},
    }
    return _settings(request, found, Form.of(filled))


async def keep_settings(request: Request) -> Response:
    _check_may_write(request)
    form = await request.form()
    found = await request.api("getLinkSettings")
    days = whole_or_text(form.text("expires_days"))
    wanted: dict[str, Any] = {
        "privacy": form.text("privacy"),
        "repeats": form.text("repeats"),
        "expires_days": None if days == "" else days,
        "click_parameter": form.text("click_parameter"),
        "utm": {name: form.text(f"utm.{name}") for name in _UTM if form.text(f"utm.{name}")},
    }
    if form.sent("base_url") and form.text("base_url") != (found.base_url or ""):
        wanted["base_url"] = form.text("base_url") or None
    try:
        await request.api("updateLinkSettings", body=wanted)
    except WhimbrelError as error:
        return _settings(request, found, form, problem(error))
    return request.go(_SETTINGS, done="link.settings")


def _may_write(request: Request) -> bool:
    return request.api.may("createLink")


def _check_may_write(request: Request) -> None:
    if not _may_write(request):
        raise WhimbrelError("forbidden", request.words("links.not_for_you"))


def _day(form: Form) -> str | None:
    """The end of a day, as the API takes moments."""
    day = form.text("ends")
    return f"{day}T23:59:59Z" if day else None


def _form(request: Request, form: Form, told: Problem | None = None) -> Response:
    _check_may_write(request)
    if told is not None and "expires_at" in told.fields:
        told = msgspec.structs.replace(told, fields={**told.fields, "ends": told.fields["expires_at"]})
    return request.page("links/form.html", status=told.status if told else 200, form=form, problem=told)


async def _link(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    values: dict[str, Any] = {"link": found, "form": form, "problem": told, "may_write": _may_write(request)}
    values["conversions"] = (await request.api("listConversions", path={"id": found.id})).data[:10]
    values["may_read"] = request.api.may("getMessage")
    return await tables.answer(request, CLICKS, "links/one.html", status=told.status if told else 200, **values)


def _settings(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    return request.page(
        "links/settings.html",
        status=told.status if told else 200,
        found=found,
        form=form,
        problem=told,
        utm=_UTM,
        may_write=request.api.may("updateLinkSettings"),
        is_operator=request.asked.principal.account_id is None,
    )


PAGES = (
    Page(path=PATH, handle=links),
    table_files.page(TABLE),
    table_files.page(CLICKS),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=_SETTINGS, handle=settings),
    Page(path=_SETTINGS, method="POST", handle=keep_settings),
    Page(path=_ONE, handle=link),
    Page(path=_ONE, method="POST", handle=update),
    Page(path=f"{_ONE}/end", method="POST", handle=end),
    Page(path=f"{_ONE}/remove", method="POST", handle=remove),
)
