"""What providers' calls say: receipts and texts by paths, in their own words, whatever comes."""

import hashlib
import json
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.clock import SeededChance
from whimbrel.base.vault import Vault
from whimbrel.carriers import http_intake
from whimbrel.codec import segments
from whimbrel.codec.signatures import twilio
from whimbrel.domain.http_dialect import HttpSettings, call_path
from whimbrel.domain.http_reports import (
    TEXT_MAX,
    CallError,
    HttpReceipt,
    HttpText,
    call_of,
    is_signed_by_twilio,
    receipts_in,
    texts_in,
    word_of,
)

FORM = "application/x-www-form-urlencoded"
PLAIN = HttpSettings(url="http://provider.example/")
INFOBIP = HttpSettings(
    url="http://provider.example/",
    receipt_items="results",
    receipt_id="messageId",
    receipt_state="status.groupName",
    receipt_error="error.name",
    receipt_to="to",
    receipt_errors={"EC_ABSENT_SUBSCRIBER": "absent_subscriber"},
    inbound_items="results",
    inbound_id="messageId",
    inbound_text="cleanText",
)
TWILIO = HttpSettings(
    url="http://provider.example/",
    receipt_id="MessageSid",
    receipt_state="MessageStatus",
    receipt_error="ErrorCode",
    receipt_errors={"30003": "absent_subscriber"},
    inbound_id="MessageSid",
    inbound_from="From",
    inbound_to="To",
    inbound_text="Body",
    inbound_media="[MediaUrl0, MediaUrl1]",
)


def form(**fields):
    return call_of("", FORM, urlencode(fields).encode())


def receipt(settings=PLAIN, **fields):
    (found,) = receipts_in(settings, fields).items
    return found


def test_a_form_as_twilio_sends_it():
    call = form(MessageSid="SM1", MessageStatus="undelivered", ErrorCode="30003", To="+447700900001")
    (found,) = receipts_in(TWILIO, call).items
    assert found == HttpReceipt("SM1", "UNDELIVERABLE", "undelivered", "30003", "absent_subscriber")


def test_a_list_as_infobip_sends_it():
    results = [
        {"messageId": "m1", "to": "447700900001", "status": {"groupName": "DELIVERED"}, "error": {"name": "NO_ERROR"}},
        {
            "messageId": "m2", "to": "447700900002",
            "status": {"groupName": "UNDELIVERABLE"}, "error": {"name": "EC_ABSENT_SUBSCRIBER"},
        },
    ]  # fmt: skip
    found = receipts_in(INFOBIP, call_of("", "application/json", json.dumps({"results": results}).encode())).items
    assert [(each.message_id, each.state, each.reason, each.recipient) for each in found] == [
        ("m1", "DELIVERED", None, "447700900001"),
        ("m2", "UNDELIVERABLE", "absent_subscriber", "447700900002"),
    ]


def test_a_recipient_is_its_digits():
    settings = HttpSettings(url="http://provider.example/", receipt_to="to")
    for to in ("+44 7911 123456", "tel:+447911123456", 447911123456):
        assert receipt(settings, id="1", status="sent", to=to).recipient == "447911123456"


@pytest.mark.parametrize(
    ("error", "kept"),
    [("x" * 201, "x" * 200), ("Unknown\nsubscriber", "Unknown subscriber"), ({"a": 1}, None), (None, None), ("", None)],
)
def test_what_stands_beside_the_state_costs_no_receipt(error, kept):
    settings = HttpSettings(url="http://provider.example/", receipt_error="error", receipt_to="to")
    found = receipt(settings, id="1", status="failed", error=error, to="4" * 201)
    assert (found.message_id, found.state, found.error, found.recipient) == ("1", "UNDELIVERABLE", kept, "")


def test_a_path_that_fails_beside_the_state_costs_no_receipt():
    settings = HttpSettings(url="http://provider.example/", receipt_error="length(status) && abs(status)")
    assert receipt(settings, id="1", status="failed").error is None


def test_an_id_that_is_none_costs_no_text():
    (found,) = texts_in(PLAIN, {"id": "x" * 201, "from": "1", "to": "2", "text": "hello"}).items
    assert (found.message_id, found.text) == ("", "hello")


def test_a_query_is_a_call_too():
    (found,) = receipts_in(PLAIN, call_of("id=7&status=delivered", "", b"")).items
    assert (found.message_id, found.state) == ("7", "DELIVERED")


def test_the_body_goes_before_the_query():
    assert call_of("id=1", FORM, b"id=2") == {"id": "2"}


WORDS = {
    # a provider's word: the state
    "delivered": "DELIVERED",
    "DELIVRD": "DELIVERED",
    "Undelivered": "UNDELIVERABLE",
    "delivery-failed": "UNDELIVERABLE",
    "Delivery Failed": "UNDELIVERABLE",
    "expired": "EXPIRED",
    "rejected": "REJECTED",
    "sent": "ENROUTE",
    "buffered": "ENROUTE",
    "accepted": "ACCEPTED",
    "sold": "UNKNOWN",
}


@pytest.mark.parametrize(("word", "state"), WORDS.items(), ids=WORDS)
def test_words_that_providers_use(word, state):
    assert receipt(id="1", status=word).state == state
    assert receipt(id="1", status=word).stat == word


def test_its_own_words_go_before_the_usual_ones():
    settings = HttpSettings(url="http://provider.example/", receipt_states={"Sent": "DELIVERED", "8": "REJECTED"})
    assert [receipt(settings, id="1", status=word).state for word in ("sent", "SENT", 8)] == [
        "DELIVERED", "DELIVERED", "REJECTED",
    ]  # fmt: skip


def test_a_failure_has_a_reason_and_no_number_is_guessed_at():
    """Over SMPP 27 is an absent subscriber; what it is at this provider only its settings know."""
    settings = HttpSettings(url="http://provider.example/", receipt_error="code", receipt_errors={"27": "filtered"})
    guessed = HttpSettings(url="http://provider.example/", receipt_error="code")
    assert receipt(settings, id="1", status="failed", code=27).reason == "filtered"
    assert receipt(guessed, id="1", status="failed", code=27).reason == "undelivered"
    assert receipt(guessed, id="1", status="expired", code="").reason == "expired_at_carrier"
    assert receipt(guessed, id="1", status="delivered", code=None).reason is None


def test_ids_are_numbers_too():
    assert receipt(id=12345678901234567890, status="delivered").message_id == "12345678901234567890"
    assert [word_of(value) for value in (True, 1.5, None, {}, [], " x ")] == ["true", "1.5", "", "", "", "x"]


def test_what_cannot_be_read_holds_up_nothing_else():
    settings = HttpSettings(url="http://provider.example/", receipt_items="@")
    found = receipts_in(settings, [{"id": "1", "status": "delivered"}, {"id": "2"}, "x", {"status": "sent"}])
    assert [each.message_id for each in found.items] == ["1"]
    assert found.problems == [
        "receipt_state finds nothing; there are id",
        "receipt_id finds nothing",
        "receipt_id finds nothing; there are status",
    ]


def test_what_a_call_has_is_told_by_names_alone():
    call = {f"name{number}" if number else "x" * 50: "+447911123456" for number in range(30)} | {"a\n": 1}
    (problem,) = receipts_in(PLAIN, call).problems
    assert problem.startswith(f"receipt_id finds nothing; there are {'x' * 40}, name1, name2")
    assert problem.endswith("name19") and "4479" not in problem
    assert receipts_in(PLAIN, {}).problems == ["receipt_id finds nothing; it is empty"]
    with pytest.raises(CallError, match="no list where the settings say; there are reports"):
        receipts_in(INFOBIP, {"reports": []})


UNREADABLE = {
    "no list": (INFOBIP, b'{"result": []}', "application/json"),
    "no JSON": (PLAIN, b"{", "application/json"),
    "a path that this data is wrong for": (
        HttpSettings(url="http://p.example/", receipt_items="join('', @)"),
        b"[[1]]",
        "application/json",
    ),
    "a type that nobody knows": (PLAIN, b"x", "image/png"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_calls_that_cannot_be_read(case):
    settings, body, kind = UNREADABLE[case]
    with pytest.raises(CallError):
        receipts_in(settings, call_of("", kind, body))


SPELLINGS = {
    "percent-encoded UTF-8": b"text=Gr%C3%BC%C3%9Fe+%F0%9F%90%A6",
    "as it is": "text=Grüße+🐦".encode(),
}


@pytest.mark.parametrize("octets", SPELLINGS.values(), ids=SPELLINGS)
def test_fields_that_are_spelled_otherwise(octets):
    assert call_of("", FORM, octets) == call_of(octets.decode("latin-1"), "", b"") == {"text": "Grüße 🐦"}


@pytest.mark.parametrize("octets", [b"text=Gr%FC%DFe", b"text=Gr\xfc\xdfe"])
def test_what_is_no_utf_8_is_latin_1(octets):
    assert call_of("", FORM, octets) == call_of(octets.decode("latin-1"), "", b"") == {"text": "Grüße"}


def test_a_field_that_stands_twice_is_a_list():
    assert call_of("a=1&a=2&a=3&b=", "", b"") == {"a": ["1", "2", "3"], "b": ""}


def test_too_many_fields_are_refused():
    with pytest.raises(CallError, match="more than 2,000 fields"):
        call_of("&".join(f"a{number}=1" for number in range(2001)), "", b"")


def test_words_that_are_none_are_refused():
    for wrong in ("x" * 201, "a\nb", "a\0b", "\ud800"):
        found = receipts_in(PLAIN, {"id": wrong, "status": "delivered"})
        assert (found.items, len(found.problems)) == ([], 1)


def test_a_text_as_twilio_sends_it():
    call = form(
        MessageSid="SM2", From="+447700900001", To="+15005550006", Body="Grüße 🐦", MediaUrl0="https://m.example/1"
    )
    assert texts_in(TWILIO, call).items == [
        HttpText("SM2", "+447700900001", "+15005550006", "Grüße 🐦", ("https://m.example/1",))
    ]


def test_a_plus_that_was_not_escaped_is_a_blank():
    (found,) = texts_in(PLAIN, call_of("id=1&from=+447700900001&to=+15005550006&text=a+b", "", b"")).items
    assert (found.source, found.destination, found.text) == ("447700900001", "15005550006", "a b")


def test_a_text_may_be_empty_but_not_missing():
    addresses = {"id": "1", "from": "447700900001", "to": "15005550006"}
    assert [each.text for each in texts_in(PLAIN, {**addresses, "text": ""}).items] == [""]
    assert texts_in(PLAIN, addresses).problems == ["inbound_text finds no text; there are id, from, to"]
    assert texts_in(PLAIN, {**addresses, "text": "x" * (TEXT_MAX + 1)}).items == []
    assert [each.text for each in texts_in(PLAIN, {**addresses, "text": 1234}).items] == ["1234"]
    assert texts_in(PLAIN, {"text": "x", "to": "1"}).problems == ["inbound_from finds nothing; there are text, to"]
    with_media = HttpSettings(url="http://p.example/", inbound_media="media[].url")
    (found,) = texts_in(with_media, {**addresses, "media": [{"url": "https://m.example/1"}]}).items
    assert (found.text, found.media) == ("", ("https://m.example/1",))


SAID = ["Yes", "Grüße", "STOP", "🐦", "ok\ufffe", "\ufffeok", "\ufeffok", "a\0b", "€[]", "\ud83d", "", "Привет"]


@pytest.mark.parametrize("said", SAID, ids=[repr(said) for said in SAID])
def test_octets_say_what_the_text_said(said):
    (text,) = texts_in(PLAIN, {"id": "1", "from": "44770", "to": "15005", "text": said}).items
    (made,) = http_intake.inbound([text])
    back = segments.decode(made.octets, made.data_coding)
    assert back == said.replace("\0", "\ufffd").replace("\ud83d", "?")
    assert made.encoding == ("gsm7" if made.data_coding == 0 else "ucs2")
    assert made.carrier_message_id == "1"


def test_media_that_came_with_a_text_are_not_lost():
    (made,) = http_intake.inbound([HttpText("1", "44770", "15005", "look", ("https://m.example/1",))])
    assert (segments.decode(made.octets, made.data_coding), made.links) == ("look", ("https://m.example/1",))


def test_reports_carry_what_matching_needs():
    (made,) = http_intake.reports("hex_dec", [HttpReceipt("1f", "DELIVERED", "ok", None, None, "447700900001")])
    assert (made.message_ids, made.base, made.addresses) == (("1f",), "hex_dec", ("447700900001",))


URL = "https://sms.example/providers/CR1/t/receipts"


def test_twilio_signs_forms_queries_and_bodies():
    fields = {"b": "2", "a": "1"}
    body = urlencode(fields).encode()
    signed = twilio("token", URL, [("a", "1"), ("b", "2")])
    assert is_signed_by_twilio("token", signed, ["https://other.example/x", URL], FORM + "; charset=utf-8", body)
    assert not is_signed_by_twilio("token", signed, [URL], FORM, body + b"&c=3")
    assert not is_signed_by_twilio("other", signed, [URL], FORM, body)
    assert not is_signed_by_twilio("token", "", [URL], FORM, body)
    assert not is_signed_by_twilio("token", "\udcff", [URL], FORM, b"%ff")
    asked = f"{URL}?a=1"
    assert is_signed_by_twilio("token", twilio("token", asked), [asked], "", b"")
    told = f"{URL}?bodySHA256={hashlib.sha256(b'{}').hexdigest()}"
    assert is_signed_by_twilio("token", twilio("token", told), [told], "application/json", b"{}")
    assert not is_signed_by_twilio("token", twilio("token", told), [told], "application/json", b"[]")
    assert not is_signed_by_twilio("token", twilio("token", URL), [URL], "application/json", b"{}")


def test_the_address_of_calls_has_a_secret_in_it():
    vault = Vault(bytes(range(32)), SeededChance(1))
    token = vault.call_token("CR1", 1)
    assert len(token) == 32 and token.isalnum()
    assert len({token, vault.call_token("CR1", 2), vault.call_token("CR2", 1)}) == 3
    assert Vault(bytes(range(32)), SeededChance(2)).call_token("CR1", 1) == token
    assert call_path("CR1", token, "receipts") == f"/providers/CR1/{token}/receipts"


NAMES = st.sampled_from(["id", "status", "from", "to", "text", "results", "messageId"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([PLAIN, INFOBIP, TWILIO]))
def test_whatever_comes_is_read_or_refused_in_words(call, settings):
    for read in (receipts_in, texts_in):
        try:
            found = read(settings, call)
        except CallError:
            continue
        if read is receipts_in:
            assert http_intake.reports("same", found.items) is not None
        else:
            assert len(http_intake.inbound(found.items)) == len(found.items)


@given(st.text(), st.sampled_from(["", FORM, "application/json", "text/xml", "x"]), st.binary())
def test_octets_are_a_call_or_are_refused(query, kind, body):
    with suppress(CallError):
        call_of(query, kind, body)
