"""Where a look at a queue begins."""

from whimbrel.domain.trailing import LONGEST_US, Sparing, Trail

SECOND = 1_000_000


def test_what_is_cheap_may_be_done_nearly_always():
    sparing = Sparing()
    assert sparing.is_due(0)
    sparing.ended(1_000)
    assert not sparing.is_due(9_999)
    assert sparing.is_due(10_000)


def test_what_is_dear_takes_a_tenth_of_the_time():
    sparing = Sparing()
    now, spent = 0, 0
    while now < 600 * SECOND:
        if sparing.is_due(now):
            spent += SECOND
            now += SECOND
            sparing.ended(now)
        else:
            now += SECOND // 10
    assert 0.09 <= spent / now <= 0.11


def test_it_is_done_again_after_some_seconds_however_dear():
    sparing = Sparing()
    assert sparing.is_due(0)
    sparing.ended(100 * SECOND)
    assert not sparing.is_due(100 * SECOND + LONGEST_US - 1)
    assert sparing.is_due(100 * SECOND + LONGEST_US)


def look(trail: Trail, now: int, passed: int, *, takes: int) -> int:
    """One look; where it began."""
    begun = trail.begin(now)
    trail.ended((passed,), now + takes)
    return begun[0]


def test_a_cheap_front_is_looked_at_always():
    trail = Trail((0,), 3 * SECOND)
    assert [look(trail, now * 20_000, now, takes=1_000) for now in range(100)] == [0] * 100


def test_a_dear_front_is_passed_by_what_was_passed_seconds_ago():
    trail = Trail((0,), 3 * SECOND)
    assert look(trail, 0, 0, takes=SECOND) == 0
    began = [look(trail, SECOND + now * SECOND, 10 + now, takes=1_000) for now in range(8)]
    assert began == [0, 0, 0, 0, 0, 11, 12, 13]  # what was passed three seconds ago or longer
    assert look(trail, 10 * SECOND, 20, takes=SECOND) == 0  # in between the front
    assert look(trail, 11 * SECOND + 1, 21, takes=1_000) > 0
