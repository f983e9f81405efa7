"""Deliveries: receipts and texts of phones to customers' binds. What a credential is owed waits in the store
(`journey/owed.py`) and leaves it when one of its receiving binds took it; here an `Outbox` for each credential is fed
with pages of rows and told what happens at its binds. Of several nodes that one of its binds is at, one delivers: the
one that has the lease `customer:<id>`, until its last receiving bind is gone.

A row is deleted after its answer, in lists; what a crash interrupts is delivered again: at least once.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base import faults
from whimbrel.base.clock import Clock
from whimbrel.base.metrics import Metrics
from whimbrel.domain.customer_receipts import Parcel
from whimbrel.edges.smpp.outbox import PAGE, Hooks, Outbox
from whimbrel.edges.smpp.registry import Bound, Listener, Registry, Reply
from whimbrel.journey.owed import CUSTOMER, Owed
from whimbrel.journey.owners import Owners
from whimbrel.store.interface import Store, Write

_log = logging.getLogger("whimbrel.smpp.deliveries")
_LOOK_S: Final = 0.25  # how often loads whose time has come are looked for
_RETRY_S: Final = 1.0
_ASK_US: Final = 2_000_000
_READS: Final = 4  # at once: a thousand customers who come back together must not fill the reader's queue


class _Id(msgspec.Struct, frozen=True):
    id: str


class Deliveries:
    """Outboxes of all credentials that have a receiving bind, or had one and something is remembered of it."""

    def __init__(
        self, *, store: Store, registry: Registry, owed: Owed, owners: Owners, clock: Clock, metrics: Metrics
    ) -> None:
        self._store = store
        self._owners = owners
        self._mine: set[str] = set()  # credentials whose lease this node has
        self._registry = registry
        self._owed = owed
        self._metrics = metrics
        self._clock = clock
        self._outboxes: dict[str, Outbox] = {}
        self._hooks = Hooks(self._receivers, self._read, self._over, clock.monotonic_us)
        self._over_rows: list[tuple[Outbox, int]] = []
        self._deleting: asyncio.Task[None] | None = None
        self._reads = asyncio.Semaphore(_READS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._is_subscribed = False
        self._looked_us = 0
        owners.hold("customer", self)

    async def start(self) -> None:
        """Deliver from now on; before the door for binds opens."""
        if not self._is_subscribed:
            self._is_subscribed = True
            self._registry.subscribe(Listener(self._up, self._down, self._replied, self._lost, self._has_room))
            self._owed.subscribe(self._told)
            self._store.signals.subscribe("queue", self._heard)
        self._looking = asyncio.get_running_loop().create_task(self._look())

    async def stop(self) -> None:
        """Delete what was taken, and end. The binds are gone by now: what they left stays owed."""
        ending = [task for task in (self._looking, *self._tasks) if task is not None]
        self._looking = None
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        if self._deleting is not None:
            await self._deleting
        if not self._owners.alone:
            await self._owners.hand_over("customer")

    # The credentials that this node delivers to: `owners.Holder`.

    async def gained(self, name: str, fence: int) -> None:
        """Nobody else delivers to it any more."""
        credential_id = name.removeprefix(CUSTOMER)
        self._mine.add(credential_id)
        self._begin(credential_id)

    async def lost(self, name: str, *, gracefully: bool) -> None:
        """Another node may: what was taken is deleted before it does, or it would be delivered twice."""
        credential_id = name.removeprefix(CUSTOMER)
        self._mine.discard(credential_id)
        outbox = self._outboxes.get(credential_id)
        if outbox is not None:
            outbox.forget()
            self._leave(outbox)
        if gracefully and self._deleting is not None:
            await asyncio.shield(self._deleting)

    def look(self) -> None:
        """Hand over what has become due."""
        for outbox in list(self._outboxes.values()):
            try:
                if outbox.is_waiting:
                    outbox.pump()
            except Exception:  # of one customer, which costs the others nothing
                told = {"credential_id": outbox.credential_id}
                _log.exception("what is due could not be delivered; trying again", extra=told)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            self.look()
            if not self._owners.alone and self._clock.monotonic_us() - self._looked_us >= _ASK_US:
                self._looked_us = self._clock.monotonic_us()
                await self._ask()

    async def _ask(self) -> None:
        """What another node wrote down as owed is heard of, as a rule; it is looked for all the same."""
        try:
            found = await self._store.fetch(_Id, "smpp_owed_any", sorted(self._mine)) if self._mine else []
        except Exception:
            _log.exception("what is owed could not be looked for; trying again")
        else:
            self._told([row.id for row in found])

    # What the registry and the follower tell.

    def _is_mine(self, credential_id: str) -> bool:
        return self._owners.alone or credential_id in self._mine

    def _receivers(self, credential_id: str) -> Sequence[Bound]:
        """Nobody here is delivered to while another node delivers."""
        return self._registry.receivers(credential_id) if self._is_mine(credential_id) else ()

    def _up(self, credential_id: str) -> None:
        if self._is_mine(credential_id):
            self._begin(credential_id)
        else:
            self._owners.want(CUSTOMER + credential_id)

    def _begin(self, credential_id: str) -> None:
        outbox = self._outboxes.get(credential_id)
        if outbox is None:
            outbox = self._outboxes[credential_id] = Outbox(credential_id, self._hooks, self._metrics)
        outbox.pump()

    def _down(self, credential_id: str) -> None:
        outbox = self._outboxes.get(credential_id)
        if not self._registry.receivers(credential_id):
            self._owners.want_no_more(CUSTOMER + credential_id)
        elif outbox is not None:
            outbox.pump()
            return
        if outbox is None:
            return
        outbox.forget()
        self._leave(outbox)

    def _leave(self, outbox: Outbox) -> None:
        """Keep nothing of who has gone; what is being read or deleted for him is waited for."""
        credential_id = outbox.credential_id
        is_here = self._outboxes.get(credential_id) is outbox
        if is_here and outbox.is_blank and not self._registry.receivers(credential_id):
            del self._outboxes[credential_id]

    def _heard(self, lane: str) -> None:
        if lane.startswith(CUSTOMER):
            self._told((lane.removeprefix(CUSTOMER),))

    def _told(self, credential_ids: Collection[str]) -> None:
        for credential_id in credential_ids:
            outbox = self._outboxes.get(credential_id)
            if outbox is not None:
                outbox.more()

    def _replied(self, bound: Bound, replies: Sequence[Reply]) -> None:
        outbox = self._outboxes.get(bound.credential_id)
        if outbox is not None:
            outbox.replied(bound, replies)

    def _lost(self, bound: Bound, tokens: Sequence[Any]) -> None:
        outbox = self._outboxes.get(bound.credential_id)
        if outbox is not None:
            outbox.lost(bound, tokens)

    def _has_room(self, bound: Bound) -> None:
        self._told((bound.credential_id,))

    # Reading and deleting.

    def _read(self, outbox: Outbox) -> None:
        task = asyncio.get_running_loop().create_task(self._bring(outbox))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bring(self, outbox: Outbox) -> None:
        epoch, behind = outbox.epoch, outbox.reached
        try:
            async with self._reads:
                parcels = await self._store.fetch(Parcel, "smpp_owed_page", outbox.credential_id, behind, PAGE)
        except Exception:
            _log.exception("what is owed could not be read", extra={"credential_id": outbox.credential_id})
            outbox.failed()
            return
        outbox.came(parcels, epoch)
        self._leave(outbox)

    def _over(self, outbox: Outbox, positions: Sequence[int]) -> None:
        self._over_rows += [(outbox, position) for position in positions]
        if self._deleting is None:
            self._deleting = asyncio.get_running_loop().create_task(self._delete())

    async def _delete(self) -> None:
        """What gathers during one commit goes with the next."""
        try:
            while self._over_rows:
                rows, self._over_rows = self._over_rows, []
                faults.hit("smpp.before_delete")
                try:
                    keys = tuple((outbox.credential_id, position) for outbox, position in rows)
                    await self._store.write([Write("smpp_owed_delete", keys)])
                except Exception:
                    _log.exception("what was delivered could not be deleted; trying again")
                    self._over_rows = rows + self._over_rows
                    await asyncio.sleep(_RETRY_S)
                    continue
                for outbox, position in rows:
                    outbox.saved(position)
                for outbox in {id(outbox): outbox for outbox, _ in rows}.values():
                    self._leave(outbox)
        finally:
            self._deleting = None
