"""Schedules as they are stored: what is sent, when, and to whom."""

from typing import Any, Literal

import msgspec

ScheduleStatus = Literal["active", "paused", "finished"]


class ScheduleSpec(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What runs and when. `starts_at` is a local time; `zone` an IANA zone, or `recipient`: the one of each number.
    `message_class` is empty where a template's own is meant."""

    starts_at: str
    zone: str
    rrule: str | None = None
    text: str | None = None
    template: str | None = None
    language: str | None = None
    sender: str | None = None
    message_class: str = "transactional"
    flow_id: str | None = None
    variables: dict[str, Any] = {}


class Schedule(msgspec.Struct, frozen=True, gc=False):
    """Column order of the `schedules` table."""

    id: str
    account_id: str
    test: bool
    name: str
    status: ScheduleStatus
    spec: str  # JSON of ScheduleSpec
    skipped: tuple[str, ...]  # occurrences that are left out, as local times
    recipients: int
    runs: int  # parts that ran
    last_at: int | None
    created_at: int
    updated_at: int


class SchedulePart(msgspec.Struct, frozen=True, gc=False):
    """Recipients of one zone, at most a commit's worth. Numbers stand here and nowhere else. Column order of the
    `schedule_parts` table."""

    schedule_id: str
    part: int
    account_id: str
    zone: str
    recipients: tuple[str, ...]
    occurrence: str  # the local time that comes next; empty: none
    due_at: int | None


class DuePart(msgspec.Struct, frozen=True, gc=False):
    """A part with what is to be done: columns of `schedule_parts_due`."""

    schedule_id: str
    part: int
    account_id: str
    zone: str
    recipients: tuple[str, ...]
    occurrence: str
    due_at: int
    test: bool
    spec: str
    skipped: tuple[str, ...]
