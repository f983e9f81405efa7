"""Profiles of providers over HTTP: each makes the request, and reads the answers and calls, that the provider's own
documentation shows."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest

from whimbrel.domain.http_answers import read_answer
from whimbrel.domain.http_profiles import HTTP_PROFILES
from whimbrel.domain.http_reports import HttpText, call_of, receipts_in, texts_in
from whimbrel.domain.http_requests import Template, Values
from whimbrel.domain.profiles import PROFILES
from whimbrel.manage.checks import Checks
from whimbrel.manage.http_settings import check, settled

ROOT = Path(__file__).parents[2]
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
CALLBACK = "https://sms.example.com/providers/CR1/abc/receipts"
GIVEN = {
    "bandwidth": {
        "url": "https://messaging.bandwidth.com/api/v2/users/900/messages",
        "fields": {"applicationId": "93de2206"},
    },
    "whimbrel": {"url": "https://sms.example.org/v1/messages"},
}


def profile(name):
    given = {"profile": name, "username": "me"} | GIVEN.get(name, {})
    settings = settled(given)
    checks = Checks()
    check(checks, settings, "secret")
    checks.done()
    return settings


def request(name, **changes):
    values = {
        "to": "+447700900000", "sender": "+447700900456", "text": "Grüße & Küsse", "reference": "r1",
        "callback": CALLBACK, "validity_s": 3600, "media": ("https://sms.example.com/m/1.png",),
    }  # fmt: skip
    made = Template(profile(name), "secret").request(Values(**values | changes))
    assert made.method == "POST"
    is_form = made.headers["Content-Type"] == FORM
    body = parse_qs(made.body.decode()) if is_form else json.loads(made.body)
    return made.url, made.headers.get("Authorization"), body


def verdict(name, status, body):
    found = read_answer(profile(name), status, json.dumps(body).encode(), JSON)
    return found.kind, found.carrier_message_id or found.reason


def call(body, content_type=JSON):
    return call_of("", content_type, (urlencode(body) if content_type == FORM else json.dumps(body)).encode())


def receipt(name, said):
    brought = receipts_in(profile(name), said)
    assert not brought.problems
    return [(each.message_id, each.state, each.reason, each.recipient) for each in brought.items]


def texts(name, said):
    brought = texts_in(profile(name), said)
    assert not brought.problems
    return brought.items


BASIC = "Basic bWU6c2VjcmV0"


def twilio():
    url, authorization, body = request("twilio")
    assert url == "https://api.twilio.com/2010-04-01/Accounts/me/Messages.json"
    assert authorization == BASIC
    assert body == {
        "To": ["+447700900000"], "From": ["+447700900456"], "Body": ["Grüße & Küsse"], "StatusCallback": [CALLBACK],
        "MediaUrl": ["https://sms.example.com/m/1.png"],
    }  # fmt: skip
    assert "MediaUrl" not in request("twilio", media=())[2]
    made = {"sid": "SM1", "status": "queued", "error_code": None}
    assert verdict("twilio", 201, made) == ("accepted", "SM1")
    assert verdict("twilio", 400, {"code": 21610, "message": "…", "status": 400}) == ("refused", "barred")
    assert verdict("twilio", 400, {"code": 21408, "status": 400}) == ("refused_now", "carrier_unavailable")
    assert verdict("twilio", 401, {"code": 20003, "status": 401})[0] == "refused_now"
    assert verdict("twilio", 429, {"code": 20429, "status": 429})[0] == "throttled"
    assert verdict("twilio", 500, {"code": 20500, "status": 500})[0] == "in_doubt"
    said = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30003", "To": "+447700900000"}
    assert receipt("twilio", call(said, FORM)) == [("SM1", "UNDELIVERABLE", "absent_subscriber", "447700900000")]
    said = {"MessageSid": "SM2", "MessageStatus": "delivered", "To": "+447700900000"}
    assert receipt("twilio", call(said, FORM)) == [("SM2", "DELIVERED", None, "447700900000")]
    said = {
        "MessageSid": "MM3", "From": "+447700900000", "To": "+447700900456", "Body": "Hi", "NumMedia": "1",
        "MediaUrl0": "https://api.twilio.com/m/1",
    }  # fmt: skip
    assert texts("twilio", call(said, FORM)) == [
        HttpText("MM3", "+447700900000", "+447700900456", "Hi", ("https://api.twilio.com/m/1",))
    ]


def vonage():
    url, authorization, body = request("vonage", encoding="ucs2")
    assert (url, authorization) == ("https://rest.nexmo.com/sms/json", None)
    assert body == {
        "api_key": ["me"], "api_secret": ["secret"], "to": ["447700900000"], "from": ["447700900456"],
        "text": ["Grüße & Küsse"], "type": ["unicode"], "client-ref": ["r1"],
    }  # fmt: skip
    assert request("vonage")[2]["type"] == ["text"]
    one = {"to": "447700900000", "message-id": "0A0000000123ABCD1", "status": "0"}
    assert verdict("vonage", 200, {"message-count": "1", "messages": [one]}) == ("accepted", "0A0000000123ABCD1")
    for status, kind in {
        "1": "throttled",
        "5": "in_doubt",
        "9": "refused_now",
        "15": "refused",
        "3": "refused",
    }.items():
        said = {"message-count": "1", "messages": [{"status": status, "error-text": "…"}]}
        assert verdict("vonage", 200, said)[0] == kind
    said = {"msisdn": "447700900000", "messageId": "0A1", "status": "failed", "err-code": "6"}
    assert receipt("vonage", call(said)) == [("0A1", "UNDELIVERABLE", "filtered", "")]  # one for each part
    said = {"msisdn": "447700900001", "to": "447700900000", "messageId": "0A2", "text": "Hello world", "type": "text"}
    assert texts("vonage", call(said)) == [HttpText("0A2", "447700900001", "447700900000", "Hello world")]


def infobip():
    url, authorization, body = request("infobip")
    assert (url, authorization) == ("https://api.infobip.com/sms/3/messages", "App secret")
    assert body == {
        "messages": [{
            "sender": "447700900456", "destinations": [{"to": "447700900000"}], "content": {"text": "Grüße & Küsse"},
            "webhooks": {"delivery": {"url": CALLBACK}, "contentType": "application/json"},
        }]
    }  # fmt: skip

    def said(group, name):
        return {"messages": [{"messageId": "2250be2d", "status": {"groupName": group, "name": name}}]}

    assert verdict("infobip", 200, said("PENDING", "PENDING_ACCEPTED")) == ("accepted", "2250be2d")
    assert verdict("infobip", 200, said("REJECTED", "REJECTED_NOT_ENOUGH_CREDITS"))[0] == "refused_now"
    assert verdict("infobip", 200, said("REJECTED", "REJECTED_DESTINATION")) == ("refused", "carrier_rejected")
    brought = {
        "results": [
            {"messageId": "a", "to": "41793026727", "status": {"groupName": "DELIVERED"}, "error": {"id": 0}},
            {
                "messageId": "b", "to": "41793026834", "status": {"groupName": "UNDELIVERABLE"},
                "error": {"name": "EC_ABSENT_SUBSCRIBER"},
            },
        ]
    }  # fmt: skip
    assert receipt("infobip", call(brought)) == [
        ("a", "DELIVERED", None, "41793026727"), ("b", "UNDELIVERABLE", "absent_subscriber", "41793026834"),
    ]  # fmt: skip
    brought = {"results": [{"messageId": "c", "from": "385916242493", "to": "385921004026", "text": "QUIZ Correct"}]}
    assert texts("infobip", call(brought)) == [HttpText("c", "385916242493", "385921004026", "QUIZ Correct")]


def telnyx():
    url, authorization, body = request("telnyx")
    assert (url, authorization) == ("https://api.telnyx.com/v2/messages", "Bearer secret")
    assert body == {
        "from": "+447700900456", "to": "+447700900000", "text": "Grüße & Küsse", "webhook_url": CALLBACK,
        "media_urls": ["https://sms.example.com/m/1.png"], "use_profile_webhooks": False,
    }  # fmt: skip
    assert verdict("telnyx", 200, {"data": {"id": "40385f64", "record_type": "message"}}) == ("accepted", "40385f64")
    assert verdict("telnyx", 400, {"errors": [{"code": "10001"}]}) == ("refused", "invalid_source")

    def event(kind, payload):
        return call({"data": {"record_type": "event", "event_type": kind, "id": "e", "payload": payload}})

    payload = {
        "id": "40385f64", "to": [{"phone_number": "+18665550001", "status": "delivery_failed"}],
        "errors": [{"code": "40002"}],
    }  # fmt: skip
    assert receipt("telnyx", event("message.finalized", payload)) == [
        ("40385f64", "UNDELIVERABLE", "filtered", "18665550001")
    ]
    payload = {
        "id": "7ee4241c", "from": {"phone_number": "+18665550001"}, "to": [{"phone_number": "+18445550001"}],
        "text": "Hello, World!", "media": [{"url": "https://example.com/i.png"}],
    }  # fmt: skip
    assert texts("telnyx", event("message.received", payload)) == [
        HttpText("7ee4241c", "+18665550001", "+18445550001", "Hello, World!", ("https://example.com/i.png",))
    ]
    assert receipt("telnyx", event("message.received", payload)) == []


def plivo():
    url, authorization, body = request("plivo")
    assert (url, authorization) == ("https://api.plivo.com/v1/Account/me/Message/", BASIC)
    assert body == {
        "src": "447700900456", "dst": "447700900000", "text": "Grüße & Küsse", "url": CALLBACK, "method": "POST",
    }  # fmt: skip
    said = {"message": "message(s) queued", "message_uuid": ["db3ce55a"], "api_id": "db342550"}
    assert verdict("plivo", 202, said) == ("accepted", "db3ce55a")
    said = {"MessageUUID": "83876bdb", "To": "918553651111", "Status": "undelivered", "ErrorCode": "30"}
    assert receipt("plivo", call(said, FORM)) == [("83876bdb", "UNDELIVERABLE", "filtered", "")]  # one for each unit
    said = {"MessageUUID": "7a242edc", "To": "4759440448", "From": "4795961111", "Text": "Msg", "Type": "sms"}
    assert texts("plivo", call(said, FORM)) == [HttpText("7a242edc", "4795961111", "4759440448", "Msg")]


def sinch():
    url, authorization, body = request("sinch")
    assert (url, authorization) == ("https://us.sms.api.sinch.com/xms/v1/me/batches", "Bearer secret")
    assert body == {
        "from": "447700900456", "to": ["447700900000"], "body": "Grüße & Küsse", "delivery_report": "per_recipient",
        "callback_url": CALLBACK,
    }  # fmt: skip
    assert verdict("sinch", 201, {"id": "01FC66621", "to": ["447700900000"]}) == ("accepted", "01FC66621")
    said = {
        "type": "recipient_delivery_report_sms", "batch_id": "01FC66621", "recipient": "447700900000", "code": 404,
        "status": "Aborted",
    }  # fmt: skip
    assert receipt("sinch", call(said)) == [("01FC66621", "UNDELIVERABLE", "network_error", "447700900000")]
    said = {"type": "mo_text", "id": "OzQ5UqIOdoY8", "from": "447700900000", "to": "18444651185", "body": "Hello World"}
    assert texts("sinch", call(said)) == [HttpText("OzQ5UqIOdoY8", "447700900000", "18444651185", "Hello World")]


def messagebird():
    url, authorization, body = request("messagebird")
    assert (url, authorization) == ("https://rest.messagebird.com/messages", "AccessKey secret")
    assert body == {
        "originator": "447700900456", "recipients": ["447700900000"], "body": "Grüße & Küsse", "reference": "r1",
        "datacoding": "plain", "reportUrl": CALLBACK,
    }  # fmt: skip
    assert verdict("messagebird", 201, {"id": "e8077d80", "direction": "mt"}) == ("accepted", "e8077d80")
    query = urlencode(
        {"id": "e8077d80", "recipient": "31612345678", "status": "delivery_failed", "statusErrorCode": 103}
    )
    assert receipt("messagebird", call_of(query, "", b"")) == [("e8077d80", "UNDELIVERABLE", "barred", "31612345678")]
    said = {"id": "f1", "originator": "31612345678", "recipient": "3197004499", "body": "Hi"}
    assert texts("messagebird", call(said, FORM)) == [HttpText("f1", "31612345678", "3197004499", "Hi")]


def bandwidth():
    url, authorization, body = request("bandwidth")
    assert (url, authorization) == (GIVEN["bandwidth"]["url"], BASIC)
    assert body == {
        "applicationId": "93de2206", "from": "+447700900456", "to": ["+447700900000"], "text": "Grüße & Küsse",
        "media": ["https://sms.example.com/m/1.png"], "tag": "r1",
    }  # fmt: skip
    assert verdict("bandwidth", 202, {"id": "14762070468292kw"}) == ("accepted", "14762070468292kw")
    failed = {
        "type": "message-failed", "errorCode": 4303, "to": "+52345678903", "message": {"id": "14762070468292kw"},
    }  # fmt: skip
    received = {
        "type": "message-received", "to": "+12345678902",
        "message": {"id": "r", "from": "+12345678901", "to": ["+12345678902"], "text": "Hey", "media": ["https://b/1"]},
    }  # fmt: skip
    said = call([failed, received])
    assert receipt("bandwidth", said) == [("14762070468292kw", "UNDELIVERABLE", "invalid_destination", "52345678903")]
    assert texts("bandwidth", said) == [HttpText("r", "+12345678901", "+12345678902", "Hey", ("https://b/1",))]


def whimbrel():
    url, authorization, body = request("whimbrel")
    assert (url, authorization) == (GIVEN["whimbrel"]["url"], "Bearer secret")
    assert body == {
        "to": "+447700900000", "sender": "+447700900456", "text": "Grüße & Küsse", "validity": 3600,
        "callback_url": CALLBACK, "media": ["https://sms.example.com/m/1.png"],
    }  # fmt: skip
    assert verdict("whimbrel", 202, {"id": "SM1", "status": "queued"}) == ("accepted", "SM1")
    assert verdict("whimbrel", 422, {"code": "opted_out", "status": 422}) == ("refused", "barred")
    assert verdict("whimbrel", 422, {"code": "no_route", "status": 422})[0] == "refused_now"

    def event(kind, **data):
        told = {"id": "SM1", "to": "+447700900000"} | data
        return call({"id": "EV1", "type": kind, "message_id": "SM1", "data": told})

    said = event("message.undelivered", reason={"code": "barred"})
    assert receipt("whimbrel", said) == [("SM1", "UNDELIVERABLE", "barred", "447700900000")]
    assert receipt("whimbrel", event("message.receipt")) == []
    said = event("message.received", sender="+447700900001", text="Hi")
    assert texts("whimbrel", said) == [HttpText("SM1", "+447700900001", "+447700900000", "Hi")]


SHOWN = {
    "twilio": twilio, "vonage": vonage, "infobip": infobip, "telnyx": telnyx, "plivo": plivo, "sinch": sinch,
    "messagebird": messagebird, "bandwidth": bandwidth, "whimbrel": whimbrel,
}  # fmt: skip


@pytest.mark.parametrize("name", HTTP_PROFILES)
def test_what_a_profile_says_is_written_and_read(name):
    SHOWN[name]()


@pytest.mark.parametrize("each", HTTP_PROFILES.values(), ids=lambda each: each.name)
def test_a_profile_says_where_it_is_from_and_what_it_needs(each):
    assert each.kind == "http"
    assert each.why
    assert each.source
    assert "password" in each.needs
    assert ("url" in each.needs) is ("url" not in each.settings)


def test_profiles_of_smpp_are_of_smpp():
    assert {each.kind for each in PROFILES.values()} == {"smpp"}


def test_the_page_has_a_line_for_each():
    lines = (ROOT / "docs" / "http-carriers.md").read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    told = {row[0].strip("`"): row[1:] for row in rows if len(row) == 4}
    needed = {each.name: " ".join(f"`{name}`" for name in each.needs) for each in HTTP_PROFILES.values()}
    assert told == {each.name: [each.why, needed[each.name], each.source] for each in HTTP_PROFILES.values()}
