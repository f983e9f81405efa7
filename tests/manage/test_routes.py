"""Routes: an order without gaps, whatever is inserted, moved and removed; and the router that follows from it."""

import random

import pytest

from whimbrel.domain.numbers import normalise
from whimbrel.manage import carriers, routes
from whimbrel.manage.carriers import NewCarrier
from whimbrel.manage.context import Paging
from whimbrel.manage.routes import NewRoute, RouteChange

from .helpers import actions, refused


@pytest.fixture
async def carrier(ctx):
    request = NewCarrier(name="main", settings={"host": "127.0.0.1", "port": 2775})
    return (await carriers.create(ctx, "cli", request)).id


async def order(ctx):
    found = (await routes.find(ctx)).data
    assert [route.position for route in found] == list(range(1, len(found) + 1))
    return [route.prefix for route in found]


async def add(ctx, carrier, prefix, **more):
    return await routes.create(ctx, "cli", NewRoute(carriers=(carrier,), prefix=prefix, **more))


async def test_new_routes_stand_last_or_where_they_are_put(ctx, carrier):
    for prefix in ("1", "2", "3"):
        await add(ctx, carrier, prefix)
    await add(ctx, carrier, "4", position=1)
    await add(ctx, carrier, "5", position=3)
    assert await order(ctx) == ["4", "1", "5", "2", "3"]


@pytest.mark.parametrize(
    ("moved", "to", "expected"), [("1", 3, "2314"), ("4", 1, "4123"), ("2", 2, "1234"), ("3", 4, "1243")]
)
async def test_a_route_moves_to_its_new_position(ctx, carrier, moved, to, expected):
    made = {prefix: await add(ctx, carrier, prefix) for prefix in "1234"}
    changed = await routes.update(ctx, "cli", made[moved].id, RouteChange(position=to))
    assert changed.position == to
    assert "".join(await order(ctx)) == expected


async def test_the_rest_moves_up_when_a_route_is_removed(ctx, carrier):
    made = {prefix: await add(ctx, carrier, prefix) for prefix in "123"}
    await routes.delete(ctx, "cli", made["2"].id)
    assert await order(ctx) == ["1", "3"]
    await refused(routes.get(ctx, made["2"].id), "not_found")


@pytest.mark.parametrize("seed", range(8))
async def test_any_changes_give_the_order_of_the_same_changes_on_a_list(ctx, carrier, seed):
    draw = random.Random(seed)
    placed: list[str] = []
    for number in range(20):
        step = draw.choice("aaamd") if placed else "a"
        if step == "a":
            position = draw.randint(1, len(placed) + 1)
            placed.insert(position - 1, (await add(ctx, carrier, str(number), position=position)).id)
        elif step == "m":
            moved, position = draw.choice(placed), draw.randint(1, len(placed))
            placed.remove(moved)
            placed.insert(position - 1, moved)
            await routes.update(ctx, "cli", moved, RouteChange(position=position))
        else:
            removed = draw.choice(placed)
            placed.remove(removed)
            await routes.delete(ctx, "cli", removed)
    found = (await routes.find(ctx)).data
    assert [(route.position, route.id) for route in found] == list(enumerate(placed, 1))


async def test_the_router_follows(ctx, carrier, tables, account):
    number = normalise("+447400123456")
    route = await add(ctx, carrier, "44")
    assert tables.router.candidates(number, account.id, False).route_id == route.id
    await routes.update(ctx, "cli", route.id, RouteChange(enabled=False))
    assert tables.router.candidates(number, account.id, False).carriers == ()
    await routes.update(ctx, "cli", route.id, RouteChange(enabled=True, prefix="", country="GB"))
    assert tables.router.candidates(number, account.id, False).carriers == (carrier,)
    await carriers.pause(ctx, "cli", carrier)
    assert tables.router.candidates(number, account.id, False).carriers == ()


@pytest.mark.parametrize(
    ("more", "pointers"),
    [
        ({"prefix": "+44"}, ("/prefix",)),
        ({"prefix": "1" * 16}, ("/prefix",)),
        ({"prefix": "44", "country": "UK"}, ("/country",)),
        ({"prefix": "", "position": 0}, ("/position",)),
        ({"prefix": "", "position": 2}, ("/position",)),
        ({"prefix": "", "carriers": ()}, ("/carriers",)),
        ({"prefix": "", "carriers": ("CR0",)}, ("/carriers/0",)),
        ({"prefix": "", "account_id": "AC0"}, ("/account_id",)),
    ],
)
async def test_bad_requests_are_refused(ctx, carrier, more, pointers):
    request = NewRoute(**({"carriers": (carrier,)} | more))
    await refused(routes.create(ctx, "cli", request), "invalid_request", *pointers)
    assert await order(ctx) == []


async def test_a_carrier_stands_once_in_a_route(ctx, carrier):
    await refused(routes.create(ctx, "cli", NewRoute(carriers=(carrier, carrier))), "invalid_request", "/carriers")


async def test_bad_changes_are_refused_and_change_nothing(ctx, carrier):
    made = await add(ctx, carrier, "1")
    await refused(routes.update(ctx, "cli", made.id, RouteChange(position=2)), "invalid_request", "/position")
    await refused(routes.update(ctx, "cli", made.id, RouteChange(carriers=())), "invalid_request", "/carriers")
    assert await routes.get(ctx, made.id) == made


async def test_pages_follow_the_order(ctx, carrier):
    for prefix in "12345":
        await add(ctx, carrier, prefix)
    first = await routes.find(ctx, Paging(limit=2))
    second = await routes.find(ctx, Paging(limit=2, cursor=first.next_cursor))
    third = await routes.find(ctx, Paging(limit=2, cursor=second.next_cursor))
    assert [route.prefix for page in (first, second, third) for route in page.data] == list("12345")
    assert third.next_cursor is None
    await refused(routes.find(ctx, Paging(cursor="QUM")), "invalid_cursor")


async def test_every_change_is_in_the_trail(ctx, carrier):
    made = await add(ctx, carrier, "1")
    await routes.update(ctx, "cli", made.id, RouteChange(enabled=False))
    await routes.delete(ctx, "cli", made.id)
    assert await actions(ctx) == ["carrier.created", "route.created", "route.updated", "route.deleted"]
