"""Imports as accounts make them: announced, the file brought in one request or in several, looked at before anything
happens, begun, followed, called off, and what was wrong with it to be downloaded.
"""

import tempfile
from asyncio import to_thread
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.contact_numbers import COUNTRIES
from whimbrel.domain.contact_sheets import (
    FIXED,
    RowReader,
    Wrong,
    charset_of,
    delimiter_of,
    has_header,
    is_workbook,
    proposal,
)
from whimbrel.domain.contact_values import DateOrder
from whimbrel.domain.contacts import ContactImport, ImportSpec, ImportState, Policy
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.products.contacts.exporting import lines
from whimbrel.products.contacts.known import Known, known
from whimbrel.products.contacts.labels import ensure_tags, ids_of
from whimbrel.products.contacts.sheets import Unreadable, head_rows, rows_of
from whimbrel.products.contacts.spool import spool
from whimbrel.products.contacts.writes import numbers_of
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_SHOWN = 10
_CHARSETS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "iso-8859-1", "iso-8859-15", "cp1250", "cp1251")
_OVER: tuple[ImportState, ...] = ("done", "canceled", "failed")
Names = Annotated[tuple[str, ...], Meta(max_length=limits.CONTACT_LABELS_MAX)]


class NewImport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that will come."""

    name: Annotated[str, Meta(description="Of the file, for people.")]


class ImportPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a file is read, and what becomes of it. What is null is found out from the file."""

    columns: Annotated[
        tuple[str | None, ...] | None,
        Meta(description=f"What each column is: {', '.join(FIXED)}, a declared field, or null to leave it out."),
    ] = None
    header: Annotated[bool | None, Meta(description="Whether the first row names the columns.")] = None
    charset: Annotated[str | None, Meta(description=", ".join(_CHARSETS))] = None
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] | None = None
    default_country: Annotated[str | None, Meta(description="Of numbers without a calling code (ISO 3166).")] = None
    dates: Annotated[DateOrder, Meta(description="How days are written: 2027-01-31, 31.01.2027 or 01/31/2027.")] = "iso"
    existing: Annotated[
        Policy, Meta(description="Numbers that are known: put in what the file has, leave them, or all anew.")
    ] = "update"
    duplicates: Annotated[Literal["first", "last"], Meta(description="Which row of the file counts for a number.")] = (
        "last"
    )
    tags: Annotated[Names, Meta(description="Put on all; made where nobody had them.")] = ()
    lists: Annotated[Names, Meta(description="That all come on, by name or id.")] = ()
    start_flows: Annotated[
        bool, Meta(description="Whether its rows begin flows that wait for contacts that are added or tagged.")
    ] = False


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    """How far an import has come."""

    id: str
    account_id: str
    test: bool
    number: Annotated[int, Meta(description="Counts the account's imports; a contact's timeline names it.")]
    name: str
    status: ImportState
    source: Annotated[
        Literal["file", "segment"], Meta(description="Rows of a file, or everybody of a segment, who got a label.")
    ]
    size: Annotated[int, Meta(description="Octets that have come.")]
    rows: Annotated[int, Meta(description="Of the file, or people; 0 while they have not been counted.")]
    done: int
    created: int
    updated: int
    skipped: int
    duplicates: int
    failed: int
    reason: str
    created_at: str
    started_at: str | None
    finished_at: str | None


class PreviewRow(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of a row."""

    row: Annotated[int, Meta(description="Of the file, from 1.")]
    cells: tuple[str, ...]
    number: str | None
    outcome: Annotated[
        Literal["created", "updated", "skipped", "duplicate", "failed"],
        Meta(description="`duplicate`: an earlier one of these rows has the number."),
    ]
    problem: str = ""


class ImportPreview(msgspec.Struct, frozen=True, kw_only=True):
    """How the file would be read, and its first rows."""

    format: Literal["csv", "xlsx"]
    charset: str
    delimiter: str
    header: bool
    titles: tuple[str, ...]
    columns: tuple[str | None, ...]
    rows: tuple[PreviewRow, ...]


async def create(ctx: Context, actor: str, request: NewImport, *, account_id: str, test: bool) -> ImportView:
    """Announce a file. WhimbrelError: invalid_request, contact_limit."""
    checks = Checks()
    checks.text(request.name, "/name")
    checks.done()
    async with ctx.lock:
        await _check_open(ctx, account_id)
        row = await _announced(ctx, request.name, account_id, test)
        entry = audit.entry(ctx, actor, "contact_import.created", row.id, account_id, name=row.name)
        await commit(ctx, [Write("contact_import_insert", (to_columns(row),)), entry])
    return _view(row)


async def begin(ctx: Context, actor: str, name: str, spec: ImportSpec, *, account_id: str, test: bool) -> ImportView:
    """Begin one without a file. WhimbrelError: contact_limit."""
    async with ctx.lock:
        await _check_open(ctx, account_id)
        announced = await _announced(ctx, name, account_id, test)
        said = msgspec.json.encode(spec).decode()
        row = msgspec.structs.replace(announced, state="queued", spec=said, started_at=announced.created_at)
        entry = audit.entry(ctx, actor, "contact_import.started", row.id, account_id, name=row.name)
        await commit(ctx, [Write("contact_import_insert", (to_columns(row),)), entry])
    return _view(row)


async def _check_open(ctx: Context, account_id: str) -> None:
    (open_,) = await ctx.store.fetch(int, "contact_imports_open", account_id)
    if open_ >= limits.IMPORTS_OPEN_MAX:
        raise WhimbrelError("contact_limit", f"{limits.IMPORTS_OPEN_MAX} imports are not over yet.")


async def _announced(ctx: Context, name: str, account_id: str, test: bool) -> ContactImport:
    (newest,) = await ctx.store.fetch(int, "contact_import_newest", account_id, int(test))
    figures = dict.fromkeys(
        ("parts", "size", "rows", "position", "created", "updated", "skipped", "duplicates", "failed"), 0
    )
    return ContactImport(
        id=ctx.ids.new(ids.CONTACT_IMPORT), account_id=account_id, test=test, number=newest + 1, name=name,
        state="uploading", spec="{}", reason="", created_at=ctx.clock.now_us(), started_at=None, finished_at=None,
        **figures,
    )  # fmt: skip


async def receive(
    ctx: Context, import_id: str, offset: int, pieces: AsyncIterator[bytes], *, account_id: str, test: bool
) -> ImportView:
    """More of the file, from an offset that must be what has come so far: a request that broke off goes on there.
    WhimbrelError: not_found, conflict, body_too_large."""
    row = await _existing(ctx, import_id, account_id, test)
    size, part = row.size, row.parts
    if row.state != "uploading":
        raise WhimbrelError("conflict", "The file has come already.")
    if offset != size:
        raise WhimbrelError("conflict", f"{size} octets have come: go on there.")
    async for piece in pieces:
        if size + len(piece) > limits.IMPORT_SIZE_MAX:
            raise WhimbrelError("body_too_large", f"A file may have {limits.IMPORT_SIZE_MAX:,} octets.")
        grows = Write("contact_import_grow", ((import_id, size, len(piece)),))
        stored = Write("contact_import_part_insert", ((import_id, part, account_id, piece),))
        if not await ctx.store.turn(grows, [stored]):
            raise WhimbrelError("conflict", "Somebody else brings the same file.")
        size, part = size + len(piece), part + 1
    return _view(await _existing(ctx, import_id, account_id, test))


async def preview(ctx: Context, import_id: str, plan: ImportPlan, *, account_id: str, test: bool) -> ImportPreview:
    """How the file would be read, what its columns seem to be, and what would become of its first rows."""
    row = await _existing(ctx, import_id, account_id, test)
    about = await known(ctx, account_id, test)
    spec, head = await _decided(ctx, row, plan, about)
    columns = tuple(spec.mapping.get(str(place)) for place in range(len(head[0]) if head else 0))
    labels = {name: label.number for name, label in about.labels.items()}
    reader = RowReader(spec, about.fields, labels | {("tag", tag): 0 for cells in head for tag in _tags(spec, cells)})
    body = head[1:] if spec.header else head
    read = [reader.read(cells) for cells in body[:_SHOWN]]
    numbers = [None if isinstance(each, Wrong) else each.number for each in read]
    known_numbers = await ids_of(ctx, about, [each.number for each in read if not isinstance(each, Wrong)])
    shown = [
        _preview_row(place + 1 + spec.header, cells, said, known_numbers, spec.policy)
        for place, (cells, said) in enumerate(zip(body, read, strict=False))
    ]
    for place, each in enumerate(shown):
        if each.number is not None and each.number in numbers[:place]:
            earlier = numbers.index(each.number) + 1 + spec.header
            problem = f"row {earlier} has the number too"
            shown[place] = msgspec.structs.replace(each, outcome="duplicate", problem=problem)
    return ImportPreview(
        format=spec.format, charset=spec.charset, delimiter=spec.delimiter, header=spec.header,
        titles=tuple(head[0]) if head and spec.header else (), columns=columns, rows=tuple(shown),
    )  # fmt: skip


async def start(
    ctx: Context, actor: str, import_id: str, plan: ImportPlan, *, account_id: str, test: bool
) -> ImportView:
    """Begin. WhimbrelError: not_found, conflict, invalid_request, import_unreadable, contact_limit."""
    row = await _existing(ctx, import_id, account_id, test)
    if row.state != "uploading":
        raise WhimbrelError("conflict", "The import has begun already.")
    about = await ensure_tags(ctx, await known(ctx, account_id, test), plan.tags)
    spec, _ = await _decided(ctx, row, plan, about)
    checks = Checks()
    checks.require("number" in spec.mapping.values(), "/columns", "must say which column is the number")
    checks.done()
    now = ctx.clock.now_us()
    begun = Write("contact_import_begin", ((import_id, msgspec.json.encode(spec).decode(), "queued", now),))
    if not await ctx.store.turn(begun, [audit.entry(ctx, actor, "contact_import.started", import_id, account_id)]):
        raise WhimbrelError("conflict", "The import has begun already.")
    return _view(await _existing(ctx, import_id, account_id, test))


async def cancel(ctx: Context, actor: str, import_id: str, *, account_id: str, test: bool) -> ImportView:
    """Stop. What was stored stays. WhimbrelError: not_found, conflict (it is over)."""
    await _existing(ctx, import_id, account_id, test)
    ended = Write("contact_import_end", ((import_id, "canceled", "", ctx.clock.now_us()),))
    also = [
        Write("contact_import_parts_delete", ((import_id,),)),
        audit.entry(ctx, actor, "contact_import.canceled", import_id, account_id),
    ]
    if not await ctx.store.turn(ended, also):
        raise WhimbrelError("conflict", "The import is over.")
    return _view(await _existing(ctx, import_id, account_id, test))


async def find(ctx: Context, *, account_id: str, test: bool, paging: Paging = FIRST_PAGE) -> Page[ImportView]:
    """Newest first."""
    statement = paging.of("contact_imports_page", "contact_imports_page_oldest")
    rows = await ctx.store.fetch(ContactImport, statement, account_id, int(test), after(paging), paging.limit + 1)
    return page(rows, paging, _view, lambda row: row.id)


async def get(ctx: Context, import_id: str, *, account_id: str, test: bool) -> ImportView:
    """One of them."""
    return _view(await _existing(ctx, import_id, account_id, test))


async def errors(ctx: Context, import_id: str, *, account_id: str, test: bool) -> AsyncIterator[bytes]:
    """Rows that were not taken, as CSV. `not_found` before the first piece."""
    await _existing(ctx, import_id, account_id, test)
    return _errors(ctx, account_id, import_id)


async def delete(ctx: Context, actor: str, import_id: str, *, account_id: str, test: bool) -> None:
    """Forget one that is over; its contacts stay. WhimbrelError: not_found, conflict."""
    row = await _existing(ctx, import_id, account_id, test)
    if row.state not in _OVER:
        raise WhimbrelError("conflict", "The import is not over: cancel it first.")
    writes = [
        Write("contact_import_errors_delete", ((import_id,),)),
        Write("contact_import_parts_delete", ((import_id,),)),
        audit.entry(ctx, actor, "contact_import.deleted", import_id, account_id),
    ]
    await ctx.store.turn(Write("contact_import_delete", ((import_id,),)), writes)


async def _errors(ctx: Context, account_id: str, import_id: str) -> AsyncIterator[bytes]:
    yield lines([("row", "field", "value", "problem")]).encode()
    place = -1
    while rows := await ctx.store.fetch(_tuple, "contact_import_errors", account_id, import_id, place, limits.PAGE_MAX):
        yield lines(rows).encode()
        place = rows[-1][0]


def _tuple(*columns: Any) -> tuple[Any, ...]:
    return columns


async def _decided(
    ctx: Context, row: ContactImport, plan: ImportPlan, about: Known
) -> tuple[ImportSpec, Sequence[list[str]]]:
    """How the file is read, with what its beginning says where the plan says nothing; and its first rows."""
    pieces = await ctx.store.fetch(bytes, "contact_import_part", row.id, 0)
    if not pieces:
        raise WhimbrelError("import_unreadable", "Nothing of the file has come.")
    octets = pieces[0]
    checks = Checks()
    checks.require(plan.charset is None or plan.charset in _CHARSETS, "/charset", f"must be of {', '.join(_CHARSETS)}")
    if plan.default_country is not None:
        checks.require(plan.default_country in COUNTRIES, "/default_country", "must be a country such as GB")
    labels = numbers_of(plan.lists, "list", about, checks, "/lists")
    labels += tuple(about.labels[("tag", tag)].number for tag in plan.tags if ("tag", tag) in about.labels)
    checks.done()
    charset = plan.charset or charset_of(octets)
    spec = ImportSpec(format="xlsx" if is_workbook(octets) else "csv", charset=charset)
    if spec.format == "csv":
        delimiter = plan.delimiter or delimiter_of(octets[: 1 << 16].decode(charset, errors="replace"))
        spec = msgspec.structs.replace(spec, delimiter=delimiter)
    try:
        head = await _head(ctx, row, spec, octets)
    except Unreadable as problem:
        raise WhimbrelError("import_unreadable", f"The file {problem}.") from None
    if not head:
        raise WhimbrelError("import_unreadable", "The file is empty.")
    header = has_header(head[0]) if plan.header is None else plan.header
    columns = plan.columns
    if columns is None:
        columns = proposal(head[0] if header else [""] * len(head[0]), head[1:] or head, about.fields)
    _check_columns(columns, about)
    spec = msgspec.structs.replace(
        spec, header=header, mapping={str(place): each for place, each in enumerate(columns) if each is not None},
        country=plan.default_country, dates=plan.dates, policy=plan.existing, wins=plan.duplicates, labels=labels,
        flows=plan.start_flows,
    )  # fmt: skip
    return spec, head


async def _head(ctx: Context, row: ContactImport, spec: ImportSpec, octets: bytes) -> Sequence[list[str]]:
    if spec.format == "csv":
        return head_rows(octets, spec.charset, spec.delimiter, _SHOWN + 1, whole=row.parts == 1)
    if row.size > limits.IMPORT_XLSX_MAX:
        raise Unreadable(f"may have {limits.IMPORT_XLSX_MAX:,} octets as a workbook: save it as CSV")
    with tempfile.TemporaryFile() as file:
        await spool(ctx.store, row, file)
        return await to_thread(
            lambda: [cells for cells, _ in zip(rows_of(file, spec), range(_SHOWN + 1), strict=False)]
        )


def _check_columns(columns: Sequence[str | None], about: Known) -> None:
    checks = Checks()
    seen: set[str] = set()
    checks.require(len(columns) <= limits.IMPORT_COLUMNS_MAX, "/columns", "are too many")
    for place, each in enumerate(columns):
        if each is not None:
            checks.require(each in FIXED or each in about.fields, f"/columns/{place}", "is no field of contacts")
            checks.require(each not in seen, f"/columns/{place}", "stands twice")
            seen.add(each)
    checks.done()


def _tags(spec: ImportSpec, cells: Sequence[str]) -> set[str]:
    return RowReader(spec, {}, {}).tags([cells])


def _preview_row(row: int, cells: Sequence[str], said: Any, there: Collection[str], policy: Policy) -> PreviewRow:
    if isinstance(said, Wrong):
        problem = f"{said.field} {said.problem}"
        return PreviewRow(row=row, cells=tuple(cells), number=None, outcome="failed", problem=problem)
    known_outcome: Literal["updated", "skipped"] = "skipped" if policy == "skip" else "updated"
    outcome: Literal["created", "updated", "skipped"] = known_outcome if said.number in there else "created"
    return PreviewRow(row=row, cells=tuple(cells), number=said.number, outcome=outcome)


async def _existing(ctx: Context, import_id: str, account_id: str, test: bool) -> ContactImport:
    return await one(ctx, ContactImport, "contact_import_by_id", account_id, int(test), import_id)


def _view(row: ContactImport) -> ImportView:
    return ImportView(
        id=row.id,
        account_id=row.account_id,
        test=row.test,
        number=row.number,
        name=row.name,
        status=row.state,
        source="segment" if msgspec.json.decode(row.spec, type=ImportSpec).filter else "file",
        size=row.size,
        rows=row.rows,
        done=row.position,
        created=row.created,
        updated=row.updated,
        skipped=row.skipped,
        duplicates=row.duplicates,
        failed=row.failed,
        reason=row.reason,
        created_at=moments.to_text(row.created_at),
        started_at=moments.to_text_or_none(row.started_at),
        finished_at=moments.to_text_or_none(row.finished_at),
    )
