"""Texts that say what a country asks for, and texts that do not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.notices import says


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Soldes -30% ! STOP 36180", True),
        ("Soldes -30% ! STOP au 36180", True),
        ("Soldes -30% ! Stop SMS: 36180.", True),
        ("Soldes\nstop\n36180", True),
        ("StopPub:36063", True),
        ("STOP36180", True),
        ("STOP", False),
        ("36180", False),
        ("36180 STOP", False),
        ("STOP 35180", False),
        ("STOP 361800", False),
        ("STOP 136180", False),
        ("STOP 3618", False),
        ("NONSTOP 36180", False),
        ("STOP to this number and win one of 36180 prizes", False),
        ("STOP ٣٦١٨٠", False),
        ("", False),
    ],
)
def test_stop_and_a_short_code(text, expected):
    assert says(text, "STOP 36xxx") is expected


@pytest.mark.parametrize(
    ("notice", "text", "expected"),
    [
        ("exit 38xxx", "exit 38111", True),
        ("exit 38xxx", "e1it 38111", False),
        ("Msg & data rates may apply", "Msg & data rates may apply.", True),
        ("Msg & data rates may apply", "Msg and data rates may apply.", False),
        ("(B) B-xxx1", "(B) B-4561", True),
        ("退订 TD", "回复退订 TD", True),
    ],
)
def test_other_words(notice, text, expected):
    assert says(text, notice) is expected


@pytest.mark.parametrize("word", ["x", "36xxx", "36XXX"])
def test_capitals_of_the_notice_do_not_matter(word):
    assert says("stop x 36180", f"STOP {word}")


@pytest.mark.parametrize(("notice", "text"), [("a " * 30, " a" * 800 + "!"), ("退 " * 29 + "Z", "退" * 1600)])
def test_no_text_takes_long_to_look_at(notice, text):
    began = time.process_time()
    assert says(text, notice) is not notice.endswith("Z")
    assert time.process_time() - began < 1, "with one pattern for all words it takes longer than anybody waits"


@given(st.text(max_size=20), st.integers(36_000, 36_999), st.text(max_size=20, alphabet=" :.,!-\n"))
def test_what_stands_around_it_does_not_matter(before, code, between):
    assert says(f"{before} STOP{between}{code} ", "STOP 36xxx")
