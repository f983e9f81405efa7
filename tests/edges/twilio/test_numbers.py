"""The account's numbers by the `twilio` package of PyPI, unmodified."""

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.edges.edge_rig import SENDER

from .twilio_rig import aside, sdk


@pytest.fixture
def numbers(edge):
    client = sdk(edge)
    yield client.incoming_phone_numbers
    client.http_client.session.close()


async def _given(edge, number, **more):
    of_account = {"X-Account-Id": edge.customer.id}
    made = await edge.post("/v1/numbers", {"number": number, **more}, key=edge.operator, headers=of_account)
    assert made.status == 201, made.body
    return made.json["id"]


async def test_numbers_are_listed_filtered_and_turned_by_pages(edge, numbers):
    toll_free = await _given(edge, "+18005550199", label="Orders", capabilities=["sms", "mms"])
    await _given(edge, "55555", country="US")
    every = await aside(numbers.list)
    assert {each.phone_number for each in every} == {SENDER, "+18005550199"}, "short codes are none"
    found = await aside(numbers.list, friendly_name="Orders")
    assert [each.sid for each in found] == [toll_free]
    assert found[0].capabilities == {"sms": True, "mms": True, "voice": False, "fax": False}
    assert [each.sid for each in await aside(numbers.list, phone_number="800555****")] == [toll_free]
    assert await aside(numbers.list, phone_number="999") == []
    assert [each.sid for each in await aside(numbers.toll_free.list)] == [toll_free]
    assert [each.phone_number for each in await aside(numbers.local.list)] == [SENDER]
    assert len(await aside(numbers.list, page_size=1)) == 2


async def test_where_texts_go_is_changed(edge, numbers):
    number_id = await _given(edge, "+12025550144")
    changed = await aside(
        numbers(number_id).update,
        friendly_name="Help", sms_url="http://127.0.0.1:9/in", sms_method="GET",
        sms_fallback_url="http://127.0.0.1:9/else", sms_fallback_method="GET", voice_url="https://example.com/voice",
    )  # fmt: skip
    assert (changed.friendly_name, changed.sms_url, changed.sms_method) == ("Help", "http://127.0.0.1:9/in", "GET")
    shown = (await edge.get(f"/v1/numbers/{number_id}")).json
    assert (shown["label"], shown["sms_fallback_url"]) == ("Help", "http://127.0.0.1:9/else")
    fetched = await aside(numbers(number_id).fetch)
    assert (fetched.sms_fallback_method, fetched.voice_url) == ("GET", None)
    cleared = await aside(numbers(number_id).update, sms_url="")
    assert cleared.sms_url == ""
    assert (await edge.get(f"/v1/senders/{number_id}")).json["sms_url"] is None


@pytest.mark.parametrize(("said", "code"), [({"sms_method": "PUT"}, 20001), ({"sms_url": "ftp://example.com"}, 21609)])
async def test_what_cannot_be_is_refused(edge, numbers, said, code):
    number_id = await _given(edge, "+12025550145")
    with pytest.raises(TwilioRestException) as refused:
        await aside(numbers(number_id).update, **said)
    assert refused.value.code == code


async def test_a_number_of_somebody_else_is_not_there(edge, numbers):
    other = await edge.new_customer("Other")
    of_other = {"X-Account-Id": other.id}
    made = await edge.post("/v1/numbers", {"number": "+12025550146"}, key=edge.operator, headers=of_other)
    with pytest.raises(TwilioRestException) as refused:
        await aside(numbers(made.json["id"]).fetch)
    assert (refused.value.status, refused.value.code) == (404, 20404)
    name = await edge.post(
        "/v1/senders", {"value": "Acme"}, key=edge.operator, headers={"X-Account-Id": edge.customer.id}
    )
    with pytest.raises(TwilioRestException):
        await aside(numbers(name.json["id"]).fetch)
