"""Screening: which texts may be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.limits import TEXT_MAX
from whimbrel.domain.screening import SHOWN, text_problems


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "Hello\nworld\r\n\tbye",
        "€£ {x}",
        "héllo",
        "привет",
        "👩‍👩‍👧 \u200d",
        "\ue000 private",
        "a\x85b",
        "a" * TEXT_MAX,
        "\ufeffhi",
        "0",
    ],
)
def test_good_texts(text: str) -> None:
    assert text_problems(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "text_missing"),
        (" \n\t\u00a0", "text_missing"),
        ("\u200b", "text_missing"),
        ("\ufeff \u2028", "text_missing"),
        ("a" * (TEXT_MAX + 1), "text_too_long"),
        ("👍" * (TEXT_MAX + 1), "text_too_long"),
        ("a\x00b", "invalid_text"),
        ("\x1b[31mred", "invalid_text"),
        ("a\x0cb", "invalid_text"),
        ("a\x7f", "invalid_text"),
        ("a\x9f", "invalid_text"),
        ("a\ud83d", "invalid_text"),
        ("\udc4da", "invalid_text"),
        ("a\uffff", "invalid_text"),
    ],
)
def test_bad_texts(text: str, code: str) -> None:
    problem = text_problems(text)
    assert problem is not None
    assert problem.code == code
    assert problem.detail


def test_positions_and_names_are_told() -> None:
    problem = text_problems("ab\x07c\ud83d\uffff")
    assert problem is not None
    assert [(c.position, c.code_point, c.name) for c in problem.characters] == [
        (2, "U+0007", "control character"),
        (4, "U+D83D", "lone surrogate"),
        (5, "U+FFFF", "not a character"),
    ]
    assert problem.detail == "No phone can show U+0007 (control character) at position 2 and 2 more."


def test_not_every_position_of_garbage_is_told() -> None:
    problem = text_problems("\x01" * TEXT_MAX)
    assert problem is not None
    assert len(problem.characters) == SHOWN


@given(st.text(max_size=60))
def test_what_passes_can_be_written_as_utf16(text: str) -> None:
    if text_problems(text) is None:
        assert text.encode("utf-16-be").decode("utf-16-be") == text
        assert not any(ord(c) < 32 and c not in "\n\r\t" for c in text)
