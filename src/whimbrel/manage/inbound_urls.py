"""Inbound URLs: where texts to a number are posted, set for the number itself, for a pool that it is in, or for the
whole account. The nearest one is asked (`domain/inbound_urls.py`).
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import ids, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.inbound_urls import Format, InboundUrl, Method
from whimbrel.domain.model import Sender
from whimbrel.domain.pools import Pool
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks, check_url
from whimbrel.manage.context import Context, commit, one
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

ACCOUNT = "account"
"""Stands for the account's own id."""


class NewInboundUrl(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where inbound texts go."""

    url: str
    method: Method = "POST"
    fallback_url: Annotated[str | None, Meta(description="Asked where `url` gives no answer that can be used.")] = None
    fallback_method: Method = "POST"
    format: Annotated[
        Format, Meta(description="`event`: our JSON, answered by JSON; `twilio`: a form, answered by TwiML.")
    ] = "event"


class InboundUrlView(msgspec.Struct, frozen=True, kw_only=True):
    """Where inbound texts go. `of`: a sender's or a pool's id, or `account`."""

    of: str
    url: str
    method: Method
    fallback_url: str | None
    fallback_method: Method
    format: Format
    updated_at: str


class InboundUrls(msgspec.Struct, frozen=True):
    """All of an account's."""

    data: tuple[InboundUrlView, ...]


async def find(ctx: Context, *, account_id: str) -> InboundUrls:
    """All of an account's."""
    rows = await ctx.store.fetch(InboundUrl, "inbound_urls_of", account_id)
    return InboundUrls(tuple(view(row) for row in rows))


async def put(ctx: Context, actor: str, owner: str, request: NewInboundUrl, *, account_id: str) -> InboundUrlView:
    """Set it for a sender or a pool (by id), or for the account. WhimbrelError: not_found, invalid_request,
    webhook_url_refused."""
    owner_id = account_id if owner == ACCOUNT else owner
    await _check_owner(ctx, owner_id, account_id)
    for pointer, url in (("/url", request.url), ("/fallback_url", request.fallback_url)):
        if url is not None:
            check_url(ctx, url, pointer)
    now = ctx.clock.now_us()
    row = InboundUrl(
        owner_id,
        account_id,
        request.url,
        request.method,
        request.fallback_url,
        request.fallback_method,
        request.format,
        now,
    )
    checks = Checks()
    checks.require(row.format == "twilio" or row.method == "POST", "/method", "can only be POST for events")
    checks.done()
    async with ctx.lock:
        entry = audit.entry(ctx, actor, "inbound_url.set", owner_id, account_id)
        await commit(ctx, [Write("inbound_url_set", (to_columns(row),)), entry], "pools")
    return view(row)


async def delete(ctx: Context, actor: str, owner: str, *, account_id: str) -> None:
    """Post there no more. WhimbrelError: not_found."""
    owner_id = account_id if owner == ACCOUNT else owner
    async with ctx.lock:
        entry = audit.entry(ctx, actor, "inbound_url.deleted", owner_id, account_id)
        changed = await commit(ctx, [Write("inbound_url_delete", ((owner_id, account_id),)), entry], "pools")
    if not changed[0]:
        raise WhimbrelError("not_found")


def view(row: InboundUrl) -> InboundUrlView:
    """The public shape."""
    return InboundUrlView(
        of=ACCOUNT if row.owner_id == row.account_id else row.owner_id,
        url=row.url,
        method=row.method,
        fallback_url=row.fallback_url,
        fallback_method=row.fallback_method,
        format=row.format,
        updated_at=moments.to_text(row.updated_at),
    )


async def _check_owner(ctx: Context, owner_id: str, account_id: str) -> None:
    """`not_found` where the account has no such sender or pool; a name receives nothing."""
    if owner_id == account_id:
        return
    if owner_id.startswith(ids.POOL):
        await one(ctx, Pool, "pool_by_id", owner_id, account_id)
        return
    sender = await one(ctx, Sender, "sender_by_id", owner_id, account_id)
    checks = Checks()
    checks.require(sender.kind != "alphanumeric", "/url", "a name receives no texts")
    checks.done()
