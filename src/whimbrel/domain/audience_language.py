"""The language of segments: read from text to questions by name, which `audience_binding` then gives columns.

    country in ("DE", "AT") and plan = "pro" and not tag = "churned"
    (age >= 30 or vip = true) and created_at > now-30d and name contains "ann"

Grammar, tightest first: a comparison or parentheses, `not`, `and`, `or`. Values are texts in double quotes, numbers,
`true` and `false`, dates (`2027-01-31`), moments (`2027-01-31T09:00:00Z`), and `now` with a distance in days or hours.
There are no functions and no names but those of attributes, so nothing can be run by a filter; its length, depth and
number of comparisons are bounded.
"""

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from whimbrel.base import limits

Comparison = Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains", "starts with", "is empty"]
_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\\x00-\x1f]|\\["\\])*")
    | (?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d))?)
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<now>now(?:-\d{1,6}[dh])?(?![\w]))
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><=|>=|!=|[=<>(),])
    )""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(.)")
_WRITTEN: Final[tuple[Literal["number", "moment", "now"], ...]] = ("number", "moment", "now")
_AHEAD: Final = 24  # characters of what was not understood


class FilterError(ValueError):
    """What is wrong, in words, and where it stands (0-based)."""

    def __init__(self, problem: str, place: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place


class Constant(msgspec.Struct, frozen=True, gc=False):
    """A value as it was written. `kind` says how `said` is to be read: `text` is without its quotes."""

    kind: Literal["text", "number", "boolean", "moment", "now"]
    said: str
    place: int = 0


class Compared(msgspec.Struct, frozen=True, gc=False):
    """`attribute comparison values`."""

    attribute: str
    comparison: Comparison
    values: tuple[Constant, ...]
    place: int = 0


class Joined(msgspec.Struct, frozen=True, gc=False):
    """Parts with `and` or `or` between them."""

    word: Literal["and", "or"]
    parts: tuple["Said", ...]


class Denied(msgspec.Struct, frozen=True, gc=False):
    """`not` before a part."""

    part: "Said"


Said: TypeAlias = Compared | Joined | Denied


class _Token(NamedTuple):
    kind: str
    said: str
    place: int


def read(text: str) -> Said:
    """What a filter says. FilterError."""
    if len(text) > limits.SEGMENT_FILTER_MAX:
        raise FilterError(f"must have at most {limits.SEGMENT_FILTER_MAX} characters", 0)
    return _Reader(_tokens(text), len(text)).whole()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    end = len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            place += len(text[place:]) - len(text[place:].lstrip())
            raise FilterError(f"is not understood at `{text[place : place + _AHEAD].strip()}`", place)
        kind = match.lastgroup
        found.append(_Token(kind, match[kind], match.start(kind)))
        place = match.end()
    return found


class _Reader:
    """Tokens, taken from the front."""

    def __init__(self, tokens: list[_Token], length: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._end = _Token("end", "the end", length)
        self._depth = 0
        self._comparisons = 0

    def whole(self) -> Said:
        found = self._either()
        if self._next.kind != "end":
            raise self._unexpected("`and`, `or` or the end")
        return found

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else self._end

    def _take(self) -> _Token:
        token = self._next
        self._at += 1
        return token

    def _has(self, said: str) -> bool:
        """Whether that comes; then it is taken. Words in any case."""
        token = self._next
        if token.kind in ("word", "sign") and token.said.lower() == said:
            self._at += 1
            return True
        return False

    def _unexpected(self, wanted: str) -> FilterError:
        token = self._next
        return FilterError(f"has `{token.said}` where {wanted} must stand", token.place)

    def _either(self) -> Said:
        return self._joined("or", self._both)

    def _both(self) -> Said:
        return self._joined("and", self._one)

    def _joined(self, word: Literal["and", "or"], part: Callable[[], Said]) -> Said:
        parts = [part()]
        while self._has(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _one(self) -> Said:
        self._depth += 1
        if self._depth > limits.SEGMENT_DEPTH_MAX:
            raise FilterError("is nested too deeply", self._next.place)
        try:
            if self._has("not"):
                return Denied(self._one())
            if not self._has("("):
                return self._compared()
            found = self._either()
            if not self._has(")"):
                raise self._unexpected("`)`")
            return found
        finally:
            self._depth -= 1

    def _compared(self) -> Said:
        self._comparisons += 1
        if self._comparisons > limits.SEGMENT_COMPARISONS_MAX:
            raise FilterError(f"may have {limits.SEGMENT_COMPARISONS_MAX} comparisons", self._next.place)
        if self._next.kind != "word":
            raise self._unexpected("the name of an attribute")
        attribute = self._take()
        name, place = attribute.said.lower(), attribute.place
        if self._has("is"):
            denied = self._has("not")
            if not self._has("empty"):
                raise self._unexpected("`empty`")
            empty = Compared(name, "is empty", (), place)
            return Denied(empty) if denied else empty
        denied = self._has("not")
        comparison = self._comparison(denied)
        values = self._listed() if comparison == "in" else (self._value(),)
        found = Compared(name, comparison, values, place)
        return Denied(found) if denied else found

    def _comparison(self, denied: bool) -> Comparison:
        if self._has("in"):
            return "in"
        if self._has("contains"):
            return "contains"
        if self._has("starts"):
            if not self._has("with"):
                raise self._unexpected("`with`")
            return "starts with"
        signs: tuple[Comparison, ...] = () if denied else ("=", "!=", "<", "<=", ">", ">=")
        for sign in signs:
            if self._has(sign):
                return sign
        others = "" if denied else ", `is` or a sign such as `=`"
        raise self._unexpected(f"`in`, `contains`, `starts with`{others}")

    def _listed(self) -> tuple[Constant, ...]:
        if not self._has("("):
            raise self._unexpected("`(`")
        values = [self._value()]
        while self._has(","):
            values.append(self._value())
            if len(values) > limits.SEGMENT_VALUES_MAX:
                raise FilterError(f"may list {limits.SEGMENT_VALUES_MAX} values", self._next.place)
        if not self._has(")"):
            raise self._unexpected("`,` or `)`")
        return tuple(values)

    def _value(self) -> Constant:
        token = self._next
        if token.kind == "text":
            self._at += 1
            return Constant("text", _ESCAPE.sub(r"\1", token.said[1:-1]), token.place)
        for kind in _WRITTEN:
            if token.kind == kind:
                self._at += 1
                return Constant(kind, token.said, token.place)
        if token.kind == "word" and token.said.lower() in ("true", "false"):
            self._at += 1
            return Constant("boolean", token.said.lower(), token.place)
        raise self._unexpected("a value, such as a text in double quotes,")
