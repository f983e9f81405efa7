"""How long a process waited for a core of the machine: what came meanwhile it reads at once."""

import asyncio
import contextlib
import time
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

_EVERY_S = 0.1
_BEFORE_US = 50_000

Looks = Sequence[tuple[int, int]]
"""Microseconds since 1970, and how many a process had waited by then."""


@contextlib.asynccontextmanager
async def watched(pid: int) -> AsyncIterator[Looks]:
    """Looks at a process ten times a second; none where the system does not tell (`/proc/<pid>/schedstat`)."""
    looks: list[tuple[int, int]] = []

    async def watch() -> None:
        while True:
            _look(pid, looks)
            await asyncio.sleep(_EVERY_S)

    watching = asyncio.create_task(watch())
    try:
        yield looks
    finally:
        watching.cancel()


def _look(pid: int, looks: list[tuple[int, int]]) -> None:
    with contextlib.suppress(OSError):
        _, waited_ns, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
        looks.append((time.time_ns() // 1000, int(waited_ns) // 1000))


def waited_before(looks: Looks, at_us: int) -> int:
    """How many microseconds the process may have waited just before this moment."""
    first = bisect_right(looks, at_us - _BEFORE_US, key=lambda look: look[0]) - 1
    last = bisect_left(looks, at_us, key=lambda look: look[0])
    if first < 0 or last == len(looks):
        return 0
    return looks[last][1] - looks[first][1]
