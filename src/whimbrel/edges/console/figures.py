"""Live figures of an account: what its event log told in each of the last seconds, counted from the log itself. A page
counts only while somebody looks at it, and reads each event once, without its message."""

import asyncio
from collections import deque
from typing import Final

import msgspec

from whimbrel.base import ids
from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.domain.events import Interest
from whimbrel.domain.model import Event
from whimbrel.edges.console.finding import FAILED
from whimbrel.edges.console.live import Pieces
from whimbrel.store.interface import Store

EACH_S: Final = 1.0
SECONDS: Final = 300
"""How long the figures of a second stay in the plot."""
_READ: Final = 10_000  # events of one read
_READS: Final = 4  # of one second: beyond that the plot is told to be behind
_FAILED: Final = frozenset(f"message.{state}" for state in FAILED.split(","))
_KINDS: Final = {"message.queued": 0, "message.sent": 1, "message.delivered": 2}
_FAILURES: Final = 3
_WANTED: Final = frozenset({*_KINDS, *_FAILED})


class Second(msgspec.Struct):
    """What was told within one second: how many were accepted, sent, delivered and failed; how long the delivered ones
    took together, from accept to the receipt, in milliseconds."""

    at: int
    counts: list[int]
    delivered_ms: int = 0


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What the page is sent each second. `delivery_rate` and `latency_ms` are of all seconds that are kept; None where
    nothing ended."""

    at: int
    accepted: int
    sent: int
    delivered: int
    failed: int
    delivery_rate: float | None
    latency_ms: float | None
    behind: bool


class Figures:
    """The figures of one account, for one page."""

    def __init__(self, store: Store, clock: Clock, account_id: str, *, test: bool) -> None:
        self._store = store
        self._clock = clock
        self._interest = Interest(account_id, test, _WANTED)
        self._seconds: deque[Second] = deque(maxlen=SECONDS)
        self._position = 0

    async def pieces(self) -> Pieces:
        """A frame each second, as JSON, under the name `frame`."""
        self._position = await self._store.last_position()
        while True:
            await asyncio.sleep(EACH_S)
            yield "frame", msgspec.json.encode(await self.look()).decode()

    async def look(self) -> Frame:
        """Read on, and tell of the second that has passed."""
        second, behind = Second(self._clock.now_us() // SECOND_US, [0, 0, 0, 0]), True
        for _ in range(_READS):
            part = await self._store.account_events(self._interest, self._position, _READ)
            for event in part.events:
                self._count(second, event)
            if part.reached == self._position:
                behind = False
                break
            self._position = part.reached
        self._seconds.append(second)
        return self._frame(second, behind)

    @staticmethod
    def _count(second: Second, event: Event) -> None:
        kind = _KINDS.get(event.type, _FAILURES)
        second.counts[kind] += 1
        if event.type == "message.delivered":
            second.delivered_ms += max(0, event.created_at - ids.time_us(event.subject_id)) // 1000

    def _frame(self, second: Second, behind: bool) -> Frame:
        delivered = sum(each.counts[2] for each in self._seconds)
        ended = delivered + sum(each.counts[_FAILURES] for each in self._seconds)
        took = sum(each.delivered_ms for each in self._seconds)
        accepted_now, sent_now, delivered_now, failed_now = second.counts
        return Frame(
            at=second.at,
            accepted=accepted_now,
            sent=sent_now,
            delivered=delivered_now,
            failed=failed_now,
            delivery_rate=delivered / ended if ended else None,
            latency_ms=took / delivered if delivered else None,
            behind=behind,
        )
