"""What the pages of contacts share: what an account describes people with, a person as fields of a form and back, a
filter with its mistake marked.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console.forms import Form
from whimbrel.edges.console.request import Request

_TEXTS: Final = ("name", "language", "time_zone")
_BETWEEN: Final = re.compile(r"\s*[,;\n]\s*")
_PLACE: Final = re.compile(r"\(character (\d+)\)").search
_DECIMAL: Final = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?").fullmatch


class Marked(msgspec.Struct, frozen=True):
    """A filter cut where it could not be read on: `wrong` is what stands there."""

    before: str
    wrong: str
    after: str


async def described(request: Request) -> dict[str, Any]:
    """Declared fields, tags, lists and segments."""
    return {
        "fields": (await request.api("listContactFields")).data,
        "tags": (await request.api("listTags")).data,
        "lists": (await request.api("listLists")).data,
        "segments": (await request.api("listSegments")).data,
    }


def marked(filter: str, error: WhimbrelError) -> Marked | None:
    """Where the mistake stands; None where the refusal does not say."""
    found = _PLACE(error.detail)
    if found is None or error.code != "invalid_filter":
        return None
    place = min(int(found[1]) - 1, len(filter))
    word = re.match(r'"[^"]*"?|\w+|\S', filter[place:])
    end = place + (word.end() if word else 0)
    return Marked(filter[:place], filter[place:end] or " ", filter[end:])


def told(detail: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry of a timeline says, with the names of tags and lists in place of their ids."""
    names = {each.id: each.name for kind in ("tags", "lists") for each in known[kind]}
    return {
        name: ", ".join(names.get(each, str(each)) for each in value) if isinstance(value, list | tuple) else value
        for name, value in detail.items()
        if value
    }


def filled(contact: Any) -> Form:
    """A person as the fields show them."""
    fields: dict[str, str | tuple[str, ...]] = {name: getattr(contact, name) or "" for name in ("number", *_TEXTS)}
    fields |= {"tags": ", ".join(contact.tags), "lists": tuple(contact.lists)}
    for name, value in contact.fields.items():
        fields[f"fields.{name}"] = str(value).lower() if isinstance(value, bool) else str(value)
    return Form.of(fields)


def new_body(form: Form, fields: Sequence[Any]) -> dict[str, Any]:
    """The fields as the API takes somebody new."""
    values = {name: value for name, value in _values(form, fields).items() if value is not None}
    body = form.given("number", *_TEXTS) | {"fields": values, "tags": tags_of(form), "lists": list(form.many("lists"))}
    return {"number": ""} | body


def change_body(form: Form, contact: Any, fields: Sequence[Any]) -> dict[str, Any]:
    """The same as a change: what was taken out of the form is taken off the contact."""
    tags, lists = tags_of(form), form.many("lists")
    return {
        **{name: form.text(name) for name in ("number", *_TEXTS)},
        "fields": _values(form, fields),
        "tags": tags,
        "lists": list(lists),
        "remove_tags": [each for each in contact.tags if each not in tags],
        "remove_lists": [each for each in contact.lists if each not in lists],
    }


def tags_of(form: Form) -> list[str]:
    """Names between commas."""
    return [each for each in dict.fromkeys(_BETWEEN.split(form.text("tags"))) if each]


async def other(request: Request, said: str) -> str:
    """The id of the contact that has an id or a number. WhimbrelError: not_found."""
    if said.startswith("CT"):
        return said
    found = await request.api("listContacts", query={"search": said, "limit": "2"}) if said else None
    exact = [each for each in found.data if each.number == said] if found else []
    if not exact:
        raise WhimbrelError("not_found", request.words("contacts.no_such"))
    return str(exact[0].id)


async def while_held(request: Request, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A file that breaks off when whoever asked for it may see it no more, so that nobody takes it for whole."""
    async for piece in pieces:
        if not await request.holds():
            raise WhimbrelError("unauthorized")
        yield piece


def _values(form: Form, fields: Sequence[Any]) -> dict[str, Any]:
    """Declared fields by name; null for one that is empty."""
    return {each.name: _value(each, form.text(f"fields.{each.name}")) for each in fields}


def _value(field: Any, text: str) -> Any:
    if not text:
        return None
    if field.kind == "boolean":
        return _BOOLEANS.get(text, text)
    return float(text) if field.kind == "number" and _DECIMAL(text) else text


_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}
