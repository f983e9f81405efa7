"""Tags and lists: made, renamed, removed, and put on contacts or taken off. A tag is made by its first use; a list has
to be there. One that is removed disappears at once; rows lose its number over the next seconds (`clearing.py`)."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.audience_terms import Ask
from whimbrel.domain.contacts import Label, LabelKind, label_mark
from whimbrel.domain.numbers import normalise
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, Page, commit
from whimbrel.products.contacts.known import Known, free_number, known
from whimbrel.products.contacts.shapes import LabelView
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

PREFIXES: dict[LabelKind, str] = {"tag": ids.TAG, "list": ids.LIST}
_FEW = limits.COMMIT_CHUNK


class NewLabel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tag or a list."""

    name: Annotated[str, Meta(description="One among the account's.")]
    description: str = ""


class LabelChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different."""

    name: str | None = None
    description: str | None = None


class Members(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contacts that are put on a list, or taken off."""

    contacts: Annotated[tuple[str, ...], Meta(max_length=limits.CONTACTS_BATCH_MAX, description="Ids.")] = ()
    numbers: Annotated[
        tuple[str, ...], Meta(max_length=limits.CONTACTS_BATCH_MAX, description="Of contacts that are there.")
    ] = ()


class MembersAnswer(msgspec.Struct, frozen=True):
    """What came of it."""

    changed: int
    unchanged: int
    missing: Annotated[int, Meta(description="Contacts that are not there.")]


async def find(ctx: Context, kind: LabelKind, *, account_id: str, test: bool) -> Page[LabelView]:
    """All of them, by name."""
    found = (await known(ctx, account_id, test)).labels.values()
    chosen = sorted((each for each in found if each.kind == kind), key=lambda each: each.name)
    return Page(tuple(_view(each, None) for each in chosen))


async def get(ctx: Context, kind: LabelKind, label_id: str, *, account_id: str, test: bool) -> LabelView:
    """One of them, with the number of its members."""
    label = _by_id(await known(ctx, account_id, test), kind, label_id)
    return _view(label, await ctx.store.contacts.count(account_id, test, holding(label)))


async def create(
    ctx: Context, actor: str, kind: LabelKind, request: NewLabel, *, account_id: str, test: bool
) -> LabelView:
    """Make one. WhimbrelError: invalid_request, conflict, contact_limit."""
    async with ctx.lock:
        about = await known(ctx, account_id, test)
        name = _checked(about, kind, request.name)
        (label,) = _new(ctx, about, kind, [name], request.description)
        entry = audit.entry(ctx, actor, f"{kind}.created", label.id, account_id, name=name)
        await commit(ctx, [Write("contact_label_insert", (to_columns(label),)), entry])
    return _view(label, 0)


async def update(
    ctx: Context, actor: str, kind: LabelKind, label_id: str, change: LabelChange, *, account_id: str, test: bool
) -> LabelView:
    """Rename one. Filters name it as before: they are to be changed too."""
    async with ctx.lock:
        about = await known(ctx, account_id, test)
        label = _by_id(about, kind, label_id)
        name = label.name if change.name in (None, label.name) else _checked(about, kind, change.name or "")
        description = label.description if change.description is None else change.description
        label = msgspec.structs.replace(label, name=name, description=description)
        entry = audit.entry(ctx, actor, f"{kind}.updated", label.id, account_id, name=name)
        await commit(ctx, [Write("contact_label_set", ((label.id, name, description),)), entry])
    return _view(label, None)


async def remove(ctx: Context, actor: str, kind: LabelKind, label_id: str, *, account_id: str, test: bool) -> None:
    """It is gone; contacts lose it over the next seconds."""
    async with ctx.lock:
        label = _by_id(await known(ctx, account_id, test), kind, label_id)
        entry = audit.entry(ctx, actor, f"{kind}.deleted", label.id, account_id, name=label.name)
        await commit(ctx, [Write("contact_label_remove", ((label.id, ctx.clock.now_us()),)), entry])


async def ensure_tags(ctx: Context, about: Known, names: Iterable[str]) -> Known:
    """Make the tags that are not there yet; what is known then. WhimbrelError contact_limit, invalid_request."""
    if all(("tag", name) in about.labels for name in names):
        return about
    async with ctx.lock:
        about = await known(ctx, about.account_id, about.test)
        missing = [name for name in dict.fromkeys(names) if ("tag", name) not in about.labels]
        checked = [_checked(about, "tag", name) for name in missing]
        rows = tuple(to_columns(label) for label in _new(ctx, about, "tag", checked, ""))
        await commit(ctx, [Write("contact_label_insert", rows)])
    return await known(ctx, about.account_id, about.test)


async def change_members(
    ctx: Context, kind: LabelKind, label_id: str, members: Members, *, account_id: str, test: bool, add: bool
) -> MembersAnswer:
    """Put contacts on a list (or a tag on them), or take them off."""
    about = await known(ctx, account_id, test)
    label = _by_id(about, kind, label_id)
    chosen = [*members.contacts, *await _by_numbers(ctx, about, members.numbers)]
    counts = {"updated": 0, "unchanged": 0, "missing": 0}
    scope = about.scope(ctx.clock.now_us())
    for start in range(0, len(chosen), _FEW):
        part = chosen[start : start + _FEW]
        numbers = (label.number,)
        done = await ctx.store.contacts.change(
            scope, part, {}, add=numbers if add else (), drop=() if add else numbers
        )  # fmt: skip
        for outcome in done.values():
            counts["unchanged" if outcome == "skipped" else outcome] += 1
    return MembersAnswer(counts["updated"], counts["unchanged"], counts["missing"])


def holding(label: Label) -> Ask:
    """The contacts that have it."""
    return has(label.number)


def has(number: int) -> Ask:
    """The same by the label's number."""
    return Ask("labels", "has", (label_mark(number),))


async def _by_numbers(ctx: Context, about: Known, numbers: Sequence[str]) -> list[str]:
    checks = Checks()
    found = [normalise(each) for each in numbers]
    for place, number in enumerate(found):
        checks.require(number is not None, f"/numbers/{place}", "must be a number in E.164")
    checks.done()
    e164 = tuple(dict.fromkeys(number.e164 for number in found if number is not None))
    if not e164:
        return []
    by_number = await ids_of(ctx, about, e164)
    return [by_number.get(number, number) for number in e164]


async def ids_of(ctx: Context, about: Known, numbers: Sequence[str]) -> dict[str, str]:
    """Contacts by number, of those that are there."""
    whose = (about.account_id, int(about.test), list(numbers))
    return dict(await ctx.store.fetch(_pair, "contact_ids_of_numbers", *whose))


def _pair(number: str, contact_id: str) -> tuple[str, str]:
    return number, contact_id


def _new(ctx: Context, about: Known, kind: LabelKind, names: Sequence[str], description: str) -> list[Label]:
    if len(about.labels) + len(names) > limits.CONTACT_LABELS_PER_ACCOUNT:
        raise WhimbrelError("contact_limit")
    used = {each.number for each in about.every_label}
    made: list[Label] = []
    for name in names:
        number = free_number(used)
        used.add(number)
        label_id = ctx.ids.new(PREFIXES[kind])
        now = ctx.clock.now_us()
        made.append(Label(label_id, about.account_id, about.test, kind, name, number, description, None, now))
    return made


def _checked(about: Known, kind: LabelKind, name: str) -> str:
    checks = Checks()
    checks.text(name.strip(), "/name")
    checks.require('"' not in name, "/name", "must not hold a double quote")
    checks.done()
    if (kind, name.strip()) in about.labels:
        raise WhimbrelError("conflict", f"There is a {kind} of this name.")
    return name.strip()


def _by_id(about: Known, kind: LabelKind, label_id: str) -> Label:
    found = next((each for each in about.labels.values() if each.id == label_id and each.kind == kind), None)
    if found is None:
        raise WhimbrelError("not_found")
    return found


def _view(label: Label, members: int | None) -> LabelView:
    return LabelView(
        id=label.id,
        name=label.name,
        description=label.description,
        members=members,
        created_at=moments.to_text(label.created_at),
    )
