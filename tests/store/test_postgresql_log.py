"""The event log on PostgreSQL: nobody who follows it passes a row that may still commit, however commits interleave."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
from store_samples import ACCOUNT, CREDIT, INDEXED, NOW, events, many, message, positions, submit, top_up

from whimbrel.base.clock import ManualClock
from whimbrel.domain.events import Interest, types_of
from whimbrel.journey.follower import stretch
from whimbrel.store.interface import Search
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.store import SqlStore

ALL = Interest(None, False, types_of(("*",)))
OWN = Interest(ACCOUNT, False, types_of(("*",)))
Connect = Callable[[], Any]


@pytest.fixture
async def store(postgres: str) -> AsyncIterator[SqlStore]:
    opened = SqlStore(PostgresExecutor(postgres, clock=ManualClock(NOW)))
    await opened.start()
    await opened.write(top_up(ACCOUNT, CREDIT))
    yield opened
    await opened.stop()


@pytest.fixture
async def slow(store: SqlStore, postgres: str) -> AsyncIterator[Any]:
    """A node whose transaction has begun to write, with one event, and does not end."""
    connection = await asyncpg.connect(postgres)
    await connection.execute("BEGIN")
    await append(connection, "SMslow", 1)
    yield connection
    await connection.close()


async def append(connection: Any, subject: str, *numbers: int) -> None:
    await connection.executemany(
        "INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at) "
        "VALUES ($1, 0, $2, $3, 'message.queued', '{}', 1, $4)",
        [(ACCOUNT, subject, number, NOW) for number in numbers],
    )


async def subjects(store: SqlStore) -> list[str]:
    return [event.subject_id for event in await store.events_after(0, 1000)]


async def test_what_committed_first_is_not_read_before_what_began_first(store: SqlStore, slow: Any) -> None:
    sent = message()
    await submit(store, sent)
    assert await subjects(store) == []
    assert await store.last_position() == 0
    await slow.execute("COMMIT")
    assert await subjects(store) == ["SMslow", sent.id]
    assert await store.last_position() == (await positions(store))[-1]


async def test_no_read_of_the_log_passes_it(store: SqlStore, slow: Any) -> None:
    """Each of them gives a place from which its follower goes on."""
    await submit(store, message(flags=1))
    news = await store.news(0, 100, [ALL])
    assert (news.events, news.position, news.more) == ([], 0, False)
    assert (await store.news(0, 100, [ALL], callbacks_only=True)).position == 0
    assert (await store.account_events(OWN, 0, 100)).reached == 0
    assert await store.events_after(0, 100, callbacks_only=True) == []
    assert (await stretch(store, 0, 100)).count == 0
    assert await store.fetch(tuple, "events_received_after", 0, 100) == []
    await slow.execute("ROLLBACK")
    assert (await store.news(0, 100, [ALL])).position == await store.last_position() > 0


async def test_followers_that_read_all_the_time_miss_nothing(store: SqlStore, postgres: str) -> None:
    """Four nodes write, each in its own time; two followers read meanwhile, in small lists."""
    writers, each = 4, 30
    done = asyncio.Event()

    async def write(name: int) -> None:
        connection = await asyncpg.connect(postgres)
        for number in range(1, each + 1):
            async with connection.transaction():
                await append(connection, f"SM{name}", 2 * number - 1)
                await connection.fetchval("SELECT pg_sleep($1)", (name * number % 5) / 1000)
                await append(connection, f"SM{name}", 2 * number)
        await connection.close()

    async def follow(limit: int) -> list[tuple[str, int]]:
        seen: list[tuple[str, int]] = []
        position = 0
        while True:
            is_over = done.is_set()
            found = await store.events_after(position, limit)
            seen += [(event.subject_id, event.seq) for event in found]
            position = found[-1].position if found else position
            if is_over and not found:
                return seen

    followers = [asyncio.create_task(follow(limit)) for limit in (3, 100)]
    await asyncio.gather(*map(write, range(writers)))
    done.set()
    expected = {(f"SM{name}", number) for name in range(writers) for number in range(1, 2 * each + 1)}
    for seen in [await follower for follower in followers]:
        assert len(seen) == len(expected)
        assert set(seen) == expected
        for name in range(writers):
            numbers = [number for subject, number in seen if subject == f"SM{name}"]
            assert numbers == sorted(numbers), "the events of a subject keep their order"


async def test_the_order_within_a_transaction_is_that_of_its_statements(store: SqlStore, slow: Any) -> None:
    await append(slow, "SMslow", 2, 3)
    await slow.execute("SAVEPOINT here")
    await append(slow, "SMslow", 99)
    await slow.execute("ROLLBACK TO SAVEPOINT here")
    await append(slow, "SMslow", 4)
    await slow.execute("COMMIT")
    assert [event.seq for event in await store.events_after(0, 10)] == [1, 2, 3, 4]
    first, *_, last = await positions(store)
    assert last - first == 3


async def test_another_transaction_of_the_same_connection_begins_anew(store: SqlStore, slow: Any) -> None:
    await slow.execute("COMMIT")
    await append(slow, "SMslow", 2)
    first, second = await positions(store)
    assert first >> 20 < second >> 20
    assert (first & 0xFFFFF, second & 0xFFFFF) == (0, 0)


async def test_many_events_are_passed_over_by_their_number_and_not_by_their_positions(store: SqlStore) -> None:
    for _ in range(3):
        await submit(store, *many(5))
    log = await positions(store)
    found = await stretch(store, 0, 7)
    assert (found.count, found.end) == (7, log[6])
    found = await stretch(store, found.end, 100)
    assert (found.count, found.end) == (8, log[14])


async def test_numbers_are_found_by_what_follows_the_log(store: SqlStore) -> None:
    sent = message(recipient_hash=77)
    await submit(store, sent)
    await store.write([INDEXED])
    (found,) = await store.search(Search(ACCOUNT, False, number_hash=77), 10)
    assert found.id == sent.id
    assert len(await events(store, sent)) == 1
