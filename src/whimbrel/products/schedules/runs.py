"""What came of the times of a schedule: how many got something, and why others got nothing."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.domain.schedules import DuePart, Schedule, ScheduleOutcome, SchedulePart
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, one, page
from whimbrel.store.interface import Write

RAN: Final = "schedule.ran"
PAUSED: Final = "schedule.paused"
ACCEPTED: Final = ""
"""The code of those who got something."""
_KEPT_US: Final = 400 * 86_400 * 1_000_000  # a yearly one has its last time to look at


class LeftOut(msgspec.Struct, frozen=True, gc=False):
    """How many got nothing for a reason: a code of docs/errors.md, or one of docs/flows.md."""

    code: str
    count: int


class ScheduleRunView(msgspec.Struct, frozen=True, kw_only=True):
    """One of its times. With the zone `recipient` it may still be under way."""

    occurrence: Annotated[str, Meta(description="The local time.")]
    accepted: Annotated[int, Meta(description="Messages made, or runs begun.")]
    left_out: tuple[LeftOut, ...]
    at: Annotated[str, Meta(description="When the newest of them was looked at.")]


class _Run(msgspec.Struct, gc=False):
    occurrence: str
    counts: dict[str, int]
    at: int


async def find(
    ctx: Context, schedule_id: str, *, account_id: str, test: bool, paging: Paging = FIRST_PAGE
) -> Page[ScheduleRunView]:
    """The newest first. WhimbrelError not_found."""
    await one(ctx, Schedule, "schedules_by_id", account_id, int(test), schedule_id)
    about = (account_id, schedule_id, after(paging, "~"), paging.limit + 1)
    runs: dict[str, _Run] = {}
    for row in await ctx.store.fetch(ScheduleOutcome, "schedule_outcomes_page", *about):
        run = runs.setdefault(row.occurrence, _Run(row.occurrence, {}, 0))
        run.counts[row.code] = row.count
        run.at = max(run.at, row.at)
    return page(list(runs.values()), paging, _view, lambda run: run.occurrence)


def added(part: DuePart | SchedulePart, counts: Mapping[str, int], now: int) -> Write:
    """So many more of an occurrence; the count of those who got something always stands there."""
    rows = {ACCEPTED: 0, **counts}
    told = tuple(
        (part.schedule_id, part.occurrence, code, part.account_id, count, now) for code, count in sorted(rows.items())
    )
    return Write("schedule_outcome_add", told)


def over(part: DuePart, now: int) -> list[Write]:
    """Told once none of its parts waits for the occurrence: after what the part becomes, in the same commit."""
    data = event_data(part, occurrence=part.occurrence)
    return [
        Write("schedules_over", ((part.schedule_id, part.occurrence),)),
        Write("schedules_over_event", ((part.schedule_id, part.occurrence, RAN, data, now),)),
        Write("schedule_outcomes_prune", ((part.schedule_id, now - _KEPT_US),)),
    ]


def event_data(part: DuePart, **more: Any) -> str:
    """What an event of a schedule tells."""
    return msgspec.json.encode({"schedule_id": part.schedule_id, "test": part.test} | more).decode()


def _view(run: _Run) -> ScheduleRunView:
    others = tuple(LeftOut(code, count) for code, count in sorted(run.counts.items()) if code != ACCEPTED)
    return ScheduleRunView(
        occurrence=run.occurrence,
        accepted=run.counts.get(ACCEPTED, 0),
        left_out=others,
        at=moments.to_text(run.at),
    )
