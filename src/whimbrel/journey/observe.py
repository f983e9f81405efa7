"""Observe: the gauges that nobody else would set: queue and age by lane and class, windows, binds, the loop's lag."""

import asyncio
import logging
from collections.abc import Callable, Mapping

import msgspec

from whimbrel.base import ids
from whimbrel.base.clock import Clock
from whimbrel.base.metrics import Metrics
from whimbrel.carriers.interface import Health
from whimbrel.domain.model import PRIORITY
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Store

_log = logging.getLogger("whimbrel.observe")
_EVERY_S = 5.0
_COUNTED_MAX = 100_000  # of a lane and class: a longer queue is counted as this long, and its age is that of its head


class _Lane(msgspec.Struct, frozen=True):
    id: str


class _Count(msgspec.Struct, frozen=True):
    count: int


class _Waiting(msgspec.Struct, frozen=True):
    """Columns of `queue_class`."""

    count: int
    oldest: str | None


class Counts:
    """What one node counts for all: how much waits."""

    def __init__(self, store: Store, tables: Tables, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._tables = tables
        self._clock = clock
        self._metrics = metrics
        self._is_on = False

    async def start(self) -> None:
        """Count from now on."""
        self._is_on = True

    async def stop(self) -> None:
        """Another node counts: what was counted here holds no more."""
        self._is_on = False
        self._metrics.queue.clear()
        self._metrics.queue_age.clear()
        self._metrics.smpp_owed.set(0)

    async def look(self) -> None:
        """Set the gauges of what waits, where this node counts."""
        if not self._is_on:
            return
        found = await self._waiting()
        now = self._clock.now_us()
        self._metrics.queue.clear()
        self._metrics.queue_age.clear()
        for labels, waiting in found.items():
            self._metrics.queue.labels(*labels).set(waiting.count)
            self._metrics.queue_age.labels(*labels).set(max(0, now - ids.time_us(waiting.oldest or "")) / 1_000_000)
        (owed,) = await self._store.fetch(_Count, "smpp_owed_total", _COUNTED_MAX)
        self._metrics.smpp_owed.set(owed.count)

    async def _waiting(self) -> dict[tuple[str, str], _Waiting]:
        """What waits by lane and class."""
        found: dict[tuple[str, str], _Waiting] = {}
        for lane in await self._store.fetch(_Lane, "queue_lanes"):
            for name, priority in PRIORITY.items():
                (waiting,) = await self._store.fetch(_Waiting, "queue_class", lane.id, priority, _COUNTED_MAX)
                if waiting.count:
                    found[_name(self._tables, lane.id), name] = waiting
        return found


class Observe:
    """Sets gauges every few seconds; never per message."""

    def __init__(
        self,
        *,
        store: Store,
        tables: Tables,
        clock: Clock,
        metrics: Metrics,
        health: Callable[[], Mapping[str, Health]],
    ) -> None:
        self.counts = Counts(store, tables, clock, metrics)
        self._tables = tables
        self._metrics = metrics
        self._health = health
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            wanted = loop.time() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            self._metrics.loop_lag.set(max(0.0, loop.time() - wanted))
            try:
                await self.look()
            except Exception:
                _log.exception("the gauges could not be set")

    async def look(self) -> None:
        """Set all gauges once."""
        await self.counts.look()
        for carrier_id, health in self._health().items():
            name = _name(self._tables, carrier_id)
            self._metrics.window.labels(name).set(health.in_flight)
            self._metrics.stalled.labels(name).set(health.stalled_s)
            self._metrics.ignored.labels(name).set(health.ignored)
            self._metrics.binds.labels(name).set(health.binds_up)
            self._metrics.throttled.labels(name).set(health.throttled)
            self._metrics.set_aside.labels(name).set(health.set_aside)


def _name(tables: Tables, carrier_id: str) -> str:
    carrier = tables.carriers.get(carrier_id)
    return carrier.name if carrier is not None else carrier_id
