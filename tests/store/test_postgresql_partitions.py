"""Partitions on a real server: made before they are needed or when they are missed, dropped with all that they hold."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from store_samples import ACCOUNT, CREDIT, NOW, message, positions, submit, top_up
from tests.pg import Postgres, fresh_database

from whimbrel.base.clock import DAY_US, SECOND_US, ManualClock
from whimbrel.domain.positions import NUMBER_BITS, day_floor
from whimbrel.store.interface import Claim, Ending
from whimbrel.store.postgresql import partitions as module
from whimbrel.store.postgresql.connect import connect
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.postgresql.partitions import (
    RANGE_MIN,
    Partition,
    Partitions,
    missing_days,
    next_range,
    partitions,
)
from whimbrel.store.store import SqlStore

CARRIER = "CR" + "1" * 32
TODAY = NOW // DAY_US
EVENT_BITS = 20


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def connection(postgres: str) -> AsyncIterator[Any]:
    opened = await asyncpg.connect(postgres)
    yield opened
    await opened.close()


@pytest.fixture
def tending(postgres: str, clock: ManualClock) -> Partitions:
    return Partitions(lambda: connect(postgres, hot=False), clock, wide=1)


@pytest.fixture
async def store(postgres: str, clock: ManualClock, tending: Partitions) -> AsyncIterator[SqlStore]:
    await tending.start()
    opened = SqlStore(PostgresExecutor(postgres, clock=clock))
    await opened.start()
    await opened.write(top_up(ACCOUNT, CREDIT))
    yield opened
    await opened.stop()


async def days(connection: Any) -> list[int]:
    """Those that have a partition."""
    return [
        day
        for partition in await partitions(connection, "attempts")
        for day in range(partition.start >> NUMBER_BITS, partition.below >> NUMBER_BITS)
    ]


async def burn(connection: Any, transactions: int) -> None:
    """Use up transaction numbers."""
    for _ in range(transactions):
        await connection.execute("SELECT pg_current_xact_id()")


async def test_days_are_made_ahead_and_once(connection: Any, tending: Partitions, clock: ManualClock) -> None:
    await tending.start()
    await tending.start()
    assert await days(connection) == [TODAY - 1, TODAY, TODAY + 1, TODAY + 2]
    clock.advance(86_400)
    await tending.tend({})
    assert (await days(connection))[-1] == TODAY + 3


async def test_no_more_than_once_a_minute(connection: Any, tending: Partitions, clock: ManualClock) -> None:
    await tending.tend({})
    before = await days(connection)
    await connection.execute(f"DROP TABLE attempts_{TODAY + 2}")
    await tending.tend({})
    assert await days(connection) == before[:-1]
    clock.advance(60)
    await tending.tend({})
    assert await days(connection) == before


async def test_a_storage_of_its_own_and_the_indexes_of_its_table(connection: Any, tending: Partitions) -> None:
    await tending.start()
    name = f"attempts_{TODAY}"
    options = await connection.fetchval("SELECT reloptions FROM pg_class WHERE relname = $1", name)
    assert "autovacuum_analyze_threshold=20000" in options
    count = "SELECT count(*) FROM pg_indexes WHERE tablename = $1"
    assert await connection.fetchval(count, name) == await connection.fetchval(count, "attempts") > 4


async def test_an_empty_one_that_was_analyzed_is_as_new(connection: Any, tending: Partitions) -> None:
    """With statistics that say "empty", any index looks as good as the right one, for as long as the plan is kept."""
    await tending.start()
    await connection.execute("ANALYZE")
    asks = "SELECT reltuples FROM pg_class WHERE relname = $1"
    assert await connection.fetchval(asks, f"attempts_{TODAY + 1}") == 0
    await tending.tend({})
    assert await connection.fetchval(asks, f"attempts_{TODAY + 1}") == -1


async def test_two_nodes_at_once(connection: Any, postgres: str, clock: ManualClock) -> None:
    stores = [SqlStore(PostgresExecutor(postgres, clock=clock)) for _ in range(2)]
    try:
        for store in stores:
            await store.start()
        found = await days(connection)
        assert found == sorted(set(found))
        assert {TODAY - 1, TODAY, TODAY + 1, TODAY + 2} <= set(found)
    finally:
        for store in stores:
            await store.stop()


async def test_a_day_that_nobody_made_is_made_by_the_first_attempt(
    connection: Any, store: SqlStore, clock: ManualClock
) -> None:
    """The node slept for a week, or its clock jumped: what is claimed then is claimed."""
    clock.advance(7 * 86_400)
    sent = message()
    await submit(store, sent)
    claimed = await store.claim([Claim(sent.id, CARRIER, 1, 99, clock.now_us())])
    assert claimed
    assert claimed[0][0] > day_floor(clock.now_us())
    assert TODAY + 7 in await days(connection)


async def test_an_attempt_is_in_the_day_in_which_it_was_made_also_over_midnight(
    store: SqlStore, clock: ManualClock
) -> None:
    before = (TODAY + 1) * DAY_US - SECOND_US
    sent = [message(), message()]
    await submit(store, *sent)
    numbers: list[int] = []
    for each, at in zip(sent, (before, before + 2 * SECOND_US), strict=True):
        clock.advance((at - clock.now_us()) / SECOND_US)
        for claimed in await store.claim([Claim(each.id, CARRIER, 1, 99, at)]) or ():
            numbers += claimed
    assert [number >> NUMBER_BITS for number in numbers] == [TODAY, TODAY + 1]


async def test_transaction_numbers_that_jump_stop_nobody(
    connection: Any, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another database of the same server may use up any number of them between two looks."""
    for partition in await partitions(connection, "events"):
        await connection.execute(f"DROP TABLE {partition.name}")
    monkeypatch.setattr(module, "RANGE_MIN", 8)
    await submit(store, message())
    await burn(connection, 40)
    await submit(store, message())
    assert len(await positions(store)) == 2
    ranges = await partitions(connection, "events")
    assert len(ranges) == 2
    assert ranges[0].below == ranges[1].start


async def test_the_longer_rows_are_kept_the_wider_they_are(
    connection: Any, tending: Partitions, clock: ManualClock
) -> None:
    """A partition more is one more to look into and to lock, for each statement that cannot know."""
    await tending.start()
    clock.advance(86_400)
    await tending.tend({"messages": clock.now_us() - 400 * DAY_US})
    newest = (await partitions(connection, "attempts"))[-1]
    assert (newest.below - newest.start) >> NUMBER_BITS == 13
    clock.advance(13 * 86_400)
    await tending.tend({"messages": clock.now_us() - 30 * DAY_US})
    newest = (await partitions(connection, "attempts"))[-1]
    assert (newest.below - newest.start) >> NUMBER_BITS == 1


def test_days_are_made_where_there_is_room() -> None:
    known = [Partition("attempts_10", 10 << NUMBER_BITS, 13 << NUMBER_BITS, (0, 0))]
    made = missing_days(known, {2, 9, 11, 13, 14}, 5, (0, 0))
    assert [(each.start >> NUMBER_BITS, each.below >> NUMBER_BITS) for each in made] == [(2, 7), (9, 10), (13, 18)]


def test_the_next_range_is_made_while_a_day_is_left() -> None:
    first = next_range(None, (NOW, 1000))
    assert first == Partition("events_0", 0, (1000 + RANGE_MIN) << EVENT_BITS, (NOW, 1000))
    assert next_range(first, (NOW + DAY_US, 1000)) is None, "nothing was used"
    busy = next_range(first, (NOW + DAY_US // 24, 1000 + RANGE_MIN // 2))
    assert busy is not None
    assert busy.start == first.below
    a_day = 24 * RANGE_MIN // 2
    assert busy.below - busy.start == a_day << EVENT_BITS
    assert next_range(busy, (NOW + DAY_US // 12, 1000 + RANGE_MIN)) is None


async def claim_at(store: SqlStore, at: int) -> None:
    sent = message()
    await submit(store, sent)
    assert await store.claim([Claim(sent.id, CARRIER, 1, 99, at)])


async def test_days_older_than_their_retention_are_dropped_whole(
    connection: Any, store: SqlStore, tending: Partitions, clock: ManualClock
) -> None:
    await claim_at(store, NOW)
    clock.advance(40 * 86_400)
    await claim_at(store, clock.now_us())
    before = {"messages": clock.now_us() - 30 * DAY_US}
    await tending.tend(before)
    assert (await days(connection))[0] == TODAY + 39
    assert await connection.fetchval("SELECT count(*) FROM attempts") == 1
    assert await connection.fetchval("SELECT count(*) FROM pg_class WHERE relname = $1", f"attempts_{TODAY}") == 0


async def test_attempts_of_messages_that_may_still_move_stay(
    connection: Any, tending: Partitions, clock: ManualClock
) -> None:
    """However short the retention is: a text may be valid for a week, and its receipt may take days more."""
    await tending.start()
    clock.advance(10 * 86_400)
    await tending.tend({"messages": clock.now_us()})
    assert TODAY in await days(connection)


async def test_events_older_than_their_retention_are_dropped_whole(
    connection: Any, store: SqlStore, tending: Partitions, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for partition in await partitions(connection, "events"):
        await connection.execute(f"DROP TABLE {partition.name}")
    monkeypatch.setattr(module, "RANGE_MIN", 8)
    monkeypatch.setattr(module, "RANGE_MAX", 8)
    for _ in range(3):
        await submit(store, message(created_at=NOW))
        await burn(connection, 20)
        await tending.make()
    assert len(await partitions(connection, "events")) >= 3
    clock.advance(100 * 86_400)
    await submit(store, message(created_at=clock.now_us()))
    await tending.tend({"events": clock.now_us() - 30 * DAY_US})
    assert len(await positions(store)) == 1, "what is younger stays"


async def test_attempts_go_with_their_partition_and_not_with_their_messages(
    connection: Any, store: SqlStore, clock: ManualClock
) -> None:
    sent = message()
    await submit(store, sent)
    await store.claim([Claim(sent.id, CARRIER, 1, 99, NOW)])
    await store.finish([Ending(sent.id, ("sending",), "failed", "carrier_rejected", NOW)])
    clock.advance(2 * 86_400)
    assert await store.purge({"messages": NOW + DAY_US}, 100) == 1
    assert await connection.fetchval("SELECT count(*) FROM attempts") == 1
    clock.advance(40 * 86_400)
    await store.purge({"messages": NOW + DAY_US}, 100)
    assert await connection.fetchval("SELECT count(*) FROM attempts") == 0


async def test_events_are_deleted_row_by_row_where_no_partition_goes_in_time(
    store: SqlStore, clock: ManualClock
) -> None:
    """A busy server's partitions are dropped within a day or two; a quiet one's have room for months."""
    await submit(store, message(created_at=NOW), message(created_at=NOW + 40 * DAY_US))
    clock.advance(40 * 86_400)
    assert await store.purge({"events": NOW + 2 * DAY_US}, 100) == 0
    clock.advance(60)
    assert await store.purge({"events": NOW + 5 * DAY_US}, 100) == 1


async def test_an_interrupted_drop_is_finished(
    connection: Any, store: SqlStore, tending: Partitions, clock: ManualClock, postgres: str
) -> None:
    """A reader with an old snapshot holds it up: it is tried again, and nobody else is held up meanwhile."""
    clock.advance(40 * 86_400)
    reader = await asyncpg.connect(postgres)
    reading = reader.transaction(isolation="repeatable_read")
    await reading.start()
    await reader.fetchval("SELECT count(*) FROM attempts")
    before = {"messages": clock.now_us() - 30 * DAY_US}
    await _another(postgres, clock).tend(before)
    assert TODAY in await days(connection)
    await claim_at(store, clock.now_us())
    await reading.rollback()
    await reader.close()
    clock.advance(60)
    await tending.tend(before)
    assert TODAY not in await days(connection)


async def test_who_drops_partitions_holds_up_readers_of_the_log_for_a_moment_only(
    connection: Any, store: SqlStore, tending: Partitions, clock: ManualClock, postgres: str
) -> None:
    """A dump looks at all of them for hours. To finish a drop that it interrupted takes a transaction number, and with
    it everybody who follows the events waits."""
    clock.advance(40 * 86_400)
    dump = await asyncpg.connect(postgres)
    await dump.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await dump.fetchval("SELECT count(*) FROM attempts")
    before = {"messages": clock.now_us() - 30 * DAY_US}
    await _another(postgres, clock).tend(before)
    assert any(each.is_leaving for each in await partitions(connection, "attempts"))
    async with asyncio.timeout(15):  # less than a statement may take
        await tending.tend(before)
    assert TODAY in await days(connection)
    await dump.close()


async def test_who_makes_partitions_waits_before_it_holds_up_readers_of_the_log(
    connection: Any, postgres: str, tending: Partitions
) -> None:
    """VACUUM or ANALYZE of the whole table may take minutes."""
    numbers = """SELECT backend_xid::text FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    vacuum = await asyncpg.connect(postgres)
    for table in ("attempts", "events"):
        await vacuum.execute(f"BEGIN; LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
        making = asyncio.create_task(tending.start())
        async with asyncio.timeout(30):
            while not (waiting := await connection.fetch(numbers)):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        assert [row[0] for row in waiting] == [None], table
        await vacuum.execute("ROLLBACK")
        await making
        for partition in await partitions(connection, "events"):
            await connection.execute(f"DROP TABLE {partition.name}")
    await vacuum.close()


def _another(url: str, clock: ManualClock) -> Partitions:
    """Which looks now, and gives up what waits for a lock."""
    return Partitions(lambda: connect(url, hot=False), clock)


async def test_a_database_that_was_restored_into_a_younger_cluster_goes_on(
    postgres_server: Postgres, connection: Any, store: SqlStore, clock: ManualClock
) -> None:
    """A dump keeps positions, and a new cluster counts transactions from the beginning."""
    await submit(store, message())
    (old,) = await positions(store)
    ahead = (1 << 40) << EVENT_BITS
    async with fresh_database(postgres_server.url, postgres_server.template) as url:
        restored = await asyncpg.connect(url)
        await restored.execute(f"CREATE TABLE events_0 PARTITION OF events FOR VALUES FROM (0) TO ({2 * ahead})")
        await restored.execute(
            "INSERT INTO events (position, account_id, test, subject_id, seq, type, data, callback, created_at) "
            "VALUES ($1, 'AC', 0, 'SM', 1, 'message.queued', '{}', 0, 1)",
            ahead + old,
        )
        again = SqlStore(PostgresExecutor(url, clock=clock))
        await again.start()
        await again.write(top_up(ACCOUNT, CREDIT))
        await submit(again, message())
        found = await positions(again)
        await again.stop()
        await restored.close()
    assert found[0] == ahead + old
    assert found[1] > found[0]


async def test_who_followed_events_that_are_gone_hears_of_new_ones_in_a_younger_cluster(
    connection: Any, postgres: str, clock: ManualClock
) -> None:
    """Nothing had happened for longer than events are kept, when it was dumped."""
    stands = (1 << 41) << EVENT_BITS
    await connection.execute("INSERT INTO cursors (name, position) VALUES ('callbacks', $1)", stands)
    restored = SqlStore(PostgresExecutor(postgres, clock=clock))
    await restored.start()
    await restored.write(top_up(ACCOUNT, CREDIT))
    sent = message()
    await submit(restored, sent)
    assert [event.subject_id for event in await restored.events_after(stands, 10)] == [sent.id]
    await restored.stop()


async def test_a_cursor_that_is_a_time_is_no_sign_of_a_restore(
    connection: Any, postgres: str, clock: ManualClock
) -> None:
    await connection.execute("INSERT INTO cursors (name, position) VALUES ('receipt_deadline', $1)", NOW)
    await Partitions(lambda: connect(postgres, hot=False), clock).start()
    assert await connection.fetchval("SELECT event_base()") == 0
