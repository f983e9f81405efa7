"""Carriers: made, changed, paused and removed while everything runs; what is refused; the password is never shown."""

import msgspec
import pytest

from whimbrel.domain.dialect import CarrierSettings
from whimbrel.manage import carriers, routes
from whimbrel.manage.carriers import CarrierChange, NewCarrier
from whimbrel.manage.routes import NewRoute

from .helpers import actions, refused

SETTINGS = CarrierSettings(host="smsc.example.com", port=2775, system_id="whimbrel")


async def add(ctx, name="main", **more):
    return await carriers.create(ctx, "cli", NewCarrier(name=name, settings=SETTINGS, password="s3cret", **more))


@pytest.fixture
def heard(tables):
    """The names and states of carriers each time that subscribers were told."""
    seen = []
    tables.subscribe("carriers", lambda: seen.append([(c.name, c.status) for c in tables.carriers.values()]))
    return seen


async def test_every_change_is_heard_at_once(ctx, heard):
    made = await add(ctx)
    await carriers.pause(ctx, "cli", made.id)
    await carriers.resume(ctx, "cli", made.id)
    await carriers.update(ctx, "cli", made.id, CarrierChange(name="other"))
    await carriers.delete(ctx, "cli", made.id)
    assert heard == [[("main", "active")], [("main", "paused")], [("main", "active")], [("other", "active")], []]
    assert await actions(ctx) == [
        "carrier.created",
        "carrier.paused",
        "carrier.resumed",
        "carrier.updated",
        "carrier.deleted",
    ]


async def test_the_password_is_sealed_and_not_returned(ctx, tables):
    made = await add(ctx)
    assert b"s3cret" not in msgspec.json.encode(made)
    row = tables.carriers[made.id]
    assert b"s3cret" not in row.password
    assert tables.carrier_password(row) == "s3cret"
    await carriers.update(ctx, "cli", made.id, CarrierChange(name="renamed"))
    assert tables.carrier_password(tables.carriers[made.id]) == "s3cret"
    await carriers.update(ctx, "cli", made.id, CarrierChange(password="other"))
    assert tables.carrier_password(tables.carriers[made.id]) == "other"


async def test_a_change_of_settings_keeps_the_others(ctx):
    made = await add(ctx)
    changed = await carriers.update(ctx, "cli", made.id, CarrierChange(settings={"window": 7}))
    assert changed.settings == msgspec.structs.replace(SETTINGS, window=7)
    assert (await carriers.get(ctx, made.id)).settings.window == 7


@pytest.mark.parametrize(
    ("settings", "pointers"),
    [
        ({"port": 0}, ("/settings/port",)),
        ({"host": ""}, ("/settings/host",)),
        ({"host": "two words"}, ("/settings/host",)),
        ({"window": 0, "binds": 0}, ("/settings/binds", "/settings/window")),
        ({"throughput_per_s": -1}, ("/settings/throughput_per_s",)),
        ({"response_timeout_s": 0}, ("/settings/response_timeout_s",)),
        ({"reconnect_min_s": 9, "reconnect_max_s": 5}, ("/settings/reconnect_max_s",)),
        ({"system_id": "x" * 16}, ("/settings/system_id",)),
        ({"system_id": "a\x00b"}, ("/settings/system_id",)),
        ({"system_type": "é"}, ("/settings/system_type",)),
        ({"temporary_statuses": [0x58, 0]}, ("/settings/temporary_statuses/1",)),
        ({"wnidow": 5}, ("/settings/wnidow",)),
        ({"window": "5"}, ("/settings/window",)),
        ({"temporary_statuses": [5, "x"]}, ("/settings/temporary_statuses/1",)),
    ],
)
async def test_bad_settings_are_refused(ctx, settings, pointers):
    made = await add(ctx)
    await refused(carriers.update(ctx, "cli", made.id, CarrierChange(settings=settings)), "invalid_request", *pointers)
    assert await carriers.get(ctx, made.id) == made


async def test_bad_requests_are_refused(ctx):
    request = NewCarrier(name="", settings=msgspec.structs.replace(SETTINGS, port=0), password="x" * 65)
    await refused(carriers.create(ctx, "cli", request), "invalid_request", "/name", "/settings/port", "/password")
    assert (await carriers.find(ctx)).data == ()


async def test_names_are_unique(ctx):
    await add(ctx, "one")
    two = await add(ctx, "two")
    await refused(add(ctx, "one"), "conflict")
    await refused(carriers.update(ctx, "cli", two.id, CarrierChange(name="one")), "conflict")
    assert (await carriers.update(ctx, "cli", two.id, CarrierChange(name="two"))).name == "two"


async def test_a_carrier_that_routes_name_stays(ctx):
    made = await add(ctx)
    route = await routes.create(ctx, "cli", NewRoute(carriers=(made.id,)))
    error = await refused(carriers.delete(ctx, "cli", made.id), "in_use")
    assert route.id in error.detail
    await routes.delete(ctx, "cli", route.id)
    await carriers.delete(ctx, "cli", made.id)
    await refused(carriers.get(ctx, made.id), "not_found")


async def test_pausing_twice_changes_nothing(ctx, heard):
    made = await add(ctx)
    first = await carriers.pause(ctx, "cli", made.id)
    assert await carriers.pause(ctx, "cli", made.id) == first
    assert len(heard) == 2


async def test_sandbox_carriers_take_test_traffic(ctx, tables):
    made = await add(ctx, sandbox=True)
    assert made.sandbox
    assert tables.carriers[made.id].sandbox is True
