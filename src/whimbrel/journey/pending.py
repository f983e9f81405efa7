"""What a stream has read from the event log and its broker has not acknowledged yet. A list is read so that it can go
out by itself: nothing that follows it in the log has a lower number of one of its messages (`domain/log_order.py`).
"""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from whimbrel.base.ids import event_id
from whimbrel.domain.callbacks import event_body
from whimbrel.domain.events import Interest
from whimbrel.domain.log_order import in_order, whole
from whimbrel.domain.model import Event, Message
from whimbrel.net.brokers import Record
from whimbrel.store.interface import Store

_TURN = 200  # events that are rendered before others have a turn: a millisecond


class Pending:
    """Events that were read and not all acknowledged yet, those of a message in the order of their numbers."""

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self.events = in_order(events)
        self.records: list[Record] = []
        self._positions = [event.position for event in events]
        self._taken = bytearray(len(events))

    async def render(self, messages: Sequence[Message]) -> None:
        """Make the records, and let others have their turn on the loop meanwhile."""
        about = {message.id: message for message in messages}
        records: list[Record] = []
        for start in range(0, len(self.events), _TURN):
            turn = self.events[start : start + _TURN]
            records += [_record(event, about.get(event.subject_id)) for event in turn]
            await asyncio.sleep(0)
        self.records = records

    async def render_anew(self, store: Store) -> None:
        """From the messages as they are now: what was erased while the broker was away is not told any more."""
        if self.events:
            await self.render(await store.messages(list({event.subject_id for event in self.events})))

    def taken(self, place: int) -> None:
        """The broker has it."""
        self._taken[place] = 1

    def settle(self) -> tuple[int, int | None]:
        """Forget what was taken. How many that were, and the position of the last event that none before it misses;
        None when the first is missing."""
        count = sum(self._taken)
        left = [place for place, taken in enumerate(self._taken) if not taken]
        self.events = [self.events[place] for place in left]
        self.records = [self.records[place] for place in left]
        self._taken = bytearray(len(left))
        missing = min((event.position for event in self.events), default=None)
        before = len(self._positions) if missing is None else bisect_left(self._positions, missing)
        return count, self._positions[before - 1] if before else None


class Reading(msgspec.Struct, frozen=True):
    """What was read: the list, up to where the log is done with once it is acknowledged, and whether there is more to
    read at once."""

    pending: Pending
    reached: int
    more: bool


async def read(store: Store, position: int, limit: int, interests: Sequence[Interest]) -> Reading:
    """The next list after a position, of some `limit` events. When even the first has to wait for one that stands
    further on, more is read, up to that one. On PostgreSQL it may stand behind a transaction that still runs, where
    nothing can be read: then the list is empty, and nothing is done with."""
    events: list[Event] = []
    messages: list[Message] = []
    end = position
    while True:
        news = await store.news(end, limit, interests)
        events += news.events
        messages += news.messages
        end = news.position
        count = await _whole(store, events, end)
        if count or not events or not news.more:
            break
        limit *= 2
    pending = Pending(events[:count])
    await pending.render(messages)
    if count < len(events):
        end = events[count - 1].position if count else position
    return Reading(pending, end, news.more)


class _Numbered(msgspec.Struct, frozen=True):
    subject_id: str
    seq: int


async def _whole(store: Store, events: Sequence[Event], end: int) -> int:
    """How many of these events may go before all that follows them in the log: a list must not end between two events
    of a message that stand there in the wrong order. Those behind the horizon count too: they are committed."""
    if not events:
        return 0
    subjects = list({event.subject_id for event in events})
    following = await store.fetch(_Numbered, "events_lowest_after", subjects, end)
    return whole(events, {row.subject_id: row.seq for row in following})


def _record(event: Event, message: Message | None) -> Record:
    return Record(
        event.subject_id,
        event_id(event.subject_id, event.seq),
        event.type,
        event.account_id,
        event.test,
        event_body(event, message),
    )
