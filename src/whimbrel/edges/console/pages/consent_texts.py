"""What STOP, START and HELP are answered: texts in place of the product's, and what is sent in each language."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.consent_words import CONFIRMATIONS
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo
from whimbrel.manage.consent_words import ANSWERED

_TEXTS: Final = "/console/consent-texts"
_EVERY: Final = "*"
TABLE: Final = Table(
    name="consent_texts",
    path=_TEXTS,
    cells="consents/texts_cells.html",
    operation="listConsentTexts",
    is_paged=False,
    acts=True,
    columns=(
        Column("kind", "consents.answers"),
        Column("language", "consents.language"),
        Column("brand", "consents.brand"),
        Column("text", "consents.text_of"),
        Column("origin", "consents.owner"),
        Column("updated", "consents.changed", "updated_at", usual=False),
        Column("id", "table.id", usual=False),
    ),
)


async def texts(request: Request) -> Response:
    """The texts, what is sent in a language, and a form: blank, or with the text that is to be changed."""
    asked = request.query.given("kind", "language", "brand")
    text = await _text_of(request, asked) if asked.get("kind") in ANSWERED else ""
    return await _texts(request, Form.of({"kind": "stop", "language": _EVERY, **asked, "text": text}), None)


async def _text_of(request: Request, asked: Mapping[str, str]) -> str:
    """The text of a kind, language and brand; where there is none the product's, to begin with."""
    kind, language, brand = asked["kind"], asked.get("language", _EVERY), asked.get("brand")
    found: Any = await request.api("listConsentTexts")
    mine = "account" if request.asked.acting_for else "operator"
    key = (mine, kind, language, brand)
    own = next((each.text for each in found.data if (each.origin, each.kind, each.language, each.brand) == key), "")
    texts = CONFIRMATIONS.get(language.partition("-")[0], CONFIRMATIONS["en"])
    return own or next(text[0] for name, text in texts.items() if name == kind)


async def put(request: Request) -> Response:
    form = await request.form()
    body: dict[str, Any] = {name: form.text(name) for name in ("kind", "language", "text")}
    try:
        await request.api("putConsentText", body=body | form.given("brand"))
    except WhimbrelError as error:
        return await _texts(request, form, problem(error, "text"))
    return request.go(_TEXTS, done="consent_text.set")


async def remove(request: Request) -> Response:
    """The next text that fits is sent again: that of every brand or language, the operator's, the product's."""
    found: Any = await request.api("listConsentTexts")
    row = next((each for each in found.data if each.id == request.path["id"]), None)
    await request.api("deleteConsentText", path=dict(request.path))
    undo = None
    if row is not None:
        body = {"kind": row.kind, "language": row.language, "text": row.text}
        undo = Undo("putConsentText", _TEXTS, body=body | ({"brand": row.brand} if row.brand else {}))
    return request.undone_by(undo).go(_TEXTS, done="consent_text.removed")


async def _texts(request: Request, form: Form, told: Problem | None) -> Response:
    brands = await _brands(request)
    found: Any = await request.api("listConsentTexts")
    spoken = {*CONFIRMATIONS, *(each.language for each in found.data if each.language != _EVERY)}
    wanted = request.query.given("spoken", "of")
    language = wanted.get("spoken", "en") if wanted.get("spoken") in spoken else "en"
    brand = wanted["of"] if wanted.get("of") in brands else ""
    shown: Any = await request.api(
        "previewConsentTexts", query={"language": language} | ({"brand": brand} if brand else {})
    )
    values = {
        "form": form,
        "problem": told,
        "mine": "account" if request.asked.acting_for else "operator",
        "kinds": [(name, request.words(f"consents.kinds.{name}")) for name in ANSWERED],
        "brands": brands,
        "languages": sorted((tag, request.words.get(f"consents.languages.{tag}", tag)) for tag in spoken),
        "preview": Form.of({"spoken": language, "of": brand}),
        "shown": shown.data,
        "may_write": request.api.may("putConsentText"),
    }
    return await tables.answer(request, TABLE, "consents/texts.html", status=told.status if told else 200, **values)


async def _brands(request: Request) -> dict[str, str]:
    """Names by id; the operator without an account has none."""
    if request.asked.acting_for is None or not request.api.may("listBrands"):
        return {}
    found: Any = await request.api("listBrands")
    return {each.id: each.name for each in found.data}


PAGES = (
    Page(path=_TEXTS, handle=texts),
    table_files.page(TABLE),
    Page(path=_TEXTS, method="POST", handle=put),
    Page(path=f"{_TEXTS}/{{id}}/remove", method="POST", handle=remove),
)
