"""What a lane need not read back: messages that this process queued a moment ago, as accept made them. The queue says
who goes next; of those that are remembered here only the key is read, and not the row.

Where looking at the front of the queue is dear (`domain/trailing.py` says why), most looks begin a little behind.

A shortcut and no truth: a message that was canceled or ended meanwhile is found out by its claim, and nothing that is
sent of a queued message can change before it is final. What is not remembered is read.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.domain.model import PRIORITY, Message
from whimbrel.domain.pacing import FairRank
from whimbrel.domain.trailing import Trail
from whimbrel.store.interface import FRONT, Ranks, Store, Waiting

RECENT_MAX = 5_000  # messages of one lane, some 5 MB: more than leaves while the next ones are read

_LAG_US: Final = 3 * SECOND_US  # other nodes know how far a lane is served a second later, and commits take their time

Queued: TypeAlias = Message | Waiting


class Recent:
    """The messages that one lane remembers."""

    def __init__(self, store: Store, lane: str, fair: FairRank, clock: Clock) -> None:
        self._store = store
        self._lane = lane
        self._fair = fair
        self._clock = clock
        self._trail = Trail(FRONT, _LAG_US)
        self._messages: dict[str, Message] = {}

    def add(self, messages: Sequence[Message]) -> None:
        """They were queued in this lane. Those that find no room are read later, as all were once."""
        if len(self._messages) < RECENT_MAX:
            self._messages.update((message.id, message) for message in messages)

    def put_back(self, waiting: Sequence[Queued]) -> None:
        """They were looked at, and stay in the queue."""
        self.add([message for message in waiting if isinstance(message, Message)])

    def look_at_front(self) -> None:
        """Messages went back to their places, which may be behind what was passed."""
        self._trail.hasten(self._clock.monotonic_us())

    async def head(self, limit: int) -> list[Queued]:
        """The messages at the head of the queue, in order. They are not remembered afterwards: who stays in the queue
        is read the next time."""
        begun = self._trail.begin(self._clock.monotonic_us())
        found = await self._head(limit, (begun[0], begun[1], begun[2]))
        served = self._fair.served(self._lane)
        passed = tuple([served.get(priority, 0) for priority in PRIORITY.values()])
        self._trail.ended(passed, self._clock.monotonic_us())
        return found

    async def _head(self, limit: int, ranks: Ranks) -> list[Queued]:
        if not self._messages:
            return [*await self._store.waiting(self._lane, limit, ranks)]
        ids = await self._store.queued(self._lane, limit, ranks)
        known: dict[str, Queued] = {i: self._messages.pop(i) for i in ids if i in self._messages}
        if len(known) < len(ids):
            missing = await self._store.waiting_of([i for i in ids if i not in known])
            known.update((message.id, message) for message in missing)
        if len(ids) < limit:
            self._messages.clear()  # the queue is empty after these: what is left here was canceled, or never stored
        return [known[i] for i in ids if i in known]
