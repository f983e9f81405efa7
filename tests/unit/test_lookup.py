"""What a number says about itself, as a table; and that it agrees with what accept takes for a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.lookup import is_country, look
from whimbrel.domain.numbers import normalise


@pytest.mark.parametrize(
    ("given", "country", "number", "where", "kind", "operator", "zones"),
    [
        ("+4915112345678", "", "+4915112345678", "DE", "mobile", "T-Mobile", ("Europe/Berlin",)),
        ("020 7946 0958", "GB", "+442079460958", "GB", "fixed", None, ("Europe/London",)),
        ("(415) 555-0123", "US", "+14155550123", "US", "fixed_or_mobile", None, ("America/Los_Angeles",)),
        ("+881612345678", "", "+881612345678", None, "mobile", "iridium satellite", ()),
        ("+44 20 7946 0958", "US", "+442079460958", "GB", "fixed", None, ("Europe/London",)),
    ],
)
def test_valid_numbers(given, country, number, where, kind, operator, zones):
    found = look(given, country)
    assert (found.valid, found.reason, found.number, found.country) == (True, None, number, where)
    assert (found.line_type, found.operator, found.time_zones) == (kind, operator, zones)


def test_a_number_is_written_as_in_its_country_and_as_abroad():
    found = look("+447911123456")
    assert (found.national, found.international, found.calling_code) == ("07911 123456", "+44 7911 123456", "44")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("hello", "not_a_number"),
        ("", "not_a_number"),
        ("4155550123", "invalid_country_code"),  # whose country nobody said
        ("+999123456789", "invalid_country_code"),
        ("+1415", "too_short"),
        ("+14155550123456789", "too_long"),
        ("+" + "1" * 60, "too_long"),
        ("+10005550100", "invalid_but_possible"),
        ("+492", "too_short"),
        ("+43123456789012345", "too_long"),
    ],
)
def test_why_a_number_is_none(given, reason):
    found = look(given)
    assert (found.valid, found.reason, found.line_type, found.time_zones) == (False, reason, None, ())


@given(st.text("+0123456789 -()", min_size=1, max_size=18))
def test_what_accept_takes_is_valid_here(text):
    number = normalise(text)
    if number is not None:
        found = look(number.e164)
        assert (found.valid, found.number) == (True, number.e164)
    elif text.startswith("+") and text[1:].isdigit():
        assert not look(text).valid


def test_countries():
    assert is_country("GB") and not is_country("XX") and not is_country("001") and not is_country("gb")
