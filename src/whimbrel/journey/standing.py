"""Standing: what nodes need to know of the carriers that others have. The owner of a carrier tells each second how far
its lane is served and how its binds are; the others learn from it which ranks to give (`domain/pacing.py`), and can
tell an operator how a carrier is that they do not have themselves.

Ranks are fair within a node; between nodes as far as each knows where a lane stands, which is a second old at most.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.carriers.interface import Health
from whimbrel.domain.pacing import FairRank
from whimbrel.journey.owners import Owners
from whimbrel.journey.ranks import Ranks
from whimbrel.store.interface import LaneStatus, Store, Write

_log = logging.getLogger("whimbrel.standing")
_EVERY_S: Final = 1.0
_OLD_US: Final = 10 * SECOND_US  # of a node that is gone; the next owner tells within that time

_encode = msgspec.json.Encoder().encode


class Standing:
    """One for each node, whatever its roles."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        fair: FairRank,
        owners: Owners,
        own: Callable[[], Mapping[str, Health]],
    ) -> None:
        """`own`: the carriers that run here."""
        self._store = store
        self._clock = clock
        self._fair = fair
        self._ranks = Ranks(store, fair)
        self._owners = owners
        self._own = own
        self._others: Mapping[str, LaneStatus] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Learn the ranks that are queued, then keep up with the others."""
        if not self._owners.alone:
            await self.look()
        await self._ranks.resume()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._learn())]
        if not self._owners.alone:
            self._tasks.append(loop.create_task(self._run()))

    async def stop(self) -> None:
        """Tell and learn no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def health(self) -> Mapping[str, Health]:
        """All carriers that run, here or elsewhere, by id."""
        oldest = self._clock.now_us() - _OLD_US
        others = {
            carrier_id: msgspec.json.decode(status.health, type=Health)
            for carrier_id, status in self._others.items()
            if status.at >= oldest
        }
        return others | dict(self._own())

    def is_elsewhere(self, carrier_id: str) -> bool:
        """Whether a carrier runs, and not here."""
        return carrier_id not in self._own() and carrier_id in self.health()

    async def look(self) -> None:
        """Tell how the carriers of this node stand, and learn how all others do."""
        own = self._own()
        now = self._clock.now_us()
        rows = tuple(
            (
                carrier_id,
                self._owners.node_id,
                _encode(self._fair.served(carrier_id)).decode(),
                _encode(health).decode(),
                now,
            )
            for carrier_id, health in own.items()
        )
        if rows:
            await self._store.write([Write("lane_tell", rows)])
        found = await self._store.fetch(LaneStatus, "lanes_all")
        self._others = {status.carrier_id: status for status in found if status.carrier_id not in own}
        for status in self._others.values():
            for priority, rank in msgspec.json.decode(status.served, type=dict[int, int]).items():
                self._fair.advance(status.carrier_id, priority, rank)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.look()
            except Exception:
                _log.exception("how carriers stand could not be told; trying again")

    async def _learn(self) -> None:
        while True:
            try:
                while await self._ranks.learn():
                    pass
            except Exception:
                _log.exception("queued ranks could not be read; trying again")
                await asyncio.sleep(_EVERY_S)
            else:
                return
