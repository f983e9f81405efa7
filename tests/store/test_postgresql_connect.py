"""Which host of a URL is connected to, what is said of those that are not, and how connections end: real servers."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from whimbrel.base.clock import DatabaseClock, SystemClock
from whimbrel.store.errors import StoreError
from whimbrel.store.postgresql import connect as module
from whimbrel.store.postgresql import schema
from whimbrel.store.postgresql import time as times
from whimbrel.store.postgresql.connect import connect, each_host, shown
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.postgresql.partitions import Partitions
from whimbrel.store.postgresql.time import TimeKeeper
from whimbrel.store.signals import LocalSignals


@pytest.fixture
def silent() -> Iterator[str]:
    """The host and port of what takes connections and says nothing, as a machine that hangs does."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
async def standby(empty_postgres: str) -> AsyncIterator[str]:
    """A database that takes no writes."""
    eye = await asyncpg.connect(empty_postgres)
    name = await eye.fetchval("SELECT current_database()")
    await eye.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await eye.close()
    yield empty_postgres


def beside(url: str, *others: str) -> str:
    """The same URL with further hosts before its own."""
    user, _, host = (parts := urlsplit(url)).netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}@{','.join((*others, host))}"))


def only_this_is_given_up(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Soon; the others may be slow."""
    open_ = module._open

    async def opened(url: str, options: Any, timeout_s: float) -> Any:
        return await open_(url, options, timeout_s if silent in url else 60.0)

    monkeypatch.setattr(module, "HOST_S", 0.2)
    monkeypatch.setattr(module, "_open", opened)


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_host_that_says_nothing_is_passed_over(
    empty_postgres: str, silent: str, read_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A primary whose machine hangs keeps nobody from the one that was promoted."""
    only_this_is_given_up(silent, monkeypatch)
    connection = await connect(beside(empty_postgres, silent), hot=True, read_only=read_only)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


async def test_when_none_of_several_hosts_will_do_each_is_told_of(
    standby: str, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_this_is_given_up(silent, monkeypatch)
    with pytest.raises(OSError, match=f"{silent}: no answer; 127.0.0.1:.*: it takes no writes now"):
        await connect(beside(standby, silent), hot=True)


async def test_the_command_line_is_told_in_words(standby: str) -> None:
    with pytest.raises(StoreError, match="cannot be reached: it takes no writes now"):
        await schema.status(standby)


async def test_a_server_that_has_no_connection_left_is_one_that_cannot_be_reached(empty_postgres: str) -> None:
    eye = await asyncpg.connect(empty_postgres)
    name = await eye.fetchval("SELECT current_database()")
    await eye.execute(f"CREATE ROLE full_of_{name} LOGIN CONNECTION LIMIT 0")
    try:
        with pytest.raises(StoreError, match="cannot be reached: too many connections"):
            await schema.status(empty_postgres.replace("whimbrel@", f"full_of_{name}@"))
    finally:
        await eye.execute(f"DROP ROLE full_of_{name}")
        await eye.close()


async def test_a_clock_is_kept_again_after_a_failover(
    postgres: str, standby: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While no server took writes it could not be asked for its time; it is asked again afterwards."""
    monkeypatch.setattr(times, "_EVERY_S", 0.02)
    urls = [postgres]
    asked: list[str] = []

    async def open_() -> Any:
        asked.append(urls[-1])
        return await connect(urls[-1], hot=False)

    keeper = TimeKeeper(open_, DatabaseClock(SystemClock()), LocalSignals())
    await keeper.start()
    for url in (standby, postgres):
        urls.append(url)
        asked.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30):
                while asked.count(url) < 2:  # noqa: ASYNC110 - it is only counted
                    await asyncio.sleep(0.01)
        assert asked.count(url) >= 2
    await keeper.stop()


async def test_a_role_that_may_make_no_tables_is_told_of_in_words(empty_postgres: str) -> None:
    """Partitions are made all the time."""
    eye = await asyncpg.connect(empty_postgres)
    name = f"owner_of_{await eye.fetchval('SELECT current_database()')}"
    await eye.execute(f"CREATE ROLE {name} LOGIN; GRANT CREATE ON SCHEMA public TO {name}")
    url = empty_postgres.replace("whimbrel@", f"{name}@")
    try:
        await schema.apply(url, SystemClock())
        await eye.execute(f"REVOKE CREATE ON SCHEMA public FROM {name}")
        with pytest.raises(StoreError, match="cannot be used: permission denied"):
            await PostgresExecutor(url).start()
    finally:
        await eye.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
        await eye.close()


class Noted:
    """A connection that notes how long its end may take."""

    def __init__(self, connection: Any, patience: list[Any]) -> None:
        self._connection = connection
        self._patience = patience

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def close(self, **options: Any) -> None:
        self._patience.append(options.get("timeout"))
        await self._connection.close(**options)


async def test_the_end_of_a_connection_to_a_server_that_hangs_is_not_waited_for(postgres: str) -> None:
    """Whoever misses a partition waits for its making, and what comes behind waits with it."""
    patience: list[Any] = []

    async def open_() -> Any:
        return Noted(await connect(postgres, hot=False), patience)

    await Partitions(open_, SystemClock()).make()
    assert patience == [5.0]


def test_a_url_for_each_host() -> None:
    assert each_host("postgresql://u:p@one:1,[::1]:2/db?x=y") == [
        "postgresql://u:p@one:1/db?x=y",
        "postgresql://u:p@[::1]:2/db?x=y",
    ]
    for alone in ("postgresql:///db?host=/run", "postgresql://u@one/db"):
        assert each_host(alone) == [alone]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://u:p@one/db", "postgresql://u:***@one/db"),
        ("postgresql://u:p@w@one:1,[::1]:2/db?x=y", "postgresql://u:***@one:1,[::1]:2/db?x=y"),
        ("postgresql://u@one/db", "postgresql://u@one/db"),
        ("postgresql:///db?host=/run", "postgresql:///db?host=/run"),
        ("sqlite:///whimbrel.db", "sqlite:///whimbrel.db"),
    ],
)
def test_no_password_is_told(url: str, told: str) -> None:
    assert shown(url) == told
