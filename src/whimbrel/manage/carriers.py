"""Carriers: the upstreams that take messages. They belong to the installation, so only operators reach this file.

Everything is hot: a carrier that is created, changed, paused or deleted is connected, reconnected or left without a
restart. The password is sealed when it comes and never leaves again.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import ids, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.vault import Seal
from whimbrel.domain import carrier_kinds
from whimbrel.domain.carrier_kinds import AnySettings, Kind
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.http_dialect import HttpSettings, call_path
from whimbrel.domain.model import Carrier, Route
from whimbrel.manage import audit, carrier_settings, http_settings
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

PASSWORD_MAX = 64  # over SMPP, which in 3.4 has 8; carriers hand out longer ones, and the codec writes them

_CALLED = "Where a provider over HTTP is to bring its receipts. Shown with the scope `carriers:write` only."
_OF_EITHER_KIND = Meta(
    extra_json_schema={
        "anyOf": [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in carrier_kinds.KINDS.values()]
    }
)
Settings = Annotated[dict[str, Any], _OF_EITHER_KIND]
"""What was given, and no more: a profile's values stand below it."""


class NewCarrier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for a carrier. `kind`: how it is spoken to, which does not change; `sandbox`: it takes test traffic."""

    name: str
    settings: Settings
    kind: Kind = "smpp"
    password: str = ""
    sandbox: bool = False


class CarrierChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays, also inside `settings`."""

    name: str | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    password: str | UnsetType = UNSET
    sandbox: bool | UnsetType = UNSET


class CarrierView(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier as an operator sees it; the password is not shown. `settings` are those of its kind."""

    id: str
    name: str
    kind: Kind
    status: Literal["active", "paused"]
    sandbox: bool
    settings: Annotated[Any, _OF_EITHER_KIND]
    receipts_url: Annotated[str | None, Meta(description=_CALLED)]
    inbound_url: Annotated[str | None, Meta(description="The same for texts from phones.")]
    created_at: str
    updated_at: str


# ---------------------------------------------------------------- verbs


async def create(ctx: Context, actor: str, request: NewCarrier) -> CarrierView:
    """A new active carrier: its binds are opened at once."""
    settings = _settled(request.kind, request.settings)
    _check(request.name, settings, request.password)
    async with ctx.lock:
        await _check_name_free(ctx, request.name)
        now, carrier_id = ctx.clock.now_us(), ctx.ids.new(ids.CARRIER)
        carrier = Carrier(
            id=carrier_id,
            name=request.name,
            kind=request.kind,
            status="active",
            sandbox=request.sandbox,
            settings=msgspec.json.encode(settings).decode(),
            password=ctx.vault.seal(request.password, Seal.of(Seal.CARRIER_PASSWORD, carrier_id)),
            created_at=now,
            updated_at=now,
        )
        entry = audit.entry(ctx, actor, "carrier.created", carrier_id, name=carrier.name)
        await commit(ctx, [Write("carrier_insert", (to_columns(carrier),)), entry], "carriers")
    return view(ctx, carrier)


async def get(ctx: Context, carrier_id: str) -> CarrierView:
    """One carrier."""
    return view(ctx, await existing(ctx, carrier_id))


async def find(ctx: Context, paging: Paging = FIRST_PAGE) -> Page[CarrierView]:
    """Carriers, newest first."""
    rows = await ctx.store.fetch(Carrier, "carriers_page", after(paging), paging.limit + 1)
    return page(rows, paging, lambda row: view(ctx, row), lambda row: row.id)


async def update(ctx: Context, actor: str, carrier_id: str, change: CarrierChange) -> CarrierView:
    """Change a carrier; its binds are opened anew."""
    async with ctx.lock:
        carrier = await existing(ctx, carrier_id)
        settings = _merged(carrier, change)
        name = carrier.name if change.name is UNSET else change.name
        password = None if change.password is UNSET else change.password
        _check(name, settings, password)
        if name != carrier.name:
            await _check_name_free(ctx, name)
        changed = msgspec.structs.replace(
            carrier,
            name=name,
            settings=msgspec.json.encode(settings).decode(),
            sandbox=carrier.sandbox if change.sandbox is UNSET else change.sandbox,
            password=carrier.password if password is None else _sealed(ctx, carrier_id, password),
            updated_at=ctx.clock.now_us(),
        )
        row = (carrier_id, name, int(changed.sandbox), changed.settings, changed.password, changed.updated_at)
        entry = audit.entry(ctx, actor, "carrier.updated", carrier_id, fields=_named(change))
        await commit(ctx, [Write("carrier_update", (row,)), entry], "carriers")
    return view(ctx, changed)


async def pause(ctx: Context, actor: str, carrier_id: str) -> CarrierView:
    """Unbind and send nothing by it; routes go on to their next carrier."""
    return await _set_status(ctx, actor, carrier_id, "paused")


async def resume(ctx: Context, actor: str, carrier_id: str) -> CarrierView:
    """Bind again."""
    return await _set_status(ctx, actor, carrier_id, "active")


async def delete(ctx: Context, actor: str, carrier_id: str) -> None:
    """Remove a carrier that no route names; `in_use` otherwise."""
    async with ctx.lock:
        carrier = await existing(ctx, carrier_id)
        routes = [route.id for route in await ctx.store.fetch(Route, "routes_all") if carrier_id in route.carriers]
        if routes:
            raise WhimbrelError("in_use", f"Routes still name this carrier: {', '.join(routes[:10])}.")
        entry = audit.entry(ctx, actor, "carrier.deleted", carrier_id, name=carrier.name)
        await commit(ctx, [Write("carrier_delete", ((carrier_id,),)), entry], "carriers")


def view(ctx: Context, carrier: Carrier) -> CarrierView:
    """The public shape. Where the installation has no public address, providers' addresses begin at the root."""
    settings = carrier_kinds.settings_of(carrier)
    receipts_url = inbound_url = None
    if isinstance(settings, HttpSettings):
        token = ctx.vault.call_token(carrier.id, settings.callback_version)
        receipts_url = ctx.public_url + call_path(carrier.id, token, "receipts")
        inbound_url = ctx.public_url + call_path(carrier.id, token, "inbound")
    return CarrierView(
        id=carrier.id,
        name=carrier.name,
        kind=carrier.kind,
        status=carrier.status,
        sandbox=carrier.sandbox,
        settings=settings,
        receipts_url=receipts_url,
        inbound_url=inbound_url,
        created_at=moments.to_text(carrier.created_at),
        updated_at=moments.to_text(carrier.updated_at),
    )


async def existing(ctx: Context, carrier_id: str) -> Carrier:
    """The carrier's row; `not_found`."""
    return await one(ctx, Carrier, "carrier_by_id", carrier_id)


# ---------------------------------------------------------------- parts of them


async def _set_status(ctx: Context, actor: str, carrier_id: str, status: Literal["active", "paused"]) -> CarrierView:
    async with ctx.lock:
        carrier = await existing(ctx, carrier_id)
        if carrier.status == status:
            return view(ctx, carrier)
        now = ctx.clock.now_us()
        action = "carrier.paused" if status == "paused" else "carrier.resumed"
        entry = audit.entry(ctx, actor, action, carrier_id)
        await commit(ctx, [Write("carrier_set_status", ((carrier_id, status, now),)), entry], "carriers")
    return view(ctx, msgspec.structs.replace(carrier, status=status, updated_at=now))


def _sealed(ctx: Context, carrier_id: str, password: str) -> bytes:
    return ctx.vault.seal(password, Seal.of(Seal.CARRIER_PASSWORD, carrier_id))


def _named(change: CarrierChange) -> list[str]:
    return sorted(name for name, value in msgspec.structs.asdict(change).items() if value is not UNSET)


def _merged(carrier: Carrier, change: CarrierChange) -> AnySettings:
    """The settings with the given ones put in; `invalid_request` when one is unknown or of the wrong type."""
    if change.settings is UNSET:
        return carrier_kinds.settings_of(carrier)
    return _settled(carrier.kind, change.settings, msgspec.json.decode(carrier.settings))


def _settled(kind: Kind, given: dict[str, Any], stored: dict[str, Any] | None = None) -> AnySettings:
    if kind == "http":
        return http_settings.settled(given, stored)
    return carrier_settings.settled(given, stored)


def _check(name: str, settings: AnySettings, password: str | None) -> None:
    """`password`: None when it is not changed."""
    checks = Checks()
    checks.text(name, "/name")
    if isinstance(settings, CarrierSettings):
        carrier_settings.check(checks, settings)
        carrier_settings.octets(checks, password or "", "/password", PASSWORD_MAX)
    else:
        http_settings.check(checks, settings, password)
    checks.done()


async def _check_name_free(ctx: Context, name: str) -> None:
    if await ctx.store.fetch(Carrier, "carrier_by_name", name):
        raise WhimbrelError("conflict", "Another carrier has this name.")
