"""docs/text.md says what the code does: capacities, languages, what each data_coding is."""

import re
from pathlib import Path

import pytest

from whimbrel.codec import codings, segments, shift_tables
from whimbrel.codec.alphabets import Alphabet
from whimbrel.codec.shifts import ALL_LANGUAGES, NO_SHIFT, Shift

PAGE = (Path(__file__).parents[2] / "docs" / "text.md").read_text(encoding="utf-8")


def rows(heading):
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in section.splitlines() if line.startswith("| ")]


SHIFTS = {"`gsm7`": NO_SHIFT, "`gsm7` with one table": Shift(0, 1), "`gsm7` with two tables": Shift(1, 1)}


@pytest.mark.parametrize("row", [row for row in rows("Segments") if row[1].isdigit()], ids=lambda row: row[0])
def test_capacities(row):
    def part(wide):
        if row[0].startswith("`binary`"):
            return [len(segments.cut_octets(bytes(length), wide=wide)[0]) for length in (int(row[1]), 500)]
        shift = SHIFTS.get(row[0], NO_SHIFT)
        encoding, unit = ("ucs2", 2) if row[0] == "`ucs2`" else ("gsm7", 1)
        texts = ["a" * length for length in (int(row[1]), 500)]
        return [len(segments.cut(text, encoding=encoding, wide=wide, shift=shift)[0]) // unit for text in texts]

    assert [*part(wide=False), part(wide=True)[1]] == [int(cell) for cell in row[1:]]


def test_every_kind_of_capacity_is_shown():
    shown = [row[0] for row in rows("Segments") if row[1].isdigit()]
    assert shown == [*SHIFTS, "`ucs2`", "`binary` (octets)"]


def test_languages():
    cells = [tuple(row[start : start + 3]) for row in rows("National languages") for start in (0, 3) if len(row) == 6]
    shown = {int(identifier): tables for identifier, _, tables in cells if identifier.isdigit()}
    assert shown.keys() == ALL_LANGUAGES
    for identifier, tables in shown.items():
        assert tables == ("single, locking" if identifier in shift_tables.LOCKING else "single")


def test_alphabets():
    shown = {row[0].strip("`") for row in rows("Alphabets of carriers")}
    assert shown - {"alphabet"} == set(Alphabet.__args__)


WORDS = {
    "gsm7": "GSM-7",
    "ascii": "ASCII",
    "latin1": "Latin-1",
    "japanese": "Japanese",
    "cyrillic": "Cyrillic",
    "hebrew": "Hebrew",
    "korean": "Korean",
    "ucs2": "UCS-2",
    "binary": "binary",
}


def test_data_codings():
    cells = [tuple(row[start : start + 2]) for row in rows("data_coding") for start in (0, 2)]
    shown = {}
    for values, words in cells:
        for first, last in re.findall(r"(0x[0-9A-F]+|\d+)(?:–(0x[0-9A-F]+))?", values):
            shown |= dict.fromkeys(range(int(first, 0), int(last or first, 0) + 1), words)
    for value in range(0x100):
        kind = codings.of(value).kind
        if kind == "unknown" or value >= 0xF8:  # the bit beside the alphabet is reserved
            assert value not in shown
        elif 0x40 <= value <= 0x5B:
            assert shown[value].startswith("the same three")
        else:
            assert shown[value].startswith(WORDS[kind])
