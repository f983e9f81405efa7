"""Live figures of an account: what its event log told in each of the last seconds, counted from the log itself. A page
begins with what the log's end tells of the time before it was opened, counts on only while somebody looks at it, and
reads each event once, without its message."""

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
_PAST: Final = 60_000  # events at the end of the log, of all accounts, that the past is counted from: some 10 ms
_READ: Final = 10_000  # events of one read
_READS: Final = 4  # of one second: beyond that the plot is told to be behind
_FAILED: Final = frozenset(f"message.{state}" for state in FAILED.split(","))
_KINDS: Final = {"message.queued": 0, "message.sent": 1, "message.delivered": 2}
_DELIVERED: Final = 2
_FAILURES: Final = 3
_NAMES: Final = ("accepted", "sent", "delivered", "failed")
_WANTED: Final = frozenset({*_KINDS, *_FAILED})


class Second(msgspec.Struct):
    """What was told within one second: how many were accepted, sent, delivered and failed; how long `timed` of the
    delivered ones took together, from accept to the receipt, in milliseconds."""

    at: int
    counts: list[int]
    delivered_ms: int = 0
    timed: int = 0


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


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """The seconds before a page was opened, as far as the log was read (from the second `known_from` on), up to a
    place. Each list has a value for each second, None where it is not known."""

    position: int
    at: int
    known_from: int
    seconds: tuple[Second, ...]

    @property
    def delivery_rate(self) -> float | None:
        """Of all of them; None where nothing ended."""
        delivered = sum(each.counts[_DELIVERED] for each in self.seconds)
        ended = delivered + sum(each.counts[_FAILURES] for each in self.seconds)
        return delivered / ended if ended else None

    @property
    def plot(self) -> str:
        """As JSON, for the page."""
        lines = {
            name: [each.counts[kind] if each.at >= self.known_from else None for each in self.seconds]
            for kind, name in enumerate(_NAMES)
        }
        return msgspec.json.encode({"at": self.at, **lines}).decode()


class _Counted(msgspec.Struct, frozen=True):
    second: int
    type: str
    count: int


class _Time(msgspec.Struct, frozen=True):
    created_at: int


async def past(store: Store, clock: Clock, account_id: str, *, test: bool, position: int | None = None) -> Past:
    """What the log tells up to a position: its end, unless one is given that is not far from there."""
    end = await store.last_position()
    until = position if position is not None and end - _PAST <= position <= end else end
    at = clock.now_us() // SECOND_US
    since = (at - SECONDS + 1) * SECOND_US
    begin = max(0, until - _PAST)
    asked = (account_id, test, sorted(_WANTED), begin, until, since)
    rows = await store.report(account_id, _Counted, "events_seconds", *asked)
    known_from = 0
    if begin:
        first = await store.report(account_id, _Time, "events_time_after", begin)
        known_from = max((each.created_at // SECOND_US + 1 for each in first), default=0)
    found = {second: Second(second, [0, 0, 0, 0]) for second in range(at - SECONDS + 1, at + 1)}
    for row in rows:
        if row.second in found:
            found[row.second].counts[_KINDS.get(row.type, _FAILURES)] += row.count
    return Past(position=until, at=at, known_from=known_from, seconds=tuple(found.values()))


class Figures:
    """The figures of one account, for one page."""

    def __init__(self, store: Store, clock: Clock, account_id: str, *, test: bool) -> None:
        self._store = store
        self._clock = clock
        self._account_id = account_id
        self._test = test
        self._interest = Interest(account_id, test, _WANTED)
        self._seconds: deque[Second] = deque(maxlen=SECONDS)
        self._position = 0

    async def pieces(self, position: int | None = None) -> Pieces:
        """A frame each second, as JSON, under the name `frame`; from where the page has been counted to."""
        before = await past(self._store, self._clock, self._account_id, test=self._test, position=position)
        self._seconds.extend(before.seconds)
        self._position = before.position
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
            second.timed += 1
            second.delivered_ms += max(0, event.created_at - ids.time_us(event.subject_id)) // 1000

    def _frame(self, second: Second, behind: bool) -> Frame:
        delivered = sum(each.counts[_DELIVERED] for each in self._seconds)
        ended = delivered + sum(each.counts[_FAILURES] for each in self._seconds)
        took, timed = sum(each.delivered_ms for each in self._seconds), sum(each.timed for each in self._seconds)
        accepted_now, sent_now, delivered_now, failed_now = second.counts
        return Frame(
            at=second.at,
            accepted=accepted_now,
            sent=sent_now,
            delivered=delivered_now,
            failed=failed_now,
            delivery_rate=delivered / ended if ended else None,
            latency_ms=took / timed if timed else None,
            behind=behind,
        )
