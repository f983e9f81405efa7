"""Keywords: words that people text, and what they are answered by themselves."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import choosing, table_files, tables
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/keywords"
TABLE: Final = Table(
    name="keywords",
    path=PATH,
    cells="keywords/cells.html",
    operation="listKeywords",
    columns=(
        Column("name", "keywords.name"),
        Column("words", "keywords.words", lambda row, more: " ".join(row.words)),
        Column("of", "keywords.of", usual=False),
        Column("state", "keywords.state", "enabled"),
        Column("uses", "keywords.uses"),
        Column("last", "keywords.last", "last_used_at"),
        Column("id", "table.id", usual=False),
    ),
)
_NEW: Final = Form.of({"enabled": "1", "of": "account", "match": "whole", "language": "en"})
_TEXTS: Final = ("name", "of", "match", "language")
_MAYBE: Final = ("template", "tag", "list")


async def keywords(request: Request) -> Response:
    """All of the account."""
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    return await tables.answer(request, TABLE, "keywords/list.html", may_write=_may_write(request))


async def new(request: Request) -> Response:
    return _form(request, None, _NEW)


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("createKeyword", body=_body(form))
    except WhimbrelError as error:
        return _form(request, None, form, _told(error))
    return request.go(PATH, done="keyword.created")


async def keyword(request: Request) -> Response:
    found = await request.api("getKeyword", path=dict(request.path))
    return _form(request, found, _filled(found))


async def update(request: Request) -> Response:
    form = await request.form()
    found = await request.api("getKeyword", path=dict(request.path))
    try:
        await request.api("updateKeyword", path=dict(request.path), body=_body(form))
    except WhimbrelError as error:
        return _form(request, found, form, _told(error))
    return request.go(PATH, done="keyword.changed")


async def remove(request: Request) -> Response:
    await request.api("deleteKeyword", path=dict(request.path))
    return request.go(PATH, done="keyword.removed")


def _body(form: Form) -> dict[str, Any]:
    words = [line.strip() for line in form.text("words").replace(",", "\n").splitlines() if line.strip()]
    return {
        "words": words,
        "answers": _texts(form.text("answers"), form.text("language", "en")),
        "enabled": form.flag("enabled"),
        **{name: form.text(name) for name in _TEXTS if form.text(name)},
        **{name: form.text(name) or None for name in _MAYBE},
    }


def _texts(said: str, language: str) -> dict[str, str]:
    """Answers as they are typed: a line each, which may begin with its language and a colon."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, said.splitlines())):
        tag, colon, text = line.partition(":")
        named = bool(colon) and 2 <= len(tag) <= 5 and tag.replace("-", "").isalpha() and text.strip() != ""
        found[tag if named else language] = text.strip() if named else line
    return found


def _filled(found: Any) -> Form:
    values: dict[str, Any] = msgspec.to_builtins(found)
    shown = {name: values[name] or "" for name in (*_TEXTS, *_MAYBE)}
    answers = "\n".join(f"{language}: {text}" for language, text in values["answers"].items())
    ticked = {"enabled": "1"} if values["enabled"] else {}
    return Form.of({**shown, **ticked, "words": "\n".join(values["words"]), "answers": answers})


def _told(error: WhimbrelError) -> Problem:
    """What is wrong with one word or answer is said of the field that holds all of them."""
    told = problem(error)
    fields = {name.partition(".")[0]: words for name, words in told.fields.items()}
    return msgspec.structs.replace(told, fields=fields)


def _may_write(request: Request) -> bool:
    return request.api.may("createKeyword")


def _form(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    if found is None and not _may_write(request):
        raise WhimbrelError("forbidden", "Your role does not change keywords.")
    return request.page(
        "keywords/form.html",
        status=told.status if told else 200,
        keyword=found,
        form=form,
        problem=told,
        may_write=_may_write(request),
    )


PAGES = (
    Page(path=PATH, handle=keywords),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=f"{PATH}/{{id}}", handle=keyword),
    Page(path=f"{PATH}/{{id}}", method="POST", handle=update),
    Page(path=f"{PATH}/{{id}}/remove", method="POST", handle=remove),
)
