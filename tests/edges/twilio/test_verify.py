"""Verify by the `twilio` package of PyPI, unmodified: whole verifications against a virtual phone, each refusal with
Twilio's number, and who may do what.
"""

import datetime
import re
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioException, TwilioRestException

from tests.edges.edge_rig import running_edge, until
from tests.journey.rig import ShiftedClock

from .twilio_rig import aside, ask, sdk

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE = "+447400123456"
SECOND_US = 1_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("verify"), clock=ShiftedClock(), phones=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own and empty phones for each test."""
    async with alone_with_the_phones(installation):
        yield installation


@pytest.fixture
def client(edge):
    made = sdk(edge)
    made.verify.base_url = edge.url
    yield made
    made.http_client.session.close()


@pytest.fixture
def v2(client):
    return client.verify.v2


@asynccontextmanager
async def alone_with_the_phones(edge):
    """A customer of its own, whose texts have all arrived when its test ends: the next test finds none of them."""
    customer = edge.customer = await edge.new_customer()
    await edge.give_sender(customer.id, "Acme")
    edge.simulator.network.phones.reset()
    yield

    async def all_arrived():
        rows = (await edge.get("/v1/messages?limit=1000", key=customer.live)).json["data"]
        return all(row["final_at"] for row in rows)

    await until(all_arrived)


def later(edge, seconds):
    edge.app.manage.clock.advance(seconds)


async def service_of(v2, **settings):
    return await aside(v2.services.create, friendly_name="Acme", **settings)


async def code_on(edge, phone=PHONE, texts=1):
    """The code of the newest text that a phone has, asked for as docs/verify.md says."""

    async def read():
        url = f"{edge.simulator.address.http_url}/phones/{phone.lstrip('+')}"
        async with edge.http.get(url) as response:
            found = await response.json()
        return found if len(found["inbox"]) >= texts else None

    found = await until(read)
    return re.findall(r"\d{4,10}", found["inbox"][-1]["text"])[-1]


async def refused(call, *args, **more):
    with pytest.raises(TwilioRestException) as error:
        await aside(call, *args, **more)
    return error.value.status, error.value.code


# ---------------------------------------------------------------- verifications


async def test_from_the_code_to_the_approval(edge, v2):
    service = await service_of(v2)
    of = v2.services(service.sid)
    made = await aside(of.verifications.create, to=PHONE, channel="sms")
    assert (made.status, made.valid, made.to, made.channel) == ("pending", False, PHONE, "sms")
    assert (made.service_sid, made.account_sid) == (service.sid, edge.customer.id)
    assert (made.lookup, made.amount, made.payee, made.sna) == ({}, None, None, None)
    assert isinstance(made.date_created, datetime.datetime)
    assert made.url == f"{edge.url}/v2/Services/{service.sid}/Verifications/{made.sid}"
    (attempt,) = made.send_code_attempts
    assert (attempt["channel"], attempt["attempt_sid"][:2]) == ("SMS", "VL")
    code = await code_on(edge)
    wrong = await aside(of.verification_checks.create, to=PHONE, code="000000" if code != "000000" else "1")
    assert (wrong.sid, wrong.status, wrong.valid) == (made.sid, "pending", False)
    right = await aside(of.verification_checks.create, to=PHONE, code=code)
    assert (right.sid, right.status, right.valid, right.sna_attempts_error_codes) == (made.sid, "approved", True, [])
    for more in ({"to": PHONE}, {"verification_sid": made.sid}):
        assert await refused(of.verification_checks.create, code=code, **more) == (404, 20404)
    for place in (made.sid, PHONE):
        read = await aside(of.verifications(place).fetch)
        assert (read.sid, read.status, read.valid) == (made.sid, "approved", True)


async def test_a_code_that_has_expired(edge, v2):
    of = v2.services((await service_of(v2)).sid)
    made = await aside(of.verifications.create, to=PHONE, channel="sms")
    code = await code_on(edge)
    later(edge, 601)
    assert await refused(of.verification_checks.create, to=PHONE, code=code) == (404, 20404)
    assert (await aside(of.verifications(made.sid).fetch)).status == "expired"
    again = await aside(of.verifications.create, to=PHONE, channel="sms")
    assert again.sid != made.sid


async def test_too_many_checks_and_too_many_sends(edge, v2):
    of = v2.services((await service_of(v2, code_length=8)).sid)
    made = await aside(of.verifications.create, to=PHONE, channel="sms")
    code = await code_on(edge)
    with pytest.raises(TwilioRestException) as soon:
        await aside(of.verifications.create, to=PHONE, channel="sms")
    assert (soon.value.status, soon.value.code) == (429, 60212)
    assert 0 < soon.value.details["retry_after_s"] <= 30
    for texts, wait in enumerate((31, 61, 121, 241), start=2):
        later(edge, wait)
        again = await aside(of.verifications.create, to=PHONE, channel="sms")
        assert (again.sid, len(again.send_code_attempts)) == (made.sid, texts)
        assert await code_on(edge, texts=texts) == code
    assert await refused(of.verifications.create, to=PHONE, channel="sms") == (429, 60203)
    for _ in range(5):
        assert not (await aside(of.verification_checks.create, to=PHONE, code="1")).valid
    assert await refused(of.verification_checks.create, to=PHONE, code=code) == (429, 60202)


async def test_canceled_and_approved_without_a_code(edge, v2):
    of = v2.services((await service_of(v2)).sid)
    made = await aside(of.verifications.create, to=PHONE, channel="sms")
    code = await code_on(edge)
    canceled = await aside(of.verifications(made.sid).update, status="canceled")
    assert (canceled.sid, canceled.status, canceled.valid) == (made.sid, "canceled", False)
    assert await refused(of.verification_checks.create, to=PHONE, code=code) == (404, 20404)
    assert await refused(of.verifications(made.sid).update, status="approved") == (404, 20404)
    other = await aside(of.verifications.create, to=PHONE, channel="sms")
    assert other.sid != made.sid
    assert await refused(of.verifications(PHONE).update, status="pending") == (400, 60200)
    assert (await aside(of.verifications(PHONE).update, status="approved")).valid


async def test_a_code_of_the_callers_own_a_language_a_name_an_app(edge, v2):
    closed = v2.services((await service_of(v2)).sid)
    assert await refused(closed.verifications.create, to=PHONE, channel="sms", custom_code="13579") == (403, 60204)
    of = v2.services((await service_of(v2, custom_code_enabled=True, lookup_enabled=True)).sid)
    made = await aside(
        of.verifications.create, to=PHONE, channel="sms", custom_code="13579", locale="de",
        custom_friendly_name="Kiosk", app_hash="A1b2C3d4E5f", tags='{"tenant": "7"}',
    )  # fmt: skip
    assert await code_on(edge) == "13579"
    text = edge.simulator.network.phones.read(PHONE.lstrip("+"))[-1].text
    assert text == "<#> Ihr Code für Kiosk lautet 13579\nA1b2C3d4E5f"
    assert made.lookup["carrier"]["type"] == "mobile"
    kept = (await edge.get(f"/v1/verify/services/{made.service_sid}/verifications/{made.sid}")).json
    assert (kept["metadata"], kept["language"]) == ({"tenant": "7"}, "de")
    assert (await aside(of.verification_checks.create, verification_sid=made.sid, code="13579")).valid


async def test_a_rate_limit_with_a_bucket(edge, v2):
    of = v2.services((await service_of(v2)).sid)
    limit = await aside(of.rate_limits.create, unique_name="address", description="of the browser")
    await aside(of.rate_limits(limit.sid).buckets.create, max=1, interval=60)
    await aside(of.verifications.create, to=PHONE, channel="sms", rate_limits={"address": "192.0.2.7"})
    more = {"channel": "sms", "rate_limits": {"address": "192.0.2.7"}}
    assert await refused(of.verifications.create, to="+447400123999", **more) == (429, 20429)
    await aside(of.verifications.create, to="+447400123999", channel="sms", rate_limits={"address": "192.0.2.8"})
    later(edge, 61)
    await aside(of.verifications.create, to="+447400123777", **more)


REFUSED = [
    ("no number", {"to": "12"}, (400, 60200), "To"),
    ("no channel of anybody", {"channel": "pigeon"}, (400, 60200), "Channel"),
    ("a channel that is not there", {"channel": "whatsapp"}, (400, 60223), "Channel"),
    ("a language that is none", {"locale": "tlh"}, (400, 60200), "Locale"),
    ("no hash of an app", {"app_hash": "short"}, (400, 60200), "AppHash"),
    ("an endless name", {"custom_friendly_name": "x" * 31}, (400, 60200), "CustomFriendlyName"),
    ("a limit of nobody", {"rate_limits": {"shoe": "43"}}, (400, 60200), "RateLimits"),
    ("a template of nobody", {"template_sid": "HJ" + "0" * 32}, (400, 60200), "TemplateSid"),
    ("tags that are none", {"tags": "[1]"}, (400, 60200), "Tags"),
    ("a payment", {"amount": "10 EUR", "payee": "Acme"}, (400, 60204), "Amount"),
    ("a text of the caller's own", {"custom_message": "Hi {code}"}, (400, 60204), "CustomMessage"),
    ("a premium rate number", {"to": "+448712345678"}, (403, 60205), None),
]


async def test_what_is_refused(edge, v2):
    of = v2.services((await service_of(v2)).sid)
    for name, more, expected, parameter in REFUSED:
        with pytest.raises(TwilioRestException) as error:
            await aside(of.verifications.create, **{"to": PHONE, "channel": "sms"} | more)
        assert (error.value.status, error.value.code) == expected, name
        assert error.value.details.get("parameter") == parameter, name
    for more in ({"code": "1"}, {"code": "1", "to": PHONE, "verification_sid": "VE" + "0" * 32}, {"to": PHONE}):
        assert await refused(of.verification_checks.create, **more) == (400, 60200)
    assert await refused(of.verification_checks.create, code="1", verification_sid="VE1") == (400, 60200)
    assert (await edge.get("/v1/verify/attempts")).json["data"] == []


# ---------------------------------------------------------------- who may


async def test_what_is_of_another_account_is_not_there(edge, v2):
    service = await service_of(v2)
    of = v2.services(service.sid)
    made = await aside(of.verifications.create, to=PHONE, channel="sms")
    limit = await aside(of.rate_limits.create, unique_name="a")
    bucket = await aside(of.rate_limits(limit.sid).buckets.create, max=1, interval=1)
    await aside(v2.safelist.create, phone_number=PHONE)
    edge.customer = await edge.new_customer("Stranger")
    stranger = sdk(edge)
    stranger.verify.base_url = edge.url
    theirs = stranger.verify.v2
    of = theirs.services(service.sid)
    one, buckets = of.rate_limits(limit.sid), of.rate_limits(limit.sid).buckets
    for call, more in (
        (of.fetch, {}),
        (of.delete, {}),
        (of.update, {"code_length": 4}),
        (of.verifications.create, {"to": PHONE, "channel": "sms"}),
        (of.verifications(made.sid).fetch, {}),
        (of.verifications(PHONE).fetch, {}),
        (of.verifications(made.sid).update, {"status": "canceled"}),
        (of.verification_checks.create, {"to": PHONE, "code": "1"}),
        (of.rate_limits.create, {"unique_name": "x"}),
        (one.fetch, {}),
        (one.update, {"description": "x"}),
        (one.delete, {}),
        (buckets.create, {"max": 1, "interval": 1}),
        (buckets(bucket.sid).fetch, {}),
        (buckets(bucket.sid).update, {"max": 2}),
        (buckets(bucket.sid).delete, {}),
        (theirs.verification_attempts(made.send_code_attempts[0]["attempt_sid"]).fetch, {}),
        (theirs.safelist(PHONE).fetch, {}),
        (theirs.safelist(PHONE).delete, {}),
    ):
        assert await refused(call, **more) == (404, 20404), call
    for call in (of.rate_limits.list, buckets.list):
        with pytest.raises(TwilioException, match="404"):
            await aside(call)
    assert await aside(theirs.services.list) == await aside(theirs.verification_attempts.list) == []
    stranger.http_client.session.close()


async def test_keys_have_their_scopes_and_a_test_key_changes_nothing(edge, v2):
    service = await service_of(v2)
    await aside(v2.services(service.sid).verifications.create, to=PHONE, channel="sms")
    reader = sdk(edge, token=await edge.new_key(edge.customer.id, ("verify:read",)))
    reader.verify.base_url = edge.url
    of = reader.verify.v2.services(service.sid)
    assert (await aside(of.verifications(PHONE).fetch)).to == "+4474•••••456"
    (attempt,) = await aside(reader.verify.v2.verification_attempts.list)
    assert attempt.channel_data["to"] == "+4474•••••456"
    assert await refused(of.verifications.create, to=PHONE, channel="sms") == (403, 20403)
    assert await refused(of.delete) == (403, 20403)
    tester = sdk(edge, token=edge.customer.test)
    tester.verify.base_url = edge.url
    of = tester.verify.v2.services(service.sid)
    assert await refused(of.delete) == await refused(of.rate_limits.create, unique_name="a") == (403, 20403)
    assert await refused(of.verifications(PHONE).fetch) == (404, 20404)
    sid = attempt.verification_sid
    assert await aside(tester.verify.v2.verification_attempts.list, verification_sid=sid) == []
    made = await aside(of.verifications.create, to="+15005550199", channel="sms")
    assert made.status == "pending"
    for each in (reader, tester):
        each.http_client.session.close()


async def test_an_answer_says_what_is_wrong_and_where_to_read_about_it(edge, v2):
    nameless = await ask(edge, "POST", "/v2/Services", data={"FriendlyName": ""})
    assert (nameless.status, nameless.json["code"], nameless.json["details"]["parameter"]) == (
        400,
        60200,
        "FriendlyName",
    )
    service = await service_of(v2)
    with pytest.raises(TwilioRestException) as error:
        await aside(v2.services(service.sid).verifications(PHONE).fetch)
    assert error.value.msg.endswith(f"/v2/Services/{service.sid}/Verifications/{PHONE} was not found.")
    assert error.value.details["code"] == "not_found"
    await aside(v2.services(service.sid).verifications.create, to=PHONE, channel="sms")
    form = {"To": PHONE, "Channel": "sms"}
    again = await ask(edge, "POST", f"/v2/Services/{service.sid}/Verifications", data=form)
    assert (again.status, "retry-after" in again.headers) == (429, False)
    missing = await edge.get("/v2/Services/VA1")
    assert (missing.status, missing.json["code"]) == (404, 20404)
    wrong = await edge.ask("DELETE", "/v2/Templates")
    assert (wrong.status, wrong.json["code"], wrong.headers["allow"]) == (405, 20004, "GET")


HOSTILE = [
    ("POST", "/v2/Services", {"FriendlyName": "a\x00b"}),
    ("POST", "/v2/Services", {"FriendlyName": "A", "CodeLength": "9" * 30}),
    ("POST", "/v2/Services", {"FriendlyName": "A", "CodeLength": "-1"}),
    ("POST", "/v2/Services", {"FriendlyName": "A", "LookupEnabled": "maybe"}),
    ("POST", "/v2/Services", {"FriendlyName": "A", "Passkeys.RelyingParty.Origins": "x" * 20_000}),
    ("POST", "/v2/Services", [("FriendlyName", "A"), ("FriendlyName", "B")]),
    ("POST", "{service}/Verifications", {"To": "\x00", "Channel": "sms"}),
    ("POST", "{service}/Verifications", {"To": "9" * 5000, "Channel": "sms"}),
    ("POST", "{service}/Verifications", {"To": PHONE, "Channel": "sms", "Tags": "{"}),
    ("POST", "{service}/Verifications", {"To": PHONE, "Channel": "sms", "Tags": '{"a": {"b": 1}}'}),
    ("POST", "{service}/Verifications", {"To": PHONE, "Channel": "sms", "RateLimits": "null"}),
    ("POST", "{service}/Verifications", {"To": PHONE, "Channel": "sms", "RateLimits": '{"a": "' + "x" * 300 + '"}'}),
    ("POST", "{service}/Verifications/%00", {"Status": "canceled"}),
    ("POST", "{service}/VerificationCheck", {"Code": "x" * 5000, "To": PHONE}),
    ("POST", "{service}/RateLimits", {"UniqueName": "x" * 5000}),
    ("POST", "/v2/SafeList/Numbers", {"PhoneNumber": "\x00"}),
    ("GET", "/v2/SafeList/Numbers/%00", None),
    ("GET", "{service}/Verifications/%F0%9F%92%A5", None),
    ("GET", "/v2/Services?PageSize=0", None),
    ("GET", "/v2/Services?PageSize=1001", None),
    ("GET", "/v2/Services?Page=99999", None),
    ("GET", "/v2/Services?PageToken=PA", None),
    ("GET", "/v2/Services?PageToken=PA%00", None),
    ("GET", "/v2/Attempts?PageToken=PAgg%3D", None),
    ("GET", "/v2/Attempts?DateCreatedAfter=soon", None),
    ("GET", "/v2/Attempts?DateCreatedBefore=0000-00-00", None),
    ("GET", "/v2/Attempts?ChannelData.To=%2B", None),
    ("GET", "/v2/Attempts?Status=perhaps", None),
    ("GET", "/v2/Attempts/Summary?Channel=sms&Country=GB", None),
    ("GET", "/v2/Attempts?Country=%FF", None),
]
ODD = [
    "Country=%F0%9F%92%A5",
    "DateCreatedAfter=9999-12-31T23:59:59Z",
    "DateCreatedBefore=0001-01-01T00:00:00Z",
    "VerificationSid=%00",
    "VerifyServiceSid=VA1",
    "PageSize=",
]


async def test_hostile_input_is_refused_and_never_an_error_of_ours(edge, v2):
    service = await service_of(v2)
    for method, path, form in HOSTILE:
        place = path.format(service=f"/v2/Services/{service.sid}")
        answer = await ask(edge, method, place, data=form)
        assert answer.status in (400, 404), (method, path, form, answer.status, answer.body)
        assert answer.json["code"] in (20001, 20404, 60200), (path, form, answer.body)
    for query in ODD:
        answer = await ask(edge, "GET", f"/v2/Attempts?{query}")
        assert (answer.status, answer.json["attempts"]) == (200, []), query
        summary = await ask(edge, "GET", f"/v2/Attempts/Summary?{query}")
        assert (summary.status, summary.json["total_attempts"]) == (200, 0), query
    assert [each.sid for each in await aside(v2.services.list)] == [service.sid]
