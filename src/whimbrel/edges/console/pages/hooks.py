"""Hooks: other systems call, texts go out. A hook is made for a sender, its rules are written beside a sample of what
it sends, and its log says what came of each call."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.hook_presets import PRESETS
from whimbrel.domain.hook_rules import Rule
from whimbrel.edges.console import hooking, table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/hooks"
TABLE: Final = Table(
    name="hooks",
    path=PATH,
    cells="hooks/cells.html",
    operation="listHooks",
    is_paged=False,
    columns=(
        Column("name", "hooks.name"),
        Column("sender", "hooks.sender", lambda row, more: PRESETS[row.preset].title),
        Column("rules", "hooks.rules", lambda row, more: len(row.rules), css="n"),
        Column("state", "hooks.state", "status"),
        Column("address", "hooks.address", "url", sorts=False),
        Column("id", "table.id", usual=False),
    ),
)
CALLS: Final = Table(
    name="hook_calls",
    path=f"{PATH}/{{id}}",
    cells="hooks/calls.html",
    operation="listHookCalls",
    by="at",
    filters=("verdict",),
    columns=(
        Column("at", "hooks.at", "received_at"),
        Column("verdict", "hooks.verdict"),
        Column("detail", "hooks.detail", usual=False),
        Column("came", "hooks.came", lambda row, more: [each.message_id or each.verdict for each in row.outcomes]),
        Column("id", "table.id", usual=False),
    ),
)
_NEW: Final = "new"


async def hooks(request: Request) -> Response:
    """All of the account, the newest first."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="hooks")
    return await tables.answer(
        request, TABLE, "hooks/list.html", presets=PRESETS, base=_base(request), may_write=_may_write(request)
    )


async def new(request: Request) -> Response:
    """First whose hook it is, then what it needs."""
    chosen = request.query.text("preset")
    return _form(request, Form.of({"name": PRESETS[chosen].title if chosen in PRESETS else ""}), chosen)


async def create(request: Request) -> Response:
    """The hook with the rules that its sender is known for, and where to enter its address."""
    form = await request.form()
    chosen = form.text("preset", "generic")
    wanted = {
        "name": form.text("name"),
        "preset": chosen,
        "secret": form.text("secret") or None,
        "default_country": form.text("default_country").upper(),
        "rules": await _suggested(request, chosen, form.text("numbers")),
    }
    try:
        made = await request.api("createHook", body=wanted)
    except WhimbrelError as error:
        return _form(request, form, chosen, problem(error))
    return request.page(
        "hooks/secret.html", hook=_whole(request, made), secret=made.secret, preset=PRESETS[made.preset]
    )


async def hook(request: Request) -> Response:
    return await _hook(request)


async def secret(request: Request) -> Response:
    """Whoever sees it can forge calls."""
    path = dict(request.path)
    found = await request.api("getHook", path=path)
    shown = await request.api("getHookSecret", path=path)
    return request.page(
        "hooks/secret.html", hook=_whole(request, found), secret=shown.secret, preset=PRESETS[found.preset]
    )


async def rotate(request: Request) -> Response:
    form = await request.form()
    try:
        made = await request.api(
            "rotateHookSecret", path=dict(request.path), body={"secret": form.text("secret") or None}
        )
    except WhimbrelError as error:
        return await _hook(request, form, problem(error))
    return request.page(
        "hooks/secret.html", hook=_whole(request, made), secret=made.secret, preset=PRESETS[made.preset]
    )


async def status(request: Request) -> Response:
    form = await request.form()
    is_paused = form.text("status") == "paused"
    wanted = {"status": "paused" if is_paused else "active"}
    await request.api("updateHook", path=dict(request.path), body=wanted)
    return request.go(f"{PATH}/{request.path['id']}", done="hook.paused" if is_paused else "hook.active")


async def remove(request: Request) -> Response:
    await request.api("deleteHook", path=dict(request.path))
    return request.go(PATH, done="hook.removed")


async def rule(request: Request) -> Response:
    """A rule beside a sample."""
    found = await request.api("getHook", path={"id": request.path["id"]})
    name = request.query.text("name")
    chosen = next((each for each in found.rules if each.name == name), None)
    form = hooking.filled(chosen or _begun(found.preset))
    return await _rule(request, found, form, name if chosen else "")


async def keep_rule(request: Request) -> Response:
    """The rule in its place among the others."""
    form = await request.form()
    found = await request.api("getHook", path={"id": request.path["id"]})
    was, is_removed = form.text("was"), form.flag("remove")
    others = [msgspec.to_builtins(each) for each in found.rules]
    place = next((n for n, each in enumerate(others) if each["name"] == was and was), len(others))
    others[place : place + 1] = [] if is_removed else [hooking.body_of(form)]
    try:
        await request.api("updateHook", path={"id": found.id}, body={"rules": others})
    except WhimbrelError as error:
        told = problem(error)
        own = {name.removeprefix(f"rules.{place}."): words for name, words in told.fields.items()}
        return await _rule(request, found, form, was, msgspec.structs.replace(told, fields=_lines_of(own)))
    return request.go(f"{PATH}/{found.id}", done="hook.rule_removed" if is_removed else "hook.rule_saved")


async def beside(request: Request) -> Response:
    """What the rule makes of the sample, while somebody writes."""
    _check_may_write(request)
    form = await request.form()
    found = await request.api("getHook", path={"id": request.path["id"]})
    return request.part("hooks/rule.html", "look", hook=found, **(await hooking.look(request, found, form)))


async def call(request: Request) -> Response:
    path = dict(request.path)
    found = await request.api("getHook", path={"id": path["id"]})
    shown = await request.api("getHookCall", path=path)
    values = {"hook": found, "call": shown, "body": hooking.readable(shown.body)}
    return request.page("hooks/call.html", may_write=_may_write(request), **values)


async def replay(request: Request) -> Response:
    form = await request.form()
    path = dict(request.path)
    await request.api("replayHookCall", path=path, body={"again": form.flag("again")})
    return request.go(f"{PATH}/{path['id']}", done="hook.replayed")


async def _suggested(request: Request, preset: str, numbers: str) -> list[dict[str, Any]]:
    """The sender's rules. `numbers`: who is texted where its events have no number."""
    found = await request.api("listHookPresets")
    chosen = next((each for each in found.data if each.name == preset), None)
    rules = [msgspec.to_builtins(each) for each in (chosen.rules if chosen else ())]
    for each in rules:
        each["to"] = [*each["to"], *([numbers] if numbers else [])]
    return [each for each in rules if each["to"]]


def _begun(preset: str) -> Rule:
    """A rule to begin with."""
    known = PRESETS[preset]
    return Rule(name="", to=known.to, country=known.country, language=known.language, events=("*",))


def _lines_of(fields: dict[str, str]) -> dict[str, str]:
    """What is said of a line is said of its field: `to.0` of `to`."""
    return {name.partition(".")[0] if not name.startswith("window") else name.replace(".", "_"): words
            for name, words in fields.items()}  # fmt: skip


def _form(request: Request, form: Form, chosen: str, told: Problem | None = None) -> Response:
    _check_may_write(request)
    return request.page(
        "hooks/new.html",
        status=told.status if told else 200,
        form=form,
        problem=told,
        chosen=chosen if chosen in PRESETS else "",
        presets=PRESETS,
    )


async def _rule(request: Request, found: Any, form: Form, was: str, told: Problem | None = None) -> Response:
    _check_may_write(request)
    return request.page(
        "hooks/rule.html",
        status=told.status if told else 200,
        hook=found,
        form=form,
        problem=told,
        was=was,
        classes=hooking.CLASSES,
        samples=await hooking.samples(request, found),
        **(await hooking.look(request, found, form)),
    )


async def _hook(request: Request, form: Form = EMPTY, told: Problem | None = None) -> Response:
    path = {"id": request.path["id"]}
    found = await request.api("getHook", path=path)
    return await tables.answer(
        request,
        CALLS,
        "hooks/one.html",
        status=told.status if told else 200,
        form=form if told else request.query,
        problem=told,
        preset=PRESETS[found.preset],
        verdicts=hooking.VERDICT_NAMES,
        may_write=_may_write(request),
        hook=_whole(request, found),
    )


def _whole(request: Request, found: Any) -> Any:
    """With the address by which the browser has come, where the installation does not know its own."""
    base = "" if found.url.startswith("http") else _base(request)
    return msgspec.structs.replace(found, url=f"{base}{found.url}")


def _base(request: Request) -> str:
    return str(request.http.base_url).rstrip("/")


def _may_write(request: Request) -> bool:
    return request.api.may("createHook")


def _check_may_write(request: Request) -> None:
    if not _may_write(request):
        raise WhimbrelError("forbidden", request.words("hooks.not_for_you"))


PAGES = (
    Page(path=PATH, handle=hooks),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new, confirmed=True),
    Page(path=f"{PATH}/new", method="POST", handle=create, confirmed=True),
    Page(path=f"{PATH}/{{id}}", handle=hook),
    table_files.page(CALLS),
    Page(path=f"{PATH}/{{id}}/secret", handle=secret, confirmed=True),
    Page(path=f"{PATH}/{{id}}/rotate", method="POST", handle=rotate, confirmed=True),
    Page(path=f"{PATH}/{{id}}/status", method="POST", handle=status),
    Page(path=f"{PATH}/{{id}}/remove", method="POST", handle=remove),
    Page(path=f"{PATH}/{{id}}/rule", handle=rule),
    Page(path=f"{PATH}/{{id}}/rule", method="POST", handle=keep_rule),
    Page(path=f"{PATH}/{{id}}/look", method="POST", handle=beside),
    Page(path=f"{PATH}/{{id}}/calls/{{call_id}}", handle=call),
    Page(path=f"{PATH}/{{id}}/calls/{{call_id}}/replay", method="POST", handle=replay),
)
