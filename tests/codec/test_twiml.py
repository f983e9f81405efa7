"""TwiML answers: what is understood, what is refused, and that garbage is never more than an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.messaging_response import MessagingResponse

from whimbrel.codec import twiml
from whimbrel.codec.twiml import Answer, Redirect, Reply, TwimlError


def _xml(inside: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'.encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", Answer()),
        (b" \r\n", Answer()),
        (b"<Response/>", Answer()),
        (_xml(""), Answer()),
        (_xml("<Message>Hi</Message>"), Answer((Reply("Hi"),))),
        (_xml("<Sms>Hi</Sms>"), Answer((Reply("Hi"),))),
        (_xml("<Message>\n  A &amp; B &#x1F44D;\n</Message>"), Answer((Reply("A & B 👍"),))),
        (_xml("<Message><![CDATA[<b>]]></Message>"), Answer((Reply("<b>"),))),
        (_xml("<Message><Body>one\ntwo</Body></Message>"), Answer((Reply("one\ntwo"),))),
        (_xml("<Message><Body>a</Body><Body>b</Body></Message>"), Answer((Reply("ab"),))),
        (_xml("<Message>1</Message><Message>2</Message>"), Answer((Reply("1"), Reply("2")))),
        (_xml("<Message></Message><Message>  </Message>"), Answer()),
        (
            _xml('<Message to="+447400123456" from="ACME" statusCallback="https://x/">t</Message>'),
            Answer((Reply("t", "+447400123456", "ACME", "https://x/"),)),
        ),
        (_xml('<Message action="https://y/" to="">t</Message>'), Answer((Reply("t", None, None, "https://y/"),))),
        (_xml("<Redirect>/next?a=1&amp;b=2</Redirect>"), Answer((), Redirect("/next?a=1&b=2"))),
        (_xml('<Redirect method="get"> x </Redirect>'), Answer((), Redirect("x", "GET"))),
        (_xml("<Redirect></Redirect><Message>m</Message>"), Answer((Reply("m"),))),
        (
            _xml("<Message>m</Message><Redirect>x</Redirect><Message>no</Message><Say/>"),
            Answer((Reply("m"),), Redirect("x")),
        ),
        (_xml("<Message>m<Media>https://p/i.png</Media></Message>"), Answer((Reply("m"),), None, ("Media",))),
        (_xml("<Say>no</Say><Message>m</Message><Say/>"), Answer((Reply("m"),), None, ("Say",))),
        (_xml("<Gather><Message>nested</Message></Gather>"), Answer((), None, ("Gather", "Message"))),
        (_xml("<!-- a --><?pi x?><Message>m</Message>"), Answer((Reply("m"),))),
        (
            '<?xml version="1.0" encoding="ISO-8859-1"?><Response><Sms>é</Sms></Response>'.encode("latin-1"),
            Answer((Reply("é"),)),
        ),
        ("<Response><Sms>é</Sms></Response>".encode("utf-16"), Answer((Reply("é"),))),
    ],
)
def test_answers(body: bytes, expected: Answer) -> None:
    assert twiml.parse(body) == expected


def test_what_the_library_of_twilio_writes() -> None:
    response = MessagingResponse()
    message = response.message(to="+447400123456", status_callback="https://x/")
    message.body("Grüße <3")
    response.redirect("https://example.com/more", method="POST")
    assert twiml.parse(response.to_xml().encode()) == Answer(
        (Reply("Grüße <3", "+447400123456", None, "https://x/"),), Redirect("https://example.com/more")
    )


BILLION = '<!DOCTYPE r [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Response><Sms>&b;</Sms></Response>'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (BILLION.encode(), "document type"),
        (b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><Response/>', "document type"),
        (b'<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1/">]><Response><Sms>&x;</Sms></Response>', "document type"),
        (_xml("<Sms>&unknown;</Sms>"), "not XML"),
        (b"<Response>", "not XML"),
        (b"<Response></Other>", "not XML"),
        (b"hello", "not XML"),
        (b"<Response/><Response/>", "not XML"),
        (b"<Response>\x00</Response>", "not XML"),
        (b'<?xml version="1.0" encoding="made-up"?><Response/>', "not XML"),
        (b'<?xml version="1.0" encoding="utf-7"?><Response/>', "not XML"),
        (b'<?xml version="1.0" encoding="hex"?><Response/>', "not XML"),
        (b'<?xml version="1.0" encoding="big5"?><Response/>', "not XML"),
        (b"<html><body>ok</body></html>", "root"),
        (_xml("<a>" * 20 + "</a>" * 20), "deep"),
        (_xml("<Sms>x</Sms>" * (twiml.REPLIES_MAX + 1)), "replies"),
        (_xml("<Sms>" + "x" * twiml.ANSWER_MAX + "</Sms>"), "octets"),
    ],
)
def test_refused_answers(body: bytes, words: str) -> None:
    with pytest.raises(TwimlError, match=words) as caught:
        twiml.parse(body)
    assert caught.value.twilio == 12100


@pytest.mark.parametrize("content_type", ["text/xml", "application/xml; charset=utf-8", "TEXT/HTML", ""])
def test_content_types_of_xml(content_type: str) -> None:
    assert twiml.parse(b"<Response/>", content_type) == Answer()


def test_plain_text_is_a_reply_as_it_stands() -> None:
    assert twiml.parse(b" <Thanks> & bye\n", "text/plain; charset=utf-8") == Answer((Reply("<Thanks> & bye"),))
    assert twiml.parse(b"", "text/plain") == Answer()


def test_other_content_types_are_refused() -> None:
    with pytest.raises(TwimlError, match="json") as caught:
        twiml.parse(b"{}", "application/json")
    assert caught.value.twilio == 12300


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: _xml(text)))
def test_any_octets_are_an_answer_or_a_typed_error(body: bytes) -> None:
    try:
        answer = twiml.parse(body)
    except TwimlError:
        return
    assert isinstance(answer, Answer)
