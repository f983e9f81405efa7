"""/v1/schedules: a text or a flow at a time, once or again and again, to phones and contacts."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.domain.schedules import ScheduleStatus
from whimbrel.edges.rest.paging import Cursor, Limit
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page, Paging
from whimbrel.products.schedules import keeping, runs
from whimbrel.products.schedules.runs import ScheduleRunView
from whimbrel.products.schedules.shapes import (
    NewSchedule,
    OccurrenceView,
    PreviewOf,
    ScheduleChange,
    ScheduleView,
    Skip,
)

_TAG = "schedules"
_BODY_MAX = 512 * 1024  # 10,000 recipients
_OF_PEOPLE = ("not_found", "invalid_filter")
_OF_TEMPLATES = ("template_not_found", "template_not_approved", "invalid_class", "invalid_variable")
_OF_SENDERS = ("sender_not_allowed", "invalid_sender", "media_not_found")
_EXAMPLE = {
    "name": "Monday's opening",
    "starts_at": "2027-01-04T09:00",
    "zone": "recipient",
    "rrule": "FREQ=WEEKLY;BYDAY=MO",
    "recipients": ["+14155550123"],
    "audience": {"everybody": True},
    "text": "Good morning, we are open.",
}


class SchedulesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which schedules."""

    status: Annotated[ScheduleStatus | None, Meta(description="Only these.")] = None
    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT


class NextQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """How many times."""

    limit: Annotated[int, Meta(ge=1, le=limits.SCHEDULE_PREVIEW_MAX)] = 10


class RunsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which of its times."""

    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT


async def create(services: Services, call: Call[NoQuery, NewSchedule]) -> Answer:
    made = await keeping.create(services.manage, call.actor, call.body, account_id=call.account_id, test=call.test)
    return Answer(made, location=f"/v1/schedules/{made.id}")


async def preview(services: Services, call: Call[NoQuery, PreviewOf]) -> Answer:
    return Answer(await keeping.preview(services.manage, call.body, account_id=call.account_id, test=call.test))


async def find(services: Services, call: Call[SchedulesQuery, None]) -> Answer:
    query = call.query
    paging = Paging(query.cursor, query.limit)
    found = await keeping.find(
        services.manage, account_id=call.account_id, test=call.test, status=query.status, paging=paging
    )
    return Answer(found)


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await keeping.get(services.manage, call.path["id"], account_id=call.account_id, test=call.test))


async def update(services: Services, call: Call[NoQuery, ScheduleChange]) -> Answer:
    changed = await keeping.update(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(changed)


async def skip(services: Services, call: Call[NoQuery, Skip]) -> Answer:
    changed = await keeping.skip(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(changed)


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await keeping.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer()


async def coming(services: Services, call: Call[NextQuery, None]) -> Answer:
    found = await keeping.coming(
        services.manage, call.path["id"], account_id=call.account_id, test=call.test, count=call.query.limit
    )
    return Answer(found)


async def recipients(services: Services, call: Call[NoQuery, None]) -> Answer:
    found = await keeping.recipients(services.manage, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer(found)


async def ran(services: Services, call: Call[RunsQuery, None]) -> Answer:
    paging = Paging(call.query.cursor, call.query.limit)
    found = await runs.find(services.manage, call.path["id"], account_id=call.account_id, test=call.test, paging=paging)
    return Answer(found)


OPERATIONS = (
    Operation(
        method="POST", path="/v1/schedules", name="createSchedule", tag=_TAG, summary="Keep a schedule",
        description="Once, or by a recurrence rule; in a zone, or in that of each recipient. Times follow the clocks "
        "of the zone through summer and winter.",
        scope="flows:write", handle=create, body=NewSchedule, answer=ScheduleView, status=201, body_max=_BODY_MAX,
        errors=("too_many_flows", *_OF_PEOPLE, *_OF_TEMPLATES, *_OF_SENDERS), example=_EXAMPLE,
    ),
    Operation(
        method="POST", path="/v1/schedules/preview", name="previewSchedule", tag=_TAG,
        summary="See when a schedule would run",
        description="With how many it would be sent to now.",
        scope="flows:read", handle=preview, body=PreviewOf, answer=Page[OccurrenceView], body_max=_BODY_MAX,
        errors=_OF_PEOPLE,
        example={"starts_at": "2027-03-27T09:00", "zone": "Europe/Berlin", "rrule": "FREQ=DAILY", "count": 3},
    ),
    Operation(
        method="GET", path="/v1/schedules", name="listSchedules", tag=_TAG, summary="List schedules, newest first",
        scope="flows:read", handle=find, query=SchedulesQuery, answer=Page[ScheduleView],
    ),
    Operation(
        method="GET", path="/v1/schedules/{id}", name="getSchedule", tag=_TAG, summary="Read a schedule",
        scope="flows:read", handle=get, answer=ScheduleView,
    ),
    Operation(
        method="PATCH", path="/v1/schedules/{id}", name="updateSchedule", tag=_TAG,
        summary="Change all of a schedule, pause it, or let it go on",
        description="From now on; what was missed while it rested is not made up for.",
        scope="flows:write", handle=update, body=ScheduleChange, answer=ScheduleView, body_max=_BODY_MAX,
        errors=("invalid_filter", *_OF_TEMPLATES, *_OF_SENDERS),
        example={"status": "paused"},
    ),
    Operation(
        method="POST", path="/v1/schedules/{id}/skip", name="skipSchedule", tag=_TAG,
        summary="Leave one time of a schedule out",
        scope="flows:write", handle=skip, body=Skip, answer=ScheduleView, errors=("conflict",),
        example={"occurrence": "2027-01-11T09:00:00"},
    ),
    Operation(
        method="GET", path="/v1/schedules/{id}/next", name="listNextOfSchedule", tag=_TAG,
        summary="List the next times of a schedule",
        description="Local times, and what they are in UTC; with the zone `recipient` those of a phone in UTC.",
        scope="flows:read", handle=coming, query=NextQuery, answer=Page[OccurrenceView],
    ),
    Operation(
        method="GET", path="/v1/schedules/{id}/recipients", name="listRecipientsOfSchedule", tag=_TAG,
        summary="List the numbers that a schedule names",
        description="All of them. Contacts are looked for when it runs.",
        scope="flows:read", handle=recipients, answer=Page[str],
    ),
    Operation(
        method="GET", path="/v1/schedules/{id}/runs", name="listRunsOfSchedule", tag=_TAG,
        summary="List what came of the times of a schedule",
        description="How many got something, and why others got nothing; the newest time first.",
        scope="flows:read", handle=ran, query=RunsQuery, answer=Page[ScheduleRunView],
    ),
    Operation(
        method="DELETE", path="/v1/schedules/{id}", name="deleteSchedule", tag=_TAG,
        summary="Delete a schedule with its recipients",
        scope="flows:write", handle=delete, status=204,
    ),
)  # fmt: skip
