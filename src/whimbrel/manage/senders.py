"""Senders: what may stand as the sender of an account's messages, and where answers to it go.

A number or short code belongs to one account only, because inbound texts to it are that account's; a name may be used
by several, and receives nothing. Of the senders of an account one may be the default for all countries, and one for
each country: making a sender the default takes the mark from the one that had it.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from whimbrel.base import ids, moments
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.model import Sender
from whimbrel.domain.numbers import normalise
from whimbrel.domain.senders import SenderKind, kind_of
from whimbrel.manage import accounts, audit
from whimbrel.manage.checks import Checks, check_url
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

Method = Literal["POST", "GET"]


class NewSender(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to give an account a sender. `countries` narrows a default to these (ISO 3166)."""

    value: str
    is_default: bool = False
    countries: tuple[str, ...] = ()
    sms_url: str | None = None
    sms_method: Method = "POST"
    sms_fallback_url: str | None = None


class SenderChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays."""

    is_default: bool | UnsetType = UNSET
    countries: tuple[str, ...] | UnsetType = UNSET
    sms_url: str | UnsetType | None = UNSET
    sms_method: Method | UnsetType = UNSET
    sms_fallback_url: str | UnsetType | None = UNSET


class SenderView(msgspec.Struct, frozen=True, kw_only=True):
    """A sender as its account sees it."""

    id: str
    account_id: str
    value: str
    kind: SenderKind
    is_default: bool
    countries: tuple[str, ...]
    sms_url: str | None
    sms_method: Method
    sms_fallback_url: str | None
    created_at: str
    updated_at: str


# ---------------------------------------------------------------- verbs


async def create(ctx: Context, actor: str, request: NewSender, *, account_id: str) -> SenderView:
    """Give an account a sender."""
    value, kind = _recognised(request.value)
    now = ctx.clock.now_us()
    sender = Sender(
        id=ctx.ids.new(ids.SENDER),
        account_id=account_id,
        value=value,
        kind=kind,
        is_default=request.is_default,
        countries=tuple(dict.fromkeys(request.countries)),
        sms_url=request.sms_url,
        sms_method=request.sms_method,
        sms_fallback_url=request.sms_fallback_url,
        created_at=now,
        updated_at=now,
    )
    _check(ctx, sender)
    await accounts.existing(ctx, account_id)
    async with ctx.lock:
        await _check_free(ctx, sender)
        entry = audit.entry(ctx, actor, "sender.created", sender.id, account_id, kind=kind)
        writes = [Write("sender_insert", (to_columns(sender),)), *await _unmark_others(ctx, sender), entry]
        await commit(ctx, writes, "senders")
    return view(sender)


async def get(ctx: Context, sender_id: str, *, account_id: str) -> SenderView:
    """One sender of an account."""
    return view(await _existing(ctx, sender_id, account_id))


async def find(ctx: Context, *, account_id: str, paging: Paging = FIRST_PAGE) -> Page[SenderView]:
    """The senders of an account, newest first."""
    rows = await ctx.store.fetch(Sender, "senders_page", account_id, after(paging), paging.limit + 1)
    return page(rows, paging, view, lambda row: row.id)


async def update(ctx: Context, actor: str, sender_id: str, change: SenderChange, *, account_id: str) -> SenderView:
    """Change defaults and where answers go; the value of a sender never changes."""
    async with ctx.lock:
        sender = await _existing(ctx, sender_id, account_id)
        given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
        changed = msgspec.structs.replace(sender, **given, updated_at=ctx.clock.now_us())
        _check(ctx, changed)
        entry = audit.entry(ctx, actor, "sender.updated", sender_id, account_id, fields=sorted(given))
        writes = [_update(changed), *await _unmark_others(ctx, changed), entry]
        await commit(ctx, writes, "senders")
    return view(changed)


async def delete(ctx: Context, actor: str, sender_id: str, *, account_id: str) -> None:
    """Take a sender away; messages that were accepted with it are still sent."""
    async with ctx.lock:
        sender = await _existing(ctx, sender_id, account_id)
        entry = audit.entry(ctx, actor, "sender.deleted", sender_id, account_id, kind=sender.kind)
        await commit(ctx, [Write("sender_delete", ((sender_id,),)), entry], "senders")


def view(sender: Sender) -> SenderView:
    """The public shape."""
    return SenderView(
        id=sender.id,
        account_id=sender.account_id,
        value=sender.value,
        kind=sender.kind,
        is_default=sender.is_default,
        countries=sender.countries,
        sms_url=sender.sms_url,
        sms_method=sender.sms_method,
        sms_fallback_url=sender.sms_fallback_url,
        created_at=moments.to_text(sender.created_at),
        updated_at=moments.to_text(sender.updated_at),
    )


# ---------------------------------------------------------------- parts of them


async def _existing(ctx: Context, sender_id: str, account_id: str) -> Sender:
    return await one(ctx, Sender, "sender_by_id", sender_id, account_id)


def _recognised(text: str) -> tuple[str, SenderKind]:
    """The value as it is stored and its kind; numbers may be written with punctuation."""
    number = normalise(text)
    value = number.e164 if number else text
    kind = kind_of(value)
    if kind is None:
        raise WhimbrelError("invalid_sender", errors=[FieldError("/value", "is no number, short code or name")])
    return value, kind


def _check(ctx: Context, sender: Sender) -> None:
    checks = Checks()
    for place, country in enumerate(sender.countries):
        checks.country(country, f"/countries/{place}")
    checks.require(sender.is_default or not sender.countries, "/countries", "only a default sender may name countries")
    receives = sender.kind != "alphanumeric"
    checks.require(receives or sender.sms_url is None, "/sms_url", "a name receives no texts")
    checks.done()
    for pointer, url in (("/sms_url", sender.sms_url), ("/sms_fallback_url", sender.sms_fallback_url)):
        if url is not None:
            check_url(ctx, url, pointer)


async def _check_free(ctx: Context, sender: Sender) -> None:
    holders = await ctx.store.fetch(Sender, "senders_by_value", sender.value)
    if any(holder.account_id == sender.account_id for holder in holders):
        raise WhimbrelError("conflict", "The account has this sender already.")
    if holders and sender.kind != "alphanumeric":
        raise WhimbrelError("conflict", "This number belongs to another account.")


def _update(sender: Sender) -> Write:
    row = (
        sender.id,
        int(sender.is_default),
        msgspec.json.encode(sender.countries).decode(),
        sender.sms_url,
        sender.sms_method,
        sender.sms_fallback_url,
        sender.updated_at,
    )
    return Write("sender_update", (row,))


async def _unmark_others(ctx: Context, sender: Sender) -> list[Write]:
    """The writes by which other senders lose the mark that `sender` now has."""
    if not sender.is_default:
        return []
    others = await ctx.store.fetch(Sender, "senders_of_account", sender.account_id)
    return [_update(other) for other in unmarked(sender, others, sender.updated_at)]


def unmarked(sender: Sender, others: Iterable[Sender], at_us: int) -> Sequence[Sender]:
    """Those of `others` that change when `sender` becomes the default for its countries (none: for all)."""
    changed: list[Sender] = []
    for other in others:
        if other.id == sender.id or not other.is_default or bool(other.countries) != bool(sender.countries):
            continue
        left = tuple(country for country in other.countries if country not in sender.countries)
        if not sender.countries or left != other.countries:
            changed.append(msgspec.structs.replace(other, countries=left, is_default=bool(left), updated_at=at_us))
    return changed
