"""Verify's services, limits, lists and webhooks by the `twilio` package of PyPI, unmodified, and what of Twilio's there
is not.
"""

import datetime

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioException

from tests.edges.edge_rig import running_edge, until
from tests.journey.rig import ShiftedClock

from .test_verify import PHONE, SECOND_US, alone_with_the_phones, code_on, refused, service_of
from .twilio_rig import aside, ask, sdk

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("services"), clock=ShiftedClock(), phones=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own and empty phones for each test."""
    async with alone_with_the_phones(installation):
        yield installation


@pytest.fixture
def v2(edge):
    client = sdk(edge)
    client.verify.base_url = edge.url
    yield client.verify.v2
    client.http_client.session.close()


async def test_services(edge, v2):
    made = await aside(
        v2.services.create, friendly_name="Acme", code_length=8, lookup_enabled=True, skip_sms_to_landlines=True,
        do_not_share_warning_enabled=True, custom_code_enabled=True, dtmf_input_required=False, tts_name="Joanna",
        totp_issuer="Acme Ltd", totp_skew=2, push_include_date=True, passkeys_relying_party_origins="https://a.example",
    )  # fmt: skip
    assert (made.friendly_name, made.code_length, made.account_sid) == ("Acme", 8, edge.customer.id)
    assert (made.lookup_enabled, made.skip_sms_to_landlines, made.do_not_share_warning_enabled) == (True, True, True)
    assert (made.custom_code_enabled, made.psd2_enabled, made.dtmf_input_required) == (True, False, False)
    assert (made.tts_name, made.push["include_date"]) == ("Joanna", True)
    assert made.totp == {"issuer": "Acme Ltd", "time_step": 30, "code_length": 6, "skew": 2}
    assert made.passkeys["relying_party"]["origins"] == ["https://a.example"]
    assert made.links["verification_checks"] == f"{edge.url}/v2/Services/{made.sid}/VerificationCheck"
    ours = (await edge.get(f"/v1/verify/services/{made.sid}")).json["settings"]
    assert (ours["code_length"], ours["lookup"], ours["skip_landlines"]) == (8, True, True)
    assert (ours["totp_issuer"], ours["totp_skew"]) == ("Acme Ltd", 2)
    changed = await aside(v2.services(made.sid).update, code_length=4, totp_skew=0, lookup_enabled=False)
    assert (changed.friendly_name, changed.code_length, changed.lookup_enabled) == ("Acme", 4, False)
    assert (changed.totp["issuer"], changed.totp["skew"], changed.tts_name) == ("Acme Ltd", 0, "Joanna")
    louder = await aside(v2.services(made.sid).update, dtmf_input_required=True)
    assert (louder.dtmf_input_required, louder.tts_name, louder.push["include_date"]) == (True, "Joanna", True)
    odd = {"Passkeys.RelyingParty.Origins": 5, "DtmfInputRequired": "x", "TtsName": ["a"], "Push.IncludeDate": False}
    await edge.ask("PATCH", f"/v1/verify/services/{made.sid}", json={"settings": {"extra": odd}})
    plain = await aside(v2.services(made.sid).fetch)
    assert (plain.tts_name, plain.dtmf_input_required, plain.push["include_date"]) == (None, True, False)
    assert plain.passkeys["relying_party"]["origins"] == []
    others = [(await service_of(v2)).sid for _ in range(4)]
    newest = [*others[::-1], made.sid]
    assert [each.sid for each in await aside(v2.services.list)] == newest
    assert [each.sid for each in await aside(v2.services.list, page_size=2)] == newest
    first = await aside(v2.services.page, page_size=2)
    assert [each.sid for each in first] == newest[:2]
    second = await aside(first.next_page)
    assert [each.sid for each in second] == newest[2:4]
    assert [each.sid for each in await aside(second.previous_page)] == newest[:2]
    third = await aside(second.next_page)
    assert [each.sid for each in third] == newest[4:]
    assert [each.sid for each in await aside(third.previous_page)] == newest[2:4]
    assert await aside(third.next_page) is None
    assert await aside(v2.services(made.sid).delete)
    assert await refused(v2.services(made.sid).fetch) == (404, 20404)
    wrong = (
        {"friendly_name": ""},
        {"code_length": 3},
        {"friendly_name": "x" * 31},
        {"totp_skew": 9},
        {"totp_skew": "x"},
    )
    for more in wrong:
        assert await refused(v2.services.create, **{"friendly_name": "Acme"} | more) == (400, 60200)
    assert await refused(v2.services.create, friendly_name="Acme", psd2_enabled=True) == (400, 60204)


async def test_rate_limits_and_buckets(edge, v2):
    service = await service_of(v2)
    limits = v2.services(service.sid).rate_limits
    made = await aside(limits.create, unique_name="b", description="first")
    assert (made.unique_name, made.description, made.service_sid) == ("b", "first", service.sid)
    assert made.links == {"buckets": f"{edge.url}/v2/Services/{service.sid}/RateLimits/{made.sid}/Buckets"}
    assert await refused(limits.create, unique_name="b") == (400, 60208)
    other = await aside(limits.create, unique_name="a")
    assert [each.sid for each in await aside(limits.list)] == [other.sid, made.sid]
    one = v2.services(service.sid).rate_limits(made.sid)
    assert (await aside(one.update, description="second")).description == "second"
    assert (await aside(one.update)).description == "second"
    assert (await aside(one.update, description="")).description == ""
    bucket = await aside(one.buckets.create, max=3, interval=60)
    assert (bucket.max, bucket.interval, bucket.rate_limit_sid, bucket.service_sid) == (3, 60, made.sid, service.sid)
    assert (await aside(one.buckets(bucket.sid).update, max=4)).interval == 60
    assert [(each.sid, each.max) for each in await aside(one.buckets.list)] == [(bucket.sid, 4)]
    for more in ({"max": 0, "interval": 1}, {"max": 1, "interval": 0}, {"max": "x", "interval": 1}):
        assert await refused(one.buckets.create, **more) == (400, 60200)
    for _ in range(4):
        await aside(one.buckets.create, max=9, interval=60)
    assert await refused(one.buckets.create, max=9, interval=60) == (400, 60210)
    elsewhere = v2.services((await service_of(v2)).sid).rate_limits(made.sid)
    for call in (elsewhere.fetch, elsewhere.delete, elsewhere.buckets(bucket.sid).fetch):
        assert await refused(call) == (404, 20404)
    assert await aside(one.buckets(bucket.sid).delete)
    assert await refused(one.buckets(bucket.sid).fetch) == (404, 20404)
    assert await aside(one.delete)
    for number in range(9):
        await aside(limits.create, unique_name=f"n{number}")
    assert await refused(limits.create, unique_name="z") == (400, 60207)


async def test_the_template_and_the_safe_list(edge, v2):
    (template,) = await aside(v2.templates.list)
    assert template.translations["en"]["text"] == "Your {{friendly_name}} code is {{code}}"
    assert template.translations["de"]["status"] == "approved"
    of = v2.services((await service_of(v2, default_template_sid=template.sid)).sid)
    await aside(of.verifications.create, to=PHONE, channel="sms", template_sid=template.sid)
    made = await aside(v2.safelist.create, phone_number=PHONE)
    assert (made.sid[:2], made.phone_number) == ("GN", PHONE)
    assert (await aside(v2.safelist(PHONE).fetch)).sid == made.sid
    assert await aside(v2.safelist(PHONE).delete)
    for call in (v2.safelist(PHONE).fetch, v2.safelist(PHONE).delete):
        assert await refused(call) == (404, 20404)
    assert await refused(v2.safelist.create, phone_number="12") == (400, 60200)


# ---------------------------------------------------------------- figures


async def test_attempts_and_their_summary(edge, v2):
    first, second = [await service_of(v2) for _ in range(2)]
    begun = edge.app.manage.clock.now_us()
    numbers = [PHONE, "+447400123999", "+4915112345678"]
    made = [await aside(v2.services(first.sid).verifications.create, to=to, channel="sms") for to in numbers]
    await aside(v2.services(second.sid).verifications.create, to="+447400123777", channel="sms")
    await aside(v2.services(first.sid).verification_checks.create, to=PHONE, code=await code_on(edge))

    async def listed(**more):
        return [each.verification_sid for each in await aside(v2.verification_attempts.list, **more)]

    every = await listed()
    assert every[1:] == [each.sid for each in made[::-1]]
    assert await listed(page_size=3) == every
    assert await listed(page_size=1, verify_service_sid=first.sid) == every[1:]
    assert await listed(channel_data_to=PHONE) == [made[0].sid]
    assert await listed(country="DE") == await listed(verification_sid=made[2].sid) == [made[2].sid]
    assert await listed(status="converted") == [made[0].sid]
    assert await listed(channel="call") == []
    assert await listed(status="unconverted", page_size=1) == every[:3]
    moment = datetime.datetime.fromtimestamp(begun // SECOND_US, datetime.UTC)
    assert await listed(date_created_after=moment) == every
    assert await listed(date_created_before=moment) == []
    (sid,) = [each["attempt_sid"] for each in made[0].send_code_attempts]

    async def delivered():
        found = await aside(v2.verification_attempts(sid).fetch)
        return found if found.channel_data["message_status"] == "DELIVERED" else None

    one = await until(delivered)
    assert (one.conversion_status, one.channel, one.service_sid) == ("converted", "sms", first.sid)
    assert (one.channel_data["to"], one.channel_data["country"]) == (PHONE, "GB")
    assert one.price == {"currency": "USD", "value": "0.00750"}
    total = await aside(v2.verification_attempts_summary().fetch)
    assert (total.total_attempts, total.total_converted, total.total_unconverted) == (4, 1, 3)
    assert total.conversion_rate_percentage == "25.00"
    some = await aside(v2.verification_attempts_summary().fetch, verify_service_sid=first.sid, country="GB")
    assert (some.total_attempts, some.conversion_rate_percentage) == (2, "50.00")
    near = await aside(v2.verification_attempts_summary().fetch, destination_prefix="+49")
    assert near.total_attempts == 1
    for channel, attempts in (("sms", 4), ("call", 0)):
        assert (await aside(v2.verification_attempts_summary().fetch, channel=channel)).total_attempts == attempts


# ---------------------------------------------------------------- webhooks, and what there is not


async def test_webhooks_are_endpoints_of_the_account(edge, v2):
    service, other = await service_of(v2), await service_of(v2)
    of = v2.services(service.sid)
    url = "https://example.com/verify"
    made = await aside(of.webhooks.create, friendly_name="Mine", event_types=["*"], webhook_url=url)
    assert made.sid.startswith("YW") and made.service_sid == service.sid
    assert (made.friendly_name, made.event_types, made.status, made.version) == ("Mine", ["*"], "enabled", "v2")
    ours = (await edge.get(f"/v1/webhooks/WH{made.sid[2:]}")).json
    assert (ours["url"], ours["events"], ours["status"]) == (url, ["factor.*", "challenge.*"], "active")
    types = ["factor.verified", "challenge.denied"]
    changed = await aside(of.webhooks(made.sid).update, event_types=types, status="disabled", friendly_name="Other")
    assert (changed.event_types, changed.status, changed.friendly_name) == (types, "disabled", "Other")
    assert (await aside(of.webhooks(made.sid).fetch)).webhook_url == url
    rested = await aside(of.webhooks.create, friendly_name="b", event_types=types, webhook_url=url, status="disabled")
    assert [each.sid for each in await aside(of.webhooks.list)] == [rested.sid, made.sid]
    assert await aside(v2.services(other.sid).webhooks.list) == []
    assert await refused(v2.services(other.sid).webhooks(made.sid).fetch) == (404, 20404)
    for wrong in (
        {"event_types": ["x"]},
        {"webhook_url": "nowhere"},
        {"event_types": []},
        {"friendly_name": "n" * 201},
    ):
        new = {"friendly_name": "n", "event_types": ["*"], "webhook_url": url} | wrong
        assert await refused(of.webhooks.create, **new) == (400, 60200), wrong
    old = {"FriendlyName": "n", "EventTypes": "*", "WebhookUrl": url, "Version": "v1"}
    answer = await ask(edge, "POST", f"/v2/Services/{service.sid}/Webhooks", data=old)
    assert (answer.status, answer.json["code"]) == (400, 60204)
    await aside(of.webhooks(made.sid).delete)
    assert await refused(of.webhooks(made.sid).fetch) == (404, 20404)
    stranger = await edge.new_customer("Stranger")
    edge.customer = stranger
    with_their_key = sdk(edge)
    with_their_key.verify.base_url = edge.url
    assert await refused(with_their_key.verify.v2.services(service.sid).webhooks(rested.sid).fetch) == (404, 20404)
    with_their_key.http_client.session.close()


async def test_what_there_is_not_says_so(edge, v2):
    service = await service_of(v2)
    of = v2.services(service.sid)
    calls = (
        (of.access_tokens.create, {"identity": "ada-1", "factor_type": "push"}),
        (of.access_tokens("YK" + "0" * 32).fetch, {}),
        (of.messaging_configurations.create, {"country": "GB", "messaging_service_sid": "MG" + "0" * 32}),
        (of.messaging_configurations("GB").fetch, {}),
        (of.messaging_configurations("GB").update, {"messaging_service_sid": "MG" + "0" * 32}),
        (of.messaging_configurations("GB").delete, {}),
        (of.entities("ada-1").challenges("YC" + "0" * 32).notifications.create, {}),
        (v2.forms("form-push").fetch, {}),
    )
    for call, more in calls:
        assert await refused(call, **more) == (400, 60204), call
    with pytest.raises(TwilioException, match="400"):
        await aside(of.messaging_configurations.list)
    answer = await ask(edge, "POST", f"/v2/Services/{service.sid}/AccessTokens", data={})
    assert "totp" in answer.json["message"] and answer.json["details"]["code"] == "not_supported"
    for end in ("Factors", "VerifyFactor", "Challenges", "ApproveChallenge"):
        answer = await ask(edge, "POST", f"/v2/Services/{service.sid}/Passkeys/{end}", data={})
        assert (answer.status, answer.json["code"]) == (400, 60204), end
