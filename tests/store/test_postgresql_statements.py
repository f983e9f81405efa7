"""Named SQL on PostgreSQL: every statement prepares, alone and for lists, with the locks that it asks for."""

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from whimbrel.store.postgresql.statements import for_postgresql, postgresql
from whimbrel.store.statements import Manner, Source, for_sqlite, sources

STATEMENTS = for_postgresql()
OF_SQLITE_ONLY = {"store_answer", "store_answer_keep", "store_answers_forget"}


@pytest.fixture
async def connection(postgres: str) -> AsyncIterator[Any]:
    opened = await asyncpg.connect(postgres)
    yield opened
    await opened.close()


async def test_they_prepare(connection: Any) -> None:
    failed: dict[str, str] = {}
    for name, statement in STATEMENTS.items():
        try:
            prepared = await connection.prepare(statement.sql)
            if statement.many:
                types = [kind.name for kind in prepared.get_parameters()]
                await connection.prepare(statement.of_columns(types))
        except asyncpg.PostgresError as error:
            failed[name] = str(error)
    assert failed == {}


async def test_what_they_give_is_text_octets_or_64_bits(connection: Any) -> None:
    """Rows become structs as they are: a numeric or a boolean would be another thing there than on SQLite. Numbers of
    contacts' fields are floats on both."""
    given = {
        attribute.type.name
        for statement in STATEMENTS.values()
        for attribute in (await connection.prepare(statement.sql)).get_attributes()
    }
    assert given <= {"text", "bytea", "int8", "int4", "float8", "void"}


def test_nothing_is_missing_that_sqlite_has() -> None:
    assert for_sqlite().keys() - STATEMENTS.keys() == OF_SQLITE_ONLY


def test_nothing_about_the_clock_stands_in_sql() -> None:
    text = "".join(source.sql for source in sources("postgresql").values()).lower()
    assert not re.search(r"now\(|current_timestamp|clock_timestamp|localtime", text)


def test_every_read_of_the_log_has_an_end() -> None:
    """Behind the horizon a transaction may still commit: a read ends there, or at a position that was read before."""
    open_ended = {
        name
        for name, statement in STATEMENTS.items()
        if re.search(r"\bevents\b.*position > \$\d", statement.sql, re.DOTALL)
        and not re.search(r"event_horizon\(\)|position <= \$\d", statement.sql)
    }
    assert open_ended == {"events_lowest_after", "events_time_after"}, "no cursor follows these"


@pytest.mark.parametrize(
    ("manner", "sql", "many"),
    [
        (
            "",
            "INSERT INTO t (a, b) VALUES ($1, $2)",
            "INSERT INTO t (a, b) SELECT * FROM unnest($1::text[], $2::int8[])",
        ),
        (
            "distinct",
            "UPDATE t SET a = $2 WHERE id = $1",
            "UPDATE t SET a = v.column2 FROM unnest($1::text[], $2::int8[]) AS v (column1, column2) "
            "WHERE id = v.column1",
        ),
        (
            "summed",
            "UPDATE t SET a = a + $2 WHERE id = $1",
            "UPDATE t SET a = a + v.column2 FROM unnest($1::text[], $2::int8[]) AS v (column1, column2) "
            "WHERE id = v.column1",
        ),
        (
            "distinct",
            "DELETE FROM t WHERE a = $1 AND b = $2",
            "DELETE FROM t USING unnest($1::text[], $2::int8[]) AS v (column1, column2) "
            "WHERE a = v.column1 AND b = v.column2",
        ),
    ],
)
def test_rewriting_for_lists(manner: Manner, sql: str, many: str) -> None:
    found = postgresql("s", Source(sql, manner))
    assert found.of_columns(["text", "int8"]) == many
    assert found.summed == (manner == "summed")


def test_what_is_about_to_be_written_is_locked() -> None:
    found = postgresql("s", Source("SELECT a FROM t WHERE b = $1", "packed", "t"))
    assert found.sql.endswith("FOR UPDATE OF t")


def test_who_asks_for_balances_is_told_what_was_added_up() -> None:
    assert STATEMENTS["balance_settle"].summed
    assert STATEMENTS["balance_hold"].asks_sums
    assert STATEMENTS["balances_to_hold"].asks_sums
    assert not STATEMENTS["message_insert"].asks_sums
