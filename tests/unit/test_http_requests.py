"""Requests to carriers over HTTP: whatever a message holds, the provider reads it as it was written, and it cannot add
a field, a parameter, a header or a request; settings that make no request say which one and why."""

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.http_requests import Request, Template, TemplateError, Unrenderable, Values

URL = "https://api.example/v1/messages"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def values(**more: Any) -> Values:
    return Values(**{"to": "+447911123456", "sender": "+12025550100", "text": "Hi", "reference": "SM1-1"} | more)


def request(given: Values | None = None, **settings: Any) -> Request:
    secret = settings.pop("password", "pw")
    return Template(HttpSettings(**{"url": URL} | settings), secret).request(given or values())


def fields(given: Values | None = None, **settings: Any) -> Any:
    return json.loads(request(given, **settings).body or b"")


@given(TEXTS, TEXTS)
def test_json_holds_the_text_as_it_was_written(text: str, sender: str) -> None:
    found = fields(values(text=text, sender=sender), fields={"t": "<{text}>", "deep": [{"f": "{from}|{text}"}]})
    assert found == {"t": f"<{text}>", "deep": [{"f": f"{sender}|{text}"}]}


@given(TEXTS, TEXTS)
def test_a_form_holds_the_text_as_it_was_written_and_nothing_else(text: str, sender: str) -> None:
    made = request(values(text=text, sender=sender), encoding="form", fields={"a": "1{text}", "b": "{from}"})
    pairs = [("a", f"1{text}"), *([("b", sender)] if sender else [])]
    assert parse_qsl((made.body or b"").decode("ascii"), keep_blank_values=True) == pairs


@given(TEXTS, TEXTS)
def test_a_url_holds_the_text_as_it_was_written_and_nothing_else(text: str, sender: str) -> None:
    url = "https://api.example/{from}/send?t={text}"
    made = request(values(text=text, sender=sender), url=url, method="GET", encoding="query", fields={"x": "{text}!"})
    assert made.url.isascii()
    assert made.url.isprintable()
    parts = urlsplit(made.url)
    assert parts.netloc == "api.example"
    assert [unquote(step) for step in parts.path.split("/")] == ["", sender, "send"]
    assert parse_qsl(parts.query, keep_blank_values=True) == [("t", text), ("x", f"{text}!")]
    assert made.body is None


@given(st.text(max_size=40))
def test_a_header_holds_the_text_as_it_was_written_or_is_refused(text: str) -> None:
    is_plain = not any(ord(each) < 0x20 or each == "\x7f" for each in text)
    try:
        made = request(values(text=text), headers={"X-Text": "t={text}"}, fields={})
    except Unrenderable as error:
        assert not is_plain
        assert error.reason == "carrier_rejected"
    else:
        assert is_plain
        assert made.headers["X-Text"] == f"t={text}"


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_of_settings_makes_a_request_or_says_why_not(text: str, name: str) -> None:
    """And braces that are doubled come out as they are."""
    try:
        request(fields={name: text}, headers={"X-A": text}, url=f"{URL}?{text}")
    except TemplateError as error:
        assert error.setting.partition("/")[0] in ("fields", "headers", "url")
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert fields(fields={name: escaped}) == {name: text}


@given(st.text(max_size=40), st.sampled_from(["", "https://", "https://api.example", "https://[", "{username}"]))
def test_any_url_makes_a_request_or_says_why_not(text: str, start: str) -> None:
    try:
        Template(HttpSettings(url=start + text, username="https://api.example/"), "pw")
    except TemplateError as error:
        assert error.setting == "url"


def test_every_placeholder() -> None:
    names = {
        "to": "+447911123456",
        "to_digits": "447911123456",
        "from": "+12025550100",
        "from_digits": "12025550100",
        "text": "Hi",
        "reference": "SM1-1",
        "callback": "https://us.example/r",
        "validity_s": "60",
        "encoding": "unicode",
        "username": "AC1",
        "password": "pw{text}",
        "media": ["https://m.example/1"],
    }
    given = values(callback="https://us.example/r", validity_s=60, encoding="ucs2", media=("https://m.example/1",))
    settings = {"fields": {name: f"{{{name}}}" for name in names}, "username": "AC1"}
    assert fields(given, **settings, password="pw{text}", encodings={"ucs2": "unicode"}) == names
    assert Template(HttpSettings(url=URL, **settings), "").names == set(names)


def test_what_is_empty_is_left_out_and_constants_stay_what_they_are() -> None:
    given = {
        "callback": "{callback}",
        "media": "{media}",
        "user": "{username}",
        "ttl": "{validity_s:number}",
        "mixed": "c={callback}",
        "list": ["{callback}", 1, True, None, 1.5, ""],
        "deep": {"callback": "{callback}"},
    }
    assert fields(fields=given) == {"mixed": "c=", "list": [1, True, None, 1.5, ""], "deep": {}}


def test_numbers() -> None:
    given = {"to": "{to_digits:number}", "ttl": "{validity_s:number}"}
    assert fields(values(validity_s=60), fields=given) == {"to": 447911123456, "ttl": 60}
    assert request(encoding="form", fields=given).body == b"to=447911123456"
    with pytest.raises(Unrenderable) as caught:
        fields(values(sender="Tern"), fields={"from": "{from_digits:number}"})
    assert caught.value.reason == "invalid_source"


def test_words_as_senders_have_no_digits_to_take() -> None:
    assert fields(values(sender="Tern"), fields={"a": "{from_digits}"}) == {"a": "Tern"}


def test_a_form_repeats_the_name_of_a_list() -> None:
    given = values(media=("https://m.example/1", "https://m.example/2"))
    made = request(given, encoding="form", fields={"MediaUrl": "{media}", "tag": ["a", "b"], "n": 1, "no": None})
    assert parse_qsl((made.body or b"").decode()) == [
        ("MediaUrl", "https://m.example/1"),
        ("MediaUrl", "https://m.example/2"),
        ("tag", "a"),
        ("tag", "b"),
        ("n", "1"),
    ]


def test_headers_that_need_not_be_written_and_those_that_are() -> None:
    made = request(auth="basic", username="Aladdin", password="open sesame")
    assert made.headers["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="  # RFC 7617 2
    assert made.headers["Content-Type"] == "application/json"
    own = {"content-type": "application/vnd.api+json", "AUTHORIZATION": "App {password}", "Accept": "text/plain"}
    assert request(auth="bearer", headers=own).headers == own | {"AUTHORIZATION": "App pw"}
    assert "Content-Type" not in request(method="POST", encoding="query").headers


def test_a_post_may_have_all_in_its_url() -> None:
    made = request(encoding="query", fields={"a": "{to}"}, url=f"{URL}?k=1")
    assert (made.method, made.url, made.body) == ("POST", f"{URL}?k=1&a=%2B447911123456", b"")


def test_the_host_may_hold_what_the_operator_alone_has_a_say_in() -> None:
    template = Template(HttpSettings(url="https://{username}.api.example:8443", username="ab1"), "")
    assert (template.host, template.place) == ("ab1.api.example:8443", "https://ab1.api.example:8443/")


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"fields": {"a": "{nobody}"}}, "fields/a", "{nobody} is no placeholder"),
    ({"fields": {"a": {"b": ["{}"]}}}, "fields/a/b/0", "{} is no placeholder"),
    ({"fields": {"a": "{to:text}"}}, "fields/a", "{to:text} is no placeholder: only :number may follow a name"),
    (
        {"fields": {"a": "{media:number}"}},
        "fields/a",
        "{media:number} is no placeholder: only :number may follow a name",
    ),
    ({"fields": {"a": "a {to_digits:number}"}}, "fields/a", "{to_digits} must stand alone in a field"),
    ({"fields": {"a": "x{media}"}}, "fields/a", "{media} must stand alone in a field"),
    ({"fields": {"a": "{to"}}, "fields/a", "a single { must be doubled"),
    ({"fields": {"a": "to}"}}, "fields/a", "a single } must be doubled"),
    ({"headers": {"X": "{media}"}}, "headers/X", "{media} must stand alone in a field"),
    ({"headers": {"X": "a\r\nEvil: 1"}}, "headers/X", "holds a control character"),
    ({"url": "https://{to}.example/"}, "url", "must name its host without what is of a message"),
    ({"url": "https://api.example{text}"}, "url", "must name its host without what is of a message"),
    ({"url": "{text}"}, "url", "must name its host without what is of a message"),
    ({"url": ""}, "url", "is missing"),
    ({"url": "https://[/"}, "url", "cannot be read"),
    ({"url": "https://api.example/#a"}, "url", "must not have a fragment"),
    ({"method": "GET"}, "encoding", "must be query for GET, which has no body"),
    (
        {"encoding": "form", "fields": {"a": {"b": 1}}},
        "fields/a",
        "must be a text, a number, true, false, or a list of these outside JSON",
    ),
    (
        {"encoding": "query", "fields": {"a": [["b"]]}},
        "fields/a",
        "must be a text, a number, true, false, or a list of these outside JSON",
    ),
]


@pytest.mark.parametrize(("settings", "setting", "detail"), BAD)
def test_settings_that_make_no_request(settings, setting, detail) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(HttpSettings(**{"url": URL} | settings), "pw")
    assert (caught.value.setting, caught.value.detail) == (setting, detail)


def test_a_password_that_would_end_a_header_makes_none() -> None:
    with pytest.raises(TemplateError, match="holds a control character"):
        Template(HttpSettings(url=URL, auth="bearer"), "pw\r\nEvil: 1")


def test_half_a_character_cannot_be_sent() -> None:
    for encoding in ("json", "form", "query"):
        with pytest.raises(Unrenderable) as caught:
            request(values(text="\ud83d"), encoding=encoding, fields={"t": "{text}"})
        assert caught.value.reason == "carrier_rejected"
