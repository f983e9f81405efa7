"""Sweep: what time alone brings about. Scheduled messages fall due; queued ones expire or lose their carrier; doubt and
missing receipts end at their deadline; old rows go. Each duty is a short list, again and again, never a long scan.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

import msgspec

from whimbrel.base import ids
from whimbrel.base.clock import Clock
from whimbrel.base.limits import RECEIPT_DEADLINE_S, VALIDITY_MAX_S
from whimbrel.base.metrics import Metrics
from whimbrel.domain import numbers
from whimbrel.domain.callbacks import message_options
from whimbrel.domain.carrier_kinds import settings_of
from whimbrel.domain.model import Flag, Message
from whimbrel.domain.numbers import Number
from whimbrel.domain.outcomes import at_deadline
from whimbrel.domain.pacing import FairRank
from whimbrel.domain.states import EXPIRED, FINAL, IN_DOUBT, QUEUED, REJECTED, SCHEDULED, SENDING, SENT, UNKNOWN
from whimbrel.domain.trailing import Sparing, Trail
from whimbrel.domain.turns import carrier_of, lane_of, sender_of
from whimbrel.journey.asking import AHEAD_US, Asking
from whimbrel.journey.follower import cursor
from whimbrel.journey.recovery import recover_strays
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Deliveries, Due, Ending, Store, Write

_log = logging.getLogger("whimbrel.sweep")
_LIST = 500
_SECOND_US = 1_000_000
_NOT_SENT = frozenset({SCHEDULED, QUEUED, SENDING})
_CAMPAIGN = "campaign"  # the door of its messages, which asks again whether it runs
_RECEIPT_CURSOR = "receipt_deadline"
_LAG_US = 60 * _SECOND_US  # what comes in behind, as after a withdrawal, does so within that time
_Found = TypeVar("_Found")


class _Lane(msgspec.Struct, frozen=True):
    id: str


class _Place(msgspec.Struct, frozen=True):
    """Where a message stands in its lane. Columns of `queue_page`."""

    priority: int
    rank: int
    message_id: str


_FRONT = _Place(-1, 0, "")


class _Unreceipted(msgspec.Struct, frozen=True):
    id: str
    state: str
    expires_at: int


class Sweep:
    """The duties of time; one for each installation at work."""

    def __init__(
        self,
        *,
        store: Store,
        tables: Tables,
        clock: Clock,
        fair: FairRank,
        metrics: Metrics,
        queued: Callable[[Collection[str]], None],
        runs_elsewhere: Callable[[str], bool],
        asking: Asking,
        purge_before: Callable[[int], dict[str, int]],
    ) -> None:
        self._store = store
        self._tables = tables
        self._clock = clock
        self._fair = fair
        self._metrics = metrics
        self._queued = queued
        self._runs_elsewhere = runs_elsewhere
        self._asking = asking
        self._purge_before = purge_before
        self._duties: list[tuple[float, Callable[[], Awaitable[bool]]]] = [
            (0.5, self.fall_due),
            (2.0, self.expire),
            (2.0, self.reroute_strays),
            (5.0, self.give_up),
            (60.0, self.miss_receipts),
            (15.0, self.flush_parts),
            (60.0, self.purge),
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._trails = {name: Trail((0,), _LAG_US) for name in ("due", "expired", "overdue")}
        self._lanes_spared = Sparing()
        self._lanes: frozenset[str] = frozenset()  # those in which something waited when all were last looked for
        self._strays: dict[str, _Place] = {}  # how far each lane that nobody works has been looked at

    async def start(self) -> None:
        """Begin all duties."""
        await self._tables.current()  # one that another node has just added has attempts under way
        await recover_strays(self._store, self._clock, self._tables.carriers)
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._repeat(every_s, duty)) for every_s, duty in self._duties]

    async def stop(self) -> None:
        """End all duties."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, every_s: float, duty: Callable[[], Awaitable[bool]]) -> None:
        while True:
            try:
                while await duty():
                    pass
            except Exception:
                _log.exception("a duty failed; trying again", extra={"duty": duty.__name__})
            await asyncio.sleep(every_s)

    async def fall_due(self) -> bool:
        """Scheduled messages whose time has come: screened, routed and priced by the tables of now."""
        return await self._enter(await self._behind("due", self._store.due, self._clock.now_us()), SCHEDULED)

    async def _behind(
        self, name: str, look: Callable[[int, int, int], Awaitable[list[_Found]]], now: int
    ) -> list[_Found]:
        """What has passed its time, the oldest first; where looking at the front is dear, mostly from a place that was
        looked at some time ago."""
        trail = self._trails[name]
        begun = trail.begin(self._clock.monotonic_us())
        found = await look(now, _LIST, begun[0])
        if len(found) < _LIST:
            trail.ended((now,), self._clock.monotonic_us())
        return found

    async def reroute_strays(self) -> bool:
        """Queued messages whose carrier is paused or gone take another route; without one they wait for it. A list of
        each lane at a time, going on behind it the next time: those that have to wait hide no others."""
        known = self._tables.carriers
        active = {carrier.id for carrier in known.values() if carrier.status == "active"}
        if self._lanes_spared.is_due(self._clock.monotonic_us()):
            self._lanes = frozenset([lane.id for lane in await self._store.fetch(_Lane, "queue_lanes")])
            self._lanes_spared.ended(self._clock.monotonic_us())
        limits = self._tables.pools.limits
        lanes = sorted(
            lane
            for lane in self._lanes | known.keys()
            if carrier_of(lane) not in active or (lane not in known and sender_of(lane) not in limits)
        )
        self._strays = {lane: self._strays.get(lane, _FRONT) for lane in lanes}
        more = [await self._reroute(lane) for lane in lanes]
        return any(more)

    async def _reroute(self, lane: str) -> bool:
        after = self._strays[lane]
        place = (after.priority, after.rank, after.message_id)
        found = await self._store.fetch(_Place, "queue_page", lane, *place, _LIST)
        self._strays[lane] = found[-1] if len(found) == _LIST else _FRONT
        messages = await self._store.messages([stray.message_id for stray in found])
        now = self._clock.now_us()
        return await self._enter([message for message in messages if message.expires_at > now], QUEUED)

    async def _enter(self, messages: Sequence[Message], state: str) -> bool:
        now = self._clock.now_us()
        due: list[Due] = []
        endings: list[Ending] = []
        for message in messages:
            decided = self._decide(message, state, now)
            if isinstance(decided, Due):
                due.append(decided)
            elif decided is not None:
                endings.append(decided)
        if endings:
            await self._store.finish(endings)
        if due:
            await self._store.enqueue(due)
            self._queued({carrier_of(item.candidates.partition(" ")[0]) for item in due})
        return bool(due or endings) and len(messages) == _LIST

    def _decide(self, message: Message, state: str, now: int) -> Due | Ending | None:
        """Where a message goes now; an ending; or nothing, for a queued one that has no other carrier yet."""
        if message.expires_at <= now:
            return Ending(message.id, (state,), EXPIRED, "expired", now)
        barrier = self._tables.permissions.barrier(message)
        number = numbers.normalise(message.recipient)
        if barrier is not None or number is None:
            return Ending(message.id, (state,), REJECTED, barrier or "invalid_number", now)
        book = self._tables.senders.get(message.account_id)
        sender = None if book is None else book.find(message.sender)
        holder = None if sender is None else sender.carrier_id
        route_id, carriers = self._tables.router.pick(number, message.account_id, bool(message.test), holder)
        if not carriers and state == SCHEDULED:
            route_id, carriers = self._paused(number, message)
        if not carriers:
            return None if state == QUEUED else Ending(message.id, (state,), REJECTED, "no_route", now)
        price = self._price(message, number.digits, carriers[0])
        if price is None:
            return Ending(message.id, (state,), REJECTED, "no_price", now)
        of_campaign = state == SCHEDULED and message.door == _CAMPAIGN
        turn = self._tables.pools.turn_of(book, message.sender)
        if turn:
            lanes = " ".join(lane_of(carrier_id, turn) for carrier_id in carriers)
            return Due(message.id, lanes, route_id, price, 0, now, of_campaign)
        rank = self._fair.rank(carriers[0], message.priority, message.account_id, message.segments)
        return Due(message.id, " ".join(carriers), route_id, price, rank, now, of_campaign)

    def _paused(self, number: Number, message: Message) -> tuple[str | None, tuple[str, ...]]:
        """Route and carriers of the first route whose carriers are only paused: a message that falls due meanwhile
        waits in their queue."""
        decision = self._tables.router.candidates(number, message.account_id, bool(message.test))
        looks = [look for look in decision.considered if look.reason == "paused"]
        route_id = looks[0].route_id if looks else None
        return route_id, tuple(look.carrier_id for look in looks if look.carrier_id and look.route_id == route_id)

    def _price(self, message: Message, digits: str, carrier_id: str) -> int | None:
        """The price of now, never above the one held unless `max_price` allows it; none in another currency."""
        if message.test:
            return 0
        mms = bool(message.flags & Flag.MMS) and self._tables.takes_media(carrier_id)
        found = self._tables.prices.price(message.account_id, digits, message.segments, mms=mms)
        if found is None or found[1] != message.currency:
            return None
        ceiling = max(message.price_micros, message_options(message).max_price_micros or 0)
        return min(found[0], ceiling)

    async def expire(self) -> bool:
        """Queued messages whose validity has ended."""
        now = self._clock.now_us()
        expired = await self._behind("expired", self._store.expired, now)
        if expired:
            await self._store.finish([Ending(message_id, (QUEUED,), EXPIRED, "expired", now) for message_id in expired])
        return len(expired) == _LIST

    async def give_up(self) -> bool:
        """Doubt that nothing has resolved by its deadline becomes `unknown`; a long message of which only some segments
        were reported, all of them delivered, becomes `delivered`."""
        now = self._clock.now_us()
        overdue = await self._behind("overdue", self._store.overdue, now)
        if await self._asking.after([m for m in overdue if m.state in (IN_DOUBT, SENT)]):
            overdue = await self._store.overdue(now, _LIST)
        endings = [
            Ending(m.id, (m.state,), *at_deadline(m.state, m.flags, m.reason), now, self._charge(m))
            for m in overdue
            if m.state in (IN_DOUBT, SENT)
        ]
        if endings:
            await self._store.finish(endings)
        over = tuple((m.id,) for m in overdue if m.state in FINAL)
        later = tuple((m.id, _deadline(m.expires_at, now)) for m in overdue if m.state in _NOT_SENT)
        if over or later:
            await self._store.write([Write("deadline_delete", over), Write("deadline_set", later)])
        return len(overdue) == _LIST

    def _charge(self, message: Message) -> bool:
        """Whether the carrier bills what it may have."""
        carrier = self._tables.carriers.get(message.carrier_id or "")
        return carrier is not None and settings_of(carrier).charge_unknown

    async def miss_receipts(self) -> bool:
        """Sent messages that have no receipt by the deadline become `unknown`.

        No row waits for this: ids grow in time, so a cursor walks through the messages once, at the age when the last
        receipt of an ordinary message is overdue. One that is scheduled for later than that gets a deadline row.
        """
        now = self._clock.now_us()
        start = await cursor(self._store, _RECEIPT_CURSOR)
        border = now - (RECEIPT_DEADLINE_S + VALIDITY_MAX_S) * _SECOND_US
        if border <= start:
            return False
        first, last = ids.floor_id(ids.MESSAGE, start), ids.floor_id(ids.MESSAGE, border)
        found = await self._store.fetch(_Unreceipted, "messages_without_receipt", first, last, _LIST)
        overdue = [m for m in found if m.state == SENT and _deadline(m.expires_at, 0) <= now]
        if overdue:
            whole = await self._store.messages([m.id for m in overdue])
            await self._asking.after(whole)
            asked_elsewhere = {m.id for m in whole if self._runs_elsewhere(m.carrier_id or "")}
            over = [m for m in overdue if m.id not in asked_elsewhere]
            await self._store.finish([Ending(m.id, (SENT,), UNKNOWN, "no_receipt", now) for m in over])
            await self._store.write(
                [Write("deadline_set", tuple((i, now + AHEAD_US) for i in sorted(asked_elsewhere)))]
            )
        later = tuple((m.id, _deadline(m.expires_at, now)) for m in found if m not in overdue)
        has_more = len(found) == _LIST
        seen = ids.time_us(found[-1].id) if has_more else border
        cursors = ((_RECEIPT_CURSOR, seen),)
        await self._store.record_deliveries(Deliveries(cursors=cursors, also=(Write("deadline_set", later),)))
        return has_more

    async def flush_parts(self) -> bool:
        """Long inbound texts whose other parts did not come are delivered as they are."""
        if await self._store.flush_parts(self._clock.now_us()):
            await self._tables.refresh("opt_outs")  # what is left of a text may be a STOP
        return False

    async def purge(self) -> bool:
        """Rows older than their retention."""
        now = self._clock.now_us()
        return await self._store.purge(self._purge_before(now), _LIST) >= _LIST


def _deadline(expires_at: int, now: int) -> int:
    """When a message that may be sent until `expires_at` can expect no receipt any more; never in the past of `now`."""
    return max(expires_at, now) + RECEIPT_DEADLINE_S * _SECOND_US
