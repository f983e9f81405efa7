"""A duty that looks: every so often, at what there is to do. What fails is logged and looked at again, the later the
more often it fails in a row (`domain/setbacks.py`): a database that is away for an hour is not asked four times a
second by each duty, and the log does not get a traceback for each time. It ends with the task.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Final

from whimbrel.base.clock import Chance, Clock
from whimbrel.domain.setbacks import Setbacks

_LONGEST_S: Final = 5.0  # what waits goes on so soon after the trouble ended


class Looking(ABC):
    """Calls `look` every `every_s`. `trouble`: what is logged when it fails."""

    def __init__(
        self,
        every_s: float,
        log: logging.Logger,
        trouble: str,
        *,
        clock: Clock,
        chance: Chance,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._every_s = every_s
        self._log = log
        self._trouble = trouble
        self._timer = clock
        self._jitter = chance
        self._sleep = sleep
        self._setbacks = Setbacks(every_s, _LONGEST_S)
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def look(self) -> object:
        """Do what there is to do now."""

    async def start(self) -> None:
        """Begin, or go on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop; another process goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            rest_s = self._every_s
            try:
                await self.look()
                self._setbacks.succeeded()
            except Exception as error:
                rest_s = self._failed(error)
            await self._sleep(rest_s)

    def _failed(self, error: Exception) -> float:
        kind = type(error).__name__
        setback = self._setbacks.failed(kind, self._timer.monotonic_us(), self._jitter.uniform(0.0, 1.0))
        if setback.is_told:
            self._log.exception("%s; trying again", self._trouble, extra={"untold": setback.untold, "kind": kind})
        return setback.rest_s
