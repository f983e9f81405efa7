"""Parts that a carrier tells to wait time and again. One such part must not hold up all that come after it (a phone, a
sender or a route at the carrier's may be what is full, and not the carrier), so after some tries it steps aside and is
tried again at growing intervals until its validity ends. Time is an argument.
"""

import heapq
from collections.abc import Iterable

from whimbrel.carriers.interface import Part

PATIENCE = 5  # tries in their place, in order; a carrier that is busy all over seldom says no so often to one part
FIRST_US = 1_000_000
LONGEST_US = 30_000_000


class Aside:
    """At most `places` parts, each with the time of its next try."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._parts: list[tuple[int, int, Part]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._parts)

    def takes(self, part: Part) -> bool:
        """Whether the part has been told to wait so often that it steps aside, and there is a place."""
        return part.throttled > PATIENCE and len(self._parts) < self._places

    def put(self, part: Part, now_us: int) -> None:
        """Keep it: one second after the first time, twice as long each time after, half a minute at most."""
        delay = min(LONGEST_US, FIRST_US << min(part.throttled - PATIENCE - 1, 8))
        self._count += 1
        heapq.heappush(self._parts, (now_us + delay, self._count, part))

    def next_us(self) -> int | None:
        """When the next one is due."""
        return self._parts[0][0] if self._parts else None

    def due(self, now_us: int) -> list[Part]:
        """Those whose time has come, the longest due first."""
        found: list[Part] = []
        while self._parts and self._parts[0][0] <= now_us:
            found.append(heapq.heappop(self._parts)[2])
        return found

    def clear(self) -> Iterable[Part]:
        """All of them, in the order of their times."""
        parts, self._parts = [part for _, _, part in sorted(self._parts, key=lambda item: item[:2])], []
        return parts
