"""Rows of a file that is kept in a temporary file of this node: CSV as it is read, or the first sheet of a workbook of
Excel. What is too large to be a list of contacts is refused before it is unpacked.
"""

import csv
import datetime
import io
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, Final

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from whimbrel.base import limits
from whimbrel.domain.contacts import ImportSpec

Row = list[str]
_UNPACKED: Final = 8


class Unreadable(ValueError):
    """Why a file cannot be read, in words."""


def rows_of(file: IO[bytes], spec: ImportSpec) -> Iterator[Row]:
    """Every row that holds anything, with the header. Unreadable."""
    file.seek(0)
    found = _workbook(file) if spec.format == "xlsx" else _text(file, spec.charset, spec.delimiter)
    for count, row in enumerate(found):
        if count >= limits.IMPORT_ROWS_MAX:
            raise Unreadable(f"has more than {limits.IMPORT_ROWS_MAX:,} rows")
        if any(row):
            yield row[: limits.IMPORT_COLUMNS_MAX]


def head_rows(octets: bytes, charset: str, delimiter: str, limit: int, *, whole: bool) -> list[Row]:
    """The first rows of the beginning of a file of CSV; `whole`: it is all of it."""
    text = octets.decode(charset, errors="replace")
    if not whole:
        text = text[: text.rfind("\n") + 1] or text
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: list[Row] = []
    try:
        for row in rows:
            if any(row):
                found.append(row[: limits.IMPORT_COLUMNS_MAX])
            if len(found) == limit:
                break
    except csv.Error as error:
        raise Unreadable(f"is no CSV: {error}") from None
    return found


def _text(file: IO[bytes], charset: str, delimiter: str) -> Iterator[Row]:
    text = io.TextIOWrapper(file, encoding=charset, newline="")
    try:
        yield from csv.reader(text, delimiter=delimiter)
    except UnicodeDecodeError:
        raise Unreadable(f"is not written in {charset}") from None
    except csv.Error as error:
        raise Unreadable(f"is no CSV: {error}") from None
    finally:
        with suppress(ValueError):  # the file was closed before its rows were read to the end
            text.detach()


def _workbook(file: IO[bytes]) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(file) as packed:
            unpacked = sum(each.file_size for each in packed.infolist())
        if unpacked > _UNPACKED * limits.IMPORT_XLSX_MAX:
            raise Unreadable("is too large once it is unpacked: save it as CSV")
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable("is no workbook of Excel (.xlsx)") from None
    try:
        for row in book.worksheets[0].iter_rows(values_only=True):
            yield [_cell(value) for value in row]
    finally:
        book.close()


def _cell(value: Any) -> str:
    """A cell as it would stand in CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime):
        is_day = not (value.hour or value.minute or value.second or value.microsecond)
        return value.date().isoformat() if is_day else value.replace(tzinfo=datetime.UTC).isoformat()
    return str(value)
