"""Many timers behind one of the loop's: buckets of a millisecond, and one wake-up for the earliest of them.

Apart because a `call_later` for each message would cost more than the message: at 10,000 a second a bucket holds
ten of them, and the loop sees one timer.
"""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

_Entry = tuple[Callable[[Any], None], Any]


class Wheel:
    """Calls functions later, in the order of their time and, within a millisecond, of their arrival."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buckets: dict[int, list[_Entry]] = {}
        self._ticks: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_tick = 0

    def after(self, delay_ms: float, call: Callable[[Any], None], argument: Any) -> None:
        """Call `call(argument)` in `delay_ms` milliseconds, rounded up."""
        tick = int(self._loop.time() * 1000 + delay_ms) + 1
        bucket = self._buckets.get(tick)
        if bucket is not None:
            bucket.append((call, argument))
            return
        self._buckets[tick] = [(call, argument)]
        heappush(self._ticks, tick)
        if self._timer is None or tick < self._timer_tick:
            self._arm()

    def clear(self) -> None:
        """Forget everything that was to be called."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._buckets.clear()
        self._ticks.clear()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_tick = self._ticks[0]
        self._timer = self._loop.call_at(self._timer_tick / 1000, self._turn)

    def _turn(self) -> None:
        self._timer = None
        now = self._loop.time() * 1000 + 0.5  # the loop may wake a little early
        try:
            while self._ticks and self._ticks[0] <= now:
                for call, argument in self._buckets.pop(heappop(self._ticks)):
                    call(argument)
        finally:  # one call that fails must not stop the clock of all others
            if self._ticks and self._timer is None:
                self._arm()
