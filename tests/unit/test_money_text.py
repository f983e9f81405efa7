"""Money in and out: decimal strings, integer millionths, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base import money


@pytest.mark.parametrize(
    ("text", "micros"),
    [("0", 0), ("1", 1_000_000), ("0.0075", 7_500), ("+2.50", 2_500_000), ("-0.000001", -1), ("1000000000", 10**15)],
)
def test_read(text: str, micros: int) -> None:
    assert money.from_text(text) == micros


@pytest.mark.parametrize("text", ["", " 1", "1e-3", "NaN", "Infinity", "0.0000001", "1,5", "1000000001", ".5", "٣"])
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        money.from_text(text)


@given(st.integers(-money.MAX_MICROS, money.MAX_MICROS))
def test_what_is_written_is_read_again(micros: int) -> None:
    assert money.from_text(money.to_text(micros)) == micros
