"""Values of contacts' fields: from JSON or from a cell of a file to what is stored, and back.

Texts and choices are stored as they are; numbers as they are; dates as microseconds UTC (a day is its midnight);
booleans as 1 and 0. A date so far away that its microseconds are no exact number is refused.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import Any, Final, Literal

from whimbrel.base import limits, moments
from whimbrel.domain.contacts import Contact, ContactField, value_of

DateOrder = Literal["iso", "dmy", "mdy"]
RESERVED: Final = frozenset(
    {
        "number", "name", "language", "time_zone", "country", "created_at", "updated_at", "tag", "list", "tags",
        "lists", "segment", "and", "or", "not", "in", "is", "contains", "starts", "with", "empty", "true", "false",
        "now", "id", "last_sent_at", "last_received_at", "last_clicked_at", "opted_out",
    }
)  # fmt: skip
"""Names that a field cannot have: they mean something else in filters and in files."""
DAY_US: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS: Final = range(1800, 2201)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}").fullmatch
_DAY: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)").fullmatch
_WRITTEN: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})").fullmatch
_DECIMAL: Final = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?").fullmatch
_TRUE: Final = frozenset({"true", "yes", "y", "1", "x", "on"})
_FALSE: Final = frozenset({"false", "no", "n", "0", "off"})
Stored = str | float | None


class ValueProblem(ValueError):
    """Why a value is none of its field's, in words."""


def is_name(name: str) -> bool:
    """Whether a field may have this name."""
    return bool(_NAME(name)) and name not in RESERVED


def stored(field: ContactField, value: Any) -> Stored:
    """What is stored of a JSON value; None clears it. ValueProblem."""
    if value is None or value == "":
        return None
    return _OF_JSON[field.kind](field, value)


def of_cell(field: ContactField, cell: str, order: DateOrder) -> Stored:
    """The same of a cell of a file, which is a text. An empty one says nothing."""
    if field.kind == "number":
        if not _DECIMAL(cell):
            raise ValueProblem("is no number")
        return float(cell)
    if field.kind == "boolean":
        said = cell.casefold()
        if said not in _TRUE and said not in _FALSE:
            raise ValueProblem("is neither yes nor no")
        return 1.0 if said in _TRUE else 0.0
    return _written_date(cell, order) if field.kind == "date" else _OF_JSON[field.kind](field, cell)


def shown(field: ContactField, value: Stored) -> Any:
    """A stored value as JSON."""
    if value is None or isinstance(value, str):
        return value
    if field.kind == "boolean":
        return value == 1
    if field.kind == "date":
        return shown_date(int(value))
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def shown_date(at: int) -> str:
    """A day, or a moment where it is none."""
    moment = moments.to_text(at)
    return moment[:10] if at % DAY_US == 0 else moment


def fields_of(contact: Contact, fields: Mapping[str, ContactField]) -> dict[str, Any]:
    """What a contact's fields hold, by name; those that hold nothing are left out."""
    found = ((name, field, value_of(contact, field.column)) for name, field in fields.items())
    return {name: shown(field, value) for name, field, value in found if value is not None}


def text_problem(value: str) -> str | None:
    """What is wrong with a text, in words."""
    if len(value) > limits.CONTACT_TEXT_MAX:
        return f"must have at most {limits.CONTACT_TEXT_MAX} characters"
    return None if value.isprintable() else "must not hold control characters"


def date_us(text: str) -> tuple[int, bool]:
    """Microseconds of a day or a moment, and whether it is a day. ValueProblem."""
    try:
        if match := _DAY(text):
            return _of_day(date(*map(int, match.groups()))), True
        at = moments.from_text(text)
    except ValueError:
        raise ValueProblem("is no date such as 2027-01-31, or moment such as 2027-01-31T09:00:00Z") from None
    _check_year((_EPOCH + timedelta(microseconds=at)).year)
    return at, False


def _text(_: ContactField, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueProblem("must be a text")
    if problem := text_problem(value):
        raise ValueProblem(problem)
    return value


def _choice(field: ContactField, value: Any) -> str:
    if value not in field.choices:
        raise ValueProblem(f"must be one of {', '.join(field.choices)}")
    return str(value)


def _number(_: ContactField, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or abs(value) > 1e300:
        raise ValueProblem("must be a number")
    return float(value)


def _boolean(_: ContactField, value: Any) -> float:
    if not isinstance(value, bool):
        raise ValueProblem("must be true or false")
    return float(value)


def _date(_: ContactField, value: Any) -> float:
    if not isinstance(value, str):
        raise ValueProblem("must be a date such as 2027-01-31")
    return float(date_us(value)[0])


def _written_date(cell: str, order: DateOrder) -> float:
    match = None if order == "iso" else _WRITTEN(cell)
    if match is None:
        return float(date_us(cell)[0])
    first, second, year = map(int, match.groups())
    day, month = (first, second) if order == "dmy" else (second, first)
    try:
        return float(_of_day(date(year, month, day)))
    except ValueError:
        raise ValueProblem("is no date") from None


def _of_day(day: date) -> int:
    _check_year(day.year)
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def _check_year(year: int) -> None:
    if year not in _YEARS:
        raise ValueProblem(f"must be of the years {_YEARS[0]} to {_YEARS[-1]}")


_OF_JSON: Final[Mapping[str, Callable[[ContactField, Any], Stored]]] = {
    "text": _text,
    "choice": _choice,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}
