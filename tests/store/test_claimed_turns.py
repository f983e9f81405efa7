"""Turns of numbers, as the database gives them: whichever lanes of whichever nodes want them, in whatever order and
however often, no window has more of a number than its rate, no day more than its quota, and no text goes twice.
"""

from after_submit import CARRIER, OTHER, START, Rig
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.windows import most_in

from whimbrel.domain.turns import day_of, pace_of
from whimbrel.store.interface import Claim, Turn
from whimbrel.store.verbs.turns import claim_in_turn

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
ACCOUNT = "AC1"
LANES = (CARRIER, OTHER)

TRIES = st.lists(
    st.tuples(
        st.integers(0, 3),  # which number
        st.integers(0, 1),  # at which lane
        st.integers(1, 3),  # segments
        st.one_of(st.integers(0, 400_000), st.integers(0, 90 * SECOND_US), st.just(DAY_US // 2)),  # later than the last
        st.integers(0, 1),  # 1: it still believes what it knew at its own last turn
    ),
    min_size=1,
    max_size=60,
)


class Numbers:
    """Some numbers with a rate and a quota, and lanes that each know no more than what they did themselves."""

    def __init__(self, rate: int, cap: int) -> None:
        self.rig = Rig()
        self.pace = pace_of(rate)
        self.cap = cap
        self.free: dict[tuple[int, int], int] = {}
        self.sent: dict[int, list[tuple[int, int]]] = {}

    def wants(self, number: int, lane: int, segments: int, at: int, *, believes: bool) -> bool:
        """Whether it got its turn."""
        known = self.free.get((number, lane), 0) if believes else 0
        free_at = self.pace.after(known, at, segments)
        turn = Turn(f"PN{number}", ACCOUNT, at, free_at, day_of(at), segments, self.cap)
        message_id = self.rig.accepted(segments=segments, candidates=" ".join(LANES))
        claim = Claim(message_id, LANES[lane], segments, 7, at)
        (attempts,) = self.rig.run(claim_in_turn([(turn, [claim])])) or [None]
        if attempts is None:
            return False
        assert len(attempts[0]) == segments
        self.free[number, lane] = free_at
        self.sent.setdefault(number, []).append((at, segments))
        return True

    def free_at(self, number: int) -> int:
        """As every lane could read it."""
        rows = self.rig.db.execute("SELECT free_at FROM number_turns WHERE sender_id = ?", (f"PN{number}",))
        return next(iter(rows), (0,))[0]


@settings(max_examples=25, deadline=None)
@given(tries=TRIES, rate=st.sampled_from([1, 30, 60, 600, 6_000]), cap=st.sampled_from([0, 3, 10]))
def test_no_window_has_more_than_the_rate_and_no_day_more_than_the_quota(tries, rate, cap):
    numbers, at = Numbers(rate, cap), START
    for number, lane, segments, later, believes in tries:
        at += later
        was_free = numbers.free_at(number) <= at
        got = numbers.wants(number, lane, segments, at, believes=bool(believes))
        assert was_free or not got
    for sent in numbers.sent.values():
        longest = max(segments for _, segments in sent)
        moments = [at for at, segments in sent for _ in range(segments)]
        for window_us, most in ((SECOND_US, -(-rate // 60)), (60 * SECOND_US, rate)):
            # the parts of one text leave together: one of them may stand above the rest
            assert most_in(moments, window_us) <= max(most + longest - 1, longest)
        for day in {day_of(at) for at in moments} if cap else ():
            assert sum(day_of(at) == day for at in moments) <= cap


@settings(max_examples=10, deadline=None)
@given(rate=st.sampled_from([60, 600]), order=st.lists(st.integers(0, 1), min_size=10, max_size=30))
def test_a_turn_that_is_free_is_given_to_whoever_comes(rate, order):
    numbers, at = Numbers(rate, 0), START
    for lane in order:
        assert numbers.wants(0, lane, 1, at, believes=False)
        assert not numbers.wants(0, 1 - lane, 1, at, believes=False), "the other one came a moment later"
        at = numbers.free_at(0)
    assert most_in([at for at, _ in numbers.sent[0]], SECOND_US) == rate // 60
