"""Deadlines for many calls at once. `asyncio.timeout` sets and cancels a timer for each use (10 µs); here one timer
looks at all that is open ten times a second, and runs only while there is any. So a deadline may be up to a tick late.

What is watched says until when, and what to do then. `with deadlines.within(15.0):` has the meaning of
`asyncio.timeout`: TimeoutError inside when the time is up.
"""

import asyncio
from types import TracebackType
from typing import Protocol

TICK_S = 0.1


class Watched(Protocol):
    """Something that ends at its time, unless it is removed before."""

    at: float  # of the loop's clock

    def expire(self) -> None:
        """Time is up. It is watched no longer."""
        ...


class Deadlines:
    """All open deadlines of one event loop."""

    __slots__ = ("_open", "_timer")

    def __init__(self) -> None:
        self._open: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> "Deadline":
        """A context that ends with TimeoutError when it is open for longer than `seconds`."""
        return self.until(asyncio.get_running_loop().time() + seconds)

    def until(self, at: float) -> "Deadline":
        """A context that ends with TimeoutError when it is open at this time of the loop's clock."""
        return Deadline(self, at)

    def add(self, watched: Watched) -> None:
        """Watch something until its time."""
        self._open.add(watched)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def remove(self, watched: Watched) -> None:
        """Watch it no longer."""
        self._open.discard(watched)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for watched in [watched for watched in self._open if watched.at <= now]:
            self._open.discard(watched)
            watched.expire()
        self._timer = loop.call_later(TICK_S, self._tick) if self._open else None


class Deadline:
    """One open deadline; a context manager for the current task. For one use."""

    __slots__ = ("_all", "_cancelling", "_expired", "_task", "at")

    def __init__(self, owner: Deadlines, at: float) -> None:
        self.at = at  # of the loop's clock
        self._all = owner
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a deadline needs a task to interrupt"
        self._task = task
        self._cancelling = task.cancelling()
        self._all.add(self)

    def expire(self) -> None:
        """Time is up. The task is suspended inside the context, so the interruption arrives inside it."""
        self._expired = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._all.remove(self)
        # Somebody else's cancellation goes on its way: only our own becomes a TimeoutError (as in asyncio.timeout).
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
