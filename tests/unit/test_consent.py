"""What texts say about consent, on three levels; confirmations are one segment."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec.segments import measure
from whimbrel.domain import consent
from whimbrel.domain.consent import KEYWORDS, confirmation, is_yes, language_for, understood
from whimbrel.domain.consent_books import ConsentText, TextBook
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
    "S T O P",
    "o p t  o u t.",
    "停 止",
    "stop_all",
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
    ("Stop,please", "first"),
    ("STOP…thanks", "first"),
    ("stop🛑please", "first"),
    ("Stop/no more", "first"),
    ("Wrong number,who is this?", "phrase"),
    ("don´t text me", "phrase"),
    ("donʼt text me", "phrase"),
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
    "stop-by at six",
    "stop,by the way",
    "please don´t stop sending them",
    "please don`t stop sending,ever",
    "write to stop@example.com",
    "can't.stop,won't.stop",
    "H E L P",
    "help,me",
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


ACCENTS = st.sampled_from(["", "", "\u0301", "\u0308", "\u0327\u0302"])
SIGNS = st.text("!?.,;:'’´\"-_*/()\u200b\u200d🙂🛑👍🏽❤️", max_size=2)
SPACES = st.text(" \t\n\r\u00a0\u2003\u3000", min_size=1, max_size=3)


@st.composite
def written(draw, word):
    """A word as a phone may write it: each letter in either case, wide or not, with accents on it and signs behind it,
    and any kind and number of spaces between words and around them."""
    said = draw(SPACES | SIGNS)
    for letter in word:
        if letter == " ":
            said += draw(SPACES)
            continue
        wide = chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter
        drawn = draw(st.sampled_from([letter, letter.upper(), wide, wide.upper()]))
        said += drawn + draw(ACCENTS) + draw(SIGNS)
    return said + draw(SPACES | SIGNS)


@given(st.data(), st.sampled_from(sorted(KEYWORDS)))
def test_a_keyword_is_heard_however_it_is_written(data, word):
    said = understood(data.draw(written(word)))
    assert said is not None and (said.word, said.level) == (KEYWORDS[word], "whole")


FIRST = sorted({word for row in ROWS for word in row.first})


@given(st.data(), st.sampled_from(FIRST), st.sampled_from([*"!?.,;:/*)…🛑", "..", "!\n", " - ", "👍🏽"]))
def test_a_first_word_is_told_from_the_next_by_any_sign(data, word, sign):
    behind = data.draw(st.lists(st.sampled_from(["please", "thanks", "xyz", "now"]), min_size=1, max_size=4))
    said = understood(f"{word}{sign}{' '.join(behind)}")
    assert said is not None and (said.word, said.level) == ("stop", "first")


# 3.1 of the reference, source by source
REFERENCE = [
    ("stop", "en", "FCC", "stop, quit, end, revoke, opt out, cancel, unsubscribe"),
    ("stop", "en", "CTIA", "STOP, END, CANCEL, UNSUBSCRIBE, QUIT"),
    ("help", "en", "CTIA", "HELP, INFO"),
    ("stop", "en", "Twilio", "STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, REVOKE, OPTOUT"),
    ("start", "en", "Twilio", "START, YES, UNSTOP"),
    ("help", "en", "Twilio", "HELP, INFO"),
    ("stop", "fr", "Twilio, France", "ARRET, ARRETE, ARRETT"),
    ("stop", "en", "AWS", "CANCEL, END, OPT-OUT, OPTOUT, QUIT, REMOVE, STOP, TD, UNSUBSCRIBE"),
    ("stop", "fr", "AWS", "ARRET"),
    ("stop", "en", "France", "STOP"),
    ("help", "fr", "France", "CONTACT"),
    ("stop", "es", "ours", "BAJA, ALTO, CANCELAR"),
    ("stop", "pt", "ours", "SAIR"),
    ("stop", "es", "ours, as Spanish has them too", "PARAR, CANCELAR"),
    ("stop", "de", "ours", "STOPP, ABMELDEN"),
    ("stop", "nl", "ours", "AFMELDEN"),
    ("stop", "it", "ours", "ANNULLA, BASTA"),
    ("stop", "de", "ours, as German has it too", "STOPP"),
    ("stop", "sv", "ours", "AVSLUTA"),
    ("stop", "pl", "ours", "REZYGNUJ"),
    ("stop", "tr", "ours", "IPTAL, RET"),
    ("stop", "ar", "ours", "إلغاء"),
    ("stop", "ru", "ours", "СТОП"),
    ("stop", "hi", "ours", "रोकें"),
    ("stop", "zh", "ours", "退订"),
    ("stop", "en", "ours, as English has it too", "TD"),
    ("stop", "ja", "ours", "停止"),
]


@pytest.mark.parametrize(
    ("meaning", "language", "word"),
    [(meaning, tongue, word) for meaning, tongue, _, words in REFERENCE for word in words.split(", ")],
)
def test_each_word_of_the_reference_means_what_it_says_there(meaning, language, word):
    assert understood(word) == consent.Heard(meaning, "whole", language, everything=word == "STOPALL")


@pytest.mark.parametrize("text", ["stop please", "don't text me", "no mas", "remove me", "wrong number", "opt-out now"])
def test_each_example_of_the_reference_is_a_guess(text):
    said = understood(text)
    assert said is not None and said.word == "stop" and (said.is_guess or text == "no mas")


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


@pytest.mark.parametrize("name", NAMES)
def test_a_text_of_the_accounts_own_is_one_segment_too(name):
    text = confirmation("help", name, "en", "{name}: help at acme.example/help, or call us. STOP to opt out.")
    assert measure(text).segments == 1 and "acme.example/help" in text
    assert confirmation("help", name, "en", "No name in it.") == "No name in it."


def test_a_language_of_a_region_is_answered_in_its_language():
    assert confirmation("stop", "Acme", "pt-BR") == confirmation("stop", "Acme", "pt")
    assert consent.question("Acme", "pt-BR") == consent.question("Acme", "pt")
    book = TextBook([ConsentText("KT1", "AC1", "", "help", tongue, tongue, 1) for tongue in ("pt", "*")])
    assert [book.find("AC1", None, "help", tongue) for tongue in ("pt-BR", "pt", "de")] == ["pt", "pt", "*"]


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
