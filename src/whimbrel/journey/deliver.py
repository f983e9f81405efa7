"""Deliver: one destination of webhooks: a bounded queue, and a bound on how many tries are under way at once.

There is no worker and no task here: what ends makes room for what waits, and is told of by whoever posts (`ended`,
`failed`). A post that is a coroutine gets a task of its own.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from whimbrel.journey.feed import Item
from whimbrel.store.interface import Wait

_log = logging.getLogger("whimbrel.deliver")
_RETRY_S = 1.0


class Job(msgspec.Struct, gc=False):
    """An event to post, for the first time or again (`wait` is its row then)."""

    item: Item
    wait: Wait | None = None
    number: int = 1


Post = Callable[[Job], Awaitable[None] | None]
"""Posts a job. What gives None has begun, and calls `ended` or `failed` once, later."""


class Outbox:
    """A bounded queue of jobs, and those of them that are being posted."""

    def __init__(self, post: Post, *, workers: int, room: int) -> None:
        """`workers`: so many tries at once."""
        self._post = post
        self._at_once = workers
        self._room = room
        self._jobs: deque[Job] = deque()
        self._under_way = 0
        self._apart: deque[Job] = deque()  # failed inside: each keeps its place for a while, and is then put back
        self._outstanding: dict[int, None] = {}  # positions of first tries, in order of arrival
        self._tasks: set[asyncio.Task[None]] = set()
        self._rest_until_s = 0.0
        self._rest: asyncio.TimerHandle | None = None
        self._is_stopped = False
        self._is_quiet = asyncio.Event()  # stopped, and nothing is under way

    @property
    def room(self) -> int:
        """How many more jobs it takes. What was posted and is not stored yet counts too."""
        return self._room - max(len(self._jobs), len(self._outstanding))

    @property
    def lag(self) -> int:
        """Jobs that are waiting or under way."""
        return len(self._jobs) + self._under_way

    def first_outstanding(self) -> int | None:
        """Position of the oldest first try that is not settled: a cursor must stay below it."""
        return next(iter(self._outstanding), None)

    def put(self, jobs: Sequence[Job]) -> None:
        """Add jobs; the caller has looked at `room`."""
        self._jobs.extend(jobs)
        for job in jobs:
            if job.wait is None:
                self._outstanding[job.item.event.position] = None
        self._go_on()

    def settle(self, job: Job) -> None:
        """Its result is stored."""
        if job.wait is None:
            self._outstanding.pop(job.item.event.position, None)

    def rest(self, until_s: float) -> None:
        """Post nothing before this time of the loop's clock: the other side is overloaded and said so."""
        self._rest_until_s = max(self._rest_until_s, until_s)

    def ended(self) -> None:
        """A job was posted, and what came of it is on its way to the store: the next one."""
        self._under_way -= 1
        self._go_on()

    def failed(self, job: Job) -> None:
        """It could not be posted, or not be judged; call this where the exception is handled."""
        _log.exception("a delivery failed inside; it is tried again")
        self._apart.append(job)
        asyncio.get_running_loop().call_later(_RETRY_S, self._put_back)
        self._look_whether_quiet()

    def _put_back(self) -> None:
        if self._apart:
            self._jobs.append(self._apart.popleft())
            self.ended()

    def _go_on(self) -> None:
        while self._jobs and self._under_way < self._at_once and not self._is_stopped:
            if self._rest_until_s and self._is_resting():
                break
            self._begin(self._jobs.popleft())
        self._look_whether_quiet()

    def _look_whether_quiet(self) -> None:
        if self._is_stopped and self._under_way == len(self._apart):
            self._is_quiet.set()

    def _is_resting(self) -> bool:
        loop = asyncio.get_running_loop()
        if self._rest_until_s <= loop.time():
            self._rest_until_s = 0.0
            return False
        if self._rest is None:
            self._rest = loop.call_at(self._rest_until_s, self._wake)
        return True

    def _wake(self) -> None:
        self._rest = None
        self._go_on()

    def _begin(self, job: Job) -> None:
        self._under_way += 1
        try:
            posting = self._post(job)
        except Exception:
            self.failed(job)
            return
        if posting is not None:
            task = asyncio.get_running_loop().create_task(self._wait_for(posting, job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait_for(self, posting: Awaitable[None], job: Job) -> None:
        try:
            await posting
        except Exception:
            self.failed(job)
        else:
            self.ended()

    async def stop(self) -> list[Job]:
        """Drop what waits (the log still has it) and wait for what is under way; gives what was dropped."""
        self._is_stopped = True
        if self._rest is not None:
            self._rest.cancel()
        self._look_whether_quiet()
        await self._is_quiet.wait()
        dropped = [*self._jobs, *self._apart]
        self._jobs.clear()
        self._apart.clear()
        return dropped
