"""Names that nobody should send by: what says nothing, and what reads as somebody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.sender_names import generic_word, name_problem, plain, shape


@pytest.mark.parametrize(
    ("name", "kind", "like"),
    [
        ("INFO", "generic", "INFO"),
        ("sms", "generic", "sms"),
        ("Verify", "generic", "Verify"),
        ("1NF0", "generic", "1NF0"),
        ("PayPal", "protected", "PayPal"),
        ("PAYPAI", "protected", "PayPal"),
        ("P4y Pa1", "protected", "PayPal"),
        ("PayPalHelp", "protected", "PayPal"),
        ("MyDHL", "protected", "DHL"),
        ("Arnazon", "protected", "Amazon"),
        ("AppIe", "protected", "Apple"),
        ("Ubcr", None, None),
        ("VVise", "protected", "Wise"),
        ("N4tWest", "protected", "NatWest"),
        ("HM-RC", "protected", "HMRC"),
        ("Whimbrel", None, None),
        ("Acme", None, None),
        ("Helpful", None, None),
        ("Stationery", None, None),
    ],
)
def test_names(name, kind, like):
    problem = name_problem(name)
    assert (problem and problem.kind, problem and problem.like) == (kind, like)


@pytest.mark.parametrize(
    ("name", "registered", "others", "kind"),
    [
        ("Morning", (), ("M0rning",), "confusable"),
        ("Moming", (), ("Morning",), "confusable"),
        ("MORNING", (), ("Morning",), None),
        ("Mor-ning", (), ("Morning",), None),
        ("MORNING", ("Morning",), ("Morning",), "confusable"),
        ("Evening", ("Morning",), ("Morning",), None),
    ],
)
def test_names_of_other_accounts(name, registered, others, kind):
    problem = name_problem(name, registered, others)
    assert (problem and problem.kind) == kind


def test_some_words_are_blocked_in_some_countries_only():
    assert generic_word("INFO") and generic_word("INFO", "GB") and generic_word("INFO", "FR")
    assert not generic_word("BANK") and generic_word("BANK", "GB") and not generic_word("BANK", "FR")


NAMES = st.text(st.sampled_from("ABCIOlimnrvwcd0123456789 .&_-"), min_size=1, max_size=11)


@given(NAMES)
def test_the_shape_of_a_shape_is_itself_and_case_and_dots_do_not_count(name):
    assert shape(shape(name)) == shape(name)
    assert shape(name.upper()) == shape(name.lower()) == shape(name)
    assert shape(f" {name}.") == shape(name)
    assert shape(plain(name)) == shape(name)


@given(NAMES, st.data())
def test_a_look_alike_has_the_same_shape(name, data):
    swaps = {"O": "0", "I": "l", "l": "1", "m": "rn", "w": "vv", "d": "cl", "i": "I"}
    swapped = "".join(swaps[each] if each in swaps and data.draw(st.booleans()) else each for each in name)
    assert shape(swapped) == shape(name)
