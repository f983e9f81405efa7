"""A duty that looks: every so often, at what there is to do. What fails is logged and looked at again; it ends with the
task.
"""

import asyncio
import logging
from abc import ABC, abstractmethod


class Looking(ABC):
    """Calls `look` every `every_s`. `trouble`: what is logged when it fails."""

    def __init__(self, every_s: float, log: logging.Logger, trouble: str) -> None:
        self._every_s = every_s
        self._log = log
        self._trouble = trouble
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
            try:
                await self.look()
            except Exception:
                self._log.exception("%s; trying again", self._trouble)
            await asyncio.sleep(self._every_s)
