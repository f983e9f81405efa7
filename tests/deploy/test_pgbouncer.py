"""PgBouncer between us and PostgreSQL is told apart and refused, however it is set up: Debian's own, for real."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.cli.product import invoke
from tests.pg import as_user
from tests.ports import free_port
from whimbrel.store import reads
from whimbrel.store.errors import StoreError
from whimbrel.store.postgresql import connect as connect_module
from whimbrel.store.postgresql.connect import connect
from whimbrel.store.postgresql.executor import PostgresExecutor

pytestmark = pytest.mark.ci
SETTINGS = connect_module._PROFILE | connect_module._HOT
SET_BY_US = ",".join([*SETTINGS, "default_transaction_read_only"])


@contextmanager
def pgbouncer(database: str, **settings: str) -> Iterator[str]:
    """The URL of the same database through PgBouncer."""
    port = free_port()
    parts = urlsplit(database)
    folder = Path(tempfile.mkdtemp(prefix="whimbrel-pgbouncer-"))
    (folder / "users").write_text('"whimbrel" ""\n')
    lines = {"listen_addr": "127.0.0.1", "listen_port": port, "auth_type": "trust", "auth_file": folder / "users"}
    settings = {key: str(value) for key, value in lines.items()} | {"unix_socket_dir": ""} | settings
    ini = ["[databases]", f"* = host={parts.hostname} port={parts.port}", "[pgbouncer]"]
    (folder / "ini").write_text("\n".join([*ini, *(f"{name} = {value}" for name, value in settings.items())]))
    if os.geteuid() == 0:
        folder.chmod(0o755)
    process = subprocess.Popen(["/usr/sbin/pgbouncer", "-q", str(folder / "ini")], **as_user())
    try:
        yield parts._replace(netloc=f"whimbrel@127.0.0.1:{port}").geturl()
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder)


async def connection_through(url: str, within_s: float = 60) -> Any:
    """As soon as PgBouncer listens."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await connect(url, hot=True)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("mode", ["session", "transaction", "statement"])
@pytest.mark.parametrize("more", [{}, {"ignore_startup_parameters": SET_BY_US}], ids=["as it comes", "told to ignore"])
async def test_it_is_refused_in_words(postgres, mode, more):
    with pgbouncer(postgres, pool_mode=mode, **more) as url:
        with pytest.raises(StoreError, match=r"pooler such as PgBouncer.*production\.md#pgbouncer") as refused:
            await connection_through(url)
        assert (refused.value.__cause__ is None) == bool(more), "by what it says, or by what it keeps quiet about"


@pytest.mark.parametrize("mode", ["session", "transaction", "statement"])
async def test_one_that_leaves_our_settings_to_the_role_works_unless_connections_share_servers(postgres, mode):
    """Whoever sets all of them for the role gets past the first look."""
    connection = await asyncpg.connect(postgres)
    name = urlsplit(postgres).path[1:]
    for setting, value in SETTINGS.items():
        await connection.execute(f"ALTER ROLE whimbrel IN DATABASE {name} SET {setting} = '{value}'")
    await connection.close()
    with pgbouncer(postgres, pool_mode=mode, ignore_startup_parameters=SET_BY_US) as url:
        executor = PostgresExecutor(url)
        if mode == "session":
            await started(executor)
            assert await executor.read(reads.last_position) == 0
            await executor.stop()
            return
        with pytest.raises(StoreError, match="pooler such as PgBouncer"):
            await started(executor)


async def started(executor: PostgresExecutor, within_s: float = 60) -> None:
    """As soon as PgBouncer listens."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await executor.start()
        except StoreError as error:
            if "cannot be reached" not in str(error) or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


async def test_the_command_line_says_the_same(postgres, tmp_path):
    env = {"WHIMBREL_MASTER_KEY": "00" * 32, "WHIMBREL_SERVER__DATA": str(tmp_path)}
    with pgbouncer(postgres, pool_mode="transaction") as url:
        with pytest.raises(StoreError):
            await connection_through(url)
        for verb in (("migrate", "status"), ("serve",)):
            done = await asyncio.to_thread(invoke, *verb, env=env | {"WHIMBREL_DATABASE": url})
            assert done.code != 0 and "PgBouncer" in done.err, done
