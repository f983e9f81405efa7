"""The longest-prefix map against the plain definition."""

from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.prefixes import PrefixMap

FEW = st.text("012", max_size=5)


@given(st.dictionaries(FEW, st.integers()), st.text("012", max_size=8))
def test_the_longest_prefix_wins(items: dict[str, int], digits: str) -> None:
    prefixes = PrefixMap(items.items())
    matching = [prefix for prefix in items if digits.startswith(prefix)]
    assert prefixes.longest(digits) == (items[max(matching, key=len)] if matching else None)


def test_a_number_shorter_than_a_prefix_does_not_match_it() -> None:
    assert PrefixMap([("441", 1)]).longest("44") is None
    assert PrefixMap([("", 0), ("441", 1)]).longest("44") == 0
