"""Routes: which carriers take which numbers. They stand in one order, 1 to n without gaps; the first that matches a
message and has an active carrier takes it. Belongs to the installation.
"""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from whimbrel.base import ids, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.model import Carrier, Route
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, known_account, page
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

CARRIERS_MAX = 10  # a message that ten carriers refused for now is not helped by an eleventh


class NewRoute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for a route: numbers with `prefix` (digits) and of `country` (ISO 3166), empty for any; of one
    account or (None) of all. `position` 1 is asked first; absent: last."""

    carriers: tuple[str, ...]
    prefix: str = ""
    country: str = ""
    account_id: str | None = None
    position: int | None = None
    enabled: bool = True


class RouteChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays. `position` moves the route there."""

    carriers: tuple[str, ...] | UnsetType = UNSET
    prefix: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    position: int | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class RouteView(msgspec.Struct, frozen=True, kw_only=True):
    """A route as an operator sees it."""

    id: str
    position: int
    prefix: str
    country: str
    account_id: str | None
    carriers: tuple[str, ...]
    enabled: bool
    created_at: str
    updated_at: str


# ---------------------------------------------------------------- verbs


async def create(ctx: Context, actor: str, request: NewRoute) -> RouteView:
    """A new route; those from its position on move down."""
    async with ctx.lock:
        routes = await _ordered(ctx)
        now = ctx.clock.now_us()
        position = len(routes) + 1 if request.position is None else request.position
        route = Route(
            id=ctx.ids.new(ids.ROUTE),
            position=position,
            prefix=request.prefix,
            country=request.country,
            account_id=request.account_id,
            carriers=request.carriers,
            enabled=request.enabled,
            created_at=now,
            updated_at=now,
        )
        await _check(ctx, route, last=len(routes) + 1)
        placed = [*routes[: position - 1], route, *routes[position - 1 :]]
        writes = [Write("route_insert", (to_columns(route),)), *_placements(placed)]
        await commit(ctx, [*writes, audit.entry(ctx, actor, "route.created", route.id, route.account_id)], "routes")
    return view(route)


async def get(ctx: Context, route_id: str) -> RouteView:
    """One route."""
    return view(_among(await _ordered(ctx), route_id))


async def find(ctx: Context, paging: Paging = FIRST_PAGE) -> Page[RouteView]:
    """Routes in the order in which they are asked."""
    place = after(paging, "0")
    rows = [route for route in await _ordered(ctx) if route.position > _position(place)]
    return page(rows, paging, view, lambda row: row.position)


async def update(ctx: Context, actor: str, route_id: str, change: RouteChange) -> RouteView:
    """Change a route, or move it to another position."""
    async with ctx.lock:
        routes = await _ordered(ctx)
        route = _among(routes, route_id)
        given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
        changed = msgspec.structs.replace(route, **given, updated_at=ctx.clock.now_us())
        await _check(ctx, changed, last=len(routes))
        others = [other for other in routes if other.id != route_id]
        placed = [*others[: changed.position - 1], changed, *others[changed.position - 1 :]]
        writes = [_update(changed), *_placements(placed)]
        entry = audit.entry(ctx, actor, "route.updated", route_id, route.account_id, fields=sorted(given))
        await commit(ctx, [*writes, entry], "routes")
    return view(changed)


async def delete(ctx: Context, actor: str, route_id: str) -> None:
    """Remove a route; those below it move up."""
    async with ctx.lock:
        routes = await _ordered(ctx)
        route = _among(routes, route_id)
        writes = [Write("route_delete", ((route_id,),)), *_placements([o for o in routes if o.id != route_id])]
        await commit(ctx, [*writes, audit.entry(ctx, actor, "route.deleted", route_id, route.account_id)], "routes")


def view(route: Route) -> RouteView:
    """The public shape."""
    return RouteView(
        id=route.id,
        position=route.position,
        prefix=route.prefix,
        country=route.country,
        account_id=route.account_id,
        carriers=route.carriers,
        enabled=route.enabled,
        created_at=moments.to_text(route.created_at),
        updated_at=moments.to_text(route.updated_at),
    )


# ---------------------------------------------------------------- parts of them


async def _ordered(ctx: Context) -> list[Route]:
    return await ctx.store.fetch(Route, "routes_all")


def _among(routes: Sequence[Route], route_id: str) -> Route:
    for route in routes:
        if route.id == route_id:
            return route
    raise WhimbrelError("not_found")


def _position(place: str) -> int:
    if not (place.isascii() and place.isdigit()):
        raise WhimbrelError("invalid_cursor")
    return int(place)


def _placements(placed: Sequence[Route]) -> list[Write]:
    """The write by which each route gets its place as its position, where it has another."""
    rows = [(route.id, place) for place, route in enumerate(placed, 1) if route.position != place]
    return [Write("route_place", tuple(rows))] if rows else []


def _update(route: Route) -> Write:
    carriers = msgspec.json.encode(route.carriers).decode()
    row = (route.id, route.position, route.prefix, route.country, carriers, int(route.enabled), route.updated_at)
    return Write("route_update", (row,))


async def _check(ctx: Context, route: Route, *, last: int) -> None:
    checks = Checks()
    checks.prefix(route.prefix, "/prefix")
    if route.country:
        checks.country(route.country, "/country")
    checks.require(1 <= route.position <= last, "/position", f"must be 1 to {last}")
    checks.require(1 <= len(route.carriers) <= CARRIERS_MAX, "/carriers", f"must be 1 to {CARRIERS_MAX} carriers")
    checks.require(len(set(route.carriers)) == len(route.carriers), "/carriers", "names a carrier twice")
    known = {carrier.id for carrier in await ctx.store.fetch(Carrier, "carriers_all")}
    for place, carrier_id in enumerate(route.carriers):
        checks.require(carrier_id in known, f"/carriers/{place}", "there is no such carrier")
    if route.account_id is not None:
        found = await known_account(ctx, route.account_id)
        checks.require(found is not None, "/account_id", "there is no such account")
    checks.done()
