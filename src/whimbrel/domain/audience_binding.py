"""What a filter says, given columns: names become columns of the contact's row, values what is stored there. What does
not fit (an unknown name, a text where a number must stand) is told with its place.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from whimbrel.domain.audience_language import Compared, Comparison, Constant, FilterError, Joined, Said, read
from whimbrel.domain.audience_terms import All, Ask, No, Operator, Some, Term, Value
from whimbrel.domain.contact_values import DAY_US, ValueProblem, date_us
from whimbrel.domain.contacts import ContactField, LabelKind, label_mark, name_key

_HOUR_US: Final = 3600 * 1_000_000
_COLUMNS: Final = {"time_zone": "zone"}
_TEXTS: Final = ("number", "country", "language", "time_zone")
_MOMENTS: Final = ("created_at", "updated_at")
_LABELS: Final[Mapping[str, LabelKind]] = {"tag": "tag", "list": "list"}
_SIGNS: Final[Mapping[Comparison, Operator]] = {"=": "eq", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_NEVER: Final = Some(())
_WITH_TEXT: Final = ("contains", "starts with")


class Vocabulary(msgspec.Struct, frozen=True):
    """What an account's filters may speak of: declared fields by name, numbers of tags and lists by kind and name."""

    fields: Mapping[str, ContactField]
    labels: Mapping[tuple[LabelKind, str], int]


def bind(text: str, vocabulary: Vocabulary, now: int) -> Term:
    """The term that a filter means at a moment. FilterError."""
    return _bound(read(text), _Binder(vocabulary, now))


def _bound(said: Said, binder: "_Binder") -> Term:
    if isinstance(said, Compared):
        return binder.compared(said)
    if isinstance(said, Joined):
        parts = tuple(_bound(part, binder) for part in said.parts)
        return All(parts) if said.word == "and" else Some(parts)
    return No(_bound(said.part, binder))


class _Binder:
    def __init__(self, vocabulary: Vocabulary, now: int) -> None:
        self._vocabulary = vocabulary
        self._now = now

    def compared(self, said: Compared) -> Term:
        """`!=` is the opposite of `=`, so it is true where there is no value."""
        if said.comparison == "!=":
            return No(self.compared(msgspec.structs.replace(said, comparison="=")))
        name = said.attribute
        if name in _LABELS:
            return self._label(said, _LABELS[name])
        if name in _TEXTS:
            return _of_texts(said, _COLUMNS.get(name, name))
        if name == "name":
            return _of_name(said)
        if name in _MOMENTS:
            return self._of_dates(said, name)
        field = self._vocabulary.fields.get(name)
        if field is None:
            raise FilterError(f"knows no attribute `{name}`", said.place)
        return self._of_field(said, field)

    def _of_field(self, said: Compared, field: ContactField) -> Term:
        if field.kind in ("text", "choice"):
            return _of_texts(said, field.column)
        if field.kind == "number" and said.comparison in _WITH_TEXT:
            raise FilterError(f"cannot ask of the number `{said.attribute}` what it `{said.comparison}`", said.place)
        if field.kind == "number":
            return _ordered(said, field.column, [_number(each) for each in said.values])
        if field.kind == "boolean":
            if said.comparison not in ("=", "is empty"):
                raise FilterError(
                    f"can ask of `{said.attribute}` whether it `=` true or false, or is empty", said.place
                )
            return _ordered(said, field.column, [_boolean(each) for each in said.values])
        return self._of_dates(said, field.column)

    def _label(self, said: Compared, kind: LabelKind) -> Term:
        if said.comparison not in ("=", "in"):
            raise FilterError(f"can ask of `{kind}` with `=`, `!=`, `in` or `not in`", said.place)
        known = self._vocabulary.labels
        found: list[Term] = []
        for value in said.values:
            if value.kind != "text":
                raise FilterError(f"has no name of a {kind} in double quotes", value.place)
            number = known.get((kind, value.said))
            if number is None:
                raise FilterError(f"knows no {kind} `{value.said}`", value.place)
            found.append(Ask("labels", "has", (label_mark(number),)))
        return found[0] if len(found) == 1 else Some(tuple(found))

    def _of_dates(self, said: Compared, column: str) -> Term:
        """A day is all of its moments."""
        if said.comparison == "is empty":
            return No(Ask(column, "set"))
        if said.comparison in _WITH_TEXT:
            raise FilterError(f"cannot ask of a date what it `{said.comparison}`", said.place)
        kind = int if column in _MOMENTS else float  # as the column holds it
        terms = [_on_date(column, said.comparison, *self._moment(value), kind) for value in said.values]
        return terms[0] if len(terms) == 1 else Some(tuple(terms))

    def _moment(self, value: Constant) -> tuple[int, bool]:
        if value.kind == "now":
            return self._now - _distance(value.said), False
        if value.kind not in ("moment", "text"):
            raise FilterError("needs a date such as 2027-01-31, or now-30d", value.place)
        try:
            return date_us(value.said)
        except ValueProblem as problem:
            raise FilterError(f"has a value that {problem}", value.place) from None


def _on_date(column: str, comparison: Comparison, at_us: int, is_day: bool, kind: type[int | float]) -> Term:
    at, end = kind(at_us), kind(at_us + DAY_US)
    if not is_day:
        return Ask(column, "eq" if comparison == "in" else _SIGNS[comparison], (at,))
    if comparison in ("=", "in"):
        return All((Ask(column, "ge", (at,)), Ask(column, "lt", (end,))))
    if comparison in ("<", ">="):
        return Ask(column, _SIGNS[comparison], (at,))
    return Ask(column, "lt" if comparison == "<=" else "ge", (end,))


def _of_texts(said: Compared, column: str) -> Term:
    if said.comparison == "is empty":
        return No(Ask(column, "set"))
    return _about(said, column, tuple(_text(each) for each in said.values))


def _of_name(said: Compared) -> Term:
    """Names are compared without regard to case; one that is not known is empty."""
    if said.comparison == "is empty":
        return Ask("name_key", "eq", ("",))
    return _about(said, "name_key", tuple(name_key(_text(each)) for each in said.values))


def _about(said: Compared, column: str, values: tuple[Value, ...]) -> Term:
    if said.comparison == "in":
        return Ask(column, "in", values)
    if said.comparison == "=":
        return Ask(column, "eq", values)
    if said.comparison not in _WITH_TEXT:
        raise FilterError(f"cannot compare the text `{said.attribute}` by `{said.comparison}`", said.place)
    if values == ("",):
        raise FilterError("looks for an empty text", said.values[0].place)
    return Ask(column, "has" if said.comparison == "contains" else "begins", values)


def _ordered(said: Compared, column: str, values: list[float]) -> Term:
    if said.comparison == "is empty":
        return No(Ask(column, "set"))
    if said.comparison == "in":
        return Ask(column, "in", tuple(values))
    return Ask(column, _SIGNS[said.comparison], tuple(values))


def _text(value: Constant) -> str:
    if value.kind != "text":
        raise FilterError("needs a text in double quotes", value.place)
    return value.said


def _number(value: Constant) -> float:
    if value.kind != "number":
        raise FilterError("needs a number", value.place)
    return float(value.said)


def _boolean(value: Constant) -> float:
    if value.kind != "boolean":
        raise FilterError("needs true or false", value.place)
    return float(value.said == "true")


def _distance(said: str) -> int:
    """Microseconds of `now-30d`."""
    if said == "now":
        return 0
    return int(said[4:-1]) * (DAY_US if said[-1] == "d" else _HOUR_US)
