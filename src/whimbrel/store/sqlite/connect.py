"""How a connection to SQLite is set up, and which SQLite may be used at all."""

import apsw

from whimbrel.store.errors import StoreError

OLDEST = (3, 51, 3)  # 3.7.0 to 3.51.2 can corrupt a WAL database that several connections write or checkpoint
PAGE_SIZE = 8192
CACHE_KIB = 64 * 1024
BUSY_TIMEOUT_MS = 5000
STATEMENTS_CACHED = 512  # more than `sql/` holds

_COMMON = f"""
PRAGMA temp_store = MEMORY;
PRAGMA mmap_size = 0;
PRAGMA cache_size = -{CACHE_KIB};
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
"""


def check_library(version: str = apsw.sqlite_lib_version()) -> None:
    """StoreError when this SQLite is too old to be trusted with WAL."""
    if tuple(int(part) for part in version.split(".")) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise StoreError(
            f"SQLite {version} can corrupt a database in WAL mode; at least {needed} is needed: install a newer `apsw`."
        )


def open_writer(path: str) -> apsw.Connection:
    """The one connection that writes. Its owner checkpoints; no other connection does, nor SQLite by itself."""
    check_library()
    connection = _open(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")  # holds from the first table on
    mode = connection.pragma("journal_mode", "wal")
    if mode != "wal":
        connection.close()
        raise StoreError(f"{path} cannot be put into WAL mode (it says {mode}): is it on a network file system?")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(_COMMON)
    connection.wal_autocheckpoint(0)
    return connection


def open_reader(path: str) -> apsw.Connection:
    """A connection that cannot write."""
    check_library()
    connection = _open(path, apsw.SQLITE_OPEN_READONLY)
    connection.execute(_COMMON)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _open(path: str, flags: int) -> apsw.Connection:
    try:
        connection = apsw.Connection(path, flags=flags, statementcachesize=STATEMENTS_CACHED)
    except apsw.CantOpenError as error:
        raise StoreError(f"{path} cannot be opened: {error}") from error
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return connection
