"""The processes of a round, each ended by its own id: the simulator and the sink, which survive, and the node, which is
killed.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.ports import free_port

from .wire import call, until

__all__ = ["Node", "end", "free_port", "simulator", "sink", "survivor"]

START_S = 90.0  # on a machine with much other work
_SINK = Path(__file__).with_name("sink.py")


@asynccontextmanager
async def survivor(*command: str) -> AsyncIterator[str]:
    """A process that lives as long as the block; gives the first line that it prints."""
    async with _alive(*command) as (_, line):
        yield line


@asynccontextmanager
async def _alive(*command: str) -> AsyncIterator[tuple[int, str]]:
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE)
    try:
        assert process.stdout is not None
        yield process.pid, (await process.stdout.readline()).decode()
    finally:
        await end(process)


@asynccontextmanager
async def simulator(log: Path, **settings: object) -> AsyncIterator[dict[str, Any]]:
    """The simulator's address, and its `pid`."""
    options = [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command = ("-m", "whimbrel_sandbox", "--smpp-port", "0", "--http-port", "0", "--log", str(log), *options)
    async with _alive(*command) as (pid, line):
        yield json.loads(line) | {"pid": pid}


@asynccontextmanager
async def sink(log: Path) -> AsyncIterator[int]:
    """The sink's port."""
    async with survivor(str(_SINK), str(log)) as line:
        yield int(line)


async def end(process: Process) -> None:
    """SIGTERM, and SIGKILL for what does not go."""
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(40):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


class Node:
    """`whimbrel quickstart` on one data folder and one port, started and killed as often as a round wants. `database`:
    a PostgreSQL instead of a file in the folder."""

    def __init__(self, folder: Path, smsc_port: int, database: str = "") -> None:
        self.folder = folder
        self._database = ("--database", database) if database else ()
        self.port = free_port()
        self.smpp_port = free_port()
        self._smsc_port = smsc_port
        self._process: Process | None = None

    async def start(self, fault: str = "") -> Process:
        """A process that answers requests; `fault` arms a kill point."""
        command = ("-m", "whimbrel", "quickstart", "--simulator", f"127.0.0.1:{self._smsc_port}")
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, *command, "--data", str(self.folder)),
            *("--port", str(self.port), "--smpp-port", str(self.smpp_port), *self._database),
            stdout=DEVNULL,
            env={**os.environ, "WHIMBREL_FAULT": fault},
        )
        await until(self._is_ready, START_S, f"a node ready; see {self.folder}/whimbrel.log")
        return self._process

    async def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise RuntimeError(f"the node ended with {self._process.returncode}; see {self.folder}/whimbrel.log")
        if not (self.folder / "credentials.json").exists():
            return False
        try:
            return (await call(self.port, "GET", "/readyz")).status == 200
        except OSError:
            return False

    def credentials(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / "credentials.json").read_text())
        return found

    @property
    def is_gone(self) -> bool:
        return self._process is None or self._process.returncode is not None

    async def stop(self) -> int:
        """A graceful stop; its exit status."""
        assert self._process is not None
        await end(self._process)
        assert self._process.returncode is not None
        return self._process.returncode
