"""The executor for PostgreSQL: a few connections that write, a few that read, all in the event loop.

Each kind of verb has a writer of its own, so that what must keep its order keeps it (a carrier's answers before the
receipts that follow them), and a long list of one kind holds up no other: codes do not wait behind a purge, and a
node's sign of life behind nothing.
"""

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import asyncpg

from whimbrel.base.clock import Chance, Clock, DatabaseClock, SystemChance, SystemClock
from whimbrel.store.errors import StoreError
from whimbrel.store.migrations import Dialect
from whimbrel.store.postgresql.connect import POOLER, connect, shown
from whimbrel.store.postgresql.jobs import Job, Jobs
from whimbrel.store.postgresql.partitions import Partitions
from whimbrel.store.postgresql.pooling import check_own_server
from whimbrel.store.postgresql.reader import Reader
from whimbrel.store.postgresql.runner import Types
from whimbrel.store.postgresql.schema import check_usable
from whimbrel.store.postgresql.signals import PostgresSignals
from whimbrel.store.postgresql.statements import Statement, for_postgresql
from whimbrel.store.postgresql.time import TimeKeeper
from whimbrel.store.postgresql.trouble import Trouble, ignore_trouble
from whimbrel.store.postgresql.writer import Writer
from whimbrel.store.script import P, Script, T
from whimbrel.store.signals import Signals
from whimbrel.store.values import Submission
from whimbrel.store.verbs.ahead import lock_ahead

LINES: Final = {
    "accept": "accept",
    "claim": "course",
    "finish": "course",
    "record_answers": "course",
    "record_receipts": "course",
    "record_inbound": "course",
    "enqueue": "course",
    "join": "nodes",
    "beat": "nodes",
    "leave": "nodes",
    "take": "nodes",
    "release": "nodes",
}
"""Which writer runs which verb; the others are run by `rest`."""
REST: Final = "rest"

_log = logging.getLogger("whimbrel.store")


def ignore_commit(scripts: int) -> None:
    """For those who do not count commits."""


class PostgresExecutor:
    """`url`: the database, and `read_url` a replica for long reads (the same database when it is empty).
    `on_commit(scripts)` is called after each commit, and `on_trouble` when something went wrong; a `DatabaseClock` is
    kept on this database's time."""

    dialect: Dialect = "postgresql"

    def __init__(
        self,
        url: str,
        *,
        read_url: str = "",
        readers: int = 2,
        on_commit: Callable[[int], None] = ignore_commit,
        on_trouble: Callable[[Trouble], None] = ignore_trouble,
        clock: Clock | None = None,
        chance: Chance | None = None,
    ) -> None:
        self._url = url
        listen = functools.partial(connect, url, hot=False)
        self.signals: Signals = PostgresSignals(listen, chance or SystemChance())
        clock = clock or SystemClock()
        self._statements: dict[str, Statement] = {}  # known when the schema is
        statements, types = self._statements, Types()
        hot = functools.partial(connect, url, hot=True)
        self._time = TimeKeeper(listen, clock, self.signals) if isinstance(clock, DatabaseClock) else None
        self._partitions = Partitions(listen, clock)
        self._writers = {
            line: Writer(
                line,
                hot,
                statements=statements,
                types=types,
                on_commit=on_commit,
                on_trouble=on_trouble,
                clock=clock,
                make_room=self._partitions.make,
                order=_first_account if line == LINES["accept"] else None,
                ahead=None if line == LINES["beat"] else lock_ahead,
            )
            for line in {*LINES.values(), REST}
        }
        self._reads, self._reports = Jobs(), Jobs()
        cold = functools.partial(connect, read_url or url, hot=False, read_only=True)
        reader = functools.partial(Reader, statements=statements, types=types, clock=clock, on_trouble=on_trouble)
        self._reporter = reader(self._reports, cold)
        self._has_replica = read_url != ""
        self._readers = [reader(self._reads, hot) for _ in range(readers)]

    async def start(self) -> None:
        """SchemaError or StoreError, with what to do, when the database cannot be used."""
        self._statements |= for_postgresql((await check_usable(self._url)).names)
        try:
            await check_own_server(functools.partial(connect, self._url, hot=False), f"{shown(self._url)} {POOLER}")
            if self._time is not None:
                await self._time.start()
            await self._partitions.start()
            for writer in self._writers.values():
                await writer.start()
            for reader in self._readers:
                await reader.start()
            await self._start_reporter()
        except BaseException as error:
            await self.stop()
            if isinstance(error, OSError):
                raise StoreError(f"{shown(self._url)} cannot be reached: {error}") from error
            if isinstance(error, asyncpg.PostgresError):
                raise StoreError(f"{shown(self._url)} cannot be used: {error}") from error
            raise

    async def _start_reporter(self) -> None:
        """A replica that is away keeps no node from its work: lists fail until it is back."""
        try:
            await self._reporter.start()
        except StoreError as error:
            if not self._has_replica:
                raise
            _log.warning("the replica cannot be read: lists fail until it can", extra={"error": str(error)})
            self._reporter.begin()

    async def stop(self) -> None:
        """Finish what was handed in, then close all connections."""
        if self._time is not None:
            await self._time.stop()
        self._reads.close()
        self._reports.close()
        await asyncio.gather(*(reader.join() for reader in (*self._readers, self._reporter)))
        await asyncio.gather(*(writer.stop() for writer in self._writers.values()))

    def write(self, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        line = LINES.get(_name(verb), REST)
        return self._writers[line].jobs.submit(verb, args, kwargs)

    def read(self, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        return self._reads.submit(verb, args, kwargs)

    def report(
        self, account_id: str | None, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        return self._reports.submit(verb, args, kwargs, account_id)

    def hanging_s(self) -> float:
        """A commit that changes nothing does not wait for a standby or a disk, so it says nothing of those that do."""
        return max([writer.committing_s() for writer in self._writers.values()])

    async def tend(self, before_us: Mapping[str, int]) -> Mapping[str, int]:
        await self._partitions.tend(before_us)
        return self._partitions.left(before_us)

    async def backup(self, path: str) -> None:
        """PostgreSQL has its own tools for that."""
        raise StoreError(f"use pg_basebackup or pg_dump for {shown(self._url)}: see docs/production.md")


def _first_account(job: Job) -> str:
    """Accept holds the balances of one request after the other: all nodes in the same order."""
    submissions: Sequence[Submission] = job.args[0]
    return next((message.account_id for each in submissions for message in each.messages), "")


def _name(verb: Callable[..., Any]) -> str:
    return getattr(verb, "__name__", "")
