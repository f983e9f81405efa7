"""Schedules' times: through summer and winter, skipped, by rules that come true, and by none that never would."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base import moments
from whimbrel.domain.local_times import next_time_of_day, to_local, to_utc, zone_of
from whimbrel.domain.recurrence import first, following, rule_problem, start_problem

DAY_US = 86_400_000_000


def at(text: str) -> int:
    return moments.from_text(text)


def times(starts: str, rule: str | None, zone: str, after: str, count: int = 3, skipped: tuple[str, ...] = ()):
    found = following(starts, rule, zone, after_us=at(after), skipped=skipped)
    return [(each.local[:16], moments.to_text(each.at)[:16]) for each in islice(found, count)]


def test_clocks_that_are_set_forward_and_back_keep_the_local_time():
    assert times("2027-03-27T09:00", "FREQ=DAILY", "Europe/Berlin", "2027-03-01T00:00:00Z") == [
        ("2027-03-27T09:00", "2027-03-27T08:00"),
        ("2027-03-28T09:00", "2027-03-28T07:00"),
        ("2027-03-29T09:00", "2027-03-29T07:00"),
    ]


@pytest.mark.parametrize(
    ("local", "zone", "moment"),
    [
        ("2027-03-28T02:30", "Europe/Berlin", "2027-03-28T01:30"),  # never shown: as if the clocks were not set yet
        ("2027-10-31T02:30", "Europe/Berlin", "2027-10-31T00:30"),  # shown twice: the first
        ("2027-03-14T02:30", "America/New_York", "2027-03-14T07:30"),
        ("2027-11-07T01:30", "America/New_York", "2027-11-07T05:30"),
        ("2027-06-01T09:00", "Asia/Kathmandu", "2027-06-01T03:15"),
    ],
)
def test_local_times_that_are_skipped_or_come_twice(local: str, zone: str, moment: str):
    assert times(local, None, zone, "2027-01-01T00:00:00Z") == [(local, moment)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=WEEKLY;BYDAY=MO,TH", ["01-04", "01-07", "01-11"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", ["01-29", "02-26", "03-26"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["01-31", "03-31", "05-31"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["01-29", "02-26", "03-31"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["02-29", "02-29", "02-29"]),
        ("FREQ=DAILY;INTERVAL=10;COUNT=2", ["01-04", "01-14"]),
        ("FREQ=DAILY;UNTIL=20270105", ["01-04"]),
    ],
)
def test_rules(rule: str, expected: list[str]):
    assert rule_problem(rule) is None
    assert [local[5:10] for local, _ in times("2027-01-04T09:00", rule, "UTC", "2027-01-01T00:00:00Z")] == expected


@pytest.mark.parametrize(
    "rule",
    [
        "", "FREQ=SECONDLY", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=3", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO", "FREQ=WEEKLY;BYDAY=5MO", "FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=2",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101", "FREQ=DAILY;FREQ=WEEKLY", "RRULE:FREQ=DAILY",
        "FREQ=DAILY;UNTIL=20270101T000000Z", "FREQ=DAILY;UNTIL=20261301", "FREQ=DAILY;UNTIL=20270101T250000",
        "FREQ=DAILY;UNTIL=00000000", "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31",
        "FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=DAILY\nEXDATE:20270101", "FREQ=DAILY;X=1", "FREQ=WEEKLY;BYDAY=MO;" + "BYDAY=TU;" * 40,
    ],
)  # fmt: skip
def test_rules_that_are_not_taken(rule: str):
    assert rule_problem(rule)


def test_the_day_of_the_start_is_one_that_the_months_have():
    assert rule_problem("FREQ=YEARLY;BYMONTH=2", 30) and rule_problem("FREQ=YEARLY;BYMONTH=4,6", 31)
    for rule, day in (("FREQ=YEARLY;BYMONTH=2", 29), ("FREQ=YEARLY;BYMONTH=2,3", 31), ("FREQ=YEARLY", 31)):
        assert rule_problem(rule, day) is None


def test_a_time_can_be_left_out():
    found = times("2027-01-04T09:00", "FREQ=DAILY", "UTC", "2027-01-01T00:00:00Z", 2, ("2027-01-04T09:00:00",))
    assert [local for local, _ in found] == ["2027-01-05T09:00", "2027-01-06T09:00"]
    assert first("2027-01-04T09:00", None, "UTC", after_us=at("2027-01-04T09:00:00Z")) is None


def test_starts():
    assert start_problem("2027-01-04T09:00") is None
    assert start_problem("2027-01-04T09:00Z")
    assert start_problem("tomorrow")


def test_phones_are_at_home_somewhere():
    assert (zone_of("+493012345678"), zone_of("+12125550123")) == ("Europe/Berlin", "America/New_York")
    assert zone_of("+80012345678") == "UTC"


@given(st.integers(1_800_000_000, 1_900_000_000), st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Tokyo"]))
def test_the_next_time_of_day_is_within_a_day_and_an_hour(second: int, zone: str):
    now = second * 1_000_000
    found = next_time_of_day(now, "09:30", zone)
    assert now < found <= now + DAY_US + 3_600_000_000
    assert to_local(found, zone).strftime("%H:%M") == "09:30"
    assert to_utc(to_local(found, zone), zone) == found
