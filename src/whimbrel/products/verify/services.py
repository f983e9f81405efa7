"""Services: how an account's verifications are made. Kept as one JSON of settings, which are checked here."""

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain import totp
from whimbrel.domain.numbers import LINE_TYPES
from whimbrel.domain.verify import CODE_MAX, CODE_MIN, ServiceSettings, VerifyService
from whimbrel.manage import audit, own_senders
from whimbrel.manage.checks import Checks, merged
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.products.verify import texts
from whimbrel.products.verify.factors_writes import erase_service
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_decode = msgspec.json.Decoder(ServiceSettings).decode
_APP_HASH = re.compile(r"[A-Za-z0-9+/]{11}").fullmatch
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}").fullmatch
_CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,31}").fullmatch
_EXTRA_MAX = 16 * 1024  # octets of what another door keeps with a service
_TURNS_MAX: Final = 20  # changes of one service that others overtook, one after the other
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class NewService(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service: its name stands in the text. `settings` as in ServiceSettings; what is not given has its default."""

    name: str
    settings: dict[str, Any] = {}


class ServiceChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is not given stays."""

    name: str | None = None
    settings: dict[str, Any] | None = None


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A service with all of its settings."""

    id: str
    account_id: str
    name: str
    settings: dict[str, Any]
    created_at: str
    updated_at: str


class _Count(msgspec.Struct, frozen=True):
    count: int


def settings_of(service: VerifyService) -> ServiceSettings:
    """Its settings as values."""
    return _decode(service.settings)


async def create(
    ctx: Context, actor: str, request: NewService, *, account_id: str, channels: Collection[str]
) -> ServiceView:
    """`channels`: that there are. WhimbrelError: invalid_request, also when the account has the most that it may
    have; sender_not_allowed, invalid_sender."""
    settings = merged("{}", request.settings, ServiceSettings, "a verify service")
    if "channels" in request.settings:
        _check_known(settings.channels, channels)
    _checked(request.name, settings)
    await _check_sender(ctx, settings, account_id)
    async with ctx.lock:
        (count,) = await ctx.store.fetch(_Count, "verify_services_count", account_id)
        checks = Checks()
        checks.require(
            count.count < limits.VERIFY_SERVICES_PER_ACCOUNT,
            "/name",
            f"is one too many: {limits.VERIFY_SERVICES_PER_ACCOUNT} are kept",
        )
        checks.done()
        now = ctx.clock.now_us()
        row = VerifyService(ctx.ids.new(ids.VERIFY_SERVICE), account_id, request.name, _text(settings), now, now)
        entry = audit.entry(ctx, actor, "verify_service.created", row.id, account_id)
        await commit(ctx, [Write("verify_service_insert", (to_columns(row),)), entry])
    return view(row)


async def find(ctx: Context, *, account_id: str, paging: Paging = FIRST_PAGE) -> Page[ServiceView]:
    """An account's services, newest first."""
    return page(await rows(ctx, account_id, paging), paging, view, lambda row: row.id)


async def rows(ctx: Context, account_id: str, paging: Paging) -> list[VerifyService]:
    """The same as stored, and one more than the page has."""
    return await ctx.store.fetch(VerifyService, "verify_services_page", account_id, after(paging), paging.limit + 1)


async def get(ctx: Context, service_id: str, *, account_id: str) -> ServiceView:
    """One of them; not_found where it is not the account's."""
    return view(await existing(ctx, service_id, account_id))


async def update(
    ctx: Context,
    actor: str,
    service_id: str,
    change: ServiceChange,
    *,
    account_id: str,
    channels: Collection[str],
    extra: Mapping[str, Any] = _NOTHING,
) -> ServiceView:
    """Change name and settings; verifications under way go on as they began. `extra`: what goes into the settings'
    own, beside what stands there. Of two that change a service at once, here or at two nodes, the second changes what
    the first has made of it. WhimbrelError: not_found, invalid_request, conflict,
    sender_not_allowed, invalid_sender."""
    for _ in range(_TURNS_MAX):
        before = await existing(ctx, service_id, account_id)
        name = before.name if change.name is None else change.name
        settings = merged(before.settings, change.settings or {}, ServiceSettings, "a verify service")
        if "channels" in (change.settings or {}):
            _check_known(settings.channels, channels)
        if "sender" in (change.settings or {}):
            await _check_sender(ctx, settings, account_id)
        if extra:
            settings = msgspec.structs.replace(settings, extra={**settings.extra, **extra})
        at = max(ctx.clock.now_us(), before.updated_at + 1)
        row = msgspec.structs.replace(before, name=name, settings=_text(_checked(name, settings)), updated_at=at)
        kept = Write("verify_service_set", ((row.id, row.name, row.settings, at, before.updated_at),))
        if await ctx.store.turn(kept, [audit.entry(ctx, actor, "verify_service.updated", row.id, account_id)]):
            return view(row)
    raise WhimbrelError("conflict", "Others change this service at the same time: try again.")


async def delete(ctx: Context, actor: str, service_id: str, *, account_id: str) -> None:
    """Forget a service, with the people that have factors in it; its verifications can be checked no more."""
    row = await existing(ctx, service_id, account_id)
    await erase_service(ctx.store, account_id, row.id, ctx.clock.now_us())
    async with ctx.lock:
        entry = audit.entry(ctx, actor, "verify_service.deleted", row.id, account_id)
        await commit(ctx, [Write("verify_service_delete", ((row.id,),)), entry])


async def existing(ctx: Context, service_id: str, account_id: str) -> VerifyService:
    """The row; not_found where it is not the account's."""
    return await one(ctx, VerifyService, "verify_service_by_id", account_id, service_id)


def view(row: VerifyService) -> ServiceView:
    """As it is told."""
    settings = settings_of(row)
    return ServiceView(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        settings={name: getattr(settings, name) for name in ServiceSettings.__struct_fields__ if name != "extra"},
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )


async def _check_sender(ctx: Context, settings: ServiceSettings, account_id: str) -> None:
    await own_senders.check(ctx, {"/settings/sender": settings.sender or None}, account_id=account_id)


def _text(settings: ServiceSettings) -> str:
    return msgspec.json.encode(settings).decode()


def _checked(name: str, settings: ServiceSettings) -> ServiceSettings:
    checks = Checks()
    checks.text(name, "/name", longest=30)

    def between(field: str, least: int, most: int) -> None:
        value = getattr(settings, field)
        checks.require(least <= value <= most, f"/settings/{field}", f"must be {least} to {most:,}")

    between("code_length", CODE_MIN, CODE_MAX)
    between("ttl_s", limits.VERIFY_CODE_S_MIN, limits.VERIFY_CODE_S_MAX)
    between("max_checks", 1, limits.VERIFY_CHECKS_MAX)
    between("max_sends", 1, limits.VERIFY_SENDS_MAX)
    between("sends_per_hour", 1, limits.VERIFY_SENDS_CHOSEN_MAX)
    between("sends_per_day", 1, limits.VERIFY_SENDS_CHOSEN_MAX)
    between("new_country_per_hour", 0, limits.VERIFY_COUNTRY_STARTS_MAX)
    between("totp_code_length", totp.DIGITS_MIN, totp.DIGITS_MAX)
    between("totp_step_s", totp.STEP_S_MIN, totp.STEP_S_MAX)
    between("totp_skew", 0, totp.SKEW_MAX)
    checks.text(settings.totp_issuer, "/settings/totp_issuer", longest=64, empty=True)
    known = not settings.language or texts.known_language(settings.language) is not None
    checks.require(known, "/settings/language", "is none of the languages that there are texts in")
    check_app_hash(checks, settings.app_hash, "/settings/app_hash")
    is_domain = not settings.webotp_domain or bool(_DOMAIN(settings.webotp_domain))
    checks.require(is_domain, "/settings/webotp_domain", "must be a host name in small letters, such as example.com")
    for place, country in enumerate(settings.countries):
        checks.country(country, f"/settings/countries/{place}")
    for place, kind in enumerate(settings.refuse_types):
        checks.require(kind in LINE_TYPES, f"/settings/refuse_types/{place}", "is no kind of line")
    checks.require(bool(settings.channels), "/settings/channels", "must name a channel")
    check_channels(checks, settings.channels, "/settings/channels")
    check_fallback(checks, settings.fallback_after_s, "/settings/fallback_after_s")
    is_small = len(msgspec.json.encode(settings.extra)) <= _EXTRA_MAX
    checks.require(is_small, "/settings/extra", "is too large")
    checks.done()
    return settings


def check_app_hash(checks: Checks, app_hash: str, pointer: str) -> None:
    """Eleven characters, as Android's tools print them."""
    checks.require(not app_hash or bool(_APP_HASH(app_hash)), pointer, "must be eleven characters of base64")


def _check_known(names: Sequence[str], channels: Collection[str]) -> None:
    """A service is kept with channels that there are. One whose channel the operator takes away later stays as it is,
    and starts by it are refused."""
    checks = Checks()
    for place, name in enumerate(names):
        known = name in channels or not _CHANNEL(name)
        checks.require(known, f"/settings/channels/{place}", f"is no channel here: {', '.join(sorted(channels))}")
    checks.done()


def check_channels(checks: Checks, channels: Sequence[str], pointer: str) -> None:
    """Names, each once."""
    most = limits.VERIFY_CHANNELS_MAX
    checks.require(len(channels) <= most, pointer, f"are too many: a verification has at most {most}")
    checks.require(len(set(channels)) == len(channels), pointer, "must name each channel once")
    for place, name in enumerate(channels):
        checks.require(bool(_CHANNEL(name)), f"{pointer}/{place}", "is no name of a channel")


def check_fallback(checks: Checks, seconds: int, pointer: str) -> None:
    """How long a channel may take."""
    least, most = limits.VERIFY_FALLBACK_S_MIN, limits.VERIFY_FALLBACK_S_MAX
    checks.require(least <= seconds <= most, pointer, f"must be {least} to {most:,}")
