"""Schedules as they are stored: what is sent, when, and to whom."""

from typing import Any, Literal

import msgspec

from whimbrel.domain.campaigns import Group

PartKind = Literal["numbers", "audience", "people"]
ScheduleStatus = Literal["active", "paused", "finished"]


class ScheduleSpec(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What runs and when. `starts_at` is a local time; `zone` an IANA zone, or `recipient`: the one of each number.
    `message_class` is empty where a template's own is meant. `audience` and `exclude` name contacts; numbers stand in
    parts; `media` by id."""

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
    audience: Group = Group()
    exclude: Group = Group()
    shorten_links: bool = False
    media: tuple[str, ...] = ()

    @property
    def has_audience(self) -> bool:
        """Whether contacts are asked for, beside the numbers."""
        return self.audience != Group()


class Schedule(msgspec.Struct, frozen=True, gc=False):
    """Column order of the `schedules` table."""

    id: str
    account_id: str
    test: bool
    name: str
    status: ScheduleStatus
    spec: str  # JSON of ScheduleSpec
    skipped: tuple[str, ...]  # occurrences that are left out, as local times
    recipients: int  # numbers that it names
    runs: int  # parts that ran
    last_at: int | None
    created_at: int
    updated_at: int
    seq: int = 0  # number of its newest event
    reason: str = ""  # why it rests, where nobody asked for it; a code


class SchedulePart(msgspec.Struct, frozen=True, gc=False):
    """Column order of the `schedule_parts` table. `numbers`: numbers of one zone, at most a commit's worth; they stand
    here and nowhere else. `audience`: the contacts that the schedule asks for, read when the first clocks show its
    time; `cursor` is the last of them that was, `since` the moment that theirs must be after. `people`: ids of some of
    them, for one occurrence."""

    schedule_id: str
    part: int
    account_id: str
    zone: str
    recipients: tuple[str, ...]
    occurrence: str  # the local time that comes next; empty: none
    due_at: int | None
    kind: PartKind = "numbers"
    cursor: str = ""
    since: int = 0


class DuePart(msgspec.Struct, frozen=True, gc=False):
    """A part with what is to be done: columns of `schedule_parts_due`. `due_at`: when it is looked at, which is later
    than its time where something was in the way."""

    schedule_id: str
    part: int
    account_id: str
    zone: str
    recipients: tuple[str, ...]
    occurrence: str
    due_at: int
    kind: PartKind
    cursor: str
    since: int
    test: bool
    spec: str
    skipped: tuple[str, ...]


class ScheduleOutcome(msgspec.Struct, frozen=True, gc=False):
    """Column order of the `schedule_outcomes` table: how many of one occurrence got something (empty), or nothing for a
    reason. `at`: when the newest was added."""

    schedule_id: str
    occurrence: str
    code: str
    account_id: str
    count: int
    at: int
