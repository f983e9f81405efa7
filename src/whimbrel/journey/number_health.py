"""How numbers of pools do, for those who choose among them: seconds of work that wait, what is left of the day, and
what carriers said of the last hour's texts. Every node looks for itself, every few seconds, and only where there are
pools; what is told is so a moment old.
"""

import logging
from typing import Final

import msgspec

from whimbrel.base import ids
from whimbrel.base.clock import SECOND_US, Chance, Clock
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.domain.model import Sender
from whimbrel.domain.pools import Standing
from whimbrel.domain.turns import AFTER_TURN, TURN, Limits, day_of, sender_of, work_s
from whimbrel.journey.looking import Looking
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Store

_log = logging.getLogger("whimbrel.pools")
_LOOK_S: Final = 2.0
_HEALTH_EVERY: Final = 8  # looks: carriers say what they think more slowly than queues grow
_WINDOW_US: Final = 3600 * SECOND_US
_SAMPLE: Final = 200  # of its last texts
_COUNTED_MAX: Final = 100_000
_FIRST: Final = 50  # of a lane, of which the segments are counted
_DELIVERED: Final = "delivered"
BLOCKED: Final = frozenset({"filtered", "invalid_source", "carrier_rejected", "deleted_at_carrier"})
"""Reasons that are about the sender and not about the phone."""


class _Lane(msgspec.Struct, frozen=True):
    lane: str


class _Work(msgspec.Struct, frozen=True):
    """Columns of `queue_work`."""

    count: int
    first: int


class _Turn(msgspec.Struct, frozen=True, gc=False):
    """Columns of `number_turns_of`."""

    sender_id: str
    free_at: int
    day: int
    sent: int


class _Outcome(msgspec.Struct, frozen=True, gc=False):
    """Columns of `numbers_lately`."""

    state: str
    reason: str
    count: int


class NumberHealth(Looking):
    """Keeps `tables.pools.standings`."""

    def __init__(
        self, *, store: Store, tables: Tables, clock: Clock, chance: Chance, vault: Vault, metrics: Metrics
    ) -> None:
        super().__init__(_LOOK_S, _log, "numbers of pools could not be looked at", clock=clock, chance=chance)
        self._store = store
        self._tables = tables
        self._clock = clock
        self._vault = vault
        self._metrics = metrics
        self._decided: dict[str, tuple[int, int]] = {}  # delivered and blocked, by sender
        self._looks = 0

    async def look(self) -> None:
        """Once."""
        if not self._tables.pools.of_sender:
            if self._tables.pools.standings:
                self._tables.pools.standings = {}
            return
        senders = self._members()
        work = await self._work()
        sent = await self._sent([*self._tables.pools.limits])
        if self._looks % _HEALTH_EVERY == 0:
            self._decided = {sender.id: await self._lately(sender, work.get(sender.id, 0.0)) for sender in senders}
        self._looks += 1
        self._tables.pools.standings = {sender.id: self._standing(sender, work, sent) for sender in senders}
        self._count()

    def _members(self) -> list[Sender]:
        tables = self._tables
        return [
            seat.sender
            for book in tables.pools.books.values()
            for seat in {seat.sender.id: seat for pool in book.pools for seat in pool.seats}.values()
        ]

    async def _work(self) -> dict[str, float]:
        """Seconds of work by sender, over all carriers."""
        found: dict[str, float] = {}
        if not self._tables.pools.limits:
            return found
        lanes: list[_Lane] = []
        for carrier_id in self._tables.carriers:
            lanes += await self._store.fetch(_Lane, "queue_lanes_between", carrier_id + TURN, carrier_id + AFTER_TURN)
        for row in lanes:
            sender_id = sender_of(row.lane)
            (work,) = await self._store.fetch(_Work, "queue_work", row.lane, _COUNTED_MAX)
            segments = work.count * (work.first / min(work.count, _FIRST)) if work.count else 0
            limits = self._tables.pools.limits.get(sender_id, Limits())
            found[sender_id] = found.get(sender_id, 0.0) + work_s(limits, round(segments))
        return found

    async def _sent(self, senders: list[str]) -> dict[str, int]:
        """Segments of today by sender."""
        if not senders:
            return {}
        today = day_of(self._clock.now_us())
        rows = await self._store.fetch(_Turn, "number_turns_of", senders)
        return {row.sender_id: row.sent for row in rows if row.day == today}

    async def _lately(self, sender: Sender, waits_s: float) -> tuple[int, int]:
        now = self._clock.now_us()
        first = ids.floor_id(ids.MESSAGE, now - _WINDOW_US)
        last = ids.floor_id(ids.MESSAGE, now - min(int(waits_s * SECOND_US), _WINDOW_US))
        hash_ = self._vault.number_hash(sender.value)
        rows = await self._store.fetch(_Outcome, "numbers_lately", hash_, first, last, _SAMPLE)
        delivered = sum(row.count for row in rows if row.state == _DELIVERED)
        return delivered, sum(row.count for row in rows if row.reason in BLOCKED)

    def _standing(self, sender: Sender, work: dict[str, float], sent: dict[str, int]) -> Standing:
        limits = self._tables.pools.limits.get(sender.id, Limits())
        left = max(0, limits.daily_cap - sent.get(sender.id, 0)) if limits.daily_cap else None
        return Standing(work.get(sender.id, 0.0), left, *self._decided.get(sender.id, (0, 0)))

    def _count(self) -> None:
        told = self._tables.pools.standings.values()
        self._metrics.pool_numbers_sick.set(sum(each.is_sick for each in told))
        self._metrics.pool_work.set(max((each.work_s for each in told), default=0.0))
