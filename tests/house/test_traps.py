"""Each of the sixty-five traps has tests that bear its number and a row in docs/smpp.md."""

import re

from tests.house.code import ROOT

TRAPS = {f"T{number:02}" for number in range(1, 66)}


def test_each_has_a_test() -> None:
    found: set[str] = set()
    for file in (ROOT / "tests" / "traps").glob("test_*.py"):
        found |= {
            f"T{number}" for number in re.findall(r"^(?:async )?def test_t(\d\d)_", file.read_text("utf-8"), re.M)
        }
    assert found == TRAPS


def test_each_is_told_of() -> None:
    page = (ROOT / "docs" / "smpp.md").read_text("utf-8")
    assert re.findall(r"^\| (T\d\d) ", page, re.M) == sorted(TRAPS)
