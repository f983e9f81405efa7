"""The `twilio` package of PyPI, unmodified, against the running application."""

import datetime

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.edges.edge_rig import NUMBER, SENDER, until
from whimbrel.base.errors import CATALOGUE

from .twilio_rig import aside, inbox, sdk, settled

UTC = datetime.UTC


async def test_a_text_is_created_delivered_and_fetched(edge, client):
    began = datetime.datetime.now(UTC).replace(microsecond=0)
    made = await aside(client.messages.create, to=NUMBER, from_=SENDER, body="Is 5 > 4 & “so”? ½ ☺")
    assert (made.status, made.direction, made.price, made.date_sent) == ("queued", "outbound-api", None, None)
    assert made.account_sid == edge.customer.id
    assert began <= made.date_created <= datetime.datetime.now(UTC)
    await settled(edge, made.sid, "delivered")
    read = await aside(client.messages(made.sid).fetch)
    assert (read.status, read.body, read.to, read.from_) == ("delivered", "Is 5 > 4 & “so”? ½ ☺", NUMBER, SENDER)
    assert (read.num_segments, read.num_media, read.price, read.price_unit) == ("1", "0", "-0.00750", "USD")
    assert read.date_sent >= read.date_created
    assert (read.error_code, read.error_message) == (None, None)
    assert inbox(edge) == ["Is 5 > 4 & “so”? ½ ☺"]


async def test_a_content_template_is_a_template_of_ours(edge, client):
    template = (await edge.post("/v1/templates", {"name": "left", "texts": {"en": "Hi {{name}}, it has left."}})).json
    await edge.post("/v1/templates/left/publish", {})
    content = "HX" + template["id"][2:]
    made = await aside(
        client.messages.create, to=NUMBER, from_=SENDER, content_sid=content, content_variables='{"name": "Ana"}'
    )
    assert (made.body, made.status) == ("Hi Ana, it has left.", "queued")
    await settled(edge, made.sid, "delivered")
    assert inbox(edge) == ["Hi Ana, it has left."]
    assert (await edge.get(f"/v1/messages/{made.sid}")).json["template"]["id"] == template["id"]
    with pytest.raises(TwilioRestException) as refused:
        await aside(client.messages.create, to=NUMBER, from_=SENDER, content_sid=content)
    assert refused.value.details["parameter"] == "ContentVariables"


async def test_lists_pages_and_streams(edge, client):
    sids = [(await aside(client.messages.create, to=NUMBER, from_=SENDER, body=f"n{n}")).sid for n in range(7)]
    newest = sids[::-1]
    assert [m.sid for m in await aside(client.messages.list)] == newest
    assert [m.sid for m in await aside(client.messages.list, limit=3)] == newest[:3]
    assert [m.sid for m in await aside(client.messages.list, page_size=2)] == newest
    assert [m.sid for m in await aside(lambda: list(client.messages.stream(page_size=3, limit=5)))] == newest[:5]
    first = await aside(client.messages.page, page_size=3)
    assert [m.sid for m in first] == newest[:3]
    second = await aside(first.next_page)
    third = await aside(second.next_page)
    assert [m.sid for m in second] == newest[3:6]
    assert [m.sid for m in third] == newest[6:]
    assert await aside(third.next_page) is None
    back = await aside(third.previous_page)
    assert [m.sid for m in back] == newest[3:6]
    assert await aside(first.previous_page) is None


async def test_a_page_stays_what_it_is_while_texts_come_in(edge, client):
    sids = [(await aside(client.messages.create, to=NUMBER, from_=SENDER, body=f"n{n}")).sid for n in range(4)]
    first = await aside(client.messages.page, page_size=2)
    await aside(client.messages.create, to=NUMBER, from_=SENDER, body="late")
    assert [m.sid for m in await aside(first.next_page)] == sids[1::-1]


async def test_filters(edge, client):
    other = "+447911123456"
    await edge.give_sender(edge.customer.id, "Acme")
    mine = (await aside(client.messages.create, to=NUMBER, from_=SENDER, body="a")).sid
    named = (await aside(client.messages.create, to=other, from_="Acme", body="b")).sid

    async def sids(**filters):
        return [message.sid for message in await aside(client.messages.list, **filters)]

    async def are_indexed():
        return await sids(to=NUMBER) == [mine] and await sids(to=other) == [named]

    await until(are_indexed)  # numbers are found a second or two after
    assert await sids(to="+44 7911 123456") == [named]
    assert await sids(from_="Acme") == [named]
    assert await sids(from_=SENDER) == [mine]
    assert await sids(from_=SENDER, to=other) == []
    assert await sids(to="+4915112345678") == []
    created = {sid: (await aside(client.messages(sid).fetch)).date_created for sid in (named, mine)}
    now = created[named]
    of_its_day = [sid for sid, at in created.items() if at.date() == now.date()]  # both, unless a day ends meanwhile
    hour = datetime.timedelta(hours=1)
    assert await sids(date_sent=now.date()) == of_its_day
    assert await sids(date_sent=now) == of_its_day
    assert await sids(date_sent=now - 48 * hour) == []
    assert await sids(date_sent_after=now - hour) == [named, mine]
    assert await sids(date_sent_after=now + hour) == []
    assert await sids(date_sent_before=now + hour, date_sent_after=now - hour, to=NUMBER) == [mine]
    assert await sids(date_sent_before=now - hour) == []
    assert await sids(date_sent_before=str(now.date())) == [named, mine]
    assert await sids(date_sent_before="2020-01-31") == []


async def test_an_empty_body_erases_a_message(edge, client):
    made = await aside(client.messages.create, to=NUMBER, from_=SENDER, body="secret")
    await settled(edge, made.sid, "delivered")
    erased = await aside(client.messages(made.sid).update, body="")
    assert (erased.body, erased.to, erased.status) == ("", "", "delivered")
    assert (await aside(client.messages(made.sid).fetch)).body == ""


async def test_a_scheduled_text_is_taken_back(edge, client):
    due = datetime.datetime.now(UTC) + datetime.timedelta(days=1)
    made = await aside(
        client.messages.create,
        to=NUMBER,
        messaging_service_sid="MG" + "0" * 32,
        body="later",
        send_at=due,
        schedule_type="fixed",
    )
    assert made.status == "scheduled"
    for _ in range(2):
        canceled = await aside(client.messages(made.sid).update, status="canceled")
        assert (canceled.status, canceled.error_code) == ("canceled", None)
    with pytest.raises(TwilioRestException) as refused:
        await aside(client.messages(await sent(edge, client)).update, status="canceled")
    assert (refused.value.status, refused.value.code) == (409, 30409)


async def sent(edge, client):
    made = await aside(client.messages.create, to=NUMBER, from_=SENDER, body="x")
    await settled(edge, made.sid, "delivered")
    return made.sid


async def test_a_final_message_is_deleted(edge, client):
    sid = await sent(edge, client)
    assert await aside(client.messages(sid).media.list) == []
    assert await aside(client.messages(sid).delete) is True
    for call in (client.messages(sid).fetch, client.messages(sid).delete, client.messages(sid).media.list):
        with pytest.raises(Exception) as missing:
            await aside(call)
        assert "404" in str(missing.value)


async def test_a_message_of_a_service_takes_the_default_sender(edge, client):
    service = "MG" + "1" * 32
    made = await aside(client.messages.create, to=NUMBER, messaging_service_sid=service, body="x")
    assert (made.status, made.from_, made.messaging_service_sid) == ("accepted", SENDER, service)
    await settled(edge, made.sid, "delivered")
    read = await aside(client.messages(made.sid).fetch)
    assert (read.status, read.messaging_service_sid) == ("delivered", service)
    within_from = await aside(client.messages.create, to=NUMBER, from_=service, body="y")
    assert (within_from.from_, within_from.messaging_service_sid) == (SENDER, service)


async def test_why_a_message_failed(edge, client):
    made = await aside(client.messages.create, to="+15005550213", from_=SENDER, body="x")
    await settled(edge, made.sid, "undelivered")
    read = await aside(client.messages(made.sid).fetch)
    assert (read.status, read.error_code, read.error_message) == ("undelivered", 30004, CATALOGUE["barred"].title)


async def test_smart_encoding(edge, client):
    made = await aside(client.messages.create, to=NUMBER, from_=SENDER, body="“Hi” – there…", smart_encoded=True)
    assert made.body == '"Hi" - there...'
    await settled(edge, made.sid, "delivered")
    assert inbox(edge) == ['"Hi" - there...']


async def test_the_account_and_its_balance(edge, client):
    account = await aside(client.api.accounts(edge.customer.id).fetch)
    assert (account.sid, account.status, account.type) == (edge.customer.id, "active", "Full")
    assert account.auth_token == edge.customer.auth_token
    balance = await aside(client.balance.fetch)
    assert (balance.account_sid, balance.balance, balance.currency) == (edge.customer.id, "100.00", "USD")


async def test_errors_are_the_sdks_own(edge, client):
    with pytest.raises(TwilioRestException) as refused:
        await aside(client.messages.create, to="hello", from_=SENDER, body="x")
    error = refused.value
    assert type(error) is TwilioRestException
    assert (error.status, error.code) == (400, 21211)
    assert error.details["code"] == "invalid_number" and error.details["parameter"] == "To"
    wrong = sdk(edge, token="0" * 32)
    with pytest.raises(TwilioRestException) as unknown:
        await aside(wrong.messages.create, to=NUMBER, from_=SENDER, body="x")
    assert (unknown.value.status, unknown.value.code) == (401, 20003)
    wrong.http_client.session.close()


@pytest.mark.parametrize("mode", ["live", "test"])
async def test_an_api_key_in_place_of_the_token(edge, mode):
    key = getattr(edge.customer, mode)
    client = sdk(edge, user="KE" + "0" * 32, token=key)
    made = await aside(client.messages.create, to=NUMBER, from_=SENDER, body="x")
    message = await settled(edge, made.sid, "delivered")
    assert message.test == (mode == "test")
    assert [m.sid for m in await aside(client.messages.list)] == [made.sid]
    assert (await aside(client.api.accounts(edge.customer.id).fetch)).auth_token is None
    owner = sdk(edge)
    assert len(await aside(owner.messages.list)) == (mode == "live")
    for each in (client, owner):
        each.http_client.session.close()
