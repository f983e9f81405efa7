"""Fair ranks, token buckets and the pace of a throttling carrier; time is given."""

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain import pacing
from whimbrel.domain.pacing import UNKNOWN_NONE, Bucket, FairRank, Pace, Second

S = 1_000_000


def test_a_noisy_account_does_not_delay_another() -> None:
    fair = FairRank()
    queue = sorted(("noisy", fair.rank("CR1", 1, "noisy")) for _ in range(100_000))
    for _, rank in queue[:500]:
        fair.advance("CR1", 1, rank)
    rest = queue[500:]
    mine = fair.rank("CR1", 1, "quiet")
    assert sum(rank < mine for _, rank in rest) <= 1


def test_two_backlogs_share_the_lane_evenly() -> None:
    fair = FairRank()
    queue = [("a", fair.rank("CR1", 1, "a")) for _ in range(100)]
    queue += [("b", fair.rank("CR1", 1, "b")) for _ in range(100)]
    served = [account for account, rank in sorted(queue, key=lambda row: row[1])][:100]
    assert 48 <= served.count("b") <= 52


def test_an_account_pays_for_its_segments() -> None:
    fair = FairRank()
    queue = [("long", fair.rank("CR1", 1, "long", 4)) for _ in range(40)]
    queue += [("short", fair.rank("CR1", 1, "short", 1)) for _ in range(160)]
    first = [account for account, rank in sorted(queue, key=lambda row: row[1])][:100]
    assert 18 <= first.count("long") <= 22


def test_an_account_that_was_away_has_saved_nothing_up() -> None:
    fair = FairRank()
    fair.rank("CR1", 1, "away")
    for _ in range(1000):
        fair.advance("CR1", 1, fair.rank("CR1", 1, "busy"))
    ranks = [fair.rank("CR1", 1, "away") for _ in range(3)]
    busy = fair.rank("CR1", 1, "busy")
    assert ranks[0] <= busy <= ranks[2]


def test_lanes_and_priorities_are_apart() -> None:
    fair = FairRank()
    fair.advance("CR1", 1, 500)
    assert fair.rank("CR1", 1, "a") == 500
    assert fair.rank("CR1", 0, "a") == 0
    assert fair.rank("CR2", 1, "a") == 0


def test_after_a_restart_with_the_backlog_fairness_goes_on() -> None:
    fair = FairRank()
    fair.resume("CR1", 1, 1_000, 101_000)
    fair.learn("CR1", 1, {"noisy": 101_000}, UNKNOWN_NONE)
    assert fair.rank("CR1", 1, "noisy") == 101_001
    assert fair.rank("CR1", 1, "quiet") == 1_000


def test_after_a_restart_no_message_passes_an_older_one_while_the_backlog_is_learned() -> None:
    fair = FairRank()
    fair.resume("CR1", 1, 1_000, 101_000)
    assert fair.rank("CR1", 1, "noisy") == 101_001
    fair.learn("CR1", 1, {"noisy": 100_900, "other": 101_000}, 60_000)
    assert fair.rank("CR1", 1, "noisy") == 101_002
    assert fair.rank("CR1", 1, "other") == 101_001
    assert fair.rank("CR1", 1, "not met yet") == 60_001
    fair.learn("CR1", 1, {"slow": 50_000}, UNKNOWN_NONE)
    assert fair.rank("CR1", 1, "slow") == 50_001
    assert fair.rank("CR1", 1, "quiet") == 1_000


def test_virtual_time_never_runs_backwards() -> None:
    fair = FairRank()
    fair.advance("CR1", 1, 50)
    fair.advance("CR1", 1, 20)
    fair.resume("CR1", 1, 10, 10)
    assert fair.rank("CR1", 1, "a") == 50


def test_accounts_without_a_backlog_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "PRUNE_AT", 10)
    fair = FairRank()
    backlog = [fair.rank("CR1", 1, "noisy") for _ in range(2000)]
    for number in range(1000):
        fair.advance("CR1", 1, fair.rank("CR1", 1, f"once{number}") + 1)
    remembered = fair._lane("CR1", 1).last
    assert len(remembered) < 20
    assert fair.rank("CR1", 1, "noisy") == backlog[-1] + 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5), st.booleans())))
def test_ranks_of_an_account_grow(steps: list[tuple[str, int, bool]]) -> None:
    fair = FairRank()
    last: dict[str, int] = {}
    for account, cost, claim in steps:
        rank = fair.rank("CR1", 1, account, cost)
        assert rank > last.get(account, -1) or rank == 0
        last[account] = rank
        if claim:
            fair.advance("CR1", 1, min(last.values()))


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket(10, 5)
    assert [bucket.take(1, 0) for _ in range(5)] == [0] * 5
    wait_us = bucket.take(1, 0)
    assert wait_us == 100_001
    assert bucket.take(1, wait_us - 10) > 0
    assert bucket.take(1, wait_us) == 0


def test_a_refused_take_takes_nothing() -> None:
    bucket = Bucket(1, 2)
    assert bucket.take(2, 0) == 0
    for _ in range(10):
        assert bucket.take(1, 0) > 0
    assert bucket.take(1, S) == 0


def test_more_than_the_burst_is_a_debt() -> None:
    bucket = Bucket(10, 5)
    assert bucket.take(20, 0) == 0
    assert bucket.available(0) == 0
    assert bucket.take(1, S) > 0  # at -5
    assert bucket.take(1, 2 * S) == 0


def test_a_bucket_fills_to_its_burst_only() -> None:
    bucket = Bucket(10, 5)
    bucket.take(5, 0)
    assert bucket.available(S // 4) == 2
    assert bucket.available(3600 * S) == 5


def test_no_rate_is_no_limit() -> None:
    bucket = Bucket(0, 1)
    assert [bucket.take(1000, 0) for _ in range(3)] == [0, 0, 0]


def test_another_rate_holds_from_now_on() -> None:
    bucket = Bucket(10, 100)
    bucket.take(100, 0)
    bucket.set_rate(20, S)
    assert bucket.available(2 * S) == 30


def test_time_that_stands_or_runs_backwards_fills_nothing() -> None:
    bucket = Bucket(10, 5)
    bucket.take(5, 10 * S)
    assert bucket.available(5 * S) == 0
    assert bucket.available(10 * S + 100_000) == 1


@given(st.lists(st.tuples(st.integers(0, 400_000), st.integers(1, 4)), max_size=60))
def test_a_bucket_never_gives_more_than_burst_and_rate(steps: list[tuple[int, int]]) -> None:
    bucket, now, given_out = Bucket(10, 5), 0, 0
    for wait_us, count in steps:
        now += wait_us
        if bucket.take(count, now) == 0:
            given_out += count
    assert given_out <= 5 + now * 10 / S + 0.001


def test_a_throttled_pace_halves_and_recovers_to_the_limit() -> None:
    pace = Pace(100)
    assert pace.rate_per_s(0) == 100
    pace.throttled(0, 80)
    assert pace.rate_per_s(0) == 50
    assert pace.rate_per_s(1 * S) == 50  # calm begins after a second
    assert pace.rate_per_s(3 * S) == pytest.approx(60)
    assert pace.rate_per_s(60 * S) == 100


def test_a_window_of_refusals_halves_once() -> None:
    pace = Pace(100)
    for moment in range(0, S, 10_000):
        pace.throttled(moment, 100)
    assert pace.rate_per_s(S) == 50
    pace.throttled(S, 50)
    assert pace.rate_per_s(S) == 25


def test_a_pace_does_not_stand_still() -> None:
    pace = Pace(4)
    for second in range(20):
        pace.throttled(second * S, 1)
    assert pace.rate_per_s(20 * S) >= pacing.RATE_MIN


def test_without_a_limit_the_observed_rate_is_the_measure() -> None:
    pace = Pace()
    assert pace.rate_per_s(0) == 0
    pace.throttled(0, 200)
    assert pace.rate_per_s(0) == 100
    assert pace.rate_per_s(6 * S) == pytest.approx(150)
    assert pace.rate_per_s(30 * S) == 0  # unlimited again


def test_without_a_limit_and_without_traffic_it_still_slows() -> None:
    pace = Pace()
    pace.throttled(0, 0)
    assert pace.rate_per_s(0) == pacing.RATE_MIN


def left(limit: float, every_us: int, until_us: int, burst: float) -> list[int]:
    """When parts leave that are asked for again and again, as a bucket and a second allow."""
    bucket, second, times = Bucket(limit, burst), Second(), list[int]()
    for now in range(0, until_us, every_us):
        count = min(bucket.available(now), second.room(limit, now))
        bucket.take(count, now)
        second.add(count, now)
        times += [now] * count
    return times


@pytest.mark.parametrize("limit", [0.5, 1, 2, 10, 33, 100, 900])
@pytest.mark.parametrize("every_us", [1_000, 7_000, 50_000, 333_000])
def test_no_second_holds_more_than_the_limit(limit: float, every_us: int) -> None:
    times = left(limit, every_us, 10 * S, max(1.0, limit / 10))
    most = max(bisect_left(times, at + S + 20_000) - place for place, at in enumerate(times))
    assert most <= max(1, limit)


@pytest.mark.parametrize("limit", [10, 100, 900])
def test_nearly_all_of_the_limit_is_used(limit: float) -> None:
    assert len(left(limit, 1_000, 20 * S, limit / 10)) >= 0.93 * 20 * limit


def test_a_second_forgets_after_any_pause() -> None:
    second = Second()
    second.add(5, 123_456_789)
    assert [second.room(5, 123_456_789 + later) for later in (0, S, 3600 * S)] == [0, 0, 5]
    assert second.room(5, 0) == 5  # a clock that stands still or runs backwards forgets nothing, and breaks nothing
