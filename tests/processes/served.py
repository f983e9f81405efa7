"""An installation that several processes serve: seeded in its database, run by the command, killed part by part."""

import asyncio
import json
import os
import secrets
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.faults.wire import Connection, call, until
from whimbrel.app import App
from whimbrel.base.clock import SystemClock
from whimbrel.config import Server, Settings
from whimbrel.manage.credentials import Credentials
from whimbrel.manage.quickstart import SandboxAddress, seed
from whimbrel.store.sqlite import schema

START_S = 90.0
_END_S = 60.0
SQLITE = "sqlite:///whimbrel.db"


class Served:
    """The command and what it logs. Its ports are free ones, which its log names."""

    def __init__(self, folder: Path, database: str, processes: int, **settings: str) -> None:
        self.folder = folder
        self.database = database
        self.master_key = secrets.token_bytes(32)
        self.given = Credentials()
        self.processes = processes
        self.log = folder / "serve.log"
        self._environ = {
            "WHIMBREL_DATABASE": database,
            "WHIMBREL_MASTER_KEY": self.master_key.hex(),
            "WHIMBREL_SERVER__PORT": "0",
            "WHIMBREL_SERVER__DATA": str(folder),
            "WHIMBREL_SMPP__PORT": "0",
            "WHIMBREL_WEBHOOKS__ALLOW_HTTP": "true",
            "WHIMBREL_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
            **settings,
        }
        self._process: Process | None = None
        self._life = 0  # where the log of this life begins
        self.port = 0
        self.smpp_port = 0
        self.tls_ports: list[int] = []

    async def seed(self, smsc_port: int) -> None:
        """What quickstart makes, in an empty database."""
        settings = Settings(database=self.database, server=Server(data=str(self.folder)), roles=("worker",))
        if settings.is_sqlite:
            schema.apply(str(settings.database_path()), SystemClock())
        app = App(settings, self.master_key)
        await app.open()
        try:
            self.given = await seed(app.manage, SandboxAddress(host="127.0.0.1", port=smsc_port))
        finally:
            await app.stop()

    async def start(self) -> None:
        """Begin a life; returns when all processes work."""
        await self.begin()
        ready = await until(self._ready, START_S, f"all processes ready; see {self.log}")
        self.port = int(ready["url"].rpartition(":")[2])
        self.smpp_port, *self.tls_ports = ready["smpp_ports"]

    async def begin(self) -> Process:
        """The same without the wait."""
        self._life = self.log.stat().st_size if self.log.exists() else 0
        environ = {name: value for name, value in os.environ.items() if not name.startswith("WHIMBREL_")}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "whimbrel", "serve", "--processes", str(self.processes)),
                cwd=self.folder,
                env=environ | self._environ,
                stdout=DEVNULL,
                stderr=log,
            )
        return self._process

    def _ready(self) -> dict[str, Any] | None:
        assert self._process is not None and self._process.returncode is None, self.log.read_text()[-3000:]
        return next((line for line in self.lines() if line["message"] == "ready"), None)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The log of this life."""
        with self.log.open("rb") as log:
            log.seek(self._life)
            for line in log:
                if line.startswith(b"{") and line.endswith(b"\n"):
                    yield json.loads(line)

    def pid(self, name: str) -> int:
        """The newest process of that name."""
        if name == "supervisor":
            assert self._process is not None
            return self._process.pid
        return [line["pid"] for line in self.lines() if line["message"] == "started" and line["process"] == name][-1]

    def pids(self) -> dict[str, int]:
        """All processes that the supervisor runs."""
        found = {line["process"]: line["pid"] for line in self.lines() if line["message"] == "started"}
        return {name: pid for name, pid in found.items() if is_alive(pid)}

    def children(self) -> list[int]:
        """Whatever the supervisor has started and not yet waited for."""
        pid = self.pid("supervisor")
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def sockets(self) -> Path:
        """The folder in which all processes have their sockets."""
        links: list[str] = []
        for link in Path(f"/proc/{self.pid('1')}/fd").iterdir():
            with suppress(FileNotFoundError):  # a connection that was closed meanwhile
                links.append(os.readlink(link))
        inodes = {link.removeprefix("socket:[").rstrip("]") for link in links}
        rows = (line.split() for line in Path("/proc/net/unix").read_text().splitlines())
        own = (Path(row[7]) for row in rows if row[6] in inodes and len(row) > 7)
        return next(path.parent for path in own if path.name == "1.metrics")

    async def kill(self, name: str) -> int:
        """kill -9; returns the process id when it is gone."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not is_alive(pid), 30.0, f"{name} gone")
        return pid

    def signal(self, number: int) -> None:
        """To the supervisor."""
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self) -> int:
        """The supervisor's exit status."""
        assert self._process is not None
        async with asyncio.timeout(_END_S):
            return await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def end(self) -> None:
        """Whatever still runs, by its own id."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.terminate()
            with suppress(TimeoutError):
                await self.ended()
        for pid in self.pids().values():
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(pid, signal.SIGKILL)
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    # Requests, each on a connection of its own: any of the processes may take it.

    async def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """The JSON of a request that succeeds."""
        answer = await call(self.port, method, path, body, self.given.api_key if key is None else key)
        assert answer.status < 300, answer.body
        return answer.json()

    async def metrics(self) -> dict[str, float]:
        """Every sample of a scrape that every process has answered, by its name with its labels: one that is busy for
        a second is left out, and for three seconds there is no scrape at all."""
        found: dict[str, float] = await until(self._scraped, START_S, "a scrape of all processes")
        return found

    async def _scraped(self) -> dict[str, float] | None:
        connection = await Connection.open(self.port)
        answer = await connection.ask(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        connection.close()
        if answer.status == 503:
            return None
        assert answer.status == 200
        rows = (line.rpartition(" ") for line in answer.body.decode().splitlines() if not line.startswith("#"))
        found = {name: float(value) for name, _, value in rows}
        return found if all(up for name, up in found.items() if name.startswith("whimbrel_process_up{")) else None


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not. Its first thread may end before the
    others, which hold its sockets."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except (FileNotFoundError, ProcessLookupError):  # it may end between the opening of its file and the reading
        return False


@asynccontextmanager
async def served(folder: Path, database: str = SQLITE, *, processes: int = 2, **settings: str) -> AsyncIterator[Served]:
    """Nothing of it outlives the block."""
    os.makedirs(folder, exist_ok=True)
    made = Served(folder, database, processes, **settings)
    try:
        yield made
    finally:
        await made.end()
