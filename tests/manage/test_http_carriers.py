"""Carriers over HTTP: what of their settings is refused, how a profile begins them, and the addresses at which their
provider calls."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import to_builtins

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.http_profiles import HTTP_PROFILES
from whimbrel.manage import carriers
from whimbrel.manage.carriers import CarrierChange, NewCarrier
from whimbrel.manage.checks import Checks
from whimbrel.manage.http_settings import check, settled
from whimbrel.net.http import _OURS, _may_be_given

from .helpers import refused

SETTINGS = {"url": "https://api.example.com/send?key={password}", "fields": {"to": "{to}", "text": "{text}"}}


SECRET = "s3cret"


async def add(ctx, settings=SETTINGS, *, password=SECRET, name="main", **more):
    request = NewCarrier(name=name, kind="http", settings=settings, password=password, **more)
    return await carriers.create(ctx, "cli", request)


async def test_it_is_made_changed_and_shown_without_its_password(ctx, tables):
    made = await add(ctx)
    assert (made.kind, made.settings.url, made.settings.encoding) == ("http", SETTINGS["url"], "json")
    assert b"s3cret" not in msgspec.json.encode(made)
    changed = await carriers.update(ctx, "cli", made.id, CarrierChange(settings={"window": 7}))
    assert (changed.settings.window, changed.settings.fields) == (7, SETTINGS["fields"])
    assert tables.carrier_password(tables.carriers[made.id]) == "s3cret"
    assert [row.kind for row in (await carriers.find(ctx)).data] == ["http"]


async def test_the_addresses_for_its_calls_are_its_own_and_change_with_their_version(ctx):
    ctx = msgspec.structs.replace(ctx, public_url="https://sms.example.com")
    made, other = await add(ctx), await add(ctx, name="other")
    token = ctx.vault.call_token(made.id, 1)
    assert len(token) == 32
    assert made.receipts_url == f"https://sms.example.com/providers/{made.id}/{token}/receipts"
    assert made.inbound_url == f"https://sms.example.com/providers/{made.id}/{token}/inbound"
    assert token not in other.receipts_url
    changed = await carriers.update(ctx, "cli", made.id, CarrierChange(settings={"callback_version": 2}))
    assert token not in changed.receipts_url
    assert changed.receipts_url == (await carriers.get(ctx, made.id)).receipts_url


async def test_one_over_smpp_has_no_such_addresses(ctx):
    request = NewCarrier(name="main", settings={"host": "smsc.example.com", "port": 2775})
    made = await carriers.create(ctx, "cli", request)
    assert (made.kind, made.receipts_url, made.inbound_url) == ("smpp", None, None)


REFUSED = [
    ({"url": ""}, ("/settings/url",)),
    ({"url": "ftp://example.com/"}, ("/settings/url",)),
    ({"url": "https://user:pass@example.com/"}, ("/settings/url",)),
    ({"url": "https://{to}.example.com/"}, ("/settings/url",)),
    ({"url": "https://example.com/#part"}, ("/settings/url",)),
    ({"url": "https://example.com:25/"}, ("/settings/url",)),
    ({"tls_cert_file": "/etc/ssl/us.pem"}, ("/settings/tls_key_file",)),
    ({"url": "https://example.com/{nobody}"}, ("/settings/url",)),
    ({"url": "https://example.com/" + "x" * 2048}, ("/settings/url",)),
    ({"fields": {"to": "{to}"}}, ("/settings/fields",)),
    ({"fields": {"text": "{text}"}}, ("/settings/fields",)),
    ({"fields": {"to": "{to}", "text": "{text}", "x": "{x}"}}, ("/settings/fields/x",)),
    ({"fields": {"to": "{to}", "text": "{text}", "x": "{"}}, ("/settings/fields/x",)),
    ({"fields": {"to": "{to}", "text": "{text}", "x": "{text:number}"}}, ("/settings/fields",)),
    ({"fields": {"to": "{to}", "text": "{text}", "x": {"y": "z"}}, "encoding": "form"}, ("/settings/fields/x",)),
    ({"fields": {"x": "x" * 20_000}}, ("/settings/fields",)),
    ({"fields": {"x": [[[[[[[[[]]]]]]]]]}}, ("/settings/fields",)),
    ({"fields": []}, ("/settings/fields",)),
    ({"headers": {"X-A": "a\nb"}}, ("/settings/headers/X-A",)),
    ({"headers": {"Content-Length": "3"}}, ("/settings/headers/Content-Length",)),
    ({"headers": {"X A": "b"}}, ("/settings/headers/X A",)),
    ({"headers": {"X-A": 1}}, ("/settings/headers/X-A",)),
    ({"method": "GET"}, ("/settings/encoding",)),
    ({"method": "PUT"}, ("/settings/method",)),
    ({"encoding": "xml"}, ("/settings/encoding",)),
    ({"encodings": {"latin1": "x"}}, ("/settings/encodings/latin1",)),
    ({"auth": "basic"}, ("/settings/username",)),
    ({"url": "https://example.com/{username}"}, ("/settings/username",)),
    ({"media": True}, ("/settings/media",)),
    ({"window": 0}, ("/settings/window",)),
    ({"throughput_per_s": -1}, ("/settings/throughput_per_s",)),
    ({"response_timeout_s": 0}, ("/settings/response_timeout_s",)),
    ({"reconnect_min_s": 9, "reconnect_max_s": 5}, ("/settings/reconnect_max_s",)),
    ({"cells": {"eu": 0}}, ("/settings/cells",)),
    ({"callback_version": 0}, ("/settings/callback_version",)),
    ({"answer_id": "a["}, ("/settings/answer_id",)),
    ({"receipt_id": ""}, ("/settings/receipt_id",)),
    ({"receipt_items": "x" * 600}, ("/settings/receipt_items",)),
    ({"inbound_text": "}"}, ("/settings/inbound_text",)),
    ({"answer_ok": ["0"]}, ("/settings/answer_ok",)),
    ({"answer_code": "c", "answer_ok": ["0"], "statuses": {"0": "barred"}}, ("/settings/statuses/0",)),
    ({"statuses": {"400": "nonsense"}}, ("/settings/statuses/400",)),
    ({"statuses": {"400": 1}}, ("/settings/statuses/400",)),
    ({"receipt_states": {"x": "GONE"}}, ("/settings/receipt_states/x",)),
    ({"receipt_errors": {"7": "nonsense"}}, ("/settings/receipt_errors/7",)),
    ({"check": "none"}, ("/settings/check",)),
    ({"profile": "smpp-3.3"}, ("/settings/profile",)),
    ({"host": "example.com"}, ("/settings/host",)),
    ({"wnidow": 5}, ("/settings/wnidow",)),
]


@pytest.mark.parametrize(("settings", "pointers"), REFUSED, ids=[str(each)[:60] for each, _ in REFUSED])
async def test_what_cannot_be_is_refused_with_a_pointer_and_changes_nothing(ctx, settings, pointers):
    await refused(add(ctx, SETTINGS | settings), "invalid_request", *pointers)
    made = await add(ctx)
    change = CarrierChange(settings=settings)
    await refused(carriers.update(ctx, "cli", made.id, change), "invalid_request", *pointers)
    assert await carriers.get(ctx, made.id) == made


@pytest.mark.parametrize("private", ["http://10.0.0.7:8080/sms", "http://localhost/sms", "https://[::1]:9000/sms"])
async def test_it_may_be_in_a_private_network_because_an_operator_says_so(ctx, private):
    assert (await add(ctx, SETTINGS | {"url": private})).settings.url == private


async def test_a_header_that_can_be_set_can_be_sent(ctx):
    """Which ones the settings refuse and which the client does are two lists: what one takes and the other does not
    would let no text leave."""
    names = ("User-Agent", "Accept", "Accept-Encoding", "Authorization", "Content-Type", "Cookie", "Date", "X-Api-Key")
    made = await add(ctx, SETTINGS | {"headers": dict.fromkeys(names, "x")})
    assert all(map(_may_be_given, made.settings.headers))
    for name in sorted(_OURS):
        await refused(add(ctx, SETTINGS | {"headers": {name: "x"}}), "invalid_request", f"/settings/headers/{name}")


async def test_a_password_is_asked_for_where_the_request_holds_it(ctx):
    await refused(add(ctx, password=""), "invalid_request", "/password")
    plain = SETTINGS | {"url": "https://api.example.com/send"}
    await refused(add(ctx, plain | {"auth": "bearer"}, password=""), "invalid_request", "/password")
    await refused(add(ctx, plain | {"check": "twilio"}, password=""), "invalid_request", "/password")
    await refused(add(ctx, plain, password="a\nb"), "invalid_request", "/password")
    await refused(add(ctx, plain, password="x" * 2_049), "invalid_request", "/password")
    made = await add(ctx, password="x" * 2_048)
    await refused(carriers.update(ctx, "cli", made.id, CarrierChange(password="")), "invalid_request", "/password")
    assert (await add(ctx, plain, password="", name="open")).settings.auth == "none"


async def test_everything_that_is_wrong_is_told_at_once(ctx):
    wrong = SETTINGS | {"window": 0, "answer_id": "[", "statuses": {"x": "y"}, "fields": {"x": "{x}"}}
    pointers = ("/settings/window", "/settings/fields/x", "/settings/statuses/x", "/settings/answer_id")
    await refused(add(ctx, wrong), "invalid_request", *pointers)


# ---------------------------------------------------------------- profiles


async def test_a_profile_is_written_in_whole_and_what_is_given_wins(ctx):
    made = await add(ctx, {"profile": "twilio", "username": "AC1", "window": 3})
    written = to_builtins(made.settings)
    assert {name: written[name] for name in HTTP_PROFILES["twilio"].settings} == HTTP_PROFILES["twilio"].settings
    assert (made.settings.window, made.settings.username, made.settings.profile) == (3, "AC1", "twilio")


async def test_beside_a_profile_fields_and_headers_are_put_into_its_own(ctx):
    given = {"profile": "telnyx", "fields": {"messaging_profile_id": "p", "media_urls": None}, "headers": {"X-A": "b"}}
    made = await add(ctx, given | {"media": False})
    own = HTTP_PROFILES["telnyx"].settings["fields"]
    assert made.settings.fields == own | {"messaging_profile_id": "p", "media_urls": None}
    assert made.settings.headers == {"X-A": "b"}
    change = CarrierChange(settings={"fields": SETTINGS["fields"]})
    assert (await carriers.update(ctx, "cli", made.id, change)).settings.fields == SETTINGS["fields"]


@pytest.mark.parametrize(
    ("settings", "pointers"),
    [
        ({"profile": "twilio"}, ("/settings/username",)),
        ({"profile": "bandwidth", "username": "u"}, ("/settings/url", "/settings/fields/applicationId")),
        (
            {"profile": "bandwidth", "username": "u", "url": "https://x.example/", "fields": 5},
            ("/settings/fields/applicationId",),
        ),
        ({"profile": "whimbrel"}, ("/settings/url",)),
        ({"profile": "nobody"}, ("/settings/profile",)),
        ({}, ("/settings/url",)),
    ],
)
async def test_what_a_profile_cannot_know_has_to_be_given(ctx, settings, pointers):
    await refused(add(ctx, settings), "invalid_request", *pointers)


async def test_another_profile_takes_the_place_of_what_the_first_wrote(ctx):
    made = await add(ctx, {"profile": "twilio", "username": "me"})
    changed = await carriers.update(ctx, "cli", made.id, CarrierChange(settings={"profile": "vonage"}))
    assert changed.settings == msgspec.convert(
        HTTP_PROFILES["vonage"].settings | {"profile": "vonage", "username": "me"}, type(changed.settings)
    )


# ---------------------------------------------------------------- whatever is given

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(["{to}", "{text}", "{", "{media}", "{password}", "https://[", "https://{to}", "http://a:x/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(
    settings=st.dictionaries(st.sampled_from(HttpSettings.__struct_fields__), _VALUES, max_size=6),
    more=st.sampled_from([{}, SETTINGS, {"profile": "twilio"}, {"profile": "bandwidth"}]),
    password=st.sampled_from([None, "", "x", "\u00e9"]),
)
@example(settings={"url": "https://["}, more={}, password=None)
def test_settings_are_taken_or_refused_and_nothing_else(settings, more, password):
    try:
        made, checks = settled(more | settings), Checks()
        check(checks, made, password)
        checks.done()
    except WhimbrelError as error:
        assert error.code == "invalid_request" and error.errors
