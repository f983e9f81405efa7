"""Ranks after a restart: what each account has waiting is learned from the queue again, from its end to its front. A
page of it is a few milliseconds; a short queue is known before the doors open, a long one while they are open already.
Until an account was met, its messages go behind what was not looked at yet: nothing passes an older one of its own.
"""

from collections import deque

import msgspec

from whimbrel.domain.model import PRIORITY
from whimbrel.domain.pacing import UNKNOWN_NONE, FairRank
from whimbrel.domain.turns import TURN
from whimbrel.store.interface import Store

_PAGE = 2000
_PAGES_BEFORE_START = 20


class _Lane(msgspec.Struct, frozen=True):
    id: str


class _Ends(msgspec.Struct, frozen=True):
    """Columns of `queue_ends`."""

    smallest: int | None
    greatest: int | None


class _Queued(msgspec.Struct, frozen=True, gc=False):
    """Columns of `queue_accounts`."""

    account_id: str
    rank: int
    message_id: str


class _Walk(msgspec.Struct):
    """How far a lane and priority was looked at: everything from this place on."""

    lane: str
    priority: int
    rank: int
    message_id: str = ""


class Ranks:
    """Rebuilds `FairRank` from the queue."""

    def __init__(self, store: Store, fair: FairRank) -> None:
        self._store = store
        self._fair = fair
        self._walks: deque[_Walk] = deque()

    async def resume(self) -> None:
        """At start: where each lane's virtual time stands, and who waits at its end."""
        for lane in await self._store.fetch(_Lane, "queue_lanes"):
            if TURN in lane.id:
                continue  # a number's own: nobody else waits there
            for priority in PRIORITY.values():
                (ends,) = await self._store.fetch(_Ends, "queue_ends", lane.id, priority)
                if ends.smallest is None or ends.greatest is None:
                    continue
                self._fair.resume(lane.id, priority, ends.smallest, ends.greatest)
                self._walks.append(_Walk(lane.id, priority, ends.greatest + 1))
        for _ in range(_PAGES_BEFORE_START):
            if not await self.learn():
                return

    async def learn(self) -> bool:
        """Look at one page more; whether there may be another."""
        if not self._walks:
            return False
        walk = self._walks[0]
        place = (walk.rank, walk.message_id)
        rows = await self._store.fetch(_Queued, "queue_accounts", walk.lane, walk.priority, *place, _PAGE)
        is_front = len(rows) < _PAGE
        greatest: dict[str, int] = {}
        for row in rows:
            greatest.setdefault(row.account_id, row.rank)
        self._fair.learn(walk.lane, walk.priority, greatest, UNKNOWN_NONE if is_front else rows[-1].rank)
        if is_front:
            self._walks.popleft()
        else:
            walk.rank, walk.message_id = rows[-1].rank, rows[-1].message_id
            self._walks.rotate(-1)
        return bool(self._walks)
