"""Restored: the database went back to an earlier moment, and carriers have texts that it believes to be waiting.

What waits now waited then too, and may have been sent in the time that is lost; to send it again would be to send it
twice. So it is put in doubt, as if a process had died with it on the wire: claimed, so that it has attempts by which a
receipt finds it, and no byte written. Scheduled messages that fell due meanwhile are among it. A code whose sender
asked for one more try after doubt waits again afterwards, and is sent.

To be run while no node does: one that started first would have begun to send. One that starts meanwhile is kept from
the carriers by their leases.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.base.vault import Vault
from whimbrel.domain.model import PRIORITY, Message
from whimbrel.domain.states import QUEUED
from whimbrel.domain.turns import carrier_of
from whimbrel.journey.owners import TERM_S, Owners
from whimbrel.journey.recovery import recover, recover_strays
from whimbrel.journey.tables import Tables
from whimbrel.store import cluster
from whimbrel.store.errors import StoreBusy
from whimbrel.store.interface import Answer, Claim, Store
from whimbrel.store.verbs.leases import CARRIER

_LIST = 500
_TERM_US: Final = int(TERM_S * SECOND_US)
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
        """What waits for these carriers (ids), and what was on the wire; how many messages waited. StoreBusy when a
        node works with one of the carriers: what was done before stays done."""
        while await self._fall_due():
            pass
        await self._owners.join()
        try:
            fences = await self._take(carriers)
            codes: set[str] = set()
            count = 0
            for carrier_id, fence in fences.items():
                count += await self._doubt(carrier_id, fence, codes)
            for carrier_id in fences:
                await recover(self._store, self._clock, carrier_id)
            await recover_strays(self._store, self._clock, self._tables.carriers)
        finally:
            await self._owners.leave()
        return count

    async def _take(self, carriers: Collection[str]) -> dict[str, int]:
        """The carriers' fences."""
        names = {CARRIER + carrier_id: carrier_id for carrier_id in sorted(carriers)}
        taken = await self._store.take_leases([*names], self._owners.node_id, self._clock.now_us())
        if elsewhere := [carrier_id for name, carrier_id in names.items() if name not in taken]:
            raise _busy(elsewhere[0])
        return {carrier_id: taken[name] for name, carrier_id in names.items()}

    async def _doubt(self, carrier_id: str, fence: int, codes: set[str]) -> int:
        """`codes`: those that were put in doubt before. They may wait again, for the same carrier or for another."""
        count = 0
        async for page in self._pages(carrier_id):
            await self._stay()
            found = await self._store.messages([each.message_id for each in page])
            waiting = [message for message in found if message.state == QUEUED and message.id not in codes]
            doubted = await self._claim(carrier_id, fence, waiting)
            if len(doubted) < len(waiting):
                raise _busy(carrier_id)
            codes.update(message.id for message in waiting if message.message_class == "otp")
            count += len(doubted)
        return count

    async def _stay(self) -> None:
        """Nobody takes the carriers: the work may last longer than a node is alive that does not renew."""
        if not self._owners.alone:
            until = self._clock.now_us() + _TERM_US
            await self._store.beat(self._owners.node_id, alive_until=until, draining=True)

    async def _claim(self, carrier_id: str, fence: int, messages: Sequence[Message]) -> set[str]:
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
        return {answer.message_id for answer in answers}

    async def _pages(self, lane: str) -> AsyncIterator[list[_Place]]:
        """All that waits for a carrier, as it is when its turn comes."""
        place: tuple[int, int, str] = (-1, 0, "")
        while page := await self._store.fetch(_Place, "queue_page", lane, *place, _LIST):
            yield page
            place = (page[-1].priority, page[-1].rank, page[-1].message_id)

    async def _queued(self, lane: str) -> Queued:
        ids: list[str] = []
        found: Counter[str] = Counter()
        async for page in self._pages(lane):
            found.update(_CLASS_OF.get(each.priority, str(each.priority)) for each in page)
            ids.append(min(each.message_id for each in page))
        carrier = self._tables.carriers.get(carrier_of(lane))
        first = (await self._store.messages([min(ids)]))[:1]
        since = first[0].created_at if first else 0
        return Queued(lane, carrier.name if carrier is not None else lane, dict(found), since)


def _busy(carrier_id: str) -> StoreBusy:
    return StoreBusy(f"a node works with carrier {carrier_id}: stop all of them first, and look what has been sent")
