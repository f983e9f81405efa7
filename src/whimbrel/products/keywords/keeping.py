"""Keywords as accounts keep them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.hook_hours import Window
from whimbrel.domain.keyword_rules import ANSWERS_MAX, Keyword, KeywordRule, problems
from whimbrel.domain.model import Sender
from whimbrel.domain.pools import Pool
from whimbrel.domain.screening import text_problems
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

ACCOUNT = "account"
"""Stands for the account's own id."""
Words = Annotated[tuple[str, ...], Meta(description="What is texted; letters, accents and punctuation do not matter.")]
Texts = Annotated[dict[str, str], Meta(description="By language (BCP 47).")]


class NewKeyword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A keyword to keep."""

    name: str
    words: Words
    of: Annotated[str, Meta(description="A sender's or a pool's id whose texts are meant, or `account`: all.")] = (
        ACCOUNT
    )
    match: Annotated[
        Literal["whole", "first"], Meta(description="The whole text is the word, or it begins with it.")
    ] = "whole"
    answers: Texts = {}
    template: Annotated[str | None, Meta(description="A template's name in place of `answers`.")] = None
    variables: Annotated[dict[str, Any], Meta(description="Of the template.")] = {}
    language: Annotated[str, Meta(description="Whose answer is taken where there is none of the person's own.")] = "en"
    hours: Annotated[Window | None, Meta(description="At other hours `outside` is answered, or nothing.")] = None
    outside: Texts = {}
    tag: Annotated[str | None, Meta(description="Given to the contact, which is made where there is none.")] = None
    list: Annotated[str | None, Meta(description="That the contact is put on.")] = None
    enabled: bool = True


class KeywordChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays."""

    name: str | UnsetType = UNSET
    words: Words | UnsetType = UNSET
    of: str | UnsetType = UNSET
    match: Literal["whole", "first"] | UnsetType = UNSET
    answers: Texts | UnsetType = UNSET
    template: str | UnsetType | None = UNSET
    variables: dict[str, Any] | UnsetType = UNSET
    language: str | UnsetType = UNSET
    hours: Window | UnsetType | None = UNSET
    outside: Texts | UnsetType = UNSET
    tag: str | UnsetType | None = UNSET
    list: str | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET


class KeywordView(msgspec.Struct, frozen=True, kw_only=True):
    """A keyword with how often it was said."""

    id: str
    account_id: str
    name: str
    of: str
    enabled: bool
    words: tuple[str, ...]
    match: Literal["whole", "first"]
    answers: dict[str, str]
    template: str | None
    variables: dict[str, Any]
    language: str
    hours: Window | None
    outside: dict[str, str]
    tag: str | None
    list: str | None
    uses: int
    last_used_at: str | None
    created_at: str
    updated_at: str


class _Count(msgspec.Struct, frozen=True, gc=False):
    keyword_id: str
    uses: int
    last_at: int


_OWN = frozenset({"name", "of", "enabled"})


async def create(ctx: Context, actor: str, request: NewKeyword, *, account_id: str) -> KeywordView:
    """Keep one. WhimbrelError: conflict (the name), invalid_request, not_found, too_many_keywords."""
    given = msgspec.structs.asdict(request)
    rule = KeywordRule(**{name: value for name, value in given.items() if name not in _OWN})
    now = ctx.clock.now_us()
    owner_id = await _owner(ctx, request.of, account_id)
    row = Keyword(
        ctx.ids.new(ids.KEYWORD), account_id, request.name.strip(), owner_id, request.enabled, _encoded(rule), now, now
    )
    async with ctx.lock:
        others = await _of_account(ctx, account_id)
        _check(row, rule, others)
        if len(others) >= limits.KEYWORDS_PER_ACCOUNT:
            raise WhimbrelError("too_many_keywords")
        entry = audit.entry(ctx, actor, "keyword.created", row.id, account_id)
        await commit(ctx, [Write("keyword_insert", (to_columns(row),)), entry])
    return await get(ctx, row.id, account_id=account_id)


async def get(ctx: Context, keyword_id: str, *, account_id: str) -> KeywordView:
    """One of an account's. WhimbrelError: not_found."""
    row = await one(ctx, Keyword, "keyword_by_id", keyword_id, account_id)
    return (await _views(ctx, [row]))[0]


async def find(ctx: Context, *, account_id: str, paging: Paging = FIRST_PAGE) -> Page[KeywordView]:
    """All of an account's, newest first."""
    rows = await ctx.store.fetch(Keyword, "keywords_page", account_id, after(paging), paging.limit + 1)
    views = {each.id: each for each in await _views(ctx, rows)}
    return page(rows, paging, lambda row: views[row.id], lambda row: row.id)


async def update(ctx: Context, actor: str, keyword_id: str, change: KeywordChange, *, account_id: str) -> KeywordView:
    """Change one. WhimbrelError: not_found, conflict, invalid_request."""
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    async with ctx.lock:
        row = await one(ctx, Keyword, "keyword_by_id", keyword_id, account_id)
        before = msgspec.json.decode(row.rule, type=KeywordRule)
        rule = msgspec.structs.replace(before, **{name: given[name] for name in given if name not in _OWN})
        owner_id = await _owner(ctx, given["of"], account_id) if "of" in given else row.owner_id
        changed = msgspec.structs.replace(
            row,
            name=given.get("name", row.name).strip(),
            owner_id=owner_id,
            enabled=given.get("enabled", row.enabled),
            rule=_encoded(rule),
            updated_at=ctx.clock.now_us(),
        )
        _check(changed, rule, await _of_account(ctx, account_id))
        entry = audit.entry(ctx, actor, "keyword.updated", keyword_id, account_id, fields=sorted(given))
        columns = (keyword_id, changed.name, owner_id, int(changed.enabled), changed.rule, changed.updated_at)
        await commit(ctx, [Write("keyword_update", (columns,)), entry])
    return await get(ctx, keyword_id, account_id=account_id)


async def delete(ctx: Context, actor: str, keyword_id: str, *, account_id: str) -> None:
    """Forget one. WhimbrelError: not_found."""
    async with ctx.lock:
        await one(ctx, Keyword, "keyword_by_id", keyword_id, account_id)
        entry = audit.entry(ctx, actor, "keyword.deleted", keyword_id, account_id)
        drops = [Write(name, ((keyword_id,),)) for name in ("keyword_delete", "keyword_count_drop")]
        await commit(ctx, [*drops, entry])


async def _owner(ctx: Context, of: str, account_id: str) -> str:
    if of == ACCOUNT:
        return account_id
    if of.startswith(ids.POOL):
        return (await one(ctx, Pool, "pool_by_id", of, account_id)).id
    return (await one(ctx, Sender, "sender_by_id", of, account_id)).id


async def _of_account(ctx: Context, account_id: str) -> list[Keyword]:
    return await ctx.store.fetch(Keyword, "keywords_of_accounts", [account_id])


def _check(row: Keyword, rule: KeywordRule, others: list[Keyword]) -> None:
    checks = Checks()
    checks.text(row.name, "/name")
    checks.language(rule.language, "/language")
    for pointer, detail in problems(rule):
        checks.require(False, pointer, detail)
    for member, texts in (("answers", rule.answers), ("outside", rule.outside)):
        checks.require(len(texts) <= ANSWERS_MAX, f"/{member}", f"may be {ANSWERS_MAX} languages")
        for language, text in texts.items():
            checks.language(language, f"/{member}/{language}")
            found = text_problems(text)
            checks.require(found is None, f"/{member}/{language}", found.detail if found else "")
    checks.done()
    if any(other.name == row.name and other.id != row.id for other in others):
        raise WhimbrelError("conflict", "The account has a keyword of this name.")


async def _views(ctx: Context, rows: list[Keyword]) -> list[KeywordView]:
    counts = {
        each.keyword_id: each for each in await ctx.store.fetch(_Count, "keyword_counts_of", [row.id for row in rows])
    }
    return [_view(row, counts.get(row.id)) for row in rows]


def _view(row: Keyword, count: _Count | None) -> KeywordView:
    rule = msgspec.json.decode(row.rule, type=KeywordRule)
    return KeywordView(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        of=ACCOUNT if row.owner_id == row.account_id else row.owner_id,
        enabled=row.enabled,
        words=rule.words,
        match=rule.match,
        answers=rule.answers,
        template=rule.template,
        variables=rule.variables,
        language=rule.language,
        hours=rule.hours,
        outside=rule.outside,
        tag=rule.tag,
        list=rule.list,
        uses=count.uses if count else 0,
        last_used_at=moments.to_text(count.last_at) if count else None,
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )


def _encoded(rule: KeywordRule) -> str:
    return msgspec.json.encode(rule).decode()
