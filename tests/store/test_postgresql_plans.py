"""Plans of the statements of the journey on PostgreSQL, on a database that has nothing yet and on one with many rows.
No table that grows is read from end to end, and of attempts only the days that matter. A plan is made once and kept
while tables grow, so it must be right on both.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg
import pytest
from tests.pg import Postgres, fresh_database

from whimbrel.base.clock import DAY_US, ManualClock
from whimbrel.domain.positions import day_floor
from whimbrel.store.postgresql.connect import connect
from whimbrel.store.postgresql.partitions import Partitions
from whimbrel.store.postgresql.statements import Statement, for_postgresql

STATEMENTS = for_postgresql()
START = 1_800_000_000_000_000
DAYS = 12
LAST = START + (DAYS - 1) * DAY_US
ROWS = 6_000
SMALL = {
    "accounts", "balances", "carriers", "configuration", "cursors", "keys", "lanes", "leases", "nodes", "prices",
    "brands", "consent_texts", "consent_words", "inbound_urls", "link_settings", "policies", "pool_members", "pools",
    "quiet_rules", "suppression_lists",
    "routes", "sender_rules", "senders", "smpp_credentials", "smpp_seats", "streams", "webhooks",
}  # fmt: skip
"""Tables that stay small, or hold configuration that is read whole now and then."""
OF_PEOPLE = ("moved_", "move_", "moves_", "schema_", "arrive", "arrivals", "depart", "parcel", "accounts_", "keys_of")
"""Statements that move an account to another cell, or ask for the schema: once in a while."""
WHOLE_INDEX = {
    "deliveries_purge", "delivery_tries_purge", "events_purge", "inbound_parts_overdue", "inbound_seen_purge",
    "idempotency_purge", "parked_receipts_purge", "smpp_owed_purge", "smpp_owed_total", "opt_outs_after",
    "opt_out_changes_purge", "events_bounds", "events_delete", "attempts_delete", "attempts_unanswered", "parked_any",
    "campaigns_any", "campaigns_to_clear",
    "queue_lanes", "opt_out_changes_bounds", "opt_out_changes_after",
}  # fmt: skip
"""Reads an index from one end: a purge or a count that stops early, the newest row, an index that holds few rows; and
what is read whole when a node starts."""
MESSAGE = "'SM' || lpad(to_hex(1800000000000 + n), 12, '0') || '70008000000000000000'"
FILL = f"""
INSERT INTO messages SELECT {MESSAGE}, 'AC' || n % 10, 0, 'out', 'rest', 'transactional', 'sent', '', '', '', 'gsm7',
  1, 1, 0, 1, 'EUR', 'CR1', NULL, 'CR1', 1, n, n, 1, 1, 1, 1, NULL, NULL, 0, 3, n, 1, '{{}}'
  FROM generate_series(1, {ROWS}) AS n;
INSERT INTO attempts SELECT (({day_floor(START)} >> 38) + n % {DAYS} << 38) + n, {MESSAGE}, 'AC1', 1, 1, 'CR1', '',
  CASE WHEN n % 500 = 0 THEN 'committed' WHEN n % 501 = 0 THEN 'in_doubt' ELSE 'accepted' END, 'k' || n, 'k' || n, 0,
  NULL, 0, n, 1, CASE WHEN n % 500 > 0 THEN 1 END, NULL, NULL, 0, NULL FROM generate_series(1, {ROWS}) AS n;
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
  SELECT 'AC' || n % 10, 0, {MESSAGE}, 1, 'message.queued', '{{}}', 0, 1 FROM generate_series(1, {ROWS}) AS n;
INSERT INTO queue SELECT 'CR' || n % 3, 1, n, 'SM' || n, n FROM generate_series(1, {ROWS}) AS n;
INSERT INTO schedule SELECT n, 'SM' || n FROM generate_series(1, {ROWS}) AS n;
INSERT INTO deadlines SELECT 'SM' || n, n FROM generate_series(1, {ROWS}) AS n;
INSERT INTO ledger (account_id, message_id, kind, debit, credit, amount_micros, note, created_at)
  SELECT 'AC' || n % 10, 'SM' || n, 'hold', 'available', 'held', 1, '', n FROM generate_series(1, {ROWS}) AS n;
INSERT INTO message_numbers SELECT n, 'SM' || n FROM generate_series(1, {ROWS}) AS n;
INSERT INTO idempotency SELECT 'AC' || n % 10, 'rest', 'k' || n, 0, '', 1, '', n FROM generate_series(1, {ROWS}) AS n;
INSERT INTO opt_outs SELECT 'OO' || n, 'AC' || n % 10, n, '', 'api', n FROM generate_series(1, {ROWS}) AS n;
INSERT INTO parked_receipts (carrier_id, carrier_key, keys, tail_hash, receipt, received_at)
  SELECT 'CR1', 'p' || n, '[]', n, '{{}}', n FROM generate_series(1, {ROWS}) AS n;
INSERT INTO inbound_seen SELECT 'CR1', n, 's', n FROM generate_series(1, {ROWS}) AS n;
INSERT INTO inbound_parts SELECT 'CR1', n, 1, 1, 2, 1, '{{}}', n FROM generate_series(1, {ROWS}) AS n;
INSERT INTO deliveries SELECT 'DL' || n, 'WH' || n % 10, 'AC', n, 'EV', 'message.sent', '', 'event', 1,
  CASE WHEN n % 2 = 0 THEN n END, n, '' FROM generate_series(1, {ROWS}) AS n;
INSERT INTO delivery_tries
  (webhook_id, account_id, event_position, event_id, event_type, number, at, latency_ms, answer, ok)
  SELECT 'WH' || n % 10, 'AC', n, 'EV', 'message.sent', 1, n, 1, '', 1 FROM generate_series(1, {ROWS}) AS n;
INSERT INTO smpp_owed SELECT 'SC' || n % 10, n, 'SM' || n, 'message.delivered', '{{}}', n
  FROM generate_series(1, {ROWS}) AS n;
INSERT INTO audit SELECT 'AU' || n, 'AC' || n % 10, 'x', 'x', 'x', '', n FROM generate_series(1, {ROWS}) AS n;
ANALYZE messages, queue, schedule, deadlines, ledger, message_numbers, idempotency, opt_outs, parked_receipts,
  inbound_seen, inbound_parts, deliveries, delivery_tries, smpp_owed, audit;
"""
VALUES = {
    "text": "'x'", "int8": str(day_floor(LAST)), "int4": "1", "float8": "1", "bytea": "''", "text[]": "'{x}'",
    "int8[]": "'{1}'",
}  # fmt: skip
Plans = Mapping[str, list[dict[str, Any]]]


async def explain(connection: Any, statement: Statement) -> list[dict[str, Any]]:
    """The nodes of the plans of a statement, alone and for a list."""
    types = [kind.name for kind in (await connection.prepare(statement.sql)).get_parameters()]
    forms = [(statement.sql, types)]
    if statement.many:
        width = statement.whole - 1 if statement.whole else len(types)
        forms.append((statement.of_columns(types), [f"{kind}[]" for kind in types[:width]] + types[width:]))
    found: list[dict[str, Any]] = []
    for sql, kinds in forms:
        arguments = ", ".join(VALUES.get(kind, "'{}'") for kind in kinds)
        await connection.execute(f"PREPARE kept AS {sql}")
        execute = f"EXECUTE kept ({arguments})" if kinds else "EXECUTE kept"
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON, COSTS OFF) {execute}")
        await connection.execute("DEALLOCATE kept")
        found += walk(json.loads(plan)[0]["Plan"])
    return found


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from walk(child)


async def plans_of(server: Postgres, fill: str) -> Plans:
    async with fresh_database(server.url, server.template) as url:
        for day in range(0, DAYS, 3):
            await Partitions(lambda: asyncpg.connect(url), ManualClock(START + day * DAY_US), wide=1).make()
        filling = await asyncpg.connect(url)
        await filling.execute(fill)
        await filling.close()
        connection = await connect(url, hot=True)
        try:
            return {
                name: await explain(connection, statement)
                for name, statement in STATEMENTS.items()
                if not name.startswith(OF_PEOPLE) and "pg_advisory" not in statement.sql
            }
        finally:
            await connection.close()


@pytest.fixture(scope="module", params=["empty", "full"])
def plans(request: pytest.FixtureRequest, postgres_server: Postgres) -> Plans:
    return asyncio.run(plans_of(postgres_server, FILL if request.param == "full" else "SELECT 1"))


def grows(node: dict[str, Any]) -> bool:
    return node.get("Relation Name", "").rstrip("0123456789").rstrip("_") not in SMALL


def test_no_table_that_grows_is_read_from_end_to_end(plans: Plans) -> None:
    scans = {
        (name, node["Relation Name"])
        for name, nodes in plans.items()
        for node in nodes
        if node["Node Type"] == "Seq Scan" and grows(node)
    }
    assert scans == set()


def test_no_index_of_a_table_that_grows_is_read_from_end_to_end(plans: Plans) -> None:
    """Unless it gives the order and the read stops early."""
    scans = {
        name
        for name, nodes in plans.items()
        for node in nodes
        if node["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}
        and "Index Cond" not in node
        and "Relation Name" in node
        and grows(node)
    }
    assert scans - WHOLE_INDEX == set()


def test_rows_are_found_one_after_the_other(plans: Plans) -> None:
    """A hash or a merge of whole tables is good while they have few rows, and would be kept when they have more."""
    joins = {(name, node["Node Type"]) for name, nodes in plans.items() for node in nodes}
    assert {name for name, kind in joins if kind in {"Hash Join", "Merge Join"}} == set()


@pytest.mark.parametrize(
    "name",
    [
        "attempts_by_keys", "attempts_of_message", "attempts_of_messages", "attempt_delivered", "attempt_taken",
        "message_taken", "attempt_answered", "attempt_reported",
    ],
)  # fmt: skip
def test_attempts_are_looked_for_in_the_days_that_matter(plans: Plans, name: str) -> None:
    """The floor is the last day: it, and the two that were made ahead, are looked at; never the eleven before it."""
    scanned = {node["Relation Name"] for node in plans[name] if "attempts_" in node.get("Relation Name", "")}
    scanned = {relation for relation in scanned if int(relation.rpartition("_")[2]) < LAST // DAY_US}
    assert scanned == set()


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("attempt_delivered", "carrier_id_carrier_key"),
        ("attempts_by_keys", "carrier_id_carrier_key"),
        ("attempt_taken", "pkey"),
        ("attempts_by_positions", "pkey"),
        ("attempts_of_messages", "message_id"),
        ("attempts_in_doubt", "carrier_id_tail_hash"),
        ("tails_unanswered", "carrier_id_tail_hash"),
    ],
)
def test_each_partition_is_read_by_the_index_that_fits(plans: Plans, name: str, index: str) -> None:
    """Where a partition is empty every index is as good, and the plan is kept until it holds millions."""
    used = {node["Index Name"] for node in plans[name] if "attempts_" in node.get("Index Name", "")}
    assert used
    assert [each for each in used if index not in each] == []


@pytest.mark.parametrize(
    ("name", "index", "keys"),
    [
        ("contacts_by_numbers", "contacts_by_number", ["number"]),
        ("contact_ids_of_numbers", "contacts_by_number", ["number"]),
        ("contacts_by_ids", "contacts_pkey", ["account_id", "test", "id"]),
        ("contact_set", "contacts_pkey", ["account_id", "test", "id"]),
        ("contact_delete", "contacts_pkey", ["account_id", "test", "id"]),
    ],
)
def test_a_contact_is_found_by_its_whole_key(plans: Plans, name: str, index: str, keys: list[str]) -> None:
    """An account may have a million: to read them all for a list of keys took two seconds a commit."""
    found = [node for node in plans[name] if "Index Name" in node]
    assert {node["Index Name"] for node in found} == {index}
    assert all(key in node["Index Cond"] for node in found for key in keys)
