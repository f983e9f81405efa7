"""Keeps a node's clock on the time of the database: at the start, every half a minute, and as soon as another node says
that it has jumped (or may have: after a failover another machine tells it). A node that heard of it half a minute later
than the others would be seconds from them meanwhile, and be taken for dead.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import asyncpg

from whimbrel.base.clock import SECOND_US, DatabaseClock
from whimbrel.store.errors import StoreError
from whimbrel.store.signals import Signals

_NOW: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_EVERY_S: Final = 30.0
_REST_S: Final = 0.2  # after each look: many nodes may tell of one jump
_MEASURES: Final = 3  # of which the quickest answer counts
_CLOSE_S: Final = 5.0
_TOLD_US: Final = SECOND_US // 10  # a correction by more is told in the log

_log = logging.getLogger("whimbrel.clock")


class TimeKeeper:
    """`open_` makes a connection; it is closed after each look."""

    def __init__(self, open_: Callable[[], Awaitable[Any]], clock: DatabaseClock, signals: Signals) -> None:
        self._open = open_
        self._clock = clock
        self._signals = signals
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        signals.subscribe("clock", lambda _: self._wake.set())

    async def start(self) -> None:
        """The clock is right when this returns. Raises what the connection raises."""
        await self.look()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> int:
        """Measure; by how many microseconds the clock was wrong."""
        connection = await self._open()
        try:
            await connection.fetchval(_NOW)  # prepares the statement
            measures = [await self._measure(connection) for _ in range(_MEASURES)]
            await connection.close(timeout=_CLOSE_S)  # in words: a server logs connections that are just cut
        finally:
            connection.terminate()
        sent_us, received_us, database_us = min(measures, key=lambda measure: measure[1] - measure[0])
        return self._clock.measured(database_us, sent_us=sent_us, received_us=received_us)

    async def _measure(self, connection: Any) -> tuple[int, int, int]:
        sent_us = self._clock.monotonic_us()
        database_us: int = await connection.fetchval(_NOW)
        return sent_us, self._clock.monotonic_us(), database_us

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_REST_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                wrong_us = await self.look()
            except (StoreError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("the database's time could not be asked for", extra={"error": str(error)})
                continue
            if abs(wrong_us) > _TOLD_US:
                _log.warning("the database's time has jumped", extra={"seconds": wrong_us / SECOND_US})
                self._signals.send("clock")
