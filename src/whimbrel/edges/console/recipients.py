"""Whom to send to, out of what people paste: numbers with anything between them, or a column of a CSV file. Each number
is taken once; what is no number, and what stands there twice, is told by its line.
"""

import asyncio
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from whimbrel.base.limits import BATCH_MAX
from whimbrel.domain.numbers import normalise

LOOKED_AT: Final = 50  # rows of a file by which its column of numbers is guessed
_TURN: Final = 500  # lines that are read before the event loop gets a turn
_GROUP_DIGITS: Final = 4  # prices hardly go by more
_BETWEEN = re.compile(r"[,;|\t]+")
_BEFORE_PLUS = re.compile(r"(?=\+)")
_DELIMITERS: Final = ",;\t|"
_TYPED_MAX: Final = 40


class Mistake(msgspec.Struct, frozen=True):
    """Something in the list that is left out: `meant` is the number that it would be with a plus sign, if any, and for
    one that stands there twice the number itself."""

    line: int
    typed: str
    meant: str = ""


class Group(msgspec.Struct, frozen=True):
    """How many recipients begin with the same digits, and one of them."""

    sample: str
    count: int


class Recipients(msgspec.Struct, frozen=True):
    """The numbers in E.164, in their order, and what was left out."""

    numbers: tuple[str, ...] = ()
    bad: tuple[Mistake, ...] = ()
    twice: tuple[Mistake, ...] = ()

    @property
    def is_too_many(self) -> bool:
        """Whether there are more than can be sent to at a time."""
        return len(self.numbers) > BATCH_MAX

    @property
    def tidy(self) -> tuple[str, ...]:
        """What the list would be: with what was meant, and without the rest."""
        return tuple(dict.fromkeys([*self.numbers, *(each.meant for each in self.bad if each.meant)]))

    def groups(self, most: int) -> tuple[Group, ...]:
        """The numbers by how they begin, the largest groups first; `most` of them, and the last stands for all others
        too."""
        begin = 1 + _GROUP_DIGITS
        counts = Counter(number[:begin] for number in self.numbers)
        samples = {number[:begin]: number for number in reversed(self.numbers)}
        found = [Group(samples[prefix], count) for prefix, count in counts.most_common()]
        if len(found) <= most:
            return tuple(found)
        rest = sum(group.count for group in found[most - 1 :])
        return (*found[: most - 1], Group(found[most - 1].sample, rest))


async def read(text: str) -> Recipients:
    """The recipients of a text, in turns with whatever else the process does."""
    reader = _Reader()
    for place, line in enumerate(text.splitlines(), 1):
        reader.take(place, line)
        if not place % _TURN:
            await asyncio.sleep(0)
    return Recipients(tuple(reader.numbers), tuple(reader.bad), tuple(reader.twice))


class _Reader:
    def __init__(self) -> None:
        self.numbers: dict[str, None] = {}
        self.bad: list[Mistake] = []
        self.twice: list[Mistake] = []

    def take(self, place: int, line: str) -> None:
        """One line, which may hold several."""
        for piece in _BETWEEN.split(line):
            for typed in _apart(piece.strip().strip("\"'").strip()):
                self._take_one(place, typed)

    def _take_one(self, place: int, typed: str) -> None:
        number = normalise(typed)
        if number is None:
            meant = normalise(f"+{typed.lstrip('+')}")
            self.bad.append(Mistake(place, typed[:_TYPED_MAX], meant.e164 if meant else ""))
        elif number.e164 in self.numbers:
            self.twice.append(Mistake(place, typed[:_TYPED_MAX], number.e164))
        else:
            self.numbers[number.e164] = None


def _apart(piece: str) -> Iterator[str]:
    """One number that may have spaces in it, or several with spaces between them."""
    if not piece:
        return
    if normalise(piece) is not None:
        yield piece
        return
    for part in _BEFORE_PLUS.split(piece):
        words = part.split()
        if normalise(part.strip()) is not None or not any(normalise(word) for word in words):
            words = [part.strip()]
        yield from (word for word in words if word)


class Table(msgspec.Struct, frozen=True):
    """A CSV file: its rows as they stand in it, whether the first is a heading, and the column that looks like one of
    numbers (None: none does)."""

    rows: tuple[tuple[str, ...], ...]
    has_heading: bool
    column: int | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: those of the heading, or A, B, C."""
        width = max((len(row) for row in self.rows), default=0)
        heading = self.rows[0] if self.has_heading else ()
        return tuple(
            heading[place] if place < len(heading) and heading[place] else _letter(place) for place in range(width)
        )

    @property
    def first_rows(self) -> tuple[tuple[str, ...], ...]:
        """Those to look at."""
        return self.rows[1:6] if self.has_heading else self.rows[:5]

    def lines(self, column: int) -> str:
        """What stands in a column, a line for each row, so that lines are the rows of the file."""
        cells = [row[column] if column < len(row) else "" for row in self.rows]
        if self.has_heading and cells:
            cells[0] = ""
        return "\n".join(" ".join(_BETWEEN.sub(" ", cell).split()) for cell in cells)


def table(text: str) -> Table:
    """The rows of a file, whatever stands between its cells. ValueError: it is none."""
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    try:
        read_rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(str(error)) from None
    rows = tuple(tuple(cell.strip() for cell in row) for row in read_rows)
    if not rows:
        return Table((), has_heading=False, column=None)
    has_heading = len(rows) > 1 and not any(_looks_like_number(cell) for cell in rows[0])
    return Table(rows, has_heading, _column(rows[has_heading : LOOKED_AT + 1]))


def _column(rows: Sequence[Sequence[str]]) -> int | None:
    counts = Counter(place for row in rows for place, cell in enumerate(row) if _looks_like_number(cell))
    return counts.most_common(1)[0][0] if counts else None


def _looks_like_number(cell: str) -> bool:
    return normalise(cell) is not None or normalise(f"+{cell}") is not None


def _letter(place: int) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return letters[place] if place < len(letters) else str(place + 1)
