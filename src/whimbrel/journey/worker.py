"""The worker: one lane for each carrier. A lane takes what waits, in order, as fast as its carrier has places, commits
the attempts, and only then lets the bytes leave.

A crash leaves in doubt at most what is on the wire and what was committed ahead of it: a lane claims no more than the
carrier has room for, less the answers that came back and are not stored yet.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence

from whimbrel.base import faults
from whimbrel.base.clock import Clock
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.carriers.interface import CarrierLink, Handlers, Health, Part, Reply, Report
from whimbrel.domain.model import MARKETING, OTP, TRANSACTIONAL, Carrier, Message
from whimbrel.domain.pacing import FairRank
from whimbrel.journey.answer import Answers
from whimbrel.journey.choose import Ready, decide, fit, within
from whimbrel.journey.elsewhere import Elsewhere
from whimbrel.journey.holding import Holding
from whimbrel.journey.inbound import InboundTexts
from whimbrel.journey.numbers import Means, Numbers
from whimbrel.journey.owners import Owners
from whimbrel.journey.receipt import Receipts
from whimbrel.journey.recent import Queued, Recent
from whimbrel.journey.recovery import Unsent, recover
from whimbrel.journey.submit import octets, parts
from whimbrel.journey.tables import Tables
from whimbrel.store.errors import CommitUnknown
from whimbrel.store.interface import Basis, Claim, Store
from whimbrel.store.verbs.leases import CARRIER

_log = logging.getLogger("whimbrel.worker")
_CLAIM_MAX = 500  # messages in one claim: a commit of that size stays well under 10 ms
_RETRY_S = 1.0  # after the store refused a claim
_LOOK_S = 1.0
_STOP_S = 10.0  # for the answers under way
_LAST_S = 2.0  # to store the last answers, at least

Build = Callable[[Carrier, Handlers], CarrierLink]


class Lane:
    """The queue of one carrier and the carrier itself, under the lease of that fence."""

    def __init__(self, worker: "Worker", carrier: Carrier, fence: int) -> None:
        self._worker = worker
        self.carrier = carrier
        self.fence = fence
        self._wake = asyncio.Event()
        self._answers = Answers(
            carrier,
            store=worker.store,
            clock=worker.clock,
            metrics=worker.metrics,
            requeued=lambda: worker.queued(None),
            stored=self._has_room,
        )
        self._reserved = 0  # segments whose claims accept is committing
        self._unseen = True  # the queue may hold what no look at it has found yet
        self._behind = True  # more waits there than the carrier has places for: nobody passes it
        self._first = self._told = OTP  # the most urgent class of which something may wait there; and told since a look
        self._returned = asyncio.Event()
        self._recent = Recent(worker.store, carrier.id, worker.fair, worker.clock)
        self._claimed_in = worker.metrics.step.labels("claim")
        self.link = worker.build(carrier, self._handlers())
        self._takes_whole = self.link.settings.long_messages == "payload"
        self.takes_media = self.link.settings.media
        means = Means(worker.store, worker.tables, worker.clock, worker.vault, worker.unsent, worker.holding)
        self._numbers = Numbers(carrier.id, self, means)
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def _handlers(self) -> Handlers:
        carrier_id = self.carrier.id
        return Handlers(
            replies=self.on_replies,
            reports=self._on_reports,
            inbound=lambda texts: self._worker.inbound.take(carrier_id, texts),
            room=self._has_room,
            may_submit=lambda: self._worker.may_submit(carrier_id, self.fence),
        )

    def start(self) -> None:
        """Connect, and begin to take from the queue."""
        self.link.start()
        self._numbers.start()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def wake(self, first: int = OTP, *, again: bool = False) -> None:
        """Something may wait in the queue, of this class or less urgent. `again`: come back, or from another lane."""
        if again:
            self._recent.look_at_front()
        self._unseen = True
        self._may_wait(first)
        self._wake.set()
        self._numbers.wake()

    def in_turn(self, messages: Sequence[Message]) -> None:
        """These wait for turns of their numbers."""
        self._numbers.noticed(messages)

    def queued(self, messages: Sequence[Message]) -> None:
        """These wait in the queue."""
        self._recent.add(messages)
        self.wake(min([message.priority for message in messages], default=OTP))

    # what goes straight through (see `straight.py`)

    def places(self, priority: int = TRANSACTIONAL) -> int:
        """Segments of a class that may be claimed without a place in the queue: none while something of the class, or
        of one that is more urgent, waits there."""
        return 0 if self._stopping or (self._behind and self._first <= priority) else self.room(priority)

    def reserve(self, segments: int) -> None:
        """Places for claims whose commit is under way."""
        self._reserved += segments

    def release(self, segments: int) -> None:
        """They were handed over, or not committed."""
        self._reserved -= segments
        if self._stopping and not self._reserved:
            self._returned.set()

    def falls_behind(self, priority: int) -> None:
        """Messages of a class are about to be queued for want of a place: the next ones queue behind them, until a look
        at the queue finds that it is short."""
        self._behind = True
        self._may_wait(priority)

    def _may_wait(self, priority: int) -> None:
        self._first, self._told = min(self._first, priority), min(self._told, priority)

    def build(self, message: Queued) -> tuple[bytes, ...]:
        """The octets of its parts as the carrier takes them; raises when they cannot be built."""
        return octets(message, self._worker.vault, whole=self._takes_whole, media=self.takes_media)

    def send(self, ready: Sequence[Part], priority: int, rank: int) -> None:
        """Parts whose attempts are committed go to the carrier; `priority` and `rank` are the last message's."""
        self._worker.fair.advance(self.carrier.id, priority, rank)
        self._worker.metrics.submitted.labels(self.carrier.name).inc(len(ready))
        self.link.submit(ready)

    def room(self, priority: int = TRANSACTIONAL) -> int:
        """Segments of a class that the carrier has places for, those excepted that are on their way to it."""
        return self.link.room(priority) - self._answers.waiting - self._reserved

    async def stop(self, deadline_s: float) -> None:
        """Claim no more, let the carrier finish, store its last answers. Claims under way are waited for and not
        cancelled: their attempts would be committed, and neither written nor given back. Without any time the binds are
        cut first: another node may have the carrier already."""
        self._stopping = True
        self._wake.set()
        if deadline_s <= 0:
            await self.link.stop(0.0)
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        await self._numbers.stop()
        if self._reserved:
            await self._returned.wait()
        await self.link.stop(deadline_s)
        try:
            async with asyncio.timeout(max(deadline_s, _LAST_S)):
                await self._answers.drain()
        except TimeoutError:
            _log.error("the last answers could not be stored", extra={"carrier": self.carrier.name})

    async def _run(self) -> None:
        while not self._stopping:
            await self._woken()
            try:
                while not self._stopping and await self._turn():
                    pass
            except Exception:
                _log.exception("lane failed; trying again", extra={"carrier": self.carrier.name})
                await asyncio.sleep(_RETRY_S)
                self.wake()

    async def _woken(self) -> None:
        """A wake-up only shortens the wait: the queue is the truth, and is looked at every second."""
        look = asyncio.get_running_loop().call_later(_LOOK_S, self.wake)
        await self._wake.wait()
        look.cancel()
        self._wake.clear()

    async def _turn(self) -> bool:
        """Claim and submit one list; False when nothing waits or there is no room."""
        room = self.room(self._first) if self._unseen or self._behind else 0
        waiting = await self._head(min(room, _CLAIM_MAX)) if room > 0 else []
        if not waiting:
            return False
        basis = self._worker.tables.basis
        if self._worker.tables.pools.limits and await self._numbers.divert(waiting):
            self._unseen = True
            return True
        if waiting[-1].priority == MARKETING:  # they are in the order of their classes
            waiting, held = await self._worker.holding.again(waiting)
            self._unseen |= held
            if not waiting:
                return True
        faults.hit("worker.after_claim")
        sendable, endings = decide(waiting, self.build, tables=self._worker.tables, now=self._worker.clock.now_us())
        if endings:
            if await self._has_changed(basis):
                return True
            await self._worker.store.finish(endings)
        chosen = [] if self._stopping else fit(sendable, room)
        self._behind |= len(chosen) < len(sendable)
        if chosen and not await self._submit(chosen, basis) and not await self._has_changed(basis):
            await asyncio.sleep(_RETRY_S)  # all were taken back meanwhile; a row that stays behind must not spin
        return bool(chosen or endings)

    async def _head(self, wanted: int) -> list[Queued]:
        """The head of the queue, with no more marketing than leaves the last places to others."""
        self._unseen, self._told = False, MARKETING
        found = await self._recent.head(wanted)
        self._behind = len(found) == wanted
        self._first = min(self._told, found[0].priority if found else MARKETING)
        count = within(found, self.room(MARKETING)) if found and found[-1].priority == MARKETING else len(found)
        self._behind |= count < len(found)
        self._recent.put_back(found[count:])
        return found[:count]

    async def _has_changed(self, basis: Basis | None) -> bool:
        """Whether what was decided with has changed meanwhile: what waits is then to be decided on again."""
        await self._worker.tables.current()
        changed = self._worker.tables.basis != basis
        if changed:
            self._unseen = True
        return changed

    async def _submit(self, messages: Sequence[Ready], basis: Basis | None) -> int:
        """Commit the attempts and hand them to the carrier; how many segments."""
        worker, now = self._worker, self._worker.clock.now_us()
        claims = [
            Claim(m.id, self.carrier.id, len(built), worker.vault.tail_hash(m.recipient), now, self.fence)
            for m, built in messages
        ]
        segments = sum(claim.parts for claim in claims)
        self.reserve(segments)
        try:
            with self._claimed_in.time():
                committed = await worker.store.claim(
                    claims, basis, [(m.account_id, m.recipient_hash) for m, _ in messages]
                )
        except CommitUnknown as error:
            worker.unsent.take_back({claim.message_id: claim.at for claim in claims}, error)
            raise
        finally:
            self.release(segments)
        if committed is None:
            return 0
        faults.hit("worker.after_attempt")
        ready: list[Part] = []
        for (message, built), claim, attempts in zip(messages, claims, committed, strict=True):
            if attempts:
                ready += parts(message, built, attempts, claim.tail_hash, media=self.takes_media)
        last, _ = messages[-1]
        self.send(ready, last.priority, last.rank)
        return len(ready)

    def on_replies(self, replies: Sequence[Reply]) -> None:
        """Store what the carrier said; called from its reader, so it only hands over."""
        if replies:
            faults.hit("carrier.after_answer")
            self._answers.add(replies, self.link.settings.message_id)

    async def _on_reports(self, reports: Sequence[Report]) -> None:
        """Receipts go after the answers that came before them: one that overtook its answer would be parked first."""
        await self._answers.handed_over()
        await self._worker.receipts.take(self.carrier.id, reports)

    def _has_room(self) -> None:
        """Places became free: worth a turn only where something may wait for them."""
        if self._unseen or self._behind:
            self._wake.set()


class Worker:
    """The lanes of the carriers that this node has; follows the carriers' table, so that adding, changing or pausing
    one needs no restart."""

    def __init__(
        self,
        *,
        store: Store,
        tables: Tables,
        clock: Clock,
        vault: Vault,
        fair: FairRank,
        metrics: Metrics,
        build: Build,
        receipts: Receipts,
        inbound: InboundTexts,
        owners: Owners,
    ) -> None:
        self.store = store
        self.tables = tables
        self.clock = clock
        self.vault = vault
        self.fair = fair
        self.metrics = metrics
        self.build = build
        self.receipts = receipts
        self.inbound = inbound
        self.unsent = Unsent(store, clock)
        self.holding = Holding(store, tables, clock, vault, metrics)
        self.stop_s = _STOP_S
        """How long a lane that is given up may take for the answers under way."""
        self._owners = owners
        self._fences: dict[str, int] = {}  # of the carriers that this node has, paused ones too
        self._lanes: dict[str, Lane] = {}
        self._others: dict[str, Elsewhere] = {}
        self._changing = asyncio.Lock()

    # The carriers that this node has: `owners.Holder`.

    async def gained(self, name: str, fence: int) -> None:
        """A carrier is this node's: what its owner before left without an answer is in doubt, then its lane runs."""
        carrier_id = name.removeprefix(CARRIER)
        await recover(self.store, self.clock, carrier_id, lambda: self.may_submit(carrier_id, fence))
        self._fences[carrier_id] = fence
        await self.follow()

    async def lost(self, name: str, *, gracefully: bool) -> None:
        """A carrier is this node's no more: its lane finishes first, or stops where it is."""
        carrier_id = name.removeprefix(CARRIER)
        self._fences.pop(carrier_id, None)
        lane = self._lanes.pop(carrier_id, None)
        if lane is not None:
            await lane.stop(self.stop_s if gracefully else 0.0)
        async with self._changing:
            pass  # one of its lanes that a change of settings ends has ended too

    def may_submit(self, carrier_id: str, fence: int) -> bool:
        """Whether octets may leave to a carrier now, under the lease of that fence."""
        name = CARRIER + carrier_id
        return self._owners.may_submit(name) and self._owners.fence(name) == fence

    def start(self) -> None:
        """Follow changes of the carriers."""
        self.tables.subscribe("carriers", self._carriers_changed)

    def wake(self, carrier_id: str) -> None:
        """Something was queued for a carrier; without an id, for any."""
        for lane in self._lanes.values() if not carrier_id else [self._lanes.get(carrier_id)]:
            if lane is not None:
                lane.wake(again=not carrier_id)

    def queued(self, carriers: Collection[str] | None) -> None:
        """Messages were queued for these carriers (None: any): wake their lanes, wherever they are."""
        for carrier_id in [""] if carriers is None else carriers:
            self.wake(carrier_id)
            if carrier_id not in self._lanes:
                self.store.signals.send("queue", carrier_id)

    def lane(self, carrier_id: str) -> Lane | None:
        """The lane of a carrier that runs here."""
        return self._lanes.get(carrier_id)

    def way(self, carrier_id: str) -> "Lane | Elsewhere":
        """The lane of a carrier, wherever it is."""
        lane = self._lanes.get(carrier_id) or self._others.get(carrier_id)
        if lane is None:
            lane = self._others[carrier_id] = Elsewhere(lambda: self.store.signals.send("queue", carrier_id))
        return lane

    def health(self) -> Mapping[str, Health]:
        """Running carriers by id."""
        return {carrier_id: lane.link.health() for carrier_id, lane in self._lanes.items()}

    async def follow(self) -> None:
        """Make the lanes what the table says: stop what went or changed, start what is new. Of the carriers that this
        node has, and no others."""
        async with self._changing:
            wanted = {c.id: c for c in self.tables.carriers.values() if c.status == "active" and c.id in self._fences}
            gone = [lane for lane in self._lanes.values() if wanted.get(lane.carrier.id) != lane.carrier]
            for lane in gone:
                del self._lanes[lane.carrier.id]
            stopped = await asyncio.gather(*(lane.stop(_STOP_S) for lane in gone), return_exceptions=True)
            for trouble in filter(None, stopped):
                _log.error("a lane did not stop cleanly", exc_info=trouble)
            for carrier_id, carrier in wanted.items():
                fence = self._fences.get(carrier_id)
                if carrier_id not in self._lanes and fence is not None:
                    self._add(carrier, fence)

    def _add(self, carrier: Carrier, fence: int) -> None:
        try:
            self._lanes[carrier.id] = lane = Lane(self, carrier, fence)
        except Exception:  # such as a password of another master key: no reason to keep the others from working
            _log.exception("a carrier cannot be worked; change it", extra={"carrier": carrier.name})
            return
        lane.start()
        lane.wake()

    def _carriers_changed(self) -> None:
        task = asyncio.get_running_loop().create_task(self.follow())
        task.add_done_callback(_report)


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("carriers could not be changed", exc_info=task.exception())
