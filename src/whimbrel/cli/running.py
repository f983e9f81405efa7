"""Running a node until a signal asks it to stop."""

import asyncio
import errno
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TextIO

import uvloop

from whimbrel.app import App
from whimbrel.base import memory
from whimbrel.base.log import configure
from whimbrel.cli.errors import PortTaken
from whimbrel.cli.exposure import warn
from whimbrel.config import Settings
from whimbrel.store.sqlite.connect import tune_library

_log = logging.getLogger("whimbrel.run")
_CANNOT_LISTEN = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)

Prepare = Callable[[App], Awaitable[None]]
Started = Callable[[App], None]


async def nothing(app: App) -> None:
    """Nothing is to be prepared."""


def run(
    settings: Settings,
    master_key: bytes,
    started: Started,
    *,
    prepare: Prepare = nothing,
    log_file: Path | None = None,
) -> None:
    """Start the node, and stop it gracefully at SIGTERM or SIGINT; a second signal ends it at once. `prepare` is
    awaited before the doors open, `started` called when requests are taken. PortTaken."""
    configure(settings.log.level, None if log_file is None else _private(log_file))
    warn(settings)
    tune_library()
    uvloop.run(serving(App(settings, master_key), prepare, started, asked_to_stop))


def _private(path: Path) -> TextIO:
    """A log that only its owner reads, opened to be appended to."""
    return open(path, "a", encoding="utf-8", buffering=1, opener=lambda name, flags: os.open(name, flags, 0o600))


async def serving(app: App, prepare: Prepare, started: Started, asked: Callable[[], asyncio.Event]) -> None:
    """From start to stop. `asked` begins to listen for the wish to stop."""
    stopping = asked()
    try:
        await app.start(lambda: prepare(app))
    except OSError as error:
        refuse_taken(app.settings, error)
        raise
    memory.settle()
    try:
        started(app)
        await stopping.wait()
        _log.info("stopping")
    finally:
        await _stop(app)


def asked_to_stop() -> asyncio.Event:
    """Set by the first signal; the second ends the process, as the kernel would have."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    return stopping


async def _stop(app: App) -> None:
    """Within the deadline. What hangs would also hold up the end of the loop and of its threads, so the process ends at
    once then; what was not finished is found again at the next start, as after a crash."""
    left_behind = await app.stop()
    if left_behind:
        _log.error("ended without waiting any longer", extra={"parts": left_behind})
        logging.shutdown()
        os._exit(1)
    _log.info("stopped")


def refuse_taken(settings: Settings, error: OSError) -> None:
    """PortTaken when the error is about a door's port."""
    if error.errno in _CANNOT_LISTEN:
        raise PortTaken(_taken(settings, error)) from error


def _taken(settings: Settings, error: OSError) -> str:
    smpp, mailbox = settings.smpp, settings.mailbox
    names, option = "server.host, server.port", "name another with --port, or by"
    if error.filename in {f"{smpp.host} port {port}" for port in (smpp.port, smpp.tls_port)}:
        names, option = "smpp.host, smpp.port", "name another with --smpp-port, or by"
    elif error.filename == f"{mailbox.host} port {mailbox.port}" and mailbox.domain:
        names, option = "mailbox.host, mailbox.port", "name another by"
    return (
        f"cannot listen on {error.filename}: {os.strerror(error.errno or 0)}; {option} {names} in the settings "
        "(`ss -ltnp` shows who has it)"
    )
