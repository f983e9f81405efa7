"""The parts of a schedule: numbers of one zone, at most a commit's worth, each part with its own next time; and the
audience, which is read when the first clocks on earth show the time that is set (in a zone of its own: when the clocks
there do), and then becomes parts of people.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from whimbrel.base import limits
from whimbrel.domain.contacts import Contact
from whimbrel.domain.flow_checks import RECIPIENT_ZONE
from whimbrel.domain.local_times import to_utc, zone_of
from whimbrel.domain.recurrence import Occurrence, first
from whimbrel.domain.schedules import DuePart, Schedule, SchedulePart, ScheduleSpec
from whimbrel.manage.checks import Checks
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

LATE_US: Final = 3600 * 1_000_000
"""What is found later than this is left out."""
_FIRST_ZONE: Final = "Pacific/Kiritimati"
_LAST_ZONE: Final = "Etc/GMT+12"
_AROUND_US: Final = 26 * 3600 * 1_000_000  # from the first clocks to the last ones
STOPPED: Final = "stopped"


def parts_of(row: Schedule, spec: ScheduleSpec, phones: Sequence[str], now: int) -> list[SchedulePart]:
    """Those of one zone together; invalid_request when no time comes in any."""
    by_zone: dict[str, list[str]] = {}
    for phone in phones:
        by_zone.setdefault(zone_of(phone) if spec.zone == RECIPIENT_ZONE else spec.zone, []).append(phone)
    parts: list[SchedulePart] = []
    for zone, numbers in by_zone.items():
        comes = first(spec.starts_at, spec.rrule, zone, after_us=now, skipped=row.skipped)
        for start in range(0, len(numbers), limits.COMMIT_CHUNK):
            chunk = tuple(numbers[start : start + limits.COMMIT_CHUNK])
            parts.append(_part(row, len(parts), zone, comes, chunk))
    if spec.has_audience:
        part = _part(row, len(parts), _zone(spec), _comes(spec, row.skipped, now), ())
        parts.append(msgspec.structs.replace(part, kind="audience", since=now))
    checks = Checks()
    has_more = any(part.occurrence for part in parts) or row.status == "paused" or bool(row.skipped)
    checks.require(has_more, "/starts_at", "is past, and no further time comes")
    checks.done()
    return parts


def people_parts(part: DuePart, spec: ScheduleSpec, people: Iterable[Contact], number: int) -> list[SchedulePart]:
    """Who was read of an audience, by when clocks show the time where they are: their own zone's, or their number's.
    Whose time had passed when the schedule was made is not among them. `number`: of the first part."""
    local, by_moment = datetime.fromisoformat(part.occurrence), dict[int, tuple[str, list[str]]]()
    for each in people:
        zone = (each.zone or zone_of(each.number)) if spec.zone == RECIPIENT_ZONE else spec.zone
        at = to_utc(local, zone)
        if at > part.since:
            by_moment.setdefault(at, (zone, []))[1].append(each.id)
    made: list[SchedulePart] = []
    for at, (zone, ids) in sorted(by_moment.items()):
        for start in range(0, len(ids), limits.COMMIT_CHUNK):
            chunk = tuple(ids[start : start + limits.COMMIT_CHUNK])
            place = number + len(made)
            made.append(
                SchedulePart(part.schedule_id, place, part.account_id, zone, chunk, part.occurrence, at, "people")
            )
    return made


def insert(parts: Sequence[SchedulePart]) -> Write:
    """New parts."""
    return Write("schedule_part_insert", tuple(to_columns(part) for part in parts))


def due_at(part: DuePart | SchedulePart) -> int:
    """The moment of its occurrence."""
    return to_utc(datetime.fromisoformat(part.occurrence), part.zone)


def is_late(part: DuePart, spec: ScheduleSpec, now: int) -> bool:
    """Whether its time was missed: an audience's where the last clocks showed it."""
    return now - due_at(part) > _late(part, spec)


def next_of(part: DuePart | SchedulePart, spec: ScheduleSpec, skipped: Sequence[str], now: int) -> Write:
    """It goes on to its next time, without those that were missed."""
    after_us = max(due_at(part), now - _late(part, spec))
    comes = first(spec.starts_at, spec.rrule, part.zone, after_us=after_us, skipped=skipped)
    local, at = ("", None) if comes is None else (comes.local, comes.at)
    return Write("schedule_part_next", ((part.schedule_id, part.part, part.occurrence, local, at),))


def _late(part: DuePart | SchedulePart, spec: ScheduleSpec) -> int:
    return LATE_US + (_AROUND_US if part.kind == "audience" and spec.zone == RECIPIENT_ZONE else 0)


def _zone(spec: ScheduleSpec) -> str:
    return _FIRST_ZONE if spec.zone == RECIPIENT_ZONE else spec.zone


def _comes(spec: ScheduleSpec, skipped: Sequence[str], now: int) -> Occurrence | None:
    """The first time that is still to come for somebody, and when it is read for whom it concerns."""
    if spec.zone != RECIPIENT_ZONE:
        return first(spec.starts_at, spec.rrule, spec.zone, after_us=now, skipped=skipped)
    comes = first(spec.starts_at, spec.rrule, _LAST_ZONE, after_us=now, skipped=skipped)
    if comes is None:
        return None
    return Occurrence(comes.local, to_utc(datetime.fromisoformat(comes.local), _FIRST_ZONE))


def _part(row: Schedule, number: int, zone: str, comes: Occurrence | None, numbers: tuple[str, ...]) -> SchedulePart:
    local, at = ("", None) if comes is None else (comes.local, comes.at if row.status == "active" else None)
    return SchedulePart(row.id, number, row.account_id, zone, numbers, local, at)
