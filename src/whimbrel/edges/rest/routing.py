"""/v1/routes and /v1/prices: which carriers take which numbers, and what they cost."""

from typing import Any

from msgspec.structs import replace

from whimbrel.edges.rest.paging import PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import prices, routes
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Page
from whimbrel.manage.prices import NewPrice, NewPrices, PricesSet, PriceView
from whimbrel.manage.routes import NewRoute, RouteChange, RouteView

_BULK_MAX = 2 * 1024 * 1024  # octets: 10,000 prices of 120 and some


async def create_route(services: Services, call: Call[NoQuery, NewRoute]) -> Answer:
    account_id = _for_account(call, call.body.account_id)
    made = await routes.create(services.manage, call.actor, replace(call.body, account_id=account_id))
    return Answer(made, location=f"/v1/routes/{made.id}")


async def find_routes(services: Services, call: Call[PageQuery, None]) -> Answer:
    return Answer(await routes.find(services.manage, call.query.paging()))


async def get_route(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await routes.get(services.manage, call.path["id"]))


async def update_route(services: Services, call: Call[NoQuery, RouteChange]) -> Answer:
    return Answer(await routes.update(services.manage, call.actor, call.path["id"], call.body))


async def delete_route(services: Services, call: Call[NoQuery, None]) -> Answer:
    await routes.delete(services.manage, call.actor, call.path["id"])
    return Answer()


async def put_price(services: Services, call: Call[NoQuery, NewPrice]) -> Answer:
    account_id = _for_account(call, call.body.account_id)
    return Answer(await prices.put(services.manage, call.actor, replace(call.body, account_id=account_id)))


async def put_prices(services: Services, call: Call[NoQuery, NewPrices]) -> Answer:
    listed = tuple(
        replace(price, account_id=_for_account(call, price.account_id, f"/prices/{place}"))
        for place, price in enumerate(call.body.prices)
    )
    return Answer(await prices.put_many(services.manage, call.actor, NewPrices(prices=listed)))


async def find_prices(services: Services, call: Call[PageQuery, None]) -> Answer:
    return Answer(await prices.find(services.manage, within=call.acting_for, paging=call.query.paging()))


async def get_price(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await prices.get(services.manage, call.path["id"], within=call.acting_for))


async def delete_price(services: Services, call: Call[NoQuery, None]) -> Answer:
    await prices.delete(services.manage, call.actor, call.path["id"], of=call.acting_for)
    return Answer()


def _for_account(call: Call[NoQuery, Any], named: str | None, root: str = "") -> str | None:
    """The account that the header or the body names; who names two different ones cannot mean both."""
    checks = Checks()
    same = call.acting_for is None or named in (None, call.acting_for)
    checks.require(same, f"{root}/account_id", f"must be {call.acting_for}, which `X-Account-Id` names, or absent")
    checks.done()
    return call.acting_for or named


OPERATIONS = (
    Operation(
        method="POST", path="/v1/routes", name="createRoute", tag="routes", summary="Create a route",
        description="By prefix (digits without plus) or country; the first that matches wins. Its carriers are tried "
        "in order: the next one takes over on a temporary refusal. With `account_id`, or `X-Account-Id` in its place, "
        "it is of that account only.",
        access="operator", scope="routes:write", handle=create_route, body=NewRoute, answer=RouteView, status=201,
        example={"carriers": ["CR0190163d8694739bb1350a8c0a1e0000"], "country": "GB"},
    ),
    Operation(
        method="GET", path="/v1/routes", name="listRoutes", tag="routes", summary="List routes in their order",
        access="operator", account_header="refused",
        scope="routes:read", handle=find_routes, query=PageQuery, answer=Page[RouteView],
    ),
    Operation(
        method="GET", path="/v1/routes/{id}", name="getRoute", tag="routes", summary="Read a route",
        access="operator", account_header="refused", scope="routes:read", handle=get_route, answer=RouteView,
    ),
    Operation(
        method="PATCH", path="/v1/routes/{id}", name="updateRoute", tag="routes", summary="Change or move a route",
        access="operator", account_header="refused",
        scope="routes:write", handle=update_route, body=RouteChange, answer=RouteView,
        example={"position": 1},
    ),
    Operation(
        method="DELETE", path="/v1/routes/{id}", name="deleteRoute", tag="routes", summary="Delete a route",
        access="operator", account_header="refused", scope="routes:write", handle=delete_route, status=204,
    ),
    Operation(
        method="POST", path="/v1/prices", name="setPrice", tag="prices", summary="Set the price of a prefix",
        description="What a segment costs the account that `account_id` or `X-Account-Id` names; without both it is of "
        "the general list. Setting it again replaces it.",
        access="operator", scope="prices:write", handle=put_price, body=NewPrice, answer=PriceView,
        example={"prefix": "44", "price": "0.0075", "currency": "USD"},
    ),
    Operation(
        method="POST", path="/v1/prices/batch", name="setPrices", tag="prices",
        summary="Set up to 10,000 prices at once", description="With `X-Account-Id` all are of that account's list.",
        access="operator", scope="prices:write",
        handle=put_prices, body=NewPrices, body_max=_BULK_MAX, answer=PricesSet,
        example={"prices": [{"prefix": "1", "price": "0.006"}, {"prefix": "44", "price": "0.0075"}]},
    ),
    Operation(
        method="GET", path="/v1/prices", name="listPrices", tag="prices", summary="List prices",
        description="An account sees its own and the general ones.",
        access="any", scope="prices:read", handle=find_prices, query=PageQuery, answer=Page[PriceView],
    ),
    Operation(
        method="GET", path="/v1/prices/{id}", name="getPrice", tag="prices", summary="Read a price",
        access="any", scope="prices:read", handle=get_price, answer=PriceView,
    ),
    Operation(
        method="DELETE", path="/v1/prices/{id}", name="deletePrice", tag="prices", summary="Delete a price",
        description="With `X-Account-Id` of that account's own list only.",
        access="operator", scope="prices:write", handle=delete_price, status=204,
    ),
)  # fmt: skip
