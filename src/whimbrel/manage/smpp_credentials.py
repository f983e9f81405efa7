"""SMPP credentials: what a customer binds with, and how its binds are treated. A credential belongs to an account and
is for live or for test traffic, like a key; the password is shown once, when it is made, and kept as argon2id.

Everything takes effect at once: binds of a credential that is suspended or deleted, or whose password was rotated, are
closed, and new settings hold for binds that are up. To change a password in use, make a second credential, install it,
delete the first.
"""

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.customers import CustomerBounds, CustomerSettings
from whimbrel.domain.model import SmppCredential
from whimbrel.manage import accounts, audit, passwords
from whimbrel.manage.checks import Checks, merged
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.store import owed
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

Status = Literal["active", "suspended"]

_RANGES: dict[str, tuple[int, int]] = {
    "window": (1, 1000),
    "enquire_link_s": (5, 3600),
    "source_ton": (0, 6),  # SMPP 3.4 5.2.5
    "source_npi": (0, 18),  # SMPP 3.4 5.2.6
}
_RANGES_BESIDE_ZERO: dict[str, tuple[int, int]] = {
    "validity_s": (limits.VALIDITY_MIN_S, limits.VALIDITY_MAX_S),
    "inactivity_s": (10, 86_400),
}


class NewSmppCredential(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for a credential. `system_id` and `password` are made when they are absent."""

    name: str
    system_id: str | None = None
    password: str | None = None
    settings: CustomerSettings = CustomerSettings()


class SmppCredentialChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays, also inside `settings`."""

    name: str | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET


class NewPassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for another password; made when it is absent."""

    password: str | None = None


class SmppCredentialView(msgspec.Struct, frozen=True, kw_only=True):
    """A credential without its password. `binds`: how many it has now. `owed`: receipts and inbound texts that wait for
    them, counted up to 100,000, and `owed_since` when the oldest of these came."""

    id: str
    account_id: str
    test: bool
    name: str
    system_id: str
    status: Status
    settings: CustomerSettings
    created_at: str
    updated_at: str
    binds: int = 0
    owed: int = 0
    owed_since: str | None = None


class SmppCredentialCreated(SmppCredentialView, frozen=True, kw_only=True):
    """A credential with its password, this once."""

    password: str


# ---------------------------------------------------------------- verbs


async def create(
    ctx: Context, actor: str, request: NewSmppCredential, *, account_id: str, test: bool
) -> SmppCredentialCreated:
    """A new active credential: it may bind at once."""
    system_id = f"w{passwords.make(ctx.chance)}" if request.system_id is None else request.system_id
    password = passwords.make(ctx.chance) if request.password is None else request.password
    _check(ctx.smpp, request.name, system_id, password, request.settings)
    if (await accounts.existing(ctx, account_id)).status == "closed":
        raise WhimbrelError("conflict", "The account is closed.")
    kept = await asyncio.to_thread(passwords.stored, password, ctx.chance)
    async with ctx.lock:
        await _check_free(ctx, system_id, account_id)
        now = ctx.clock.now_us()
        credential = SmppCredential(
            id=ctx.ids.new(ids.SMPP_CREDENTIAL),
            account_id=account_id,
            test=test,
            name=request.name,
            system_id=system_id,
            password=kept,
            status="active",
            settings=msgspec.json.encode(request.settings).decode(),
            created_at=now,
            updated_at=now,
        )
        entry = audit.entry(ctx, actor, "smpp_credential.created", credential.id, account_id, system_id=system_id)
        await commit(ctx, [Write("smpp_credential_insert", (to_columns(credential),)), entry], "smpp_credentials")
    return _shown(credential, password)


async def get(ctx: Context, credential_id: str, *, account_id: str, test: bool) -> SmppCredentialView:
    """One credential of an account and mode."""
    (found,) = await _with_owed(ctx, (view(await _existing(ctx, credential_id, account_id, test)),))
    return found


async def find(ctx: Context, *, account_id: str, test: bool, paging: Paging = FIRST_PAGE) -> Page[SmppCredentialView]:
    """The credentials of an account and mode, newest first."""
    params = (account_id, int(test), after(paging), paging.limit + 1)
    rows = await ctx.store.fetch(SmppCredential, "smpp_credentials_page", *params)
    found = page(rows, paging, view, lambda row: row.id)
    return msgspec.structs.replace(found, data=await _with_owed(ctx, found.data))


async def update(
    ctx: Context, actor: str, credential_id: str, change: SmppCredentialChange, *, account_id: str, test: bool
) -> SmppCredentialView:
    """Change name, status or settings. One that is suspended cannot bind, its binds are closed, and what it is owed
    waits."""
    async with ctx.lock:
        credential = await _existing(ctx, credential_id, account_id, test)
        changed = msgspec.structs.replace(
            credential,
            name=credential.name if change.name is UNSET else change.name,
            status=credential.status if change.status is UNSET else change.status,
            settings=_settings(ctx.smpp, credential, change),
            updated_at=ctx.clock.now_us(),
        )
        checks = Checks()
        checks.text(changed.name, "/name")
        checks.done()
        row = (credential_id, changed.name, changed.status, changed.settings, changed.updated_at)
        fields = sorted(name for name, value in msgspec.structs.asdict(change).items() if value is not UNSET)
        told = {"fields": fields, "status": changed.status}
        entry = audit.entry(ctx, actor, "smpp_credential.updated", credential_id, account_id, **told)
        await commit(ctx, [Write("smpp_credential_update", (row,)), entry], "smpp_credentials")
    (found,) = await _with_owed(ctx, (view(changed),))
    return found


async def rotate(
    ctx: Context, actor: str, credential_id: str, request: NewPassword, *, account_id: str, test: bool
) -> SmppCredentialCreated:
    """Another password. The one before it holds no more, and binds that were made with it are closed."""
    password = passwords.make(ctx.chance) if request.password is None else request.password
    checks = Checks()
    _check_password(checks, password)
    checks.done()
    kept = await asyncio.to_thread(passwords.stored, password, ctx.chance)
    async with ctx.lock:
        credential = await _existing(ctx, credential_id, account_id, test)
        now = ctx.clock.now_us()
        entry = audit.entry(ctx, actor, "smpp_credential.password_rotated", credential_id, account_id)
        await commit(ctx, [Write("smpp_credential_rotate", ((credential_id, kept, now),)), entry], "smpp_credentials")
    return _shown(msgspec.structs.replace(credential, password=kept, updated_at=now), password)


async def delete(ctx: Context, actor: str, credential_id: str, *, account_id: str, test: bool) -> None:
    """Remove a credential with the receipts and inbound texts that wait for its binds: nobody can fetch them any more.
    The messages and events that they are about stay."""
    async with ctx.lock:
        credential = await _existing(ctx, credential_id, account_id, test)
        told = {"system_id": credential.system_id}
        writes = [
            Write("smpp_credential_delete", ((credential_id,),)),
            Write("smpp_owed_drop", ((credential_id,),)),
            audit.entry(ctx, actor, "smpp_credential.deleted", credential_id, account_id, **told),
        ]
        await commit(ctx, writes, "smpp_credentials")


def view(credential: SmppCredential) -> SmppCredentialView:
    """The public shape."""
    return SmppCredentialView(
        id=credential.id,
        account_id=credential.account_id,
        test=credential.test,
        name=credential.name,
        system_id=credential.system_id,
        status=credential.status,
        settings=msgspec.json.decode(credential.settings, type=CustomerSettings),
        created_at=moments.to_text(credential.created_at),
        updated_at=moments.to_text(credential.updated_at),
    )


# ---------------------------------------------------------------- parts of them


async def _existing(ctx: Context, credential_id: str, account_id: str, test: bool) -> SmppCredential:
    return await one(ctx, SmppCredential, "smpp_credential_by_id", credential_id, account_id, int(test))


async def _with_owed(ctx: Context, views: Sequence[SmppCredentialView]) -> tuple[SmppCredentialView, ...]:
    """With what waits for their binds now."""
    found = await owed.waiting(ctx.store, [each.id for each in views])
    return tuple(_owing(each, found[each.id]) if each.id in found else each for each in views)


def _owing(view: SmppCredentialView, waits: owed.Waiting) -> SmppCredentialView:
    since = None if waits.oldest_at is None else moments.to_text(waits.oldest_at)
    return msgspec.structs.replace(view, owed=waits.count, owed_since=since)


def _shown(credential: SmppCredential, password: str) -> SmppCredentialCreated:
    return SmppCredentialCreated(password=password, **msgspec.structs.asdict(view(credential)))


def _settings(bounds: CustomerBounds, credential: SmppCredential, change: SmppCredentialChange) -> str:
    if change.settings is UNSET:
        return credential.settings
    found = merged(credential.settings, change.settings, CustomerSettings, "an SMPP credential")
    checks = Checks()
    _check_settings(checks, bounds, found)
    checks.done()
    return msgspec.json.encode(found).decode()


def _check(bounds: CustomerBounds, name: str, system_id: str, password: str, settings: CustomerSettings) -> None:
    checks = Checks()
    checks.text(name, "/name")
    longest = limits.SMPP_SYSTEM_ID_MAX
    fits = 1 <= len(system_id) <= longest and _is_word(system_id)
    checks.require(fits, "/system_id", f"must be 1 to {longest} printable ASCII characters without blanks")
    _check_password(checks, password)
    _check_settings(checks, bounds, settings)
    checks.done()


def _check_password(checks: Checks, password: str) -> None:
    shortest, longest = limits.SMPP_PASSWORD_MIN, limits.SMPP_PASSWORD_MAX
    fits = shortest <= len(password) <= longest and _is_word(password)
    detail = f"must be {shortest} to {longest} printable ASCII characters without blanks"
    checks.require(fits, "/password", detail)


def _is_word(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _check_settings(checks: Checks, bounds: CustomerBounds, settings: CustomerSettings) -> None:
    most = limits.SMPP_NETWORKS_MAX
    networks = settings.allow_addresses
    checks.require(len(networks) <= most, "/settings/allow_addresses", f"must be at most {most} networks")
    for place, network in enumerate(networks):
        pointer = f"/settings/allow_addresses/{place}"
        checks.require(_is_network(network), pointer, "must be an address or a network such as 203.0.113.0/24")
    for name in ("binds_max", "throughput_per_s"):
        bound = getattr(bounds, name)
        within = 0 <= getattr(settings, name) <= bound
        checks.require(within, f"/settings/{name}", f"must be 0 to {bound}, as many as this installation allows")
    for name, (low, high) in _RANGES.items():
        value = getattr(settings, name)
        checks.require(value is None or low <= value <= high, f"/settings/{name}", f"must be {low} to {high}")
    for name, (low, high) in _RANGES_BESIDE_ZERO.items():
        value = getattr(settings, name)
        checks.require(value == 0 or low <= value <= high, f"/settings/{name}", f"must be 0, or {low} to {high}")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


async def _check_free(ctx: Context, system_id: str, account_id: str) -> None:
    taken = await ctx.store.fetch(SmppCredential, "smpp_credential_by_system_id", system_id)
    if taken or ctx.elsewhere.has_system_id(system_id):
        raise WhimbrelError("conflict", "This system_id is taken; choose another, or leave it away and one is made.")
    own = await ctx.store.fetch(SmppCredential, "smpp_credentials_of_account", account_id)
    if len(own) >= ctx.smpp.credentials:
        detail = f"An account may have {ctx.smpp.credentials} SMPP credentials."
        raise WhimbrelError("too_many_smpp_credentials", detail)
