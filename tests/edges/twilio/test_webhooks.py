"""What a customer's application gets and answers: status callbacks and inbound texts, signed so that the SDK's own
validator agrees; TwiML that reaches the phone; STOP.
"""

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.twiml.messaging_response import MessagingResponse

from tests.edges.edge_rig import ACTOR, NUMBER, SENDER, until
from whimbrel.base import ids
from whimbrel.domain.callbacks import twilio_inbound
from whimbrel.manage import opt_outs

from .twilio_rig import answers_go_to, aside, inbox, settled, text_from_phone


async def create(client, **more):
    fields = {"to": NUMBER, "from_": SENDER, "body": "Hello"} | more
    return await aside(client.messages.create, **fields)


async def test_status_callbacks(edge, client, sink):
    url = f"{sink.url}/status?order=7&name=%C3%A4"
    made = await create(client, status_callback=url)
    last = await sink.wait_for(lambda told: told.form.get("MessageStatus") == "delivered")
    await until(lambda: len(sink.told) == 3)
    assert sorted(sink.statuses(made.sid)) == ["delivered", "sending", "sent"]  # none for the first status
    for told in sink.told:
        assert (told.method, told.url) == ("POST", url)
        assert told.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert told.is_signed_with(edge.customer.auth_token)
        assert not told.is_signed_with("0" * 32)
        assert told.headers["I-Twilio-Idempotency-Token"].startswith(ids.EVENT)
    done = last.form.pop("RawDlrDoneDate")
    assert len(done) == 10 and done.isdigit()
    assert last.form == {
        "MessageSid": made.sid,
        "SmsSid": made.sid,
        "AccountSid": edge.customer.id,
        "From": SENDER,
        "To": NUMBER,
        "MessageStatus": "delivered",
        "SmsStatus": "delivered",
        "ApiVersion": "2010-04-01",
    }


async def test_a_failure_tells_its_number(edge, client, sink):
    await create(client, to="+15005550227", status_callback=f"{sink.url}/status")
    told = await sink.wait_for(lambda told: told.form.get("MessageStatus") == "undelivered")
    assert told.form["ErrorCode"] == "30003"


async def test_a_fragment_is_neither_sent_nor_signed(edge, client, sink):
    await create(client, status_callback=f"{sink.url}/status#rc=2&ct=500")
    told = await sink.wait_for(lambda told: True)
    assert told.url == f"{sink.url}/status"
    assert told.is_signed_with(edge.customer.auth_token)


async def test_a_text_comes_in_and_twiml_goes_out(edge, client, sink):
    await create(client)
    response = MessagingResponse()
    response.message("You said “hello” & <more>")
    response.message("Second")
    await answers_go_to(edge, sink.answer("/sms", str(response)))
    await text_from_phone(edge, "hello ½")
    told = await sink.wait_for(lambda told: told.form.get("Body") == "hello ½")
    assert told.is_signed_with(edge.customer.auth_token)
    (message,) = await edge.app.store.messages([told.form["MessageSid"]])
    assert told.form == dict(twilio_inbound(message))
    assert {
        name: told.form[name] for name in ("From", "To", "Body", "NumMedia", "NumSegments", "SmsStatus", "FromCountry")
    } == {
        "From": NUMBER,
        "To": SENDER,
        "Body": "hello ½",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "FromCountry": "US",
    }
    await until(lambda: len(inbox(edge)) == 3)
    assert sorted(inbox(edge)) == ["Hello", "Second", "You said “hello” & <more>"]
    listed = {m.body: m for m in await aside(client.messages.list)}
    assert listed["hello ½"].direction == "inbound" and listed["hello ½"].price is None
    assert listed["Second"].direction == "outbound-reply"
    assert (await aside(client.messages(told.form["MessageSid"]).fetch)).status == "received"


async def test_replies_may_have_callbacks_of_their_own(edge, client, sink):
    await create(client)
    twiml = '<Response><Message statusCallback="replied?n=1">Thanks</Message></Response>'
    await answers_go_to(edge, sink.answer("/app/sms", twiml))
    await text_from_phone(edge, "hello")
    told = await sink.wait_for(lambda told: told.form.get("MessageStatus") == "delivered")
    assert told.url == f"{sink.url}/app/replied?n=1"
    assert told.is_signed_with(edge.customer.auth_token)


async def test_a_get_carries_its_parameters_in_the_query(edge, client, sink):
    await create(client)
    await answers_go_to(edge, f"{sink.url}/sms?a=b", sms_method="GET")
    await text_from_phone(edge, "höllo & co")
    told = await sink.wait_for(lambda told: told.form.get("Body") == "höllo & co")
    assert told.method == "GET" and told.form["a"] == "b"
    assert told.is_signed_with(edge.customer.auth_token)


async def test_a_redirect_is_followed_and_each_answer_counts(edge, client, sink):
    await create(client)
    first = "<Response><Message>one</Message><Redirect>../other/next</Redirect><Message>never</Message></Response>"
    await answers_go_to(edge, sink.answer("/app/sms", first))
    sink.answer("/other/next", "two", content_type="text/plain")
    await text_from_phone(edge, "hello")
    await until(lambda: sorted(inbox(edge)) == ["Hello", "one", "two"])
    assert [told.url for told in sink.told] == [f"{sink.url}/app/sms", f"{sink.url}/other/next"]
    assert sink.told[1].is_signed_with(edge.customer.auth_token)


async def test_redirects_end(edge, client, sink):
    await create(client)
    await answers_go_to(edge, sink.answer("/loop", "<Response><Redirect/></Response>"))
    sink.answer("/loop", "<Response><Redirect>/loop</Redirect></Response>")
    await text_from_phone(edge, "hello")
    await until(lambda: len(sink.told) == 6)
    await text_from_phone(edge, "again")
    await until(lambda: len(sink.told) == 12)
    assert [told.form["Body"] for told in sink.told] == ["hello"] * 6 + ["again"] * 6


FALLBACKS = [
    ("a server error", (500, "text/xml", "<Response/>"), "11200"),
    ("an error page", (404, "text/plain", "Not found"), "11200"),
    ("no XML", (200, "text/xml", "<Response><Message>"), "12100"),
    ("a picture", (200, "image/png", "x"), "12300"),
]


@pytest.mark.parametrize(("status", "code"), [pytest.param(s, c, id=label) for label, s, c in FALLBACKS])
async def test_the_fallback_url_is_asked(edge, client, sink, status, code):
    await create(client)
    http, content_type, body = status
    broken = sink.answer("/broken", body, status=http, content_type=content_type)
    spare = sink.answer("/spare", "<Response><Message>sorry</Message></Response>")
    await answers_go_to(edge, broken, sms_fallback_url=spare)
    await text_from_phone(edge, "hello")
    told = await sink.wait_for(lambda told: told.url == spare)
    assert (told.form["ErrorCode"], told.form["ErrorUrl"], told.form["Body"]) == (code, broken, "hello")
    assert told.is_signed_with(edge.customer.auth_token)
    await until(lambda: sorted(inbox(edge)) == ["Hello", "sorry"])


async def test_the_fallback_url_is_asked_once_and_may_ask_on(edge, client, sink):
    """What comes after it is no trouble any more; trouble after it is not helped again."""
    await create(client)
    spare = sink.answer("/spare", "<Response><Message>sorry</Message><Redirect>/next</Redirect></Response>")
    sink.answer("/next", "<Response><Redirect>/gone</Redirect></Response>")
    sink.answer("/gone", "", status=410)
    await answers_go_to(edge, sink.answer("/broken", "", status=500), sms_fallback_url=spare)
    await text_from_phone(edge, "hello")
    await sink.wait_for(lambda told: told.url.endswith("/gone"))
    await text_from_phone(edge, "again")
    await until(lambda: len(sink.told) == 8)
    assert [told.url.removeprefix(sink.url) for told in sink.told] == ["/broken", "/spare", "/next", "/gone"] * 2
    assert ["ErrorCode" in told.form for told in sink.told] == [False, True, False, False] * 2
    await until(lambda: sorted(inbox(edge)) == ["Hello", "sorry", "sorry"])


async def test_an_error_page_is_no_text_to_a_phone(edge, client, sink):
    """Also where a redirect leads to it; the webhook waits for its next try then."""
    await create(client)
    await answers_go_to(edge, sink.answer("/sms", "<Response><Redirect>/gone</Redirect></Response>"))
    sink.answer("/gone", "Internal error", status=500, content_type="text/plain")
    await text_from_phone(edge, "hello")
    told = await sink.wait_for(lambda told: told.url.endswith("/gone"))

    async def waits():
        return await edge.app.store.fetch(lambda *row: row, "deliveries_due", 1 << 62, 10)

    (waiting,) = await until(waits)
    assert told.headers["I-Twilio-Idempotency-Token"] in waiting
    await until(lambda: inbox(edge))
    assert inbox(edge) == ["Hello"]


async def test_stop_is_told_and_then_refused(edge, client, sink):
    await create(client)
    await answers_go_to(edge, sink.answer("/sms", "<Response><Message>But why?</Message></Response>"))
    await text_from_phone(edge, "STOP")
    told = await sink.wait_for(lambda told: told.form.get("Body") == "STOP")
    assert told.form["OptOutType"] == "STOP"
    await until(lambda: len(inbox(edge)) == 2)  # the one confirmation

    async def is_refused():
        try:
            await create(client)
        except TwilioRestException as error:
            return error
        return None

    error = await until(is_refused)
    assert (error.status, error.code, error.details["code"]) == (400, 21610, "opted_out")
    assert "But why?" not in inbox(edge)
    found = await opt_outs.find(edge.app.manage, account_id=edge.customer.id)
    await opt_outs.delete(edge.app.manage, ACTOR, found.data[0].id, account_id=edge.customer.id)
    assert (await settled(edge, (await create(client)).sid, "delivered")).state == "delivered"


async def test_a_text_without_a_url_only_waits_in_the_list(edge, client, sink):
    await create(client)
    await text_from_phone(edge, "hello")

    async def listed():
        return [m.body for m in await aside(client.messages.list) if m.direction == "inbound"]

    assert await until(listed) == ["hello"]
    assert sink.told == []
