"""Partitions of attempts (a day each, or some days) and of events (ranges of positions, the same): made ahead, and
dropped whole when all that is in them is older than its retention. The longer rows are kept, the wider they are: a
statement that cannot know where its rows are looks into, and locks, all of them, so there are some thirty and not
hundreds.

Nobody is locked out. A partition is made beside its table and attached to it; it is detached concurrently, and dropped
when nobody reads it any more. Hence there is no default partition, which would forbid both. In its place:

- partitions are made when a node starts and every minute, so far ahead that nobody has to hurry;
- a writer that meets a row without a partition (the clock jumped, transaction numbers did) has it made, and runs its
  transaction again.

How fast transactions are numbered is seen from when the newest range of events was made, which stands in its comment.
"""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import msgspec

from whimbrel.base.clock import Clock
from whimbrel.base.limits import RECEIPT_DEADLINE_S, VALIDITY_MAX_S
from whimbrel.domain.positions import DAY_US, NUMBER_BITS

DAYS_AHEAD: Final = 2
KEPT_AT_ONCE: Final = 32  # partitions of a table within its retention
WIDE: Final = 13  # days, until the retention is known: right for the 400 days that messages are kept unless set
RANGE_MIN: Final = 1 << 22  # transactions: minutes of the fastest server, a day of a quiet one
RANGE_MAX: Final = 1 << 31
TEND_EVERY_US: Final = 60_000_000
EVENT_BITS: Final = 20  # of a position: the number of an event in its transaction
_LOCK: Final = 0x776D_7061  # key of the advisory lock of whoever makes or drops partitions
_UNDER_WAY_US: Final = (VALIDITY_MAX_S + RECEIPT_DEADLINE_S) * 1_000_000 + DAY_US
"""A message may still move so long after its first attempt: its attempts stay."""
_CLOSE_S: Final = 5.0
_LOCK_WAIT_MS: Final = 500
"""For who drops partitions. It waits for those who look at one, such as pg_dump for hours, with a transaction number of
its own, and that is how long readers of the log wait for it. The next minute is as good."""
_LATE_US: Final = 3_600_000_000  # transactions commit within minutes of the times that they write
_STORAGE: Final = {
    "attempts": "autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1, "
    "autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_insert_threshold = 20000, "
    "autovacuum_analyze_threshold = 20000",
    "events": "autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_threshold = 20000, "
    "autovacuum_vacuum_insert_threshold = 20000, autovacuum_analyze_threshold = 20000",
}
"""Attempts are written twice more, by the answer and by the receipt, in columns that have indexes; events never. Nobody
looks at a partition while it is small: where there are few rows every index is as good, and the plan that is made then
is kept while it fills. Of one that was never looked at the server assumes some pages, and takes the index that fits."""
_BOUNDS: Final = re.compile(r"FROM \('(-?\d+)'\) TO \('(-?\d+)'\)")
_EXISTING: Final = """SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds,
    obj_description(c.oid, 'pg_class') AS made, i.inhdetachpending AS is_leaving
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass"""
_NEWEST: Final = """SELECT GREATEST((SELECT MAX(position) FROM events), (SELECT MAX(cursor) FROM webhooks),
    (SELECT MAX(position) FROM cursors WHERE name <> 'receipt_deadline'))"""  # that one is a time
_LOOKED_AT: Final = """SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent IN ('attempts'::regclass, 'events'::regclass) AND c.reltuples = 0
    AND pg_relation_size(c.oid) = 0"""
_DETACHED: Final = """SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND NOT c.relispartition
    AND c.relname ~ '^(attempts|events)_\\d+$' AND obj_description(c.oid, 'pg_class') ~ '^\\d+ \\d+$'
    AND pg_table_is_visible(c.oid)"""

log = logging.getLogger("whimbrel.store")


class Partition(msgspec.Struct, frozen=True):
    """A range of positions, `below` not included. `made`: when it was made (microseconds), and the number that the next
    transaction had then."""

    name: str
    start: int
    below: int
    made: tuple[int, int]
    is_leaving: bool = False


class Partitions:
    """`open_` makes a connection for statements that may take a while. `wide`: days in a partition of attempts, until
    `tend` knows how long they are kept."""

    def __init__(self, open_: Callable[[], Awaitable[Any]], clock: Clock, *, wide: int = WIDE) -> None:
        self._open = open_
        self._clock = clock
        self._wide = {"attempts": wide, "events": 1}
        self._tended_us: int | None = None

    async def start(self) -> None:
        """What this moment needs, before anything is written."""
        async with self._opened() as connection, _alone(connection):
            await _rebase(connection)
            await self._make_ahead(connection)

    async def make(self) -> None:
        """What this moment needs, and was not there."""
        async with self._opened() as connection, _alone(connection):
            await self._make_ahead(connection)

    async def tend(self, before_us: Mapping[str, int]) -> None:
        """Make what will be needed and drop what is older than its retention, at most every minute. What cannot be
        done now is done the next time."""
        now = self._clock.now_us()
        if self._tended_us is not None and 0 <= now - self._tended_us < TEND_EVERY_US:
            return
        self._tended_us = now
        for table, kind in (("attempts", "messages"), ("events", "events")):
            if kind in before_us:
                self._wide[table] = -(-(now - before_us[kind]) // (DAY_US * KEPT_AT_ONCE))
        try:
            await self.make()
            async with self._opened() as connection:
                await _drop_old(connection, before_us, now)
                await _forget_looks(connection)
        except (asyncpg.PostgresError, OSError) as error:
            log.warning("partitions could not be tended; trying again", extra={"error": str(error)})

    def left(self, before_us: Mapping[str, int]) -> Mapping[str, int]:
        """What does not go with its partition: messages, and events of a quiet server, where it takes months until
        there were so many transactions as a partition has room for."""
        left = {"bare_messages" if kind == "messages" else kind: before for kind, before in before_us.items()}
        if "events" in left:
            left["events"] -= (self._wide["events"] + 1) * DAY_US
        return left

    async def _make_ahead(self, connection: Any) -> None:
        made = (self._clock.now_us(), await next_transaction(connection))
        today = made[0] // DAY_US
        days = range(max(today - 1, 0), today + DAYS_AHEAD + 1)  # yesterday's: a commit may take a moment
        missing = missing_days(await partitions(connection, "attempts"), days, self._wide["attempts"], made)
        ranges = await partitions(connection, "events")
        following = next_range(ranges[-1] if ranges else None, made, self._wide["events"])
        new = {"attempts": missing, "events": [following] if following is not None else []}
        for table in filter(new.get, new):  # now: once this transaction has a number, readers of the log wait for it
            await connection.execute(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
        for table, wanted in new.items():
            for each in wanted:
                await make_partition(connection, table, each)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Any]:
        connection = await self._open()
        try:
            yield connection
        finally:
            await connection.close(timeout=_CLOSE_S)


@asynccontextmanager
async def _alone(connection: Any) -> AsyncIterator[None]:
    """A transaction in which no other node makes or drops partitions."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        yield


async def partitions(connection: Any, table: str) -> list[Partition]:
    """Those of a table, by position."""
    found = []
    for name, bounds, made, is_leaving in await connection.fetch(_EXISTING, table):
        match = _BOUNDS.search(bounds)
        if match is not None:
            at_us, transaction = (made or "0 0").split()
            found.append(Partition(name, int(match[1]), int(match[2]), (int(at_us), int(transaction)), is_leaving))
    return sorted(found, key=lambda partition: partition.start)


def missing_days(known: Sequence[Partition], days: Iterable[int], wide: int, made: tuple[int, int]) -> list[Partition]:
    """Partitions of attempts, so many days wide where there is room, so that each of these days has one."""
    found: list[Partition] = []
    for day in sorted(days):
        start = day << NUMBER_BITS
        if any(each.start <= start < each.below for each in (*known, *found)):
            continue
        below = min((each.start for each in known if each.start > start), default=(day + wide) << NUMBER_BITS)
        found.append(Partition(f"attempts_{day}", start, min(below, (day + wide) << NUMBER_BITS), made))
    return found


def next_range(newest: Partition | None, now: tuple[int, int], wide: int = 1) -> Partition | None:
    """The range of events to be made `now` (time, and number of the next transaction): when less is left than so many
    days are likely to need, judged by how many transactions there were since the newest was made."""
    at_us, transaction = now
    if newest is None:
        return Partition("events_0", 0, (transaction + RANGE_MIN) << EVENT_BITS, now)
    took_us = max(at_us - newest.made[0], TEND_EVERY_US)
    size = max(RANGE_MIN, min(RANGE_MAX, wide * (transaction - newest.made[1]) * DAY_US // took_us))
    start = newest.below >> EVENT_BITS
    if start - transaction >= size:
        return None
    below = (max(start, transaction) + size) << EVENT_BITS
    return Partition(f"events_{start}", newest.below, below, now)


async def next_transaction(connection: Any) -> int:
    """The number that the next transaction gets, less the base."""
    return int(await connection.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint - event_base()"))


async def make_partition(connection: Any, table: str, new: Partition) -> None:
    await connection.execute(
        f"CREATE TABLE {new.name} (LIKE {table} INCLUDING DEFAULTS) WITH ({_STORAGE[table]});"
        f"COMMENT ON TABLE {new.name} IS '{new.made[0]} {new.made[1]}';"
        f"ALTER TABLE {table} ATTACH PARTITION {new.name} FOR VALUES FROM ({new.start}) TO ({new.below})"
    )


async def _rebase(connection: Any) -> None:
    """A database that was restored from a dump may be in a cluster that counts fewer transactions than its events do:
    their numbers then go on where the events ended. Those of a quiet time may all be gone, but who followed them still
    stands there, and would wait for what comes after."""
    newest = await connection.fetchval(_NEWEST)
    if newest is None:
        return
    ahead = (newest >> EVENT_BITS) - await next_transaction(connection)
    if ahead >= 0:
        base = await lower_base(connection, ahead + 1)
        log.warning("this server counts fewer transactions than the events do: it was restored", extra={"base": base})


async def lower_base(connection: Any, count: int) -> int:
    """From here on transactions are numbered by so many more; gives the new base."""
    base = int(await connection.fetchval("SELECT event_base()")) - count
    await connection.execute(
        f"CREATE OR REPLACE FUNCTION event_base() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE "
        f"AS 'SELECT ({base})::bigint'"
    )
    return base


async def _drop_old(connection: Any, before_us: Mapping[str, int], now_us: int) -> None:
    """Detach and drop what is older than its retention, and what an earlier look left over."""
    await connection.execute(f"SET lock_timeout = {_LOCK_WAIT_MS}")
    for table in ("attempts", "events"):
        for old in await partitions(connection, table):
            if old.is_leaving:
                await connection.execute(f"ALTER TABLE {table} DETACH PARTITION {old.name} FINALIZE")
    if "messages" in before_us:
        first_day = min(before_us["messages"], now_us - _UNDER_WAY_US) // DAY_US
        for old in await partitions(connection, "attempts"):
            if old.below <= first_day << NUMBER_BITS:
                await connection.execute(f"ALTER TABLE attempts DETACH PARTITION {old.name} CONCURRENTLY")
    if "events" in before_us:
        for old in await partitions(connection, "events"):
            if not await _is_past(connection, old, before_us["events"]):
                break
            await connection.execute(f"ALTER TABLE events DETACH PARTITION {old.name} CONCURRENTLY")
    for row in await connection.fetch(_DETACHED):
        await connection.execute(f"DROP TABLE {row['relname']}")


async def _forget_looks(connection: Any) -> None:
    """A partition that somebody (ANALYZE without a table) looked at while it was empty looks again as if nobody had."""
    for row in await connection.fetch(_LOOKED_AT):
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '200ms'; LOCK TABLE {row['relname']}")
            if not await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {row['relname']})"):
                await connection.execute(f"TRUNCATE {row['relname']}")


async def _is_past(connection: Any, old: Partition, before_us: int) -> bool:
    """Whether no event will be added to a range, and all that it has are older than `before_us`."""
    if await connection.fetchval("SELECT event_horizon()") < old.below:
        return False
    newest = await connection.fetchval(f"SELECT created_at FROM {old.name} ORDER BY position DESC LIMIT 1")
    return newest is None or newest < before_us - _LATE_US
