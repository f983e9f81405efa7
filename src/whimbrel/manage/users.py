"""People: they are invited, take up the invitation with a link that signs in once, have a role, and may be disabled.
An account (or the operator, with no account) always keeps one owner who can sign in or is invited.
"""

import re
from typing import Any

import msgspec

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.people import ROLES, RoleName, User, UserStatus, has_whole_power, scopes_of
from whimbrel.manage import audit, notices, sign_in_codes
from whimbrel.manage.accounts import existing as existing_account
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}").fullmatch
_LEFT_BY = ("sessions_end_of", "passkeys_delete_of", "sign_in_codes_delete_of", "saved_views_delete_of")


class NewUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to invite somebody."""

    email: str
    role: RoleName
    name: str = ""


class UserChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be changed of a person; what is left out stays. `disabled` ends all their sessions and links at once."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    role: RoleName | msgspec.UnsetType = msgspec.UNSET
    disabled: bool | msgspec.UnsetType = msgspec.UNSET


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A person, without anything that they sign in with. `second_factor`: whether an authenticator is asked for."""

    id: str
    account_id: str | None
    email: str
    name: str
    role: RoleName
    status: UserStatus
    second_factor: bool
    locked_until: str | None
    created_at: str
    updated_at: str
    signed_in_at: str | None


class UserInvited(UserView, frozen=True, kw_only=True):
    """Somebody new, or somebody whose link was lost, with the code of a link that signs in once, this once. The link
    is `/console/link/` and the code."""

    code: str
    code_expires_at: str


class RoleView(msgspec.Struct, frozen=True, kw_only=True):
    """A role and its scopes."""

    name: RoleName
    summary: str
    scopes: tuple[str, ...]


def roles(*, of_operator: bool) -> tuple[RoleView, ...]:
    """All roles, the mightiest first."""
    return tuple(
        RoleView(name=name, summary=role.summary, scopes=tuple(sorted(scopes_of(name, of_operator=of_operator))))
        for name, role in ROLES.items()
    )


async def invite(
    ctx: Context, actor: str, request: NewUser, *, account_id: str | None, grantor: frozenset[str] | None = None
) -> UserInvited:
    """Somebody new of an account, or (None) of the operator. `grantor`: the scopes of who asks, who cannot give a role
    that may do more; None: not asked."""
    email = normal(request.email)
    checks = Checks()
    checks.require(bool(_EMAIL(email)), "/email", "must be an address such as ada@example.com")
    checks.text(request.name, "/name", empty=True)
    _check_grant(checks, request.role, grantor, of_operator=account_id is None)
    checks.done()
    if account_id is not None and (await existing_account(ctx, account_id)).status == "closed":
        raise WhimbrelError("conflict", "The account is closed.")
    async with ctx.lock:
        if await ctx.store.fetch(User, "user_by_email", email):
            detail = "Somebody with this address is there already."
            raise WhimbrelError("conflict", detail, errors=[FieldError("/email", detail)])
        now = ctx.clock.now_us()
        user = User(
            id=ctx.ids.new(ids.USER),
            account_id=account_id,
            email=email,
            name=request.name or email.partition("@")[0],
            role=request.role,
            status="invited",
            password="",
            totp=None,
            totp_step=0,
            failures=0,
            locked_until=0,
            preferences="{}",
            created_at=now,
            updated_at=now,
            signed_in_at=None,
        )
        code, made = sign_in_codes.link(ctx, user.id, limits.INVITATION_S)
        entry = audit.entry(ctx, actor, "user.invited", user.id, account_id, role=user.role)
        await commit(ctx, [Write("user_insert", (to_columns(user),)), *made, entry])
    return _invited(user, code)


async def reinvite(
    ctx: Context, actor: str, user_id: str, *, account_id: str | None, grantor: frozenset[str] | None = None
) -> UserInvited:
    """A new link for somebody who lost theirs, or their password; they are told of it. Older links end; their sessions
    stay. `grantor`: the
    scopes of who asks, who could sign in with it themselves and so must have all that the person has."""
    async with ctx.lock:
        user = await existing(ctx, user_id, account_id=account_id)
        _check_over(user, grantor)
        if user.status == "disabled":
            raise WhimbrelError("conflict", "Whoever is disabled cannot sign in: enable them first.")
        code, made = sign_in_codes.link(ctx, user.id, limits.INVITATION_S)
        entry = audit.entry(ctx, actor, "user.link_made", user.id, account_id)
        await commit(ctx, [*made, *await notices.told(ctx, user, "link_made", actor), entry])
    return _invited(user, code)


async def get(ctx: Context, user_id: str, *, account_id: str | None) -> UserView:
    """One person of an account, or (None) of the operator."""
    return view(await existing(ctx, user_id, account_id=account_id))


async def find(ctx: Context, *, account_id: str | None, paging: Paging = FIRST_PAGE) -> Page[UserView]:
    """People, newest first."""
    rows = await ctx.store.fetch(User, "users_page", account_id or "", after(paging), paging.limit + 1)
    return page(rows, paging, view, lambda row: row.id)


async def update(
    ctx: Context,
    actor: str,
    user_id: str,
    change: UserChange,
    *,
    account_id: str | None,
    grantor: frozenset[str] | None = None,
) -> UserView:
    """Change a person's name or role, disable or enable them."""
    async with ctx.lock:
        user = await existing(ctx, user_id, account_id=account_id)
        _check_over(user, grantor)
        changed = _changed(user, change)
        checks = Checks()
        checks.text(changed.name, "/name")
        if changed.role != user.role:
            _check_grant(checks, changed.role, grantor, of_operator=account_id is None)
        checks.done()
        now = ctx.clock.now_us()
        profile = (user.id, changed.name, changed.role, changed.status, now)
        detail = {name: value for name, value in msgspec.to_builtins(change).items() if name != "name"}
        entry = audit.entry(ctx, actor, "user.updated", user.id, account_id, **detail)
        left = [Write("sessions_end_of", ((user.id,),)), Write("sign_in_codes_delete", ((user.id, "link"),))]
        ends = left if changed.status == "disabled" else []
        leaves = changed.role != user.role or changed.status == "disabled"
        await _commit(ctx, user, [Write("user_set_profile", (profile,)), *ends, entry], leaves=leaves)
    return view(msgspec.structs.replace(changed, updated_at=now))


async def delete(
    ctx: Context, actor: str, user_id: str, *, account_id: str | None, grantor: frozenset[str] | None = None
) -> None:
    """Remove a person with their sessions, passkeys, codes and views. What they did stays in the audit log."""
    async with ctx.lock:
        user = await existing(ctx, user_id, account_id=account_id)
        _check_over(user, grantor)
        left = [Write(statement, ((user.id,),)) for statement in _LEFT_BY]
        entry = audit.entry(ctx, actor, "user.deleted", user.id, account_id, role=user.role)
        await _commit(ctx, user, [*left, Write("user_delete", ((user.id,),)), entry], leaves=True)


async def existing(ctx: Context, user_id: str, *, account_id: str | None) -> User:
    """The person as stored; `not_found` when they are not of this account (None: of the operator)."""
    user = await one(ctx, User, "user_by_id", user_id)
    if user.account_id != account_id:
        raise WhimbrelError("not_found")
    return user


def normal(email: str) -> str:
    """An address as it is kept and looked for."""
    return email.strip().lower()


def view(user: User) -> UserView:
    """The public shape."""
    return UserView(**_shown(user))


def _invited(user: User, code: sign_in_codes.Link) -> UserInvited:
    return UserInvited(**_shown(user), code=code.text, code_expires_at=moments.to_text(code.expires_at))


def _shown(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "account_id": user.account_id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "status": user.status,
        "second_factor": user.totp is not None,
        "locked_until": moments.to_text(user.locked_until) if user.locked_until else None,
        "created_at": moments.to_text(user.created_at),
        "updated_at": moments.to_text(user.updated_at),
        "signed_in_at": moments.to_text_or_none(user.signed_in_at),
    }


def _changed(user: User, change: UserChange) -> User:
    status = user.status
    if change.disabled is True:
        status = "disabled"
    elif change.disabled is False and status == "disabled":
        status = "active" if user.password else "invited"
    return msgspec.structs.replace(
        user,
        name=user.name if change.name is msgspec.UNSET else change.name,
        role=user.role if change.role is msgspec.UNSET else change.role,
        status=status,
    )


def _check_grant(checks: Checks, role: RoleName, grantor: frozenset[str] | None, *, of_operator: bool) -> None:
    checks.require(_covers(grantor, role, of_operator=of_operator), "/role", "may do more than who asks")


def _check_over(user: User, grantor: frozenset[str] | None) -> None:
    if not _covers(grantor, user.role, of_operator=user.account_id is None):
        raise WhimbrelError("forbidden", "They may do more than who asks.")


def _covers(grantor: frozenset[str] | None, role: RoleName, *, of_operator: bool) -> bool:
    """Whether who asks may do all that the role may."""
    return grantor is None or "operator" in grantor or scopes_of(role, of_operator=of_operator) <= grantor


async def _commit(ctx: Context, user: User, writes: list[Write], *, leaves: bool) -> None:
    """Write, but never what takes away the last owner: looked at in the commit itself, for another node may be doing
    the same to the other one. `leaves`: whether the person is no owner afterwards."""
    if not leaves or not has_whole_power(user.role) or user.status == "disabled":
        await commit(ctx, writes)
    elif not await ctx.store.unless_alone(user.id, user.account_id or "", user.role, writes):
        raise WhimbrelError("in_use", "This is the last owner: make somebody else an owner first.")
