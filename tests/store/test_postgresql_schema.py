"""What PostgreSQL's schema does by itself: versions of the configuration, changes of opt-outs."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

HASHES = [11, 12]


@pytest.fixture
async def connection(postgres: str) -> AsyncIterator[Any]:
    opened = await asyncpg.connect(postgres)
    yield opened
    await opened.close()


async def _version(connection: Any, kind: str) -> int:
    return int(await connection.fetchval("SELECT version FROM configuration WHERE kind = $1", kind))


async def _changes(connection: Any) -> list[tuple[Any, ...]]:
    rows = await connection.fetch("SELECT number_hash, stopped FROM opt_out_changes ORDER BY position")
    return [tuple(row) for row in rows]


async def test_every_change_of_the_configuration_raises_the_version_of_its_kind(connection: Any) -> None:
    was = await _version(connection, "keys")
    other = await _version(connection, "accounts")
    await connection.execute(
        "INSERT INTO keys (id, name, hint, digest, mode, scopes, rate_per_s, status, created_at) "
        "VALUES ('K1', '', '', '', 'live', '', 1, 'active', 1)"
    )
    await connection.execute("UPDATE keys SET status = 'revoked'")
    await connection.execute("DELETE FROM keys")
    assert await _version(connection, "keys") == was + 3
    assert await _version(connection, "accounts") == other


async def test_where_an_endpoint_stands_is_not_configuration(connection: Any) -> None:
    await connection.execute(
        "INSERT INTO webhooks (id, account_id, test, url, events, description, secret, status, failures, cursor, "
        "created_at, updated_at) VALUES ('WH1', 'AC1', 0, '', '', '', '', 'active', 0, 0, 1, 1)"
    )
    was = await _version(connection, "webhooks")
    await connection.execute("UPDATE webhooks SET cursor = 5, failures = 2")
    assert await _version(connection, "webhooks") == was
    await connection.execute("UPDATE webhooks SET status = 'disabled'")
    assert await _version(connection, "webhooks") == was + 1


async def test_opt_outs_leave_what_changed(connection: Any) -> None:
    record = (
        "INSERT INTO opt_outs (id, account_id, number_hash, masked, source, created_at) "
        "SELECT 'OO' || number, 'AC1', number, '', 'api', 1 FROM unnest($1::bigint[]) AS given (number) "
        "ON CONFLICT DO NOTHING"
    )
    was = await _version(connection, "opt_outs")
    await connection.execute(record, HASHES)
    await connection.execute(record, HASHES[:1])  # who has opted out cannot do so again
    await connection.execute("DELETE FROM opt_outs WHERE number_hash = 12")
    assert await _version(connection, "opt_outs") == was + 2
    assert await _changes(connection) == [(11, 1), (12, 1), (12, 0)]
