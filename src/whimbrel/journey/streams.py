"""Streams: the event log to brokers (NATS JetStream, Kafka), at least once, in order per message, each target by a
durable cursor of its own. The cursor moves after the broker has acknowledged; what a crash interrupts is published
again. A broker that is away is tried again at growing intervals, and told once when it goes and once when it returns.

Apart from the other followers of the log (`follower.py`), because a list is taken piece by piece: what was acknowledged
of it is not published again while this process lives, and the cursor may be set back by a rewind meanwhile.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Literal

import msgspec

from whimbrel.base.clock import MINUTE_US, SECOND_US, Chance, Clock
from whimbrel.base.metrics import Metrics
from whimbrel.domain.events import Interest
from whimbrel.journey.follower import cursor
from whimbrel.journey.pending import Pending, read
from whimbrel.net.brokers import BrokerError, Publisher
from whimbrel.store.interface import Store, Write

_log = logging.getLogger("whimbrel.streams")
_IDLE_S = 1.0  # look without a wake-up this often
_GATHER_S = 0.02  # let commits gather: a read and a round trip for each of them would cost more than they bring
_SAVE_US = SECOND_US // 2  # so much may be published again after a crash, for one commit instead of many
_TOLD_US = 10 * SECOND_US  # how often it is written down that a stream has all there is
_GAP_US = MINUTE_US  # how often one that is behind looks whether the log begins after its cursor
_RETRY_S, _RETRY_MAX_S = 0.5, 15.0
_STOP_S = 3.0  # for the acknowledgements under way; what is missing then is published again


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to one broker: events that any of `interests` wants, in lists of `batch`. A new one begins with what
    comes, or, `from_first`, with the oldest event that is kept."""

    name: str
    interests: tuple[Interest, ...]
    batch: int
    from_first: bool = False

    @property
    def cursor(self) -> str:
        """The name of its cursor."""
        return cursor_name(self.name)


class StreamRow(msgspec.Struct, frozen=True):
    """How a stream is doing: a row of the table. Times in UTC microseconds; `since`: of its state."""

    name: str
    state: Literal["up", "down"]
    error: str
    since: int
    caught_up_at: int
    gaps: int
    updated_at: int


class _Bounds(msgspec.Struct, frozen=True):
    first: int
    last: int


def cursor_name(stream: str) -> str:
    """Of the cursor of a stream."""
    return f"stream:{stream}"


def duty_name(stream: str) -> str:
    """Of the duty to follow it, one for each stream: a node that has no such stream in its settings never takes it."""
    return f"stream:{stream}"


class Stream:
    """Follows the log for one target."""

    def __init__(
        self,
        target: Target,
        publisher: Publisher,
        *,
        store: Store,
        clock: Clock,
        chance: Chance,
        metrics: Metrics,
        kept_us: int,
    ) -> None:
        self.target = target
        self._publisher = publisher
        self._store = store
        self._clock = clock
        self._chance = chance
        self._metrics = metrics
        self._kept_us = kept_us
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._forget()

    def _forget(self) -> None:
        self._position: int | None = None  # None: to be read from the store
        self._saved = 0  # where the store has the cursor
        self._saved_at = 0
        self._looked_at = 0
        self._list = Pending()
        self._reached = 0  # the log is read up to here
        self._more = True
        self._row = StreamRow(self.target.name, "up", "", 0, 0, 0, 0)
        self._tries = 0  # in vain, one after the other
        self._is_confirmed = False  # since the last try, that it connects and takes what there is

    async def start(self) -> None:
        """Go on where the cursor stands; a broker that is away holds nothing up."""
        self._forget()
        self._stopping.clear()
        for counter in (self._metrics.stream_events, self._metrics.stream_gaps):
            counter.labels(self.target.name)  # a counter that begins with its first count seems never to have grown
        self._task = asyncio.get_running_loop().create_task(self._run())

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    async def stop(self) -> None:
        """Wait for the acknowledgements under way, and save the cursor."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping.set()
        self._wake.set()
        await asyncio.wait((task,), timeout=_STOP_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self._publisher.close()
        with suppress(KeyError):
            self._metrics.stream_up.remove(self.target.name)
            self._metrics.stream_lag.remove(self.target.name)
        if self._position is None:
            return
        try:
            await self._save()
        except Exception:  # what was published since it was saved last is published again
            _log.exception("a cursor could not be saved", extra={"stream": self.target.name})

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._begin()
                await self._follow()
            except BrokerError as error:
                await self._went(str(error))
            except Exception:
                _log.exception("a stream of events failed; trying again", extra={"stream": self.target.name})
                self._metrics.stream_up.labels(self.target.name).set(0)
            if not self._stopping.is_set():
                await self._pause()

    async def _pause(self) -> None:
        """Longer each time, and never in step with others."""
        longest = min(_RETRY_S * 2**self._tries, _RETRY_MAX_S)
        self._tries = min(self._tries + 1, 16)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), self._chance.uniform(longest / 2, longest))

    # ---------------------------------------------------------------- following

    async def _begin(self) -> None:
        if self._position is None:
            await self._load()
        await self._look_for_gap()
        if not self._list.records:
            await self._read()
        self._show_lag()
        self._is_confirmed = False
        await self._publisher.connect()
        await self._list.render_anew(self._store)

    async def _load(self) -> None:
        """Where the store says that it stands; a new one is put there first."""
        name, now = self.target.cursor, self._clock.now_us()
        start = 0 if self.target.from_first else await self._store.last_position()
        await self._store.write([Write("cursor_begin", ((name, start),))])
        rows = await self._store.fetch(StreamRow, "stream_by_name", self.target.name)
        self._row = rows[0] if rows else StreamRow(self.target.name, "up", "", now, now, 0, now)
        self._position = self._saved = self._reached = await cursor(self._store, name)
        self._list, self._more = Pending(), True

    async def _follow(self) -> None:
        while not self._stopping.is_set():
            if not self._list.records:
                await self._read()
            await self._publish()
            await self._caught_up()
            if not self._more:
                await self._idle()
                await self._publisher.check()

    async def _read(self) -> None:
        if self._clock.now_us() - self._looked_at > _GAP_US:
            await self._look_for_gap()
        found = await read(self._store, self._reached, self.target.batch, self.target.interests)
        self._list, self._reached, self._more = found.pending, found.reached, found.more

    async def _publish(self) -> None:
        self._show_lag()
        if self._list.records:
            try:
                await self._publisher.publish(self._list.records, self._list.taken)
            finally:
                self._settle()
        self._position = self._reached
        if not self._more:
            self._show_lag()

    def _settle(self) -> None:
        count, reached = self._list.settle()
        self._metrics.stream_events.labels(self.target.name).inc(count)
        if reached is not None:
            self._position = reached

    async def _caught_up(self) -> None:
        """What follows from a list that is done: word of it, and now and then the cursor."""
        now = self._clock.now_us()
        if not self._more:
            self._row = msgspec.structs.replace(self._row, caught_up_at=now)
        if not self._is_confirmed:
            await self._returned()
        elif now - self._saved_at >= _SAVE_US:
            await self._save()

    async def _idle(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_IDLE_S):
                await self._wake.wait()
        self._wake.clear()
        if not self._stopping.is_set():
            await asyncio.sleep(_GATHER_S)

    # ---------------------------------------------------------------- what is kept

    async def _save(self) -> None:
        """The cursor, from where we left it. When it is not there any more it was rewound, or another node follows
        too: then the store is right."""
        position, self._saved_at = self._position, self._clock.now_us()
        if not await self._is_moved(position):
            _log.info("a stream goes on from where it was set", extra={"stream": self.target.name})
            await self._load()
            return
        if self._saved_at - self._row.updated_at > _TOLD_US:
            await self._tell()

    async def _is_moved(self, position: int | None) -> bool:
        """Whether the cursor was where we left it, and is where we are."""
        if position is None or position == self._saved:
            return await cursor(self._store, self.target.cursor) == self._saved
        move = Write("cursor_move", ((self.target.cursor, self._saved, position),))
        (moved,) = await self._store.write([move])
        self._saved = position
        return bool(moved)

    async def _tell(self) -> None:
        self._row = msgspec.structs.replace(self._row, updated_at=self._clock.now_us())
        await self._store.write([Write("stream_put", (msgspec.structs.astuple(self._row),))])

    # ---------------------------------------------------------------- how it is doing

    async def _went(self, error: str) -> None:
        """The broker is away, or takes nothing: one line in the log, however long it lasts."""
        self._metrics.stream_up.labels(self.target.name).set(0)
        self._show_lag()
        with suppress(Exception):  # a store that is away too is told by whoever needs it
            await self._publisher.close()
            if self._position is not None:
                await self._save()
        if self._row.state == "up":
            _log.warning("events cannot be published", extra={"stream": self.target.name, "error": error})
            now = self._clock.now_us()
            self._row = msgspec.structs.replace(self._row, state="down", error=error, since=now)
        elif self._row.error == error:
            return
        self._row = msgspec.structs.replace(self._row, error=error)
        with suppress(Exception):
            await self._tell()

    async def _returned(self) -> None:
        if self._row.state == "down":
            _log.info("events are published again", extra={"stream": self.target.name})
            self._row = msgspec.structs.replace(self._row, state="up", error="", since=self._clock.now_us())
        self._is_confirmed, self._tries = True, 0
        self._metrics.stream_up.labels(self.target.name).set(1)
        await self._tell()

    def _show_lag(self) -> None:
        """The age of the oldest event that the broker does not have."""
        events = self._list.events
        lag = self._clock.now_us() - events[0].created_at if events else 0
        self._metrics.stream_lag.labels(self.target.name).set(max(0, lag) / SECOND_US)

    async def _look_for_gap(self) -> None:
        """Whether events were purged that the broker never had. The oldest are purged first, so nothing is missing
        while one at or before the cursor is there, nor when the stream had everything within the time of retention."""
        self._looked_at = now = self._clock.now_us()
        (bounds,) = await self._store.fetch(_Bounds, "events_bounds")
        kept_since = now - self._kept_us
        if bounds.first <= self._reached or self._row.caught_up_at >= kept_since:
            return
        _log.error(
            "events were purged before they were published",
            extra={"stream": self.target.name, "after": self._row.caught_up_at, "before": kept_since},
        )
        self._metrics.stream_gaps.labels(self.target.name).inc()
        self._row = msgspec.structs.replace(self._row, gaps=self._row.gaps + 1, caught_up_at=now)
        await self._tell()
