"""How long something lasted, as people read it."""

from typing import Final

from whimbrel.base import moments

_MS: Final = 1_000
_S: Final = 1_000_000
_MINUTE: Final = 60 * _S
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def lasted(start: str | None, end: str | None) -> str:
    """The time between two moments of the API: "38 ms", "1.84 s", "4 min 10 s"; a dash where one is missing."""
    if not start or not end:
        return "–"
    return in_words(moments.from_text(end) - moments.from_text(start))


def in_words(span_us: int) -> str:
    """The same of so many microseconds."""
    if span_us < _S:
        return f"{max(span_us, 0) // _MS} ms"
    if span_us < _MINUTE:
        return f"{span_us / _S:.2f} s"
    if span_us < _HOUR:
        return f"{span_us // _MINUTE} min {span_us % _MINUTE // _S} s"
    if span_us < _DAY:
        return f"{span_us // _HOUR} h {span_us % _HOUR // _MINUTE} min"
    return f"{span_us // _DAY} d {span_us % _DAY // _HOUR} h"
