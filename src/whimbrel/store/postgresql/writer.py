"""A writer: one connection that commits in groups.

Theory of operation. Scripts gather while a commit is under way. The writer takes all of them, runs them in one
transaction and commits once; only then are their futures resolved. A small commit is followed by a short rest in which
the next one grows, because a transaction has a price of its own beside that of its rows; a script that comes after a
quiet moment meets no rest. Several writers work beside each other, each for verbs of one kind (`executor.py`), so verbs
of one kind keep their order and a long list of one kind holds up no other.

What goes wrong:

- a deadlock with another node, a serialization failure, or a script that was overtaken by another node: the group runs
  again (scripts can be run again);
- a row has no partition (the clock jumped, or transaction numbers did): it is made, and the group runs again;
- a script's own error: the transaction is rolled back and each script runs in a transaction of its own;
- the connection is lost before the commit was sent: nothing was stored, so the group runs again on a new connection,
  as long as one can be had within PATIENCE_S; then it fails, and so does all that waits behind it;
- the connection is lost during the commit: the server is asked on a new connection what became of the transaction.
  When another server has been promoted meanwhile, nobody can say: CommitUnknown. Nor when the server has crashed and
  says of the transaction's number that it was committed: it may have given the number to somebody else since;
- the commit does not end within PATIENCE_S, because the server waits for a synchronous standby that is away, or hangs:
  CommitUnknown for the group, and what comes meanwhile is refused at once, with nothing stored. The commit itself is
  waited for on its connection: to cancel it would have the server call it done without the standby. Only when another
  server turns out to have been promoted is the connection given up;
- the server cannot store anything (disk full), or somebody locks what all want to write: the whole group fails;
- a statement takes longer than it may: each script runs in a transaction of its own, and the one that does so then
  fails without being at fault: who handed it in may do so again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import asyncpg
import msgspec

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.store.errors import CommitFailed, CommitUnknown, StoreError
from whimbrel.store.postgresql.connect import AGAIN, ANY_ERROR, STORAGE, history, is_gone
from whimbrel.store.postgresql.jobs import Job, Jobs
from whimbrel.store.postgresql.runner import Runner, Types
from whimbrel.store.postgresql.statements import Statement
from whimbrel.store.postgresql.trouble import Trouble, ignore_trouble
from whimbrel.store.script import Script
from whimbrel.store.verbs.ahead import Call

GROUP_MAX: Final = 256  # scripts in one commit: each may hold a list of hundreds of rows
COMMIT_EVERY_US: Final = 5_000  # under load no more often
REST_MAX_SHARE: Final = 2  # of the time that the last commit took
TRIES_MAX: Final = 8  # of a group that met deadlocks
PATIENCE_S: Final = 10.0  # for a connection, or for the end of a commit: a failover takes about as long
RETRY_S: Final = 0.2
LOOK_S: Final = 2.0  # while a commit hangs: whether its server is still the one that takes writes

FOR_EVER_S: Final = 1e9
ONCE_MORE: Final = (asyncpg.UniqueViolationError, asyncpg.CharacterNotInRepertoireError)
"""What a script alone meets once: another node made the same row a moment ago, which the script sees now; a text has
NUL, which PostgreSQL cannot hold, and which is replaced then."""

_log = logging.getLogger("whimbrel.store")


async def make_nothing() -> None:
    """For those who have no partitions."""


class Session(msgspec.Struct, frozen=True):
    """A connection that writes, which history it writes to, and since when the server has not crashed."""

    runner: Runner
    timeline: str
    since: str


class Writer:
    """Owns one connection from `start` to `stop`. `open_` makes one; `on_commit(scripts)` is called after each, and
    `on_trouble` when something went wrong. Scripts of a group run in the `order` given, for those who lock rows one by
    one and may meet other nodes; `ahead` locks before the first of them what all of them want in one order."""

    def __init__(
        self,
        name: str,
        open_: Callable[[], Awaitable[Any]],
        *,
        statements: Mapping[str, Statement],
        types: Types,
        on_commit: Callable[[int], None],
        clock: Clock,
        make_room: Callable[[], Awaitable[None]] = make_nothing,
        order: Callable[[Job], str] | None = None,
        ahead: Callable[[Sequence[Call]], Script[None]] | None = None,
        on_trouble: Callable[[Trouble], None] = ignore_trouble,
    ) -> None:
        self.jobs = Jobs()
        self._name = name
        self._open = open_
        self._statements = statements
        self._types = types
        self._on_commit = on_commit
        self._clock = clock
        self._make_room = make_room
        self._order = order
        self._ahead = ahead
        self._on_trouble = on_trouble
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._look: asyncio.Task[None] | None = None  # while a commit hangs
        self._committing_us: int | None = None  # when the commit that is under way began
        self._over = asyncio.Event()  # of the commit that hangs

    async def start(self) -> None:
        """Connect, and work. Raises what the connection raises."""
        await self._connect()
        self._task = asyncio.get_running_loop().create_task(self._work(), name=f"store-{self._name}")

    async def stop(self) -> None:
        """Finish what waits, then close."""
        self.jobs.close()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        await self._close()

    def committing_s(self) -> float:
        """For how long the commit that is under way has not ended; 0 where none is."""
        began_us = self._committing_us
        return 0.0 if began_us is None else (self._clock.monotonic_us() - began_us) / SECOND_US

    async def _work(self) -> None:
        while jobs := await self.jobs.take(GROUP_MAX):
            began_us = self._clock.monotonic_us()
            if self._order is not None:
                jobs.sort(key=self._order)
            try:
                await self._group(jobs)
            except Exception as error:  # nobody may wait for ever, whatever happened
                _log.exception("a group failed", extra={"writer": self._name})
                _fail(jobs, CommitFailed(f"nothing was stored: {error}"))
            rest_us = _rest_us(self._clock.monotonic_us() - began_us)
            del jobs
            if rest_us and len(self.jobs):
                await asyncio.sleep(rest_us / SECOND_US)

    async def _group(self, jobs: list[Job]) -> None:
        """Run a group to its end, whatever it meets."""
        deadline_us = self._clock.monotonic_us() + int(PATIENCE_S * SECOND_US)
        tries, has_nul = 0, False
        while True:
            try:
                results = await self._together(jobs, has_nul)
            except (*AGAIN, _Lost) as error:
                tries += isinstance(error, AGAIN)
                if tries >= TRIES_MAX or self._clock.monotonic_us() > deadline_us:
                    return self._failed(jobs, CommitFailed(f"nothing was stored: {error}"))
                continue
            except asyncpg.CheckViolationError as error:  # there are no checks but those of partitions
                tries += 1
                if tries >= TRIES_MAX:
                    return self._failed(jobs, CommitFailed(f"nothing was stored: {error}"))
                await self._make_room()
                continue
            except (CommitUnknown, CommitFailed) as error:
                return self._failed(jobs, error)
            except Exception as error:
                if len(jobs) > 1:
                    return await self._one_by_one(jobs)
                if tries or not isinstance(error, ONCE_MORE):
                    return self._refused(jobs[0], error)
                tries, has_nul = 1, isinstance(error, asyncpg.CharacterNotInRepertoireError)
                continue
            for job, result in zip(jobs, results, strict=True):
                job.answer(result)
            return self._on_commit(len(jobs))

    async def _one_by_one(self, jobs: list[Job]) -> None:
        for job in jobs:
            await self._group([job])

    def _refused(self, job: Job, error: Exception) -> None:
        """A script cannot be run, alone as it was: because of what it is, or because it took too long."""
        if isinstance(error, asyncpg.QueryCanceledError):
            return self._failed([job], CommitFailed(f"nothing was stored: {error}"))
        return job.fail(error)

    def _failed(self, jobs: list[Job], error: CommitFailed | CommitUnknown) -> None:
        _log.error("commit failed", extra={"writer": self._name, "scripts": len(jobs), "error": str(error)})
        self._on_trouble("commit_unknown" if isinstance(error, CommitUnknown) else "commit_failed")
        _fail(jobs, error)

    async def _together(self, jobs: list[Job], has_nul: bool) -> list[Any]:
        """Run and commit once. _Lost: the connection went, and nothing was stored."""
        session = await self._connect()
        connection, run = session.runner.connection, session.runner.run
        try:
            await connection.execute("BEGIN")
            xid = await connection.fetchval("SELECT pg_current_xact_id()::text")
            session.runner.begin(has_nul=has_nul)
            if self._ahead is not None:
                await run(self._ahead([(job.verb, job.args) for job in jobs]))
            results = [await run(job.script()) for job in jobs]
            await session.runner.settle()
        except BaseException as error:
            await self._roll_back(connection, error)
            raise
        impatience = asyncio.get_running_loop().call_later(PATIENCE_S, self._hangs, session, jobs)
        self._committing_us = self._clock.monotonic_us()
        try:
            await self._commit(session, xid)
        finally:
            self._committing_us = None
            impatience.cancel()
            self._hangs_no_more()
        return results

    async def _roll_back(self, connection: Any, error: BaseException) -> None:
        """Leave the connection as it was; raises _Lost or CommitFailed where the error means more than a script."""
        if is_gone(connection, error):
            self._on_trouble("connection_lost")
            await self._close()
            raise _Lost(str(error)) from error
        try:
            await connection.execute("ROLLBACK")
        except Exception as trouble:
            await self._close()
            raise _Lost(str(trouble)) from trouble
        if isinstance(error, STORAGE):
            raise CommitFailed(f"nothing was stored: {error}") from error

    async def _commit(self, session: Session, xid: str) -> None:
        connection = session.runner.connection
        try:
            await connection.execute("COMMIT", timeout=FOR_EVER_S)
            return
        except BaseException as error:
            if not is_gone(connection, error):
                await self._roll_back(connection, error)
                raise
            self._on_trouble("connection_lost")
            _log.warning("the connection was lost during a commit", extra={"writer": self._name, "error": str(error)})
        await self._close()
        if not await self._has_committed(session, xid):
            raise _Lost("the connection was lost during the commit, which did not take place")

    async def _has_committed(self, lost: Session, xid: str) -> bool:
        """What became of a transaction whose connection was lost during its commit."""
        while True:
            session = await self._connect(CommitUnknown)
            if session.timeline != lost.timeline:
                raise CommitUnknown("the server was replaced during the commit: it may or may not have been stored")
            try:
                status = await session.runner.connection.fetchval("SELECT pg_xact_status($1::text::xid8)", xid)
            except asyncpg.InvalidParameterValueError:  # it has crashed, and given out no such number since
                return False
            except Exception as error:
                if not is_gone(session.runner.connection, error):
                    raise CommitUnknown(f"the server does not say what became of a commit: {error}") from error
                await self._close()
                continue
            if session.since != lost.since:
                if status == "committed":
                    raise CommitUnknown("the server crashed during the commit: it may or may not have been stored")
                return False
            if status != "in progress":
                return bool(status == "committed")
            await asyncio.sleep(RETRY_S)

    def _hangs(self, session: Session, jobs: list[Job]) -> None:
        """The commit of a group has not ended for long: nobody waits for it any longer."""
        words = "the server does not end the commit: it may or may not have been stored"
        self._failed(jobs, CommitUnknown(words, self._over))
        self.jobs.refuse(CommitFailed("nothing was stored: the server does not end an earlier commit"))
        self._look = asyncio.get_running_loop().create_task(self._until_replaced(session))

    def _hangs_no_more(self) -> None:
        self.jobs.refuse(None)
        if self._look is not None:
            self._look.cancel()
            self._look = None
            self._over.set()
            self._over = asyncio.Event()

    async def _until_replaced(self, session: Session) -> None:
        """Give up a connection whose server is no longer the one that takes writes."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                found = await self._new()
            except (*ANY_ERROR, StoreError):
                continue
            found.runner.connection.terminate()
            if found.timeline != session.timeline:
                _log.warning("another server was promoted while a commit hung", extra={"writer": self._name})
                session.runner.connection.terminate()
                return

    async def _connect(self, failure: type[StoreError] = CommitFailed) -> Session:
        """The connection, or a new one: `failure` when none can be had in time."""
        if self._session is not None and not self._session.runner.connection.is_closed():
            return self._session
        deadline_us = self._clock.monotonic_us() + int(PATIENCE_S * SECOND_US)
        while True:
            try:
                self._session = await self._new()
                return self._session
            except ANY_ERROR as error:
                if self._task is None or self._clock.monotonic_us() > deadline_us:
                    self.jobs.drop(CommitFailed(f"nothing was stored: the database cannot be reached: {error}"))
                    raise failure(f"the database cannot be reached: {error}") from error
                await asyncio.sleep(RETRY_S)

    async def _new(self) -> Session:
        connection = await self._open()
        try:
            return Session(Runner(connection, self._statements, self._types), *await history(connection))
        except BaseException:
            connection.terminate()
            raise

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.runner.connection.terminate()


class _Lost(Exception):
    """The connection was lost, and nothing was stored."""


def _rest_us(took_us: int) -> int:
    """How long the next commit is left to grow after one that took so long, in microseconds."""
    return max(0, min(COMMIT_EVERY_US - took_us, REST_MAX_SHARE * took_us))


def _fail(jobs: list[Job], error: StoreError) -> None:
    for job in jobs:
        job.fail(error)
