"""Media through the `twilio` package of PyPI: sent by URL, listed, fetched, deleted."""

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.edges.edge_rig import NUMBER, SENDER
from tests.net.http_rig import answer_of, sink

from .twilio_rig import aside, ask, inbox, settled

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20)
CARD = b"BEGIN:VCARD\r\nFN:Ann\r\nEND:VCARD\r\n"


async def test_media_are_sent_listed_fetched_and_deleted(edge, client):
    async with sink(answer_of("200 OK", body=PNG)) as picture, sink(answer_of("200 OK", body=CARD)) as card:
        urls = [f"http://127.0.0.1:{server.port}/a" for server in (picture, card)]
        made = await aside(client.messages.create, to=NUMBER, from_=SENDER, body="Look", media_url=urls)
    assert made.num_media == "2"
    await settled(edge, made.sid, "delivered")
    (text,) = inbox(edge)
    assert text.startswith("Look\nhttp://localhost:")
    assert (await aside(client.messages(made.sid).fetch)).num_media == "2"
    first, second = await aside(client.messages(made.sid).media.list)
    assert (first.content_type, second.content_type) == ("image/png", "text/vcard")
    assert (first.parent_sid, first.account_sid) == (made.sid, edge.customer.id)
    fetched = await aside(client.messages(made.sid).media(first.sid).fetch)
    assert (fetched.sid, fetched.uri) == (first.sid, first.uri)
    content = await ask(edge, "GET", f"/Messages/{made.sid}/Media/{first.sid}")
    assert (content.body, content.headers["content-type"]) == (PNG, "image/png")
    assert await aside(client.messages(made.sid).media(first.sid).delete)
    assert [each.sid for each in await aside(client.messages(made.sid).media.list)] == [second.sid]
    with pytest.raises(TwilioRestException) as refused:
        await aside(client.messages(made.sid).media(first.sid).fetch)
    assert (refused.value.status, refused.value.code) == (404, 20404)


async def test_a_message_without_a_body(edge, client):
    async with sink(answer_of("200 OK", body=PNG)) as server:
        url = f"http://127.0.0.1:{server.port}/a"
        made = await aside(client.messages.create, to=NUMBER, from_=SENDER, media_url=[url])
    assert made.body.startswith("http://localhost:")


@pytest.mark.parametrize(
    ("urls", "code"),
    [(["https://10.0.0.1/a.png"], 21620), (["file:///etc/passwd"], 21620), (["https://93.184.216.34/a"] * 11, 21623)],
)
async def test_urls_that_cannot_be_sent(edge, client, urls, code):
    with pytest.raises(TwilioRestException) as refused:
        await aside(client.messages.create, to=NUMBER, from_=SENDER, body="x", media_url=urls)
    assert (refused.value.code, refused.value.details["parameter"]) == (code, "MediaUrl")
    assert await aside(client.messages.list) == []


async def test_what_no_server_gives_is_told_and_a_repetition_needs_it_no_more(edge):
    form = {"To": NUMBER, "From": SENDER, "Body": "x"}
    headers = {"Idempotency-Key": "k"}
    async with sink(answer_of("200 OK", "Connection: close", body=PNG)) as server:
        form["MediaUrl"] = f"http://127.0.0.1:{server.port}/a"
        first = await ask(edge, "POST", "/Messages.json", data=form, headers=headers)
        assert first.status == 201, first.body
        server.answer = answer_of("404 Not Found")
        again = await ask(edge, "POST", "/Messages.json", data=form, headers=headers)
        other = await ask(edge, "POST", "/Messages.json", data=form)
    assert (again.status, again.json["sid"]) == (201, first.json["sid"])
    assert (other.status, other.json["code"]) == (400, 11200)
