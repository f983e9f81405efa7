"""The database that settings name, whichever it is: where its schema stands, bringing that up to date, who uses it."""

import asyncio
from collections.abc import Callable
from typing import Any

from whimbrel.base.clock import SystemClock
from whimbrel.config import Settings
from whimbrel.store.migrations import Migration, SchemaStatus
from whimbrel.store.postgresql import schema as postgresql
from whimbrel.store.postgresql.connect import shown as without_password
from whimbrel.store.sqlite import schema as sqlite
from whimbrel.store.sqlite.connect import open_reader


def shown(settings: Settings) -> str:
    """Its name in messages."""
    return str(settings.database_path()) if settings.is_sqlite else without_password(settings.database)


def status(settings: Settings) -> SchemaStatus:
    """Where its schema stands; one that does not exist has nothing applied. StoreError when it cannot be reached."""
    if settings.is_sqlite:
        return sqlite.status(str(settings.database_path()))
    return asyncio.run(postgresql.status(settings.database))


def apply(settings: Settings, told: Callable[[str], None]) -> tuple[Migration, ...]:
    """Bring its schema up to date and give what was applied; `told` hears of waits. StoreBusy when the dialect cannot
    do it while nodes run."""
    if settings.is_sqlite:
        return sqlite.apply(str(settings.database_path()), SystemClock())
    return asyncio.run(postgresql.apply(settings.database, SystemClock(), told))


def running(settings: Settings) -> list[str]:
    """Nodes that use it now, by name and version. None are known of SQLite: a node has the file for itself."""
    return [] if settings.is_sqlite else asyncio.run(postgresql.running(settings.database))


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in a database that this version understands; nothing in another one."""
    if settings.is_sqlite:
        path = settings.database_path()
        if not path.exists() or not sqlite.status(str(path)).usable:
            return []
        connection = open_reader(str(path))
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()
    return asyncio.run(postgresql.rows(settings.database, query))
