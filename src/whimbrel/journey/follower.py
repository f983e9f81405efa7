"""A follower of the event log goes on where its durable cursor stands: it takes a list, and moves the cursor in the
commit of what it made of it. What a crash interrupts is taken again.

The cursor is moved from where this process left it, or nothing is written at all: a process that was frozen, or never
heard that its commit had succeeded, does not write once more what was made of the log meanwhile.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from contextlib import suppress

import msgspec

from whimbrel.store.interface import Store, Write

_log = logging.getLogger("whimbrel.follower")


class _Position(msgspec.Struct, frozen=True):
    position: int


class Stretch(msgspec.Struct, frozen=True):
    """Events that follow a position: how many there are, at most as many as were asked for, and where the last one is.
    Positions are no count: there may be any distance between two."""

    count: int
    end: int


class Taken(msgspec.Struct, frozen=True, gc=False):
    """One list: how many rows it had, up to where the log is done with, what to write with the cursor (if any rows),
    and whether there is more although the list is short."""

    found: int
    reached: int
    also: tuple[Write, ...] = ()
    more: bool = False


async def cursor(store: Store, name: str) -> int:
    """Where a cursor stands; 0 when it never moved."""
    rows = await store.fetch(_Position, "cursor_by_name", name)
    return rows[0].position if rows else 0


async def stretch(store: Store, position: int, limit: int) -> Stretch:
    """The next so many events of the log."""
    (found,) = await store.fetch(Stretch, "events_stretch_end", position, limit)
    return found


class Follower(ABC):
    """Follows the log by the cursor `name`, in lists of at most `limit` rows; looks again when it is woken and every
    `idle_s`, with a rest of `rest_s` after each look: one that is woken by every commit."""

    def __init__(self, store: Store, name: str, *, limit: int, idle_s: float, rest_s: float = 0.0) -> None:
        self._store = store
        self._name = name
        self._limit = limit
        self._idle_s = idle_s
        self._rest_s = rest_s
        self._wake = asyncio.Event()
        self._position = 0
        self._saved = 0  # where we left the cursor: lists of which nothing is written do not move it
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def _take(self, position: int) -> Taken:
        """Make what is to be made of the list after `position`. It may see a list twice."""

    async def start(self) -> None:
        """Go on where the cursor stands."""
        await self._find()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop following; the log keeps the rest."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """There is something to take."""
        self._wake.set()

    async def follow(self) -> bool:
        """Take one list; whether there may be more."""
        taken = await self._take(self._position)
        if taken.found:
            if not await self._store.advance(self._name, self._saved, taken.reached, taken.also):
                _log.warning("the log was followed by another node meanwhile", extra={"follower": self._name})
                await self._find()
                return True
            self._saved = taken.reached
        self._position = taken.reached
        return taken.more or taken.found == self._limit

    async def _find(self) -> None:
        await self._store.write([Write("cursor_begin", ((self._name, 0),))])
        self._position = self._saved = await cursor(self._store, self._name)

    async def _run(self) -> None:
        while True:
            try:
                while await self.follow():
                    pass
            except Exception:
                _log.exception("a list could not be taken; trying again", extra={"follower": self._name})
            if self._rest_s:
                await asyncio.sleep(self._rest_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._idle_s):
                    await self._wake.wait()
            self._wake.clear()
