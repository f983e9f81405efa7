"""What answers of carriers over HTTP mean. Whole exchanges are in tests/carriers; here is what bodies can be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.errors import CATALOGUE
from whimbrel.domain.http_answers import ID_MAX, WORDS_OF_STATUSES, Verdict, read_answer, read_body, scalar
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.outcomes import is_temporary
from whimbrel.domain.refusals import FINAL_REASONS

FORM = "application/x-www-form-urlencoded; charset=utf-8"


def read(status: int, body: Any = b"", content_type: str = "application/json", **settings: Any) -> Verdict:
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(HttpSettings(url="https://api.example/", **settings), status, octets, content_type)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, "accepted") for status in (200, 201, 202, 204, 299)),
        *((status, "refused_now") for status in (300, 301, 304, 307, 308, 401, 402, 403, 404, 405, 407)),
        *((status, "refused") for status in (400, 406, 408, 409, 410, 413, 422, 451, 499)),
        *((status, "throttled") for status in (429, 503)),
        *((status, "in_doubt") for status in (302, 303, 500, 501, 502, 504, 505, 520, 524, 599, 600, 999)),
    ],
)
def test_every_status_means_something(status: int, kind: str) -> None:
    verdict = read(status, b"<html>", answer_id="")
    assert (verdict.kind, verdict.status) == (kind, status)
    if kind != "accepted":
        assert verdict.reason in CATALOGUE
        assert is_temporary(verdict.reason) == (kind != "refused")


def test_what_speaks_of_us_and_of_no_message_is_a_bare_status() -> None:
    ours = {status for status in range(100, 1000) if read(status).is_ours}
    assert ours == {*range(100, 200), *range(300, 400), 401, 402, 404, 405, 407} - {302, 303}
    named = {"answer_code": "code", "statuses": {"17": "temporary", "403": "barred", "404": "temporary"}}
    assert not any(read(status, {"code": "17"}, **named).is_ours for status in ours)
    assert not any(read(status, **named).is_ours for status in (403, 404))
    assert read(401, {"code": "18"}, **named).is_ours


@given(
    st.integers(100, 999),
    st.binary(max_size=80) | st.from_type(type(None) | str | int | float).map(lambda v: json.dumps(v).encode()),
    st.sampled_from(["", "application/json", FORM, "text/plain"]),
    st.sampled_from(["id", "@", "a.b[0]", "length(@)", "to_number(@)"]),
)
def test_whatever_comes_there_is_a_verdict(status: int, body: bytes, content_type: str, path: str) -> None:
    settings = {"answer_id": path, "answer_code": path, "answer_ok": ("0",), "statuses": {"1": "throttled"}}
    verdict = read(status, body, content_type, **settings)
    assert verdict.kind != "accepted" or 200 <= status < 300
    assert (verdict.reason is None) == (verdict.kind == "accepted")


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        (b'{"a": [1]}', "text/plain", {"a": [1]}),
        (b"id=7&id=8&x=", FORM, {"id": ["7", "8"], "x": ""}),
        (b"OK: 17\r\n", "text/plain", "OK: 17"),
        (b"", "application/json", None),
        (b"  ", "text/html", None),
        (b"\xff\xfe", "text/plain", None),
        (b"[" * 100_000, "application/json", "[" * 100_000),
    ],
)
def test_bodies(body: bytes, content_type: str, value: Any) -> None:
    assert read_body(body, content_type) == value


@pytest.mark.parametrize(
    ("value", "word"),
    [("a", "a"), (" a ", "a"), (0, "0"), (True, "true"), (False, "false"), (None, ""), ([], ""), ({}, ""), (1.5, "")],
)
def test_words(value: Any, word: str) -> None:
    assert scalar("x", {"x": value}) == word


def test_an_id_that_is_too_long_to_be_one_is_none() -> None:
    assert read(200, {"id": "x" * ID_MAX}).carrier_message_id == "x" * ID_MAX
    assert read(200, {"id": "x" * (ID_MAX + 1)}).carrier_message_id is None


def test_its_own_word_says_more_than_the_status() -> None:
    settings = {"answer_code": "code", "statuses": {"a": "throttled", "400": "temporary", "b": "barred"}}
    assert read(400, {"code": "a"}, **settings).kind == "throttled"
    assert read(400, {"code": "b"}, **settings).reason == "barred"
    assert read(400, {"code": "c"}, **settings).kind == "refused_now"
    assert read(200, {"code": "a"}, **settings).kind == "throttled"
    assert read(200, {"code": "c", "id": 1}, **settings).kind == "accepted"  # HTTP says so


def test_a_word_that_means_yes_is_no_yes_under_a_status_that_is_none() -> None:
    settings = {"answer_code": "code", "answer_ok": ("0",)}
    assert read(500, {"code": "0"}, **settings).kind == "in_doubt"
    assert read(400, {"code": "0"}, **settings).kind == "refused"
    assert read(200, {"code": 0}, **settings).kind == "accepted"


@pytest.mark.parametrize(
    ("body", "settings", "kind"),
    [
        ({"id": 7}, {}, "accepted"),
        (b"<html>Sign in to the network</html>", {}, "in_doubt"),
        (b"", {}, "in_doubt"),
        ({"id": ""}, {}, "in_doubt"),
        ({"id": None}, {"answer_id": "id"}, "in_doubt"),
        ({"code": "c"}, {"answer_code": "code"}, "in_doubt"),  # a word that means nothing without `answer_ok`
        (b"", {"answer_id": ""}, "accepted"),
        ({"code": "0"}, {"answer_code": "code", "answer_ok": ("0",)}, "accepted"),
        ({"id": 7}, {"answer_code": "code", "answer_ok": ("0",)}, "in_doubt"),
    ],
)
def test_a_yes_that_is_not_the_carriers_own_is_none(body: Any, settings: dict[str, Any], kind: str) -> None:
    assert read(200, body, **settings).kind == kind


def test_a_number_of_its_own_is_the_status_that_is_kept() -> None:
    assert read(400, {"code": 21211}, answer_code="code").status == 21211
    assert read(500, {"code": 0}, answer_code="code").status == 500
    assert read(400, {"code": "E1"}, answer_code="code") == Verdict("refused", 400, None, "carrier_rejected", "E1")


def test_words_of_statuses_and_final_reasons_are_apart() -> None:
    assert not WORDS_OF_STATUSES & FINAL_REASONS
    assert {"throttled", "temporary", "daily_cap_reached", "doubt"} == WORDS_OF_STATUSES
