"""Files of numbers: CSV as it comes over the wire, read a line at a time, so that a file of a million rows needs no
more memory than a few pages; and what becomes of its rows, in commits of a thousand. What was taken stays taken: a
file that broke off is sent again, and what is known by then changes nothing.
"""

import codecs
import csv
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import PAGE_MAX
from whimbrel.domain.numbers import Number, normalise

_NUMBER_NAMES: Final = ("number", "phone", "phone_number", "to", "msisdn", "mobile")
_CHUNK: Final = 1_000
_LINE_MAX: Final = 64 * 1024
_ERRORS_SHOWN: Final = 100
_MARK: Final = "\ufeff"


class FileError(msgspec.Struct, frozen=True):
    """A row that was not taken. It holds no number."""

    row: Annotated[int, Meta(description="Of the file, the first is 1.")]
    problem: str


class FileTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file's rows."""

    rows: int
    created: int
    known: Annotated[int, Meta(description="Nothing changed: they stood there, or twice in the file.")]
    failed: int
    errors: Annotated[tuple[FileError, ...], Meta(description=f"The first {_ERRORS_SHOWN}.")] = ()


class FileRow(msgspec.Struct, frozen=True, gc=False):
    """A row that can be taken: its number, and its cells by the names of their columns."""

    place: int
    number: Number
    cells: Mapping[str, str]


class _Counts(msgspec.Struct):
    rows: int = 0
    created: int = 0
    known: int = 0
    errors: list[FileError] = []
    failed: int = 0

    def fail(self, place: int, problem: str) -> None:
        self.failed += 1
        if len(self.errors) < _ERRORS_SHOWN:
            self.errors.append(FileError(place, problem))


class Refused(Exception):
    """A row that cannot be taken; says why, without its number."""


Take = Callable[[Sequence[FileRow]], Awaitable[int]]
"""Stores rows in one commit; how many of them were new."""
Check = Callable[[FileRow], object]
"""Raises `Refused`."""


async def take(pieces: AsyncIterator[bytes], store: Take, check: Check | None = None) -> FileTaken:
    """Read a file and store its rows. WhimbrelError import_unreadable when it is no CSV in UTF-8; what was stored
    before that stays."""
    counts = _Counts()
    waiting: list[FileRow] = []
    columns: tuple[str, ...] | None = None
    async for place, cells in _rows(pieces):
        if columns is None:
            columns, is_heading = _columns(cells)
            if is_heading:
                continue
        counts.rows += 1
        row = _row(place, columns, cells)
        if row is None:
            counts.fail(place, "is no valid phone number")
            continue
        try:
            if check is not None:
                check(row)
        except Refused as problem:
            counts.fail(place, str(problem))
            continue
        waiting.append(row)
        if len(waiting) >= _CHUNK:
            await _flush(waiting, store, counts)
    await _flush(waiting, store, counts)
    return FileTaken(
        rows=counts.rows,
        created=counts.created,
        known=counts.known,
        failed=counts.failed,
        errors=tuple(counts.errors),
    )


async def _flush(waiting: list[FileRow], store: Take, counts: _Counts) -> None:
    if waiting:
        created = await store(waiting)
        counts.created += created
        counts.known += len(waiting) - created
        waiting.clear()


def _columns(cells: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """The names of the columns, and whether this row is their heading: a file of nothing but numbers needs none."""
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    if any(name in _NUMBER_NAMES for name in names):
        return tuple("number" if name in _NUMBER_NAMES else name for name in names), True
    if normalise(cells[0].strip()) is None:
        raise WhimbrelError("import_unreadable", "No column is called `number`.")
    return ("number",), False


def _row(place: int, columns: Sequence[str], cells: Sequence[str]) -> FileRow | None:
    found = dict(zip(columns, (cell.strip().removeprefix("'") for cell in cells), strict=False))
    number = normalise(found.get("number", ""))
    return None if number is None else FileRow(place, number, found)


async def _rows(pieces: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, list[str]]]:
    place = 0
    async for lines in _lines(pieces):
        for cells in _parsed(lines, place):
            place += 1
            if cells:
                yield place, cells


def _parsed(lines: list[str], place: int) -> list[list[str]]:
    try:
        return list(csv.reader(lines))
    except csv.Error as error:
        raise WhimbrelError("import_unreadable", f"There is no CSV behind row {place:,}.") from error


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[list[str]]:
    """Whole lines, a piece of the file at a time. Cells of these files have no line breaks in them."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    held, is_first = "", True
    try:
        async for piece in pieces:
            held += decode(piece)
            if is_first and held:
                held, is_first = held.removeprefix(_MARK), False
            *whole, held = held.split("\n")
            if len(held) > _LINE_MAX:
                raise WhimbrelError("import_unreadable", f"A line has more than {_LINE_MAX:,} characters.")
            yield whole
        held += decode(b"", True)
    except UnicodeDecodeError as error:
        raise WhimbrelError("import_unreadable", "The file is not in UTF-8.") from error
    if held:
        yield [held]


def csv_lines(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows of CSV (RFC 4180) in which no cell begins a formula of a spreadsheet."""
    return "".join(",".join(_cell(cell) for cell in row) + "\r\n" for row in rows).encode()


def _cell(cell: object) -> str:
    said = "" if cell is None else str(cell)
    if said.startswith(("=", "@", "+", "-", "\t", "\r")) and not said[1:].isdigit():
        said = "'" + said
    return '"' + said.replace('"', '""') + '"' if any(mark in said for mark in ',"\r\n') else said


EXPORT_PAGE: Final = PAGE_MAX
EXPORT_MARK: Final = _MARK.encode()
