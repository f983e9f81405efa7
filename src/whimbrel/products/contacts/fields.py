"""Fields of contacts: declared with a kind, each with a column of its own in the contact's row. A field that is removed
disappears at once; its column is free again when all rows have lost its values (`clearing.py`)."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.contact_values import is_name, text_problem
from whimbrel.domain.contacts import NUMBERS, TEXTS, ContactField, FieldKind
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, Page, commit
from whimbrel.products.contacts.known import Known, free_number, known
from whimbrel.products.contacts.shapes import FieldView
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

Choices = Annotated[tuple[str, ...], Meta(max_length=limits.CONTACT_CHOICES_MAX, description="Of a `choice`.")]


class NewField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field."""

    name: Annotated[str, Meta(description="Small letters, digits and `_`, as filters and files name it.")]
    kind: Annotated[FieldKind, Meta(description="It stays.")]
    choices: Choices = ()


class FieldChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different. Values that are no choice any more stay where they are."""

    name: str | None = None
    choices: Choices | None = None


async def find(ctx: Context, *, account_id: str, test: bool) -> Page[FieldView]:
    """All of them, in the order in which they were declared."""
    return Page(tuple(_view(each) for each in (await known(ctx, account_id, test)).fields.values()))


async def create(ctx: Context, actor: str, request: NewField, *, account_id: str, test: bool) -> FieldView:
    """Declare one. WhimbrelError: invalid_request, conflict, contact_limit."""
    async with ctx.lock:
        about = await known(ctx, account_id, test)
        _check(about, request.name, request.kind, request.choices)
        is_text = request.kind in ("text", "choice")
        used = [each.place for each in about.every_field if (each.kind in ("text", "choice")) == is_text]
        place = free_number(used)
        if place > (TEXTS if is_text else NUMBERS):
            raise WhimbrelError("contact_limit", f"There are {TEXTS} fields of texts and {NUMBERS} of other kinds.")
        field_id, now = ctx.ids.new(ids.CONTACT_FIELD), ctx.clock.now_us()
        field = ContactField(
            field_id, account_id, test, request.name, request.kind, request.choices, place, None, now
        )  # fmt: skip
        entry = audit.entry(ctx, actor, "contact_field.created", field.id, account_id, name=field.name)
        await commit(ctx, [Write("contact_field_insert", (to_columns(field),)), entry])
    return _view(field)


async def update(
    ctx: Context, actor: str, field_id: str, change: FieldChange, *, account_id: str, test: bool
) -> FieldView:
    """Rename one, or change its choices."""
    async with ctx.lock:
        about = await known(ctx, account_id, test)
        field = _by_id(about, field_id)
        name = field.name if change.name is None else change.name
        choices = field.choices if change.choices is None else change.choices
        _check(about, name, field.kind, choices, field)
        field = msgspec.structs.replace(field, name=name, choices=choices)
        row = (field.id, name, msgspec.json.encode(choices).decode())
        entry = audit.entry(ctx, actor, "contact_field.updated", field.id, account_id, name=name)
        await commit(ctx, [Write("contact_field_set", (row,)), entry])
    return _view(field)


async def remove(ctx: Context, actor: str, field_id: str, *, account_id: str, test: bool) -> None:
    """It is gone; its values go over the next seconds."""
    async with ctx.lock:
        field = _by_id(await known(ctx, account_id, test), field_id)
        entry = audit.entry(ctx, actor, "contact_field.deleted", field.id, account_id, name=field.name)
        await commit(ctx, [Write("contact_field_remove", ((field.id, ctx.clock.now_us()),)), entry])


def _check(
    about: Known, name: str, kind: FieldKind, choices: tuple[str, ...], before: ContactField | None = None
) -> None:
    checks = Checks()
    checks.require(is_name(name), "/name", "must be small letters, digits and `_`, and not a word of filters")
    checks.require(bool(choices) == (kind == "choice"), "/choices", "are what a `choice` has, and no other kind")
    checks.require(len(set(choices)) == len(choices), "/choices", "must differ")
    for place, choice in enumerate(choices):
        problem = text_problem(choice) if choice else "must not be empty"
        checks.require(problem is None, f"/choices/{place}", problem or "")
    checks.done()
    if name in about.fields and about.fields[name] != before:
        raise WhimbrelError("conflict", "There is a field of this name.")


def _by_id(about: Known, field_id: str) -> ContactField:
    found = next((each for each in about.fields.values() if each.id == field_id), None)
    if found is None:
        raise WhimbrelError("not_found")
    return found


def _view(field: ContactField) -> FieldView:
    return FieldView(
        id=field.id,
        name=field.name,
        kind=field.kind,
        choices=field.choices,
        created_at=moments.to_text(field.created_at),
    )
