"""The writer thread: groups, isolation, and what happens when a commit fails."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from whimbrel.base.clock import ManualClock
from whimbrel.store.errors import CommitFailed, StoreStopped
from whimbrel.store.script import One, Query, Rows, Script
from whimbrel.store.sqlite.connect import open_writer
from whimbrel.store.sqlite.runner import Runner
from whimbrel.store.sqlite.writer import CHECKPOINT_PAGES, Writer, rest_us
from whimbrel.store.statements import Statement

STATEMENTS = {
    name: Statement(name, sql, ())
    for name, sql in {
        "put": "INSERT INTO things (name, size) VALUES (?1, ?2)",
        "count": "SELECT COUNT(*) FROM things",
    }.items()
}


class Refused(Exception):
    """A script's own failure."""


class Rig:
    """A writer over one table, with a gate that holds its thread so that scripts gather."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = open_writer(str(path))
        self.connection.execute("CREATE TABLE things (name TEXT PRIMARY KEY, size BLOB)")
        self.commits: list[int] = []
        self.writer = Writer(Runner(self.connection, STATEMENTS), self.commits.append, ManualClock())
        self._gate = threading.Event()
        self._holding = threading.Event()

    def submit(self, verb, *args) -> asyncio.Future:
        return self.writer.jobs.submit(verb, args, {})

    async def gathered(self, *scripts) -> list[object]:
        """Run scripts, given as (verb, *args), in one group; results or exceptions."""
        first = self.submit(self._wait)
        assert await asyncio.to_thread(self._holding.wait, 60)
        futures = [self.submit(*script) for script in scripts]
        self._gate.set()
        await first
        results = await asyncio.gather(*futures, return_exceptions=True)
        del self.commits[0]  # the gate's own
        return list(results)

    def _wait(self) -> Script[None]:
        self._holding.set()
        assert self._gate.wait(60)
        yield from ()

    def names(self) -> list[str]:
        """What another connection sees: what is committed. Of the same library: when another one in this process closes
        the file, the system drops the locks of both."""
        with closing(apsw.Connection(str(self.path))) as other:
            return [row[0] for row in other.execute("SELECT name FROM things ORDER BY name")]


def put(name: str, size: int = 0) -> Script[int]:
    changed: int = yield One("put", (name, bytes(size)))
    return changed


def put_and_refuse(name: str) -> Script[None]:
    yield from put(name)
    raise Refused(name)


def count() -> Script[int]:
    rows: Rows = yield Query("count")
    found: int = rows[0][0]
    return found


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path / "things.db")
    made.writer.start(asyncio.get_running_loop())
    yield made
    await asyncio.to_thread(made.writer.stop)
    made.connection.close()


async def test_a_result_comes_back_after_its_commit(rig: Rig):
    assert await rig.submit(put, "a") == 1
    assert rig.names() == ["a"]


async def test_what_gathers_is_one_commit(rig: Rig):
    assert await rig.gathered((put, "a"), (put, "b"), (count,), (put, "c")) == [1, 1, 2, 1]
    assert rig.commits == [4]
    assert rig.names() == ["a", "b", "c"]


async def test_a_failing_script_is_undone_alone(rig: Rig):
    results = await rig.gathered((put, "a"), (put_and_refuse, "b"), (put, "c"), (put_and_refuse, "d"), (count,))
    assert [type(result) for result in results] == [int, Refused, int, Refused, int]
    assert results[-1] == 2
    assert rig.commits == [3]
    assert rig.names() == ["a", "c"]


async def test_a_broken_constraint_is_undone_alone(rig: Rig):
    results = await rig.gathered((put, "a"), (put, "a"), (put, "b"))
    assert [type(result) for result in results] == [int, apsw.ConstraintError, int]
    assert rig.names() == ["a", "b"]


async def test_a_lone_failing_script_is_undone(rig: Rig):
    with pytest.raises(Refused):
        await rig.submit(put_and_refuse, "a")
    assert rig.commits == []
    assert await rig.submit(count) == 0


async def test_an_unknown_statement_is_its_scripts_failure(rig: Rig):
    def unknown() -> Script[None]:
        yield Query("nobody_knows")

    results = await rig.gathered((unknown,), (put, "a"))
    assert isinstance(results[0], KeyError)
    assert rig.names() == ["a"]


async def test_a_failing_commit_fails_the_whole_group(rig: Rig):
    rig.connection.set_commit_hook(lambda: True)
    futures = [rig.submit(put, name) for name in "ab"]
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(result) for result in results] == [CommitFailed, CommitFailed]
    assert rig.names() == []
    rig.connection.set_commit_hook(None)
    assert await rig.submit(put, "a") == 1


async def test_a_full_disk_fails_the_whole_group_and_heals(rig: Rig):
    rig.connection.execute("PRAGMA max_page_count = 20")
    results = await rig.gathered((put, "a"), (put, "large", 1_000_000), (put, "b"))
    assert [type(result) for result in results] == [CommitFailed] * 3
    assert rig.names() == []
    assert await rig.submit(put, "a") == 1
    rig.connection.execute("PRAGMA max_page_count = 100000")
    assert await rig.submit(put, "large", 1_000_000) == 1
    assert rig.names() == ["a", "large"]


async def test_a_waiter_that_gave_up_does_no_harm(rig: Rig):
    future = rig.submit(put, "a")
    future.cancel()
    assert await rig.submit(put, "b") == 1
    assert rig.names() == ["a", "b"]


async def test_stopping_finishes_what_was_handed_in(rig: Rig):
    futures = [rig.submit(put, str(number)) for number in range(50)]
    await asyncio.to_thread(rig.writer.stop)
    assert await asyncio.gather(*futures) == [1] * 50
    with pytest.raises(StoreStopped):
        await rig.submit(put, "late")


async def test_the_log_is_copied_back_before_it_grows_large(rig: Rig):
    page = 8192
    for number in range(80):
        await rig.submit(put, str(number), page * CHECKPOINT_PAGES // 16)
    log = rig.path.with_name("things.db-wal")
    assert log.stat().st_size < 3 * page * CHECKPOINT_PAGES


async def test_a_reader_that_stays_does_not_stop_the_writer(rig: Rig):
    with closing(apsw.Connection(str(rig.path))) as other:
        other.execute("BEGIN")
        assert other.execute("SELECT COUNT(*) FROM things").get == 0
        for number in range(40):
            await rig.submit(put, str(number), 8192 * CHECKPOINT_PAGES // 16)
        assert other.execute("SELECT COUNT(*) FROM things").get == 0
    assert await rig.submit(count) == 40


@pytest.mark.parametrize(
    ("took_us", "rest"),
    [
        (0, 0),  # nothing to make up for
        (300, 600),
        (1_000, 2_000),
        (1_334, 2_666),  # here the two bounds meet
        (3_000, 1_000),
        (4_000, 0),
        (60_000, 0),  # a slow disk makes large groups by itself
    ],
)
def test_a_small_commit_is_followed_by_a_short_rest(took_us: int, rest: int):
    assert rest_us(took_us) == rest
