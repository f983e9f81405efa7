"""Parts that are told to wait time and again: when they step aside, and when they are tried again."""

import pytest

from whimbrel.carriers.aside import FIRST_US, LONGEST_US, PATIENCE, Aside
from whimbrel.carriers.interface import Part


def part(throttled: int, attempt: int = 1) -> Part:
    return Part(
        attempt=attempt,
        message_id=f"SM{attempt}",
        source="a",
        destination="+1",
        octets=b"x",
        encoding="gsm7",
        expires_at=0,
        part=1,
        parts=1,
        tail_hash=0,
        priority=1,
        throttled=throttled,
    )


@pytest.mark.parametrize(
    ("throttled", "steps_aside"), [(1, False), (PATIENCE, False), (PATIENCE + 1, True), (99, True)]
)
def test_patience(throttled: int, steps_aside: bool) -> None:
    assert Aside(1).takes(part(throttled)) is steps_aside


@pytest.mark.parametrize(
    ("times", "delay_us"),
    [(1, FIRST_US), (2, 2 * FIRST_US), (3, 4 * FIRST_US), (5, 16 * FIRST_US), (6, LONGEST_US), (500, LONGEST_US)],
)
def test_each_time_it_waits_longer(times: int, delay_us: int) -> None:
    aside = Aside(1)
    aside.put(part(PATIENCE + times), now_us=7)
    assert aside.next_us() == 7 + delay_us
    assert aside.due(6 + delay_us) == []
    assert [p.attempt for p in aside.due(7 + delay_us)] == [1]
    assert (aside.next_us(), len(aside)) == (None, 0)


def test_there_are_so_many_places() -> None:
    aside = Aside(2)
    for attempt in (1, 2):
        assert aside.takes(part(99, attempt))
        aside.put(part(99, attempt), 0)
    assert not aside.takes(part(99, 3))


def test_the_longest_due_goes_first_and_all_come_back_in_that_order() -> None:
    aside = Aside(9)
    for attempt, throttled in ((1, 8), (2, 6), (3, 7), (4, 6)):
        aside.put(part(throttled, attempt), 0)
    assert [p.attempt for p in aside.due(2 * FIRST_US)] == [2, 4, 3]
    aside.put(part(6, 5), 0)
    assert [p.attempt for p in aside.clear()] == [5, 1]
    assert len(aside) == 0
