"""Opt-outs: numbers that an account must not text, or one of its senders, pools or brands. A STOP from the phone
writes the same rows. A keyed hash of the number decides; the number itself is there for exports, until the person is
erased.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import ids, moments
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.log import mask_number
from whimbrel.domain.model import OptOut, Sender
from whimbrel.domain.numbers import Number, normalise
from whimbrel.domain.permission import (
    EVERYTHING,
    MARKETING,
    Brand,
    ScopeKind,
    brand_scope,
    consent_set,
    pool_scope,
    sender_scope,
)
from whimbrel.domain.pools import Pool
from whimbrel.manage import accounts, audit, consents, number_files
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, OLDEST, Context, Page, Paging, after, commit, one, page
from whimbrel.manage.number_files import EXPORT_MARK, EXPORT_PAGE, FileRow, FileTaken, csv_lines
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

IMPORT_MAX = 10_000
_ERRORS_SHOWN = 100
Source = Literal["keyword", "phrase", "api", "import"]
_EXPORTED: Final = ("id", "number", "masked", "scope", "source", "created_at")


class OfWhom(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose texts are not wanted: those of all senders, unless it says of which. One of these at most."""

    sender: Annotated[str | None, Meta(description="A sender of the account: only its texts are not wanted.")] = None
    pool: Annotated[str | None, Meta(description="Id of a pool: only texts of its senders are not wanted.")] = None
    brand: Annotated[str | None, Meta(description="Id of a brand: only texts of its senders are not wanted.")] = None


OF_ALL: Final = OfWhom()


class NewOptOut(OfWhom, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that opted out: E.164, as in a message's `to`. Of all senders, unless it says of which."""

    number: str


class OptOutImport(OfWhom, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to 10,000 numbers that opted out elsewhere. All of them are recorded or, when one is invalid, none."""

    numbers: tuple[str, ...]


class OptOutView(msgspec.Struct, frozen=True, kw_only=True):
    """An opt-out. `number` is masked; the export has it in full until the person is erased."""

    id: str
    account_id: str
    number: str
    source: Source
    scope: Annotated[ScopeKind, Meta(description="How far it reaches.")]
    sender: str | None
    pool: Annotated[str | None, Meta(description="Id.")]
    brand: Annotated[str | None, Meta(description="Id; empty for the senders that are of no named brand.")]
    created_at: str


class OptOutsImported(msgspec.Struct, frozen=True, kw_only=True):
    """How many numbers were new, and how many had opted out before (or stood twice in the list)."""

    created: int
    known: int


# ---------------------------------------------------------------- verbs


async def create(ctx: Context, actor: str, request: NewOptOut, *, account_id: str) -> OptOutView:
    """Record that a number opted out; recording it again changes nothing and gives the first record."""
    number = _number(request.number, "/number")
    scope = await _scope(ctx, request, account_id)
    await _record(ctx, actor, [number], "api", scope=scope, account_id=account_id)
    key = ctx.tables.permissions.key_of(ctx.vault.number_hash(number.e164), scope)
    return view(await one(ctx, OptOut, "opt_out_by_hash", account_id, key))


async def import_list(ctx: Context, actor: str, request: OptOutImport, *, account_id: str) -> OptOutsImported:
    """Record many numbers in one commit."""
    checks = Checks()
    checks.require(1 <= len(request.numbers) <= IMPORT_MAX, "/numbers", f"must be 1 to {IMPORT_MAX} numbers")
    checks.done()
    found = [normalise(text) for text in request.numbers]
    bad = [place for place, number in enumerate(found) if number is None]
    if bad:
        errors = [FieldError(f"/numbers/{place}", "is no valid phone number") for place in bad[:_ERRORS_SHOWN]]
        raise WhimbrelError("invalid_request", f"{len(bad)} numbers are invalid.", errors=errors)
    scope = await _scope(ctx, request, account_id)
    numbers = [number for number in found if number is not None]
    created = await _record(ctx, actor, numbers, "import", scope=scope, account_id=account_id)
    return OptOutsImported(created=created, known=len(found) - created)


async def take_file(
    ctx: Context,
    actor: str,
    pieces: AsyncIterator[bytes],
    *,
    account_id: str,
    of: OfWhom = OF_ALL,
) -> FileTaken:
    """Record the numbers of a CSV file, a thousand in a commit."""
    scope = await _scope(ctx, of, account_id)

    async def store(rows: Sequence[FileRow]) -> int:
        numbers = [row.number for row in rows]
        return await _record(ctx, actor, numbers, "import", scope=scope, account_id=account_id)

    return await number_files.take(pieces, store)


async def get(ctx: Context, opt_out_id: str, *, account_id: str) -> OptOutView:
    """One opt-out of an account."""
    return view(await one(ctx, OptOut, "opt_out_by_id", account_id, opt_out_id))


async def get_by_number(ctx: Context, number: str, *, account_id: str) -> OptOutView:
    """The opt-out of a number that holds for all senders; `not_found` when there is none."""
    number_hash = ctx.vault.number_hash(_number(number, "number").e164)
    return view(await one(ctx, OptOut, "opt_out_by_hash", account_id, number_hash))


async def of_number(ctx: Context, number: str, *, account_id: str) -> Page[OptOutView]:
    """The opt-outs of a number, of whatever scope."""
    number_hash = ctx.vault.number_hash(_number(number, "number").e164)
    rows = await ctx.store.fetch(OptOut, "opt_outs_of_person", account_id, number_hash)
    return Page(tuple(view(row) for row in rows))


async def find(ctx: Context, *, account_id: str, paging: Paging = FIRST_PAGE) -> Page[OptOutView]:
    """The opt-outs of an account, newest first."""
    statement = paging.of("opt_outs_page", "opt_outs_page_oldest")
    rows = await ctx.store.report(account_id, OptOut, statement, account_id, after(paging), paging.limit + 1)
    return page(rows, paging, view, lambda row: row.id)


async def export(ctx: Context, *, account_id: str) -> AsyncIterator[bytes]:
    """All of them as CSV, oldest first, with whole numbers where they are kept."""
    yield EXPORT_MARK + csv_lines([_EXPORTED])
    place = OLDEST
    while rows := await ctx.store.report(account_id, OptOut, "opt_outs_page_oldest", account_id, place, EXPORT_PAGE):
        yield csv_lines([_exported(row) for row in rows])
        place = rows[-1].id


async def delete(ctx: Context, actor: str, opt_out_id: str, *, account_id: str) -> None:
    """The number may be texted again: it opted in."""
    async with ctx.lock:
        opt_out = await one(ctx, OptOut, "opt_out_by_id", account_id, opt_out_id)
        writes = [
            Write("opt_out_deleted_event", ((opt_out.id, account_id, ctx.clock.now_us()),)),
            Write("opt_out_delete", ((account_id, opt_out.number_hash),)),
            *_contact_back(opt_out),
            audit.entry(ctx, actor, "opt_out.deleted", opt_out.id, account_id),
        ]
        await commit(ctx, writes)
        ctx.tables.opt_outs_removed(account_id, [opt_out.number_hash])


# ---------------------------------------------------------------- parts of them


def _number(text: str, pointer: str) -> Number:
    number = normalise(text)
    if number is None:
        raise WhimbrelError("invalid_number", errors=[FieldError(pointer, "is no valid phone number")])
    return number


async def _scope(ctx: Context, of: OfWhom, account_id: str) -> str:
    sender, pool, brand = of.sender, of.pool, of.brand
    checks = Checks()
    checks.require(sender is None or brand is None, "/brand", "cannot be given beside `sender`")
    checks.require(pool is None or (sender is None and brand is None), "/pool", "cannot be given beside another one")
    checks.done()
    if brand is not None:
        found = await ctx.store.fetch(Brand, "brands_of", account_id)
        checks.require(not brand or any(each.id == brand for each in found), "/brand", "is no brand of the account")
        checks.done()
        return brand_scope(brand)
    if pool is not None:
        checks.require(
            bool(await ctx.store.fetch(Pool, "pool_by_id", pool, account_id)), "/pool", "is no pool of the account"
        )
        checks.done()
        return pool_scope(pool)
    if sender is None:
        return EVERYTHING
    known = await ctx.store.fetch(Sender, "senders_of_account", account_id)
    number = normalise(sender)
    value = number.e164 if number is not None else sender
    checks.require(any(each.value == value for each in known), "/sender", "is no sender of the account")
    checks.done()
    return sender_scope(value)


async def _record(
    ctx: Context, actor: str, numbers: Sequence[Number], source: Source, *, scope: str, account_id: str
) -> int:
    """Store those that are new, each with its event; how many were. What they agreed to is revoked with it."""
    await accounts.existing(ctx, account_id)
    permissions = ctx.tables.permissions
    by_hash = {ctx.vault.number_hash(number.e164): number for number in numbers}
    keys = {permissions.key_of(number_hash, scope): number_hash for number_hash in by_hash}
    async with ctx.lock:
        known = {row.number_hash for row in await ctx.store.fetch(OptOut, "opt_outs_known", account_id, list(keys))}
        new = [
            _row(ctx, account_id, by_hash[number_hash], source, key=key, scope=scope)
            for key, number_hash in keys.items()
            if key not in known
        ]
        if not new:
            return 0
        subject = new[0].id if len(new) == 1 else ""
        writes = [
            Write("opt_out_record", tuple(to_columns(row) for row in new)),
            Write("opt_out_created_event", tuple((row.id, account_id, _data(row), row.created_at) for row in new)),
            audit.entry(ctx, actor, "opt_outs.recorded", subject, account_id, count=len(new), source=source),
        ]
        stopped = {keys[row.number_hash]: by_hash[keys[row.number_hash]] for row in new}
        if scope == EVERYTHING:
            contacts = tuple(sorted((account_id, row.number, row.created_at) for row in new))
            writes.append(Write("contact_opted_out", contacts))
            writes += await consents.revoked(ctx, actor, stopped, account_id=account_id)
        await commit(ctx, writes)
        ctx.tables.opt_outs_added(account_id, [row.number_hash for row in new])
        if scope == EVERYTHING:
            ctx.tables.opt_outs_removed(consent_set(account_id, MARKETING), list(stopped))
    return len(new)


def _contact_back(opt_out: OptOut) -> list[Write]:
    """The contact of a number that opts in to all senders again has not opted out."""
    is_known = opt_out.scope is None and opt_out.number is not None
    return [Write("contact_opted_out", ((opt_out.account_id, opt_out.number, None),))] if is_known else []


def _row(ctx: Context, account_id: str, number: Number, source: Source, *, key: int, scope: str) -> OptOut:
    return OptOut(
        id=ctx.ids.new(ids.OPT_OUT),
        account_id=account_id,
        number_hash=key,
        masked=mask_number(number.e164),
        source=source,
        created_at=ctx.clock.now_us(),
        scope=scope or None,
        person_hash=ctx.vault.number_hash(number.e164) if scope else None,
        number=number.e164,
    )


def _data(row: OptOut) -> str:
    return msgspec.json.encode({"source": row.source, **({"scope": row.scope} if row.scope else {})}).decode()


def _exported(row: OptOut) -> tuple[object, ...]:
    return (row.id, row.number, row.masked, row.scope or "all", row.source, moments.to_text(row.created_at))


def view(row: OptOut) -> OptOutView:
    """The public shape."""
    kind, _, name = (row.scope or "").partition(":")
    return OptOutView(
        id=row.id,
        account_id=row.account_id,
        number=row.masked,
        source=row.source,
        scope=msgspec.convert(kind or "all", ScopeKind),
        sender=name if kind == "sender" else None,
        pool=name if kind == "pool" else None,
        brand=name if kind == "brand" else None,
        created_at=moments.to_text(row.created_at),
    )
