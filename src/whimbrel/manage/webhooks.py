"""Webhooks: endpoints that events are posted to, signed as Standard Webhooks has it. An endpoint sees the events of
its account and mode from the moment it is made; what it missed before can be replayed (manage/deliveries.py).
"""

from typing import Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from whimbrel.base import ids, moments
from whimbrel.base.clock import DAY_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.vault import Seal
from whimbrel.domain.events import EVENT_TYPES
from whimbrel.domain.model import Webhook
from whimbrel.manage import accounts, audit, secrets
from whimbrel.manage.checks import Checks, check_url
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

DESCRIPTION_MAX = 256
PATTERNS_MAX = 64
OVERLAP_US = DAY_US  # both secrets sign for a day after a rotation: time enough to install the new one everywhere
PATTERNS = frozenset({"*", *EVENT_TYPES, *(f"{name.partition('.')[0]}.*" for name in EVENT_TYPES)})


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for an endpoint. `events`: types, "message.*" for a family, or "*" for all."""

    url: str
    events: tuple[str, ...] = ("*",)
    description: str = ""


class WebhookChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays."""

    url: str | UnsetType = UNSET
    events: tuple[str, ...] | UnsetType = UNSET
    description: str | UnsetType = UNSET


class WebhookView(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint. `old_secret_until`: until then the secret before the last rotation signs too."""

    id: str
    account_id: str
    test: bool
    url: str
    events: tuple[str, ...]
    description: str
    status: Literal["active", "disabled"]
    disabled_reason: str | None
    old_secret_until: str | None
    created_at: str
    updated_at: str


class WebhookCreated(WebhookView, frozen=True, kw_only=True):
    """An endpoint with its signing secret."""

    secret: str


class WebhookSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A signing secret."""

    id: str
    secret: str


# ---------------------------------------------------------------- verbs


async def create(ctx: Context, actor: str, request: NewWebhook, *, account_id: str, test: bool) -> WebhookCreated:
    """A new active endpoint; it gets events from now on."""
    _check(ctx, request.url, request.events, request.description)
    await accounts.existing(ctx, account_id)
    async with ctx.lock:
        if len(await ctx.store.fetch(Webhook, "webhooks_of_account", account_id)) >= ctx.webhooks_per_account:
            raise WhimbrelError("too_many_webhooks", f"An account may have {ctx.webhooks_per_account} endpoints.")
        webhook, secret = await _new(ctx, request, account_id, test)
        entry = audit.entry(ctx, actor, "webhook.created", webhook.id, account_id, host=_host(webhook))
        await commit(ctx, [Write("webhook_insert", (to_columns(webhook),)), entry], "webhooks")
    return WebhookCreated(secret=secret, **msgspec.structs.asdict(view(webhook)))


async def get(ctx: Context, webhook_id: str, *, account_id: str, test: bool) -> WebhookView:
    """One endpoint of an account and mode."""
    return view(await existing(ctx, webhook_id, account_id, test))


async def find(ctx: Context, *, account_id: str, test: bool, paging: Paging = FIRST_PAGE) -> Page[WebhookView]:
    """The endpoints of an account and mode, newest first."""
    params = (account_id, int(test), after(paging), paging.limit + 1)
    return page(await ctx.store.fetch(Webhook, "webhooks_page", *params), paging, view, lambda row: row.id)


async def secret(ctx: Context, webhook_id: str, *, account_id: str, test: bool) -> WebhookSecret:
    """The secret that signs now, for who has to install it in another receiver."""
    webhook = await existing(ctx, webhook_id, account_id, test)
    return WebhookSecret(id=webhook_id, secret=ctx.vault.open(webhook.secret, _seal(webhook_id)))


async def update(
    ctx: Context, actor: str, webhook_id: str, change: WebhookChange, *, account_id: str, test: bool
) -> WebhookView:
    """Change where events go and which; tries under way go where they were going."""
    async with ctx.lock:
        webhook = await existing(ctx, webhook_id, account_id, test)
        given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
        changed = msgspec.structs.replace(webhook, **given, updated_at=ctx.clock.now_us())
        _check(ctx, changed.url, changed.events, changed.description)
        events = msgspec.json.encode(changed.events).decode()
        row = (webhook_id, changed.url, events, changed.description, changed.updated_at)
        entry = audit.entry(ctx, actor, "webhook.updated", webhook_id, account_id, fields=sorted(given))
        await commit(ctx, [Write("webhook_update", (row,)), entry], "webhooks")
    return view(changed)


async def rotate(ctx: Context, actor: str, webhook_id: str, *, account_id: str, test: bool) -> WebhookCreated:
    """A new secret; for 24 hours the one before it signs too, so that no receiver has to change at an instant."""
    async with ctx.lock:
        webhook = await existing(ctx, webhook_id, account_id, test)
        now, text = ctx.clock.now_us(), secrets.signing_secret(ctx.chance)
        changed = msgspec.structs.replace(
            webhook,
            secret=ctx.vault.seal(text, _seal(webhook_id)),
            old_secret=webhook.secret,
            old_secret_until=now + OVERLAP_US,
            updated_at=now,
        )
        row = (webhook_id, changed.secret, changed.old_secret, changed.old_secret_until, now)
        entry = audit.entry(ctx, actor, "webhook.secret_rotated", webhook_id, account_id)
        await commit(ctx, [Write("webhook_rotate", (row,)), entry], "webhooks")
    return WebhookCreated(secret=text, **msgspec.structs.asdict(view(changed)))


async def enable(ctx: Context, actor: str, webhook_id: str, *, account_id: str, test: bool) -> WebhookView:
    """Post events again, beginning with those that came while it was disabled."""
    return await _set_status(ctx, actor, webhook_id, "active", account_id=account_id, test=test)


async def disable(ctx: Context, actor: str, webhook_id: str, *, account_id: str, test: bool) -> WebhookView:
    """Post nothing until it is enabled."""
    return await _set_status(ctx, actor, webhook_id, "disabled", account_id=account_id, test=test)


async def delete(ctx: Context, actor: str, webhook_id: str, *, account_id: str, test: bool) -> None:
    """Remove an endpoint with what waits for it."""
    async with ctx.lock:
        webhook = await existing(ctx, webhook_id, account_id, test)
        writes = [
            Write("webhook_delete", ((webhook_id,),)),
            Write("deliveries_drop", ((webhook_id,),)),
            audit.entry(ctx, actor, "webhook.deleted", webhook_id, account_id, host=_host(webhook)),
        ]
        await commit(ctx, writes, "webhooks")


def view(webhook: Webhook) -> WebhookView:
    """The public shape."""
    return WebhookView(
        id=webhook.id,
        account_id=webhook.account_id,
        test=webhook.test,
        url=webhook.url,
        events=webhook.events,
        description=webhook.description,
        status=webhook.status,
        disabled_reason=webhook.disabled_reason,
        old_secret_until=moments.to_text_or_none(webhook.old_secret_until),
        created_at=moments.to_text(webhook.created_at),
        updated_at=moments.to_text(webhook.updated_at),
    )


async def existing(ctx: Context, webhook_id: str, account_id: str, test: bool) -> Webhook:
    """The endpoint's row; `not_found`."""
    return await one(ctx, Webhook, "webhook_by_id", webhook_id, account_id, int(test))


# ---------------------------------------------------------------- parts of them


async def _new(ctx: Context, request: NewWebhook, account_id: str, test: bool) -> tuple[Webhook, str]:
    now, webhook_id, text = ctx.clock.now_us(), ctx.ids.new(ids.WEBHOOK), secrets.signing_secret(ctx.chance)
    webhook = Webhook(
        id=webhook_id,
        account_id=account_id,
        test=test,
        url=request.url,
        events=tuple(dict.fromkeys(request.events)),
        description=request.description,
        secret=ctx.vault.seal(text, _seal(webhook_id)),
        old_secret=None,
        old_secret_until=None,
        status="active",
        disabled_reason=None,
        failures=0,
        cursor=await ctx.store.last_position(),
        created_at=now,
        updated_at=now,
    )
    return webhook, text


async def _set_status(
    ctx: Context, actor: str, webhook_id: str, status: Literal["active", "disabled"], *, account_id: str, test: bool
) -> WebhookView:
    async with ctx.lock:
        webhook = await existing(ctx, webhook_id, account_id, test)
        if webhook.status == status:
            return view(webhook)
        now = ctx.clock.now_us()
        reason = None if status == "active" else "by_request"
        action = "webhook.enabled" if status == "active" else "webhook.disabled"
        row = (webhook_id, status, reason, now)
        entry = audit.entry(ctx, actor, action, webhook_id, account_id)
        await commit(ctx, [Write("webhook_set_status", (row,)), entry], "webhooks")
    return view(msgspec.structs.replace(webhook, status=status, disabled_reason=reason, updated_at=now))


def _host(webhook: Webhook) -> str:
    """What the audit trail shows of a URL: paths and queries may hold a receiver's secrets."""
    return urlsplit(webhook.url).netloc


def _seal(webhook_id: str) -> str:
    return Seal.of(Seal.WEBHOOK_SECRET, webhook_id)


def _check(ctx: Context, url: str, events: tuple[str, ...], description: str) -> None:
    checks = Checks()
    checks.require(1 <= len(events) <= PATTERNS_MAX, "/events", f"must be 1 to {PATTERNS_MAX} event types")
    for place, pattern in enumerate(events):
        checks.require(pattern in PATTERNS, f"/events/{place}", "is no event type; docs/events.md lists them")
    checks.text(description, "/description", longest=DESCRIPTION_MAX, empty=True)
    checks.done()
    check_url(ctx, url, "/url")
