"""Ids grow in the order in which they are made, whatever the clock does, and have the form of a UUIDv7."""

import uuid

import pytest

from whimbrel.base import ids
from whimbrel.base.clock import ManualClock, SeededChance
from whimbrel.base.ids import MESSAGE, Ids


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def made(clock):
    return Ids(clock, SeededChance(1))


def test_an_id_is_a_version_7_uuid_with_room_for_event_numbers(clock, made):
    new = made.new(MESSAGE)
    assert ids.is_id(new, MESSAGE)
    parsed = uuid.UUID(new[2:])
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert new.endswith("0000")
    assert ids.time_us(new) == clock.now_us()


def test_ids_grow_within_a_millisecond_over_its_border_and_when_the_clock_goes_back(clock, made):
    several = made.many(MESSAGE, 2000)
    for seconds in (0.001, 0.0005, -5, 7):
        clock.advance(seconds)
        several += made.many(MESSAGE, 2000)
    assert several == sorted(several)
    assert len({new[:-4] for new in several}) == len(several)


@pytest.mark.parametrize("high", [3, 0xFFF])
def test_a_full_counter_goes_on_in_its_upper_bits_and_at_last_in_the_millisecond_after(made, high):
    before = made.new(MESSAGE)
    made._counter_high, made._high = high, f"{made._ms:012x}7{high:03x}"
    made._low = ids._LOW_END - 2 * ids._LOW_STEP
    several = made.many(MESSAGE, 3)
    assert several == sorted(several)
    assert all(ids.is_id(new, MESSAGE) and uuid.UUID(new[2:]).variant == uuid.RFC_4122 for new in several)
    assert (ids.time_us(several[2]) > ids.time_us(before)) is (high == 0xFFF)
