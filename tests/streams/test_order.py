"""The order of a message's events where transactions overlap, and the log's beginning where accounts came from another
cell: on PostgreSQL, with its own connections.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.journey.rig import until
from tests.net.nats_server import ids_in_order
from whimbrel.base.clock import DAY_US
from whimbrel.base.ids import event_id
from whimbrel.base.metrics import Metrics
from whimbrel.base.moments import to_text
from whimbrel.manage import streams as manage
from whimbrel.store import reads
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.store import SqlStore

from .test_streams import (
    ACCOUNT,
    CLOCK,
    KEPT_US,
    append,
    context,
    ids,
    in_state,
    running,
    set_caught_up,
    stands_at,
    subject,
    value,
)

_INSERT = """
    INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
    VALUES ($1, 0, $2, $3, 'message.sent', '{}', 0, $4)
"""
_INSERT_MOVED = """
    INSERT INTO events (position, account_id, test, subject_id, seq, type, data, callback, created_at)
    VALUES ($1, $2, 0, $3, 1, 'message.sent', '{}', 0, $4)
"""


@pytest.fixture
async def pg_store(postgres: str) -> AsyncIterator[SqlStore]:
    store = SqlStore(PostgresExecutor(postgres, clock=CLOCK))
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
async def connections(postgres: str) -> AsyncIterator[list[asyncpg.Connection]]:
    made = [await asyncpg.connect(postgres) for _ in range(2)]
    yield made
    for each in made:
        await each.close()


async def log(connection: asyncpg.Connection, number: int, seq: int) -> None:
    await connection.execute(_INSERT, ACCOUNT, subject(number), seq, CLOCK.now_us())


async def test_an_event_waits_for_an_earlier_one_behind_a_transaction_that_still_runs(pg_store, connections, server):
    """The second event of the message stands before all transactions that run, and its first one behind one of them."""
    early, running_still = connections
    await early.execute("BEGIN")
    await log(early, 1, 1)
    await running_still.execute("BEGIN")
    await log(running_still, 2, 1)
    wanted = await append(pg_store, [3], seqs=[1])
    await log(early, 3, 2)
    await early.execute("COMMIT")
    async with running(pg_store, server) as stream:
        await server.holds(1)
        await in_state(pg_store, "up")
        assert await ids(server) == [event_id(subject(1), 1)]
        await running_still.execute("COMMIT")
        stream.wake()
        await server.holds(4)
    seen = [each.event for each in await server.everything()]
    wanted += [event_id(subject(3), 2), event_id(subject(1), 1), event_id(subject(2), 1)]
    assert sorted(event["id"] for event in seen) == sorted(wanted)
    assert ids_in_order(seen)[subject(3)] == [1, 2]


async def test_an_earlier_event_is_found_however_far_away_it_stands(store, server, monkeypatch):
    """Also beyond what one read looks through."""
    monkeypatch.setattr(reads, "EVENTS_SCAN_MAX", 5)
    wanted = await append(store, [1], seqs=[2])
    wanted += await append(store, range(2, 20), seqs=[1])
    wanted += await append(store, [1], seqs=[1])
    async with running(store, server, batch=3):
        await server.holds(len(wanted))
        last = await store.last_position()
        await until(lambda: stands_at(store, last))
    seen = [each.event for each in await server.everything()]
    assert sorted(event["id"] for event in seen) == sorted(wanted)
    assert ids_in_order(seen)[subject(1)] == [1, 2]


async def test_events_that_came_with_an_account_hide_no_gap(pg_store, connections, server):
    """They stand below 0, as long as they are kept."""
    now, metrics = CLOCK.now_us(), Metrics()
    async with running(pg_store, server):
        await append(pg_store, [1], at=now - 40 * DAY_US)
        await server.holds(3)
        last = await pg_store.last_position()
        await until(lambda: stands_at(pg_store, last))
    await append(pg_store, [2], at=now - 35 * DAY_US)
    wanted = await append(pg_store, [3], at=now)
    await set_caught_up(pg_store, now - 36 * DAY_US)
    await pg_store.purge({"events": now - KEPT_US}, 1000)
    await connections[0].execute(_INSERT_MOVED, -5, ACCOUNT, subject(4), now - DAY_US)
    async with running(pg_store, server, metrics=metrics):
        await server.holds(3 + len(wanted))
        assert value(metrics.stream_gaps, stream="ops") == 1


async def test_a_stream_is_set_back_to_its_moment_where_accounts_came_later(pg_store, connections):
    now = CLOCK.now_us()
    await append(pg_store, range(5), at=now - 3 * DAY_US)
    before = await pg_store.last_position()
    await append(pg_store, range(5, 10), at=now - DAY_US)
    for position in range(-5, 0):  # newer than the moment, and older than all by their place
        await connections[0].execute(_INSERT_MOVED, position, ACCOUNT, subject(20 - position), now - DAY_US)
    await manage.rewind(context(pg_store), "test", "ops", manage.Rewind(to=to_text(now - 2 * DAY_US)))
    assert await stands_at(pg_store, before)
