"""Observe: the gauges that nobody else would set: queue and age by lane and class, windows, binds, nodes and leases,
what holds the event log back, the loop's lag.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

import msgspec

from whimbrel.base import ids
from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.base.metrics import Metrics
from whimbrel.carriers.interface import Health
from whimbrel.domain.model import PRIORITY
from whimbrel.domain.trailing import Sparing
from whimbrel.domain.turns import carrier_of
from whimbrel.journey.owners import Figures
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

    def joined(self, other: "_Waiting") -> "_Waiting":
        """Both: a carrier's own lane, and those of numbers that wait for their turns there."""
        return _Waiting(self.count + other.count, min(filter(None, (self.oldest, other.oldest)), default=None))


class _Horizon(msgspec.Struct, frozen=True):
    """Columns of `log_horizon`: numbers of transactions. Readers of the log see what is below the oldest that runs."""

    oldest: int
    next: int


class Counts:
    """What one node counts for all: how much waits, and for how long the event log has stood still for its readers."""

    def __init__(self, store: Store, tables: Tables, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._tables = tables
        self._clock = clock
        self._metrics = metrics
        self._is_on = False
        self._spared = Sparing()  # a queue with a front of rows that are gone is dear to count
        self._oldest = 0
        self._since_us = 0

    async def start(self) -> None:
        """Count from now on."""
        self._is_on = True

    async def stop(self) -> None:
        """Another node counts: what was counted here holds no more."""
        self._is_on = False
        self._metrics.queue.clear()
        self._metrics.queue_age.clear()
        self._metrics.smpp_owed.set(0)
        self._metrics.log_held_back.set(0)

    async def look(self) -> None:
        """Set the gauges of what waits, where this node counts."""
        if not self._is_on:
            return
        if self._spared.is_due(self._clock.monotonic_us()):
            self._set_waiting(await self._waiting())
            self._spared.ended(self._clock.monotonic_us())
        (owed,) = await self._store.fetch(_Count, "smpp_owed_total", _COUNTED_MAX)
        self._metrics.smpp_owed.set(owed.count)
        self._metrics.log_held_back.set(await self._held_back_s())

    def _set_waiting(self, found: Mapping[tuple[str, str], _Waiting]) -> None:
        now = self._clock.now_us()
        self._metrics.queue.clear()
        self._metrics.queue_age.clear()
        for labels, waiting in found.items():
            self._metrics.queue.labels(*labels).set(waiting.count)
            self._metrics.queue_age.labels(*labels).set(max(0, now - ids.time_us(waiting.oldest or "")) / 1_000_000)

    async def _held_back_s(self) -> float:
        """For how long the oldest transaction that writes has been the same; 0 where none runs."""
        (horizon,) = await self._store.fetch(_Horizon, "log_horizon")
        now_us = self._clock.monotonic_us()
        if horizon.oldest != self._oldest or horizon.oldest >= horizon.next:
            self._oldest, self._since_us = horizon.oldest, now_us
        return (now_us - self._since_us) / SECOND_US

    async def _waiting(self) -> dict[tuple[str, str], _Waiting]:
        """What waits by lane and class."""
        found: dict[tuple[str, str], _Waiting] = {}
        for lane in await self._store.fetch(_Lane, "queue_lanes"):
            for name, priority in PRIORITY.items():
                (waiting,) = await self._store.fetch(_Waiting, "queue_class", lane.id, priority, _COUNTED_MAX)
                if waiting.count:
                    key = (_name(self._tables, carrier_of(lane.id)), name)
                    found[key] = waiting if key not in found else waiting.joined(found[key])
        return found


class Observe:
    """Sets gauges every few seconds; never per message."""

    def __init__(
        self,
        store: Store,
        tables: Tables,
        clock: Clock,
        metrics: Metrics,
        *,
        health: Callable[[], Mapping[str, Health]],
        figures: Callable[[], Figures],
    ) -> None:
        self.counts = Counts(store, tables, clock, metrics)
        self._tables = tables
        self._metrics = metrics
        self._health = health
        self._figures = figures
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
        self._look_at_carriers()
        figures = self._figures()
        self._metrics.nodes.set(figures.nodes)
        self._metrics.lease_renewal_age.set(figures.renewed_s)
        self._metrics.configuration_age.set(self._tables.age_s())
        for kind, count in figures.leases.items():
            self._metrics.leases.labels(kind).set(count)
        await self.counts.look()

    def _look_at_carriers(self) -> None:
        """Of those that this node has: what it had before is another's to tell."""
        metrics, health = self._metrics, self._health()
        for gauge in (
            metrics.window, metrics.stalled, metrics.ignored, metrics.binds, metrics.throttled, metrics.set_aside
        ):  # fmt: skip
            gauge.clear()
        for carrier_id, told in health.items():
            name = _name(self._tables, carrier_id)
            metrics.window.labels(name).set(told.in_flight)
            metrics.stalled.labels(name).set(told.stalled_s)
            metrics.ignored.labels(name).set(told.ignored)
            metrics.binds.labels(name).set(told.binds_up)
            metrics.throttled.labels(name).set(told.throttled)
            metrics.set_aside.labels(name).set(told.set_aside)


def _name(tables: Tables, carrier_id: str) -> str:
    carrier = tables.carriers.get(carrier_id)
    return carrier.name if carrier is not None else carrier_id
