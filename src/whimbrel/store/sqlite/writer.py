"""The writer: one thread, one connection, commits in groups.

Theory of operation. Scripts gather in a queue while a commit is under way. The thread takes all of them, runs them in
one transaction and commits once; only then are their futures resolved, all in one call. So a lone script waits for the
commit under way and its own, and a busy store makes fewer and larger commits.

A commit has a price of its own (pages, checksums, the sync) beside that of its rows, so a small one is followed by a
short rest in which the next one grows: see `rest_us`. A script that comes after a quiet moment meets no rest.

A script that fails must not harm the others. Savepoints cost, and failures are rare: the group first runs without; when
a script fails, the transaction is rolled back and the group runs again, each script in a savepoint of its own (scripts
can be run again: see `script.py`). When the commit itself fails (disk full, I/O error), the whole group fails and
nothing of it is stored.

Checkpoints are this thread's work too, after the futures are resolved: passive ones while readers come and go, and,
should the log have grown past all measure, one that waits a little for the readers.
"""

import asyncio
import logging
import threading
from collections.abc import Callable

import apsw

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.store.errors import CommitFailed
from whimbrel.store.sqlite.connect import BUSY_TIMEOUT_MS
from whimbrel.store.sqlite.jobs import Job, Jobs, answer
from whimbrel.store.sqlite.runner import Runner

GROUP_MAX = 256  # scripts in one commit: each may hold a list of hundreds of rows
COMMIT_EVERY_US = 4_000  # under load no more often: 20 messages a commit cost half as much again as 50
REST_MAX_SHARE = 2  # of the time that the last commit took: where commits are cheap, waiting must be too
CHECKPOINT_PAGES = 2_000  # 16 MiB: small enough to copy in milliseconds, large enough to be rare
TRUNCATE_PAGES = 32_000  # 256 MiB: readers have kept the log from starting anew; wait for them, but not for long
TRUNCATE_WAIT_MS = 200
STORAGE_ERRORS = (
    apsw.FullError,
    apsw.IOError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ReadOnlyError,
    apsw.NoMemError,
)
"""Not a script's fault: SQLite may have rolled back everything already, and the next script would meet the same."""

log = logging.getLogger(__name__)


def rest_us(took_us: int) -> int:
    """How long the next commit is left to grow after one that took so long, in microseconds."""
    return max(0, min(COMMIT_EVERY_US - took_us, REST_MAX_SHARE * took_us))


class Writer:
    """Owns the writing connection from `start` to `stop`."""

    def __init__(self, runner: Runner, on_commit: Callable[[int], None], clock: Clock) -> None:
        self.jobs = Jobs()
        self._clock = clock
        self._stopping = threading.Event()
        self._runner = runner
        self._connection = runner.connection
        self._on_commit = on_commit
        self._wal_pages = 0
        self._copied_at = 0
        self._connection.set_wal_hook(self._remember_pages)
        self._thread: threading.Thread | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._thread = threading.Thread(target=self._work, args=(loop,), name="store-writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, then end the thread. Blocks."""
        self.jobs.close()
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while jobs := self.jobs.take(GROUP_MAX):
            began_us = self._clock.monotonic_us()
            self._group(jobs)
            answer(loop, jobs)
            del jobs
            self._checkpoint()
            rest = rest_us(self._clock.monotonic_us() - began_us)
            if rest:
                self._stopping.wait(rest / SECOND_US)

    def _group(self, jobs: list[Job]) -> None:
        try:
            if not self._together(jobs) and len(jobs) > 1:
                self._apart(jobs)
        except Exception as error:
            self._fail(jobs, error)
        done = sum(job.error is None for job in jobs)
        if done:
            self._on_commit(done)

    def _together(self, jobs: list[Job]) -> bool:
        """Run and commit; False, with nothing changed and the error noted, when a script failed."""
        runner, execute = self._runner, self._connection.execute
        execute("BEGIN IMMEDIATE")
        for job in jobs:
            try:
                job.result = runner.run(job.script())
            except STORAGE_ERRORS:
                raise
            except Exception as error:
                self._roll_back()
                job.error = error
                return False
        execute("COMMIT")
        return True

    def _apart(self, jobs: list[Job]) -> None:
        """Run each in a savepoint and commit what succeeded."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for job in jobs:
            execute("SAVEPOINT script")
            job.error = None
            try:
                job.result = self._runner.run(job.script())
            except STORAGE_ERRORS:
                raise
            except Exception as error:
                job.error = error
                execute("ROLLBACK TO script")
            execute("RELEASE script")
        execute("COMMIT")

    def _fail(self, jobs: list[Job], error: Exception) -> None:
        self._roll_back()
        log.error("commit failed", extra={"scripts": len(jobs), "error": str(error)})
        failure = CommitFailed(f"nothing was stored: {error}")
        failure.__cause__ = error
        for job in jobs:
            job.error = failure

    def _roll_back(self) -> None:
        """One that fails leaves a transaction in which the next group cannot begin: it fails too, and tries this again.
        The thread goes on whatever happens, or everyone would wait for ever."""
        try:
            if not self._connection.get_autocommit():
                self._connection.execute("ROLLBACK")
        except apsw.Error as error:
            log.error("a transaction could not be rolled back", extra={"error": str(error)})

    def _remember_pages(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self) -> None:
        """Copy the log back after every so many new pages: a log that readers keep from starting anew goes on growing,
        and copying each commit by itself would cost a sync each time."""
        if self._wal_pages < self._copied_at:
            self._copied_at = 0  # it has started anew
        if self._wal_pages - self._copied_at < CHECKPOINT_PAGES:
            return
        self._copied_at = self._wal_pages
        try:
            if self._wal_pages < TRUNCATE_PAGES:
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            else:
                self._truncate()
        except apsw.Error as error:
            log.warning("checkpoint failed", extra={"error": str(error)})

    def _truncate(self) -> None:
        self._connection.set_busy_timeout(TRUNCATE_WAIT_MS)
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._wal_pages = self._copied_at = 0
        finally:
            self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
