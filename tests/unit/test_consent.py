"""What texts say about consent, on three levels; confirmations are one segment."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec.segments import measure
from whimbrel.domain import consent
from whimbrel.domain.consent import KEYWORDS, confirmation, is_yes, language_for, understood
from whimbrel.domain.consent_words import CONFIRMATIONS, ROWS, SPOKEN_IN

STOPS = [
    "STOP",
    "stop",
    " Stop ",
    "Stop.",
    "STOP!!!",
    "“stop”",
    "S.T.O.P.",
    "stop 🛑",
    "🙏🏽stop❤️",
    "ＳＴＯＰ",
    "stop\n",
    "STOPALL",
    "stop all",
    "Unsubscribe",
    "cancel",
    "END",
    "quit",
    "revoke",
    "optout",
    "opt out",
    "Opt-Out",
    "opt   out",
    "opt\u00a0out",
    "remove",
    "stop" + " " * 200,
    "ARRÊT",
    "Arrêté!",
    "İPTAL",
    "إلغاء",
    "СТОП",
    "रोकें",
    "退订。",
    "停止",
]
GUESSES = [
    ("stop it", "first"),
    ("Stop, please!", "first"),
    ("STOP sending me this stuff", "first"),
    ("opt-out now", "first"),
    ("unsubscribe me from this list", "first"),
    ("stopp bitte", "first"),
    ("please stop", "phrase"),
    ("Don’t text me again", "phrase"),
    ("Sorry, you have the wrong number.", "phrase"),
    ("por favor, no más mensajes", "phrase"),
    ("¡No más, gracias!", "first"),
    ("Ne m’envoyez plus rien", "phrase"),
    ("Bitte hört auf damit", "phrase"),
    ("Больше не пишите!", "phrase"),
]
NOT_KEYWORDS = [
    "",
    "   ",
    "🛑",
    "stop by at six",
    "don't stop",
    "please don't stop sending them",
    "stop by the shop if you can make it today",
    "I have the wrong number of shirts",
    "the train stops at nine",
    "cancel my appointment",
    "end of story",
    "रो",
    "non stop",
    "stopping",
    "the end",
    "yes please",
    "help me",
    "1",
    "halt",
    "wrong number " + "and so on " * 5,
    "please stop" + "!" * 200,
    "start now",
]


@pytest.mark.parametrize("text", STOPS)
def test_stop(text):
    said = understood(text)
    assert said is not None and said.word == "stop" and not said.is_guess


@pytest.mark.parametrize(("text", "level"), GUESSES)
def test_a_stop_in_other_words_is_a_guess(text, level):
    said = understood(text)
    assert said is not None and (said.word, said.level, said.is_guess) == ("stop", level, True)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.language}-{row.meaning}-{row.source[:7]}")
def test_each_row_is_heard_as_what_it_says(row):
    for word in (*row.whole, *row.first):
        assert KEYWORDS[_plain(word)] == row.meaning, word
    for word in row.first:
        assert understood(f"{word} xyz").level == "first", word
    for phrase in row.phrases:
        assert understood(f"xyz {phrase.title()}!!").word == row.meaning, phrase
    assert row.source and re.fullmatch(r"20\d\d-\d\d-\d\d", row.as_of)


def _plain(word):
    return next(known for known in KEYWORDS if understood(word) == understood(known))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("START", "start"), ("yes", "start"), ("Unstop.", "start"), ("HELP", "help"), ("info?", "help")],
)
def test_start_and_help(text, meaning):
    assert understood(text).word == meaning


@pytest.mark.parametrize("text", NOT_KEYWORDS)
def test_everything_else_is_an_answer(text):
    assert understood(text) is None


@pytest.mark.parametrize(("text", "expected"), [("Yes!", True), ("START", False), ("yes please", False)])
def test_yes_is_told_apart(text, expected):
    assert is_yes(text) is expected


@given(
    st.sampled_from(sorted(KEYWORDS)),
    st.sampled_from([str.upper, str.title, str.lower]),
    st.text("!?.,-'\" \n🙂", max_size=9),
)
def test_what_stands_around_a_keyword_does_not_count(word, case, around):
    assert understood(around + case(word) + around).word == KEYWORDS[word]


@given(st.text(max_size=300))
def test_any_text_has_a_meaning_or_none(text):
    said = understood(text)
    assert said is None or (said.word in {"stop", "start", "help"} and (said.word == "stop" or not said.is_guess))


NAMES = ["Whimbrel", "A" * 128, "Кроншнеп", "鷸" * 128, "Ż🐦" * 60, "", "two\nlines", "[brackets]" * 12]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", CONFIRMATIONS)
@pytest.mark.parametrize("kind", ["stop", "start", "help"])
def test_a_confirmation_is_one_segment_in_the_name_of_the_account(kind, language, name):
    text = confirmation(kind, name, language)
    assert measure(text).segments == 1
    assert text.startswith(" ".join(name.split())[:10])
    assert {"stop": "START", "start": "STOP", "help": "STOP"}[kind] in text


def test_a_confirmation_never_opts_anyone_out():
    kinds = ("stop", "start", "help")
    texts = [
        confirmation(kind, name, language) for kind in kinds for language in CONFIRMATIONS for name in ("Shop", "鷸")
    ]
    assert [text for text in texts if understood(text)] == []


@pytest.mark.parametrize(
    ("text", "country", "language"),
    [
        ("Stop", "US", "en"),
        ("Stop", "DE", "de"),
        ("Stop", "CH", "en"),
        ("Stop", None, "en"),
        ("arrêt", "CH", "fr"),
        ("退订", "US", "zh"),
    ],
)
def test_a_confirmation_speaks_the_language_of_the_word_or_the_country(text, country, language):
    assert language_for(understood(text), country) == language


def test_each_country_has_one_language_that_there_are_confirmations_in():
    countries = [country for spoken in SPOKEN_IN.values() for country in spoken]
    assert len(countries) == len(set(countries)) and SPOKEN_IN.keys() <= CONFIRMATIONS.keys()


def test_a_keyword_in_octets_counts_unless_a_header_addresses_them():
    assert consent.heard("Stop.", "gsm7", is_addressed=True).word == "stop"
    assert consent.heard(b"Stop.".hex(), "binary", is_addressed=False).word == "stop"
    assert consent.heard(b"Stop.".hex(), "binary", is_addressed=True) is None
    assert consent.heard("ff" * 5000, "binary", is_addressed=False) is None
    assert consent.heard(b"Stop.".hex(), "gsm7", is_addressed=False) is None
