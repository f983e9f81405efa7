"""What is told about messages: shapes, what redaction hides, whose words are used."""

import json
from typing import Any

import msgspec
import pytest

from whimbrel.base.errors import CATALOGUE
from whimbrel.domain import callbacks
from whimbrel.domain.events import EVENT_TYPES
from whimbrel.domain.model import Event, Flag, Message, Options
from whimbrel.domain.states import STATES

S = 1_000_000
NOW = 1_800_000_000 * S  # 2027-01-15T08:00:00Z
ID, ACCOUNT = "SM" + "0" * 28 + "0000", "AC" + "1" * 32

SENT = Message(
    id=ID,
    account_id=ACCOUNT,
    test=False,
    direction="out",
    door="rest",
    message_class="otp",
    state="delivered",
    recipient="+447400123456",
    sender="ACME",
    text="Your code is 123456",
    encoding="gsm7",
    segments=1,
    price_micros=32_500,
    held_micros=0,
    charged_micros=32_500,
    currency="USD",
    carrier_id="CR1",
    route_id="RT1",
    candidates="CR1 CR2",
    priority=0,
    rank=7,
    created_at=NOW,
    due_at=NOW,
    expires_at=NOW + 600 * S,
    updated_at=NOW + 3 * S,
    sent_at=NOW + S,
    final_at=NOW + 3 * S + 1,
    reason=None,
    flags=0,
    seq=4,
    recipient_hash=1,
    sender_hash=2,
    options="{}",
)
RECEIVED = msgspec.structs.replace(
    SENT,
    direction="in",
    state="received",
    recipient="+447400000000",
    sender="+12015550123",
    text="stop",
    price_micros=0,
    seq=1,
)


def _with(message: Message, *, options: Options | None = None, **changes: Any) -> Message:
    if options is not None:
        changes["options"] = msgspec.json.encode(options).decode()
    return msgspec.structs.replace(message, **changes)


def _event(kind: str, data: str = "{}", seq: int = 4, subject: str = ID) -> Event:
    return Event(9, ACCOUNT, False, subject, seq, kind, data, False, NOW + 3 * S + 12)


def _body(event: Event, message: Message | None) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(callbacks.event_body(event, message))
    return parsed


def test_the_message_resource() -> None:
    options = Options(metadata={"order": 17}, tags=("a", "b"), callback_url="https://x/", on_doubt="retry_once")
    view = json.loads(msgspec.json.encode(callbacks.message_view(_with(SENT, options=options))))
    assert view == {
        "id": ID,
        "account_id": ACCOUNT,
        "status": "delivered",
        "direction": "out",
        "to": "+447400123456",
        "sender": "ACME",
        "text": "Your code is 123456",
        "segments": 1,
        "encoding": "gsm7",
        "price": "0.0325",
        "currency": "USD",
        "class": "otp",
        "created_at": "2027-01-15T08:00:00.000000Z",
        "send_at": None,
        "expires_at": "2027-01-15T08:10:00.000000Z",
        "sent_at": "2027-01-15T08:00:01.000000Z",
        "final_at": "2027-01-15T08:00:03.000001Z",
        "updated_at": "2027-01-15T08:00:03.000000Z",
        "reason": None,
        "metadata": {"order": 17},
        "tags": ["a", "b"],
        "test": False,
        "possible_duplicate": False,
        "in_doubt": False,
        "corrected": False,
        "partial": False,
        "carrier_id": "CR1",
        "route_id": "RT1",
        "callback_url": "https://x/",
        "on_doubt": "retry_once",
        "replaced": [],
        "reply_to": None,
    }


@pytest.mark.parametrize(
    ("flag", "name"),
    [
        (Flag.POSSIBLE_DUPLICATE, "possible_duplicate"),
        (Flag.IN_DOUBT, "in_doubt"),
        (Flag.CORRECTED, "corrected"),
        (Flag.PARTIAL, "partial"),
    ],
)
def test_flags(flag: int, name: str) -> None:
    view = callbacks.message_view(_with(SENT, flags=flag))
    told = {each: getattr(view, each) for each in ("possible_duplicate", "in_doubt", "corrected", "partial")}
    assert told == dict.fromkeys(told, False) | {name: True}


def test_a_schedule_is_told() -> None:
    view = callbacks.message_view(_with(SENT, state="scheduled", due_at=NOW + 60 * S, sent_at=None, final_at=None))
    assert (view.send_at, view.sent_at, view.final_at) == ("2027-01-15T08:01:00.000000Z", None, None)


def test_a_reason_comes_with_its_words() -> None:
    view = callbacks.message_view(_with(SENT, state="undelivered", reason="absent_subscriber"))
    row = CATALOGUE["absent_subscriber"]
    assert view.reason == callbacks.Reason("absent_subscriber", row.title, row.permanent, row.fault, row.advice)


def test_an_event_of_a_message() -> None:
    event = _event("message.delivered", '{"carrier_id":"CR1","stat":"DELIVRD"}')
    assert _body(event, SENT) == {
        "id": "EV" + "0" * 28 + "0004",
        "type": "message.delivered",
        "created_at": "2027-01-15T08:00:03.000012Z",
        "account_id": ACCOUNT,
        "message_id": ID,
        "seq": 4,
        "data": {
            "id": ID,
            "to": "+447400123456",
            "sender": "ACME",
            "status": "delivered",
            "direction": "out",
            "segments": 1,
            "encoding": "gsm7",
            "price": "0.0325",
            "currency": "USD",
            "reason": None,
            "metadata": None,
            "tags": [],
            "test": False,
            "detail": {"carrier_id": "CR1", "stat": "DELIVRD"},
        },
    }


def test_the_status_is_the_events_and_not_todays() -> None:
    data = _body(_event("message.sent", seq=3), _with(SENT, state="undelivered", reason="barred"))["data"]
    assert data["status"] == "sent"
    assert data["reason"] is None
    assert "detail" not in data


@pytest.mark.parametrize(
    ("kind", "data", "state", "reason", "told"),
    [
        ("message.undelivered", "{}", "undelivered", "barred", "barred"),
        ("message.undelivered", '{"reason":"memory_full"}', "undelivered", "barred", "memory_full"),
        ("message.unknown", '{"reason":"no_receipt"}', "delivered", None, "no_receipt"),  # corrected since
        ("message.queued", '{"reason":"throttled"}', "sending", None, "throttled"),
        ("message.in_doubt", "{}", "in_doubt", "link_lost", "link_lost"),
    ],
)
def test_the_reason_is_the_events_own(kind: str, data: str, state: str, reason: str | None, told: str) -> None:
    body = _body(_event(kind, data), _with(SENT, state=state, reason=reason))
    assert body["data"]["reason"]["code"] == told


def test_events_that_are_no_state_tell_the_present_one() -> None:
    assert _body(_event("message.receipt"), SENT)["data"]["status"] == "delivered"


def test_an_inbound_text_is_told_whole() -> None:
    data = _body(_event("message.received", seq=1), _with(RECEIVED, flags=Flag.KEYWORD_STOP))["data"]
    assert (data["text"], data["keyword"], data["partial"]) == ("stop", "STOP", False)
    assert (data["to"], data["sender"]) == ("+447400000000", "+12015550123")


def test_outbound_events_never_hold_the_text() -> None:
    for kind in EVENT_TYPES:
        assert b"123456" not in callbacks.event_body(_event(kind), SENT).replace(b"+447400123456", b"")


@pytest.mark.parametrize("message", [SENT, RECEIVED])
def test_redaction_reaches_every_telling(message: Message) -> None:
    gone = _with(message, flags=Flag.REDACTED)
    octets = msgspec.json.encode(callbacks.message_view(gone)) + callbacks.event_body(_event("message.received"), gone)
    for secret in (message.recipient, message.sender, message.text):
        assert json.dumps(secret).encode() not in octets


def test_a_deleted_message_leaves_its_events() -> None:
    data = _body(_event("message.delivered", '{"stat":"DELIVRD"}'), None)["data"]
    assert data == {"id": ID, "status": "delivered", "test": False, "detail": {"stat": "DELIVRD"}, "deleted": True}


def test_events_of_other_subjects_carry_their_own_data() -> None:
    subject = "OO" + "0" * 32
    body = _body(_event("opt_out.created", '{"id":"OO1","masked":"+4474•••"}', 1, subject), None)
    assert body["message_id"] is None
    assert body["id"] == "EV" + "0" * 28 + "0001"
    assert body["data"] == {"id": "OO1", "masked": "+4474•••"}


@pytest.mark.parametrize("state", STATES)
def test_the_word_of_twilio_for_each_state(state: str) -> None:
    assert callbacks.twilio_status(_with(SENT, state=state)) == STATES[state].twilio


def test_a_message_of_a_messaging_service_is_accepted_first() -> None:
    pooled = _with(SENT, state="queued", options=Options(pool_id="MG1", metadata={"pool_id": "x"}))
    assert callbacks.twilio_status(pooled) == "accepted"
    assert callbacks.twilio_status(_with(SENT, state="queued", options=Options(metadata={"pool_id": "x"}))) == "queued"


@pytest.mark.parametrize(
    ("kind", "seq", "expected"),
    [
        ("message.queued", 1, False),  # no callback for the first status
        ("message.scheduled", 1, False),
        ("message.queued", 2, True),  # a schedule that fell due
        ("message.queued", 3, False),  # back in the queue: no news
        ("message.sending", 2, True),
        ("message.sent", 3, True),
        ("message.delivered", 4, True),
        ("message.undelivered", 4, True),
        ("message.failed", 2, True),
        ("message.canceled", 2, True),
        ("message.in_doubt", 3, False),
        ("message.unknown", 4, False),
        ("message.receipt", 5, False),
        ("message.redacted", 5, False),
        ("opt_out.created", 2, False),
    ],
)
def test_which_events_twilio_calls_back_for(kind: str, seq: int, expected: bool) -> None:
    assert callbacks.twilio_calls_back(_event(kind, seq=seq)) is expected


def test_the_form_of_a_status_callback() -> None:
    assert callbacks.twilio_status_callback(SENT, "message.delivered") == [
        ("SmsSid", ID),
        ("SmsStatus", "delivered"),
        ("MessageStatus", "delivered"),
        ("To", "+447400123456"),
        ("MessageSid", ID),
        ("AccountSid", ACCOUNT),
        ("From", "ACME"),
        ("ApiVersion", "2010-04-01"),
        ("RawDlrDoneDate", "2701150800"),
    ]


@pytest.mark.parametrize(
    ("kind", "reason", "expected"),
    [
        ("message.undelivered", "barred", "30004"),
        ("message.failed", None, "30008"),
        ("message.rejected", "opted_out", "21610"),
        ("message.canceled", "canceled", None),
        ("message.sent", "barred", None),  # what came later is not part of this one
    ],
)
def test_error_codes_of_twilio(kind: str, reason: str | None, expected: str | None) -> None:
    form = dict(callbacks.twilio_status_callback(_with(SENT, reason=reason), kind))
    assert form.get("ErrorCode") == expected


def test_the_service_stands_in_the_form() -> None:
    form = dict(callbacks.twilio_status_callback(_with(SENT, options=Options(pool_id="MG1")), "message.sent"))
    assert form["MessagingServiceSid"] == "MG1"
    assert "RawDlrDoneDate" not in form


def test_the_form_of_an_inbound_text() -> None:
    form = callbacks.twilio_inbound(_with(RECEIVED, flags=Flag.KEYWORD_STOP, segments=2))
    assert len(dict(form)) == len(form)  # each name once: some receivers use only the first
    assert dict(form) == {
        "MessageSid": ID,
        "SmsSid": ID,
        "SmsMessageSid": ID,
        "AccountSid": ACCOUNT,
        "From": "+12015550123",
        "To": "+447400000000",
        "Body": "stop",
        "NumMedia": "0",
        "NumSegments": "2",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
        "OptOutType": "STOP",
        "FromCountry": "US",
        "FromState": "",
        "FromCity": "",
        "FromZip": "",
        "ToCountry": "GB",
        "ToState": "",
        "ToCity": "",
        "ToZip": "",
    }


def test_an_inbound_text_to_a_short_code_has_no_country() -> None:
    assert dict(callbacks.twilio_inbound(_with(RECEIVED, recipient="55555")))["ToCountry"] == ""


@pytest.mark.parametrize(("flag", "word"), [(0, None), (Flag.KEYWORD_START, "START"), (Flag.KEYWORD_HELP, "HELP")])
def test_keywords(flag: int, word: str | None) -> None:
    assert callbacks.keyword_of(_with(RECEIVED, flags=flag | Flag.PARTIAL)) == word


def test_the_media_of_an_inbound_text() -> None:
    message = _with(RECEIVED, options=Options(media=("ME1", "ME2"), media_types=("image/png", "text/vcard")))
    assert dict(callbacks.twilio_inbound(message))["NumMedia"] == "2"
    below = f"https://sms.example/2010-04-01/Accounts/{ACCOUNT}/Messages/{ID}/Media"
    assert callbacks.twilio_media(message, "https://sms.example") == [
        ("MediaContentType0", "image/png"),
        ("MediaUrl0", f"{below}/ME1"),
        ("MediaContentType1", "text/vcard"),
        ("MediaUrl1", f"{below}/ME2"),
    ]
    assert callbacks.message_view(message).media == ("ME1", "ME2")
    assert callbacks.twilio_media(RECEIVED, "https://sms.example") == []
