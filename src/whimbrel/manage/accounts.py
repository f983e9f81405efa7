"""Accounts: tenants with a balance, senders, webhooks and keys of their own.

An account may have sub-accounts, one level deep, in its own currency. A sub-account is separate in everything (keys,
balance, opt-outs); its parent's keys may manage it, and it cannot act while its parent is suspended or closed. What
is closed stays closed.

`within` is who asks: an account's id sees itself and its sub-accounts, None (the operator) sees all.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from whimbrel.base import ids, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.vault import Seal
from whimbrel.domain.active import check_settled
from whimbrel.domain.model import Account
from whimbrel.manage import audit, secrets
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

DEDUPE_MAX_S = 3600

Status = Literal["active", "suspended", "closed", "moving", "moved", "arriving"]


class NewAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for an account."""

    name: str
    currency: str = "USD"
    parent_id: str | None = None
    dedupe_s: int = 0


class AccountChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays."""

    name: str | UnsetType = UNSET
    dedupe_s: int | UnsetType = UNSET


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account as its owner sees it."""

    id: str
    parent_id: str | None
    name: str
    status: Status
    currency: str
    dedupe_s: int
    created_at: str
    updated_at: str


class AccountCreated(AccountView, frozen=True, kw_only=True):
    """A new account with its secrets, which later answers do not repeat."""

    auth_token: str
    callback_secret: str


class AccountSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that holds now; one that was made anew has taken the old one's place."""

    id: str
    secret: str


# ---------------------------------------------------------------- verbs


async def create(ctx: Context, actor: str, request: NewAccount, *, within: str | None = None) -> AccountCreated:
    """A new active account with an empty balance."""
    checks = Checks()
    checks.text(request.name, "/name")
    checks.currency(request.currency, "/currency")
    _check_dedupe(checks, request.dedupe_s)
    checks.done()
    async with ctx.lock:
        await _check_parent(ctx, request, within)
        now, account_id = ctx.clock.now_us(), ctx.ids.new(ids.ACCOUNT)
        token, secret = secrets.auth_token(ctx.chance), secrets.signing_secret(ctx.chance)
        account = Account(
            id=account_id,
            parent_id=request.parent_id,
            name=request.name,
            status="active",
            currency=request.currency,
            dedupe_s=request.dedupe_s,
            auth_token=ctx.vault.seal(token, Seal.of(Seal.ACCOUNT_TOKEN, account_id)),
            callback_secret=ctx.vault.seal(secret, Seal.of(Seal.ACCOUNT_CALLBACK, account_id)),
            created_at=now,
            updated_at=now,
        )
        writes = [
            Write("account_insert", (to_columns(account),)),
            Write("balance_open", ((account_id, account.currency),)),
            audit.entry(ctx, actor, "account.created", account_id, account_id, name=account.name),
        ]
        await commit(ctx, writes, "accounts")
    return AccountCreated(auth_token=token, callback_secret=secret, **msgspec.structs.asdict(view(account)))


async def get(ctx: Context, account_id: str, *, within: str | None = None) -> AccountView:
    """One account; `not_found` when it is not for `within`."""
    return view(await _visible(ctx, account_id, within))


async def find(ctx: Context, *, within: str | None = None, paging: Paging = FIRST_PAGE) -> Page[AccountView]:
    """Accounts, newest first."""
    rows = await ctx.store.fetch(Account, "accounts_page", within, after(paging), paging.limit + 1)
    return page(rows, paging, view, lambda row: row.id)


async def update(
    ctx: Context, actor: str, account_id: str, change: AccountChange, *, within: str | None = None
) -> AccountView:
    """Change name or the time within which equal POSTs of the Twilio door are one."""
    async with ctx.lock:
        account = await _changeable(ctx, account_id, within)
        changed = msgspec.structs.replace(
            account,
            name=account.name if change.name is UNSET else change.name,
            dedupe_s=account.dedupe_s if change.dedupe_s is UNSET else change.dedupe_s,
            updated_at=ctx.clock.now_us(),
        )
        checks = Checks()
        checks.text(changed.name, "/name")
        _check_dedupe(checks, changed.dedupe_s)
        checks.done()
        row = (account_id, changed.name, changed.dedupe_s, changed.updated_at)
        entry = audit.entry(ctx, actor, "account.updated", account_id, account_id, name=changed.name)
        await commit(ctx, [Write("account_set_profile", (row,)), entry], "accounts")
    return view(changed)


async def suspend(ctx: Context, actor: str, account_id: str, *, within: str | None = None) -> AccountView:
    """Refuse the account's requests from now on; what it has queued is not sent any more: when its turn comes it is
    rejected (`account_suspended`), and its hold released."""
    return await _set_status(ctx, actor, account_id, "suspended", within)


async def activate(ctx: Context, actor: str, account_id: str, *, within: str | None = None) -> AccountView:
    """Take a suspended account's requests again."""
    return await _set_status(ctx, actor, account_id, "active", within)


async def close(ctx: Context, actor: str, account_id: str, *, within: str | None = None) -> AccountView:
    """Close an account for good; its messages and ledger stay."""
    return await _set_status(ctx, actor, account_id, "closed", within)


async def rotate_token(ctx: Context, actor: str, account_id: str, *, within: str | None = None) -> AccountSecret:
    """A new auth token; the old one fails at the next request, and signs no more."""
    token = secrets.auth_token(ctx.chance)
    sealed = ctx.vault.seal(token, Seal.of(Seal.ACCOUNT_TOKEN, account_id))
    write = Write("account_set_token", ((account_id, sealed, ctx.clock.now_us()),))
    entry = audit.entry(ctx, actor, "account.token_rotated", account_id, account_id)
    async with ctx.lock:
        await _changeable(ctx, account_id, within)
        await commit(ctx, [write, entry], "accounts")
    return AccountSecret(id=account_id, secret=token)


async def callback_secret(ctx: Context, account_id: str, *, within: str | None = None) -> AccountSecret:
    """The secret that signs the messages' own callbacks."""
    account = await _visible(ctx, account_id, within)
    secret = ctx.vault.open(account.callback_secret, Seal.of(Seal.ACCOUNT_CALLBACK, account_id))
    return AccountSecret(id=account_id, secret=secret)


async def rotate_callback_secret(
    ctx: Context, actor: str, account_id: str, *, within: str | None = None
) -> AccountSecret:
    """A new secret for the signatures of messages' own callbacks."""
    secret = secrets.signing_secret(ctx.chance)
    sealed = ctx.vault.seal(secret, Seal.of(Seal.ACCOUNT_CALLBACK, account_id))
    write = Write("account_set_callback_secret", ((account_id, sealed, ctx.clock.now_us()),))
    entry = audit.entry(ctx, actor, "account.callback_secret_rotated", account_id, account_id)
    async with ctx.lock:
        await _changeable(ctx, account_id, within)
        await commit(ctx, [write, entry], "accounts")
    return AccountSecret(id=account_id, secret=secret)


# ---------------------------------------------------------------- parts of them


def view(account: Account) -> AccountView:
    """The public shape."""
    return AccountView(
        id=account.id,
        parent_id=account.parent_id,
        name=account.name,
        status=account.status,
        currency=account.currency,
        dedupe_s=account.dedupe_s,
        created_at=moments.to_text(account.created_at),
        updated_at=moments.to_text(account.updated_at),
    )


async def existing(ctx: Context, account_id: str) -> Account:
    """The account's row; `not_found`."""
    return await one(ctx, Account, "account_by_id", account_id)


async def _changeable(ctx: Context, account_id: str, within: str | None) -> Account:
    """The same for a change: `account_moving` while it is between two cells."""
    account = await _visible(ctx, account_id, within)
    check_settled(account)
    return account


async def _visible(ctx: Context, account_id: str, within: str | None) -> Account:
    account = await existing(ctx, account_id)
    if within is not None and within not in (account.id, account.parent_id):
        raise WhimbrelError("not_found")
    return account


async def _check_parent(ctx: Context, request: NewAccount, within: str | None) -> None:
    checks = Checks()
    checks.require(within in (None, request.parent_id), "/parent_id", f"must be {within}: your own account")
    checks.done()
    if request.parent_id is None:
        return
    found = await ctx.store.fetch(Account, "account_by_id", request.parent_id)
    parent = found[0] if found else None
    checks.require(parent is not None, "/parent_id", "there is no such account")
    if parent is not None:
        checks.require(parent.parent_id is None, "/parent_id", "is itself a sub-account; there is one level only")
        checks.require(parent.status != "closed", "/parent_id", "is closed")
        checks.require(parent.currency == request.currency, "/currency", f"must be {parent.currency}, as the parent's")
    checks.done()


def _check_dedupe(checks: Checks, seconds: int) -> None:
    checks.require(0 <= seconds <= DEDUPE_MAX_S, "/dedupe_s", f"must be 0 (off) to {DEDUPE_MAX_S}")


async def _set_status(ctx: Context, actor: str, account_id: str, status: Status, within: str | None) -> AccountView:
    async with ctx.lock:
        account = await _changeable(ctx, account_id, within)
        if account.status == "closed" and status != "closed":
            raise WhimbrelError("conflict", "The account is closed, and a closed account stays closed.")
        if account.status == status:
            return view(account)
        if within == account_id:
            raise WhimbrelError("forbidden", "An account cannot change its own status; ask the operator.")
        now = ctx.clock.now_us()
        entry = audit.entry(ctx, actor, f"account.{status}", account_id, account_id)
        await commit(ctx, [Write("account_set_status", ((account_id, status, now),)), entry], "accounts")
    return view(msgspec.structs.replace(account, status=status, updated_at=now))
