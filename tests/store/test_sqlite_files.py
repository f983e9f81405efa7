"""The file: who may open it, which schema it must have, what a copy holds."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from store_samples import NOW, claim, lane, many, message, state, submit

from whimbrel.base.clock import ManualClock
from whimbrel.domain.model import Message
from whimbrel.store import migrations
from whimbrel.store.errors import SchemaError, StoreBusy, StoreError
from whimbrel.store.migrations import Applied, Migration, compare, load
from whimbrel.store.sqlite import connect, executor, schema
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.sqlite.lock import OwnerLock
from whimbrel.store.store import SqlStore

FIRST = Migration(1, "first", "CREATE TABLE a (x)", "c1")
SECOND = Migration(2, "second", "CREATE TABLE b (x)", "c2")
DONE_FIRST = Applied(1, "first", "c1", NOW)


@pytest.fixture
def of_dialect(database: str) -> SqliteExecutor:
    """`store` is this file only."""
    return SqliteExecutor(database)


# ---------------------------------------------------------------- who may open it


async def test_two_stores_cannot_own_one_file(store: SqlStore, database: str):
    with pytest.raises(StoreBusy, match=str(os.getpid())):
        await SqlStore(SqliteExecutor(database)).start()
    assert await submit(store, message())


def test_another_process_is_named_and_goes_with_its_lock(database: str):
    code = (
        "import sys, time; from whimbrel.store.sqlite.lock import OwnerLock;"
        f"OwnerLock({database!r}).take(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StoreBusy, match=f"process {other.pid}"):
            OwnerLock(database).take()
        other.kill()
        other.wait(60)
    with OwnerLock(database):
        pass


async def test_a_file_that_was_given_free_can_be_opened_again(database: str):
    for _ in range(2):
        opened = SqlStore(SqliteExecutor(database))
        await opened.start()
        await opened.ping()
        await opened.stop()


async def test_a_failed_start_gives_the_file_free(tmp_path: Path):
    path = str(tmp_path / "empty.db")
    with pytest.raises(SchemaError):
        await SqlStore(SqliteExecutor(path)).start()
    with OwnerLock(path):
        pass


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.7.0"])
def test_an_old_sqlite_is_refused(version: str):
    with pytest.raises(StoreError, match=version):
        connect.check_library(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.54.1", "4.0.0"])
def test_a_sound_sqlite_is_taken(version: str):
    connect.check_library(version)


async def test_a_folder_that_does_not_exist_is_a_clear_error(tmp_path: Path):
    with pytest.raises(StoreError, match="nowhere"):
        await SqlStore(SqliteExecutor(str(tmp_path / "nowhere" / "w.db"))).start()


@pytest.mark.parametrize(("first", "counted"), [("connect.tune_library()", 0), ("pass", 1), ("kept = open()", 1)])
def test_tuning_is_for_a_process_without_connections(database: str, first: str, counted: int):
    """In a process of its own: it holds for the whole of it."""
    code = (
        "import apsw; from whimbrel.store.sqlite import connect;"
        f"open = lambda: connect.open_reader({database!r}); {first}; connect.tune_library() if 'kept' in dir() else 0;"
        "last = open(); last.execute('SELECT * FROM messages').fetchall(); print(int(apsw.memory_used() > 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == f"{counted}\n"


def test_nobody_else_may_read_the_file(tmp_path: Path):
    path = tmp_path / "whimbrel.db"
    schema.apply(str(path), ManualClock())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_profile_of_a_connection(database: str):
    writer, reader = connect.open_writer(database), connect.open_reader(database)
    try:
        expected = {"journal_mode": "wal", "page_size": connect.PAGE_SIZE, "foreign_keys": 1, "mmap_size": 0}
        for connection in (writer, reader):
            assert {name: connection.pragma(name) for name in expected} == expected
        assert writer.pragma("synchronous") == 2
        assert writer.pragma("wal_autocheckpoint") == 0
        with pytest.raises(apsw.ReadOnlyError):
            reader.execute("DELETE FROM messages")
    finally:
        reader.close()
        writer.close()


async def test_a_damaged_file_is_refused(database: str):
    _damage(Path(database))
    with pytest.raises(StoreError, match="restore a backup"):
        await SqlStore(SqliteExecutor(database)).start()


async def test_a_large_file_is_not_read_at_the_start(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(executor, "CHECKED_MAX", 1000)
    _damage(Path(database))
    opened = SqlStore(SqliteExecutor(database))
    await opened.start()
    await opened.stop()
    assert "was not checked" in caplog.text


async def test_what_is_no_database_is_refused(tmp_path: Path):
    path = tmp_path / "text.db"
    path.write_text("this is a letter, and no database at all\n" * 100)
    with pytest.raises(StoreError, match=r"text\.db"):
        await SqlStore(SqliteExecutor(str(path))).start()


# ---------------------------------------------------------------- migrations


@pytest.mark.parametrize(
    ("applied", "pending", "problem"),
    [
        ([], [1, 2], ""),
        ([DONE_FIRST], [2], ""),
        ([DONE_FIRST, Applied(2, "second", "c2", NOW)], [], ""),
        ([Applied(1, "first", "other", NOW)], [2], "0001_first is not the one"),
        ([DONE_FIRST, Applied(3, "third", "c3", NOW, oldest=3)], [2], "0003_third, which this version does not know"),
    ],
)
def test_where_a_database_stands(applied: list[Applied], pending: list[int], problem: str):
    found = compare([FIRST, SECOND], applied)
    assert [migration.number for migration in found.pending] == pending
    assert problem in found.problem
    assert found.current is (not pending and not problem)


def test_applying_brings_a_new_file_up_to_date_once(tmp_path: Path):
    path, clock = str(tmp_path / "new.db"), ManualClock(NOW)
    assert not schema.status(path).current
    assert not os.path.exists(path)
    assert schema.apply(path, clock) == load("sqlite")
    found = schema.status(path)
    assert found.current
    assert [(row.checksum, row.applied_at) for row in found.applied] == [
        (item.checksum, NOW) for item in load("sqlite")
    ]
    assert schema.apply(path, clock) == ()


async def test_a_changed_migration_stops_the_start(database: str):
    _execute(database, "UPDATE schema_migrations SET checksum = 'other'")
    with pytest.raises(SchemaError, match="0001_first"):
        await SqlStore(SqliteExecutor(database)).start()
    with pytest.raises(SchemaError):
        schema.apply(database, ManualClock())


async def test_a_newer_database_stops_the_start(database: str):
    _execute(database, "INSERT INTO schema_migrations VALUES (9999, 'future', 'c', 1, 9999)")
    with pytest.raises(SchemaError, match="newer version"):
        await SqlStore(SqliteExecutor(database)).start()


async def test_a_database_that_lags_says_what_to_do(tmp_path: Path):
    with pytest.raises(SchemaError, match="whimbrel migrate apply"):
        await SqlStore(SqliteExecutor(str(tmp_path / "new.db"))).start()


def test_a_failing_migration_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = str(tmp_path / "new.db")
    broken = Migration(2, "broken", "CREATE TABLE b (x); CREATE TABLE b (x)", "c")
    monkeypatch.setattr(schema, "load", lambda _dialect: (FIRST, broken))
    with pytest.raises(SchemaError, match="0002_broken"):
        schema.apply(path, ManualClock())
    found = schema.status(path)
    assert [row.number for row in found.applied] == [1]
    assert _execute(path, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'b'") == [(0,)]


def test_migrating_waits_for_nobody_who_uses_the_file(database: str):
    with OwnerLock(database), pytest.raises(StoreBusy):
        schema.apply(database, ManualClock())


def test_the_words_for_a_migration():
    assert migrations.label(FIRST) == "0001_first"


# ---------------------------------------------------------------- copies


async def test_a_backup_holds_what_was_acknowledged(store: SqlStore, tmp_path: Path):
    sent = many(3)
    await submit(store, *sent)
    await claim(store, sent[0])
    copy = str(tmp_path / "copy.db")
    await store.backup(copy)
    await submit(store, message())
    assert stat.S_IMODE(os.stat(copy).st_mode) == 0o600
    opened = SqlStore(SqliteExecutor(copy))
    await opened.start()
    try:
        assert await state(opened, sent[0]) == "sending"
        assert await lane(opened) == [item.id for item in sent[1:]]
    finally:
        await opened.stop()


async def test_a_backup_does_not_overwrite(store: SqlStore, database: str):
    with pytest.raises(StoreError, match="backup"):
        await store.backup(database)


async def test_reads_and_writes_go_on_during_a_backup(store: SqlStore, tmp_path: Path):
    sent: list[Message] = many(3)
    copying = store.backup(str(tmp_path / "copy.db"))
    await submit(store, *sent)
    await copying
    assert len(await lane(store)) == 3


def _damage(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[3 * connect.PAGE_SIZE : 4 * connect.PAGE_SIZE] = b"\xff" * connect.PAGE_SIZE
    path.write_bytes(octets)


def _execute(path: str, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute(sql).fetchall()
    connection.close()
    return rows
