"""Seats: how many binds a credential has at all nodes together. Each node writes how many it has itself; a bind asks
the store, which counts those of the nodes that are alive, before it is told that it is one. A process that has its
database to itself asks nobody.
"""

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from typing import Final

from whimbrel.edges.smpp.registry import Registry
from whimbrel.journey.owners import Owners
from whimbrel.store.interface import Store, Write

_log = logging.getLogger("whimbrel.smpp")
_LOOK_S: Final = 2.0
_RETRY_S: Final = 1.0
_UNKNOWN: Final = -1  # in place of a count, while one is being written


class Seats:
    """Of this node."""

    def __init__(self, store: Store, owners: Owners, registry: Registry) -> None:
        self._store = store
        self._owners = owners
        self._registry = registry
        self._asking: Counter[str] = Counter()  # binds that the store is being asked for
        self._told: dict[str, int] = {}  # what the store has of this node
        self._node_id = ""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        registry.watch(self._wake.set)

    async def take(self, credential_id: str, binds_max: int) -> bool:
        """Whether there may be one bind more. Who is told so registers it at once."""
        if self._owners.alone:
            return True
        self._asking[credential_id] += 1
        own = len(self._registry.bound(credential_id)) + self._asking[credential_id]
        try:
            is_free = await self._store.take_seat(credential_id, self._owners.node_id, own, binds_max)
            if is_free:
                self._told[credential_id] = own
            return is_free
        except Exception:  # as the gate does: without a store nothing that it sends is taken anyway
            _log.exception("a bind is not counted against those at other nodes")
            return True
        finally:
            self._asking[credential_id] -= 1
            if not self._asking[credential_id]:
                del self._asking[credential_id]
            self._wake.set()

    async def start(self) -> None:
        """Keep the store up to date."""
        if not self._owners.alone:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """The seats of a node go with it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def tell(self) -> None:
        """Write what has changed since it was last written; everything, when this is another node by now."""
        if self._node_id != self._owners.node_id:
            self._node_id = self._owners.node_id
            self._told.clear()
        known = self._registry.credentials()
        now = {i: len(self._registry.bound(i)) for i in {*known, *self._told} if i not in self._asking}
        changed = {i: count for i, count in now.items() if self._told.get(i, 0) != count}
        if not changed:
            return
        some = tuple((i, self._node_id, count) for i, count in changed.items() if count)
        none = tuple((i, self._node_id) for i, count in changed.items() if not count)
        self._told |= dict.fromkeys(changed, _UNKNOWN)
        await self._store.write([Write("seats_set", some), Write("seats_none", none)])
        written = {i: count for i, count in changed.items() if self._told[i] == _UNKNOWN}  # no bind was granted since
        self._told = {i: count for i, count in (self._told | written).items() if count}

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):  # wait_for would forget a stop that comes in the turn of a wake-up
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.tell()
            except Exception:
                _log.exception("how many binds there are could not be written; trying again")
                await asyncio.sleep(_RETRY_S)
