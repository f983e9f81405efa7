"""Canned answers: texts that the people of an account answer with often, under names."""

import msgspec

from whimbrel.base import ids, limits, moments
from whimbrel.domain.people import CannedAnswer
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, Page, commit, one
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns


class NewCannedAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text to answer with, under a name of its own."""

    name: str
    text: str


class CannedAnswerChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is not given stays."""

    name: str | None = None
    text: str | None = None


class CannedAnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """A canned answer."""

    id: str
    account_id: str
    name: str
    text: str
    created_at: str
    updated_at: str


async def create(ctx: Context, actor: str, request: NewCannedAnswer, *, account_id: str) -> CannedAnswerView:
    """Keep a text. WhimbrelError: invalid_request."""
    async with ctx.lock:
        now = ctx.clock.now_us()
        row = CannedAnswer(
            ctx.ids.new(ids.CANNED_ANSWER), account_id, request.name.strip(), request.text.strip(), now, now
        )
        await _check(ctx, row, is_new=True)
        entry = audit.entry(ctx, actor, "canned_answer.created", row.id, account_id)
        await commit(ctx, [Write("canned_insert", (to_columns(row),)), entry])
    return _view(row)


async def find(ctx: Context, *, account_id: str) -> Page[CannedAnswerView]:
    """All of an account's, by name."""
    rows = await ctx.store.fetch(CannedAnswer, "canned_of_account", account_id)
    return Page(tuple(_view(row) for row in rows))


async def get(ctx: Context, answer_id: str, *, account_id: str) -> CannedAnswerView:
    """One of them; not_found where it is not the account's."""
    return _view(await _existing(ctx, answer_id, account_id))


async def update(
    ctx: Context, actor: str, answer_id: str, change: CannedAnswerChange, *, account_id: str
) -> CannedAnswerView:
    """Change name or text. WhimbrelError: not_found, invalid_request."""
    async with ctx.lock:
        before = await _existing(ctx, answer_id, account_id)
        name = before.name if change.name is None else change.name.strip()
        text = before.text if change.text is None else change.text.strip()
        row = msgspec.structs.replace(before, name=name, text=text, updated_at=ctx.clock.now_us())
        await _check(ctx, row, is_new=False)
        writes = [
            Write("canned_set", ((row.id, row.name, row.text, row.updated_at),)),
            audit.entry(ctx, actor, "canned_answer.updated", row.id, account_id),
        ]
        await commit(ctx, writes)
    return _view(row)


async def delete(ctx: Context, actor: str, answer_id: str, *, account_id: str) -> None:
    """Forget one; what was answered with it stays as it was."""
    async with ctx.lock:
        row = await _existing(ctx, answer_id, account_id)
        entry = audit.entry(ctx, actor, "canned_answer.deleted", row.id, account_id)
        await commit(ctx, [Write("canned_delete", ((row.id,),)), entry])


async def _existing(ctx: Context, answer_id: str, account_id: str) -> CannedAnswer:
    return await one(ctx, CannedAnswer, "canned_by_id", answer_id, account_id)


async def _check(ctx: Context, row: CannedAnswer, *, is_new: bool) -> None:
    """A name of its own, a text that can be sent, and not too many of them."""
    checks = Checks()
    checks.text(row.name, "/name")
    checks.require(bool(row.text), "/text", "must not be empty")
    checks.require(len(row.text) <= limits.TEXT_MAX, "/text", f"must have at most {limits.TEXT_MAX:,} characters")
    checks.require("\0" not in row.text, "/text", "must not hold U+0000")
    checks.done()
    others = await ctx.store.fetch(CannedAnswer, "canned_of_account", row.account_id)
    taken = {each.name for each in others if each.id != row.id}
    checks.require(row.name not in taken, "/name", "is the name of another one")
    is_full = is_new and len(others) >= limits.CANNED_ANSWERS_MAX
    checks.require(not is_full, "/name", f"is one too many: {limits.CANNED_ANSWERS_MAX} are kept")
    checks.done()


def _view(row: CannedAnswer) -> CannedAnswerView:
    return CannedAnswerView(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        text=row.text,
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )
