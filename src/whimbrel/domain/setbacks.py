"""What follows when something fails again and again: how long to rest before the next try, and whether to say so. Pure:
time and the draw are arguments.
"""

from typing import Final

import msgspec

_MINUTE_US: Final = 60_000_000
_DOUBLINGS_MAX: Final = 10


class Setback(msgspec.Struct, frozen=True, gc=False):
    """`rest_s` before the next try. `is_told`: it belongs into the log. `untold`: how many of its kind failed since the
    last one that was told and were not."""

    rest_s: float
    is_told: bool
    untold: int


class Setbacks:
    """Those of one who tries again: the rest is `every_s` at first, doubles each time and stays at `longest_s`, from
    half to the whole of it by the draw, so that what failed together does not come back together. One of each kind is
    told in a minute. What succeeds ends the rests, and not the minute: what fails every other time would fill the log
    as well."""

    def __init__(self, every_s: float, longest_s: float) -> None:
        self._every_s = every_s
        self._longest_s = max(every_s, longest_s)
        self._failures = 0
        self._told: dict[str, int] = {}
        self._untold: dict[str, int] = {}

    def failed(self, kind: str, now_us: int, draw: float) -> Setback:
        """One of this kind failed at a moment of a clock that never runs backwards. `draw`: from 0 to 1."""
        rest_s = min(self._every_s * 2.0 ** min(self._failures, _DOUBLINGS_MAX), self._longest_s)
        self._failures += 1
        self._forget(now_us)
        is_told = kind not in self._told
        untold = self._untold.get(kind, 0)
        if is_told:
            self._told[kind], self._untold[kind] = now_us, 0
        else:
            self._untold[kind] = untold + 1
        return Setback(max(self._every_s, rest_s * (1.0 + draw) / 2), is_told, untold)

    def succeeded(self) -> None:
        """The next one that fails is the first again."""
        self._failures = 0

    def _forget(self, now_us: int) -> None:
        """What was told a minute ago may be told again."""
        self._told = {kind: at for kind, at in self._told.items() if now_us - at < _MINUTE_US}
