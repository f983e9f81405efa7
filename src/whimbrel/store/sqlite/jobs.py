"""How work crosses from the event loop to a thread and back: one queue in, one call into the loop for a whole list of
results. A thread that is busy is not woken; it finds what has gathered when it comes back.
"""

import asyncio
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from whimbrel.store.errors import StoreStopped
from whimbrel.store.script import Script


class Job:
    """One call of a verb and the future that waits for it."""

    __slots__ = ("args", "error", "future", "kwargs", "result", "verb")

    def __init__(
        self,
        future: asyncio.Future[Any],
        verb: Callable[..., Script[Any]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.future = future
        self.verb = verb
        self.args = args
        self.kwargs = kwargs
        self.result: Any = None
        self.error: BaseException | None = None

    def script(self) -> Script[Any]:
        return self.verb(*self.args, **self.kwargs)


class Jobs:
    """The queue of one thread."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._closed = False

    def submit(
        self, verb: Callable[..., Script[Any]], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> asyncio.Future[Any]:
        """To be called on the event loop."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_exception(StoreStopped("the store is stopped"))
        else:
            self._queue.put(Job(future, verb, args, kwargs))
        return future

    def close(self) -> None:
        """No more jobs; those that wait are still done, then `take` gives an empty list."""
        self._closed = True
        self._queue.put(None)

    def take(self, limit: int) -> list[Job]:
        """Wait for a job, then take all that wait, at most `limit`. Empty: the end."""
        first = self._queue.get()
        jobs: list[Job] = []
        try:
            while first is not None:
                jobs.append(first)
                if len(jobs) == limit:
                    return jobs
                first = self._queue.get_nowait()
        except Empty:
            return jobs
        self._queue.put(None)  # the end: seen again at the next turn, and by the other threads of this queue
        return jobs


def answer(loop: asyncio.AbstractEventLoop, jobs: list[Job]) -> None:
    """Hand the results of a list of jobs back, in one call. A loop that is closed has nobody left to tell."""
    try:
        loop.call_soon_threadsafe(_resolve, jobs)
    except RuntimeError:
        if not loop.is_closed():
            raise


def _resolve(jobs: list[Job]) -> None:
    for job in jobs:
        if job.future.done():  # its waiter was cancelled; the work is done all the same
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)
