"""Messaging Services by the `twilio` package of PyPI, unmodified: what a service is, its senders, and what is sent
through it and comes back.
"""

import datetime

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.edges.edge_rig import ACTOR, NUMBER, SENDER, until
from whimbrel.manage import senders

from .twilio_rig import answers_go_to, aside, inbox, text_from_phone

SECOND = "+12125550177"


@pytest.fixture
def v1(edge, client):
    client.messaging.base_url = edge.url
    return client.messaging.v1


async def give(edge, value):
    made = await senders.create(edge.app.manage, ACTOR, senders.NewSender(value=value), account_id=edge.customer.id)
    return made.id


async def own(edge):
    return edge.app.tables.senders_by_value[SENDER.lstrip("+")].id


async def refused(call, *args, **more):
    with pytest.raises(TwilioRestException) as error:
        await aside(call, *args, **more)
    return error.value.status, error.value.code


async def test_a_service_is_what_was_set(edge, v1):
    made = await aside(
        v1.services.create,
        friendly_name="Support",
        sticky_sender=False,
        area_code_geomatch=False,
        smart_encoding=True,
        validity_period=120,
        usecase="notifications",
        status_callback="http://127.0.0.1:1/status",
        inbound_request_url="http://127.0.0.1:1/in",
        inbound_method="GET",
        fallback_url="http://127.0.0.1:1/fallback",
        scan_message_content="disable",
    )
    assert made.sid.startswith("MG") and len(made.sid) == 34
    assert (made.friendly_name, made.account_sid) == ("Support", edge.customer.id)
    assert (made.sticky_sender, made.area_code_geomatch, made.smart_encoding) == (False, False, True)
    assert (made.validity_period, made.usecase, made.scan_message_content) == (120, "notifications", "disable")
    assert (made.inbound_request_url, made.inbound_method) == ("http://127.0.0.1:1/in", "GET")
    assert made.fallback_url == "http://127.0.0.1:1/fallback"
    assert made.use_inbound_webhook_on_number is False
    assert isinstance(made.date_created, datetime.datetime)
    assert made.links["phone_numbers"] == f"{made.url}/PhoneNumbers"
    changed = await aside(v1.services(made.sid).update, friendly_name="Help", sticky_sender=True)
    assert (changed.friendly_name, changed.sticky_sender, changed.validity_period) == ("Help", True, 120)
    assert changed.inbound_request_url == "http://127.0.0.1:1/in"
    assert (await aside(v1.services(made.sid).fetch)).friendly_name == "Help"
    second = await aside(v1.services.create, friendly_name="Second")
    assert [each.sid for each in await aside(v1.services.list, page_size=1)] == [second.sid, made.sid]
    assert await aside(v1.services(made.sid).delete)
    assert await refused(v1.services(made.sid).fetch) == (404, 20404)
    shown = (await edge.get(f"/v1/pools/{second.sid}")).json
    assert (shown["name"], shown["sticky"]) == ("Second", True)


async def test_senders_of_a_service(edge, v1):
    service = await aside(v1.services.create, friendly_name="Support")
    of = v1.services(service.sid)
    number = await aside(of.phone_numbers.create, phone_number_sid=await own(edge))
    assert (number.phone_number, number.country_code, number.capabilities) == (SENDER, "US", ["SMS"])
    code_id = await give(edge, "24680")
    code = await aside(of.short_codes.create, short_code_sid="SC" + code_id[2:])
    assert (code.sid, code.short_code) == ("SC" + code_id[2:], "24680")
    await give(edge, "ACME")
    name = await aside(of.alpha_senders.create, alpha_sender="ACME")
    assert name.sid.startswith("AI") and name.alpha_sender == "ACME"
    limited = {"weight": 3, "rate_per_min": 60}
    path = f"/v1/pools/{service.sid}/members/{number.sid}"
    assert (await edge.ask("PUT", path, json=limited)).status == 200
    assert await refused(of.phone_numbers.create, phone_number_sid=number.sid) == (409, 21710)
    (member,) = [each for each in (await edge.get(f"/v1/pools/{service.sid}")).json["members"] if each["weight"] == 3]
    assert (member["sender"], member["rate_per_min"]) == (SENDER, 60), "nothing is changed"
    assert [each.sid for each in await aside(of.phone_numbers.list)] == [number.sid]
    assert [each.sid for each in await aside(of.short_codes.list)] == [code.sid]
    assert [each.sid for each in await aside(of.alpha_senders.list)] == [name.sid]
    assert (await aside(of.alpha_senders(name.sid).fetch)).alpha_sender == "ACME"
    assert await aside(of.alpha_senders(name.sid).delete)
    assert await refused(of.alpha_senders(name.sid).fetch) == (404, 20404)
    assert (await refused(of.phone_numbers.create, phone_number_sid="PN" + code_id[2:]))[0] == 400
    assert (await refused(of.alpha_senders.create, alpha_sender="NOBODY"))[0] == 400


async def test_wrong_input(edge, v1):
    assert (await refused(v1.services.create, friendly_name=""))[0] == 400
    assert (await refused(v1.services.create, friendly_name="x", usecase="odd"))[0] == 400
    assert (await refused(v1.services.create, friendly_name="x", validity_period=1))[0] == 400
    assert (await refused(v1.services.create, friendly_name="x", inbound_method="PUT"))[0] == 400
    assert (await aside(v1.services.list)) == []


async def test_a_message_through_a_service(edge, client, v1, sink):
    await give(edge, SECOND)
    service = await aside(v1.services.create, friendly_name="Support", status_callback=f"{sink.url}/status")
    of = v1.services(service.sid)
    for value in (SENDER, SECOND):
        sid = edge.app.tables.senders_by_value[value.lstrip("+")].id
        await aside(of.phone_numbers.create, phone_number_sid=sid)
    made = [
        await aside(client.messages.create, to=NUMBER, messaging_service_sid=service.sid, body=f"Hello {n}")
        for n in range(3)
    ]
    assert {each.messaging_service_sid for each in made} == {service.sid}
    assert {each.status for each in made} == {"accepted"}
    told = await sink.wait_for(lambda told: told.form.get("MessageStatus") == "delivered")
    assert told.form["MessagingServiceSid"] == service.sid
    rows = [await aside(client.messages(each.sid).fetch) for each in made]
    assert len({row.from_ for row in rows}) == 1, "the recipient keeps the number that wrote first"
    assert rows[0].from_ in (SENDER, SECOND)
    empty = await aside(v1.services.create, friendly_name="Empty")
    status, code = await refused(client.messages.create, to=NUMBER, messaging_service_sid=empty.sid, body="Nobody")
    assert (status, code) == (400, 21703)


async def test_a_text_to_a_number_of_a_service(edge, client, v1, sink):
    """The service's webhook goes before the number's unless the service says otherwise; the fallback is told why."""
    await aside(client.messages.create, to=NUMBER, from_=SENDER, body="Hello")
    await answers_go_to(edge, sink.answer("/number", "<Response><Message>number</Message></Response>"))
    sink.answer("/service", "nothing", status=500)
    sink.answer("/fallback", "<Response><Message>fallback</Message></Response>")
    service = await aside(
        v1.services.create,
        friendly_name="Support",
        inbound_request_url=f"{sink.url}/service",
        fallback_url=f"{sink.url}/fallback",
    )
    await aside(v1.services(service.sid).phone_numbers.create, phone_number_sid=await own(edge))
    await text_from_phone(edge, "one")
    await until(lambda: "fallback" in inbox(edge))
    (told,) = [told for told in sink.told if told.url.endswith("/fallback")]
    assert (told.form["ErrorCode"], told.form["ErrorUrl"]) == ("11200", f"{sink.url}/service")
    assert told.form["MessagingServiceSid"] == service.sid
    assert told.is_signed_with(edge.customer.auth_token)
    await aside(v1.services(service.sid).update, use_inbound_webhook_on_number=True)
    await text_from_phone(edge, "two")
    await until(lambda: "number" in inbox(edge))
