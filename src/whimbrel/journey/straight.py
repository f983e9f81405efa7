"""Straight through: where a lane has room and nothing waits in it, a message is claimed by the very commit that accepts
it. Its attempts are in that commit, so it needs no place in the queue, no look at the queue and no second commit; what
DESIGN asks of a claim holds all the same: places are taken from the lane's room before the commit, the attempts are
durable before a byte leaves, and consent and validity were looked at a moment ago.

Where there is no room, or more waits already than there is room for, messages take their places in the queue, which
alone knows classes and fair ranks. How much waits is what the lane saw when it last looked: a message may pass another
that was accepted a commit or two before it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from whimbrel.base import faults
from whimbrel.base.vault import Vault
from whimbrel.carriers.interface import Part
from whimbrel.domain.model import Message
from whimbrel.domain.states import QUEUED
from whimbrel.journey.submit import octets, parts
from whimbrel.store.interface import Claim

_log = logging.getLogger("whimbrel.straight")


class OpenLane(Protocol):
    """What a lane lets accept do."""

    def places(self) -> int:
        """Segments that may go straight through now."""
        ...

    def reserve(self, segments: int) -> None:
        """Take so many places for claims whose commit is under way."""
        ...

    def release(self, segments: int) -> None:
        """Give places back: what was claimed was handed over, or nothing was."""
        ...

    def falls_behind(self) -> None:
        """Messages are about to be queued in this lane for want of a place: the next ones queue behind them."""
        ...

    def wake(self) -> None:
        """Messages were queued in this lane."""
        ...

    def send(self, ready: Sequence[Part], priority: int, rank: int) -> None:
        """Hand over parts whose attempts are committed; `priority` and `rank` are those of the last message."""
        ...


LaneOf = Callable[[str], OpenLane | None]
_Claimed = tuple[Message, Sequence[bytes], Claim]


class Passage:
    """The claims of one list of messages that is being accepted."""

    def __init__(self, lane_of: LaneOf, vault: Vault) -> None:
        self._lane_of = lane_of
        self._vault = vault
        self._lanes: dict[str, OpenLane | None] = {}
        self._left: dict[str, int] = {}
        self._claimed: list[_Claimed] = []
        self._queued: set[str] = set()

    def claim(self, message: Message) -> Claim | None:
        """The claim to commit with the message; None when it has to wait in the queue, or for its time."""
        if message.state != QUEUED:
            return None
        carrier_id = message.candidates.partition(" ")[0]
        left = self._left.get(carrier_id)
        if left is None:
            lane = self._lanes[carrier_id] = self._lane_of(carrier_id)
            left = lane.places() if lane is not None else 0
        built = _built(message) if left >= message.segments else None
        if built is None:
            self._left[carrier_id] = 0
            self._wait(carrier_id)
            return None
        self._left[carrier_id] = left - message.segments
        claim = Claim(
            message.id, carrier_id, message.segments, self._vault.tail_hash(message.recipient), message.created_at
        )
        self._claimed.append((message, built, claim))
        return claim

    def reserve(self) -> None:
        """Take the places of all claims that were made. To be called in the same turn of the loop."""
        for carrier_id, count in self._counts().items():
            self._lane(carrier_id).reserve(count)

    def through(self, attempts: Mapping[str, tuple[int, ...]]) -> None:
        """The commit is durable: hand over what it claimed, by message the numbers of its attempts, and wake the lanes
        in which something waits."""
        if self._claimed:
            faults.hit("worker.after_attempt")
        ready: dict[str, list[Part]] = {}
        last: dict[str, Message] = {}
        for message, built, claim in self._claimed:
            numbers = attempts.get(message.id)
            if numbers:
                ready.setdefault(claim.carrier_id, []).extend(parts(message, built, numbers, claim.tail_hash))
                last[claim.carrier_id] = message
        self._give_back()
        for carrier_id, found in ready.items():
            self._lane(carrier_id).send(found, last[carrier_id].priority, last[carrier_id].rank)
        self._wake()

    def failed(self) -> None:
        """Nothing was committed."""
        self._give_back()
        self._wake()

    def _wait(self, carrier_id: str) -> None:
        lane = self._lanes.get(carrier_id)
        if lane is not None and carrier_id not in self._queued:
            lane.falls_behind()
        self._queued.add(carrier_id)

    def _wake(self) -> None:
        """The lanes as they are now: a carrier that changed during the commit has another one."""
        for carrier_id in self._queued:
            lane = self._lane_of(carrier_id)
            if lane is not None:
                lane.wake()

    def _give_back(self) -> None:
        for carrier_id, count in self._counts().items():
            self._lane(carrier_id).release(count)

    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for _, _, claim in self._claimed:
            counts[claim.carrier_id] = counts.get(claim.carrier_id, 0) + claim.parts
        return counts

    def _lane(self, carrier_id: str) -> OpenLane:
        lane = self._lanes[carrier_id]
        assert lane is not None, "only a lane that is there gave places"
        return lane


def _built(message: Message) -> tuple[bytes, ...] | None:
    """The octets of its parts; None when they cannot be built: the worker meets it in the queue and sets it aside."""
    try:
        return octets(message)
    except Exception:
        _log.exception("a message cannot be built", extra={"message_id": message.id})
        return None
