"""The pace of a campaign: how many messages may be handed over by now, of monotonic time that is given.

What could not be sent for a moment (a commit that took long) is made up for; what could not be sent for longer (a
process that was away, a carrier that took nothing) is not: then the count begins anew, so that nothing is a burst.
"""

from typing import Final

_SECOND_US: Final = 1_000_000
_MADE_UP_S: Final = 2.0


class Pacer:
    """Counts from its first question on. `per_s` None: as fast as it goes."""

    def __init__(self, per_s: float | None) -> None:
        self._per_s = per_s
        self._begun: int | None = None
        self._sent = 0

    def room(self, monotonic_us: int, most: int) -> int:
        """How many may go now, at most `most`."""
        if self._per_s is None:
            return most
        if self._begun is None:
            self._begun = monotonic_us
        due = (monotonic_us - self._begun) * self._per_s / _SECOND_US - self._sent
        kept = max(1.0, self._per_s * _MADE_UP_S)
        if due > kept:
            self._begun += int((due - kept) * _SECOND_US / self._per_s)
            due = kept
        return max(0, min(most, int(due + 1e-6)))

    def sent(self, count: int) -> None:
        """So many were handed over."""
        self._sent += count
