"""Numbers: those of one lane that have a rate or a quota. What they send waits in lanes of their own beside the
carrier's, so that a slow number stops nobody behind it; each is looked at when its turn comes, and what it may send
leaves in the order of classes and ids.

A turn is taken in the commit of its claims (`store/verbs/turns.py`), which holds the rate over all lanes and nodes;
here it is counted once more from the moment when the texts left, because that is when the carrier sees it: what waits
for a place in a full window, or for the carrier's own rate, would else leave together with the turns after it. Costs
nothing where no number has a limit.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from whimbrel.base import faults
from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.base.vault import Vault
from whimbrel.carriers.interface import CarrierLink, Part
from whimbrel.domain.model import MARKETING, Message
from whimbrel.domain.states import QUEUED, REJECTED
from whimbrel.domain.turns import (
    AFTER_TURN,
    TURN,
    Limits,
    Pace,
    carrier_of,
    day_of,
    lane_of,
    next_day_us,
    pace_of,
    sender_of,
)
from whimbrel.journey.choose import Ready, decide
from whimbrel.journey.holding import Holding
from whimbrel.journey.recent import Queued
from whimbrel.journey.recovery import Unsent
from whimbrel.journey.submit import parts
from whimbrel.journey.tables import Tables
from whimbrel.store.errors import CommitUnknown
from whimbrel.store.interface import Basis, Claim, Due, Ending, Store, Turn

_log = logging.getLogger("whimbrel.worker")
_LOOK_S: Final = 1.0
_RETRY_S: Final = 1.0
_APART_S: Final = 0.02  # between two looks: numbers whose turns are close together go in one commit
_AT_ONCE: Final = 64  # numbers of one commit


class NumberLane(Protocol):
    """What this needs of the lane of the carrier."""

    @property
    def fence(self) -> int: ...
    @property
    def link(self) -> CarrierLink: ...
    def room(self) -> int: ...
    def build(self, message: Queued) -> tuple[bytes, ...]: ...
    def reserve(self, segments: int) -> None: ...
    def release(self, segments: int) -> None: ...
    def send(self, ready: Sequence[Part], priority: int, rank: int) -> None: ...


class Means(msgspec.Struct, frozen=True):
    """What all of them share."""

    store: Store
    tables: Tables
    clock: Clock
    vault: Vault
    unsent: Unsent
    holding: Holding


class _Lane(msgspec.Struct, frozen=True):
    lane: str


class _Known(msgspec.Struct, frozen=True, gc=False):
    """Columns of `number_turns_of`."""

    sender_id: str
    free_at: int
    day: int
    sent: int


class _Number:
    """One number with something to send here: when it is free, and how much of a day it has sent."""

    __slots__ = ("day", "free_at", "handed_over", "is_known", "is_used_up", "rests_us", "sent")

    def __init__(self) -> None:
        self.handed_over: frozenset[str] = frozenset()  # messages of its last turn that had not left
        self.rests_us = 0  # after them
        self.free_at = 0
        self.day = 0
        self.sent = 0
        self.is_known = False
        self.is_used_up = False

    def rest(self, now_us: int) -> None:
        """Its day is used up."""
        self.is_used_up = True
        self.free_at = next_day_us(now_us)

    def look_again(self) -> None:
        """Quotas have changed: what was used up may not be any more."""
        if self.is_used_up:
            self.is_used_up, self.is_known, self.free_at = False, False, 0

    def has_left(self, unsent: frozenset[str], now_us: int) -> bool:
        """Whether its last turn is on the wire; its rest begins when that is first seen."""
        if not self.handed_over:
            return True
        if self.handed_over.isdisjoint(unsent):
            self.handed_over = frozenset()
            self.free_at = now_us + self.rests_us
        else:
            self.free_at = now_us + int(_APART_S * SECOND_US)
        return False

    def left(self, cap: int, now_us: int) -> int:
        """Segments of its quota; many without one."""
        if not cap:
            return 1 << 30
        return max(0, cap - (self.sent if self.day == day_of(now_us) else 0))


class Going(msgspec.Struct, frozen=True):
    """What one number sends in its turn."""

    turn: Turn
    pace: Pace
    messages: Sequence[Ready]


class Numbers:
    """The numbers that wait for turns in the lane of one carrier."""

    def __init__(self, carrier_id: str, lane: NumberLane, means: Means) -> None:
        self._carrier_id = carrier_id
        self._lane = lane
        self._means = means
        self._waiting: dict[str, _Number] = {}
        self._commit_us = 0  # how long a commit takes: other nodes count a turn from when its texts leave, too
        self._limits = means.tables.pools.limits
        self._wake = asyncio.Event()
        self._unseen = True  # something may wait that was not noticed
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Claim no more; a claim under way is waited for."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def noticed(self, messages: Sequence[Message]) -> None:
        """These were queued for turns of their numbers."""
        for message in messages:
            self._waiting.setdefault(sender_of(message.candidates.partition(" ")[0]), _Number())
        self._wake.set()

    async def divert(self, waiting: Sequence[Queued]) -> bool:
        """Whether some of these wait in the carrier's own lane though their number has got a rate or a quota since:
        they wait for its turns from now on."""
        tables = self._means.tables
        found = [(m.id, tables.pools.turn_of(tables.senders.get(m.account_id), m.sender)) for m in waiting]
        turns = {id_: turn for id_, turn in found if turn}
        if not turns:
            return False
        now = self._means.clock.now_us()
        queued = [each for each in await self._means.store.messages(list(turns)) if each.state == QUEUED]
        if queued:
            await self._means.store.enqueue([_diverted(each, turns[each.id], now) for each in queued])
            self.wake()
        return bool(queued)

    def wake(self) -> None:
        """Something may wait here that another node has queued."""
        if self._means.tables.pools.limits:
            self._unseen = True
            self._wake.set()

    async def _run(self) -> None:
        while not self._stopping:
            await self._pause()
            if self._stopping or not self._means.tables.pools.limits:
                continue
            try:
                await self._look()
                await self._turn()
            except Exception:
                _log.exception("numbers could not take their turns; trying again", extra={"carrier": self._carrier_id})
                await asyncio.sleep(_RETRY_S)

    async def _pause(self) -> None:
        """Until the next turn, or until something comes."""
        now = self._means.clock.now_us()
        first = min((number.free_at for number in self._waiting.values()), default=now + SECOND_US)
        wait_s = min(_LOOK_S, max(_APART_S, (first - now) / SECOND_US))
        look = asyncio.get_running_loop().call_later(wait_s, self._wake.set)
        if wait_s == _LOOK_S:
            self._unseen = True
        await self._wake.wait()
        look.cancel()
        self._wake.clear()

    async def _look(self) -> None:
        """Find the numbers for which something waits, and what is known of them."""
        store, limits = self._means.store, self._means.tables.pools.limits
        if limits is not self._limits:
            self._limits = limits
            for number in self._waiting.values():
                number.look_again()
        if self._unseen:
            self._unseen = False
            bounds = (self._carrier_id + TURN, self._carrier_id + AFTER_TURN)
            for row in await store.fetch(_Lane, "queue_lanes_between", *bounds):
                self._waiting.setdefault(sender_of(row.lane), _Number())
        unknown = [sender_id for sender_id, number in self._waiting.items() if not number.is_known]
        if unknown:
            await self._learn(unknown)

    async def _learn(self, senders: Sequence[str]) -> None:
        for row in await self._means.store.fetch(_Known, "number_turns_of", senders):
            number = self._waiting[row.sender_id]
            number.free_at, number.day, number.sent = max(number.free_at, row.free_at), row.day, row.sent
        for sender_id in senders:
            self._waiting[sender_id].is_known = True

    async def _turn(self) -> None:
        """Claim and send what numbers may send now."""
        now = self._means.clock.now_us()
        basis = self._means.tables.basis
        going: list[Going] = []
        room = self._lane.room()
        for sender_id in self._due(now):
            if room <= 0:
                break
            one = await self._head(sender_id, now, room)
            if one is not None:
                going.append(one)
                room -= one.turn.segments
        if going:
            await self._submit(going, basis)

    def _due(self, now: int) -> list[str]:
        """Numbers whose turn it is, those that have waited longest for it first."""
        unsent: frozenset[str] | None = None
        due: list[tuple[int, str]] = []
        for sender_id, number in self._waiting.items():
            if number.free_at > now:
                continue
            if number.handed_over and unsent is None:
                unsent = self._lane.link.unsent()
            if number.has_left(unsent or frozenset(), now):
                due.append((number.free_at, sender_id))
        return [sender_id for _, sender_id in sorted(due)[:_AT_ONCE]]

    async def _head(self, sender_id: str, now: int, room: int) -> Going | None:
        """What one number sends now; None when nothing waits for it any more, or its day is used up."""
        number, means = self._waiting[sender_id], self._means
        limits = means.tables.pools.limits.get(sender_id, Limits())
        pace = pace_of(limits.rate_per_min)
        wanted = min(pace.burst, room, number.left(limits.daily_cap, now))
        if wanted <= 0:
            number.rest(now)
            return None
        waiting: list[Queued] = [*await means.store.waiting(lane_of(self._carrier_id, sender_id), wanted)]
        if not waiting:
            del self._waiting[sender_id]
            return None
        if waiting[-1].priority == MARKETING:
            waiting, held = await means.holding.again(waiting)
            if held:
                return None  # what may be sent is looked at the next time
        basis = means.tables.basis
        sendable, endings = decide(waiting, self._lane.build, tables=means.tables, now=now)
        if limits.daily_cap:
            sendable, too_long = _without_too_long(sendable, limits.daily_cap, now)
            endings += too_long
        if endings:
            await means.tables.current()
            if means.tables.basis == basis:  # else somebody may have opted in again at another node
                await means.store.finish(endings)
        chosen = _fitting(sendable, wanted)
        if not chosen:
            return None
        segments = sum(len(built) for _, built in chosen)
        if segments > number.left(limits.daily_cap, now):
            number.rest(now)  # a long text that is more than what is left of the day
            return None
        free_at = pace.after(number.free_at, now + self._commit_us, segments)
        account_id = chosen[0][0].account_id
        turn = Turn(sender_id, account_id, now, free_at, day_of(now), segments, limits.daily_cap)
        return Going(turn, pace, chosen)

    async def _submit(self, going: Sequence[Going], basis: Basis | None) -> None:
        means, fence = self._means, self._lane.fence
        in_turn = [(one.turn, [self._claim(message, built, one.turn.at, fence) for message, built in one.messages])
                   for one in going]  # fmt: skip
        segments = sum(one.turn.segments for one in going)
        people = [(message.account_id, message.recipient_hash) for one in going for message, _ in one.messages]
        self._lane.reserve(segments)
        try:
            committed = await means.store.claim_in_turn(in_turn, basis, people)
        except CommitUnknown as error:
            means.unsent.take_back({each.message_id: each.at for _, own in in_turn for each in own}, error)
            raise
        finally:
            self._lane.release(segments)
        if committed is None:
            await means.tables.current()
            return
        took_us = means.clock.now_us() - going[0].turn.at
        self._commit_us += (min(took_us, SECOND_US) - self._commit_us) // 4
        faults.hit("worker.after_attempt")
        refused: list[str] = []
        for one, (_, claims), attempts in zip(going, in_turn, committed, strict=True):
            if attempts is None:
                refused.append(one.turn.sender_id)
            else:
                self._send(one, claims, attempts)
        if refused:
            await self._learn(refused)
            for sender_id in refused:  # another lane has its turn; or the day is used up there
                self._waiting[sender_id].free_at = max(
                    self._waiting[sender_id].free_at, means.clock.now_us() + int(_APART_S * SECOND_US)
                )

    def _send(self, one: Going, claims: Sequence[Claim], attempts: Sequence[tuple[int, ...]]) -> None:
        ready: list[Part] = []
        for (message, built), claim, numbers in zip(one.messages, claims, attempts, strict=True):
            if numbers:
                ready += parts(message, built, numbers, claim.tail_hash, media=self._lane.link.settings.media)
        number = self._waiting[one.turn.sender_id]
        sent_before = number.sent if number.day == one.turn.day else 0
        number.day, number.sent = one.turn.day, sent_before + one.turn.segments
        number.free_at = max(one.turn.free_at, one.pace.after(0, self._means.clock.now_us(), one.turn.segments))
        if ready:
            last = one.messages[-1][0]
            self._lane.send(ready, last.priority, 0)
            number.handed_over = self._lane.link.unsent() & {part.message_id for part in ready}
            number.rests_us = one.pace.after(0, 0, one.turn.segments)
            if number.handed_over:
                number.free_at = self._means.clock.now_us()

    def _claim(self, message: Queued, built: Sequence[bytes], at: int, fence: int) -> Claim:
        tail_hash = self._means.vault.tail_hash(message.recipient)
        return Claim(message.id, self._carrier_id, len(built), tail_hash, at, fence)


def _diverted(message: Message, turn: str, now: int) -> Due:
    """Its lanes beside those of the same carriers, at the same price."""
    lanes = " ".join(lane_of(carrier_of(each), turn) for each in message.candidates.split())
    return Due(message.id, lanes, message.route_id, message.price_micros, 0, now)


def _without_too_long(sendable: Sequence[Ready], cap: int, now: int) -> tuple[list[Ready], list[Ending]]:
    """A text of more segments than its number may send in a day is never sent, and holds up nobody behind it."""
    endings = [Ending(m.id, (QUEUED,), REJECTED, "pool_busy", now) for m, built in sendable if len(built) > cap]
    return [(m, built) for m, built in sendable if len(built) <= cap], endings


def _fitting(sendable: Sequence[Ready], wanted: int) -> list[Ready]:
    """Those that fit into the turn; the first goes even when it has more parts than that."""
    chosen: list[Ready] = []
    for message, built in sendable:
        if chosen and len(built) > wanted:
            break
        wanted -= len(built)
        chosen.append((message, built))
    return chosen
