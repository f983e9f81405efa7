"""`whimbrel serve` on one database, started, ended, frozen and upgraded as often as a storm wants."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path

import whimbrel
from tests.cli.product import Done
from tests.faults.processes import end, free_port
from tests.faults.wire import call, until

_START_S = 90.0
NEWER = "9.9.9"


class Node:
    """One node; its port stays the same over its lives. `newer`: a folder with a copy of the package that says it is of
    a later version."""

    def __init__(self, folder: Path, name: str, environ: Mapping[str, str], newer: Path) -> None:
        self.name = name
        self.port = free_port()
        self.log = folder / f"{name}.log"
        self.lives = 0
        self.is_frozen = False
        self._newer = newer
        self.environ = {
            **os.environ,
            **environ,
            "WHIMBREL_SERVER__PORT": str(self.port),
            "WHIMBREL_SERVER__DATA": str(folder),
        }
        self._process: Process | None = None

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, *, upgraded: bool = False) -> None:
        """Begin a life; returns when it is ready."""
        environ = self.environ | ({"PYTHONPATH": str(self._newer)} if upgraded else {})
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "whimbrel", "serve"), env=environ, stdout=DEVNULL, stderr=log
            )
        self.lives += 1
        await until(self._is_ready, _START_S, f"{self.name} ready; see {self.log}")

    async def command(self, *words: str, upgraded: bool = False, package: Path | None = None) -> Done:
        """Run a command of the node's version, of the later one, or of the package in a folder."""
        found = package or (self._newer if upgraded else None)
        environ = self.environ | ({"PYTHONPATH": str(found)} if found else {})
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "whimbrel", *words), env=environ, stdout=PIPE, stderr=PIPE
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), err.decode())

    async def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise RuntimeError(f"{self.name} ended with {self._process.returncode}: {self.log.read_text()[-3000:]}")
        with contextlib.suppress(OSError):
            return (await call(self.port, "GET", "/readyz")).status == 200
        return False

    async def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()
        self.is_frozen = False

    async def stop(self) -> int:
        """SIGTERM, and its exit status."""
        assert self._process is not None
        await end(self._process)
        assert self._process.returncode is not None
        return self._process.returncode

    def freeze(self) -> None:
        """SIGSTOP: to all others it looks dead, and it does not know."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        self.is_frozen = True

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        self.is_frozen = False

    def cpu_s(self) -> float:
        """User and system time of this life."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def copy_of_a_later_version(folder: Path) -> Path:
    """The package again, with another version: what an upgrade starts."""
    source = Path(whimbrel.__file__).parent
    target = folder / "newer"
    shutil.copytree(source, target / "whimbrel", ignore=shutil.ignore_patterns("__pycache__"))
    version = target / "whimbrel" / "__init__.py"
    version.write_text(f'{version.read_text()}\n__version__ = "{NEWER}"\n')
    return target
