"""What a supervisor and its processes say to each other: orders on standard input, a line on standard output.

Standard input is also a process's lifeline: it stays open as long as the supervisor lives, and whoever finds it closed
stops gracefully, as at SIGTERM. So nothing is left when the supervisor is killed. A second signal means nothing here:
service managers send one to every process, and the supervisor one of its own; what is to end at once is killed.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from typing import Final

import msgspec

from whimbrel.base.place import Place
from whimbrel.config import Settings

_log = logging.getLogger("whimbrel.run")
_STDIN: Final = 0
_READ: Final = 64 * 1024


class Orders(msgspec.Struct, frozen=True):
    """What a process is told at its start. Settings come from the supervisor, so that a file that changed meanwhile
    does not make the processes differ."""

    place: Place
    settings: Settings
    master_key: bytes


class Ready(msgspec.Struct, frozen=True):
    """What a process says once it works."""

    roles: tuple[str, ...] = ()
    url: str = ""
    smpp_ports: tuple[int, ...] = ()


def written(orders: Orders) -> bytes:
    """The line for a process's standard input."""
    return msgspec.json.encode(orders) + b"\n"


def read_orders() -> Orders:
    """The first line of standard input; without a supervisor the process ends."""
    line = b""
    while not line.endswith(b"\n"):
        octets = os.read(_STDIN, _READ)
        if not octets:
            sys.exit(1)
        line += octets
    return msgspec.json.decode(line, type=Orders)


@contextlib.contextmanager
def tidy(place: Place) -> Iterator[None]:
    """Remove the folder of the sockets at the end, where the supervisor was killed and will not."""
    parent = os.getppid()
    try:
        yield
    finally:
        if os.getppid() != parent:
            shutil.rmtree(place.folder, ignore_errors=True)


def lifeline() -> asyncio.Event:
    """Set by a signal, and by the supervisor's end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look() -> None:
        if not os.read(_STDIN, _READ):
            loop.remove_reader(_STDIN)
            stopping.set()

    loop.add_reader(_STDIN, look)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def say_ready(ready: Ready) -> None:
    """Tell the supervisor."""
    _log.info("started", extra={"pid": os.getpid()})
    sys.stdout.buffer.write(msgspec.json.encode(ready) + b"\n")
    sys.stdout.buffer.flush()
