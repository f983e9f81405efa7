"""The supervisor of `whimbrel serve --processes N`: starts the processes, starts again what dies, stops them all.

Order: the ports are reserved first, so that one that is taken is told once, by one process, before anything runs. On
SQLite the store process is the next, and at the end the last: the others write through it. A process that dies is
started again after a rest, which grows while it dies again and again. One that cannot start at all ends everything, as
it would alone: the service manager or a person has to look.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import Final

import msgspec
import uvloop

from whimbrel.base.clock import Chance, SystemChance
from whimbrel.base.limits import STOP_DEADLINE_S
from whimbrel.base.log import configure
from whimbrel.base.metrics import Metrics
from whimbrel.base.place import STORE, SUPERVISOR, Place
from whimbrel.cli.exposure import warn
from whimbrel.cli.orders import Orders, Ready, written
from whimbrel.cli.running import refuse_taken
from whimbrel.config import Settings
from whimbrel.edges.shared.server import claim
from whimbrel.net.siblings import Sums

_log = logging.getLogger("whimbrel.run")
_STEADY_S: Final = 60.0
"""A process that lived so long begins anew with short rests."""
_FIRST_REST_S: Final = 0.1
_REST_MAX_S: Final = 30.0
_DOUBLINGS_MAX: Final = 16
"""More than it takes to the longest rest; a float has no room for those of a night."""
_CANNOT_BEGIN: Final = 1
_STOP_S: Final = STOP_DEADLINE_S + 3.0
"""A process that has not ended by then hangs."""
_STORE_STOP_S: Final = 8.0
"""The same for the store process: nobody writes any more."""
_PATH_MAX: Final = 80
"""Octets of a folder's path that leave room for a socket's name: Unix sockets take 107."""


def rest_s(deaths: int) -> float:
    """How long a process waits to be started again, in seconds, after so many deaths in a row."""
    doublings = min(deaths - 1, _DOUBLINGS_MAX)
    return min(_FIRST_REST_S * 2.0**doublings, _REST_MAX_S)


def run_processes(settings: Settings, master_key: bytes) -> int:
    """Run as many processes as the settings say, until a signal; the exit status. PortTaken."""
    configure(settings.log.level, process=SUPERVISOR)
    warn(settings)
    try:
        supervisor = Supervisor(settings, master_key)
    except OSError as error:
        refuse_taken(settings, error)
        raise
    return uvloop.run(supervisor.run())


class Supervisor:
    """All processes of one `serve`."""

    def __init__(self, settings: Settings, master_key: bytes, *, chance: Chance | None = None) -> None:
        self._reserved, self._settings = reserve(settings)
        self._master_key = master_key
        self._run = int.from_bytes((chance or SystemChance()).octets(4), "big")
        self._folder = _private_folder()
        self._workers = tuple(str(number) for number in range(1, settings.processes + 1))
        store = (STORE,) if settings.is_sqlite else ()
        self._names = (*store, *self._workers)
        self._metrics = Metrics()
        self._sums = Sums(Place(SUPERVISOR, self._folder, self._names), self._metrics)
        self._started = 0
        self._children: dict[str, _Child] = {}
        self._stopping = asyncio.Event()
        self._status = 0

    async def run(self) -> int:
        """Until a signal asks to stop; the exit status."""
        self._listen()
        await self._sums.start()
        try:
            if await self._start():
                await self._stopping.wait()
            _log.info("stopping")
            await self._stop(self._workers, _STOP_S)
            await self._stop((STORE,), _STORE_STOP_S)
        finally:
            await self._sums.stop()
            self.close()
        if not self._status:
            _log.info("stopped")
        return self._status

    def close(self) -> None:
        """Give back ports and sockets."""
        for reserved in self._reserved:
            reserved.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _listen(self) -> None:
        """The first signal asks everybody to stop, the second ends everybody at once."""
        loop = asyncio.get_running_loop()

        def stop(number: int) -> None:
            if self.is_stopping:
                self._kill(self._names)
                self.close()
                os._exit(128 + number)
            self._stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop, number)

    async def _start(self) -> bool:
        """All of them, the store process first; False when one cannot, or when a signal came meanwhile."""
        for names in ((STORE,), self._workers):
            children = [_Child(self, name) for name in names if name in self._names]
            self._children |= {child.name: child for child in children}
            for child in children:
                child.begin()
            stopping = asyncio.ensure_future(self._stopping.wait())
            waiting = asyncio.gather(*(child.ready() for child in children))
            await asyncio.wait((stopping, waiting), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if self.is_stopping:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
                return False
            told = await waiting
        _log.info("ready", extra={**msgspec.to_builtins(told[0]), "processes": len(self._workers)})
        return True

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def failed_to_start(self, name: str, status: int) -> None:
        """A process ended before it was ever ready: so would the next."""
        if self.is_stopping:
            return
        _log.error("a process did not start: everything stops", extra={"child": name, "status": status})
        self._status = status if status > 0 else 1
        self._stopping.set()

    async def restarted(self, name: str) -> None:
        """A process is about to be started again."""
        await self._sums.died(name)
        self._metrics.process_restarts.labels(name).inc()

    async def spawn(self, name: str) -> Process:
        """A new process of that name."""
        orders = Orders(self._place(name), self._settings, self._master_key)
        process = await asyncio.create_subprocess_exec(*command(name), stdin=PIPE, stdout=PIPE, start_new_session=True)
        assert process.stdin is not None
        process.stdin.write(written(orders))
        return process

    def _place(self, name: str) -> Place:
        self._started += 1
        others = tuple(each for each in self._names if each != name)
        return Place(name=name, folder=self._folder, others=others, run=self._run, number=self._started)

    async def _stop(self, names: Sequence[str], within_s: float) -> None:
        """Ask them, wait, and end what hangs."""
        children = [self._children[name] for name in names if name in self._children]
        for child in children:
            child.ask_to_stop()
        ended = asyncio.gather(*(child.ended() for child in children))
        done, _ = await asyncio.wait((ended,), timeout=within_s)
        if not done:
            hanging = [child.name for child in children if child.is_running]
            _log.error("processes did not stop in time and are ended", extra={"children": hanging})
            self._kill(names)
        if any(await ended):
            self._status = self._status or 1

    def _kill(self, names: Sequence[str]) -> None:
        for name in names:
            if name in self._children:
                self._children[name].kill()


class _Child:
    """One process by its name, whichever life of it."""

    def __init__(self, supervisor: Supervisor, name: str) -> None:
        self._supervisor = supervisor
        self.name = name
        self._process: Process | None = None
        self._asked = asyncio.Event()
        self._told: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[int] | None = None

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def ready(self) -> Ready:
        """What it said when it was ready for the first time."""
        return await asyncio.shield(self._told)

    async def ended(self) -> int:
        """The status of its last life, once everybody was asked to stop."""
        assert self._task is not None
        return await self._task

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def ask_to_stop(self) -> None:
        """By its lifeline, which one that is just starting finds too."""
        self._asked.set()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        """At once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _keep(self) -> int:
        """Life after life until it is asked to stop: the store process too while the others are stopping."""
        loop, supervisor = asyncio.get_running_loop(), self._supervisor
        deaths = 0
        while True:
            began = loop.time()
            status = await self._live()
            if self._asked.is_set() or (supervisor.is_stopping and not status):  # somebody else asked it
                return status
            if not self._told.done():
                supervisor.failed_to_start(self.name, status)
                return status
            deaths = 1 if loop.time() - began > _STEADY_S else deaths + 1
            seconds = rest_s(deaths)
            _log.error(
                "a process ended and is started again",
                extra={"child": self.name, "status": status, "deaths": deaths, "after_s": seconds},
            )
            await self._rest(seconds)
            if self._asked.is_set():
                return 0
            await supervisor.restarted(self.name)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked.wait()

    async def _live(self) -> int:
        """One life, to its end; its exit status, negative for a signal."""
        try:
            process = self._process = await self._supervisor.spawn(self.name)
        except OSError as error:  # no memory, no file left, a program that is being replaced
            _log.error("a process could not be begun: %s", error, extra={"child": self.name})
            return _CANNOT_BEGIN
        assert process.stdout is not None
        if self._asked.is_set():
            self.ask_to_stop()
        while line := await process.stdout.readline():
            if not self._told.done():
                self._told.set_result(msgspec.json.decode(line, type=Ready))
        return await process.wait()


def command(name: str) -> tuple[str, ...]:
    """How a process is started: by this Python, which takes no module from the folder that it happens to stand in."""
    return (sys.executable, "-P", "-m", "whimbrel.cli.store_process" if name == STORE else "whimbrel.cli.child")


def reserve(settings: Settings) -> tuple[list[socket.socket], Settings]:
    """The ports of all doors, so that the processes can share them, and the settings with their numbers. Nobody else
    may have them, not even one that would share. OSError, with host and port as its file name, when one is taken."""
    reserved: list[socket.socket] = []

    def port(host: str, number: int) -> int:
        if number:
            claim(host, number).close()
        reserved.append(claim(host, number, shared=True))
        return int(reserved[-1].getsockname()[1])

    server, smpp, mailbox = settings.server, settings.smpp, settings.mailbox
    try:
        if not {"api", "console"}.isdisjoint(settings.roles):
            server = msgspec.structs.replace(server, port=port(server.host, server.port))
        if "smpp" in settings.roles and smpp.plain:
            smpp = msgspec.structs.replace(smpp, port=port(smpp.host, smpp.port))
        if "smpp" in settings.roles and smpp.tls_cert_file:
            smpp = msgspec.structs.replace(smpp, tls_port=port(smpp.host, smpp.tls_port))
        if "mail" in settings.roles and mailbox.domain:
            mailbox = msgspec.structs.replace(mailbox, port=port(mailbox.host, mailbox.port))
    except OSError:
        for each in reserved:
            each.close()
        raise
    return reserved, msgspec.structs.replace(settings, server=server, smpp=smpp, mailbox=mailbox)


def _private_folder() -> str:
    """A folder for the sockets that only this user may enter."""
    folder = tempfile.mkdtemp(prefix="whimbrel-")
    if len(os.fsencode(folder)) <= _PATH_MAX:
        return folder
    os.rmdir(folder)
    return tempfile.mkdtemp(prefix="whimbrel-", dir="/tmp")
