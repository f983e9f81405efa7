"""From the settings to what runs scripts on the database. Apart from `app`, which has enough to build: the only place
that names the dialects' executors, beside `cells`.
"""

from collections.abc import Callable

from whimbrel.base.clock import Chance, Clock
from whimbrel.base.place import Place
from whimbrel.config import Settings
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.postgresql.trouble import Trouble
from whimbrel.store.script import Executor
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.sqlite.link import StoreLink
from whimbrel.store.sqlite.remote import RemoteExecutor
from whimbrel.store.sqlite.wire import session_of

READERS = 2  # one for the journey's short reads, one so that a long page never holds it up


def executor(
    settings: Settings,
    place: Place,
    *,
    clock: Clock,
    chance: Chance,
    on_commit: Callable[[int], None],
    on_thread: Callable[[int], None],
    on_trouble: Callable[[Trouble], None],
) -> Executor:
    """The executor of this process. It calls `on_commit(scripts)` after each commit; `on_thread` where that is in a
    thread of the writer's, and `on_trouble` when something went wrong with PostgreSQL."""
    if not settings.is_sqlite:
        url, read_url = settings.database, settings.database_read
        return PostgresExecutor(
            url,
            read_url=read_url,
            readers=READERS,
            on_commit=on_commit,
            on_trouble=on_trouble,
            clock=clock,
            chance=chance,
        )
    path = str(settings.database_path())
    if place.has_store:
        link = StoreLink(place.store_socket, session_of(place.run, place.number))
        return RemoteExecutor(path, link, readers=READERS)
    return SqliteExecutor(path, readers=READERS, on_commit=on_thread, clock=clock)
