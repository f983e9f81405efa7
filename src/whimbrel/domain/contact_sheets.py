"""Files of contacts: what their octets are written in, what stands between cells, what each column is likely to be,
and what a row says. All of it proposed from the beginning of a file, and then as whoever imports has decided.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base import limits
from whimbrel.domain.contact_numbers import COUNTRIES, read_number
from whimbrel.domain.contact_values import ValueProblem, of_cell, text_problem
from whimbrel.domain.contacts import ContactField, ContactWrite, ImportSpec, LabelKind, name_key

FIXED: Final = ("number", "name", "first_name", "last_name", "language", "time_zone", "country", "tags", "lists")
"""What a column can be beside a declared field."""
_KINDS: Final[tuple[LabelKind, ...]] = ("tag", "list")
_DELIMITERS: Final = (",", ";", "\t", "|")
_SAMPLE_LINES: Final = 20
_BETWEEN: Final = re.compile(r"\s*[;,|]\s*")
_PHONE: Final = re.compile(r"[+0'(]?[\d\s().\-/\u00a0]{6,24}").fullmatch
_WORDS: Final[Mapping[str, str]] = {
    "phone": "number", "phone_number": "number", "mobile": "number", "mobile_phone": "number",
    "mobile_number": "number", "cell": "number",
    "cell_phone": "number", "tel": "number", "telephone": "number", "msisdn": "number",
    "telefon": "number", "handy": "number", "mobil": "number", "telefono": "number", "full_name": "name",
    "contact": "name", "contact_name": "name", "firstname": "first_name", "given_name": "first_name",
    "vorname": "first_name", "lastname": "last_name", "surname": "last_name", "family_name": "last_name",
    "nachname": "last_name", "lang": "language", "locale": "language", "sprache": "language", "timezone": "time_zone",
    "tz": "time_zone", "country_code": "country", "land": "country", "tag": "tags", "labels": "tags", "list": "lists",
    "groups": "lists",
}  # fmt: skip


class Wrong(msgspec.Struct, frozen=True, gc=False):
    """What is wrong with a row."""

    field: str
    value: str
    problem: str


def charset_of(head: bytes) -> str:
    """What a file is written in: by its mark, else UTF-8 where that fits, else the one of Western Windows."""
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else a character is cut at the end
            return "cp1252"
    return "utf-8"


def is_workbook(head: bytes) -> bool:
    """Whether it is a workbook of Excel, which is a ZIP."""
    return head.startswith(b"PK\x03\x04")


def delimiter_of(text: str) -> str:
    """What stands between cells: what gives the first lines the most columns, all of them as many."""
    lines = [line for line in text.splitlines()[:_SAMPLE_LINES] if line.strip()]
    best, columns = ",", 1
    for delimiter in _DELIMITERS:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        if counts and min(counts) == max(counts) > columns:
            best, columns = delimiter, counts[0]
    return best


def proposal(header: Sequence[str], rows: Sequence[Sequence[str]], fields: Iterable[str]) -> tuple[str | None, ...]:
    """What each column is likely to be: by its name, and the number by its looks where no name says so."""
    known = {*FIXED, *fields}
    found: list[str | None] = []
    for title in header:
        word = re.sub(r"\W+", "_", title.strip().casefold()).strip("_")
        meaning = word if word in known else _WORDS.get(word)
        found.append(meaning if meaning not in found else None)
    if "number" not in found and (place := _looks_like_numbers(rows, len(header))) is not None:
        found[place] = "number"
    return tuple(found)


def has_header(first: Sequence[str]) -> bool:
    """Whether the first row names columns: none of its cells looks like a number of a phone."""
    return not any(_PHONE(cell.strip()) and sum(map(str.isdigit, cell)) >= 6 for cell in first)


def _looks_like_numbers(rows: Sequence[Sequence[str]], width: int) -> int | None:
    for place in range(width):
        cells = [row[place].strip() for row in rows if place < len(row) and row[place].strip()]
        if cells and sum(_PHONE(cell) is not None for cell in cells) * 10 >= len(cells) * 8:
            return place
    return None


class RowReader:
    """What rows say, as an import was decided. `labels`: numbers of tags and lists."""

    def __init__(
        self, spec: ImportSpec, fields: Mapping[str, ContactField], labels: Mapping[tuple[LabelKind, str], int]
    ) -> None:
        self._spec = spec
        self._labels = labels
        columns = [(int(place), meaning) for place, meaning in spec.mapping.items()]
        self._fixed = [(place, meaning) for place, meaning in columns if meaning in FIXED]
        self._fields = [(place, fields[name], fields[name].column) for place, name in columns if name in fields]
        self._tags = [place for place, meaning in columns if meaning == "tags"]

    def tags(self, rows: Iterable[Sequence[str]]) -> set[str]:
        """All tags that rows name."""
        cells = {row[place] for row in rows for place in self._tags if place < len(row)}
        return {name for cell in cells for name in _names(cell)}

    def read(self, cells: Sequence[str]) -> ContactWrite | Wrong:
        """What a row says, without an id yet; or the first thing that is wrong with it."""
        said = {meaning: cells[place].strip() for place, meaning in self._fixed if place < len(cells)}
        country = said.get("country", "").upper() or self._spec.country
        text = said.get("number", "")
        number = read_number(text, country if country in COUNTRIES else None)
        if number is None:
            return Wrong("number", text, "is no number" if text else "is missing")
        columns: dict[str, Any] = {}
        if wrong := self._person(said, columns) or self._values(cells, columns):
            return wrong
        add = list(self._spec.labels)
        for kind in _KINDS:
            for name in _names(said.get(f"{kind}s", "")):
                label = self._labels.get((kind, name))
                if label is None:
                    return Wrong(f"{kind}s", name, f"is no {kind} of the account")
                add.append(label)
        if len(set(add)) > limits.CONTACT_LABELS_MAX:
            return Wrong("tags", "", "are too many")
        return ContactWrite("", number.e164, number.country, columns, tuple(add))

    def _person(self, said: Mapping[str, str], columns: dict[str, Any]) -> Wrong | None:
        name = said.get("name") or " ".join(filter(None, (said.get("first_name"), said.get("last_name"))))
        if name:
            if problem := text_problem(name):
                return Wrong("name", name, problem)
            columns |= {"name": name, "name_key": name_key(name)}
        for meaning, column in (("language", "language"), ("time_zone", "zone")):
            value = said.get(meaning)
            if value and (problem := text_problem(value)):
                return Wrong(meaning, value, problem)
            if value:
                columns[column] = value
        return None

    def _values(self, cells: Sequence[str], columns: dict[str, Any]) -> Wrong | None:
        for place, field, column in self._fields:
            cell = cells[place].strip() if place < len(cells) else ""
            if not cell:
                continue
            try:
                columns[column] = of_cell(field, cell, self._spec.dates)
            except ValueProblem as problem:
                return Wrong(field.name, cell, str(problem))
        return None


def _names(cell: str) -> list[str]:
    return [name for name in _BETWEEN.split(cell.strip()) if name] if cell else []
