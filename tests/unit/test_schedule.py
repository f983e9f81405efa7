"""Times to send and validities."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base import limits, moments
from whimbrel.domain.schedule import parse_time, problem, window

S = 1_000_000
NOW = 1_800_000_000 * S  # 2027-01-15T08:00:00Z


@pytest.mark.parametrize(
    ("text", "at_us"),
    [
        ("2027-01-15T08:00:00Z", NOW),
        ("2027-01-15t08:00:00z", NOW),
        ("2027-01-15 08:00:00Z", NOW),
        ("2027-01-15T08:00:00+00:00", NOW),
        ("2027-01-15T10:30:00+02:30", NOW),
        ("2027-01-14T23:00:00-09:00", NOW),
        ("2027-01-15T08:00:00.25Z", NOW + 250_000),
        ("2027-01-15T08:00:00.000001Z", NOW + 1),
        ("2027-01-15T08:00:00.000001999Z", NOW + 1),
        ("2027-01-15T07:59:60Z", NOW),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_times(text: str, at_us: int) -> None:
    assert parse_time(text) == at_us


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2027-01-15",
        "2027-01-15T08:00Z",
        "2027-01-15T08:00:00",  # no zone
        "20270115T080000Z",
        "2027-W02-5T08:00:00Z",
        "2027-02-30T08:00:00Z",
        "2027-01-15T24:00:00Z",
        "2027-01-15T08:00:00+0200",
        "2027-01-15T08:00:00 +02:00",
        "2027-01-15T08:00:00.Z",
        "٢٠٢٧-01-15T08:00:00Z",
        "1800000000",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        parse_time(text)


@given(st.integers(0, 4_000_000_000 * S))
def test_what_we_write_we_read(at_us: int) -> None:
    assert parse_time(moments.to_text(at_us)) == at_us


@pytest.mark.parametrize(
    ("send_at_us", "validity_s", "expected"),
    [
        (None, None, None),
        (NOW, 5, None),
        (NOW - 60 * S, None, None),
        (NOW - 60 * S - 1, None, "invalid_schedule"),
        (NOW + limits.SCHEDULE_MAX_S * S, None, None),
        (NOW + limits.SCHEDULE_MAX_S * S + 1, None, "invalid_schedule"),
        (None, limits.VALIDITY_MIN_S - 1, "invalid_validity"),
        (None, limits.VALIDITY_MAX_S, None),
        (None, limits.VALIDITY_MAX_S + 1, "invalid_validity"),
        (None, 0, "invalid_validity"),
        (0, 0, "invalid_schedule"),
    ],
)
def test_problems(send_at_us: int | None, validity_s: int | None, expected: str | None) -> None:
    assert problem(send_at_us, validity_s, NOW) == expected


@pytest.mark.parametrize(
    ("message_class", "send_at_us", "validity_s", "due_us", "validity"),
    [
        ("transactional", None, None, NOW, limits.VALIDITY_DEFAULT_S),
        ("marketing", None, None, NOW, limits.VALIDITY_DEFAULT_S),
        ("otp", None, None, NOW, limits.VALIDITY_OTP_DEFAULT_S),
        ("otp", None, 30, NOW, 30),
        ("otp", NOW - 30 * S, 30, NOW, 30),  # just past is now
        ("marketing", NOW + 3600 * S, 60, NOW + 3600 * S, 60),
    ],
)
def test_windows(
    message_class: str, send_at_us: int | None, validity_s: int | None, due_us: int, validity: int
) -> None:
    assert window(message_class, send_at_us, validity_s, NOW) == (due_us, due_us + validity * S)
