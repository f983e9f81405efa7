"""What rates are judged by: the most that any window of a log has."""

from collections.abc import Iterable


def most_in(moments: Iterable[int], window_us: int) -> int:
    """The most of these moments that lie in one window of this length, wherever it begins."""
    times = sorted(moments)
    first = most = 0
    for place, at in enumerate(times):
        while at - times[first] >= window_us:
            first += 1
        most = max(most, place - first + 1)
    return most
