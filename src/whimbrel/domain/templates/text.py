r"""How a text with `{{name|filter:argument}}` is read. What is not between two pairs of braces is itself; `\{{` writes
a pair of braces. An argument with `|`, `,`, `}` or outer spaces in it stands in quotes, in which `\"` writes one.

A text is read once, when it is kept; what is filled in is never read for braces.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

OPEN: Final = "{{"
CLOSE: Final = "}}"
FILTERS_MAX: Final = 8  # of one variable: more is a program
ARGUMENTS_MAX: Final = 6  # CLDR has six plural forms
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_WORD = re.compile(r"[a-z][a-z_]*")
_SPACE = re.compile(r"\s*")
_RAW = re.compile(r'[^|,}"{]*')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Filter(msgspec.Struct, frozen=True, gc=False):
    """One filter with its arguments."""

    name: str
    arguments: tuple[str, ...]


class Use(msgspec.Struct, frozen=True, gc=False):
    """A place that is filled in. `position`: of its braces in the text, 0-based."""

    variable: str
    filters: tuple[Filter, ...]
    position: int


class BadText(ValueError):
    """A text that cannot be read; `position` is where, 0-based."""

    def __init__(self, position: int, detail: str) -> None:
        super().__init__(f"{detail} (at character {position + 1})")
        self.position = position


Pieces = tuple[str | Use, ...]


def parse(text: str) -> Pieces:
    """The text as literal pieces and places; `BadText`."""
    pieces: list[str | Use] = []
    literal: list[str] = []
    at = 0
    while True:
        start = text.find(OPEN, at)
        if start < 0:
            break
        slashes = _slashes_before(text, at, start)
        literal.append(text[at : start - slashes] + "\\" * (slashes // 2))
        if slashes % 2:
            literal.append(OPEN)
            at = start + len(OPEN)
            continue
        if any(literal):
            pieces.append("".join(literal))
        literal = []
        use, at = _Reader(text, start).use()
        pieces.append(use)
    literal.append(text[at:])
    if any(literal):
        pieces.append("".join(literal))
    return tuple(pieces)


def uses(pieces: Iterable[str | Use]) -> list[Use]:
    """The places of a text."""
    return [piece for piece in pieces if isinstance(piece, Use)]


def _slashes_before(text: str, least: int, end: int) -> int:
    start = end
    while start > least and text[start - 1] == "\\":
        start -= 1
    return end - start


class _Reader:
    """Reads one place, from its braces on."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._start = start
        self._at = start + len(OPEN)

    def use(self) -> tuple[Use, int]:
        """The place, and where the text goes on."""
        name = self._match(NAME, "a variable's name is missing: letters, digits and _, a letter first, at most 40")
        filters: list[Filter] = []
        while self._takes("|"):
            filters.append(self._filter())
        if len(filters) > FILTERS_MAX:
            raise BadText(self._start, f"there are more than {FILTERS_MAX} filters")
        if not self._takes(CLOSE):
            raise BadText(self._at, f"`{CLOSE}` is missing behind `{name}`")
        return Use(name, tuple(filters), self._start), self._at

    def _filter(self) -> Filter:
        name = self._match(_WORD, "the name of a filter is missing")
        arguments: list[str] = []
        if self._takes(":"):
            arguments.append(self._argument())
            while self._takes(","):
                arguments.append(self._argument())
        if len(arguments) > ARGUMENTS_MAX:
            raise BadText(self._start, f"the filter `{name}` has more than {ARGUMENTS_MAX} arguments")
        return Filter(name, tuple(arguments))

    def _argument(self) -> str:
        self._skip()
        quoted = _QUOTED.match(self._text, self._at)
        if quoted is not None:
            self._at = quoted.end()
            return _ESCAPED.sub(r"\1", quoted[1])
        raw = _RAW.match(self._text, self._at)
        assert raw is not None
        self._at = raw.end()
        found = raw[0].strip()
        if not found:
            raise BadText(self._at, "an argument is missing")
        return found

    def _match(self, pattern: "re.Pattern[str]", missing: str) -> str:
        self._skip()
        found = pattern.match(self._text, self._at)
        if found is None:
            raise BadText(self._at, missing)
        self._at = found.end()
        return found[0]

    def _takes(self, token: str) -> bool:
        self._skip()
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        return True

    def _skip(self) -> None:
        space = _SPACE.match(self._text, self._at)
        assert space is not None
        self._at = space.end()
