"""The executor for SQLite: owns the file, its writer thread and its reader threads."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping

import apsw

from whimbrel.base.clock import Clock, SystemClock
from whimbrel.store.errors import StoreError
from whimbrel.store.migrations import Dialect
from whimbrel.store.script import P, Script, T
from whimbrel.store.signals import LocalSignals, Signals
from whimbrel.store.sqlite.connect import make_private, open_reader, open_writer
from whimbrel.store.sqlite.jobs import Jobs
from whimbrel.store.sqlite.lock import OwnerLock
from whimbrel.store.sqlite.reader import Reader
from whimbrel.store.sqlite.runner import Runner
from whimbrel.store.sqlite.schema import check_usable
from whimbrel.store.sqlite.writer import Writer
from whimbrel.store.statements import for_sqlite

CHECKED_MAX = 2 * 1024**3  # octets; a check reads 0.7 GB a second when they are in memory

log = logging.getLogger(__name__)


def ignore_commit(scripts: int) -> None:
    """For those who do not count commits."""


class SqliteExecutor:
    """`path`: the database file. `on_commit(scripts)` is called on the writer's thread after each commit; `clock` times
    them. `check`: whether the file is looked through at the start, which may take seconds."""

    dialect: Dialect = "sqlite"

    def __init__(
        self,
        path: str,
        *,
        readers: int = 1,
        on_commit: Callable[[int], None] = ignore_commit,
        clock: Clock | None = None,
        check: bool = True,
    ) -> None:
        self._path = path
        self._check = check
        self._clock = clock or SystemClock()
        self._lock = OwnerLock(path)
        self._readers_wanted = readers
        self._on_commit = on_commit
        self._connections: list[apsw.Connection] = []
        self._readers: list[Reader] = []
        self._reads = Jobs()
        self._writer: Writer | None = None
        self.signals: Signals = LocalSignals()

    async def start(self) -> None:
        """StoreBusy, SchemaError or StoreError, with what to do, when the file cannot be used."""
        await asyncio.to_thread(self._open)
        loop = asyncio.get_running_loop()
        assert self._writer is not None
        self._writer.start(loop)
        for reader in self._readers:
            reader.start(loop)

    async def stop(self) -> None:
        """Finish what was handed in, then give the file free."""
        await asyncio.to_thread(self._close)

    def write(self, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        assert self._writer is not None, "start() comes first"
        return self._writer.jobs.submit(verb, args, kwargs)

    def read(self, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        return self._reads.submit(verb, args, kwargs)

    def report(
        self, account_id: str | None, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        return self._reads.submit(verb, args, kwargs)

    def hanging_s(self) -> float:
        """Nothing: who writes next hangs behind it."""
        return 0.0

    async def tend(self, before_us: Mapping[str, int]) -> Mapping[str, int]:
        """All of it is deleted row by row."""
        return before_us

    async def backup(self, path: str) -> None:
        """A compact copy by VACUUM INTO, on a connection of its own: it reads a snapshot and holds up no write."""
        await asyncio.to_thread(self._backup, path)

    def _open(self) -> None:
        self._lock.take()
        try:
            writing = self._keep(open_writer(self._path))
            if self._check:
                check_intact(writing, self._path)
            statements = for_sqlite(check_usable(writing).names)
            self._writer = Writer(Runner(writing, statements), self._on_commit, self._clock)
            self._readers = [
                Reader(Runner(self._keep(open_reader(self._path)), statements), self._reads)
                for _ in range(self._readers_wanted)
            ]
        except BaseException:
            self._release()
            raise

    def _keep(self, connection: apsw.Connection) -> apsw.Connection:
        self._connections.append(connection)
        return connection

    def _close(self) -> None:
        self._reads.close()
        for reader in self._readers:
            reader.join()
        if self._writer is not None:
            self._writer.stop()
        self._release()

    def _release(self) -> None:
        while self._connections:
            self._connections.pop().close()  # the writer's last: it checkpoints and removes the log
        self._lock.drop()

    def _backup(self, path: str) -> None:
        make_private(path)
        connection = open_reader(self._path)
        try:
            connection.execute("VACUUM INTO ?", (path,))
        except apsw.Error as error:
            raise StoreError(f"backup to {path} failed: {error}") from error
        finally:
            connection.close()


def check_intact(connection: apsw.Connection, path: str) -> None:
    """StoreError when the file's structure is damaged (the cheap check: it reads pages, not indexes against tables). A
    large file is not read at the start: the time until it is ready again counts more."""
    size = os.path.getsize(path)
    if size > CHECKED_MAX:
        log.warning("the database is large and was not checked", extra={"size": size})
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchall()
    if found != [("ok",)]:
        raise StoreError(f"{path} is damaged ({found}); restore a backup.")
