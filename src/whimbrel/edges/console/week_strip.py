"""The open hours of a week as a drawing needs them: one row a day, in minutes of the day at a place's own clock."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

_DAY = 24 * 60


class Day(msgspec.Struct, frozen=True):
    """`day`: 0 is Monday. `spans`: minutes of the day by the local clock, from the first until before the second."""

    date: str
    day: int
    spans: tuple[tuple[int, int], ...]

    @property
    def hours(self) -> tuple[str, ...]:
        """The same as people write it: 09:00–20:00."""
        return tuple(f"{_clock(start)}–{_clock(end)}" for start, end in self.spans)


def days(windows: Iterable[tuple[str, str]], zone: str, begins: str) -> Sequence[Day]:
    """The seven days from a moment on, with what is open in them. Moments are RFC 3339. On a day on which clocks are
    set, a stretch stands where the local clock says that it begins and ends."""
    place = ZoneInfo(zone)
    first = _local(begins, place).date()
    shown: dict[date, list[tuple[int, int]]] = {first + timedelta(days=ahead): [] for ahead in range(7)}
    for start, end in windows:
        for on, span in _by_day(_local(start, place), _local(end, place)):
            if on in shown and span[0] < span[1]:
                shown[on].append(span)
    return [Day(on.isoformat(), on.weekday(), tuple(spans)) for on, spans in shown.items()]


def minute_of(moment: str, zone: str) -> int:
    """The minute of the day at which a moment is, by a zone's clock."""
    return _minutes(_local(moment, ZoneInfo(zone)))


def _by_day(start: datetime, end: datetime) -> Iterable[tuple[date, tuple[int, int]]]:
    on = start.date()
    while on < end.date():
        yield on, (_minutes(start) if on == start.date() else 0, _DAY)
        on += timedelta(days=1)
    yield on, (_minutes(start) if on == start.date() else 0, _minutes(end))


def _local(moment: str, place: ZoneInfo) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC).astimezone(place)


def _minutes(moment: datetime) -> int:
    return moment.hour * 60 + moment.minute


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
