"""Files of contacts: numbers as lists have them, values of cells, charsets, delimiters, and what columns seem to be."""

from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.contact_numbers import read_number
from whimbrel.domain.contact_sheets import (
    RowReader,
    Wrong,
    charset_of,
    delimiter_of,
    has_header,
    is_workbook,
    proposal,
)
from whimbrel.domain.contact_values import RESERVED, ValueProblem, is_name, of_cell, shown, stored
from whimbrel.domain.contacts import (
    ContactField,
    ContactWrite,
    ImportSpec,
    label_numbers,
    packed_labels,
    relabelled,
)

JANUARY = 1_769_817_600_000_000  # 2026-01-31


def field(kind: Any, *choices: str) -> ContactField:
    return ContactField("CF1", "AC1", False, "f", kind, choices, 1, None, 0)


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+49 151 12345001", None, "+4915112345001"),
        ("0049 (151) 12345001", None, "+4915112345001"),
        ("0151/12345001", "DE", "+4915112345001"),
        ("15112345001", "DE", "+4915112345001"),
        ("4915112345001", "DE", "+4915112345001"),
        ("'+4915112345001", None, "+4915112345001"),
        ("(415) 555-0123", "US", "+14155550123"),
        ("1 415 555 0123", "US", "+14155550123"),
        ("07400 123456", "GB", "+447400123456"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("347 123 4567", "IT", "+393471234567"),
        ("0151 12345001", None, None),
        ("+49 151 12345001", "US", "+4915112345001"),
        ("12", "DE", None),
        ("", "DE", None),
        ("call me", "DE", None),
        ("0" * 60, "DE", None),
    ],
)
def test_numbers_as_lists_have_them(text: str, country: str | None, number: str | None):
    found = read_number(text, country)
    assert (found and found.e164) == number


@given(
    st.sampled_from(["DE", "GB", "US", "FR", "IT", "BR", "MX", "AR", "IN"]),
    st.integers(10**6, 10**11 - 1),
    st.booleans(),
)
def test_a_national_number_is_what_the_library_says(country: str, digits: int, prefixed: bool):
    """But for digits that begin with the calling code and are a number so."""
    text = f"0{digits}" if prefixed else str(digits)
    code = str(phonenumbers.country_code_for_region(country))
    found = read_number(text, country)
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        assert found is None
        return
    valid = phonenumbers.is_valid_number(parsed)
    if text.startswith(code) and found is not None and found.e164 == f"+{text}":
        return
    expected = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if valid else None
    assert (found and found.e164) == expected


@pytest.mark.parametrize(
    ("kind", "value", "held", "back"),
    [
        ("text", "Rome", "Rome", "Rome"),
        ("choice", "pro", "pro", "pro"),
        ("number", 3, 3.0, 3),
        ("number", 0.5, 0.5, 0.5),
        ("boolean", True, 1.0, True),
        ("date", "2026-01-31", float(JANUARY), "2026-01-31"),
        ("date", "2026-01-31T01:00:00+01:00", float(JANUARY), "2026-01-31"),
        ("date", "2026-01-31T00:00:01Z", float(JANUARY + 1_000_000), "2026-01-31T00:00:01.000000Z"),
        ("text", None, None, None),
        ("number", "", None, None),
    ],
)
def test_what_is_stored_and_shown(kind: str, value: Any, held: Any, back: Any):
    declared = field(kind, "free", "pro") if kind == "choice" else field(kind)
    assert stored(declared, value) == held
    assert shown(declared, held) == back


@pytest.mark.parametrize(
    ("kind", "value"),
    [("text", 1), ("text", "a\nb"), ("text", "x" * 501), ("choice", "gold"), ("choice", 1), ("number", "1"),
     ("number", True), ("number", float("nan")), ("boolean", 1), ("date", 1), ("date", "2026-02-30"),
     ("date", "1492-01-01"), ("date", "2026-01-31T00:00:00"), ("date", "soon")],
)  # fmt: skip
def test_what_is_no_value_of_a_field(kind: str, value: Any):
    with pytest.raises(ValueProblem):
        stored(field(kind, "pro"), value)


@pytest.mark.parametrize(
    ("kind", "cell", "order", "held"),
    [
        ("number", "-1.50", "iso", -1.5),
        ("boolean", "Yes", "iso", 1.0),
        ("boolean", "0", "iso", 0.0),
        ("date", "31.01.2026", "dmy", float(JANUARY)),
        ("date", "01/31/2026", "mdy", float(JANUARY)),
        ("date", "2026-01-31", "dmy", float(JANUARY)),
        ("text", "Öz", "iso", "Öz"),
        ("number", "1,5", "iso", None),
        ("boolean", "maybe", "iso", None),
        ("date", "31.01.2026", "mdy", None),
        ("date", "31.01.2026", "iso", None),
    ],
)
def test_cells_of_files(kind: str, cell: str, order: Any, held: Any):
    if held is None:
        with pytest.raises(ValueProblem):
            of_cell(field(kind), cell, order)
    else:
        assert of_cell(field(kind), cell, order) == held


@pytest.mark.parametrize(
    ("head", "charset"),
    [(b"\xef\xbb\xbfa", "utf-8-sig"), ("a".encode("utf-16"), "utf-16"), ("Öz".encode(), "utf-8"),
     ("Öz".encode()[:1] * 1, "utf-8"), ("Öz and more".encode("cp1252"), "cp1252"), (b"", "utf-8")],
)  # fmt: skip
def test_charsets(head: bytes, charset: str):
    assert charset_of(head) == charset


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [("a,b\n1,2\n", ","), ("a;b\n1,5;2\n", ";"), ("a\tb\n1\t2", "\t"), ("a|b\n1|2", "|"), ("phone\n+1\n", ","),
     ('"a,b";c\n"1,2";3', ";"), ("", ",")],
)  # fmt: skip
def test_delimiters(text: str, delimiter: str):
    assert delimiter_of(text) == delimiter


def test_what_columns_seem_to_be():
    assert proposal(["Handy", "Vorname", "City", "plan", "Phone"], [], ["plan"]) == (
        "number", "first_name", None, "plan", None
    )  # fmt: skip
    assert proposal(["a", "b"], [["Ann", "+4915112345001"], ["Bob", "0151 1234500"]], []) == (None, "number")
    assert proposal(["a"], [], []) == (None,)
    assert (has_header(["Phone", "Name"]), has_header(["0151 12345001", "Ann"])) == (True, False)
    assert (is_workbook(b"PK\x03\x04x"), is_workbook(b"phone")) == (True, False)


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        (["+4915112345001", "Ann", "vip", "1"], None),
        (["+4915112345001"], None),
        (["", "Ann", "", ""], Wrong("number", "", "is missing")),
        (["x", "Ann", "", ""], Wrong("number", "x", "is no number")),
        (["+4915112345001", "Ann", "nobody", ""], Wrong("tags", "nobody", "is no tag of the account")),
        (["+4915112345001", "Ann", "", "x"], Wrong("f", "x", "is no number")),
        (["+4915112345001", "a\x07", "", ""], Wrong("name", "a\x07", "must not hold control characters")),
    ],
)
def test_rows(cells: list[str], wrong: Wrong | None):
    spec = ImportSpec(mapping={"0": "number", "1": "name", "2": "tags", "3": "f"}, labels=(9,))
    said = RowReader(spec, {"f": field("number")}, {("tag", "vip"): 3}).read(cells)
    if wrong is not None:
        assert said == wrong
        return
    assert isinstance(said, ContactWrite)
    assert (said.number, said.country, said.add[0]) == ("+4915112345001", "DE", 9)


def test_a_column_may_say_the_country_of_each_row():
    spec = ImportSpec(mapping={"0": "number", "1": "country", "2": "first_name", "3": "last_name"}, country="DE")
    read = RowReader(spec, {}, {}).read
    said = [read(["07400 123456", "gb", "Ann", "Lee"]), read(["0151 12345001", "", "", "Ray"])]
    assert [(each.number, each.columns["name"]) for each in said if isinstance(each, ContactWrite)] == [
        ("+447400123456", "Ann Lee"), ("+4915112345001", "Ray")
    ]  # fmt: skip


def test_names_of_fields():
    assert is_name("plan_2") and not any(map(is_name, ["", "Plan", "2a", "a b", "x" * 41, *RESERVED]))


@given(st.sets(st.integers(1, 99)), st.sets(st.integers(1, 99)), st.sets(st.integers(1, 99)))
def test_labels_are_a_set(before: set[int], add: set[int], drop: set[int]):
    after = relabelled(packed_labels(before), tuple(add), tuple(drop))
    assert label_numbers(after) == sorted((before | add) - drop)
