"""Filters of places: `{{amount|money:code}}`. A filter is a row of a table; templates run no code.

Dates, numbers, money and plurals follow the conventions of the template's language (CLDR). What CLDR writes with spaces
that GSM-7 does not hold (U+00A0, U+202F) is written with plain ones: one such space would make three segments of two.
"""

import datetime
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Final, Literal
from urllib.parse import quote

import msgspec
import phonenumbers
from babel.dates import format_date, format_datetime, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, format_percent

from whimbrel.domain.numbers import Number
from whimbrel.domain.templates.languages import locale_of
from whimbrel.domain.templates.values import Money, Value

Widths = Literal["short", "medium", "long", "full"]
_PLAIN: Final = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-"})
_TEXTS: Final = frozenset({"text", "code", "url"})
_NUMBERS: Final = frozenset({"number", "integer"})
_ALL: Final = frozenset({"text", "number", "integer", "money", "date", "time", "datetime", "url", "phone", "code"})
_FORMS: Final = ("zero", "one", "two", "few", "many", "other")
_WIDTHS: Final = ("short", "medium", "long", "full")
_MORE: Final = "..."  # U+2026 is not in GSM-7
_JOINERS: Final = frozenset("\u200d\ufe0f\ufe0e")
_DOTLESS: Final = frozenset({"tr", "az"})
_LONGEST: Final = 1600

Check = Callable[[Sequence[str]], str]
Apply = Callable[[Any, Sequence[str], str], Value]


class FilterRow(msgspec.Struct, frozen=True):
    """A filter: types that it takes and gives (None: the same), how many arguments, what is wrong with these (empty:
    nothing), what it does with a value, its arguments and a language, and what it is for."""

    takes: frozenset[str]
    gives: str | None
    least: int
    most: int
    check: Check
    apply: Apply
    summary: str


def shown(value: Value, language: str) -> str:
    """A value as it stands in a text without a filter."""
    if isinstance(value, str):
        return value
    for kind, row in _SHOWN:
        if isinstance(value, kind):
            return str(row.apply(value, (), language))
    assert isinstance(value, int | Decimal)
    return _plain(format_decimal(value, locale=locale_of(language), decimal_quantization=False))


def _plain(text: str) -> str:
    return text.translate(_PLAIN)


# ---------------------------------------------------------------- texts


def _upper(value: str, arguments: Sequence[str], language: str) -> str:
    return (value.replace("i", "İ") if _is_dotless(language) else value).upper()


def _lower(value: str, arguments: Sequence[str], language: str) -> str:
    return (value.replace("I", "ı").replace("İ", "i") if _is_dotless(language) else value).lower()


def _is_dotless(language: str) -> bool:
    """Turkish and Azerbaijani have an i of their own."""
    return language.partition("-")[0] in _DOTLESS


def _capitalize(value: str, arguments: Sequence[str], language: str) -> str:
    return _upper(value[:1], (), language) + value[1:]


def _first(value: str, arguments: Sequence[str], language: str) -> str:
    return value.split(maxsplit=1)[0] if value.strip() else ""


def _truncate(value: str, arguments: Sequence[str], language: str) -> str:
    """At most so many characters, with what stands for the rest; never within an emoji or a letter with its marks."""
    longest = int(arguments[0])
    if len(value) <= longest:
        return value
    more = arguments[1] if len(arguments) > 1 else _MORE
    end = max(0, longest - len(more))
    while end and _belongs_before(value, end):
        end -= 1
    return (value[:end].rstrip() + more)[:longest]


def _belongs_before(text: str, at: int) -> bool:
    here = text[at]
    return (
        unicodedata.combining(here) != 0
        or unicodedata.category(here) in {"Mn", "Mc", "Me"}
        or here in _JOINERS
        or text[at - 1] == "\u200d"
        or "\U0001f3fb" <= here <= "\U0001f3ff"
    )


def _spaced(value: str, arguments: Sequence[str], language: str) -> str:
    size = int(arguments[0])
    return " ".join(value[at : at + size] for at in range(0, len(value), size))


def _last(value: str, arguments: Sequence[str], language: str) -> str:
    return value[-int(arguments[0]) :]


def _encode(value: str, arguments: Sequence[str], language: str) -> str:
    return quote(value, safe="")


# ---------------------------------------------------------------- numbers and money


def _number(value: Decimal | int, arguments: Sequence[str], language: str) -> str:
    if not arguments:
        return shown(value, language)
    places = int(arguments[0])
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    form = "#,##0" + ("." + "0" * places if places else "")
    return _plain(format_decimal(rounded, format=_grouped(form, language), locale=locale_of(language)))


@lru_cache(maxsize=512)
def _grouped(form: str, language: str) -> str:
    """The pattern with the groups of the language: thousands, or lakhs and crores."""
    own = str(locale_of(language).decimal_formats[None].pattern)
    groups = own.partition(";")[0].partition(".")[0]
    return groups + form.removeprefix("#,##0")


def _percent(value: Decimal | int, arguments: Sequence[str], language: str) -> str:
    places = int(arguments[0]) if arguments else 0
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) / 100
    return _plain(format_percent(rounded, locale=locale_of(language), decimal_quantization=False))


def _money(value: Money, arguments: Sequence[str], language: str) -> str:
    style = arguments[0] if arguments else "symbol"
    locale = locale_of(language)
    if style == "amount":
        return _plain(
            format_currency(value.amount, value.currency, locale=locale, format=_grouped("#,##0.00", language))
        )
    text = format_currency(value.amount, value.currency, locale=locale, format_type="standard")
    if style == "code":
        bare = format_currency(value.amount, value.currency, locale=locale, format=_grouped("#,##0.00", language))
        return f"{_plain(bare)} {value.currency}"
    return _plain(text)


def _plural(value: Decimal | int, arguments: Sequence[str], language: str) -> str:
    forms = _forms(tuple(arguments))
    form = forms.get(locale_of(language).plural_form(value))
    return (forms["other"] if form is None else form).replace("#", shown(value, language))


@lru_cache(maxsize=1024)
def _forms(arguments: tuple[str, ...]) -> Mapping[str, str]:
    return {name.strip(): words for name, _, words in (each.partition("=") for each in arguments)}


# ---------------------------------------------------------------- dates and times


def _date(value: datetime.date, arguments: Sequence[str], language: str) -> str:
    width = arguments[0] if arguments else "medium"
    locale = locale_of(language)
    if width == "weekday":
        return _plain(format_date(value, "EEEE", locale=locale))
    if width == "day":
        return _plain(format_skeleton("MMMd", _as_moment(value), tzinfo=_zone(value), locale=locale))
    return _plain(format_date(value, width, locale=locale))


def _as_moment(value: datetime.date) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)


def _zone(value: Any) -> Any:
    return getattr(value, "tzinfo", None) or datetime.UTC


def _time(value: datetime.datetime | datetime.time, arguments: Sequence[str], language: str) -> str:
    width = arguments[0] if arguments else "short"
    if isinstance(value, datetime.time):
        value = datetime.datetime.combine(datetime.date(2000, 1, 1), value, datetime.UTC)
    return _plain(format_time(value, width, tzinfo=_zone(value), locale=locale_of(language)))


def _datetime(value: datetime.datetime, arguments: Sequence[str], language: str) -> str:
    width = arguments[0] if arguments else "medium"
    return _plain(format_datetime(value, width, tzinfo=_zone(value), locale=locale_of(language)))


# ---------------------------------------------------------------- phones


def _phone(value: Number, arguments: Sequence[str], language: str) -> str:
    style = arguments[0] if arguments else "international"
    if style == "e164":
        return value.e164
    parsed = phonenumbers.parse(value.e164)
    kind = phonenumbers.PhoneNumberFormat.NATIONAL if style == "national" else None
    return str(
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL if kind is None else kind)
    )


# ---------------------------------------------------------------- arguments


def _any(arguments: Sequence[str]) -> str:
    return ""


def _whole(least: int, most: int) -> Check:
    def check(arguments: Sequence[str]) -> str:
        if not arguments or (
            arguments[0].isascii() and arguments[0].isdigit() and least <= int(arguments[0][:6]) <= most
        ):
            return ""
        return f"takes a whole number from {least} to {most:,}"

    return check


def _one_of(*words: str) -> Check:
    def check(arguments: Sequence[str]) -> str:
        return "" if not arguments or arguments[0] in words else f"takes {', '.join(words[:-1])} or {words[-1]}"

    return check


def _are_forms(arguments: Sequence[str]) -> str:
    forms = _forms(tuple(arguments))
    if "other" not in forms or not forms.keys() <= set(_FORMS) or len(forms) != len(arguments):
        return "takes words by plural form, `other` among them: one=parcel, other=parcels"
    return ""


def _itself(value: Any, arguments: Sequence[str], language: str) -> Value:
    """Of a value that is there; `rendering.py` fills in the one that is not."""
    found: Value = value
    return found


DEFAULT: Final = "default"

FILTERS: Final[Mapping[str, FilterRow]] = {
    DEFAULT: FilterRow(_ALL, None, 1, 1, _any, _itself, "what stands there when the message gives nothing"),
    "upper": FilterRow(_TEXTS, "text", 0, 0, _any, _upper, "capitals"),
    "lower": FilterRow(_TEXTS, "text", 0, 0, _any, _lower, "small letters"),
    "capitalize": FilterRow(_TEXTS, "text", 0, 0, _any, _capitalize, "the first letter as a capital"),
    "first": FilterRow(_TEXTS, "text", 0, 0, _any, _first, "the first word"),
    "truncate": FilterRow(
        _TEXTS,
        "text",
        1,
        2,
        _whole(1, _LONGEST),
        _truncate,
        "at most so many characters, `...` or the second argument at the end",
    ),
    "spaced": FilterRow(_TEXTS, "text", 1, 1, _whole(1, 20), _spaced, "a space behind every so many characters"),
    "last": FilterRow(_TEXTS, "text", 1, 1, _whole(1, 100), _last, "the last so many characters"),
    "encode": FilterRow(_TEXTS, "text", 0, 0, _any, _encode, "percent-encoded, for a place within a link"),
    "number": FilterRow(_NUMBERS, "text", 0, 1, _whole(0, 6), _number, "with so many decimals, rounded half up"),
    "percent": FilterRow(_NUMBERS, "text", 0, 1, _whole(0, 6), _percent, "12.5 as 13%, or with so many decimals"),
    "plural": FilterRow(
        _NUMBERS, "text", 1, 6, _are_forms, _plural, "the word for this number; # stands for the number"
    ),
    "money": FilterRow(
        frozenset({"money"}),
        "text",
        0,
        1,
        _one_of("symbol", "code", "amount"),
        _money,
        "with the currency's symbol, its code, or neither",
    ),
    "date": FilterRow(
        frozenset({"date", "datetime"}),
        "text",
        0,
        1,
        _one_of(*_WIDTHS, "day", "weekday"),
        _date,
        "the date; `day` is day and month",
    ),
    "time": FilterRow(frozenset({"time", "datetime"}), "text", 0, 1, _one_of(*_WIDTHS), _time, "the time of day"),
    "datetime": FilterRow(frozenset({"datetime"}), "text", 0, 1, _one_of(*_WIDTHS), _datetime, "date and time"),
    "phone": FilterRow(
        frozenset({"phone"}), "text", 0, 1, _one_of("international", "national", "e164"), _phone, "a phone number"
    ),
}
"""Every filter; docs/templates.md lists them (a test compares)."""

_SHOWN: Final[Sequence[tuple[type, FilterRow]]] = (
    (Money, FILTERS["money"]),
    (datetime.datetime, FILTERS["datetime"]),
    (datetime.date, FILTERS["date"]),
    (datetime.time, FILTERS["time"]),
    (Number, FILTERS["phone"]),
)
"""What a value without a filter is told by; numbers by themselves. A moment is a date too, so it stands before."""
