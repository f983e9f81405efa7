"""Contacts as accounts keep them: create, put by number one or a thousand, read, change, erase, merge, and find by a
filter, a segment, a tag, a list, or what somebody types.
"""

from typing import Any

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.audience_terms import EVERYBODY, All, Ask, Some, Term
from whimbrel.domain.contacts import Contact, ContactWrite, Policy, Segment, contact_of, name_key
from whimbrel.domain.numbers import normalise
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.products.contacts.known import Known, known
from whimbrel.products.contacts.labels import ensure_tags, holding
from whimbrel.products.contacts.shapes import (
    BatchAnswer,
    BatchItem,
    ContactBatch,
    ContactChange,
    ContactView,
    Merge,
    NewContact,
    view,
)
from whimbrel.products.contacts.writes import columns, numbers_of, write_of

_PUNCTUATION = str.maketrans("", "", " -.()/")


class Wanted(msgspec.Struct, frozen=True):
    """Which contacts are asked for; what is None does not matter."""

    filter: str | None = None
    segment: str | None = None
    tag: str | None = None
    list: str | None = None
    search: str | None = None


async def create(ctx: Context, actor: str, request: NewContact, *, account_id: str, test: bool) -> ContactView:
    """A new one. WhimbrelError: invalid_request, contact_exists, contact_limit."""
    made, outcome = await _put(ctx, request, account_id, test, create_only=True)
    if outcome == "exists":
        raise WhimbrelError("contact_exists", f"The contact {made.id} has this number.")
    return made


async def put(ctx: Context, request: NewContact, *, account_id: str, test: bool) -> tuple[ContactView, bool]:
    """Create one, or change the one that has this number; whether it is new."""
    made, outcome = await _put(ctx, request, account_id, test, create_only=False)
    return made, outcome == "created"


async def _put(
    ctx: Context, request: NewContact, account_id: str, test: bool, *, create_only: bool
) -> tuple[ContactView, str]:
    about = await ensure_tags(ctx, await known(ctx, account_id, test), request.tags)
    checks = Checks()
    write = write_of(request, ctx.ids.new(ids.CONTACT), about, checks)
    checks.done()
    scope = about.scope(ctx.clock.now_us())
    (done,) = await ctx.store.contacts.put(scope, [write], create_only=create_only)
    return view(await _existing(ctx, done.id, about), about), done.outcome


async def put_many(ctx: Context, request: ContactBatch, *, account_id: str, test: bool) -> BatchAnswer:
    """Create and change contacts by number; one that is wrong keeps the others from nothing."""
    names = [tag for each in request.contacts for tag in each.tags]
    about = await ensure_tags(ctx, await known(ctx, account_id, test), names)
    items: list[BatchItem | None] = [None] * len(request.contacts)
    good: list[tuple[int, ContactWrite]] = []
    for place, said in enumerate(request.contacts):
        checks = Checks()
        write = write_of(said, ctx.ids.new(ids.CONTACT), about, checks)
        try:
            checks.done()
            good.append((place, write))
        except WhimbrelError as error:
            wrong = tuple({"pointer": each.pointer, "detail": each.detail} for each in error.errors)
            items[place] = BatchItem(None, "refused", wrong)
    policy: Policy = request.existing
    for start in range(0, len(good), limits.COMMIT_CHUNK):
        part = good[start : start + limits.COMMIT_CHUNK]
        done = await ctx.store.contacts.put(about.scope(ctx.clock.now_us(), policy), [write for _, write in part])
        for (place, _), each in zip(part, done, strict=True):
            items[place] = BatchItem(each.id, each.outcome)
    data = tuple(item for item in items if item is not None)
    counts = {name: sum(item.outcome == name for item in data) for name in ("created", "updated", "refused")}
    return BatchAnswer(data, counts["created"], counts["updated"], counts["refused"])


async def get(ctx: Context, contact_id: str, *, account_id: str, test: bool) -> ContactView:
    """One of them; `not_found`."""
    about = await known(ctx, account_id, test)
    return view(await _existing(ctx, contact_id, about), about)


async def update(ctx: Context, contact_id: str, change: ContactChange, *, account_id: str, test: bool) -> ContactView:
    """Change one. WhimbrelError: not_found, invalid_request, contact_exists, contact_limit."""
    about = await ensure_tags(ctx, await known(ctx, account_id, test), change.tags)
    checks = Checks()
    found: dict[str, Any] = columns(change, about, checks)
    if change.number is not None:
        number = normalise(change.number)
        checks.require(number is not None, "/number", "must be a number in E.164")
        if number is not None:
            found |= {"number": number.e164, "country": number.country}
    add = numbers_of(change.tags, "tag", about, checks, "/tags")
    add += numbers_of(change.lists, "list", about, checks, "/lists")
    drop = numbers_of(
        [n for n in change.remove_tags if ("tag", n) in about.labels], "tag", about, checks, "/remove_tags"
    )
    drop += numbers_of(change.remove_lists, "list", about, checks, "/remove_lists")
    checks.done()
    scope = about.scope(ctx.clock.now_us())
    done = await ctx.store.contacts.change(scope, [contact_id], found, add=add, drop=drop)
    outcome = done[contact_id]
    if outcome == "missing":
        raise WhimbrelError("not_found")
    if outcome == "exists":
        raise WhimbrelError("contact_exists")
    if outcome == "skipped":
        raise WhimbrelError("contact_limit", f"A contact has up to {limits.CONTACT_LABELS_MAX} tags and lists.")
    return view(await _existing(ctx, contact_id, about), about)


async def erase(ctx: Context, actor: str, contact_id: str, *, account_id: str, test: bool) -> None:
    """One and what is known of it goes. Messages stay: they are erased on their own."""
    about = await known(ctx, account_id, test)
    if not await ctx.store.contacts.delete(about.scope(ctx.clock.now_us()), [contact_id]):
        raise WhimbrelError("not_found")
    await commit(ctx, [audit.entry(ctx, actor, "contact.deleted", contact_id, account_id)])


async def merge(ctx: Context, actor: str, request: Merge, *, account_id: str, test: bool) -> ContactView:
    """Several become one: it keeps what it has, and gets what it lacks from the others, the newest first."""
    about = await known(ctx, account_id, test)
    others = tuple(dict.fromkeys(request.contacts))
    checks = Checks()
    checks.require(request.into not in others, "/contacts", "must not hold the one that stays")
    checks.done()
    merged = await ctx.store.contacts.merge(about.scope(ctx.clock.now_us()), request.into, others)
    if merged is None:
        raise WhimbrelError("not_found", "One of the contacts is not there.")
    entry = audit.entry(ctx, actor, "contact.merged", merged.id, account_id, contacts=others)
    await commit(ctx, [entry])
    return view(merged, about)


async def find(
    ctx: Context, wanted: Wanted, *, account_id: str, test: bool, paging: Paging = FIRST_PAGE
) -> Page[ContactView]:
    """Those that are asked for, newest first unless the page says otherwise."""
    about = await known(ctx, account_id, test)
    rows = await select(ctx, about, await term_of(ctx, about, wanted), paging)
    return page(rows, paging, lambda row: view(row, about), lambda row: row.id)


async def select(ctx: Context, about: Known, term: Term, paging: Paging) -> list[Contact]:
    """A page of rows, and one more where there are more."""
    return await ctx.store.contacts.page(
        about.account_id, about.test, term, after(paging), paging.limit + 1, oldest=paging.order == "asc"
    )


async def count(ctx: Context, wanted: Wanted, *, account_id: str, test: bool) -> int:
    """How many there are."""
    about = await known(ctx, account_id, test)
    return await ctx.store.contacts.count(account_id, test, await term_of(ctx, about, wanted))


async def term_of(ctx: Context, about: Known, wanted: Wanted) -> Term:
    """What is asked for. WhimbrelError: invalid_filter, not_found."""
    now = ctx.clock.now_us()
    parts: list[Term] = []
    if wanted.segment is not None:
        segment = await one(
            ctx, Segment, "contact_segment_by_id", about.account_id, int(about.test), wanted.segment
        )  # fmt: skip
        parts.append(about.term(segment.filter, now))
    if wanted.filter is not None:
        parts.append(about.term(wanted.filter, now, "filter"))
    if wanted.tag is not None:
        parts.append(holding(about.label("tag", wanted.tag)))
    if wanted.list is not None:
        parts.append(holding(about.label("list", wanted.list)))
    if wanted.search is not None:
        parts.append(_typed(wanted.search))
    return All(tuple(parts)) if parts else EVERYBODY


def _typed(text: str) -> Term:
    """Digits look for the beginning of a number, anything else for a part of a name."""
    said = text.strip()
    if not said or len(said) > limits.CONTACT_TEXT_MAX:
        raise WhimbrelError("invalid_parameter", errors=[FieldError("search", "must hold what is looked for")])
    digits = said.translate(_PUNCTUATION).removeprefix("+").removeprefix("00")
    named: Term = Ask("name_key", "has", (name_key(said),))
    return Some((Ask("number", "begins", (f"+{digits}",)), named)) if digits.isascii() and digits.isdigit() else named


async def _existing(ctx: Context, contact_id: str, about: Known) -> Contact:
    return await one(ctx, contact_of, "contact_by_id", about.account_id, int(about.test), contact_id)
