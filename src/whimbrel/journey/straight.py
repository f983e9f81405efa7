"""Straight through: where a lane has room and nothing waits in it, a message is claimed by the very commit that accepts
it. Its attempts are in that commit, so it needs no place in the queue, no look at the queue and no second commit; what
DESIGN asks of a claim holds all the same: places are taken from the lane's room before the commit, the attempts are
durable before a byte leaves, and consent and validity were looked at a moment ago.

Where there is no room, or where something of its class or a more urgent one waits already, a message takes its place in
the queue, which alone knows classes and fair ranks; so a code goes straight through while a campaign waits. What waits
is what the lane saw when it last looked: a message may pass another that was accepted a commit or two before it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from whimbrel.base import faults
from whimbrel.base.vault import Vault
from whimbrel.carriers.interface import Part
from whimbrel.domain.model import MARKETING, OTP, Message
from whimbrel.domain.states import QUEUED
from whimbrel.domain.turns import TURN, carrier_of
from whimbrel.journey.submit import parts
from whimbrel.store.interface import Claim

_log = logging.getLogger("whimbrel.straight")


class OpenLane(Protocol):
    """What a lane lets accept do."""

    @property
    def fence(self) -> int:
        """Of the lease under which it claims."""
        ...

    @property
    def takes_media(self) -> bool:
        """Whether its carrier takes media with a text."""
        ...

    def places(self, priority: int) -> int:
        """Segments of a class that may go straight through now."""
        ...

    def reserve(self, segments: int) -> None:
        """Take so many places for claims whose commit is under way."""
        ...

    def release(self, segments: int) -> None:
        """Give places back: what was claimed was handed over, or nothing was."""
        ...

    def falls_behind(self, priority: int) -> None:
        """Messages of a class are about to be queued in this lane for want of a place: the next ones queue behind
        them."""
        ...

    def queued(self, messages: Sequence[Message]) -> None:
        """These were queued in this lane."""
        ...

    def in_turn(self, messages: Sequence[Message]) -> None:
        """These wait in this lane for turns of their numbers."""
        ...

    def build(self, message: Message) -> tuple[bytes, ...]:
        """The octets of its parts as this lane's carrier takes them; raises when they cannot be built."""
        ...

    def send(self, ready: Sequence[Part], priority: int, rank: int) -> None:
        """Hand over parts whose attempts are committed; `priority` and `rank` are those of the last message."""
        ...


LaneOf = Callable[[str], OpenLane | None]
_Claimed = tuple[Message, Sequence[bytes], int]  # a message, the octets of its parts, the hash of its number's tail


class _Way:
    """What one list of messages takes of one lane. Without a lane nothing goes through."""

    __slots__ = ("claimed", "closed", "lane", "left", "taken", "waiting")

    def __init__(self, lane: OpenLane | None) -> None:
        self.lane = lane
        self.left: dict[int, int] = {}  # by class, before what was taken
        self.closed = MARKETING + 1 if lane is not None else OTP  # this class and those less urgent queue
        self.taken = 0
        self.claimed: list[_Claimed] = []
        self.waiting: list[Message] = []

    def places(self, priority: int) -> int:
        """How many segments of a class may still go."""
        if self.lane is None or priority >= self.closed:
            return 0
        left = self.left.get(priority)
        if left is None:
            left = self.left[priority] = self.lane.places(priority)
        return left - self.taken

    def wait(self, message: Message) -> None:
        """A message has to queue: all of its class that follow it queue behind it."""
        if self.lane is not None and message.priority < self.closed:
            self.closed = message.priority
            self.lane.falls_behind(message.priority)
        self.waiting.append(message)

    def ready(self, attempts: Mapping[str, tuple[int, ...]]) -> tuple[list[Part], Message | None]:
        """The parts whose attempts are committed, and the last message among them."""
        found: list[Part] = []
        last: Message | None = None
        media = self.lane is not None and self.lane.takes_media
        for message, built, tail_hash in self.claimed:
            numbers = attempts.get(message.id)
            if numbers:
                found += parts(message, built, numbers, tail_hash, media=media)
                last = message
        return found, last


class Passage:
    """The claims of one list of messages that is being accepted."""

    def __init__(self, lane_of: LaneOf, vault: Vault) -> None:
        self._lane_of = lane_of
        self._vault = vault
        self._ways: dict[str, _Way] = {}  # by carrier
        self._in_turn: dict[str, list[Message]] = {}  # by carrier

    def claim(self, message: Message) -> Claim | None:
        """The claim to commit with the message; None when it has to wait in the queue, or for its time."""
        if message.state != QUEUED:
            return None
        carrier_id = message.candidates.partition(" ")[0]
        if TURN in carrier_id:
            self._in_turn.setdefault(carrier_of(carrier_id), []).append(message)
            return None  # its number's turn is the lane's matter, and holds up nobody
        way = self._ways.get(carrier_id)
        if way is None:
            way = self._ways[carrier_id] = _Way(self._lane_of(carrier_id))
        lane = way.lane
        built = _built(message, lane) if lane is not None and way.places(message.priority) >= message.segments else None
        if built is None or lane is None:
            way.wait(message)
            return None
        segments = len(built)
        way.taken += segments
        tail_hash = self._vault.tail_hash(message.recipient)
        way.claimed.append((message, built, tail_hash))
        return Claim(message.id, carrier_id, segments, tail_hash, message.created_at, lane.fence)

    def reserve(self) -> None:
        """Take the places of all claims that were made. To be called in the same turn of the loop."""
        for way in self._ways.values():
            if way.lane is not None and way.taken:
                way.lane.reserve(way.taken)

    def through(self, attempts: Mapping[str, tuple[int, ...]]) -> None:
        """The commit is durable: hand over what it claimed, by message the numbers of its attempts, and wake the lanes
        in which something waits."""
        if any(way.taken for way in self._ways.values()):
            faults.hit("worker.after_attempt")
        self._give_back()
        for way in self._ways.values():
            ready, last = way.ready(attempts)
            if way.lane is not None and last is not None:
                way.lane.send(ready, last.priority, last.rank)
        self._tell_queued(stored=True)

    def claimed(self) -> dict[str, int]:
        """By message that is claimed the moment of its claim."""
        return {message.id: message.created_at for way in self._ways.values() for message, _, _ in way.claimed}

    def failed(self) -> None:
        """Nothing was committed, or nobody can say."""
        self._give_back()
        self._tell_queued(stored=False)

    def _give_back(self) -> None:
        for way in self._ways.values():
            if way.lane is not None and way.taken:
                way.lane.release(way.taken)

    def _tell_queued(self, *, stored: bool) -> None:
        """The lanes as they are now: a carrier that changed during the commit has another one. Where nothing was stored
        a lane still has to look, because it was told that it falls behind."""
        for carrier_id, way in self._ways.items():
            lane = self._lane_of(carrier_id) if way.waiting else None
            if lane is not None:
                lane.queued(way.waiting if stored else ())
        for carrier_id, messages in self._in_turn.items() if stored else ():
            lane = self._lane_of(carrier_id)
            if lane is not None:
                lane.in_turn(messages)


def _built(message: Message, lane: OpenLane) -> tuple[bytes, ...] | None:
    """The octets of its parts; None when they cannot be built: the worker meets it in the queue and sets it aside."""
    try:
        return lane.build(message)
    except Exception:
        _log.exception("a message cannot be built", extra={"message_id": message.id})
        return None
