"""Rates of numbers: no window has more than the rate allows, whatever comes when and however late commits are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.turns import Limits, carrier_of, day_of, lane_of, next_day_us, pace_of, sender_of, work_s

SECOND_US = 1_000_000
JITTER_US = 39_000

RATES = st.one_of(st.integers(1, 120), st.integers(121, 60_000))


@given(
    rate=RATES,
    arrivals=st.lists(st.integers(0, 3 * SECOND_US), min_size=1, max_size=60),
    delays=st.lists(st.integers(0, JITTER_US), min_size=60, max_size=60),
)
def test_no_window_has_more_than_the_rate(rate: int, arrivals: list[int], delays: list[int]):
    """A number sends bursts as soon as it may; each is on its way for up to 39 ms longer than another."""
    pace = pace_of(rate)
    sent: list[int] = []
    free = 0
    waiting = sorted(arrivals)
    now = 0
    while waiting:
        now = max(free, now, waiting[0])
        burst = [at for at in waiting if at <= now][: pace.burst]
        sent += [now + delays[len(sent) % 60]] * len(burst)
        free = pace.after(free, now, len(burst))
        waiting = waiting[len(burst) :]
    for window_us, most in ((SECOND_US, -(-rate // 60)), (60 * SECOND_US, rate)):
        for first in sent:
            assert sum(first <= at < first + window_us for at in sent) <= most


@pytest.mark.parametrize("rate", [1, 30, 60, 90, 300, 600, 4_500, 60_000])
def test_a_rate_is_used(rate: int):
    """Even spacing costs a few percent of a rate, and no more."""
    pace = pace_of(rate)
    per_min = 60 * SECOND_US / pace.step_us
    assert rate * 0.85 <= per_min <= rate


def test_a_number_without_a_rate_has_no_pace():
    pace = pace_of(0)
    assert pace.after(0, 5, 100) == 5
    assert work_s(Limits(), 1_000) == 0


def test_work_is_the_time_that_what_waits_takes():
    assert work_s(Limits(rate_per_min=60), 100) == pytest.approx(104)


def test_the_stricter_of_two_limits_holds():
    assert Limits(60, 0).stricter(Limits(90, 500)) == Limits(60, 500)
    assert not Limits().holds


def test_a_lane_of_a_number_says_whose_it_is():
    assert (carrier_of(lane_of("CR1", "PN2")), sender_of(lane_of("CR1", "PN2"))) == ("CR1", "PN2")
    assert (carrier_of("CR1"), sender_of("CR1")) == ("CR1", "")


def test_days_are_utc():
    day = 86_400 * SECOND_US
    assert (day_of(day - 1), day_of(day)) == (0, 1)
    assert next_day_us(day + 5) == 2 * day
