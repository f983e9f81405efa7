"""Moments to text and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base import moments


@pytest.mark.parametrize(
    ("at_us", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_800_000_000_000_000, "2027-01-15T08:00:00.000000Z"),
        (1_800_000_000_000_001, "2027-01-15T08:00:00.000001Z"),
    ],
)
def test_known_moments(at_us, text):
    assert moments.to_text(at_us) == text
    assert moments.from_text(text) == at_us


@pytest.mark.parametrize("text", ["2027-01-15T10:00:00+02:00", "2027-01-15T08:00:00Z", "2027-01-15 08:00:00.0+00:00"])
def test_zones_and_forms_mean_the_same_moment(text):
    assert moments.from_text(text) == 1_800_000_000_000_000


@pytest.mark.parametrize("text", ["2027-01-15T08:00:00", "2027-01-15", "soon", ""])
def test_texts_without_a_moment_are_refused(text):
    with pytest.raises(ValueError):
        moments.from_text(text)


@given(st.integers(0, 250_000_000_000_000_000))
def test_there_and_back(at_us):
    assert moments.from_text(moments.to_text(at_us)) == at_us


def test_an_empty_column_stays_empty():
    assert moments.to_text_or_none(None) is None
    assert moments.to_text_or_none(0) == moments.to_text(0)


@pytest.mark.parametrize(
    ("at_us", "text"),
    [
        (1_692_853_305_000_000, "Thu, 24 Aug 2023 05:01:45 +0000"),  # Twilio's own example
        (1_800_000_000_999_999, "Fri, 15 Jan 2027 08:00:00 +0000"),
        (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
    ],
)
def test_moments_as_twilio_writes_them(at_us, text):
    assert moments.to_rfc2822(at_us) == text
