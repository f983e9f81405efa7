"""A table that a later migration adds is decided upon: it moves with an account, or it stays for a reason."""

import re
from importlib.resources import files

from tests.cells import account as samples
from whimbrel.store.postgresql.statements import for_postgresql

STAYS = {
    "arrivals": "what of a move has come",
    "carriers": "of the installation; copied from the cell that leads",
    "configuration": "versions of this database's tables",
    "copying": "how far a copy of the database is",
    "cursors": "how far this cell's own log was followed",
    "inbound_seen": "what this cell's binds brought in the last minutes",
    "lanes": "of the nodes",
    "leases": "of the nodes",
    "moves": "says where the account has gone",
    "nodes": "of the nodes",
    "opt_out_changes": "what nodes read of opt-outs, which move: triggers write it in both cells",
    "parcels": "what of a move has left",
    "parked_receipts": "nobody knows whose they are; other cells are asked",
    "prices": "of the installation, also those of one account",
    "quiet_rules": "of the installation; copied from the cell that leads",
    "sender_rules": "of the installation; copied from the cell that leads",
    "routes": "of the installation, also those of one account",
    "schema_migrations": "what the database is",
    "sessions": "people sign in again",
    "smpp_seats": "of the nodes: who is bound at them",
    "streams": "of the installation's brokers",
}
STATEMENTS = for_postgresql()
_INTO = re.compile(r"INSERT INTO (\w+)")
_ADDED = re.compile(r"ALTER TABLE (?:IF EXISTS |ONLY )*(\w+)\s+([^;]*)", re.IGNORECASE)


def arriving() -> set[str]:
    """Tables that rows of an account arrive in."""
    return {
        table
        for name, statement in STATEMENTS.items()
        if name.startswith("arrive_")
        for table in _INTO.findall(statement.sql)
    }


async def test_every_table_moves_or_stays_for_a_reason(cells):
    eu, _ = cells
    rows = await eu.rows(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
        "AND relnamespace = 'public'::regnamespace"
    )
    tables = {row["relname"] for row in rows}
    assert tables - arriving() - STAYS.keys() == set(), "let it move (store/sql/postgresql/moving.sql), or say why not"
    assert arriving() & STAYS.keys() == set()
    assert (arriving() | STAYS.keys()) - tables <= {"copying"}, "no such table any more"


async def test_every_table_with_rows_of_accounts_is_compared_after_a_move(cells):
    eu, _ = cells
    rows = await eu.rows(
        "SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid "
        "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace "
        "AND a.attname = 'account_id'"
    )
    assert {row["relname"] for row in rows} - STAYS.keys() | {"accounts"} == set(samples.OWNED)


def test_a_column_that_is_added_may_be_missing_in_parcels_of_before():
    """Parcels that an older version packed arrive after a migration: what they lack is NULL."""
    folder = files("whimbrel.store").joinpath("migrations/postgresql")
    later = [entry.read_text() for entry in folder.iterdir() if entry.name > "0003_cells.sql"]
    strict = {
        table
        for text in later
        for table, change in _ADDED.findall(text)
        if re.search(r"ADD COLUMN.*NOT NULL", change, re.IGNORECASE | re.DOTALL)
    }
    filled = {"conversations", "schedule_parts", "schedules", "verify_attempts"}
    assert strict & arriving() == filled, "let its arrive_ statement fill in the default, and say so here"
