"""Prices: the account's own list first, each by the longest prefix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.model import Price
from whimbrel.domain.pricing import PriceList


def _price(number: int, prefix: str, micros: int, account_id: str | None = None, currency: str = "USD") -> Price:
    return Price(f"PR{number:032x}", account_id, prefix, micros, currency, 0, 0)


GENERAL = _price(1, "44", 40_000)
GENERAL_MOBILE = _price(2, "447", 30_000)
OWN = _price(3, "44", 20_000, "AC1", "EUR")
OWN_JERSEY = _price(4, "441534", 90_000, "AC1", "EUR")
PRICES = PriceList([GENERAL, GENERAL_MOBILE, OWN, OWN_JERSEY])


@pytest.mark.parametrize(
    ("account_id", "digits", "segments", "expected"),
    [
        ("AC2", "447400123456", 1, (30_000, "USD", GENERAL_MOBILE)),
        ("AC2", "447400123456", 3, (90_000, "USD", GENERAL_MOBILE)),
        ("AC2", "441212345678", 2, (80_000, "USD", GENERAL)),
        ("AC1", "447400123456", 2, (40_000, "EUR", OWN)),  # its own short prefix beats a longer general one
        ("AC1", "441534123456", 1, (90_000, "EUR", OWN_JERSEY)),
        ("AC1", "12015550123", 1, None),
        ("AC2", "", 1, None),
    ],
)
def test_prices(account_id: str, digits: str, segments: int, expected: tuple[int, str, Price] | None) -> None:
    assert PRICES.price(account_id, digits, segments) == expected


def test_an_account_without_a_row_for_the_number_pays_the_general_price() -> None:
    prices = PriceList([_price(1, "1", 5), _price(2, "44", 7, "AC1")])
    found = prices.price("AC1", "12015550123", 2)
    assert found is not None
    assert found[0] == 10


def test_of_two_rows_for_one_prefix_the_newer_holds() -> None:
    old, new = _price(1, "44", 1), _price(2, "44", 2)
    assert PriceList([new, old]).price("AC1", "447", 1) == (2, "USD", new)


def test_a_row_for_every_number() -> None:
    everywhere = _price(1, "", 9)
    assert PriceList([everywhere]).price("AC1", "9", 1) == (9, "USD", everywhere)


@given(
    st.dictionaries(st.tuples(st.sampled_from([None, "AC1", "AC2"]), st.text("12", max_size=3)), st.integers(1, 9)),
    st.sampled_from(["AC1", "AC3"]),
    st.text("12", max_size=4),
)
def test_own_list_first_then_the_general_one(
    rows: dict[tuple[str | None, str], int], account_id: str, digits: str
) -> None:
    prices = PriceList(_price(i, prefix, micros, owner) for i, ((owner, prefix), micros) in enumerate(rows.items()))
    matching = [
        (owner is not None, len(prefix), micros)
        for (owner, prefix), micros in rows.items()
        if owner in (None, account_id) and digits.startswith(prefix)
    ]
    found = prices.price(account_id, digits, 1)
    assert (found[0] if found else None) == (max(matching)[2] if matching else None)
