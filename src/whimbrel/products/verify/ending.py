"""What time alone brings about: verifications that nobody answers expire, codes that wait are handed over, the next
channel is taken, and what is counted is forgotten. A duty of one node."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from whimbrel.base import ids, limits
from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.domain.verify import SLOT_US
from whimbrel.store.interface import Store, Write

_log = logging.getLogger("whimbrel.verify")
_LIST: Final = 200
_LOOK_S: Final = 1.0
_PURGE_LOOKS: Final = 60  # looks from one purge to the next
_PURGED: Final = 2_000  # rows of each kind at once
_DAY_US: Final = 24 * 3600 * SECOND_US
_CONFIRMED_US: Final = 2 * limits.VERIFY_FACTOR_CONFIRM_S * SECOND_US  # nobody confirms one any more
_GUESSES_US: Final = limits.VERIFY_GUESSES_DAYS * _DAY_US

KeptAfter = Callable[[int], Mapping[str, int]]
"""By kind of row the time (UTC microseconds) before which it is kept no more, as it is now."""


class Handing(Protocol):
    """What attempts wait for."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def look(self, limit: int) -> bool:
        """Do what is due of so many attempts; whether there may be more."""
        ...


class VerifyEnding:
    """`expire` ends so many at most, and gives how many it found. Verifications and their attempts are kept as long
    as messages."""

    def __init__(
        self,
        expire: Callable[[int], Awaitable[int]],
        store: Store,
        clock: Clock,
        kept_after: KeptAfter,
        handing: Callable[[Callable[[], None]], Handing],
    ) -> None:
        self._expire = expire
        self._woken = asyncio.Event()
        self._handing = handing(self.wake)
        self._store = store
        self._clock = clock
        self._kept_after = kept_after
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        await self._handing.start()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._handing.stop()

    def wake(self) -> None:
        """Something waits to be handed over."""
        self._woken.set()

    async def _run(self) -> None:
        looks, loop = 0, asyncio.get_running_loop()
        while True:
            self._woken.clear()
            try:
                while await self._handing.look(_LIST):
                    pass
                while await self._expire(_LIST) == _LIST:
                    pass
                if looks % _PURGE_LOOKS == 0:
                    await self.purge()
            except Exception:
                _log.exception("a duty failed; trying again")
            looks += 1
            timer = loop.call_later(_LOOK_S, self._woken.set)
            await self._woken.wait()
            timer.cancel()

    async def purge(self) -> None:
        """Forget what is too old to count, and what is kept no longer than messages."""
        now = self._clock.now_us()
        before = self._kept_after(now)["messages"]
        counted = (now - limits.VERIFY_COUNTS_DAYS * _DAY_US) // SLOT_US
        await self._store.write(
            [
                Write("verifications_purge", ((ids.floor_id(ids.VERIFICATION, before), _PURGED),)),
                Write("verify_attempts_purge", ((ids.floor_id(ids.VERIFY_ATTEMPT, before), _PURGED),)),
                Write("verify_numbers_purge", ((now - 2 * _DAY_US, _PURGED),)),
                Write("verify_counts_purge", ((counted, _PURGED),)),
                Write("verify_channel_counts_purge", ((counted, _PURGED),)),
                Write("verify_bucket_counts_purge", ((now, _PURGED),)),
                Write("verify_challenges_purge", ((ids.floor_id(ids.VERIFY_CHALLENGE, before), _PURGED),)),
                Write("verify_factors_abandoned", ((now - _CONFIRMED_US, _PURGED),)),
                Write("verify_guesses_purge", ((now - 2 * _DAY_US, now - _GUESSES_US, _PURGED),)),
            ]
        )
