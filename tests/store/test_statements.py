"""Named SQL: every statement prepares, is used by somebody, and is where its table says."""

import re
from pathlib import Path

import apsw
import pytest

from whimbrel.store import migrations
from whimbrel.store.script import Each, Many, Query, Rows, Script
from whimbrel.store.sqlite import schema
from whimbrel.store.sqlite.runner import Runner
from whimbrel.store.statements import Manner, Source, for_sqlite, parse, sources, sqlite

SQL = Path(migrations.__file__).parent / "sql"
SOURCE = SQL.parent.parent
STATEMENTS = for_sqlite()
SCANS_ALLOWED = {
    "accounts_all",
    "policies_all",
    "quiet_rules_all",
    "policies_of_operators",
    "quiet_rules_whole",
    "suppression_lists_of_operators",
    "consent_words_of_operators",
    "consent_texts_of_operators",
    "contacts_seen",
    "smpp_credentials_all",
    "attempts_reserve",
    "attempts_unanswered",
    "campaign_ahead",
    "campaigns_any",
    "campaign_stretch",
    "campaign_stretch_oldest",
    "carriers_all",
    "configuration_version",
    "conversation_tags_add",  # the tags of one row
    "configuration_versions",
    "deliveries_purge",
    "delivery_tries_purge",
    "events_purge",
    "events_stretch_end",
    "message_numbers_stretch",
    "message_numbers_stretch_oldest",
    "messages_stretch",
    "messages_stretch_oldest",
    "verifications_stretch",
    "verifications_stretch_oldest",
    "inbound_parts_overdue",
    "inbound_urls_all",
    "keys_of_operators",
    "inbound_seen_purge",
    "keys_active",
    "keys_by_name",
    "lanes_all",
    "media_uses",
    "link_settings_all",
    "nodes_all",
    "nodes_bury",
    "nodes_ids",
    "brands_all",
    "consent_texts_all",
    "consent_words_all",
    "suppression_lists_all",
    "numbers_lately",
    "parked_any",
    "parked_receipts_purge",
    "pool_members_all",
    "pools_all",
    "prices_all",
    "queue_accounts",
    "queue_class",
    "queue_head",
    "queue_ids",
    "queue_lanes",
    "queue_lanes_between",
    "queue_work",
    "routes_all",
    "schema_applied",
    "senders_all",
    "sender_rules_all",
    "smpp_owed_counts",
    "smpp_owed_purge",
    "smpp_owed_total",
    "streams_all",
    "tails_unanswered",
    "usage_page",
    "usage_page_of_accounts",
    "usage_totals_of_accounts",
    "webhooks_all",
}
"""Statements that may read a whole table: configuration, tables that stay small, and purges and counts, which stop
early, and sums that are read once more."""


@pytest.fixture(scope="module")
def connection() -> apsw.Connection:
    made = apsw.Connection(":memory:")
    made.execute(schema.TABLE)
    for migration in migrations.load("sqlite"):
        made.execute(migration.sql)
    return made


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_it_prepares(connection: apsw.Connection, name: str):
    sql = STATEMENTS[name].sql
    parameters = {int(number) for number in re.findall(r"\?(\d+)", sql)}
    assert parameters == set(range(1, len(parameters) + 1))
    plan = connection.execute("EXPLAIN QUERY PLAN " + sql, (None,) * len(parameters)).fetchall()
    if STATEMENTS[name].many:
        connection.execute("EXPLAIN " + STATEMENTS[name].of_rows(3), (None,) * (3 * STATEMENTS[name].width)).fetchall()
    scans = [row[3] for row in plan if row[3].startswith("SCAN") and not re.search("json_each|CONSTANT ROW", row[3])]
    assert name in SCANS_ALLOWED or scans == []
    ranges = re.compile(r"SEARCH (attempts|a|b) USING INTEGER PRIMARY KEY \(rowid[<>]")
    assert [row[3] for row in plan if ranges.match(row[3])] == [], "the floor of a look-up is PostgreSQL's matter"


PERSONAL = re.compile(r"\b(?:\w+\.)?(number|number_hash|person_hash|message_id) (?:= \?|IN \(SELECT value)")
CROWDED = "contacts|consents|consent_requests|opt_outs|links"
NAMED = re.compile(r"\b(?:number|\w*_hash|message_id)[=<>]|\bid=")


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_one_person_is_not_looked_for_among_all(connection: apsw.Connection, name: str):
    """What asks for numbers or for messages reads a table of a million by them, not by their account alone."""
    sql = STATEMENTS[name].sql
    if not PERSONAL.search(sql):
        return
    parameters = set(re.findall(r"\?(\d+)", sql))
    plan = connection.execute("EXPLAIN QUERY PLAN " + sql, (None,) * len(parameters)).fetchall()
    aliases = {alias for _, alias in re.findall(rf"\b({CROWDED}) AS (\w+)", sql)} | {"-"}
    search = re.compile(rf"SEARCH (?:{CROWDED}|{'|'.join(aliases)}) .*\((.+)\)$")
    searches = [match for row in plan if (match := search.search(row[3]))]
    assert [match[0] for match in searches if not NAMED.search(match[1])] == []


def test_no_exemption_has_outlived_its_statement():
    assert STATEMENTS.keys() >= SCANS_ALLOWED


def test_none_is_unused():
    used = set(re.findall(r'"([a-z_]+)"', "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))))
    assert sorted(STATEMENTS.keys() - used) == []


def test_all_that_are_asked_for_exist():
    called = re.compile(r'(?:Query|One|Many|Each|Write|fetch)\((?:[\w.()\[\]]+,\s*)?"([a-z_]+)"')
    asked = {name for path in SOURCE.rglob("*.py") for name in called.findall(path.read_text("utf-8"))}
    assert len(asked) > 50
    assert sorted(asked - STATEMENTS.keys() - sources("postgresql").keys()) == []


def test_each_stands_in_the_table_of_its_file():
    missing = [
        (path.name, name)
        for path in SQL.rglob("*.sql")
        for name in parse(path.read_text("utf-8"))
        if name not in path.read_text("utf-8").partition("-- name:")[0]
    ]
    assert missing == []


SINCE = """
-- name: put (distinct)
UPDATE t SET a = $2 WHERE id = $1;
-- name: put (distinct, since remarks)
UPDATE t SET a = $2, remark = 'x' WHERE id = $1;
-- name: put (since notes)
UPDATE t SET a = $2, note = 'x' WHERE id = $1;
-- name: other
SELECT 1;
"""


@pytest.mark.parametrize(
    ("has", "sql", "manner"),
    [
        ({"first"}, "a = $2 WHERE", "distinct"),
        ({"first", "remarks"}, "remark = 'x'", "distinct"),
        ({"first", "remarks", "notes"}, "note = 'x'", ""),
        ({"notes"}, "note = 'x'", ""),
        (None, "note = 'x'", ""),
    ],
)
def test_a_statement_may_wait_for_an_optional_migration(has: set[str] | None, sql: str, manner: str):
    found = parse(SINCE)
    assert sorted(found) == ["other", "put"]
    chosen = found["put"].on(has)
    assert sql in chosen.sql and chosen.manner == manner
    assert found["other"].on(has) is found["other"]


@pytest.mark.parametrize("text", ["-- name: a (since x)\nSELECT 1", "-- name: a\nSELECT 1\n-- name: a\nSELECT 2",
                                  "-- name: a\nSELECT 1\n-- name: a (odd, since x)\nSELECT 2"])  # fmt: skip
def test_a_statement_stands_in_place_of_one_before_it(text: str):
    with pytest.raises(ValueError, match="statement a"):
        parse(text)


def test_a_page_is_read_from_either_end():
    found = parse("""
-- name: page (both ways)
SELECT a FROM t WHERE b = $1 AND id < $2 ORDER BY id DESC LIMIT $3;
-- name: between (both ways)
SELECT a FROM t WHERE t.id >= $1 AND t.id < $2 ORDER BY t.id DESC LIMIT $3;
""")
    assert found["page_oldest"].sql == "SELECT a FROM t WHERE b = $1 AND id > $2 ORDER BY id LIMIT $3"
    assert found["between_oldest"].sql == "SELECT a FROM t WHERE t.id >= $1 AND t.id < $2 ORDER BY t.id LIMIT $3"
    with pytest.raises(ValueError, match="no one order"):
        parse("-- name: page (both ways)\nSELECT a FROM t WHERE id < $1 LIMIT $2;\n")


def test_nothing_about_the_clock_stands_in_sql():
    """Time is an argument."""
    text = "".join(source.sql for source in sources("sqlite").values()).lower()
    assert not re.search(r"now\(|current_timestamp|datetime\(|strftime|unixepoch", text)


@pytest.mark.parametrize(
    ("manner", "sql", "one", "many"),
    [
        ("", "SELECT a FROM t WHERE b = $1", "SELECT a FROM t WHERE b = ?1", ""),
        ("", "SELECT a FROM t WHERE a = ANY($1)", "SELECT a FROM t WHERE a IN (SELECT value FROM json_each(?1))", ""),
        ("", "INSERT INTO t VALUES ($1, $2)", "INSERT INTO t VALUES (?1, ?2)", "INSERT INTO t VALUES {rows}"),
        ("", "INSERT INTO t VALUES ($2, $1)", "INSERT INTO t VALUES (?2, ?1)", ""),
        ("", "INSERT INTO t VALUES ($1) RETURNING $2", "INSERT INTO t VALUES (?1) RETURNING ?2", ""),
        ("", "UPDATE t SET a = $2 WHERE id = $1", "UPDATE t SET a = ?2 WHERE id = ?1", ""),
        (
            "distinct",
            "UPDATE t SET a = $2, n = n + 1 WHERE id = $1",
            "UPDATE t SET a = ?2, n = n + 1 WHERE id = ?1",
            "UPDATE t SET a = v.column2, n = n + 1 FROM (VALUES {rows}) AS v WHERE id = v.column1",
        ),
        (
            "distinct",
            "DELETE FROM t WHERE a = $1 AND b = $2",
            "DELETE FROM t WHERE a = ?1 AND b = ?2",
            "DELETE FROM t WHERE (a, b) IN (VALUES {rows})",
        ),
    ],
)
def test_rewriting_for_sqlite(manner: Manner, sql: str, one: str, many: str):
    found = sqlite("s", Source(sql, manner))
    assert (found.sql, found.many) == (one, many)
    assert found.width == (len(set(re.findall(r"\?\d", one))) if many else 0)
    assert found.lists == ((0,) if "ANY" in sql else ())


@pytest.mark.parametrize(
    "sql", ["DELETE FROM t WHERE b = $2 AND a = $1", "DELETE FROM t WHERE a < $1", "SELECT a FROM t"]
)
def test_what_is_not_by_key_cannot_be_distinct(sql: str):
    with pytest.raises(ValueError, match="not by key"):
        sqlite("s", Source(sql, "distinct"))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 15, 16, 63, 64, 65, 150])
def test_many_rows_are_one_by_one(count: int):
    """However many rows go in a step, the outcome is that of one after the other."""
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    written = {
        "put": Source("INSERT INTO t (id, a) VALUES ($1, $2) RETURNING id"),
        "set": Source("UPDATE t SET a = a || $2 WHERE id = $1", "distinct"),
        "drop": Source("DELETE FROM t WHERE id = $1 AND a = $2", "distinct"),
        "all": Source("SELECT id, a FROM t ORDER BY id DESC", "packed"),
    }
    runner = Runner(connection, {name: sqlite(name, source) for name, source in written.items()})

    def script() -> Script[tuple[Rows, Rows, int, int, Rows]]:
        put: Rows = yield Each("put", [(number, "x") for number in range(count)])
        changed: int = yield Many("set", [(number, "y") for number in range(1, count + 1)])
        found: Rows = yield Query("all")
        dropped: int = yield Many("drop", [(number, "xy") for number in range(count)])
        left: Rows = yield Query("all")
        return put, found, changed, dropped, left

    put, found, changed, dropped, left = runner.run(script())
    assert put == [(number,) for number in range(count)]
    assert found == [(number, "xy" if number else "x") for number in reversed(range(count))]
    assert (changed, dropped) == (max(count - 1, 0), max(count - 1, 0))
    assert left == ([(0, "x")] if count else [])


def test_a_name_twice_is_an_error():
    with pytest.raises(ValueError, match="twice"):
        parse("-- name: a\nSELECT 1;\n-- name: a (packed)\nSELECT 2;\n")
