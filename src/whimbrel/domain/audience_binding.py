"""What a filter says, given columns: names become columns of the contact's row, values what is stored there. What does
not fit (an unknown name, a text where a number must stand) is told with its place.

A filter that names a segment means what that segment's filter means, so what is bound has no segments in it. One that
would hold itself, over whatever others, is refused; so is one that has too many comparisons in all.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from whimbrel.base import limits
from whimbrel.domain.audience_language import Compared, Comparison, Constant, FilterError, Joined, Said, read
from whimbrel.domain.audience_terms import All, Ask, No, Operator, Some, Term, Value
from whimbrel.domain.contact_values import DAY_US, ValueProblem, date_us
from whimbrel.domain.contacts import ContactField, LabelKind, label_mark, name_key

_HOUR_US: Final = 3600 * 1_000_000
_COLUMNS: Final = {"time_zone": "zone"}
_TEXTS: Final = ("number", "country", "language", "time_zone")
_LASTS: Final = ("last_sent_at", "last_received_at", "last_clicked_at")
_MOMENTS: Final = ("created_at", "updated_at", *_LASTS)
_OPTED_OUT: Final = "opted_out"
_LABELS: Final[Mapping[str, LabelKind]] = {"tag": "tag", "list": "list"}
_SIGNS: Final[Mapping[Comparison, Operator]] = {"=": "eq", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_NEVER: Final = Some(())
_WITH_TEXT: Final = ("contains", "starts with")


class Vocabulary(msgspec.Struct, frozen=True):
    """What an account's filters may speak of: declared fields by name, numbers of tags and lists by kind and name,
    filters of segments by name."""

    fields: Mapping[str, ContactField]
    labels: Mapping[tuple[LabelKind, str], int]
    segments: Mapping[str, str] = {}


def bind(text: str, vocabulary: Vocabulary, now: int, own: tuple[str, ...] = ()) -> Term:
    """The term that a filter means at a moment. `own`: what the segment is called, and was, whose filter it is: it must
    not name itself. FilterError."""
    return _bound(read(text), _Binder(vocabulary, now, own))


def _bound(said: Said, binder: "_Binder") -> Term:
    if isinstance(said, Compared):
        return binder.compared(said)
    if isinstance(said, Joined):
        parts = tuple(_bound(part, binder) for part in said.parts)
        return All(parts) if said.word == "and" else Some(parts)
    return No(_bound(said.part, binder))


class _Binder:
    """`within`: names of the segments whose filters are being bound, the outermost first."""

    def __init__(self, vocabulary: Vocabulary, now: int, within: tuple[str, ...]) -> None:
        self._vocabulary = vocabulary
        self._now = now
        self._within = within
        self._deepest = len(within) + limits.SEGMENT_NESTED_MAX
        self._left = limits.SEGMENT_COMPARISONS_MAX

    def compared(self, said: Compared) -> Term:
        """`!=` is the opposite of `=`, so it is true where there is no value."""
        if said.comparison == "!=":
            return No(self.compared(msgspec.structs.replace(said, comparison="=")))
        self._left -= 1
        if self._left < 0:
            many = limits.SEGMENT_COMPARISONS_MAX
            raise FilterError(f"may have {many} comparisons with those of its segments", said.place)
        name = said.attribute
        if name == "segment" or name in _LABELS:
            return self._segments(said) if name == "segment" else self._label(said, _LABELS[name])
        if name in _TEXTS:
            return _of_texts(said, _COLUMNS.get(name, name))
        if name == "name":
            return _of_name(said)
        field = self._vocabulary.fields.get(name)  # one that was declared before the name meant something
        return self._of_row(said) if field is None else self._of_field(said, field)

    def _of_row(self, said: Compared) -> Term:
        if said.attribute in _MOMENTS:
            return self._of_dates(said, said.attribute)
        if said.attribute == _OPTED_OUT:
            return _of_opt_out(said)
        raise FilterError(f"knows no attribute `{said.attribute}`", said.place)

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

    def _segments(self, said: Compared) -> Term:
        if said.comparison not in ("=", "in"):
            raise FilterError("can ask of `segment` with `=`, `!=`, `in` or `not in`", said.place)
        found = tuple(self._segment(value) for value in said.values)
        return found[0] if len(found) == 1 else Some(found)

    def _segment(self, value: Constant) -> Term:
        """What another segment means. What is wrong in it is told where it is named."""
        if value.kind != "text":
            raise FilterError("has no name of a segment in double quotes", value.place)
        if value.said in self._within:
            raise FilterError(f"would hold the segment `{value.said}` within itself", value.place)
        if len(self._within) > self._deepest:
            raise FilterError("names segments that name others too deeply", value.place)
        text = self._vocabulary.segments.get(value.said)
        if text is None:
            raise FilterError(f"knows no segment `{value.said}`", value.place)
        outside, self._within = self._within, (*self._within, value.said)
        try:
            return _bound(read(text), self)
        except FilterError as error:
            problem = error.problem if "segment" in error.problem else f"names `{value.said}`, which {error.problem}"
            raise FilterError(problem, value.place) from None
        finally:
            self._within = outside

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


def _of_opt_out(said: Compared) -> Term:
    if said.comparison != "=":
        raise FilterError(f"can ask of `{_OPTED_OUT}` whether it `=` true or false", said.place)
    has = Ask("opted_out_at", "set")
    return has if _boolean(said.values[0]) else No(has)


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
