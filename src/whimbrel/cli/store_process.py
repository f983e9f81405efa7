"""The store process of several that share one SQLite file: `python -m whimbrel.cli.store_process`, as the supervisor
starts it. A program of its own, without doors, carriers and journey: it starts in a quarter of the time, and what waits
for it when it died waits so much less.
"""

import asyncio
import logging
import sys
from typing import Final

import uvloop

from whimbrel.base import memory
from whimbrel.base.clock import SystemClock
from whimbrel.base.limits import STOP_DEADLINE_S
from whimbrel.base.log import configure
from whimbrel.base.metrics import Metrics
from whimbrel.base.place import FIRST
from whimbrel.cli.orders import Orders, Ready, lifeline, read_orders, say_ready, tidy
from whimbrel.net.siblings import Siblings
from whimbrel.store.errors import StoreError
from whimbrel.store.sqlite.connect import tune_library
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.sqlite.serving import StoreServer
from whimbrel.store.verbs import leases

_log = logging.getLogger("whimbrel.run")
_LINGER_S: Final = STOP_DEADLINE_S + 2.0
"""It waits so long for the others to leave: they have STOP_DEADLINE_S themselves."""


def main() -> None:
    """Own the file until told to stop; exit status 1 for what cannot start."""
    orders = read_orders()
    configure(orders.settings.log.level, process=orders.place.name)
    tune_library()
    try:
        with tidy(orders.place):
            uvloop.run(_serve(orders))
    except (StoreError, OSError) as error:
        _log.error("cannot go on: %s", error)
        sys.exit(1)
    except Exception:  # the log is JSON, whatever happens
        _log.exception("cannot go on")
        sys.exit(1)


async def _serve(orders: Orders) -> None:
    place, metrics = orders.place, Metrics()
    stopping = lifeline()

    def committed(scripts: int) -> None:
        metrics.commits.inc()
        metrics.commit_rows.inc(scripts)
        server.committed()

    path = str(orders.settings.database_path())
    is_first = place.number == FIRST  # of this run
    executor = SqliteExecutor(path, readers=0, on_commit=committed, clock=SystemClock(), check=is_first)
    server = StoreServer(executor, place.store_socket, run=place.run)
    siblings = Siblings(place, metrics)
    await executor.start()
    try:
        if is_first:  # whoever was there before is gone
            await executor.write(leases.alone)
        await server.start()
        await siblings.start()
        memory.settle()
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


if __name__ == "__main__":
    main()
