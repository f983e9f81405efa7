"""The retry rule of webhooks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.retries import JITTER, RETRY_AFTER_MAX_S, SCHEDULE_S, TRIES_MAX, Next, after

S = 1_000_000
NOW = 1_800_000_000 * S
MIDDLE = 0.5  # a draw that changes nothing


def test_the_schedule_of_standard_webhooks() -> None:
    waits = []
    for number in range(1, TRIES_MAX):
        at = after(number, 500, None, MIDDLE, NOW).at
        assert at is not None
        waits.append((at - NOW) // S)
    assert waits == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert sum(waits) == pytest.approx(75.6 * 3600, rel=0.01)
    assert after(TRIES_MAX, 500, None, MIDDLE, NOW) == Next(None)


@pytest.mark.parametrize("status", [None, 100, 301, 302, 400, 401, 404, 408, 418, 500, 503, 599])
def test_every_other_failure_is_tried_again(status: int | None) -> None:
    assert after(1, status, None, MIDDLE, NOW) == Next(NOW + 5 * S)


def test_gone_is_gone() -> None:
    assert after(1, 410, 60.0, MIDDLE, NOW) == Next(None, disable=True)


@pytest.mark.parametrize("status", [429, 502, 504])
def test_an_overloaded_endpoint_rests(status: int) -> None:
    assert after(1, status, None, MIDDLE, NOW) == Next(NOW + 5 * S, rest_until=NOW + 5 * S)
    assert after(1, status, 90.0, MIDDLE, NOW) == Next(NOW + 90 * S, rest_until=NOW + 90 * S)
    assert after(TRIES_MAX, status, 90.0, MIDDLE, NOW) == Next(None, rest_until=NOW + 90 * S)


@pytest.mark.parametrize(
    ("retry_after_s", "wait_s"),
    [(None, 300), (0.0, 300), (-5.0, 300), (10.0, 300), (900.0, 900), (10.0**9, RETRY_AFTER_MAX_S)],
)
def test_retry_after_is_honoured_when_it_is_later(retry_after_s: float | None, wait_s: int) -> None:
    assert after(2, 503, retry_after_s, MIDDLE, NOW) == Next(NOW + wait_s * S)


@given(st.integers(1, TRIES_MAX - 1), st.floats(0, 1))
def test_jitter_moves_a_try_by_a_tenth_at_most(number: int, jitter: float) -> None:
    at = after(number, 500, None, jitter, NOW).at
    assert at is not None
    wait_s = (at - NOW) / S
    assert SCHEDULE_S[number] * (1 - JITTER) - 0.01 <= wait_s <= SCHEDULE_S[number] * (1 + JITTER) + 0.01


def test_jitter_moves_at_all() -> None:
    assert after(2, 500, None, 0.0, NOW).at != after(2, 500, None, 1.0, NOW).at
