"""The editor of templates: from its form to what the API takes and back, what is told beside it, and how versions
differ. Fields have the API's names with dots; a variable's row is there because a text names it.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.templates.document import Content, Variable
from whimbrel.domain.templates.rendering import derived
from whimbrel.domain.templates.text import BadText, parse
from whimbrel.domain.templates.values import SAMPLES
from whimbrel.edges.console import drafting
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.whole import whole
from whimbrel.products.templates.preview import PreviewText

TYPES: Final = tuple(SAMPLES)
CONTENTS: Final = ("transactional", "service_implicit", "service_explicit", "promotional")
_WORDS: Final = ("default", "min", "max", "currency", "zone", "example")
_PIECES = re.compile(r"\s+|[^\s]+")


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What is told beside the form while somebody writes."""

    texts: tuple[PreviewText, ...] = ()
    sender: str = ""
    problem: Problem | None = None


def body(form: Form) -> dict[str, Any]:
    """The content as the API takes it."""
    texts = _texts(form)
    return {
        "class": form.text("class") or "transactional",
        "sender": form.text("sender") or None,
        "default_language": form.text("default_language") or next(iter(texts), "en"),
        "texts": texts,
        "variables": [_variable(form, name, kind) for name, kind in _named(form, texts).items()],
        "dlt": _dlt(form, texts),
    }


def _texts(form: Form) -> dict[str, str]:
    """An empty text is a language that goes."""
    found = {tag: _lines(form.raw(f"texts.{tag}")) for tag in form.many("language")}
    found = {tag: text for tag, text in found.items() if text.strip()}
    added = form.text("add_language")
    if added:
        found[added] = _lines(form.raw("add_text"))
    return found


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _named(form: Form, texts: Mapping[str, str]) -> dict[str, str]:
    """The variables of the texts with the types that their filters take; those of the form while a text cannot be
    read."""
    try:
        return {each.name: each.type for each in derived([parse(text) for text in texts.values()])}
    except BadText:
        return dict.fromkeys(form.many("variable"), "text")


def _variable(form: Form, name: str, kind: str) -> dict[str, Any]:
    rows = form.many("variable")
    if name not in rows:
        return {"name": name, "type": kind}
    at = f"variables.{rows.index(name)}"
    row: dict[str, Any] = {
        "name": name,
        "type": form.text(f"{at}.type") or kind,
        "required": form.flag(f"{at}.required"),
    }
    row |= {field: form.text(f"{at}.{field}") for field in _WORDS if form.text(f"{at}.{field}")}
    if form.text(f"{at}.max_length"):
        row["max_length"] = whole(form.text(f"{at}.max_length")) or 0
    if form.text(f"{at}.hosts"):
        row["hosts"] = form.text(f"{at}.hosts").lower().replace(",", " ").split()
    if form.flag(f"{at}.lines"):
        row["lines"] = True
    return row


def _dlt(form: Form, texts: Mapping[str, str]) -> dict[str, Any] | None:
    if not form.text("dlt.entity_id"):
        return None
    templates = {}
    for tag in texts:
        at = f"dlt.templates.{tag}"
        if form.text(f"{at}.template_id"):
            registered = _lines(form.raw(f"{at}.text")).strip()
            templates[tag] = {"template_id": form.text(f"{at}.template_id"), "text": registered or None}
    return {
        "entity_id": form.text("dlt.entity_id"),
        "content_type": form.text("dlt.content_type") or CONTENTS[1],
        "telemarketer_id": form.text("dlt.telemarketer_id") or None,
        "templates": templates,
    }


def filled(content: Content, variables: Sequence[Variable]) -> Form:
    """The form that shows a content."""
    values: dict[str, str | tuple[str, ...]] = {
        "class": content.message_class,
        "sender": content.sender or "",
        "default_language": content.default_language,
        "language": tuple(content.texts),
        "variable": tuple(variable.name for variable in variables),
        **{f"texts.{tag}": text for tag, text in content.texts.items()},
    }
    for place, variable in enumerate(variables):
        values |= {f"variables.{place}.{name}": value for name, value in _row(variable).items()}
    dlt = content.dlt
    if dlt is not None:
        values |= {"dlt.entity_id": dlt.entity_id, "dlt.content_type": dlt.content_type}
        values["dlt.telemarketer_id"] = dlt.telemarketer_id or ""
        for tag, each in dlt.templates.items():
            values |= {
                f"dlt.templates.{tag}.template_id": each.template_id,
                f"dlt.templates.{tag}.text": each.text or "",
            }
    return Form.of(values)


def _row(variable: Variable) -> dict[str, str]:
    row = {"type": variable.type, "hosts": " ".join(variable.hosts)}
    row |= {field: _told(getattr(variable, field)) for field in (*_WORDS, "max_length")}
    return row | {field: "1" for field in ("required", "lines") if getattr(variable, field)}


def _told(value: Any) -> str:
    """A value as people type it."""
    if value is None:
        return ""
    if isinstance(value, Mapping) and "amount" in value:
        return f"{value['amount']} {value.get('currency', '')}".strip()
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def shown(form: Form) -> Form:
    """The form as it was sent, with a row for each variable that its texts name and a card for each language."""
    sent = body(form)
    rows = form.many("variable")
    values: dict[str, str | tuple[str, ...]] = {
        "class": sent["class"],
        **{name: form.text(name) for name in ("name", "description", "sender", "to", "default_language")},
        **{name: form.text(name) for name in ("dlt.entity_id", "dlt.content_type", "dlt.telemarketer_id")},
        "language": tuple(dict.fromkeys((*form.many("language"), *sent["texts"]))),
        "variable": tuple(each["name"] for each in sent["variables"]),
    }
    for tag, text in sent["texts"].items():
        values[f"texts.{tag}"] = text
        values |= {
            f"dlt.templates.{tag}.{part}": form.raw(f"dlt.templates.{tag}.{part}") for part in ("template_id", "text")
        }
    for place, each in enumerate(sent["variables"]):
        at = f"variables.{rows.index(each['name'])}" if each["name"] in rows else ""
        fields = (*_WORDS, "type", "max_length", "hosts", "required", "lines")
        known = {field: form.text(f"{at}.{field}") for field in fields if at and form.sent(f"{at}.{field}")}
        values |= {
            f"variables.{place}.{field}": value
            for field, value in (known or {"required": "1", "type": each["type"]}).items()
        }
    return Form.of(values)


async def look(request: Request, form: Form) -> Look:
    """The texts for the sample values, or what is wrong."""
    if not _texts(form):
        return Look()
    to = form.text("to") or drafting.EXAMPLE
    try:
        found = await request.api("previewTemplate", body={"content": body(form), "to": to})
    except WhimbrelError as error:
        told = problem(error)
        fields = {name.removeprefix("content."): words for name, words in told.fields.items()}
        return Look(problem=msgspec.structs.replace(told, fields=fields))
    return Look(texts=found.data, sender=form.text("sender"))


def differences(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """The two texts as one, in pieces: the same, gone or new."""
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    pieces: list[tuple[str, str]] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(("same", "".join(old[a:b])))
            continue
        pieces += [(name, "".join(words)) for name, words in (("gone", old[a:b]), ("new", new[c:d])) if words]
    return tuple(pieces)


def compared(before: Content | None, after: Content) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """By language, how the texts of a version differ from those of the one before it."""
    old: Mapping[str, str] = before.texts if before is not None else {}
    languages: Iterable[str] = dict.fromkeys((*after.texts, *old))
    return [(tag, differences(old.get(tag, ""), after.texts.get(tag, ""))) for tag in languages]
