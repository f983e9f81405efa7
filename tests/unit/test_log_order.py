"""Events of a message in the order of their numbers, and where a list of the log may end."""

from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.log_order import in_order, whole
from whimbrel.domain.model import Event


def event(position: int, subject: str, seq: int) -> Event:
    return Event(position, "AC", False, subject, seq, "message.sent", "{}", False, 0)


def log(text: str) -> list[Event]:
    """`a1 b1 a2`: the events 1 of a, 1 of b, 2 of a."""
    return [event(place, word[0], int(word[1:])) for place, word in enumerate(text.split())]


def words(events: list[Event]) -> str:
    return " ".join(f"{each.subject_id}{each.seq}" for each in events)


def test_what_is_in_order_stays():
    assert words(in_order(log("a1 b1 a2 b2"))) == "a1 b1 a2 b2"


def test_events_change_places_with_their_own_only():
    assert words(in_order(log("a3 b1 a1 c1 a2"))) == "a1 b1 a2 c1 a3"


def test_a_list_ends_before_what_would_overtake():
    assert whole(log("a1 b1 a3"), {"a": 2}) == 2
    assert whole(log("a1 b1 a3"), {"a": 4, "c": 1}) == 3
    assert whole(log("a2 b1"), {"a": 1}) == 0
    assert whole(log("a3 b1 a2 b3"), {"b": 2}) == 3
    assert whole(log("c1 a3 b1 b3 a2"), {"b": 2}) == 1  # without b3 also a2 is left out, and so a3 must be


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Three messages' events in any order."""
    every = [(subject, seq) for subject in "abc" for seq in range(1, draw(st.integers(1, 5)) + 1)]
    return [event(place, *each) for place, each in enumerate(draw(st.permutations(every)))]


@given(logs(), st.integers(0, 15))
def test_no_event_of_a_list_overtakes_one_that_is_left(events, cut):
    lowest = {}
    for each in events[cut:]:
        lowest[each.subject_id] = min(each.seq, lowest.get(each.subject_id, each.seq))
    count = whole(events[:cut], lowest)
    taken, left = events[:count], events[count:]
    assert not [1 for one in taken for other in left if one.subject_id == other.subject_id and one.seq > other.seq]
    longer = [(events[:more], events[more:]) for more in range(count + 1, min(cut, len(events)) + 1)]
    assert all(
        any(one.subject_id == other.subject_id and one.seq > other.seq for one in some for other in rest)
        for some, rest in longer
    )
    ordered = in_order(taken)
    assert sorted(words([each]) for each in ordered) == sorted(words([each]) for each in taken)
    for subject in "abc":
        numbers = [each.seq for each in ordered if each.subject_id == subject]
        assert numbers == sorted(numbers)
