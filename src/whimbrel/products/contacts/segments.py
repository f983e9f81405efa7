"""Segments: filters that accounts keep under a name, with a count that is taken when somebody asks."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.contacts import Segment
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, Page, Paging, commit, one
from whimbrel.products.contacts.keeping import select
from whimbrel.products.contacts.known import Known, known
from whimbrel.products.contacts.shapes import CountView, SegmentPreview, SegmentView, view
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

Filter = Annotated[str, Meta(description='Such as `country in ("DE", "AT") and tag = "vip"`; see docs/contacts.md.')]
_SHOWN = 10


class NewSegment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A filter under a name."""

    name: Annotated[str, Meta(description="One in the account.")]
    filter: Filter


class SegmentChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different."""

    name: str | None = None
    filter: str | None = None


class SegmentDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A filter that is not kept."""

    filter: Filter


async def find(ctx: Context, *, account_id: str, test: bool) -> Page[SegmentView]:
    """All of them, by name."""
    rows = await ctx.store.fetch(Segment, "contact_segments_of", account_id, int(test))
    return Page(tuple(_view(row) for row in sorted(rows, key=lambda row: row.name)))


async def get(ctx: Context, segment_id: str, *, account_id: str, test: bool) -> SegmentView:
    """One of them."""
    return _view(await _existing(ctx, segment_id, account_id, test))


async def create(ctx: Context, actor: str, request: NewSegment, *, account_id: str, test: bool) -> SegmentView:
    """Keep one. WhimbrelError: invalid_request, invalid_filter, conflict, contact_limit."""
    async with ctx.lock:
        about = await known(ctx, account_id, test)
        name, now = await _checked(ctx, request.name, request.filter, about), ctx.clock.now_us()
        row = Segment(ctx.ids.new(ids.SEGMENT), account_id, test, name, request.filter, now, now)
        entry = audit.entry(ctx, actor, "segment.created", row.id, account_id, name=name)
        await commit(ctx, [Write("contact_segment_insert", (to_columns(row),)), entry])
    return _view(row)


async def update(
    ctx: Context, actor: str, segment_id: str, change: SegmentChange, *, account_id: str, test: bool
) -> SegmentView:
    """Change one."""
    async with ctx.lock:
        row = await _existing(ctx, segment_id, account_id, test)
        given = row.filter if change.filter is None else change.filter
        name = row.name if change.name is None else change.name
        name = await _checked(ctx, name, given, await known(ctx, account_id, test), row)
        row = msgspec.structs.replace(row, name=name, filter=given, updated_at=ctx.clock.now_us())
        entry = audit.entry(ctx, actor, "segment.updated", row.id, account_id, name=name)
        await commit(ctx, [Write("contact_segment_set", ((row.id, name, given, row.updated_at),)), entry])
    return _view(row)


async def delete(ctx: Context, actor: str, segment_id: str, *, account_id: str, test: bool) -> None:
    """Forget one; its contacts stay."""
    row = await _existing(ctx, segment_id, account_id, test)
    entry = audit.entry(ctx, actor, "segment.deleted", row.id, account_id, name=row.name)
    await commit(ctx, [Write("contact_segment_delete", ((row.id,),)), entry])


async def count(ctx: Context, segment_id: str, *, account_id: str, test: bool) -> CountView:
    """How many contacts it holds for now."""
    row = await _existing(ctx, segment_id, account_id, test)
    about = await known(ctx, account_id, test)
    term = about.term(row.filter, ctx.clock.now_us())
    return CountView(await ctx.store.contacts.count(account_id, test, term))


async def preview(ctx: Context, request: SegmentDraft, *, account_id: str, test: bool) -> SegmentPreview:
    """How many contacts a filter holds for, and the newest of them."""
    about = await known(ctx, account_id, test)
    term = about.term(request.filter, ctx.clock.now_us())
    rows = await select(ctx, about, term, Paging(limit=_SHOWN))
    total = await ctx.store.contacts.count(account_id, test, term)
    return SegmentPreview(total, tuple(view(row, about) for row in rows[:_SHOWN]))


async def _checked(ctx: Context, name: str, given: str, about: Known, row: Segment | None = None) -> str:
    """The name, where it and the filter may be kept. `row`: as the segment is now."""
    checks = Checks()
    checks.text(name.strip(), "/name")
    checks.done()
    about.term(given, ctx.clock.now_us(), own=(name.strip(),) if row is None else (name.strip(), row.name))
    own_id = "" if row is None else row.id
    others = await ctx.store.fetch(Segment, "contact_segments_of", about.account_id, int(about.test))
    if any(each.name == name.strip() and each.id != own_id for each in others):
        raise WhimbrelError("conflict", "There is a segment of this name.")
    if not own_id and len(others) >= limits.SEGMENTS_PER_ACCOUNT:
        raise WhimbrelError("contact_limit")
    return name.strip()


async def _existing(ctx: Context, segment_id: str, account_id: str, test: bool) -> Segment:
    return await one(ctx, Segment, "contact_segment_by_id", account_id, int(test), segment_id)


def _view(row: Segment) -> SegmentView:
    return SegmentView(
        id=row.id,
        name=row.name,
        filter=row.filter,
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )
