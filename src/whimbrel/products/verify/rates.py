"""Rate limits of the caller's own: a limit has a name and buckets, each so many starts of one key (a user, an address)
in an interval, which begins with the first of them. Keys are kept as keyed hashes.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import ids, limits, moments
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.verify import Bucket, RateLimit
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, Page, commit, one
from whimbrel.products.verify import services
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

INTERVAL_MAX_S = 7 * 24 * 3600
COUNT_MAX = 1_000_000


class NewBucket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many starts of one key in so many seconds."""

    max: Annotated[int, Meta(ge=1, le=COUNT_MAX)]
    interval_s: Annotated[int, Meta(ge=1, le=INTERVAL_MAX_S)]


class NewRateLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit of a service, under the name that starts give its key by."""

    service_id: str
    name: str
    description: str = ""
    buckets: tuple[NewBucket, ...] = ()


class RateLimitChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; `buckets` replaces all of them."""

    description: str | None = None
    buckets: tuple[NewBucket, ...] | None = None


class BucketView(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket."""

    id: str
    rate_limit_id: str
    max: int
    interval_s: int
    created_at: str
    updated_at: str


class RateLimitView(msgspec.Struct, frozen=True, kw_only=True):
    """A limit with its buckets."""

    id: str
    account_id: str
    service_id: str
    name: str
    description: str
    buckets: tuple[BucketView, ...]
    created_at: str
    updated_at: str


class Counted(msgspec.Struct, frozen=True, gc=False):
    """A bucket and the hash of the key that a start counts in it."""

    bucket: Bucket
    key_hash: int
    account_id: str


class _Standing(msgspec.Struct, frozen=True, gc=False):
    """Columns of `verify_bucket_counted`."""

    bucket_id: str
    key_hash: int
    count: int
    ends_at: int


class Rates:
    """What starts ask."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def of(self, account_id: str, service_id: str, keys: Mapping[str, str]) -> tuple[Counted, ...]:
        """The buckets that these keys count in; `invalid_request` for a name that is none of the service's."""
        if not keys:
            return ()
        known = {row.name: row for row in await limits_of(self._ctx, service_id, account_id=account_id)}
        checks = Checks()
        for name, key in keys.items():
            checks.require(name in known, f"/rate_keys/{name}", "is no rate limit of the service")
            longest = limits.VERIFY_RATE_KEY_MAX
            checks.require(len(key) <= longest, f"/rate_keys/{name}", f"must have at most {longest} characters")
        checks.done()
        named = {known[name].id: key for name, key in keys.items()}
        vault = self._ctx.vault
        return tuple(
            Counted(bucket, vault.fingerprint(bucket.id.encode(), named[bucket.rate_limit_id].encode()), account_id)
            for bucket in await buckets_of(self._ctx, list(named), account_id)
        )

    async def check(self, counted: Sequence[Counted], now: int) -> None:
        """`verify_rate_limited` where one is full."""
        if not counted:
            return
        most = {(each.bucket.id, each.key_hash): each.bucket.max for each in counted}
        wanted = ([each.bucket.id for each in counted], [each.key_hash for each in counted])
        rows = await self._ctx.store.fetch(_Standing, "verify_bucket_counted", *wanted)
        waits = [
            row.ends_at - now
            for row in rows
            if row.ends_at > now and row.count >= most.get((row.bucket_id, row.key_hash), COUNT_MAX + 1)
        ]
        if waits:
            raise WhimbrelError("verify_rate_limited", retry_after_s=max(1, -(-max(waits) // SECOND_US)))

    def taken(self, counted: Sequence[Counted], now: int) -> tuple[Write, ...]:
        """One more start in each of them, as long as there is room."""
        return tuple(
            Write(
                "verify_bucket_take",
                (
                    (
                        each.bucket.id,
                        each.key_hash,
                        each.account_id,
                        now,
                        now + each.bucket.interval_s * SECOND_US,
                        each.bucket.max,
                    ),
                ),
            )
            for each in counted
        )


async def limits_of(ctx: Context, service_id: str, *, account_id: str) -> list[RateLimit]:
    """A service's, by name."""
    return await ctx.store.fetch(RateLimit, "verify_rate_limits_of", account_id, service_id)


async def buckets_of(ctx: Context, rate_limit_ids: Sequence[str], account_id: str) -> list[Bucket]:
    """Those of these limits."""
    return await ctx.store.fetch(Bucket, "verify_buckets_of", account_id, list(rate_limit_ids))


async def create(ctx: Context, actor: str, request: NewRateLimit, *, account_id: str) -> RateLimitView:
    """WhimbrelError: not_found (the service), invalid_request, verify_limit_exists, verify_too_many_limits,
    verify_too_many_buckets."""
    async with ctx.lock:
        await services.existing(ctx, request.service_id, account_id)
        others = await limits_of(ctx, request.service_id, account_id=account_id)
        checks = Checks()
        checks.text(request.name, "/name")
        checks.text(request.description, "/description", empty=True)
        checks.done()
        if request.name in {each.name for each in others}:
            raise WhimbrelError("verify_limit_exists")
        if len(others) >= limits.VERIFY_RATE_LIMITS_PER_SERVICE:
            raise WhimbrelError("verify_too_many_limits")
        _check_room(len(request.buckets))
        now = ctx.clock.now_us()
        id_ = ctx.ids.new(ids.VERIFY_RATE_LIMIT)
        row = RateLimit(id_, account_id, request.service_id, request.name, request.description, now, now)
        made = _made(ctx, row, request.buckets, now)
        entry = audit.entry(ctx, actor, "verify_rate_limit.created", row.id, account_id)
        await commit(ctx, [Write("verify_rate_limit_insert", (to_columns(row),)), _inserted(made), entry])
    return view(row, made)


async def find(ctx: Context, service_id: str, *, account_id: str) -> Page[RateLimitView]:
    """A service's, by name; all of them."""
    rows = await limits_of(ctx, service_id, account_id=account_id)
    every = await buckets_of(ctx, [row.id for row in rows], account_id)
    return Page(tuple(view(row, [each for each in every if each.rate_limit_id == row.id]) for row in rows))


async def get(ctx: Context, limit_id: str, *, account_id: str) -> RateLimitView:
    """One of them; not_found."""
    row = await existing(ctx, limit_id, account_id)
    return view(row, await buckets_of(ctx, [row.id], account_id))


async def update(ctx: Context, actor: str, limit_id: str, change: RateLimitChange, *, account_id: str) -> RateLimitView:
    """Another description, other buckets. WhimbrelError: not_found, invalid_request, verify_too_many_buckets."""
    async with ctx.lock:
        before = await existing(ctx, limit_id, account_id)
        description = before.description if change.description is None else change.description
        checks = Checks()
        checks.text(description, "/description", empty=True)
        checks.done()
        _check_room(len(change.buckets or ()))
        now = ctx.clock.now_us()
        row = msgspec.structs.replace(before, description=description, updated_at=now)
        writes = [Write("verify_rate_limit_set", ((row.id, row.name, description, now),))]
        made = await buckets_of(ctx, [row.id], account_id)
        if change.buckets is not None:
            made = _made(ctx, row, change.buckets, now)
            writes += [Write("verify_buckets_delete_of", ((row.id,),)), _inserted(made)]
        entry = audit.entry(ctx, actor, "verify_rate_limit.updated", row.id, account_id)
        await commit(ctx, [*writes, entry])
    return view(row, made)


async def delete(ctx: Context, actor: str, limit_id: str, *, account_id: str) -> None:
    """Count by it no more."""
    async with ctx.lock:
        row = await existing(ctx, limit_id, account_id)
        entry = audit.entry(ctx, actor, "verify_rate_limit.deleted", row.id, account_id)
        gone = ((row.id,),)
        await commit(ctx, [Write("verify_buckets_delete_of", gone), Write("verify_rate_limit_delete", gone), entry])


async def add_bucket(ctx: Context, actor: str, limit_id: str, new: NewBucket, *, account_id: str) -> BucketView:
    """One more bucket. WhimbrelError: not_found, verify_too_many_buckets."""
    async with ctx.lock:
        row = await existing(ctx, limit_id, account_id)
        _check_room(len(await buckets_of(ctx, [row.id], account_id)) + 1)
        made = _made(ctx, row, (new,), ctx.clock.now_us())
        entry = audit.entry(ctx, actor, "verify_rate_limit.updated", row.id, account_id)
        await commit(ctx, [_inserted(made), entry])
    return bucket_view(made[0])


async def set_bucket(
    ctx: Context, actor: str, limit_id: str, bucket_id: str, new: NewBucket, *, account_id: str
) -> BucketView:
    """Other figures. WhimbrelError: not_found."""
    async with ctx.lock:
        before = await bucket(ctx, limit_id, bucket_id, account_id)
        row = msgspec.structs.replace(before, max=new.max, interval_s=new.interval_s, updated_at=ctx.clock.now_us())
        entry = audit.entry(ctx, actor, "verify_rate_limit.updated", limit_id, account_id)
        change = Write("verify_bucket_set", ((row.id, row.max, row.interval_s, row.updated_at),))
        await commit(ctx, [change, entry])
    return bucket_view(row)


async def delete_bucket(ctx: Context, actor: str, limit_id: str, bucket_id: str, *, account_id: str) -> None:
    """WhimbrelError: not_found."""
    async with ctx.lock:
        row = await bucket(ctx, limit_id, bucket_id, account_id)
        entry = audit.entry(ctx, actor, "verify_rate_limit.updated", limit_id, account_id)
        await commit(ctx, [Write("verify_bucket_delete", ((row.id,),)), entry])


async def bucket(ctx: Context, limit_id: str, bucket_id: str, account_id: str) -> Bucket:
    """One of a limit's; not_found."""
    for each in await buckets_of(ctx, [limit_id], account_id):
        if each.id == bucket_id:
            return each
    raise WhimbrelError("not_found")


async def existing(ctx: Context, limit_id: str, account_id: str) -> RateLimit:
    """The row; not_found where it is not the account's."""
    return await one(ctx, RateLimit, "verify_rate_limit_by_id", account_id, limit_id)


def view(row: RateLimit, buckets: Sequence[Bucket]) -> RateLimitView:
    """As it is told."""
    return RateLimitView(
        id=row.id,
        account_id=row.account_id,
        service_id=row.service_id,
        name=row.name,
        description=row.description,
        buckets=tuple(map(bucket_view, buckets)),
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )


def bucket_view(row: Bucket) -> BucketView:
    """As it is told."""
    return BucketView(
        id=row.id,
        rate_limit_id=row.rate_limit_id,
        max=row.max,
        interval_s=row.interval_s,
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )


def _check_room(buckets: int) -> None:
    if buckets > limits.VERIFY_BUCKETS_PER_LIMIT:
        raise WhimbrelError("verify_too_many_buckets")


def _made(ctx: Context, row: RateLimit, buckets: Sequence[NewBucket], now: int) -> list[Bucket]:
    new = ctx.ids.new
    return [
        Bucket(new(ids.VERIFY_BUCKET), row.account_id, row.id, each.max, each.interval_s, now, now) for each in buckets
    ]


def _inserted(buckets: Sequence[Bucket]) -> Write:
    return Write("verify_bucket_insert", tuple(to_columns(each) for each in buckets))
