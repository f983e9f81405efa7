"""Rules of campaigns: shares and samples, pace, windows, winners, figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.campaign_figures import COUNTS, Sums, Told
from whimbrel.domain.campaign_pace import Pacer
from whimbrel.domain.campaigns import (
    Figures,
    Trial,
    Window,
    is_open,
    is_sample,
    opens_at,
    salt_of,
    variant_of,
    winner,
)
from whimbrel.domain.local_times import to_local

HOUR = 3_600_000_000
MONDAY = 1_767_571_200_000_000  # 2026-01-05 00:00 UTC
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
CAMPAIGN = "CM019b8f3c2a4070008000000000000000"


def test_shares_are_kept_and_are_others_in_another_campaign():
    salt = salt_of(CAMPAIGN)
    got = [variant_of(n * 7919, salt, (3, 1)) for n in range(20_000)]
    assert 0.73 < got.count(0) / len(got) < 0.77
    other = [variant_of(n * 7919, salt + 17, (3, 1)) for n in range(20_000)]
    assert got != other


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**80), st.integers(1, 90), st.lists(st.integers(1, 100), min_size=1))
def test_the_same_recipient_always_gets_the_same(number_hash: int, salt: int, percent: int, shares: list[int]):
    first = variant_of(number_hash, salt, shares), is_sample(number_hash, salt, percent)
    assert first == (variant_of(number_hash, salt, shares), is_sample(number_hash, salt, percent))
    assert 0 <= first[0] < len(shares)


def test_a_sample_is_as_large_as_asked_for_and_says_nothing_of_the_variant():
    salt = salt_of(CAMPAIGN)
    sample = [n for n in range(30_000) if is_sample(n * 7919, salt, 20)]
    assert 0.19 < len(sample) / 30_000 < 0.21
    first = sum(variant_of(n * 7919, salt, (1, 1)) == 0 for n in sample)
    assert 0.47 < first / len(sample) < 0.53


@pytest.mark.parametrize(("per_s", "tick_ms"), [(10, 250), (1000, 250), (1000, 20), (0.1, 250), (333, 97), (2500, 50)])
def test_a_pace_is_kept_within_one_percent(per_s: float, tick_ms: int):
    pacer, sent = Pacer(per_s), 0
    seconds = max(120, int(200 / per_s))
    for at in range(0, seconds * 1_000_000, tick_ms * 1000):
        room = pacer.room(at, 1_000)
        pacer.sent(room)
        sent += room
    assert abs(sent - seconds * per_s) <= max(1, seconds * per_s * 0.01, per_s * tick_ms / 1000)


def test_what_was_not_sent_for_long_does_not_come_as_a_burst():
    pacer = Pacer(100)
    assert pacer.room(0, 1000) == 0
    assert pacer.room(1_000_000, 1000) == 100
    pacer.sent(100)
    assert pacer.room(60_000_000, 1000) == 200  # two seconds' worth and no more
    pacer.sent(200)
    assert pacer.room(61_000_000, 1000) == 100
    assert Pacer(None).room(0, 250) == 250


DAY = Window("09:00", "20:00", ("mon", "tue"))


@pytest.mark.parametrize(
    ("at", "is_open_then", "opens"),
    [
        (MONDAY + 9 * HOUR, True, MONDAY + 9 * HOUR),
        (MONDAY + 20 * HOUR - 1, True, MONDAY + 20 * HOUR - 1),
        (MONDAY + 20 * HOUR, False, MONDAY + 33 * HOUR),
        (MONDAY + 44 * HOUR, False, MONDAY + 7 * 24 * HOUR + 9 * HOUR),
        (MONDAY, False, MONDAY + 9 * HOUR),
    ],
)
def test_windows(at: int, is_open_then: bool, opens: int):
    assert (is_open((DAY,), at, "UTC"), opens_at((DAY,), at, "UTC")) == (is_open_then, opens)
    assert is_open((), at, "UTC") and opens_at((), at, "UTC") == at


@given(
    st.integers(1_700_000_000, 2_100_000_000),
    st.sampled_from(ZONES),
    st.integers(0, 22),
    st.integers(1, 23),
)
def test_a_window_that_opens_is_open(at_s: int, zone: str, begin: int, end: int):
    window = Window(f"{min(begin, end - 1):02}:00", f"{max(end, begin + 1):02}:00")
    opens = opens_at((window,), at_s * 1_000_000, zone)
    assert opens >= at_s * 1_000_000
    local = to_local(opens, zone)
    assert is_open((window,), opens, zone) or local.minute, local  # clocks that skip the hour may land behind it


def figures(variant: int, accepted: int, delivered: int) -> Figures:
    return Figures(variant, "GB", "", "USD", accepted, 0, delivered, *(0,) * 14)


@pytest.mark.parametrize(
    ("first", "second", "difference", "wins"),
    [
        ((100, 50), (100, 60), 0.0, 1),
        ((100, 50), (100, 60), 10.0, 1),
        ((100, 50), (100, 60), 10.1, None),
        ((100, 50), (100, 50), 0.0, None),
        ((200, 60), (100, 50), 5.0, 1),
        ((0, 0), (100, 1), 0.5, 1),
        ((0, 0), (0, 0), 0.0, None),
    ],
)
def test_who_wins(first: tuple[int, int], second: tuple[int, int], difference: float, wins: int | None):
    trial = Trial("delivered", 20, 60, difference)
    assert winner([figures(0, *first), figures(1, *second)], trial, 2) == wins


def told(kind: str, *, corrects: str = "", was_sent: int = 1, count: int = 2) -> Told:
    return Told("CM1", "AC1", 0, "GB", "USD", "CR1", f"message.{kind}", corrects, was_sent, count, 4, 20, 7)


def summed(*rows: Told) -> dict[str, int]:
    sums = Sums()
    sums.tell(rows)
    total = [sum(column) for column in zip(*(row[6:] for row in sums.rows()), strict=True)]
    return {name: count for name, count in zip(COUNTS, total, strict=True) if count}


def test_figures_count_each_event_once_and_corrections_take_back():
    assert summed(told("queued")) == {"accepted": 2}
    assert summed(told("scheduled"), told("sent"), told("delivered")) == {
        "accepted": 2, "sent": 2, "delivered": 2, "segments": 4, "charged_micros": 20,
    }  # fmt: skip
    assert summed(told("failed", was_sent=0)) == {"failed": 2, "charged_micros": 20}
    carrier = "message.unknown" + '{"carrier_id":"' + "CR" + "1" * 32 + '"'
    late = summed(told("sent"), told("unknown"), told("delivered", corrects=carrier))
    assert late == {"sent": 2, "delivered": 2, "segments": 4, "charged_micros": 20}
