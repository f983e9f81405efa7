"""Named SQL: every statement prepares, is used by somebody, and is where its table says."""

import re
from pathlib import Path

import apsw
import pytest

from whimbrel.store import migrations
from whimbrel.store.statements import for_sqlite, parse, sources

SQL = Path(migrations.__file__).parent / "sql"
SOURCE = SQL.parent.parent
STATEMENTS = for_sqlite()
SCANS_ALLOWED = {
    "accounts_all",
    "attempts_reserve",
    "attempts_unanswered",
    "carriers_all",
    "delivery_tries_purge",
    "events_purge",
    "inbound_parts_overdue",
    "inbound_seen_purge",
    "keys_active",
    "keys_by_name",
    "opt_outs_all",
    "parked_any",
    "parked_receipts_purge",
    "prices_all",
    "queue_by_class",
    "queue_expired",
    "queue_head",
    "queue_ranks",
    "queue_strays",
    "routes_all",
    "senders_all",
    "tails_unanswered",
    "webhooks_all",
}
"""Statements that may read a whole table: configuration, tables that stay small, and purges, which stop early."""


@pytest.fixture(scope="module")
def connection() -> apsw.Connection:
    made = apsw.Connection(":memory:")
    for migration in migrations.load():
        made.execute(migration.sql)
    return made


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_it_prepares(connection: apsw.Connection, name: str):
    sql = STATEMENTS[name].sql
    parameters = {int(number) for number in re.findall(r"\?(\d+)", sql)}
    assert parameters == set(range(1, len(parameters) + 1))
    plan = connection.execute("EXPLAIN QUERY PLAN " + sql, (None,) * len(parameters)).fetchall()
    scans = [row[3] for row in plan if row[3].startswith("SCAN") and "json_each" not in row[3]]
    assert name in SCANS_ALLOWED or scans == []


def test_no_exemption_has_outlived_its_statement():
    assert STATEMENTS.keys() >= SCANS_ALLOWED


def test_none_is_unused():
    used = set(re.findall(r'"([a-z_]+)"', "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))))
    assert sorted(STATEMENTS.keys() - used) == []


def test_all_that_are_asked_for_exist():
    called = re.compile(r'(?:Query|One|Many|Each|Write|fetch)\((?:[\w.()\[\]]+,\s*)?"([a-z_]+)"')
    asked = {name for path in SOURCE.rglob("*.py") for name in called.findall(path.read_text("utf-8"))}
    assert len(asked) > 50
    assert sorted(asked - STATEMENTS.keys()) == []


def test_each_stands_in_the_table_of_its_file():
    missing = [
        (path.name, name)
        for path in SQL.rglob("*.sql")
        for name in parse(path.read_text("utf-8"))
        if name not in path.read_text("utf-8").partition("-- name:")[0]
    ]
    assert missing == []


def test_nothing_about_the_clock_stands_in_sql():
    """Time is an argument."""
    text = "".join(sources("sqlite").values()).lower()
    assert not re.search(r"now\(|current_timestamp|datetime\(|strftime|unixepoch", text)


def test_parameters_and_lists_are_rewritten():
    (name,) = [name for name, statement in STATEMENTS.items() if name == "balances_available"]
    statement = STATEMENTS[name]
    assert statement.sql.endswith("IN (SELECT value FROM json_each(?1))")
    assert statement.lists == (0,)


def test_a_name_twice_is_an_error():
    with pytest.raises(ValueError, match="twice"):
        parse("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;\n")
