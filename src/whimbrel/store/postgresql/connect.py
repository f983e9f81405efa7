"""How a connection to PostgreSQL is set up, and which servers may be used at all."""

import re
import socket
from typing import Any, Final

import asyncpg

from whimbrel.store.errors import Overtaken, StoreError

OLDEST: Final = 150_000  # Debian 12 has 15; later ones up to 18 are tested
CONNECT_S: Final = 5.0
HOST_S: Final = 2.0  # of several hosts, one that is silent for so long is passed over
COMMAND_S: Final = 25.0  # longer than the server's own limit for a statement: only one that hangs is given up by us
STATEMENTS_CACHED: Final = 1024  # more than `sql/` holds

_PROFILE: Final = {
    "application_name": "whimbrel",
    "statement_timeout": "20s",
    "idle_in_transaction_session_timeout": "4s",  # shorter than the term of a lease: a node that freezes holds none up
    "lock_timeout": "10s",
    "jit": "off",
    "timezone": "UTC",
    "default_transaction_isolation": "read committed",
    "extra_float_digits": "1",
}
"""What each connection is set to: nothing of ours may hold locks or a snapshot for long, whatever happens to a node."""

_HOT: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    "join_collapse_limit": "1",
    "cpu_tuple_cost": "1",
    "cpu_index_tuple_cost": "1",
    "random_page_cost": "0.1",
    "seq_page_cost": "0.1",
}
"""For the statements of the journey: each finds its rows by key, a list at a time, so a nested loop over an index is
right however large the tables have grown since they were last counted. A plan that is made while a table is empty is
kept, and must still be right when it holds millions; so tables are joined in the order in which they are written,
and a plan costs what rows it looks at, and not what pages these few rows may stand on."""

_CHECKED: Final = (
    "server_version_num",
    "statement_timeout",
    "plan_cache_mode",
    "server_encoding",
    "synchronous_commit",
)
_ASKED: Final = "SELECT name, current_setting(name, true) FROM unnest($1::text[]) AS name"
"""All at once: a node makes a dozen connections before it is ready, and again after each fail-over."""

POOLER: Final = (
    "does not take the settings of our connections, as a pooler such as PgBouncer does not: name PostgreSQL's own "
    "hosts and port, see docs/production.md#pgbouncer"
)
"""Prepared statements, time-outs and LISTEN belong to a connection; a pooler would hand us another one each time."""

_URL: Final = re.compile(r"(postgres(?:ql)?://)((?:[^/?#]*@)?)([^/?#]*)(.*)", re.DOTALL).fullmatch
"""Scheme, login, hosts and the rest. With several hosts it is no URL that urllib takes (RFC 3986 3.2 knows one), and
where one of them is an IPv6 address newer Pythons say so."""
_SIGNS_OF_LIFE: Final = {
    socket.TCP_KEEPIDLE: 4,
    socket.TCP_KEEPINTVL: 2,
    socket.TCP_KEEPCNT: 3,
    socket.TCP_USER_TIMEOUT: 10_000,
}
"""A dead machine is noticed within ten seconds: seconds, seconds, number, milliseconds."""

GONE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,  # it has become a standby
    asyncpg.IdleInTransactionSessionTimeoutError,
    OSError,
    TimeoutError,
)
"""The connection cannot be used any more, or its server cannot: make a new one. So does any other error that leaves the
connection closed: see `is_gone`."""

ANY_ERROR: Final = (*GONE, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""All that asyncpg raises, for those who go on whatever happened. InternalClientError is none of the others: it comes
when a connection is used at the moment in which its server ends it."""

AGAIN: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, Overtaken)
"""Nobody's fault: the same transaction succeeds when it runs again."""

STORAGE: Final = (
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.DataCorruptedError,
    asyncpg.LockNotAvailableError,
)
"""Not a script's fault: the next script would meet the same (disk full, out of memory, I/O error, somebody who keeps a
table or a row for himself)."""


def shown(url: str) -> str:
    """A database URL without its password, for messages and logs."""
    found = _URL(url)
    if found is None:
        return url
    scheme, login, hosts, rest = found.groups()
    user, colon, _ = login.rstrip("@").partition(":")
    return f"{scheme}{user}:***@{hosts}{rest}" if colon else url


async def connect(
    url: str, *, hot: bool, read_only: bool = False, timeout_s: float = CONNECT_S, command_s: float | None = COMMAND_S
) -> Any:
    """A connection that writes (or, with `read_only`, one that does not and may be to a standby). `hot`: for the
    statements of the journey. `command_s`: how long a statement may take at most; None: as long as the server allows.
    StoreError when the server is no PostgreSQL that can be used; what cannot be reached, or takes no writes, is one of
    GONE."""
    settings = _PROFILE | (_HOT if hot else {}) | ({"default_transaction_read_only": "on"} if read_only else {})
    options = {
        "command_timeout": command_s,
        "server_settings": settings,
        "target_session_attrs": "any" if read_only else "read-write",
    }
    connection = await _first(url, options, timeout_s)
    try:
        _keep_alive(connection)
        await _check(connection, url, hot=hot, read_only=read_only)
    except (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError) as error:
        connection.terminate()
        raise StoreError(f"{shown(url)} {POOLER}") from error
    except BaseException:
        connection.terminate()
        raise
    return connection


async def _first(url: str, options: dict[str, Any], timeout_s: float) -> Any:
    """A connection to the first of the hosts that answers in time and takes what it is for. asyncpg by itself waits for
    a silent one, such as a machine without power, until the time of all of them is over."""
    hosts = each_host(url)
    if len(hosts) == 1:
        return await _open(url, options, timeout_s)
    found: list[str] = []
    for host in hosts:
        try:
            return await _open(host, options, min(timeout_s, HOST_S))
        except GONE as error:
            found.append(f"{_place(host)}: {str(error) or 'no answer'}")
    raise ConnectionError("; ".join(found))


async def _open(url: str, options: dict[str, Any], timeout_s: float) -> Any:
    try:
        return await asyncpg.connect(
            url,
            timeout=timeout_s,
            statement_cache_size=STATEMENTS_CACHED,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            **options,
        )
    except asyncpg.TargetServerAttributeNotMatched as error:
        raise ConnectionError("it takes no writes now, as a standby does not") from error
    except asyncpg.TooManyConnectionsError as error:
        raise ConnectionError(str(error)) from error
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise StoreError(f"{shown(url)} refuses us: {error}") from error
    except asyncpg.ProtocolViolationError as error:
        if "startup parameter" not in str(error):
            raise
        raise StoreError(f"{shown(url)} {POOLER} ({error})") from error
    except (asyncpg.InvalidCatalogNameError, asyncpg.ClientConfigurationError, ValueError) as error:
        raise StoreError(f"{shown(url)} cannot be used: {error}") from error


def each_host(url: str) -> list[str]:
    """A database URL for each of its hosts, in order."""
    found = _URL(url)
    if found is None:
        return [url]
    scheme, login, hosts, rest = found.groups()
    return [f"{scheme}{login}{host}{rest}" for host in hosts.split(",")]


def _place(url: str) -> str:
    """Where a URL leads: its hosts."""
    found = _URL(url)
    return "" if found is None else str(found[3])


def _keep_alive(connection: Any) -> None:
    """A server whose machine is gone says nothing: the kernel would wait for it for a quarter of an hour, and asyncpg
    has no option for that."""
    found = connection._transport.get_extra_info("socket")
    if found.family == socket.AF_UNIX:
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _SIGNS_OF_LIFE.items():
        found.setsockopt(socket.IPPROTO_TCP, option, value)


async def _check(connection: Any, url: str, *, hot: bool, read_only: bool) -> None:
    found = dict(await connection.fetch(_ASKED, _CHECKED))
    version = int(found["server_version_num"])
    if version < OLDEST:
        raise StoreError(f"{shown(url)} is PostgreSQL {version // 10_000}: at least {OLDEST // 10_000} is needed.")
    for name in ("statement_timeout", "plan_cache_mode") if hot else ("statement_timeout",):
        if found[name] != (_PROFILE | _HOT)[name]:
            raise StoreError(f"{shown(url)} {POOLER}.")
    encoding = found["server_encoding"]
    if encoding != "UTF8":
        raise StoreError(f"{shown(url)} has the encoding {encoding}: create the database with ENCODING 'UTF8'.")
    if not read_only and found["synchronous_commit"] == "off":
        await connection.execute("SET synchronous_commit = on")  # what is acknowledged must be durable


def is_gone(connection: Any, error: BaseException) -> bool:
    """Whether an error means the connection and not what was asked of it. One that still waits for the answer to a
    request that was given up takes no other: asyncpg has words for that, and no error of its own."""
    return isinstance(error, GONE) or connection.is_closed() or "another operation" in str(error)


async def history(connection: Any) -> tuple[str, str]:
    """Which history the server writes: a standby that is promoted begins another one. And since when it has not
    crashed: that is when it loses its statistics, and with them the numbers of transactions of which nothing had
    reached the disk. It gives them out again."""
    timeline, since = await connection.fetchrow(
        "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), stats_reset::text FROM pg_stat_bgwriter"
    )
    return timeline, str(since)


def changed_rows(status: str) -> int:
    """The number of rows in a command's tag, such as `UPDATE 3` or `INSERT 0 3`; 0 when it has none."""
    match = re.search(r"(\d+)$", status)
    return int(match[1]) if match else 0
