"""Which keyword is in a text, what is answered in which language and hour, and what no keyword may be."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.consent import understood
from whimbrel.domain.hook_hours import Window
from whimbrel.domain.keyword_rules import Keyword, KeywordBook, KeywordRule, answer, problems

NOON = 1_790_000_000_000_000  # Monday, 21 September 2026, 14:13:20 UTC


def keyword(name, *words, owner="AC1", match="whole", enabled=True, **more):
    rule = KeywordRule(words=words, match=match, answers={"en": name}, **more)
    return Keyword("KW" + name, "AC1", name, owner, enabled, msgspec.json.encode(rule).decode(), 1, 1)


BOOK = KeywordBook(
    [
        keyword("a", "hours", "Öffnungszeiten"),
        keyword("b", "join", match="first"),
        keyword("c", "hours", owner="PN1"),
        keyword("d", "off", enabled=False),
        keyword("e", "join now"),
        keyword("f", "hours"),
    ]
)


@pytest.mark.parametrize(
    ("text", "owners", "name"),
    [
        ("hours", ["AC1"], "a"),  # the older of two
        ("  HOURS!! ", ["AC1"], "a"),
        ("offnungszeiten", ["AC1"], "a"),
        ("hours please", ["AC1"], None),
        ("hours", ["PN1", "AC1"], "c"),
        ("hours", ["PN2", "MG1", "AC1"], "a"),
        ("join the club", ["AC1"], "b"),
        ("join now", ["AC1"], "e"),  # the whole text goes before the first word
        ("please join", ["AC1"], None),
        ("off", ["AC1"], None),
        ("", ["AC1"], None),
        ("🙂", ["AC1"], None),
    ],
)
def test_the_keyword_in_a_text(text, owners, name):
    found = BOOK.match(text, owners)
    assert (found[0].name if found else None) == name


LANGUAGES = {"en": "hello", "de": "hallo", "pt": "olá"}


@pytest.mark.parametrize(
    ("language", "country", "text"),
    [
        (None, "DE", "hallo"),
        (None, "US", "hello"),
        (None, None, "hello"),
        ("pt-BR", "DE", "olá"),
        ("fr", "DE", "hallo"),
        ("fr", "FR", "hello"),
    ],
)
def test_the_language_of_an_answer(language, country, text):
    rule = KeywordRule(words=("hi",), answers=LANGUAGES)
    found = answer(rule, phone="+491711234567", country=country, language=language, now_us=NOON)
    assert found is not None and found.text == text


def test_hours_and_what_is_said_outside_of_them():
    hours = Window(start="09:00", end="12:00", zone="UTC")
    closed = KeywordRule(words=("hi",), answers=LANGUAGES, hours=hours, outside={"en": "closed"})
    about = {"phone": "+491711234567", "country": "DE", "language": None}
    assert answer(closed, now_us=NOON, **about).text == "closed"
    assert answer(closed, now_us=NOON - 4 * 3600 * 1_000_000, **about).text == "hallo"
    silent = msgspec.structs.replace(closed, outside={})
    assert answer(silent, now_us=NOON, **about) is None
    only_tag = KeywordRule(words=("hi",), tag="vip")
    assert answer(only_tag, now_us=NOON, **about) is None
    template = KeywordRule(words=("hi",), template="hours")
    assert answer(template, now_us=NOON, **about).language == "de"


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        (KeywordRule(words=(), answers={"en": "x"}), "/words"),
        (KeywordRule(words=("🙂",), answers={"en": "x"}), "/words/0"),
        (KeywordRule(words=("ok", "STOP"), answers={"en": "x"}), "/words/1"),
        (KeywordRule(words=("arret",), answers={"en": "x"}), "/words/0"),
        (KeywordRule(words=("ok",)), "/answers"),
        (KeywordRule(words=("ok",), answers={"en": "x"}, template="t"), "/template"),
        (KeywordRule(words=("ok",), answers={"en": "x"}, outside={"en": "y"}), "/outside"),
        (KeywordRule(words=("ok",), answers={"en": "x"}, hours=Window(start="9", end="10:00")), "/hours/start"),
    ],
)
def test_what_no_keyword_may_be(rule, pointer):
    assert pointer in [each for each, _ in problems(rule)]


@given(st.text(max_size=20))
def test_what_means_stop_start_or_help_is_never_a_keyword(word):
    if understood(word) is not None:
        assert problems(KeywordRule(words=(word,), answers={"en": "x"}))
