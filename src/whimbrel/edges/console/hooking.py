"""Forms of hooks: a rule as fields, and fields as a rule; samples to try it on."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.hook_presets import PRESETS
from whimbrel.domain.hook_rules import VERDICTS, Rule
from whimbrel.edges.console.forms import Form
from whimbrel.edges.console.request import Request

CLASSES: Final = ("transactional", "otp", "marketing")
VERDICT_NAMES: Final = tuple(VERDICTS)
_LISTS: Final = ("events", "to", "country", "language")
_TEXTS: Final = ("condition", "template", "flow", "consent")
_TICKS: Final = ("enabled", "newest_only", "shorten_links")
_DAYS: Final = re.compile(r"[1-7]")
_CALL: Final = "call:"


def readable(body: str | None) -> str:
    """What a call held, a line for each value where it is JSON."""
    try:
        return msgspec.json.format(body or "", indent=2)
    except msgspec.DecodeError:
        return body or ""


def filled(rule: Rule) -> Form:
    """A rule as the fields show it."""
    lists = {name: "\n".join(getattr(rule, name)) for name in _LISTS}
    texts = {name: getattr(rule, name) for name in _TEXTS}
    window = rule.window
    hours = {
        "window_start": window.start if window else "",
        "window_end": window.end if window else "",
        "window_days": ", ".join(map(str, window.days)) if window else "",
        "window_zone": window.zone if window else "recipient",
    }
    texts_by_language = "\n".join(f"{name}: {text}" for name, text in rule.texts.items())
    variables = "\n".join(f"{name}: {path}" for name, path in rule.variables.items())
    more = {"name": rule.name, "text": rule.text, "class": rule.message_class or "", "sender": rule.sender or ""}
    ticks = {name: ("1",) for name in _TICKS if getattr(rule, name)}
    return Form.of(lists | texts | hours | more | {"texts": texts_by_language, "variables": variables} | ticks)


def body_of(form: Form) -> dict[str, Any]:
    """The fields as the API takes a rule."""
    rule: dict[str, Any] = {name: lines(form.raw(name)) for name in _LISTS}
    rule |= {name: form.text(name) for name in _TEXTS}
    rule |= {"name": form.text("name"), "text": form.raw("text").replace("\r\n", "\n").strip()}
    rule |= {"texts": _pairs(form.raw("texts")), "variables": _pairs(form.raw("variables"))}
    rule |= {name: form.flag(name) for name in _TICKS}
    rule |= {"class": form.text("class") or None, "sender": form.text("sender") or None}
    if form.text("window_start") or form.text("window_end"):
        rule["window"] = {
            "start": form.text("window_start"),
            "end": form.text("window_end"),
            "days": [int(day) for day in _DAYS.findall(form.text("window_days"))],
            "zone": form.text("window_zone") or "recipient",
        }
    return rule


def lines(text: str) -> list[str]:
    """What stands in lines of its own."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _pairs(text: str) -> dict[str, str]:
    """`name: value` by line."""
    parted = [line.partition(":") for line in lines(text)]
    return {name.strip(): value.strip() for name, _, value in parted if value.strip()}


async def samples(request: Request, hook: Any) -> Sequence[tuple[str, str]]:
    """Calls to try rules on: the newest that came, then those of the sender's documentation."""
    found = await request.api("listHookCalls", path={"id": hook.id}, query={"limit": "5"})
    lately = [
        (f"{_CALL}{each.id}", f"{each.received_at[:19].replace('T', ' ')} · {each.verdict}")
        for each in found.data
        if each.verdict not in ("bad_signature", "bad_body")
    ]
    known = PRESETS[hook.preset].samples
    return [*((str(place), each.name) for place, each in enumerate(known)), *lately]


async def look(request: Request, hook: Any, form: Form) -> dict[str, Any]:
    """What the rule of the form makes of the chosen sample, or why that cannot be said."""
    chosen = form.text("sample", "0")
    trial: dict[str, Any] = {"rules": [body_of(form)], "path": form.text("path") or None}
    body = None
    if chosen.startswith(_CALL):
        trial["call_id"] = chosen.removeprefix(_CALL)
    else:
        known = PRESETS[hook.preset].samples
        sample = known[int(chosen) if chosen.isdigit() and int(chosen) < len(known) else 0]
        body = sample.body
        trial |= {"headers": sample.headers, "body": body}
    try:
        tried = await request.api("tryHook", path={"id": hook.id}, body=trial)
        if body is None:
            body = (await request.api("getHookCall", path={"id": hook.id, "call_id": trial["call_id"]})).body
    except WhimbrelError as error:
        return {"tried": None, "refusal": error, "sample_body": body}
    return {"tried": tried, "refusal": None, "sample_body": body}
