"""Pools: several senders under one name, of which each message takes one (`domain/pools.py`). Members are senders of
the account, each with a weight, a rate, a quota of the day and countries. One pool of an account may be its default: it
stands where a message names neither a sender nor a pool.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import ids, limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.model import Sender
from whimbrel.domain.numbers import normalise
from whimbrel.domain.pools import QUEUE_DEFAULT_S, WEIGHT_MAX, Member, Pool, PoolSettings, Standing
from whimbrel.domain.sender_rules import SenderKind
from whimbrel.domain.turns import CAP_MAX, RATE_MAX
from whimbrel.manage import accounts, audit
from whimbrel.manage.checks import Checks, check_url
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.manage.pool_views import Known, PoolView, view
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

SENDER_KINDS: Final = frozenset(get_args(SenderKind))
_QUEUE_MAX_S: Final = 7 * 24 * 3600
_WITH_OWN_COLUMNS: Final = frozenset({"name", "is_default", "fallback", "validity"})
Weight = Annotated[int, Meta(ge=0, le=WEIGHT_MAX, description="Its share beside the others; 0: only whom it wrote to.")]
Rate = Annotated[int, Meta(ge=0, le=RATE_MAX, description="Segments a minute; 0 is no limit.")]
Cap = Annotated[int, Meta(ge=0, le=CAP_MAX, description="Segments of a day in UTC; 0 is no limit.")]


class NewMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a sender is in a pool."""

    weight: Weight = 1
    rate_per_min: Rate = 0
    daily_cap: Cap = 0
    countries: Annotated[
        tuple[str, ...], Meta(description="Writes to these only (ISO 3166), and before others there; none: to all.")
    ] = ()


class NewPool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pool to make. `senders`: its first members, by value or id."""

    name: str
    is_default: bool = False
    senders: tuple[str, ...] = ()
    sticky: Annotated[bool, Meta(description="A recipient keeps the sender that wrote to him before.")] = True
    match_area: Annotated[bool, Meta(description="Numbers of the recipient's area code first (calling code 1).")] = True
    names_first: Annotated[bool, Meta(description="A name first, in countries where its members may write.")] = True
    queue_max_s: Annotated[
        int, Meta(description="Seconds of work that may wait for a number before another is taken.")
    ] = QUEUE_DEFAULT_S
    fallback: Annotated[str | None, Meta(description="A sender, by value or id, for where no member can write.")] = None
    validity: Annotated[int | None, Meta(description="Seconds, of messages that do not say.")] = None
    smart: Annotated[bool, Meta(description="Replace look-alikes where that saves segments.")] = False
    callback_url: Annotated[str | None, Meta(description="Of messages that name none.")] = None
    inbound_on_number: Annotated[bool, Meta(description="A number's own inbound URL goes before the pool's.")] = True
    usecase: str = "undeclared"


class PoolChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays."""

    name: str | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET
    sticky: bool | UnsetType = UNSET
    match_area: bool | UnsetType = UNSET
    names_first: bool | UnsetType = UNSET
    queue_max_s: int | UnsetType = UNSET
    fallback: str | UnsetType | None = UNSET
    validity: int | UnsetType | None = UNSET
    smart: bool | UnsetType = UNSET
    callback_url: str | UnsetType | None = UNSET
    inbound_on_number: bool | UnsetType = UNSET
    usecase: str | UnsetType = UNSET


# ---------------------------------------------------------------- verbs


async def create(
    ctx: Context, actor: str, request: NewPool, *, account_id: str, more: Mapping[str, Any] | None = None
) -> Known:
    """Make a pool, with `more` settings of the Twilio door. WhimbrelError: conflict (the name), invalid_request,
    sender_not_allowed, webhook_url_refused."""
    await accounts.existing(ctx, account_id)
    async with ctx.lock:
        own = await _senders(ctx, account_id)
        chosen = [_sender(own, wanted, f"/senders/{place}") for place, wanted in enumerate(request.senders)]
        given = {name: value for name, value in msgspec.structs.asdict(request).items() if name != "senders"}
        given |= more or {}
        settings = _settings(PoolSettings(), given, own)
        now = ctx.clock.now_us()
        name = request.name.strip()
        row = Pool(ctx.ids.new(ids.POOL), account_id, name, request.is_default, _encoded(settings), now, now)
        existing = await _of_account(ctx, account_id)
        _check(ctx, row, settings, existing)
        if len(existing) >= limits.POOLS_PER_ACCOUNT or len(chosen) > limits.POOL_MEMBERS_MAX:
            raise WhimbrelError("too_many_pools")
        members = [
            Member(row.id, sender.id, account_id, 1, 0, 0, (), now) for sender in {s.id: s for s in chosen}.values()
        ]
        entry = audit.entry(ctx, actor, "pool.created", row.id, account_id)
        writes = [
            Write("pool_insert", (to_columns(row),)),
            *([Write("pool_member_set", tuple(to_columns(each) for each in members))] if members else []),
            *_unmark_others(row),
            entry,
        ]
        await commit(ctx, writes, "pools")
    return await known(ctx, row.id, account_id=account_id)


async def known(ctx: Context, pool_id: str, *, account_id: str) -> Known:
    """One pool of an account, with its members. WhimbrelError: not_found."""
    row = await one(ctx, Pool, "pool_by_id", pool_id, account_id)
    return (await _with_members(ctx, [row], account_id))[0]


async def find(
    ctx: Context, standings: Mapping[str, Standing], *, account_id: str, name: str | None, paging: Paging
) -> Page[PoolView]:
    """The pools of an account, newest first. `name`: the one of this name."""
    rows = await ctx.store.fetch(Pool, "pools_page", account_id, after(paging), paging.limit + 1, name)
    whole = {each.pool.id: each for each in await _with_members(ctx, rows, account_id)}
    return page(rows, paging, lambda row: view(whole[row.id], standings), lambda row: row.id)


async def rows(ctx: Context, account_id: str, paging: Paging) -> list[Known]:
    """The same with one more than a page has, where there is one."""
    found = await ctx.store.fetch(Pool, "pools_page", account_id, after(paging), paging.limit + 1, None)
    return await _with_members(ctx, found, account_id)


async def update(ctx: Context, actor: str, pool_id: str, change: PoolChange, *, account_id: str) -> Known:
    """Change a pool."""
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    return await _change(ctx, actor, pool_id, given, account_id)


async def change(ctx: Context, actor: str, pool_id: str, given: Mapping[str, Any], *, account_id: str) -> Known:
    """Change what is given, settings of the Twilio door among it."""
    return await _change(ctx, actor, pool_id, given, account_id)


async def _change(ctx: Context, actor: str, pool_id: str, given: Mapping[str, Any], account_id: str) -> Known:
    async with ctx.lock:
        row = await one(ctx, Pool, "pool_by_id", pool_id, account_id)
        own = await _senders(ctx, account_id)
        before = msgspec.json.decode(row.settings, type=PoolSettings)
        settings = _settings(before, given, own)
        changed = msgspec.structs.replace(
            row,
            name=given.get("name", row.name).strip(),
            is_default=given.get("is_default", row.is_default),
            settings=_encoded(settings),
            updated_at=ctx.clock.now_us(),
        )
        _check(ctx, changed, settings, await _of_account(ctx, account_id))
        entry = audit.entry(ctx, actor, "pool.updated", pool_id, account_id, fields=sorted(given))
        columns = (pool_id, changed.name, int(changed.is_default), changed.settings, changed.updated_at)
        await commit(ctx, [Write("pool_update", (columns,)), *_unmark_others(changed), entry], "pools")
    return await known(ctx, pool_id, account_id=account_id)


async def delete(ctx: Context, actor: str, pool_id: str, *, account_id: str) -> None:
    """Take a pool away; its senders stay, and messages that were accepted are still sent."""
    async with ctx.lock:
        await one(ctx, Pool, "pool_by_id", pool_id, account_id)
        entry = audit.entry(ctx, actor, "pool.deleted", pool_id, account_id)
        drops = [Write(name, ((pool_id,),)) for name in ("pool_members_drop", "pool_sticky_drop", "pool_delete")]
        await commit(ctx, [*drops, Write("inbound_url_delete", ((pool_id, account_id),)), entry], "pools")


async def put_member(
    ctx: Context,
    actor: str,
    pool_id: str,
    sender: str,
    request: NewMember,
    *,
    account_id: str,
    kinds: Container[str] = SENDER_KINDS,
    only_new: bool = False,
) -> Known:
    """Put a sender (by value or id) of one of these kinds into a pool, or change what it is there. WhimbrelError:
    not_found, sender_not_allowed, too_many_pools; sender_in_pool, where `only_new` ones are wanted."""
    checks = Checks()
    for place, country in enumerate(request.countries):
        checks.country(country, f"/countries/{place}")
    checks.done()
    async with ctx.lock:
        row = await one(ctx, Pool, "pool_by_id", pool_id, account_id)
        own = [each for each in await _senders(ctx, account_id) if each.kind in kinds]
        found = _sender(own, sender, "/sender")
        members = await ctx.store.fetch(Member, "pool_members_of", pool_id)
        is_there = any(each.sender_id == found.id for each in members)
        if only_new and is_there:
            raise WhimbrelError("sender_in_pool")
        if len(members) >= limits.POOL_MEMBERS_MAX and not is_there:
            raise WhimbrelError("too_many_pools", f"A pool has at most {limits.POOL_MEMBERS_MAX} senders.")
        member = Member(
            row.id,
            found.id,
            account_id,
            request.weight,
            request.rate_per_min,
            request.daily_cap,
            tuple(dict.fromkeys(request.countries)),
            ctx.clock.now_us(),
        )
        entry = audit.entry(ctx, actor, "pool.member_set", pool_id, account_id, sender_id=found.id)
        await commit(ctx, [Write("pool_member_set", (to_columns(member),)), entry], "pools")
    return await known(ctx, pool_id, account_id=account_id)


async def remove_member(ctx: Context, actor: str, pool_id: str, sender: str, *, account_id: str) -> None:
    """Take a sender out of a pool: whom it wrote to gets another one. WhimbrelError: not_found."""
    async with ctx.lock:
        whole = await known(ctx, pool_id, account_id=account_id)
        value = _value(sender)
        found = next((own for _, own in whole.members if value in (own.id, own.value)), None)
        if found is None:
            raise WhimbrelError("not_found")
        entry = audit.entry(ctx, actor, "pool.member_removed", pool_id, account_id, sender_id=found.id)
        await commit(ctx, [Write("pool_member_delete", ((pool_id, found.id),)), entry], "pools")


# ---------------------------------------------------------------- parts of them


async def _senders(ctx: Context, account_id: str) -> Sequence[Sender]:
    return await ctx.store.fetch(Sender, "senders_of_account", account_id)


async def _of_account(ctx: Context, account_id: str) -> list[Pool]:
    most = limits.POOLS_PER_ACCOUNT + 1
    return await ctx.store.fetch(Pool, "pools_page", account_id, after(FIRST_PAGE), most, None)


async def _with_members(ctx: Context, rows: Iterable[Pool], account_id: str) -> list[Known]:
    own = {sender.id: sender for sender in await _senders(ctx, account_id)}
    found: list[Known] = []
    for row in rows:
        members = await ctx.store.fetch(Member, "pool_members_of", row.id)
        there = tuple((each, own[each.sender_id]) for each in members if each.sender_id in own)
        settings = msgspec.json.decode(row.settings, type=PoolSettings)
        if settings.fallback not in own:  # none, or one that was taken away
            settings = msgspec.structs.replace(settings, fallback=None)
        found.append(Known(row, settings, there))
    return found


def _value(wanted: str) -> str:
    number = normalise(wanted)
    return number.e164 if number else wanted


def _sender(own: Iterable[Sender], wanted: str, pointer: str) -> Sender:
    value = _value(wanted)
    for sender in own:
        if value in (sender.id, sender.value):
            return sender
    raise WhimbrelError("sender_not_allowed", errors=[FieldError(pointer, "is no sender of the account")])


def _settings(before: PoolSettings, given: Mapping[str, Any], own: Iterable[Sender]) -> PoolSettings:
    changes = {name: value for name, value in given.items() if name not in _WITH_OWN_COLUMNS}
    if "validity" in given:
        changes["validity_s"] = given["validity"]
    if "fallback" in given:
        wanted = given["fallback"]
        changes["fallback"] = None if wanted is None else _sender(own, wanted, "/fallback").id
    return msgspec.structs.replace(before, **changes)


def _check(ctx: Context, row: Pool, settings: PoolSettings, others: Iterable[Pool]) -> None:
    checks = Checks()
    checks.text(row.name, "/name")
    checks.require(0 < settings.queue_max_s <= _QUEUE_MAX_S, "/queue_max_s", f"must be 1 to {_QUEUE_MAX_S}")
    validity = settings.validity_s
    checks.require(
        validity is None or limits.VALIDITY_MIN_S <= validity <= limits.VALIDITY_MAX_S,
        "/validity",
        f"must be {limits.VALIDITY_MIN_S} to {limits.VALIDITY_MAX_S} seconds",
    )
    checks.text(settings.usecase, "/usecase", longest=64)
    checks.done()
    if settings.callback_url is not None:
        check_url(ctx, settings.callback_url, "/callback_url")
    if any(other.name == row.name and other.id != row.id for other in others):
        raise WhimbrelError("conflict", "The account has a pool of this name.")


def _unmark_others(row: Pool) -> list[Write]:
    """Another one that was the default is it no more."""
    return [Write("pools_unmark", ((row.account_id, row.id, row.updated_at),))] if row.is_default else []


def _encoded(settings: PoolSettings) -> str:
    return msgspec.json.encode(settings).decode()
