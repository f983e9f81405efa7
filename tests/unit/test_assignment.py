"""Who should do what: even, with few moves, and the same on every node."""

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.assignment import Member, assign

WORKS = frozenset({"api", "worker", "duty:x", *(f"duty:{number}" for number in range(41))})


def members(*ids: str, draining: str = "", serving: str = "") -> list[Member]:
    return [Member(i, frozenset({"api"}) if i in serving else WORKS, i in draining) for i in ids]


def carriers(*numbers: int) -> list[str]:
    return [f"carrier:{number}" for number in numbers]


def shares(wanted: Mapping[str, str], kind: str = "carrier") -> Counter[str]:
    return Counter(node for name, node in wanted.items() if name.startswith(kind))


@pytest.mark.parametrize(
    ("who", "names", "held", "expected"),
    [
        ([], carriers(1), {}, {}),
        (members("a"), carriers(1, 2), {}, {"carrier:1": "a", "carrier:2": "a"}),
        (members("a", "b"), carriers(1, 2), {}, {"carrier:1": "a", "carrier:2": "b"}),
        # what is held stays
        (members("a", "b"), carriers(1, 2), {"carrier:1": "b"}, {"carrier:1": "b", "carrier:2": "a"}),
        # one that comes is given its share, and the others keep theirs
        (
            members("a", "b", "c"),
            carriers(1, 2, 3),
            {"carrier:1": "a", "carrier:2": "b", "carrier:3": "b"},
            {"carrier:1": "a", "carrier:2": "b", "carrier:3": "c"},
        ),
        # with one carrier and three nodes nothing moves
        (members("a", "b", "c"), carriers(1), {"carrier:1": "c"}, {"carrier:1": "c"}),
        # a node that is gone, that drains, that only serves
        (members("a", "b"), carriers(1, 2), {"carrier:1": "x", "carrier:2": "a"}, {"carrier:1": "b", "carrier:2": "a"}),
        (members("a", "b", draining="a"), carriers(1, 2), {"carrier:1": "a"}, dict.fromkeys(carriers(1, 2), "b")),
        (members("a", "b", serving="a"), carriers(1, 2), {"carrier:1": "a"}, dict.fromkeys(carriers(1, 2), "b")),
        (members("a", draining="a"), carriers(1), {"carrier:1": "a"}, {}),
        # kinds are shared out each by itself; who has the odd carrier gets the odd duty last
        (members("a", "b"), ["carrier:1", "duty:x"], {}, {"carrier:1": "a", "duty:x": "b"}),
        # a duty that only the newer node knows
        (
            [*members("b"), Member("a", frozenset({"worker", "duty:new", "duty:x"}))],
            ["duty:new", "duty:x"],
            {"duty:new": "b", "duty:x": "a"},
            {"duty:new": "a", "duty:x": "a"},
        ),
        # what is of no kind is nobody's
        (members("a"), ["customer:1"], {}, {}),
    ],
)
def test_table(who: list[Member], names: list[str], held: dict[str, str], expected: dict[str, str]):
    assert assign(who, names, held) == expected


IDS = st.lists(st.sampled_from("abcdefgh"), unique=True)
NAMES = st.lists(
    st.builds("{}:{}".format, st.sampled_from(("carrier", "duty")), st.integers(1, 40)), unique=True, max_size=40
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Member], list[str], dict[str, str]]:
    ids, names = draw(IDS), draw(NAMES)
    held = {name: draw(st.sampled_from("abcdefghx")) for name in names if draw(st.booleans())}
    return [Member(i, WORKS, draw(st.integers(0, 4)) == 0) for i in ids], names, held


@given(cases())
def test_it_is_even_and_complete(case: tuple[list[Member], list[str], dict[str, str]]):
    who, names, held = case
    wanted = assign(who, names, held)
    able = [member.id for member in who if not member.draining]
    assert wanted.keys() == (set(names) if able else set())
    assert set(wanted.values()) <= set(able)
    for kind in ("carrier", "duty"):
        has = [shares(wanted, kind)[node] for node in able]
        assert not has or max(has) - min(has) <= 1


@given(cases(), st.randoms(use_true_random=False))
def test_every_node_comes_to_the_same_result(case: tuple[list[Member], list[str], dict[str, str]], chance):
    who, names, held = case
    mixed_who, mixed_names, mixed_held = list(who), list(names), list(held.items())
    for each in (mixed_who, mixed_names, mixed_held):
        chance.shuffle(each)
    assert assign(mixed_who, mixed_names, dict(mixed_held)) == assign(who, names, held)


@given(cases())
def test_what_is_as_it_should_be_stays(case: tuple[list[Member], list[str], dict[str, str]]):
    who, names, held = case
    wanted = assign(who, names, held)
    assert assign(who, names, wanted) == wanted


@given(cases())
def test_nothing_moves_but_what_must(case: tuple[list[Member], list[str], dict[str, str]]):
    """A name leaves a node that may keep it only where that node has more than an even share of its kind."""
    who, names, held = case
    wanted = assign(who, names, held)
    able = [member.id for member in who if not member.draining]
    for kind in ("carrier", "duty"):
        own = [name for name in names if name.startswith(kind)]
        even = -(-len(own) // len(able)) if able else 0
        for node in able:
            had = [name for name in own if held.get(name) == node]
            lost = [name for name in had if wanted[name] != node]
            assert len(lost) <= max(0, len(had) - even + 1)
            assert not lost or shares(wanted, kind)[node] >= even - 1
