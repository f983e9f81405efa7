"""Keywords are whole messages; confirmations are one segment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec.segments import measure
from whimbrel.domain import consent
from whimbrel.domain.consent import KEYWORDS, confirmation, is_yes, keyword

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
]
NOT_KEYWORDS = [
    "",
    "   ",
    "🛑",
    "stop by at six",
    "please stop",
    "don't stop",
    "stop it",
    "non stop",
    "stopping",
    "the end",
    "yes please",
    "help me",
    "1",
    "halt",
    "stop" + " " * 200,
    "start now",
]


@pytest.mark.parametrize("text", STOPS)
def test_stop(text):
    assert keyword(text) == "stop"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("START", "start"), ("yes", "start"), ("Unstop.", "start"), ("HELP", "help"), ("info?", "help")],
)
def test_start_and_help(text, meaning):
    assert keyword(text) == meaning


@pytest.mark.parametrize("text", NOT_KEYWORDS)
def test_everything_else_is_an_answer(text):
    assert keyword(text) is None


@pytest.mark.parametrize(("text", "expected"), [("Yes!", True), ("START", False), ("yes please", False)])
def test_yes_is_told_apart(text, expected):
    assert is_yes(text) is expected


@given(
    st.sampled_from(sorted(KEYWORDS)),
    st.sampled_from([str.upper, str.title, str.lower]),
    st.text("!?.,-'\" \n🙂", max_size=9),
)
def test_what_stands_around_a_keyword_does_not_count(word, case, around):
    assert keyword(around + case(word) + around) == KEYWORDS[word]


@given(st.text(max_size=300))
def test_any_text_has_a_meaning_or_none(text):
    assert keyword(text) in (None, "stop", "start", "help")


NAMES = ["Whimbrel", "A" * 128, "Кроншнеп", "鷸" * 128, "Ż🐦" * 60, "", "two\nlines", "[brackets]" * 12]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["stop", "start", "help"])
def test_a_confirmation_is_one_segment_in_the_name_of_the_account(kind, name):
    text = confirmation(kind, name)
    assert measure(text).segments == 1
    assert text.startswith(" ".join(name.split())[:10])
    assert "STOP" in text or "START" in text


def test_a_confirmation_never_opts_anyone_out():
    assert all(keyword(confirmation(kind, "Whimbrel")) is None for kind in ("stop", "start", "help"))


def test_a_keyword_in_octets_counts_unless_a_header_addresses_them():
    assert consent.heard("Stop.", "gsm7", is_addressed=True) == "stop"
    assert consent.heard(b"Stop.".hex(), "binary", is_addressed=False) == "stop"
    assert consent.heard(b"Stop.".hex(), "binary", is_addressed=True) is None
    assert consent.heard("ff" * 5000, "binary", is_addressed=False) is None
    assert consent.heard(b"Stop.".hex(), "gsm7", is_addressed=False) is None
