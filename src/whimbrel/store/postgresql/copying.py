"""The two ends of a copy in PostgreSQL: a database that is read, in one snapshot, and one that is filled by COPY.

Positions of events stay what they were. Those that the target gives out later are made of the numbers of its
transactions; so that these are above, its base is moved before the first row comes, unless it counts higher already.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import asyncpg
import msgspec

from whimbrel.base.clock import Clock
from whimbrel.domain.positions import NUMBER_BITS, day_floor
from whimbrel.store.copying.run import Done, Key, Origin, Row, Totals, noted, resumed
from whimbrel.store.copying.tables import TABLES, UNDER_WAY, Place, Table, highest_sql, page_sql, totals_sql
from whimbrel.store.errors import StoreBusy, StoreError
from whimbrel.store.migrations import require_usable
from whimbrel.store.postgresql import schema
from whimbrel.store.postgresql.connect import shown
from whimbrel.store.postgresql.partitions import (
    EVENT_BITS,
    WIDE,
    Partition,
    lower_base,
    make_partition,
    missing_days,
    next_transaction,
    partitions,
)

_COLUMNS: Final = """SELECT attname FROM pg_attribute
    WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
_DONE: Final = "INSERT INTO copying (name, done) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET done = excluded.done"
_IDENTITIES: Final = ("ledger", "parked_receipts", "delivery_tries")
_MOVED: Final = {
    "moved_event_numbers": "SELECT MAX(position) FROM events WHERE position < 0",
    "moved_owed_numbers": "SELECT MAX(position) FROM smpp_owed WHERE position BETWEEN 1 AND 524287999",
}
"""Of accounts that came from other cells."""
_EVENT_RANGES: Final = 16  # so that retention has parts to drop
_OLDER: Final = 1 << (NUMBER_BITS - 1)
"""Above it are the numbers of attempts that had no day, so that they are none of those of their day that have."""

Told = Callable[[str], None]


class PostgresEnd:
    """What both ends can do on a connection."""

    def __init__(self, url: str, connection: Any) -> None:
        self.name = shown(url)
        self._connection = connection

    async def columns(self, table: Table) -> tuple[str, ...]:
        with self._named():
            return tuple(row[0] for row in await self._connection.fetch(_COLUMNS, table.name))

    async def totals(self, table: Table, account_id: str | None) -> Totals:
        with self._named():
            params = () if account_id is None or not table.whose else (account_id,)
            groups = len(table.groups)
            rows = await self._connection.fetch(totals_sql(table, account_id), *params)
            return {
                tuple(map(str, row[:groups])): tuple(int(each or 0) for each in row[groups:])
                for row in rows
                if row[groups]
            }

    async def page(
        self, table: Table, columns: tuple[str, ...], after: Key | None, *, account_id: str | None, limit: int
    ) -> list[Row]:
        with self._named():
            account = () if account_id is None or not table.whose else (account_id,)
            sql = page_sql(table, columns, account_id, first=after is None)
            return [tuple(row) for row in await self._connection.fetch(sql, limit, *account, *(after or ()))]

    async def highest(self, places: Sequence[Place]) -> int:
        with self._named():
            found = [await self._connection.fetchval(highest_sql(place)) for place in places]
            return max((each for each in found if each is not None), default=0)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors of PostgreSQL do not say which server they are about."""
        try:
            yield
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            words = "what was copied stays, and the same copy goes on from there"
            raise StoreError(f"{self.name}: {error}; {words}.") from error


class PostgresSource(PostgresEnd):
    """A database that is read, in one snapshot."""

    def __init__(self, url: str, connection: Any) -> None:
        super().__init__(url, connection)
        self._url = url

    async def settled(self) -> None:
        await _check_free(self.name, await schema.running(self._url))
        with self._named():
            await self._connection.execute("COMMIT")


class PostgresTarget(PostgresEnd):
    """A database that is filled."""

    def __init__(self, url: str, connection: Any, clock: Clock) -> None:
        super().__init__(url, connection)
        self._clock = clock
        self._days: set[int] = set()

    async def begin(self, origin: Origin, highest: int) -> dict[str, Done]:
        with self._named():
            await self._connection.execute("SET synchronous_commit = off")  # what is lost is copied again
            if await self._connection.fetchval("SELECT to_regclass('copying')") is not None:
                return resumed(self.name, dict(await self._connection.fetch("SELECT name, done FROM copying")), origin)
            for table in TABLES:
                if await self._connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table.name})"):
                    raise StoreError(f"{self.name} has data of its own ({table.name}): name an empty database.")
            async with self._connection.transaction():
                await self._connection.execute("CREATE TABLE copying (name text PRIMARY KEY, done text NOT NULL)")
                await self._connection.execute(_DONE, "", noted(origin))
                await self._make_room(highest)
            return {}

    async def put(self, table: Table, columns: tuple[str, ...], rows: Sequence[Row], done: Done) -> None:
        with self._named():
            if table.name == "attempts":
                rows = _with_days(columns, rows)
                await self._make_days({row[columns.index("position")] >> NUMBER_BITS for row in rows})
            how_far = msgspec.json.encode(done).decode()
            try:
                await self._put(table, columns, rows, how_far)
            except (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError):
                await self._put(table, columns, [_without_nul(row) for row in rows], how_far)

    async def settle(self) -> None:
        """Numbers that sequences give out are above the copied ones."""
        with self._named():
            for sequence, taken in _MOVED.items():
                await self._connection.execute(
                    f"SELECT setval('{sequence}', last) FROM ({taken}) AS t (last) WHERE last <> 0"
                )
            for table in _IDENTITIES:
                await self._connection.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'position'), "
                    f"GREATEST((SELECT MAX(position) FROM {table}), 1))"
                )
            await self._connection.execute(
                f"SELECT setval('attempt_numbers', GREATEST(MAX(position & {_OLDER - 1}), 1)) FROM attempts "
                f"WHERE position & {_OLDER} = 0"
            )

    async def finish(self) -> None:
        with self._named():
            await _check_free(self.name, await schema.read_running(self._connection))
            await self._connection.execute("SET synchronous_commit = on")
            await self._connection.execute("ANALYZE")
            await self._connection.execute("DROP TABLE copying")

    async def _put(self, table: Table, columns: tuple[str, ...], rows: Sequence[Row], how_far: str) -> None:
        async with self._connection.transaction():
            if rows:
                await self._connection.copy_records_to_table(table.name, records=rows, columns=columns)
            await self._connection.execute(_DONE, table.name, how_far)

    async def _make_room(self, highest: int) -> None:
        """Ranges for all events up to this position. Those of a node that never stored an event are in the way."""
        for old in await partitions(self._connection, "events"):
            await self._connection.execute(f"DROP TABLE {old.name}")
        end = (highest >> EVENT_BITS) + 1
        ahead = end - await next_transaction(self._connection)
        if ahead >= 0:
            await lower_base(self._connection, ahead + 1)
        step = -(-end // _EVENT_RANGES)
        for start in range(0, end, step):
            below = min(start + step, end) << EVENT_BITS
            await self._make("events", start, start << EVENT_BITS, below)

    async def _make_days(self, days: set[int]) -> None:
        if days <= self._days:
            return
        made = self._clock.now_us(), await next_transaction(self._connection)
        for missing in missing_days(await partitions(self._connection, "attempts"), days, WIDE, made):
            await make_partition(self._connection, "attempts", missing)
        self._days |= days

    async def _make(self, table: str, number: int, start: int, below: int) -> None:
        made = self._clock.now_us(), await next_transaction(self._connection)
        await make_partition(self._connection, table, Partition(f"{table}_{number}", start, below, made))


@asynccontextmanager
async def source(url: str) -> AsyncIterator[PostgresSource]:
    """An installation that is read. StoreBusy while nodes run on it."""
    async with schema.opened(url) as connection:
        require_usable(await schema.read_status(connection))
        end = PostgresSource(url, connection)
        await _check_free(end.name, await schema.running(url))
        for table, still in UNDER_WAY.items():
            if await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE {still})"):
                raise StoreBusy(f"{end.name}: an account moves to or from another cell ({table}): wait until it has.")
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")  # ends with the connection
        yield end


@asynccontextmanager
async def target(url: str, clock: Clock, told: Told) -> AsyncIterator[PostgresTarget]:
    """A database that is filled, with the schema when it has none. StoreBusy while nodes run on it."""
    found = await schema.status(url)
    if not found.applied:
        await schema.apply(url, clock, told)
    elif not found.half_copied:
        require_usable(found)
    await _check_free(shown(url), await schema.running(url))
    async with schema.opened(url) as guard, schema.alone(guard, told), schema.opened(url) as connection:
        yield PostgresTarget(url, connection, clock)


async def _check_free(name: str, nodes: Sequence[str]) -> None:
    if nodes:
        raise StoreBusy(f"{name} is used by {', '.join(nodes)}: stop them first.")


def _with_days(columns: tuple[str, ...], rows: Sequence[Row]) -> Sequence[Row]:
    """Attempts of SQLite files that are older than numbers by day get theirs: retention drops by day."""
    position, committed_at = columns.index("position"), columns.index("committed_at")
    if all(row[position] >> NUMBER_BITS for row in rows):
        return rows
    return [
        row
        if row[position] >> NUMBER_BITS
        else (*row[:position], day_floor(row[committed_at]) + _OLDER + row[position], *row[position + 1 :])
        for row in rows
    ]


def _without_nul(row: Row) -> Row:
    """PostgreSQL's text cannot hold U+0000, which a phone can send."""
    return tuple(value.replace("\x00", "\ufffd") if isinstance(value, str) else value for value in row)
