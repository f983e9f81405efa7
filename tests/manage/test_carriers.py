"""Carriers: made, changed, paused and removed while everything runs; what is refused; the password is never shown."""

import msgspec
import pytest
from msgspec import to_builtins

from whimbrel.domain.dialect import CarrierSettings
from whimbrel.manage import carriers, routes
from whimbrel.manage.carriers import CarrierChange, NewCarrier
from whimbrel.manage.routes import NewRoute

from .helpers import actions, refused

SETTINGS = CarrierSettings(host="smsc.example.com", port=2775, system_id="whimbrel")


async def add(ctx, name="main", **more):
    return await carriers.create(
        ctx, "cli", NewCarrier(name=name, settings=to_builtins(SETTINGS), password="s3cret", **more)
    )


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
        ({"profile": "nobody"}, ("/settings/profile",)),
        ({"hosts": ["a:1", "a", "a:0", ":5"]}, ("/settings/hosts/1", "/settings/hosts/2", "/settings/hosts/3")),
        ({"tls_server_name": "two words"}, ("/settings/tls_server_name",)),
        ({"tls_key_file": "key.pem"}, ("/settings/tls_key_file",)),
        ({"service_type": "TOOBIG"}, ("/settings/service_type",)),
        ({"ucs2_coding": 256}, ("/settings/ucs2_coding",)),
        ({"source_short": [3, 256]}, ("/settings/source_short",)),
        ({"source_short": [3]}, ("/settings/source_short",)),
        ({"alphabet": "ebcdic"}, ("/settings/alphabet",)),
        ({"receipt_states": {"OK": "DELIVRD"}}, ("/settings/receipt_states/OK",)),
        ({"receipt_states": {"a/b~c": 5}}, ("/settings/receipt_states/a~1b~0c",)),
        ({"receipt_errors": {"21b": "no_receipt"}}, ("/settings/receipt_errors/21b",)),
        ({"statuses": {"0x408": "temporary", "0": "throttled"}}, ("/settings/statuses/0",)),
        ({"statuses": {"0x408": "absent_subscriber"}}, ("/settings/statuses/0x408",)),
        ({"tlvs": {"no_such_name": "1"}}, ("/settings/tlvs/no_such_name",)),
        ({"tlvs": {"message_payload": "1"}}, ("/settings/tlvs/message_payload",)),
        ({"tlvs": {"source_port": "high"}}, ("/settings/tlvs/source_port",)),
        ({"tlvs": {"0x1400": {"hex": "0"}, "0x1401": True}}, ("/settings/tlvs/0x1401",)),
        ({"tlvs": {"0x1400": {"hex": "0"}}}, ("/settings/tlvs/0x1400",)),
        ({"tlv_names": {"ours": "x"}}, ("/settings/tlv_names/ours",)),
        ({"interface_version": "3.3", "long_messages": "sar"}, ("/settings/long_messages",)),
        ({"interface_version": "3.3", "tlvs": {"0x1400": "1"}}, ("/settings/tlvs",)),
    ],
)
async def test_bad_settings_are_refused(ctx, settings, pointers):
    made = await add(ctx)
    await refused(carriers.update(ctx, "cli", made.id, CarrierChange(settings=settings)), "invalid_request", *pointers)
    assert await carriers.get(ctx, made.id) == made


async def test_what_was_given_wins_over_the_profile_also_where_it_is_the_default(ctx):
    given = {"host": "h", "port": 1, "profile": "clickatell", "reconnect_min_s": 0.5}
    made = await carriers.create(ctx, "cli", NewCarrier(name="one", settings=given))
    assert (made.settings.reconnect_min_s, made.settings.reconnect_max_s) == (0.5, 300)


async def test_another_profile_takes_the_place_of_the_former(ctx):
    given = {"host": "h", "port": 1, "profile": "clickatell"}
    made = await carriers.create(ctx, "cli", NewCarrier(name="one", settings=given))
    changed = await carriers.update(ctx, "cli", made.id, CarrierChange(settings={"profile": "yo", "window": 7}))
    assert changed.settings == CarrierSettings("h", 1, profile="yo", receipt_states={"0": "DELIVERED"}, window=7)
    bare = await carriers.update(ctx, "cli", made.id, CarrierChange(settings={"profile": ""}))
    assert bare.settings == CarrierSettings("h", 1, window=7)


async def test_what_was_given_since_outlives_its_profile(ctx):
    made = await carriers.create(
        ctx, "cli", NewCarrier(name="one", settings={"host": "h", "port": 1, "profile": "vonage"})
    )
    await carriers.update(ctx, "cli", made.id, CarrierChange(settings={"throughput_per_s": 100}))
    changed = await carriers.update(ctx, "cli", made.id, CarrierChange(settings={"profile": "sar"}))
    assert changed.settings == CarrierSettings("h", 1, profile="sar", throughput_per_s=100, long_messages="sar")


async def test_a_word_that_cannot_be_is_told_which_can(ctx):
    made = await add(ctx)
    change = CarrierChange(settings={"bind_mode": "duplex"})
    error = await refused(carriers.update(ctx, "cli", made.id, change), "invalid_request", "/settings/bind_mode")
    assert error.errors[0].detail == "must be pair or receiver or transceiver or transmitter"


async def test_host_and_port_must_be_given(ctx):
    request = NewCarrier(name="one", settings={"profile": "yo"})
    await refused(carriers.create(ctx, "cli", request), "invalid_request", "/settings/host", "/settings/port")


async def test_bad_requests_are_refused(ctx):
    request = NewCarrier(name="", settings=to_builtins(SETTINGS) | {"port": 0}, password="x" * 65)
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
