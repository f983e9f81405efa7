"""Parts that start in order and stop in reverse within one deadline: each has its share of what is left, and one that
hangs is left behind and told.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

_log = logging.getLogger("whimbrel.app")
_LAST_SHARE: Final = 1 / 6  # of the whole time is kept for the part that stops last
SHARE: Final = 1 / 2  # of what else is left, for a part to stop in
INNER_SHARE: Final = 2 / 3  # of that, for what a part waits for itself before it gives up

Stop = Callable[[float], Awaitable[None]]  # is told how many seconds it has


class Part(msgspec.Struct, frozen=True):
    """What has started, and how it stops."""

    name: str
    stop: Stop
    share: float


class Lifecycle:
    """See the head of this file."""

    def __init__(self, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self.started: list[Part] = []

    async def step(self, name: str, start: Callable[[], Awaitable[None]], stop: Stop, share: float = SHARE) -> None:
        """Start a part. It is stopped also when this fails."""
        self.ends(name, stop, share)
        await start()

    def ends(self, name: str, stop: Stop, share: float = SHARE) -> None:
        """A part that starts otherwise is to be stopped when its turn comes."""
        self.started.append(Part(name, stop, share))

    async def stop(self) -> tuple[str, ...]:
        """Stop everything that started; the names of what was left behind."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.deadline_s
        left_behind = []
        while self.started:
            part = self.started.pop()
            left = deadline - loop.time()
            if self.started:
                left = (left - self.deadline_s * _LAST_SHARE) * part.share
            if not await _stopped(part, max(0.0, left)):
                left_behind.append(part.name)
        return tuple(left_behind)


def plain(stop: Callable[[], Awaitable[None]]) -> Stop:
    """A part that waits for nobody and needs not know how long it has."""
    return lambda _: stop()


async def _stopped(part: Part, seconds: float) -> bool:
    """Whether a part stopped in time. One that hangs is cancelled and not waited for: it may not hear that either."""
    task = asyncio.ensure_future(part.stop(seconds))
    await asyncio.wait((task,), timeout=seconds)
    if not task.done():
        task.cancel()
        _log.error("a part did not stop in time and is left behind", extra={"part": part.name, "seconds": seconds})
        return False
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a part did not stop cleanly", extra={"part": part.name}, exc_info=error)
    return True
