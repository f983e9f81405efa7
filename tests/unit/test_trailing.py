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
    sparing, cost = Sparing(), SECOND * 3 // 10
    now, spent = 0, 0
    while now < 600 * SECOND:
        if sparing.is_due(now):
            spent += cost
            now += cost
            sparing.ended(now)
        else:
            now += SECOND // 100
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
    trail = Trail((0,), SECOND)
    assert look(trail, 0, 0, takes=SECOND) == 0
    began = [look(trail, SECOND + now * SECOND, 10 + now, takes=1_000) for now in range(5)]
    assert began == [0, 0, 0, 11, 12]  # what was passed a second ago or longer
    assert look(trail, 6 * SECOND, 20, takes=SECOND) == 0  # in between the front
    assert look(trail, 7 * SECOND + 1, 21, takes=1_000) > 0


def test_what_came_in_behind_is_seen_within_a_second():
    trail = Trail((0,), SECOND // 2)
    look(trail, 0, 0, takes=SECOND)
    for now in range(5):
        look(trail, SECOND + now * SECOND // 2, 10 + now, takes=1_000)
    trail.hasten(3 * SECOND + 500_000)
    assert look(trail, 3 * SECOND + 500_000, 20, takes=SECOND) == 0
    trail.hasten(4 * SECOND + 600_000)  # a front that is dear is not looked at all the time
    assert look(trail, 5 * SECOND + 499_999, 21, takes=1_000) > 0
    assert look(trail, 5 * SECOND + 500_000, 22, takes=1_000) == 0


def test_a_quiet_queue_of_which_the_front_is_always_cheap_remembers_no_more_than_a_lag_of_places():
    trail = Trail((0,), 3 * SECOND)
    for now in range(1_000):
        look(trail, now * SECOND, now, takes=1_000)
    assert len(trail._passed) <= 8
