"""How a connection to SQLite is set up, and which SQLite may be used at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from whimbrel.store.errors import StoreError

OLDEST = (3, 51, 3)  # 3.7.0 to 3.51.2 can corrupt a WAL database that several connections write or checkpoint
PAGE_SIZE = 8192
WRITER_CACHE_KIB = 64 * 1024
READER_CACHE_KIB = 8 * 1024  # of each reader: they share the kernel's cache, and memory stays flat under load
BUSY_TIMEOUT_MS = 5000
STATEMENTS_CACHED = 512  # more than `sql/` holds

_PROFILE = {
    "temp_store": "MEMORY",
    "mmap_size": 0,
    "foreign_keys": "ON",
    "trusted_schema": "OFF",
}


def check_library(version: str = apsw.sqlite_lib_version()) -> None:
    """StoreError when this SQLite is too old to be trusted with WAL."""
    if tuple(int(part) for part in version.split(".")) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise StoreError(
            f"SQLite {version} can corrupt a database in WAL mode; at least {needed} is needed: install a newer `apsw`."
        )


def tune_library() -> None:
    """Stop SQLite from counting its memory, which takes a lock at each allocation and a tenth of the store's time. For
    the whole process, so before its first connection, by whoever owns the process; with one open it does nothing."""
    if not apsw.connections():
        apsw.shutdown()
        apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
        apsw.initialize()


def open_writer(path: str) -> apsw.Connection:
    """The one connection that writes. Its owner checkpoints; no other connection does, nor SQLite by itself."""
    make_private(path)
    with _named(path):
        connection = _open(path, apsw.SQLITE_OPEN_READWRITE, WRITER_CACHE_KIB)
        connection.pragma("page_size", PAGE_SIZE)  # holds from the first table on
        mode = connection.pragma("journal_mode", "wal")
        if mode != "wal":
            connection.close()
            raise StoreError(f"{path} cannot be put into WAL mode (it says {mode}): is it on a network file system?")
        connection.pragma("synchronous", "FULL")
        connection.wal_autocheckpoint(0)
        return connection


def open_reader(path: str) -> apsw.Connection:
    """A connection that cannot write."""
    with _named(path):
        return _open(path, apsw.SQLITE_OPEN_READONLY, READER_CACHE_KIB)


def _open(path: str, flags: int, cache_kib: int) -> apsw.Connection:
    check_library()
    connection = apsw.Connection(path, flags=flags, statementcachesize=STATEMENTS_CACHED)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    for name, value in _PROFILE.items():
        connection.pragma(name, value)
    connection.pragma("cache_size", -cache_kib)
    return connection


def make_private(path: str) -> None:
    """An empty file, unless there is one, that nobody else may read: it will hold numbers and texts of people. The
    log beside a database gets the database's mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}") from error


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Errors of SQLite do not say which file they are about."""
    try:
        yield
    except apsw.Error as error:
        raise StoreError(f"{path} cannot be used: {error}") from error
