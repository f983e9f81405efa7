"""API keys. `wk_live_` or `wk_test_`, 27 base62 digits (160 random bits), 6 base62 digits of the CRC-32 of all that
stands before them: a scanner can tell a key from a look-alike offline, and a typing error costs no look-up. Only the
SHA-256 is stored; the key is shown once, when it is made.

A key belongs to an account or, with no account, to the operator. Operator keys are live.
"""

import hashlib
import re
import zlib
from typing import Literal

import msgspec

from whimbrel.base import ids, moments
from whimbrel.base.clock import Chance
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.model import Key
from whimbrel.manage import accounts, audit, scopes
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, check_leads, commit, one, page
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

Mode = Literal["live", "test"]

RATE_MAX_PER_S = 1_000_000
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY_OCTETS, _BODY_DIGITS, _CHECK_DIGITS = 20, 27, 6
_HINT = 12  # the prefix and four digits: 24 bits, enough to recognise
_SHAPE = re.compile(rf"wk_(?:live|test)_[0-9A-Za-z]{{{_BODY_DIGITS + _CHECK_DIGITS}}}").fullmatch


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for a key. `scopes` has no default: what is not named is denied. `expires_at`: RFC 3339."""

    name: str
    scopes: tuple[str, ...]
    mode: Mode = "live"
    rate_per_s: int | None = None
    expires_at: str | None = None


class Grantor(msgspec.Struct, frozen=True):
    """Who asks for a key: what they may do themselves, and whether they see test data only."""

    scopes: frozenset[str]
    test: bool


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret part. `hint` is how it begins."""

    id: str
    account_id: str | None
    name: str
    hint: str
    mode: Mode
    scopes: tuple[str, ...]
    rate_per_s: int
    status: Literal["active", "revoked"]
    created_at: str
    revoked_at: str | None
    expires_at: str | None


class KeyCreated(KeyView, frozen=True, kw_only=True):
    """A new key with the key itself, this once."""

    key: str


# ---------------------------------------------------------------- the key itself


def make(mode: Mode, chance: Chance) -> str:
    """A new key."""
    body = f"wk_{mode}_{_base62(int.from_bytes(chance.octets(_BODY_OCTETS), 'big'), _BODY_DIGITS)}"
    return body + _check_digits(body)


def well_formed(text: str) -> bool:
    """Whether `text` is shaped like one of our keys and its check digits hold. Says nothing about its validity."""
    return bool(_SHAPE(text)) and _check_digits(text[:-_CHECK_DIGITS]) == text[-_CHECK_DIGITS:]


def digest(key: str) -> bytes:
    """What a key is looked up by."""
    return hashlib.sha256(key.encode()).digest()


def _check_digits(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK_DIGITS)


def _base62(number: int, width: int) -> str:
    digits: list[str] = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


# ---------------------------------------------------------------- verbs


async def create(
    ctx: Context, actor: str, request: NewKey, *, account_id: str | None, grantor: Grantor | None = None
) -> KeyCreated:
    """A new key of an account, or (None) of the operator. With `grantor`, who asks, it gets no scope that they lack,
    and a test key makes test keys only."""
    if account_id is None:
        check_leads(ctx)
    expires_at = _check(ctx, request, account_id, grantor)
    if account_id is not None and (await accounts.existing(ctx, account_id)).status == "closed":
        raise WhimbrelError("conflict", "The account is closed.")
    text = make(request.mode, ctx.chance)
    key = Key(
        id=ctx.ids.new(ids.KEY),
        account_id=account_id,
        name=request.name,
        hint=text[:_HINT],
        digest=digest(text),
        mode=request.mode,
        scopes=tuple(dict.fromkeys(request.scopes)),
        rate_per_s=ctx.rate_per_s if request.rate_per_s is None else request.rate_per_s,
        status="active",
        created_at=ctx.clock.now_us(),
        revoked_at=None,
        expires_at=expires_at,
    )
    detail = {"name": key.name, "mode": key.mode, "scopes": key.scopes}
    entry = audit.entry(ctx, actor, "key.created", key.id, account_id, **detail)
    await commit(ctx, [Write("key_insert", (to_columns(key),)), entry], "keys")
    return KeyCreated(key=text, **msgspec.structs.asdict(view(key)))


async def get(ctx: Context, key_id: str, *, account_id: str | None) -> KeyView:
    """One key of an account, or (None) of the operator."""
    return view(await _existing(ctx, key_id, account_id))


async def find(ctx: Context, *, account_id: str | None, paging: Paging = FIRST_PAGE) -> Page[KeyView]:
    """Keys, revoked ones too, newest first."""
    rows = await ctx.store.fetch(Key, "keys_page", account_id or "", after(paging), paging.limit + 1)
    return page(rows, paging, view, lambda row: row.id)


async def revoke(ctx: Context, actor: str, key_id: str, *, account_id: str | None) -> KeyView:
    """The key fails at the next request. Revoking twice is no error."""
    async with ctx.lock:
        key = await _existing(ctx, key_id, account_id)
        if key.status == "revoked":
            return view(key)
        if account_id is None:
            check_leads(ctx)
        now = ctx.clock.now_us()
        entry = audit.entry(ctx, actor, "key.revoked", key_id, account_id, name=key.name)
        await commit(ctx, [Write("key_revoke", ((key_id, now),)), entry], "keys")
    return view(msgspec.structs.replace(key, status="revoked", revoked_at=now))


def view(key: Key) -> KeyView:
    """The public shape."""
    return KeyView(
        id=key.id,
        account_id=key.account_id,
        name=key.name,
        hint=key.hint,
        mode=key.mode,
        scopes=key.scopes,
        rate_per_s=key.rate_per_s,
        status=key.status,
        created_at=moments.to_text(key.created_at),
        revoked_at=moments.to_text_or_none(key.revoked_at),
        expires_at=moments.to_text_or_none(key.expires_at),
    )


async def _existing(ctx: Context, key_id: str, account_id: str | None) -> Key:
    return await one(ctx, Key, "key_by_id", key_id, account_id or "")


def _check(ctx: Context, request: NewKey, account_id: str | None, grantor: Grantor | None) -> int | None:
    """The time of expiry."""
    operator = account_id is None
    checks = Checks()
    checks.text(request.name, "/name")
    checks.require(bool(request.scopes), "/scopes", "must name at least one scope")
    for place, scope in enumerate(request.scopes):
        pointer = f"/scopes/{place}"
        checks.require(scope in scopes.known(operator=operator), pointer, "is no scope of such a key; see docs/keys.md")
        if grantor is not None and scope in scopes.SCOPES:
            checks.require(scopes.allows(grantor.scopes, scope), pointer, "is more than who asks may do")
    checks.require(not operator or request.mode == "live", "/mode", "must be live: operator keys are")
    if grantor is not None and grantor.test:
        checks.require(request.mode == "test", "/mode", "must be test: a test key makes test keys only")
    rate = request.rate_per_s
    checks.require(rate is None or 1 <= rate <= RATE_MAX_PER_S, "/rate_per_s", f"must be 1 to {RATE_MAX_PER_S}")
    expires_at = _expiry(ctx, checks, request.expires_at)
    checks.done()
    return expires_at


def _expiry(ctx: Context, checks: Checks, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        at = moments.from_text(text)
    except ValueError:
        checks.require(False, "/expires_at", "must be a moment with a time zone, such as 2030-01-31T12:00:00Z")
        return None
    checks.require(at > ctx.clock.now_us(), "/expires_at", "must be in the future")
    return at
