"""The feed: follows the event log by position and hands new events, each with its message, to whoever listens:
webhook endpoints, callbacks, live streams. It is read once for all of them, and not while nobody listens.

A wake-up only shortens a wait; the log is the truth. A listener that is behind reads the log for itself until it has
caught up with the feed (`journey/notify.py`).
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from whimbrel.base.ids import event_id
from whimbrel.domain.callbacks import event_body
from whimbrel.domain.events import Interest, types_of
from whimbrel.domain.model import Event, Message
from whimbrel.store.interface import Store

_log = logging.getLogger("whimbrel.feed")
_READ = 1000  # events in one read
_STREAM_BUFFER = 2000  # events that a slow stream may lag before it is cut (it resumes from its last id)
_IDLE_S = 1.0  # look without a wake-up this often
_RETRY_S = 1.0
_GATHER_S = 0.008  # let commits gather: under load a read for each of them would cost more than it brings
_GATHER_MAX_S = 0.032  # and longer while what is committed is of no interest to anybody


class Item(msgspec.Struct, gc=False):
    """An event with its message; id and JSON body are rendered once for everyone who wants them."""

    event: Event
    message: Message | None
    _id: str | None = None
    _body: bytes | None = None

    def id(self) -> str:
        """The public id of the event."""
        if self._id is None:
            self._id = event_id(self.event.subject_id, self.event.seq)
        return self._id

    def body(self) -> bytes:
        """The public JSON of the event."""
        if self._body is None:
            self._body = event_body(self.event, self.message)
        return self._body


class Listener(Protocol):
    """Takes what is new of what it is interested in."""

    @property
    def interest(self) -> Interest:
        """Which events it wants; always the same."""
        ...

    def offer(self, items: Sequence[Item], position: int) -> None:
        """New events that it wants. `position` is what the feed has read up to, also when there are none."""
        ...


async def load(store: Store, events: Sequence[Event]) -> list[Item]:
    """Events with their messages; those whose message was deleted come without."""
    ids = list({event.subject_id for event in events if event.subject_id.startswith("SM")})
    messages = {message.id: message for message in await store.messages(ids)} if ids else {}
    return [Item(event, messages.get(event.subject_id)) for event in events]


class Tail:
    """Reads new events of the log, all of them or only those with a callback's flag, while somebody listens."""

    def __init__(self, store: Store, *, callbacks_only: bool) -> None:
        self._store = store
        self._callbacks_only = callbacks_only
        self._wake = asyncio.Event()
        self._listeners: list[Listener] = []
        self._gather_s = _GATHER_S
        self.position = 0

    async def listen(self, listener: Listener) -> None:
        """Hand new events to `listener` from now on. The first listener starts the reading at the end of the log."""
        if not self._listeners:
            last = await self._store.last_position()
            if not self._listeners:  # another one may have come meanwhile: what it waits for must not be skipped
                self.position = max(self.position, last)
        self._listeners = [*self._listeners, listener]

    def leave(self, listener: Listener) -> None:
        """Stop handing events to `listener`."""
        self._listeners = [other for other in self._listeners if other is not listener]

    def wake(self) -> None:
        """Something was committed."""
        if self._listeners:
            self._wake.set()

    async def run(self) -> None:
        """Follow the log until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_IDLE_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                self._gather_s = min(2 * self._gather_s, _GATHER_MAX_S)
                while self._listeners and await self._read():
                    pass
                await asyncio.sleep(self._gather_s)
            except Exception:
                _log.exception("the event log could not be read; trying again")
                await asyncio.sleep(_RETRY_S)

    async def _read(self) -> bool:
        """One list from the log to the listeners; whether there may be more."""
        listeners = self._listeners
        interests = [listener.interest for listener in listeners]
        news = await self._store.news(self.position, _READ, interests, callbacks_only=self._callbacks_only)
        if self._listeners is not listeners:
            return True  # somebody came meanwhile, whose events these may not hold: read again for all who are there
        if news.position == self.position:
            return False
        self.position = news.position
        if news.events:
            self._gather_s = _GATHER_S
        messages = {message.id: message for message in news.messages}
        items = [Item(event, messages.get(event.subject_id)) for event in news.events]
        for listener in listeners:
            wants = listener.interest.wants
            try:  # what a lone listener does not want was not read
                wanted = items if len(listeners) == 1 else [item for item in items if wants(item.event)]
                listener.offer(wanted, news.position)
            except Exception:
                _log.exception("a listener failed; the others go on")
        return news.more


class Feed:
    """The event log, live: one tail of everything, one of the events whose message has a callback of its own (that one
    costs nothing for traffic without callbacks)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.all = Tail(store, callbacks_only=False)
        self.callbacks = Tail(store, callbacks_only=True)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Follow the log."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self.all.run()), loop.create_task(self.callbacks.run())]

    async def stop(self) -> None:
        """Stop following."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """Something was committed."""
        self.all.wake()
        self.callbacks.wake()

    async def subscribe(
        self, account_id: str | None, test: bool, after: int | None, patterns: tuple[str, ...] = ("*",)
    ) -> AsyncIterator[tuple[int, bytes]]:
        """Live events of an account (None: of all) as (position, JSON), from `after` on (None: from now).

        Ends when the reader lags by more than the buffer; it resumes from the last position that it saw.
        """
        tail = self.all
        stream = _Stream(account_id, test, patterns)
        await tail.listen(stream)
        stream.position = tail.position if after is None else after
        try:
            while stream.position < tail.position:
                events = await self._store.events_after(stream.position, _READ)
                for item in await load(self._store, stream.wanted(events)):
                    yield item.event.position, item.body()
                stream.position = events[-1].position if events else tail.position
            stream.drop_seen()
            while True:
                stream.wake.clear()
                while stream.items:
                    item = stream.items.popleft()
                    yield item.event.position, item.body()
                if stream.lost:
                    return
                await stream.wake.wait()
        finally:
            tail.leave(stream)


class _Stream:
    """A live stream's bounded buffer."""

    def __init__(self, account_id: str | None, test: bool, patterns: tuple[str, ...]) -> None:
        self.interest = Interest(account_id, test, types_of(patterns))
        self.position = 0  # read from the log up to here; the tail brings what comes after
        self.items: deque[Item] = deque()
        self.wake = asyncio.Event()
        self.lost = False

    def wanted(self, events: Sequence[Event]) -> list[Event]:
        return [event for event in events if self.interest.wants(event)]

    def drop_seen(self) -> None:
        """What came from the tail while the log was read is partly the same."""
        self.items = deque(item for item in self.items if item.event.position > self.position)

    def offer(self, items: Sequence[Item], position: int) -> None:
        if self.lost:
            return  # what came after a gap must not be read: the reader resumes from before it
        self.items.extend(item for item in items if item.event.position > self.position)
        if len(self.items) > _STREAM_BUFFER:
            self.lost = True
            self.items.clear()
        self.wake.set()
