"""A reader: one connection. A lost one is made again, and the read is repeated; so is one that a standby breaks off
because it hinders what comes from the primary.

What is read for one account is read by the role READER, which sees the rows of that account only, whatever the
statement says (row-level security, see the migrations).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import asyncpg

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.store.errors import StoreError
from whimbrel.store.postgresql.connect import AGAIN, ANY_ERROR, is_gone
from whimbrel.store.postgresql.jobs import Job, Jobs
from whimbrel.store.postgresql.runner import Runner, Types
from whimbrel.store.postgresql.statements import Statement
from whimbrel.store.postgresql.trouble import Trouble, ignore_trouble

READER: Final = "whimbrel_reader"
PATIENCE_S: Final = 5.0
RETRY_S: Final = 0.2
_NARROWED: Final = """SELECT set_config('whimbrel.account', $2, true),
  CASE WHEN pg_has_role(to_regrole($1), 'MEMBER') THEN set_config('role', $1, true) END"""
"""For the rest of the transaction. Where the role could not be made, or is not ours, the statements' own conditions
hold alone."""


class Reader:
    """Several readers may share one `Jobs`."""

    def __init__(
        self,
        jobs: Jobs,
        open_: Callable[[], Awaitable[Any]],
        *,
        statements: Mapping[str, Statement],
        types: Types,
        clock: Clock,
        on_trouble: Callable[[Trouble], None] = ignore_trouble,
    ) -> None:
        self._jobs = jobs
        self._open = open_
        self._statements = statements
        self._types = types
        self._clock = clock
        self._on_trouble = on_trouble
        self._runner: Runner | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, and work. Raises what the connection raises."""
        self._runner = await self._new()
        self.begin()

    def begin(self) -> None:
        """Work, and connect when there is something to read."""
        self._task = asyncio.get_running_loop().create_task(self._work(), name="store-reader")

    async def join(self) -> None:
        """Wait for the end of the jobs, after they were closed."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        self._drop()

    async def _work(self) -> None:
        while jobs := await self._jobs.take(1):
            await self._answer(jobs[0])

    async def _answer(self, job: Job) -> None:
        deadline_us = self._clock.monotonic_us() + int(PATIENCE_S * SECOND_US)
        while True:
            try:
                if self._runner is None:
                    self._runner = await self._new()
                return job.answer(await _read(self._runner, job))
            except Exception as error:
                is_lost = self._runner is None or is_gone(self._runner.connection, error)
                if is_lost:
                    self._lose()
                elif not isinstance(error, AGAIN):
                    return job.fail(_told(error))
                if self._clock.monotonic_us() > deadline_us:
                    return self._give_up(job, error, is_lost=is_lost)
                await asyncio.sleep(RETRY_S)

    def _lose(self) -> None:
        if self._runner is not None:
            self._on_trouble("connection_lost")
        self._drop()

    def _give_up(self, job: Job, error: Exception, *, is_lost: bool) -> None:
        """Those that wait would all wait as long, one after the other."""
        failure = StoreError(f"the database {'cannot be reached' if is_lost else 'gives no answer'}: {error}")
        job.fail(failure)
        if is_lost:
            self._jobs.drop(failure)

    async def _new(self) -> Runner:
        try:
            return Runner(await self._open(), self._statements, self._types)
        except ANY_ERROR as error:
            raise StoreError(f"the database cannot be reached: {error}") from error

    def _drop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.connection.terminate()


def _told(error: Exception) -> Exception:
    """A read that takes longer than it may is no fault of ours; whoever asked can ask for less."""
    is_slow = isinstance(error, (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError))
    return StoreError(f"the database did not answer in time: {error}") if is_slow else error


async def _read(runner: Runner, job: Job) -> Any:
    if job.account_id is None:
        return await runner.run(job.script())
    connection = runner.connection
    async with connection.transaction(readonly=True):
        await connection.fetchval(_NARROWED, READER, job.account_id)
        return await runner.run(job.script())
