"""What countries say about senders, each rule with its source; the operator adds, changes and switches off."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/senders/rules"
_ONE: Final = f"{PATH}/{{rule}}"
TABLE: Final = Table(
    name="sender_rules",
    path=PATH,
    cells="sender_rules/cells.html",
    operation="listSenderRules",
    is_paged=False,
    filters=("country",),
    columns=(
        Column("country", "sender_rules.country"),
        Column("kinds", "sender_rules.kinds", lambda row, more: " ".join(row.kinds)),
        Column("verdict", "sender_rules.verdict"),
        Column("holds", "sender_rules.holds", lambda row, more: "yes" if row.enabled and row.in_force else "no"),
        Column("since", "sender_rules.since", usual=False),
        Column("until", "sender_rules.until", usual=False),
        Column("as_of", "sender_rules.as_of"),
        Column("confidence", "sender_rules.confidence"),
        Column("by", "sender_rules.by"),
        Column("source", "sender_rules.source", usual=False),
        Column("id", "table.id", usual=False),
    ),
)
VERDICTS: Final = ("allowed", "needs_registration", "replaced", "forbidden")
KINDS: Final = ("alphanumeric", "long_code", "toll_free", "short_code")
ORIGINS: Final = ("any", "foreign", "domestic")
CONFIDENCES: Final = ("primary", "secondary", "recommended")
_TEXTS: Final = (
    "country",
    "verdict",
    "source",
    "confidence",
    "regime",
    "origin",
    "prefix",
    "characters",
    "notice",
    "note",
)
_DAYS: Final = ("as_of", "since", "until")
_FIGURES: Final = ("min_length", "max_length")


async def rules(request: Request) -> Response:
    """By country, the rule that counts most first."""
    return await tables.answer(request, TABLE, "sender_rules/list.html", may_write=_may_write(request))


async def new(request: Request) -> Response:
    first: dict[str, str | tuple[str, ...]] = {
        "confidence": "primary",
        "origin": "any",
        "kinds": ("alphanumeric",),
        "verdict": "allowed",
        "enforce": "",
    }
    return await _form(request, None, Form.of(first), None)


async def create(request: Request) -> Response:
    form = await request.form()
    return await _put(request, form, form.text("id"), None)


async def one(request: Request) -> Response:
    found = await request.api("getSenderRule", path=dict(request.path))
    return await _form(request, found, _filled(found), None)


async def update(request: Request) -> Response:
    found = await request.api("getSenderRule", path=dict(request.path))
    return await _put(request, await request.form(), found.id, found)


async def switch(request: Request) -> Response:
    form = await request.form()
    is_on = form.text("enabled") == "1"
    await request.api("switchSenderRule", path=dict(request.path), body={"enabled": is_on})
    return request.go(_ONE.format(**request.path), done="sender_rule.on" if is_on else "sender_rule.off")


async def remove(request: Request) -> Response:
    await request.api("deleteSenderRule", path=dict(request.path))
    return request.go(PATH, done="sender_rule.removed")


async def _put(request: Request, form: Form, rule_id: str, found: Any) -> Response:
    texts = {name: form.text(name) for name in _TEXTS}
    figures = {name: _figure(form.text(name)) for name in _FIGURES}
    body = {
        **texts,
        **figures,
        **{name: form.text(name) or None for name in _DAYS},
        "country": form.text("country").upper(),
        "characters": form.raw("characters").strip("\r\n"),
        "kinds": list(form.many("kinds")),
        "generic": form.flag("generic"),
        "marketing": form.flag("marketing"),
        "enforce": {"yes": True, "no": False}.get(form.text("enforce")),
    }
    try:
        await request.api("putSenderRule", path={"rule": rule_id or "-"}, body=body)
    except WhimbrelError as error:
        return await _form(request, found, form, error)
    return request.go(_ONE.format(rule=rule_id), done="sender_rule.saved")


def _figure(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) < 5 else text or 0


async def _form(request: Request, found: Any, form: Form, error: WhimbrelError | None) -> Response:
    if found is None and not _may_write(request):
        raise WhimbrelError("forbidden", request.words("sender_rules.not_for_you"))
    regimes = (await request.api("listRegistrationRegimes")).data
    return request.page(
        "sender_rules/one.html",
        status=422 if error else 200,
        rule=found,
        form=form,
        problem=problem(error) if error else None,
        regimes=[("", request.words("sender_rules.any_regime")), *((each.id, each.title) for each in regimes)],
        verdicts=VERDICTS,
        kinds=KINDS,
        origins=ORIGINS,
        confidences=CONFIDENCES,
        may_write=_may_write(request),
    )


def _filled(found: Any) -> Form:
    enforce = {True: "yes", False: "no", None: ""}[found.enforce]
    return Form.of(
        {
            **{name: getattr(found, name) for name in _TEXTS},
            **{name: getattr(found, name) or "" for name in _DAYS},
            **{name: str(getattr(found, name) or "") for name in _FIGURES},
            "kinds": found.kinds,
            "enforce": enforce,
            **({"generic": "1"} if found.generic else {}),
            **({"marketing": "1"} if found.marketing else {}),
        }
    )


def _may_write(request: Request) -> bool:
    return request.api.may("putSenderRule")


PAGES = (
    Page(path=PATH, handle=rules),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=_ONE, handle=one),
    Page(path=_ONE, method="POST", handle=update),
    Page(path=f"{_ONE}/switch", method="POST", handle=switch),
    Page(path=f"{_ONE}/remove", method="POST", handle=remove),
)
