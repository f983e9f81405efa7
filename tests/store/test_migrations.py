"""Which code may run on which schema, and what a migration's head says about it."""

import sqlite3
from pathlib import Path

import pytest

from whimbrel.base.clock import ManualClock
from whimbrel.store.errors import SchemaError
from whimbrel.store.migrations import Applied, Migration, compare, head, parse, require_usable
from whimbrel.store.sqlite import schema

OURS = tuple(Migration(number, "step", "", f"c{number}", oldest=number) for number in (1, 2))
DONE = tuple(Applied(number, "step", f"c{number}", 7, oldest=number) for number in (1, 2))


@pytest.mark.parametrize(
    ("sql", "oldest", "optional", "concurrent"),
    [
        ("CREATE TABLE a (x)", 7, False, False),
        ("-- About it.\n-- expand\n\nCREATE TABLE a (x)", 0, False, False),
        ("-- contract\nDROP TABLE a", 7, False, False),
        ("-- contract 5\nDROP TABLE a", 5, False, False),
        ("-- expand\n-- optional\n-- concurrently\nCREATE INDEX", 0, True, True),
        ("-- What may expand later.\nCREATE TABLE a (x);\n-- expand\n", 7, False, False),
    ],
)
def test_what_the_head_of_a_file_says(sql: str, oldest: int, optional: bool, concurrent: bool):
    found = parse(7, "step", sql)
    assert (found.oldest, found.optional, found.concurrent) == (oldest, optional, concurrent)


@pytest.mark.parametrize("sql", ["-- expand\n-- contract\n", "-- optional\n", "-- contract\n-- optional\n"])
def test_a_head_that_contradicts_itself_is_refused(sql: str):
    assert head(sql)
    with pytest.raises(ValueError, match="migration 7"):
        parse(7, "step", sql)


@pytest.mark.parametrize(
    ("later", "words"),
    [
        ((Applied(3, "later", "x", 7, oldest=0),), ""),
        ((Applied(3, "later", "x", 7, oldest=2),), ""),
        ((Applied(3, "later", "x", 7, oldest=0), Applied(4, "last", "x", 7, oldest=1)), ""),
        ((Applied(3, "later", "x", 7, oldest=3),), "0003_later, which this version does not know"),
        ((Applied(3, "later", "x", 7, oldest=0), Applied(4, "last", "x", 7, oldest=3)), "0004_last"),
    ],
)
def test_older_code_runs_on_a_newer_schema_that_allows_it(later: tuple[Applied, ...], words: str):
    found = compare(OURS, (*DONE, *later))
    assert found.pending == ()
    if not words:
        assert found.newer == later
        require_usable(found)
        return
    with pytest.raises(SchemaError, match=words):
        require_usable(found)


def test_newer_code_runs_on_an_older_schema_when_all_that_is_missing_is_optional():
    index = Migration(3, "index", "", "c3", optional=True)
    table = Migration(4, "table", "", "c4")
    found = compare((*OURS, index), DONE)
    assert not found.current and found.pending == (index,)
    require_usable(found)
    with pytest.raises(SchemaError, match=r"0003_index, 0004_table.*migrate apply"):
        require_usable(compare((*OURS, index, table), DONE))


def test_a_file_from_before_the_rule_counts_as_one_that_only_its_own_code_runs_on(tmp_path: Path):
    path = str(tmp_path / "old.db")
    schema.apply(path, ManualClock())
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE schema_migrations DROP COLUMN oldest")
    connection.close()
    found = schema.status(path)
    assert found.current and [row.oldest for row in found.applied] == [row.number for row in found.applied]
    schema.apply(path, ManualClock())
    assert schema.status(path).current


def test_what_a_migration_says_of_older_code_is_kept_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = str(tmp_path / "new.db")
    ours = (parse(1, "first", "CREATE TABLE a (x)"), parse(2, "wider", "-- expand\nALTER TABLE a ADD COLUMN y TEXT"))
    monkeypatch.setattr(schema, "load", lambda _dialect: ours)
    schema.apply(path, ManualClock())
    assert [row.oldest for row in schema.status(path).applied] == [1, 0]
    monkeypatch.setattr(schema, "load", lambda _dialect: ours[:1])
    require_usable(schema.status(path))
