"""Opt-outs: numbers that an account must not text. A STOP from the phone writes the same rows. The number itself is
not kept: its keyed hash decides, a masked form is for people.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from whimbrel.base import ids, moments
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.log import mask_number
from whimbrel.domain.model import OptOut
from whimbrel.domain.numbers import Number, normalise
from whimbrel.manage import accounts, audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

IMPORT_MAX = 10_000
_ERRORS_SHOWN = 100
Source = Literal["keyword", "phrase", "api", "import"]


class NewOptOut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that opted out: E.164, as in a message's `to`."""

    number: str


class OptOutImport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to 10,000 numbers that opted out elsewhere. All of them are recorded or, when one is invalid, none."""

    numbers: tuple[str, ...]


class OptOutView(msgspec.Struct, frozen=True, kw_only=True):
    """An opt-out. `number` is masked."""

    id: str
    account_id: str
    number: str
    source: Source
    created_at: str


class OptOutsImported(msgspec.Struct, frozen=True, kw_only=True):
    """How many numbers were new, and how many had opted out before (or stood twice in the list)."""

    created: int
    known: int


# ---------------------------------------------------------------- verbs


async def create(ctx: Context, actor: str, request: NewOptOut, *, account_id: str) -> OptOutView:
    """Record that a number opted out; recording it again changes nothing and gives the first record."""
    number = _number(request.number, "/number")
    await _record(ctx, actor, [number], "api", account_id)
    return await get_by_number(ctx, request.number, account_id=account_id)


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
    created = await _record(ctx, actor, [number for number in found if number is not None], "import", account_id)
    return OptOutsImported(created=created, known=len(found) - created)


async def get(ctx: Context, opt_out_id: str, *, account_id: str) -> OptOutView:
    """One opt-out of an account."""
    return _view(await one(ctx, OptOut, "opt_out_by_id", account_id, opt_out_id))


async def get_by_number(ctx: Context, number: str, *, account_id: str) -> OptOutView:
    """The opt-out of a number; `not_found` when it has not opted out."""
    number_hash = ctx.vault.number_hash(_number(number, "number").e164)
    return _view(await one(ctx, OptOut, "opt_out_by_hash", account_id, number_hash))


async def find(ctx: Context, *, account_id: str, paging: Paging = FIRST_PAGE) -> Page[OptOutView]:
    """The opt-outs of an account, newest first."""
    statement = paging.of("opt_outs_page", "opt_outs_page_oldest")
    rows = await ctx.store.report(account_id, OptOut, statement, account_id, after(paging), paging.limit + 1)
    return page(rows, paging, _view, lambda row: row.id)


async def delete(ctx: Context, actor: str, opt_out_id: str, *, account_id: str) -> None:
    """The number may be texted again: it opted in."""
    async with ctx.lock:
        opt_out = await one(ctx, OptOut, "opt_out_by_id", account_id, opt_out_id)
        writes = [
            Write("opt_out_deleted_event", ((opt_out.id, account_id, ctx.clock.now_us()),)),
            Write("opt_out_delete", ((account_id, opt_out.number_hash),)),
            audit.entry(ctx, actor, "opt_out.deleted", opt_out.id, account_id),
        ]
        await commit(ctx, writes)
        ctx.tables.opt_out_removed(account_id, opt_out.number_hash)


# ---------------------------------------------------------------- parts of them


def _number(text: str, pointer: str) -> Number:
    number = normalise(text)
    if number is None:
        raise WhimbrelError("invalid_number", errors=[FieldError(pointer, "is no valid phone number")])
    return number


async def _record(ctx: Context, actor: str, numbers: Sequence[Number], source: Source, account_id: str) -> int:
    """Store those that are new, each with its event; how many were."""
    await accounts.existing(ctx, account_id)
    by_hash = {ctx.vault.number_hash(number.e164): number for number in numbers}
    async with ctx.lock:
        known = {row.number_hash for row in await ctx.store.fetch(OptOut, "opt_outs_known", account_id, list(by_hash))}
        new = [
            _row(ctx, account_id, number_hash, number, source)
            for number_hash, number in by_hash.items()
            if number_hash not in known
        ]
        if not new:
            return 0
        subject = new[0].id if len(new) == 1 else ""
        writes = [
            Write("opt_out_record", tuple(to_columns(row) for row in new)),
            Write("opt_out_created_event", tuple((row.id, account_id, _data(source), row.created_at) for row in new)),
            audit.entry(ctx, actor, "opt_outs.recorded", subject, account_id, count=len(new), source=source),
        ]
        await commit(ctx, writes)
        ctx.tables.opt_outs_added(account_id, [row.number_hash for row in new])
    return len(new)


def _row(ctx: Context, account_id: str, number_hash: int, number: Number, source: Source) -> OptOut:
    masked = mask_number(number.e164)
    return OptOut(ctx.ids.new(ids.OPT_OUT), account_id, number_hash, masked, source, ctx.clock.now_us())


def _data(source: Source) -> str:
    return msgspec.json.encode({"source": source}).decode()


def _view(row: OptOut) -> OptOutView:
    return OptOutView(
        id=row.id,
        account_id=row.account_id,
        number=row.masked,
        source=row.source,
        created_at=moments.to_text(row.created_at),
    )
