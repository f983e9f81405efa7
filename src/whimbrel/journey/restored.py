"""Restored: the database went back to an earlier moment, and carriers have texts that it believes to be waiting.

What waits now waited then too, and may have been sent in the time that is lost; to send it again would be to send it
twice. So it is put in doubt, as if a process had died with it on the wire: claimed, so that it has attempts by which a
receipt finds it, and no byte written. Scheduled messages that fell due meanwhile are among it.

To be run while no node does: one that started first would have begun to send.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import msgspec

from whimbrel.base.clock import Clock
from whimbrel.base.vault import Vault
from whimbrel.domain.model import PRIORITY, Message
from whimbrel.journey.owners import Owners
from whimbrel.journey.recovery import recover, recover_strays
from whimbrel.journey.tables import Tables
from whimbrel.store import cluster
from whimbrel.store.interface import Answer, Claim, Store
from whimbrel.store.verbs.leases import CARRIER

_log = logging.getLogger("whimbrel.restored")
_LIST = 500
_CLASS_OF = {priority: name for name, priority in PRIORITY.items()}


class _Lane(msgspec.Struct, frozen=True):
    id: str


class _Place(msgspec.Struct, frozen=True):
    """Columns of `queue_page`."""

    priority: int
    rank: int
    message_id: str


class Queued(msgspec.Struct, frozen=True):
    """What waits for one carrier. `since`: when the first of it was accepted (UTC microseconds)."""

    carrier_id: str
    carrier: str
    by_class: Mapping[str, int]
    since: int

    @property
    def count(self) -> int:
        """All classes."""
        return sum(self.by_class.values())


class Standing(msgspec.Struct, frozen=True):
    """What a restored database believes. `as_of`: its newest event (UTC microseconds), None when it has none.
    `unanswered`: attempts that were on the wire then. `alive`: names of nodes that use it now."""

    as_of: int | None
    queued: Sequence[Queued]
    unanswered: int
    alive: Sequence[str]


class Restored:
    """Looks, and puts in doubt. `fall_due` queues a list of what was scheduled until now; False when that was all."""

    def __init__(
        self,
        *,
        store: Store,
        tables: Tables,
        vault: Vault,
        clock: Clock,
        owners: Owners,
        fall_due: Callable[[], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._tables = tables
        self._vault = vault
        self._clock = clock
        self._owners = owners
        self._fall_due = fall_due

    async def standing(self) -> Standing:
        """As it is; nothing is changed."""
        newest = await self._store.events_after(await self._store.last_position() - 1, 1)
        nodes = [] if self._owners.alone else await cluster.nodes(self._store, self._clock.now_us())
        queued = [await self._queued(lane.id) for lane in await self._store.fetch(_Lane, "queue_lanes")]
        unanswered = await self._store.unanswered()
        return Standing(
            newest[0].created_at if newest else None, queued, len(unanswered), [node.name for node in nodes]
        )

    async def put_in_doubt(self, carriers: Collection[str]) -> int:
        """What waits for these carriers (ids), and what was on the wire; how many messages."""
        while await self._fall_due():
            pass
        await self._owners.join()
        try:
            count = 0
            for carrier_id in sorted(carriers):
                await recover(self._store, self._clock, carrier_id)
                count += await self._doubt(carrier_id)
            await recover_strays(self._store, self._clock, self._tables.carriers)
        finally:
            await self._owners.leave()
        return count

    async def _doubt(self, carrier_id: str) -> int:
        name, count = CARRIER + carrier_id, 0
        taken = await self._store.take_leases([name], self._owners.node_id, self._clock.now_us())
        while ids := await self._store.queued(carrier_id, _LIST):
            messages = await self._store.messages(ids)
            doubted = await self._claim(carrier_id, taken.get(name, 0), messages)
            if not doubted:
                _log.error(
                    "what is left in a queue cannot be claimed", extra={"carrier": carrier_id, "count": len(ids)}
                )
                break
            count += doubted
        return count

    async def _claim(self, carrier_id: str, fence: int, messages: Sequence[Message]) -> int:
        now = self._clock.now_us()
        claims = [Claim(m.id, carrier_id, m.segments, self._vault.tail_hash(m.recipient), now, fence) for m in messages]
        attempts = await self._store.claim(claims)
        answers = [
            Answer(
                attempt=attempt,
                message_id=claim.message_id,
                carrier_id=carrier_id,
                kind="in_doubt",
                at=now,
                reason="crash",
                tail_hash=claim.tail_hash,
            )
            for claim, numbers in zip(claims, attempts or (), strict=True)
            for attempt in numbers
        ]
        if answers:
            await self._store.record_answers(answers)
        return len({answer.message_id for answer in answers})

    async def _queued(self, lane: str) -> Queued:
        ids: list[str] = []
        found: Counter[str] = Counter()
        place: tuple[int, int, str] = (-1, 0, "")
        while page := await self._store.fetch(_Place, "queue_page", lane, *place, _LIST):
            found.update(_CLASS_OF.get(each.priority, str(each.priority)) for each in page)
            ids.append(min(each.message_id for each in page))
            place = (page[-1].priority, page[-1].rank, page[-1].message_id)
        carrier = self._tables.carriers.get(lane)
        first = (await self._store.messages([min(ids)]))[:1]
        since = first[0].created_at if first else 0
        return Queued(lane, carrier.name if carrier is not None else lane, dict(found), since)
