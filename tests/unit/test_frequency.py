"""How often one person may be texted, whichever stretch of time one looks at."""

from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.frequency import HOUR_US, Limit, Send, free_at, lately

DAY = Limit("cap-1", 2, 24 * HOUR_US)


def sends(*times: float, sender: int = 1) -> list[Send]:
    return [Send(int(time * HOUR_US), sender, f"SM{place}") for place, time in enumerate(times)]


def test_room_is_at_once_or_when_the_oldest_leaves_the_stretch():
    assert free_at(sends(1), [DAY], 2 * HOUR_US) == (2 * HOUR_US, None)
    assert free_at(sends(1, 2), [DAY], 3 * HOUR_US) == (25 * HOUR_US, DAY)
    assert free_at(sends(1, 2), [DAY], 25 * HOUR_US) == (25 * HOUR_US, None)


def test_what_is_scheduled_for_later_is_counted_too():
    assert free_at(sends(30, 40), [DAY], 20 * HOUR_US)[0] == 54 * HOUR_US
    assert free_at(sends(30, 40), [DAY], 16 * HOUR_US) == (16 * HOUR_US, None)


def test_a_limit_counts_its_own_senders():
    brand = Limit("cap-1", 1, HOUR_US, frozenset({1, 2}))
    assert free_at(sends(1, sender=3), [brand], HOUR_US)[1] is None
    assert free_at(sends(1, sender=2), [brand], HOUR_US) == (2 * HOUR_US, brand)


def test_the_last_limit_that_put_it_off_is_told():
    week = Limit("cap-2", 3, 168 * HOUR_US)
    assert free_at(sends(1, 2, 3), [DAY, week], 4 * HOUR_US) == (169 * HOUR_US, week)


def test_what_no_limit_counts_is_forgotten():
    assert [send.at for send in lately(sends(0, 1, 800), 800 * HOUR_US)] == [800 * HOUR_US]


@given(
    st.lists(st.integers(0, 100), max_size=12),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 40)), min_size=1, max_size=3),
)
def test_no_stretch_ever_holds_more_than_a_limit_allows(times, limits):
    chosen = [Limit(f"cap-{place}", most, hours * HOUR_US) for place, (most, hours) in enumerate(limits)]
    taken: list[Send] = []
    for time in times:
        at, held = free_at(taken, chosen, time * HOUR_US)
        assert at >= time * HOUR_US and (held is None) == (at == time * HOUR_US)
        taken.append(Send(at, 1, ""))
    moments = sorted(send.at for send in taken)
    for limit in chosen:
        for start in moments:
            assert sum(start <= at < start + limit.period_us for at in moments) <= limit.max
