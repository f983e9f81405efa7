"""Lists of numbers that are not texted: complaints, a register of the state, whoever sued. Each names the classes of
messages that it is for and says why it is there. An account has its own; the operator's (no account) hold for all.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from whimbrel.base import ids, moments
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.log import mask_number
from whimbrel.domain.model import MessageClass
from whimbrel.domain.numbers import Number, normalise
from whimbrel.domain.permission import Suppression, SuppressionList
from whimbrel.manage import accounts, audit, number_files
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after_position, check_leads, commit, cursor_of
from whimbrel.manage.number_files import EXPORT_MARK, EXPORT_PAGE, FileRow, FileTaken, Refused, csv_lines
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

KIND: Final = "consent"
LISTS_MAX: Final = 50
NUMBERS_MAX: Final = 10_000
_REASON_MAX: Final = 200
_CLEARED: Final = 5_000  # numbers of one commit
_EXPORTED: Final = ("number", "masked", "reason", "created_at")
_COMMON: Final = ""


class NewSuppressionList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list as a whole."""

    name: str
    reason: Annotated[str, Meta(description="Why its numbers are not texted; `explain` shows it.")] = ""
    classes: Annotated[
        tuple[MessageClass, ...], Meta(min_length=1, description="Classes of messages that it holds for.")
    ] = ("marketing",)


class SuppressionListView(msgspec.Struct, frozen=True, kw_only=True):
    """A list. `account_id` null: the operator's, which holds for every account."""

    id: str
    account_id: str | None
    name: str
    reason: str
    classes: tuple[MessageClass, ...]
    created_at: str
    updated_at: str


class NewNumbers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers to put on a list: all of them or, when one is invalid, none."""

    numbers: Annotated[tuple[str, ...], Meta(min_length=1, max_length=NUMBERS_MAX)]
    reason: Annotated[str, Meta(max_length=_REASON_MAX, description="Of these numbers.")] = ""


class NumbersAdded(msgspec.Struct, frozen=True, kw_only=True):
    """How many were new, and how many stood there (or twice in the request)."""

    created: int
    known: int


class SuppressionView(msgspec.Struct, frozen=True, kw_only=True):
    """A number of a list. It is masked; the export has it in full until the person is erased."""

    number: str
    reason: str
    created_at: str


# ---------------------------------------------------------------- lists


async def create(
    ctx: Context, actor: str, request: NewSuppressionList, *, account_id: str | None
) -> SuppressionListView:
    """Make a list."""
    await _check_owner(ctx, account_id)
    async with ctx.lock:
        others = await _all(ctx, account_id)
        if len(others) >= LISTS_MAX:
            raise WhimbrelError("conflict", f"There are at most {LISTS_MAX} lists.")
        _check(request, others)
        now = ctx.clock.now_us()
        what = (request.name, request.reason, _classes(request))
        made = SuppressionList(ctx.ids.new(ids.SUPPRESSION_LIST), account_id, *what, now, now)
        entry = audit.entry(ctx, actor, "suppression_list.created", made.id, account_id)
        await commit(ctx, [Write("suppression_list_put", (to_columns(made),)), entry], KIND)
    return view(made)


async def put(
    ctx: Context, actor: str, list_id: str, request: NewSuppressionList, *, account_id: str | None
) -> SuppressionListView:
    """Change a list as a whole."""
    await _check_owner(ctx, account_id)
    async with ctx.lock:
        known = await _own(ctx, list_id, account_id)
        _check(request, [each for each in await _all(ctx, account_id) if each.id != list_id])
        made = msgspec.structs.replace(
            known,
            name=request.name,
            reason=request.reason,
            classes=_classes(request),
            updated_at=ctx.clock.now_us(),
        )
        entry = audit.entry(ctx, actor, "suppression_list.updated", list_id, account_id)
        await commit(ctx, [Write("suppression_list_put", (to_columns(made),)), entry], KIND)
    return view(made)


async def get(ctx: Context, list_id: str, *, account_id: str | None) -> SuppressionListView:
    """One list; an account reads the operator's too."""
    return view(await _readable(ctx, list_id, account_id))


async def find(ctx: Context, *, account_id: str | None) -> Page[SuppressionListView]:
    """The lists of an account with the operator's, or (None) these alone."""
    common = await _all(ctx, None)
    own = await _all(ctx, account_id) if account_id is not None else []
    return Page(tuple(view(each) for each in (*own, *common)))


async def delete(ctx: Context, actor: str, list_id: str, *, account_id: str | None) -> None:
    """Take a list away with its numbers. It holds no more from the first commit on; its numbers follow."""
    await _check_owner(ctx, account_id)
    async with ctx.lock:
        await _own(ctx, list_id, account_id)
        entry = audit.entry(ctx, actor, "suppression_list.deleted", list_id, account_id)
        await commit(ctx, [Write("suppression_list_delete", ((list_id,),)), entry], KIND)
    while sum(await ctx.store.write([Write("suppressions_clear", ((list_id, _CLEARED),))])):
        pass
    await ctx.tables.refresh("opt_outs")


# ---------------------------------------------------------------- their numbers


async def add(ctx: Context, actor: str, list_id: str, request: NewNumbers, *, account_id: str | None) -> NumbersAdded:
    """Put numbers on a list."""
    await _own(ctx, list_id, account_id)
    found = [normalise(text) for text in request.numbers]
    bad = [place for place, number in enumerate(found) if number is None]
    if bad:
        errors = [FieldError(f"/numbers/{place}", "is no valid phone number") for place in bad[:100]]
        raise WhimbrelError("invalid_request", f"{len(bad)} numbers are invalid.", errors=errors)
    numbers = {number: request.reason for number in found if number is not None}
    created = await _store(ctx, list_id, numbers, account_id)
    entry = audit.entry(ctx, actor, "suppression_list.added", list_id, account_id, count=created)
    await commit(ctx, [entry])
    return NumbersAdded(created=created, known=len(found) - created)


async def take_file(
    ctx: Context, actor: str, list_id: str, pieces: AsyncIterator[bytes], *, account_id: str | None
) -> FileTaken:
    """Put the numbers of a CSV file (columns `number`, `reason`) on a list, a thousand in a commit."""
    await _own(ctx, list_id, account_id)

    async def store(rows: Sequence[FileRow]) -> int:
        return await _store(ctx, list_id, {row.number: row.cells.get("reason", "") for row in rows}, account_id)

    taken = await number_files.take(pieces, store, _check_row)
    entry = audit.entry(ctx, actor, "suppression_list.imported", list_id, account_id, count=taken.created)
    await commit(ctx, [entry])
    return taken


async def numbers(
    ctx: Context, list_id: str, *, account_id: str | None, number: str | None = None, paging: Paging = FIRST_PAGE
) -> Page[SuppressionView]:
    """The numbers of a list, in no order that means anything; or the one that is asked for."""
    await _readable(ctx, list_id, account_id)
    if number is not None:
        number_hash = ctx.vault.number_hash(_number(number).e164)
        rows = await ctx.store.fetch(Suppression, "suppression_by_hash", list_id, number_hash)
        return Page(tuple(_shown(row) for row in rows))
    place = -1 if paging.cursor is None else after_position(paging)
    rows = await ctx.store.fetch(Suppression, "suppressions_page", list_id, place, paging.limit + 1)
    shown = rows[: paging.limit]
    following = cursor_of(shown[-1].number_hash) if len(rows) > paging.limit else None
    return Page(tuple(_shown(row) for row in shown), following)


async def remove(ctx: Context, actor: str, list_id: str, number: str, *, account_id: str | None) -> None:
    """Take a number off a list."""
    await _check_owner(ctx, account_id)
    number_hash = ctx.vault.number_hash(_number(number).e164)
    async with ctx.lock:
        await _own(ctx, list_id, account_id)
        entry = audit.entry(ctx, actor, "suppression_list.removed", list_id, account_id)
        changed = await commit(ctx, [Write("suppression_drop", ((list_id, number_hash),)), entry])
        if not changed[0]:
            raise WhimbrelError("not_found")
        ctx.tables.opt_outs_removed(list_id, [number_hash])


async def export(ctx: Context, list_id: str, *, account_id: str | None) -> AsyncIterator[bytes]:
    """A list as CSV."""
    await _own(ctx, list_id, account_id)
    return _pages(ctx, list_id)


# ---------------------------------------------------------------- parts of them


async def _pages(ctx: Context, list_id: str) -> AsyncIterator[bytes]:
    yield EXPORT_MARK + csv_lines([_EXPORTED])
    place = -1
    while rows := await ctx.store.fetch(Suppression, "suppressions_page", list_id, place, EXPORT_PAGE):
        yield csv_lines([(row.number, row.masked, row.reason, moments.to_text(row.created_at)) for row in rows])
        place = rows[-1].number_hash


async def _store(ctx: Context, list_id: str, found: Mapping[Number, str], account_id: str | None) -> int:
    by_hash = {ctx.vault.number_hash(number.e164): (number, reason) for number, reason in found.items()}
    now = ctx.clock.now_us()
    async with ctx.lock:
        known = await ctx.store.fetch(_Known, "suppressions_known", list_id, list(by_hash))
        stands = {each.number_hash for each in known}
        rows = [
            Suppression(list_id, key, account_id, number.e164, mask_number(number.e164), reason, now)
            for key, (number, reason) in by_hash.items()
            if key not in stands
        ]
        if rows:
            await commit(ctx, [Write("suppression_put", tuple(to_columns(row) for row in rows))])
            ctx.tables.opt_outs_added(list_id, [row.number_hash for row in rows])
    return len(rows)


class _Known(msgspec.Struct, frozen=True, gc=False):
    number_hash: int


def _number(text: str) -> Number:
    number = normalise(text)
    if number is None:
        raise WhimbrelError("invalid_number", errors=[FieldError("number", "is no valid phone number")])
    return number


def _check_row(row: FileRow) -> None:
    if len(row.cells.get("reason", "")) > _REASON_MAX:
        raise Refused(f"`reason` must have at most {_REASON_MAX} characters")


async def _check_owner(ctx: Context, account_id: str | None) -> None:
    if account_id is None:
        check_leads(ctx)
    else:
        await accounts.existing(ctx, account_id)


async def _all(ctx: Context, account_id: str | None) -> list[SuppressionList]:
    return await ctx.store.fetch(SuppressionList, "suppression_lists_of", account_id or _COMMON)


async def _own(ctx: Context, list_id: str, account_id: str | None) -> SuppressionList:
    return _named(await _all(ctx, account_id), list_id)


async def _readable(ctx: Context, list_id: str, account_id: str | None) -> SuppressionList:
    """An account may read the operator's: they say why its texts are refused."""
    own = await _all(ctx, account_id) if account_id is not None else []
    return _named((*own, *await _all(ctx, None)), list_id)


def _named(lists: Sequence[SuppressionList], list_id: str) -> SuppressionList:
    for each in lists:
        if each.id == list_id:
            return each
    raise WhimbrelError("not_found")


def _check(request: NewSuppressionList, others: Sequence[SuppressionList]) -> None:
    checks = Checks()
    checks.text(request.name, "/name")
    checks.text(request.reason, "/reason", longest=_REASON_MAX, empty=True)
    checks.require(all(each.name != request.name for each in others), "/name", "is taken by another list")
    checks.done()


def _classes(request: NewSuppressionList) -> tuple[MessageClass, ...]:
    return tuple(dict.fromkeys(request.classes))


def _shown(row: Suppression) -> SuppressionView:
    return SuppressionView(number=row.masked, reason=row.reason, created_at=moments.to_text(row.created_at))


def view(row: SuppressionList) -> SuppressionListView:
    """The public shape."""
    return SuppressionListView(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        reason=row.reason,
        classes=row.classes,
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )
