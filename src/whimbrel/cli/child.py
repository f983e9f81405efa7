"""One of the processes that `whimbrel serve --processes N` runs: what its supervisor tells it on standard input, and
what it does then.

Standard input is also its lifeline: it stays open as long as the supervisor lives, and whoever finds it closed stops
gracefully, as at SIGTERM. So nothing is left when the supervisor is killed. A second signal means nothing here: service
managers send one to every process, and the supervisor one of its own; what is to end at once is killed.
"""

import asyncio
import logging
import os
import signal
import sys
from typing import Final

import msgspec
import uvloop

from whimbrel import config
from whimbrel.app import App
from whimbrel.base.clock import SystemClock
from whimbrel.base.limits import STOP_DEADLINE_S
from whimbrel.base.log import configure
from whimbrel.base.metrics import Metrics
from whimbrel.base.place import FIRST, STORE, Place
from whimbrel.cli.running import PortTaken, nothing, serving, settle_memory
from whimbrel.config import Settings
from whimbrel.net.siblings import Siblings
from whimbrel.store.errors import StoreError
from whimbrel.store.sqlite.connect import tune_library
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.sqlite.serving import StoreServer
from whimbrel.store.verbs import leases

_log = logging.getLogger("whimbrel.run")
_STDIN: Final = 0
_LINGER_S: Final = STOP_DEADLINE_S + 2.0
"""The store process waits so long for the others to leave: they have STOP_DEADLINE_S themselves."""


class Orders(msgspec.Struct, frozen=True):
    """What a child is told at its start. Settings come from the supervisor, so that a file that changed meanwhile does
    not make the processes differ."""

    place: Place
    settings: Settings
    master_key: bytes


class Ready(msgspec.Struct, frozen=True):
    """What a child says on standard output once it works."""

    roles: tuple[str, ...] = ()
    url: str = ""
    smpp_ports: tuple[int, ...] = ()


def run_child() -> None:
    """Do what standard input says until told to stop; exit status 1 for what cannot start."""
    orders = read_orders()
    configure(orders.settings.log.level, process=orders.place.name)
    tune_library()
    try:
        if orders.place.name == STORE:
            uvloop.run(_store(orders))
        else:
            app = App(orders.settings, orders.master_key, place=orders.place)
            uvloop.run(serving(app, nothing, lambda app: say_ready(ready(app)), lifeline))
    except (StoreError, PortTaken, OSError) as error:
        _log.error("cannot start: %s", error)
        sys.exit(1)


def read_orders() -> Orders:
    """The first line of standard input."""
    line = b""
    while not line.endswith(b"\n"):
        octets = os.read(_STDIN, 65536)
        if not octets:
            sys.exit(1)
        line += octets
    return msgspec.json.decode(line, type=Orders)


def lifeline() -> asyncio.Event:
    """Set by a signal, and by the supervisor's end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look() -> None:
        if not os.read(_STDIN, 4096):
            loop.remove_reader(_STDIN)
            stopping.set()

    loop.add_reader(_STDIN, look)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def ready(app: App) -> Ready:
    """What a node that has started does, and where."""
    return Ready(
        roles=tuple(role for role in app.settings.roles if role in config.WORKING_ROLES),
        url="" if app.server is None else f"http://{app.settings.server.host}:{app.server.port}",
        smpp_ports=() if app.smpp is None else app.smpp.ports,
    )


def say_ready(ready: Ready) -> None:
    """Tell the supervisor."""
    _log.info("started", extra={"pid": os.getpid()})
    sys.stdout.buffer.write(msgspec.json.encode(ready) + b"\n")
    sys.stdout.buffer.flush()


async def _store(orders: Orders) -> None:
    """The store process: nothing but the database's file."""
    place, metrics = orders.place, Metrics()
    stopping = lifeline()

    def committed(scripts: int) -> None:
        metrics.commits.inc()
        metrics.commit_rows.inc(scripts)
        server.committed()

    path = str(orders.settings.database_path())
    executor = SqliteExecutor(path, readers=0, on_commit=committed, clock=SystemClock())
    server = StoreServer(executor, place.store_socket, run=place.run)
    siblings = Siblings(place, metrics)
    await executor.start()
    try:
        if place.number == FIRST:  # of this run: whoever was there before is gone
            await executor.write(leases.alone)
        await server.start()
        await siblings.start()
        settle_memory()
        say_ready(Ready())
        await stopping.wait()
        await _left_alone(server)
    finally:
        await siblings.stop()
        await server.stop()
        await executor.stop()
    _log.info("stopped")


async def _left_alone(server: StoreServer) -> None:
    """The others stop first: their last writes are still to come."""
    try:
        async with asyncio.timeout(_LINGER_S):
            await server.left_alone()
    except TimeoutError:
        _log.error("processes are still connected to the store process that ends")


def encoded(orders: Orders) -> bytes:
    """The line for a child's standard input."""
    return msgspec.json.encode(orders) + b"\n"


def command() -> list[str]:
    """How a child is started."""
    return [sys.executable, "-m", "whimbrel", "serve", "--child"]
