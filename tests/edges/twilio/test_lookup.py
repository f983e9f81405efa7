"""Lookup by the `twilio` package of PyPI, unmodified."""

import pytest
from twilio.base.exceptions import TwilioRestException

from .twilio_rig import aside, sdk


@pytest.fixture
def lookups(edge):
    client = sdk(edge)
    client.lookups.base_url = edge.url
    yield client.lookups
    client.http_client.session.close()


async def test_a_number_of_version_2(edge, lookups):
    found = await aside(lookups.v2.phone_numbers("+4915112345678").fetch)
    assert (found.phone_number, found.valid, found.validation_errors) == ("+4915112345678", True, [])
    assert (found.calling_country_code, found.country_code, found.national_format) == ("49", "DE", "01511 2345678")
    assert (found.line_type_intelligence, found.caller_name, found.sim_swap) == (None, None, None)
    assert found.url == f"{edge.url}/v2/PhoneNumbers/+4915112345678"


async def test_packages_that_are_known_and_those_that_are_not(lookups):
    fields = "line_type_intelligence,caller_name,sim_swap"
    found = await aside(lookups.v2.phone_numbers("+4915112345678").fetch, fields=fields)
    assert found.line_type_intelligence == {
        "mobile_country_code": None, "mobile_network_code": None, "carrier_name": "T-Mobile", "type": "mobile",
        "error_code": None,
    }  # fmt: skip
    assert found.caller_name == {"caller_name": None, "caller_type": None, "error_code": 60600}
    assert found.sim_swap["error_code"] == 60600
    landline = await aside(lookups.v2.phone_numbers("+442079460958").fetch, fields="line_type_intelligence")
    assert landline.line_type_intelligence["type"] == "landline"


async def test_the_risk_of_pumping_is_what_the_guard_of_verify_has_blocked(edge, lookups):
    async def risk(number="+447400123415"):
        fetch = lookups.v2.phone_numbers(number).fetch
        found = (await aside(fetch, fields="sms_pumping_risk")).sms_pumping_risk
        return [found[name] for name in ("number_blocked", "number_blocked_last_3_months", "sms_pumping_risk_score")]

    assert await risk() == [False, False, None]
    service = (await edge.post("/v1/verify/services", {"name": "Acme"})).json["id"]
    for last in range(10, 15):  # neighbours, which the guard takes for pumping
        await edge.post(f"/v1/verify/services/{service}/verifications", {"to": f"+4474001234{last}"})
    assert await risk() == [True, True, 100]
    assert await risk("+447400999888") == [False, False, None]
    (block,) = (await edge.get("/v1/verify/blocks")).json["data"]
    told = await aside(lookups.v2.phone_numbers("+447400123415").fetch, fields="sms_pumping_risk")
    assert told.sms_pumping_risk["number_blocked_date"] == block["created_at"][:10]
    await edge.post("/v1/verify/safe-list", {"number": "+447400123415"})
    assert await risk() == [False, True, None]
    await edge.post(f"/v1/verify/blocks/{block['id']}/lift", {})
    assert await risk("+447400123416") == [False, True, None]


async def test_national_and_invalid_numbers(lookups):
    national = await aside(lookups.v2.phone_numbers("020 7946 0958").fetch, country_code="GB")
    assert (national.phone_number, national.valid) == ("+442079460958", True)
    american = await aside(lookups.v2.phone_numbers("4155550123").fetch)
    assert american.phone_number == "+14155550123"
    for given, reason in (("+1415", "TOO_SHORT"), ("hello", "NOT_A_NUMBER"), ("+10005550100", "INVALID_BUT_POSSIBLE")):
        found = await aside(lookups.v2.phone_numbers(given).fetch)
        assert (found.valid, found.validation_errors) == (False, [reason])


async def test_a_number_of_version_1(lookups):
    found = await aside(lookups.v1.phone_numbers("+4915112345678").fetch, type=["carrier"])
    assert (found.country_code, found.national_format, found.carrier["name"]) == ("DE", "01511 2345678", "T-Mobile")
    assert (found.carrier["type"], found.caller_name) == ("mobile", None)
    with pytest.raises(TwilioRestException) as missing:
        await aside(lookups.v1.phone_numbers("+1415").fetch)
    assert (missing.value.status, missing.value.code) == (404, 20404)


async def test_what_is_refused(edge, lookups):
    for more in ({"fields": "shoe_size"}, {"country_code": "XX"}):
        with pytest.raises(TwilioRestException) as wrong:
            await aside(lookups.v2.phone_numbers("+4915112345678").fetch, **more)
        assert (wrong.value.status, wrong.value.code) == (400, 20001)
    stranger = sdk(edge, token="0" * 32)
    stranger.lookups.base_url = edge.url
    with pytest.raises(TwilioRestException) as unknown:
        await aside(stranger.lookups.v2.phone_numbers("+4915112345678").fetch)
    assert (unknown.value.status, unknown.value.code) == (401, 20003)
    stranger.http_client.session.close()
