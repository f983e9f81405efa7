"""Consent: the ledger of who agreed to what, lists of numbers that are not texted, words of STOP, START and HELP."""

import re
from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import choosing, table_files, tables
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo

_CONSENTS: Final = "/console/consents"
_LISTS: Final = "/console/suppression-lists"
_WORDS: Final = "/console/consent-words"
_SOURCES: Final = ("web_form", "paper", "voice", "api", "import", "other")
_CLASSES: Final = ("marketing", "transactional", "otp")
_KINDS: Final = ("stop", "start", "help", "join")
_LEVELS: Final = ("whole", "first", "phrase")
_BETWEEN: Final = re.compile(r"[\s,;]+")
TABLE: Final = Table(
    name="consents",
    path=_CONSENTS,
    cells="consents/cells.html",
    operation="listConsents",
    by="since",
    filters=("number", "action"),
    columns=(
        Column("number", "consents.number"),
        Column("action", "consents.action"),
        Column("purpose", "consents.purpose"),
        Column("source", "consents.source"),
        Column("wording", "consents.wording"),
        Column("at", "consents.at", usual=False),
        Column("by", "consents.by", "recorded_by", usual=False),
        Column("since", "consents.since", "created_at"),
        Column("id", "table.id", usual=False),
    ),
)
LISTS: Final = Table(
    name="suppression_lists",
    path=_LISTS,
    cells="consents/lists_cells.html",
    operation="listSuppressionLists",
    is_paged=False,
    acts=True,
    columns=(
        Column("name", "consents.name"),
        Column("reason", "consents.reason"),
        Column("classes", "consents.classes", lambda row, more: ", ".join(row.classes)),
        Column("owner", "consents.owner", lambda row, more: "operator" if row.account_id is None else "account"),
        Column("since", "consents.since", "created_at"),
        Column("id", "table.id", usual=False),
    ),
)
WORDS: Final = Table(
    name="consent_words",
    path=_WORDS,
    cells="consents/words_cells.html",
    operation="listConsentWords",
    is_paged=False,
    acts=True,
    columns=(
        Column("word", "consents.word"),
        Column("kind", "consents.kind"),
        Column("language", "consents.language"),
        Column("level", "consents.level"),
        Column("origin", "consents.origin"),
        Column("enabled", "consents.enabled"),
        Column("source", "consents.from", usual=False),
        Column("confidence", "consents.confidence", usual=False),
        Column("as_of", "consents.as_of", usual=False),
    ),
)


async def consents(request: Request) -> Response:
    """The ledger, newest first, or the records of one number."""
    chooser = await choosing.account(request)
    return chooser or await _consents(request, Form.of({"source": "web_form", "purpose": "marketing"}), None)


async def record(request: Request) -> Response:
    form = await request.form()
    names = ("number", "purpose", "source", "wording", "url")
    body = {name: form.text(name) for name in names if form.text(name)}
    try:
        await request.api("recordConsent", body=body | {"action": form.text("action") or "grant"})
    except WhimbrelError as error:
        return await _consents(request, form, problem(error, "number"))
    return request.go(_CONSENTS, done="consent.recorded")


async def _consents(request: Request, form: Form, told: Problem | None) -> Response:
    values = {
        "form": form,
        "problem": told,
        "sources": _choices(request, "sources", _SOURCES),
        "actions": _choices(request, "actions", ("grant", "revoke")),
        "may_write": request.api.may("recordConsent"),
    }
    status, page = told.status if told else 200, "consents/list.html"
    try:
        return await tables.answer(request, TABLE, page, status=status, wrong="", **values)
    except WhimbrelError as refusal:
        if refusal.code != "invalid_number":
            raise
        table = await tables.shown(request, TABLE, (), address=TABLE.address(request))
        return request.page(page, status=status, wrong=refusal.detail, table=table, **values)


async def lists(request: Request) -> Response:
    """Lists of the account and the operator's; for the operator without an account his own."""
    return await _lists(request, Form.of({"classes": "marketing"}), None)


async def create_list(request: Request) -> Response:
    form = await request.form()
    body = {"name": form.text("name"), "reason": form.text("reason"), "classes": [*form.many("classes")]}
    try:
        await request.api("createSuppressionList", body=body)
    except WhimbrelError as error:
        return await _lists(request, form, problem(error, "name"))
    return request.go(_LISTS, done="suppression_list.created")


async def add_numbers(request: Request) -> Response:
    """One number or many come on a list: each that is none is told, and then none does."""
    form = await request.form()
    numbers = [each for each in _BETWEEN.split(form.raw("numbers")) if each]
    try:
        await request.api("addSuppressedNumbers", path={"id": form.text("list")}, body={"numbers": numbers})
    except WhimbrelError as error:
        return await _lists(request, form, problem(error, "numbers"))
    return request.go(_LISTS, done="suppression_list.added")


async def remove_list(request: Request) -> Response:
    await request.api("deleteSuppressionList", path=dict(request.path))
    return request.go(_LISTS, done="suppression_list.removed")


async def _lists(request: Request, form: Form, told: Problem | None) -> Response:
    found: Any = await request.api("listSuppressionLists")
    own = [(each.id, each.name) for each in found.data if each.account_id == request.asked.acting_for]
    values = {
        "form": form,
        "problem": told,
        "own": own,
        "classes": _choices(request, "class_names", _CLASSES),
        "may_write": request.api.may("createSuppressionList"),
    }
    return await tables.answer(request, LISTS, "consents/lists.html", status=told.status if told else 200, **values)


async def words(request: Request) -> Response:
    """The product's words, those that were added, and those that are switched off."""
    return await _words(request, Form.of({"kind": "stop", "level": "whole", "language": "en", "enabled": "1"}), None)


async def add_word(request: Request) -> Response:
    form = await request.form()
    body: dict[str, Any] = {name: form.text(name) for name in ("kind", "word", "language", "level", "wording")}
    try:
        await request.api("addConsentWord", body=body | {"enabled": bool(form.text("enabled"))})
    except WhimbrelError as error:
        return await _words(request, form, problem(error, "word"))
    return request.go(_WORDS, done="consent_word.added")


async def remove_word(request: Request) -> Response:
    found: Any = await request.api("listConsentWords")
    row = next((each for each in found.data if each.id == request.path["id"]), None)
    await request.api("deleteConsentWord", path=dict(request.path))
    body = (
        {} if row is None else {name: getattr(row, name) for name in ("kind", "word", "language", "level", "enabled")}
    )
    undo = Undo("addConsentWord", _WORDS, body=body) if row is not None and row.kind != "join" else None
    return request.undone_by(undo).go(_WORDS, done="consent_word.removed")


async def _words(request: Request, form: Form, told: Problem | None) -> Response:
    values = {
        "form": form,
        "problem": told,
        "kinds": _choices(request, "kinds", _KINDS),
        "levels": _choices(request, "levels", _LEVELS),
        "may_write": request.api.may("addConsentWord"),
    }
    return await tables.answer(request, WORDS, "consents/words.html", status=told.status if told else 200, **values)


def _choices(request: Request, table: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, request.words(f"consents.{table}.{name}")) for name in names]


PAGES = (
    Page(path=_CONSENTS, handle=consents),
    table_files.page(TABLE),
    Page(path=_CONSENTS, method="POST", handle=record),
    Page(path=_LISTS, handle=lists),
    table_files.page(LISTS),
    Page(path=_LISTS, method="POST", handle=create_list),
    Page(path=f"{_LISTS}/numbers", method="POST", handle=add_numbers),
    Page(path=f"{_LISTS}/{{id}}/remove", method="POST", handle=remove_list),
    Page(path=_WORDS, handle=words),
    table_files.page(WORDS),
    Page(path=_WORDS, method="POST", handle=add_word),
    Page(path=f"{_WORDS}/{{id}}/remove", method="POST", handle=remove_word),
)
