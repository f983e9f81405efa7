"""Migrations say what they do to code that does not know them, and those that say "nothing" do nothing: no statement of
an expanding file takes away, renames or forbids what older code uses."""

import re
from importlib.resources import files

import pytest

from whimbrel.store.migrations import Migration, head, label, load
from whimbrel.store.statements import parse

EVERY = [(dialect, migration) for dialect in ("sqlite", "postgresql") for migration in load(dialect)]
WITHOUT_A_HEAD = {("sqlite", 1), ("postgresql", 1), ("sqlite", 2)}  # the first ones, and one from before the rule
COMMENT = re.compile(r"--[^\n]*")

BREAKING = {
    "takes away": r"\b(DROP|TRUNCATE)\b",
    "renames": r"\bRENAME\b",
    "changes a type": r"\bALTER (COLUMN )?\w+ (SET DATA )?TYPE\b",
    "forbids NULL": r"\bSET NOT NULL\b",
    "demands a value": r"\bADD (COLUMN )?(?!CONSTRAINT)(IF NOT EXISTS )?\w+(?!.*\bDEFAULT\b).*\bNOT NULL\b",
    "forbids rows": r"\bADD (CONSTRAINT|CHECK|UNIQUE|FOREIGN|PRIMARY|EXCLUDE)\b",
    "takes a default away": r"\bDROP DEFAULT\b",
    "takes a right away": r"\b(REVOKE|ENABLE ROW LEVEL SECURITY)\b",
}
HARMLESS = {
    ("postgresql", "guarded"): {"takes a right away"},  # nobody but the owner, whom it does not hold, had one
}
MADE = re.compile(r"\bCREATE TABLE (?:IF NOT EXISTS )?(\w+)", re.IGNORECASE)
UNIQUE = re.compile(r"\bCREATE UNIQUE INDEX .*?\bON (?:ONLY )?(\w+)", re.IGNORECASE | re.DOTALL)


def breaks(sql: str) -> list[str]:
    """What statements on tables that the file did not make itself do to older code, in words."""
    statements = COMMENT.sub("", sql).split(";")
    made = {name for statement in statements for name in MADE.findall(statement)}
    found = []
    for statement in statements:
        altered = re.search(r"\bALTER TABLE (?:IF EXISTS )?(?:ONLY )?(\w+)", statement, re.IGNORECASE)
        if not (altered and altered[1] in made):
            found += [word for word, pattern in BREAKING.items() if re.search(pattern, statement, re.IGNORECASE)]
        found += ["forbids rows" for table in UNIQUE.findall(statement) if table not in made]
    return found


def named(each: tuple[str, Migration]) -> str:
    return f"{each[0]}/{label(each[1])}"


@pytest.mark.parametrize("each", EVERY, ids=named)
def test_each_says_what_it_does_to_older_code(each):
    dialect, migration = each
    words = head(migration.sql)
    assert {"expand", "contract"} & set(words) or (dialect, migration.number) in WITHOUT_A_HEAD


@pytest.mark.parametrize("each", [each for each in EVERY if each[1].oldest == 0 and each[1].number > 1], ids=named)
def test_what_expands_breaks_nothing(each):
    assert set(breaks(each[1].sql)) - HARMLESS.get((each[0], each[1].name), set()) == set()


@pytest.mark.parametrize("each", [each for each in EVERY if each[1].concurrent], ids=named)
def test_what_runs_outside_of_a_transaction_can_be_run_again(each):
    statements = [part.strip() for part in COMMENT.sub("", each[1].sql).split(";") if part.strip()]
    form = r"(CREATE (UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS|DROP INDEX CONCURRENTLY IF EXISTS) .+"
    assert [text for text in statements if not re.fullmatch(form, text, re.DOTALL)] == []


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_statements_wait_for_optional_migrations_only(dialect):
    """What every database must have needs no statement for those that do not have it."""
    optional = {migration.name for migration in load(dialect) if migration.optional}
    written = [parse(file.read_text("utf-8")) for file in (files("whimbrel.store") / "sql").rglob("*.sql")]
    waiting = {name for found in written for source in found.values() for name, _ in source.since}
    assert waiting - optional == set()


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_numbers_have_no_gaps(dialect):
    assert [migration.number for migration in load(dialect)] == list(range(1, len(load(dialect)) + 1))


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("CREATE TABLE a (x integer NOT NULL); CREATE UNIQUE INDEX i ON a (x);", []),
        ("ALTER TABLE messages ADD COLUMN note text;", []),
        ("ALTER TABLE messages ADD COLUMN note text NOT NULL DEFAULT '';", []),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON messages (note);", []),
        ("-- DROP TABLE messages\n", []),
        ("DROP TABLE messages", ["takes away"]),
        ("ALTER TABLE messages DROP COLUMN note", ["takes away"]),
        ("ALTER TABLE messages RENAME COLUMN note TO remark", ["renames"]),
        ("ALTER TABLE messages ALTER COLUMN note TYPE bytea", ["changes a type"]),
        ("ALTER TABLE messages ALTER note SET NOT NULL", ["forbids NULL"]),
        ("ALTER TABLE messages ADD COLUMN note text NOT NULL", ["demands a value"]),
        ("ALTER TABLE messages ADD CONSTRAINT c CHECK (seq > 0)", ["forbids rows"]),
        ("CREATE UNIQUE INDEX i ON messages (text)", ["forbids rows"]),
    ],
)
def test_the_rule_finds_what_it_is_for(sql, found):
    assert breaks(sql) == found
