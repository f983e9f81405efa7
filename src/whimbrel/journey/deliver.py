"""Deliver: one destination of webhooks, with a bounded queue and a few workers that post from it. Workers exist only
while there is something to post; nothing here is made per event but the request itself.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

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


Post = Callable[[Job], Awaitable[None]]


class Outbox:
    """A bounded queue of jobs and the workers that post them."""

    def __init__(self, post: Post, *, workers: int, room: int) -> None:
        self._post = post
        self._workers_max = workers
        self._room = room
        self._jobs: deque[Job] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._outstanding: dict[int, None] = {}  # positions of first tries, in order of arrival
        self._rest_until_s = 0.0
        self._stopped = asyncio.Event()

    @property
    def room(self) -> int:
        """How many more jobs it takes. What was posted and is not stored yet counts too."""
        return self._room - max(len(self._jobs), len(self._outstanding))

    @property
    def lag(self) -> int:
        """Jobs that are waiting or under way."""
        return len(self._jobs) + len(self._workers)

    def first_outstanding(self) -> int | None:
        """Position of the oldest first try that is not settled: a cursor must stay below it."""
        return next(iter(self._outstanding), None)

    def put(self, jobs: Sequence[Job]) -> None:
        """Add jobs; the caller has looked at `room`."""
        self._jobs.extend(jobs)
        for job in jobs:
            if job.wait is None:
                self._outstanding[job.item.event.position] = None
        missing = min(self._workers_max, len(self._jobs)) - len(self._workers)
        for _ in range(missing):
            self._workers.add(asyncio.get_running_loop().create_task(self._work()))

    def settle(self, job: Job) -> None:
        """Its result is stored."""
        if job.wait is None:
            self._outstanding.pop(job.item.event.position, None)

    def rest(self, until_s: float) -> None:
        """Post nothing before this time of the loop's clock: the other side is overloaded and said so."""
        self._rest_until_s = max(self._rest_until_s, until_s)

    async def _work(self) -> None:
        try:
            await self._post_all()
        finally:
            # not in a callback, which comes a turn later: a job put in between would count on a worker that is gone
            self._workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _post_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._jobs and not self._stopped.is_set():
            if self._rest_until_s > loop.time():
                await self._sleep_until(self._rest_until_s)
                continue
            job = self._jobs.popleft()
            try:
                await self._post(job)
            except Exception:
                _log.exception("a delivery failed inside; it is tried again")
                self._jobs.append(job)
                await self._sleep_until(loop.time() + _RETRY_S)

    async def _sleep_until(self, until_s: float) -> None:
        """Until then, or until it is stopped: a rest may be a day long."""
        try:
            async with asyncio.timeout_at(until_s):
                await self._stopped.wait()
        except TimeoutError:
            pass

    async def stop(self) -> list[Job]:
        """Drop what waits (the log still has it) and wait for what is under way; gives what was dropped."""
        self._stopped.set()
        dropped = list(self._jobs)
        self._jobs.clear()
        while self._workers:
            await asyncio.wait(list(self._workers))
            dropped += self._jobs
            self._jobs.clear()
        return dropped
