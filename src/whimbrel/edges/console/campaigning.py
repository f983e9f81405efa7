"""A campaign as the fields of its form and back, and where in the form stands what is wrong with it."""

import re
from typing import Any, Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import attachments
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.whole import whole

GROUPS: Final = (("lists", "listLists"), ("tags", "listTags"), ("segments", "listSegments"))
LETTERS: Final = ("A", "B", "C")
_BETWEEN: Final = re.compile(r"[\s,;]+")


def letters_of(before: Any) -> tuple[str, ...]:
    """Names of the wordings that the form has room for: those of a campaign, and of new ones."""
    names = tuple(each.name for each in before.variants if each.text is not None) if before is not None else ()
    return (names + tuple(each for each in LETTERS if each not in names))[: max(len(names), len(LETTERS))]


def body_of(form: Form, before: Any = None) -> dict[str, Any]:
    """A campaign as the API takes it. `before`: the draft, which keeps what the form has no field for."""
    schedule = {"zone": form.text("zone") or "UTC", **form.given("at"), **_pace(form), **_windows(form, before)}
    body: dict[str, Any] = {
        "name": form.text("name"),
        **{name: form.text(name) or None for name in ("sender", "pool", "class")},
        "validity": _number(form, "validity", 0) if form.text("validity") else None,
        "winner": None,
        "short_links": form.flag("short_links"),
        "media": [*attachments.named(form)],
        "audience": _group(form, "to_") | {"everybody": form.flag("everybody")},
        "exclude": _group(form, "not_"),
        "schedule": schedule,
    }
    if form.text("template"):
        is_kept = before is not None and before.variants[0].template == form.text("template")
        return body if is_kept else body | {"template": form.text("template")}
    variants = _variants(form, before)
    body["variants"] = variants or [{"name": "A", "text": ""}]
    if len(variants) > 1 and form.flag("trial"):
        body["winner"] = {
            "metric": form.text("metric"),
            "sample_percent": _number(form, "sample_percent", 20),
            "wait_s": _wait_s(form, before),
            "min_difference": _share(form.text("min_difference")),
        }
    return body


def _variants(form: Form, before: Any) -> list[dict[str, Any]]:
    """The wordings that are written, each with what else is kept of it."""
    known = {each.name: each for each in before.variants} if before is not None else {}
    found: list[dict[str, Any]] = []
    for letter in letters_of(before):
        text = form.raw(f"text_{letter}").replace("\r\n", "\n")
        if text.strip():
            kept = {"share": known[letter].share, "variables": known[letter].variables} if letter in known else {}
            found.append({"name": letter, "text": text} | kept)
    return found


def _wait_s(form: Form, before: Any) -> int:
    """Seconds; what was not changed stays to the second."""
    minutes = _number(form, "wait_minutes", 60)
    wait_s = before.winner.wait_s if before is not None and before.winner is not None else 0
    return wait_s if wait_s and wait_s // 60 == minutes else minutes * 60


def _share(typed: str) -> float:
    """Percentage points; what is no number is told to be wrong by the API."""
    try:
        return float(typed.replace(",", ".") or 0)
    except ValueError:
        return -1.0


def numbers_in(typed: str) -> list[str]:
    """What stands between spaces, commas and lines."""
    return [each for each in _BETWEEN.split(typed) if each]


def _group(form: Form, prefix: str) -> dict[str, Any]:
    given: dict[str, Any] = {name: [*form.many(prefix + name)] for name, _ in GROUPS}
    said = {"filter": form.raw(f"{prefix}filter").strip() or None}
    return given | said | {"numbers": numbers_in(form.raw(f"{prefix}numbers"))}


def _pace(form: Form) -> dict[str, Any]:
    if not form.text("pace"):
        return {}
    return {"pace": {"count": _number(form, "pace", 0), "per": form.text("per") or "second"}}


def _windows(form: Form, before: Any) -> dict[str, Any]:
    others = before.schedule.windows[1:] if before is not None else ()
    if not form.text("begin") and not form.text("end"):
        return {}
    window: dict[str, Any] = {"begin": form.text("begin") or "00:00", "end": form.text("end") or "24:00"}
    if form.many("days"):
        window["days"] = [*form.many("days")]
    return {"windows": [window, *map(msgspec.to_builtins, others)]}


def _number(form: Form, name: str, otherwise: int) -> int:
    """As a number; 0, of which the API says what is wrong, where none was typed."""
    typed = form.text(name)
    if not typed:
        return otherwise
    return whole(typed) or 0


def told(error: WhimbrelError) -> Problem:
    """A refusal with what is wrong at the fields of this form."""
    told = problem(error)
    fields = dict(told.fields)
    for pointer, words in told.fields.items():
        for begin, field in _FIELDS.items():
            if pointer.startswith(begin):
                fields.setdefault(field, words)
    return msgspec.structs.replace(told, fields=fields)


_FIELDS: Final = {
    "audience.numbers": "to_numbers",
    "audience.filter": "to_filter",
    "exclude.filter": "not_filter",
    "exclude.numbers": "not_numbers",
    "audience": "audience",
    "schedule.at": "at",
    "schedule.zone": "zone",
    "schedule.pace": "pace",
    "schedule.windows": "begin",
    "variants.0": "text_A",
    "variants.1": "text_B",
    "variants.2": "text_C",
    "text": "text_A",
}


def shown(found: Any, numbers: tuple[str, ...], excluded: tuple[str, ...]) -> dict[str, str | tuple[str, ...]]:
    schedule = found.schedule
    shown: dict[str, str | tuple[str, ...]] = {
        "name": found.name,
        "sender": found.sender or "",
        "pool": found.pool or "",
        "media": found.media,
        "class": found.message_class or "",
        "validity": str(found.validity or ""),
        "template": found.variants[0].template or "",
        "at": (schedule.at or "")[:16],
        "zone": schedule.zone,
        "pace": str(schedule.pace.count) if schedule.pace else "",
        "per": schedule.pace.per if schedule.pace else "second",
        "to_numbers": "\n".join(numbers),
        "not_numbers": "\n".join(excluded),
    }
    if found.audience.everybody:
        shown["everybody"] = "1"
    if found.short_links:
        shown["short_links"] = "1"
    for prefix, group in (("to_", found.audience), ("not_", found.exclude)):
        shown |= {prefix + name: getattr(group, name) for name, _ in GROUPS} | {f"{prefix}filter": group.filter or ""}
    shown |= {f"text_{each.name}": each.text or "" for each in found.variants}
    if schedule.windows:
        window = schedule.windows[0]
        shown |= {"begin": window.begin, "end": window.end, "days": window.days}
    if found.winner is not None:
        trial = found.winner
        shown |= {"trial": "1", "metric": trial.metric, "sample_percent": str(trial.sample_percent)}
        shown |= {"wait_minutes": str(trial.wait_s // 60), "min_difference": f"{trial.min_difference:g}"}
    return shown
