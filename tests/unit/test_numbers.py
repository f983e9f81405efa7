"""Numbers: the same verdict as phonenumbers, on every region's examples and on mutations of them."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from whimbrel.domain.numbers import Number, international, is_sandbox, line_type, normalise


def _examples() -> list[str]:
    found: dict[str, None] = {}
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in range(11):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is not None:
                found[phonenumbers.format_number(example, PhoneNumberFormat.E164)] = None
    for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS):
        example = phonenumbers.example_number_for_non_geo_entity(code)
        found[phonenumbers.format_number(example, PhoneNumberFormat.E164)] = None
    return list(found)


EXAMPLES = _examples()
DIGITS = st.sampled_from("0123456789")


def _library(text: str) -> tuple[str, str | None, int] | None:
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return e164, phonenumbers.region_code_for_number(number), number.country_code


def _ours(text: str) -> tuple[str, str, int] | None:
    number = normalise(text)
    if number is None:
        return None
    assert number.digits == number.e164[1:]
    return number.e164, number.country, number.calling_code


def test_every_region_has_its_example() -> None:
    """Western Sahara and Saint Martin share all their patterns with Morocco and Guadeloupe, which come first."""
    seen = {found.country for text in EXAMPLES if (found := normalise(text))}
    assert len(phonenumbers.SUPPORTED_REGIONS) >= 245
    assert phonenumbers.SUPPORTED_REGIONS - seen == {"EH", "MF"}


@pytest.mark.parametrize("code", sorted({text[1] for text in EXAMPLES}))
def test_examples_have_the_verdict_of_the_library(code: str) -> None:
    chosen = [text for text in EXAMPLES if text[1] == code]
    assert {text: _ours(text) for text in chosen} == {text: _library(text) for text in chosen}


@st.composite
def _mutations(draw: st.DrawFn) -> str:
    digits = list(draw(st.sampled_from(EXAMPLES))[1:])
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(digits)))
        match draw(st.sampled_from(["insert", "delete", "replace", "tail"])):
            case "insert":
                digits.insert(place, draw(DIGITS))
            case "delete":
                del digits[place : place + 1]
            case "replace":
                digits[place : place + 1] = [draw(DIGITS)]
            case _:
                digits[place:] = [draw(DIGITS) for _ in digits[place:]]
    return "+" + "".join(digits)


@settings(max_examples=1500, deadline=None)
@given(_mutations())
def test_mutations_have_the_verdict_of_the_library(text: str) -> None:
    assert _ours(text) == _library(text)


@settings(max_examples=500, deadline=None)
@given(st.text(DIGITS, max_size=22).map("+".__add__))
def test_random_digits_have_the_verdict_of_the_library(text: str) -> None:
    assert _ours(text) == _library(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=45))
def test_any_text_is_a_number_or_none(text: str) -> None:
    number = normalise(text)
    assert number is None or normalise(number.e164) == number


BRITISH = Number("+447400123456", "447400123456", "GB", 44)


@pytest.mark.parametrize(
    "text",
    [
        "+447400123456",
        "+44 7400 123456",
        " +44 (0)7400-123.456 ",
        "+44\u00a07400\u2011123456",
        "\u202a+447400123456\u202c",
        "00447400123456",
        "0044 7400 123 456",
        "+4407400123456",  # a national prefix that does not belong there
    ],
)
def test_ways_to_write_a_number(text: str) -> None:
    assert normalise(text) == BRITISH


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "+4",
        "+44",
        "447400123456",  # without plus its country is a guess
        "07400123456",
        "++447400123456",
        "+44740012345x",
        "+44 7400 12345 6 7 8",
        "+٤٤٧٤٠٠١٢٣٤٥٦",
        "+44740012345６",
        "+1 800 FLOWERS",
        "tel:+447400123456",
        "+447400123456;ext=5",
        "+447400123456\n+447400123457",
        "+999123456789",
        "+44" + "7" * 5000,
        "+0447400123456",
        "+44" + "7" * 100,
    ],
)
def test_what_is_no_number(text: str) -> None:
    assert normalise(text) is None


def test_all_sandbox_numbers_are_valid() -> None:
    assert all(normalise(f"+1500555{last:04}") for last in range(10_000))
    assert normalise("+1 500 555 0006") == Number("+15005550006", "15005550006", "US", 1)
    assert is_sandbox("+15005550006")
    assert not is_sandbox("+150055500066")
    assert normalise("+1500555000") is None
    assert normalise("+150055500066") is None


def test_shared_calling_codes_keep_their_countries() -> None:
    countries = {
        "+12015550123": "US",
        "+15062345678": "CA",
        "+18762101234": "JM",
        "+447781123456": "GG",
        "+77710009998": "KZ",
    }
    assert {text: number.country for text in countries if (number := normalise(text))} == countries


def test_numbers_of_no_country() -> None:
    number = normalise("+80012345678")
    assert number is not None
    assert (number.country, number.calling_code) == ("001", 800)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("+447400123456", "mobile"),
        ("+441212345678", "fixed"),
        ("+18002345678", "toll_free"),
        ("+12015550123", "fixed_or_mobile"),
        ("+15005550006", "personal"),
    ],
)
def test_line_types(text: str, kind: str) -> None:
    number = normalise(text)
    assert number is not None
    assert line_type(number) == kind


@pytest.mark.parametrize(
    ("e164", "written"),
    [
        ("+447911123456", "+44 7911 123456"),
        ("+15005550902", "+1 500-555-0902"),
        ("+99", "+99"),
        ("Whimbrel", "Whimbrel"),
        ("", ""),
    ],
)
def test_numbers_are_written_in_the_groups_of_their_country(e164: str, written: str) -> None:
    assert international(e164) == written
