"""The clock that follows a database: right from the first measure on, never backwards, right again soon."""

from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.clock import HOUR_US, SECOND_US, DatabaseClock, ManualClock

MS = 1000
START_US = 1_800_000_000 * SECOND_US


def made(database_us: int, own: ManualClock, trip_us: int = 2 * MS) -> DatabaseClock:
    clock = DatabaseClock(own)
    sent = own.monotonic_us()
    own.advance(trip_us / SECOND_US)
    clock.measured(database_us, sent_us=sent, received_us=own.monotonic_us())
    return clock


def test_before_the_first_measure_it_is_this_machines():
    own = ManualClock(START_US)
    own.advance(5)
    assert DatabaseClock(own).now_us() == own.now_us()


def test_the_first_measure_sets_it_however_wrong_this_machine_is():
    for wrong in (-HOUR_US, 0, HOUR_US):
        own = ManualClock(START_US + wrong)
        clock = made(START_US, own)
        assert clock.now_us() == START_US + 1 * MS  # half of the way
        own.advance(10)
        assert clock.now_us() == START_US + 1 * MS + 10 * SECOND_US


def test_a_slow_answer_that_does_not_contradict_changes_nothing():
    own = ManualClock(START_US)
    clock = made(START_US, own)
    own.advance(30)
    now, sent = clock.now_us(), own.monotonic_us()
    own.advance(4)
    assert clock.measured(now + 10 * MS, sent_us=sent, received_us=own.monotonic_us()) == 0
    assert clock.now_us() == now + 4 * SECOND_US


def test_what_is_behind_is_right_at_once_and_what_is_ahead_runs_slower():
    own = ManualClock(START_US)
    clock = made(START_US, own, 0)
    assert clock.measured(START_US + 500 * MS, sent_us=0, received_us=0) == 500 * MS
    assert clock.now_us() == START_US + 500 * MS
    assert clock.measured(START_US, sent_us=0, received_us=0) == -500 * MS
    assert clock.now_us() == START_US + 500 * MS
    own.advance(0.5)
    assert clock.now_us() == START_US + 750 * MS
    own.advance(0.5)
    assert clock.now_us() == START_US + 1000 * MS
    own.advance(10)
    assert clock.now_us() == START_US + 11_000 * MS


STEPS = st.lists(
    st.tuples(
        st.integers(0, 60_000),  # milliseconds until the measure
        st.integers(-90_000, 90_000),  # milliseconds by which the database's time jumps
        st.integers(0, 500),  # milliseconds on the way there
        st.integers(0, 500),  # and back
    ),
    max_size=12,
)


@given(STEPS)
def test_it_never_runs_backwards_and_is_right_in_the_end(steps: list[tuple[int, int, int, int]]):
    own = ManualClock(START_US + HOUR_US)
    jumped, shown = -HOUR_US, 0
    clock = made(own.now_us() + jumped, own, 0)

    def look() -> None:
        nonlocal shown
        assert clock.now_us() >= shown
        shown = clock.now_us()

    for wait, jump, there, back in steps:
        own.advance(wait / 1000)
        look()
        jumped += jump * MS
        sent = own.monotonic_us()
        own.advance(there / 1000)
        told = own.now_us() + jumped
        own.advance(back / 1000)
        clock.measured(told, sent_us=sent, received_us=own.monotonic_us())
        look()
    own.advance(3 * 3600)
    look()
    assert abs(clock.now_us() - own.now_us() - jumped) <= SECOND_US
