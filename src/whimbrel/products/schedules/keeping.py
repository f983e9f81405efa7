"""Schedules as accounts keep them: create, read, change all of one, pause, skip one time, delete, and what comes next.

Recipients are kept in parts: those of one zone, at most a commit's worth, each with its own next time. A change makes
all parts anew, from the present on: what was missed while a schedule rested is not made up for.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.flow_checks import RECIPIENT_ZONE, is_zone
from whimbrel.domain.flow_documents import RESERVED
from whimbrel.domain.flow_expressions import text_problem
from whimbrel.domain.local_times import zone_of
from whimbrel.domain.numbers import normalise
from whimbrel.domain.recurrence import first, following, rule_problem, start_problem
from whimbrel.domain.schedules import Schedule, SchedulePart, ScheduleSpec, ScheduleStatus
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.products.flows.keeping import existing as existing_flow
from whimbrel.products.schedules.saying import check_template
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

STATUSES: tuple[ScheduleStatus, ...] = ("active", "paused", "finished")
_WAYS = ("text", "template", "flow_id")
StartsAt = Annotated[str, Meta(description="A local time in the zone, such as `2026-12-24T09:00`.")]
Zone = Annotated[str, Meta(description="An IANA zone, or `recipient`: that of each phone's number.")]
Rule = Annotated[str | None, Meta(description="A recurrence rule of RFC 5545, such as `FREQ=WEEKLY;BYDAY=MO`.")]
Recipients = Annotated[
    tuple[str, ...], Meta(min_length=1, max_length=limits.SCHEDULE_RECIPIENTS_MAX, description="In E.164.")
]


class NewSchedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text, or a flow, at a time. One of `text`, `template` and `flow_id` is there."""

    name: str
    starts_at: StartsAt
    recipients: Recipients
    zone: Zone = "UTC"
    rrule: Rule = None
    text: Annotated[str | None, Meta(description="In which `{{ name }}` stands for a variable.")] = None
    template: Annotated[
        str | None, Meta(description="Name or id of a template, with @ and a number for a fixed version.")
    ] = None
    language: Annotated[str | None, Meta(description="Of the template; none: its default.")] = None
    sender: str | None = None
    message_class: Annotated[
        Literal["otp", "transactional", "marketing"] | None, Meta(description="None: transactional, or the template's.")
    ] = msgspec.field(name="class", default=None)
    flow_id: Annotated[str | None, Meta(description="A flow that begins for each phone.")] = None
    variables: dict[str, Any] = {}


class ScheduleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different, for all times from now on; what is not given stays."""

    name: str | None = None
    status: Literal["active", "paused"] | None = None
    starts_at: str | None = None
    zone: str | None = None
    rrule: Annotated[str | None, Meta(description="Empty: once.")] = None
    recipients: Recipients | None = None
    text: Annotated[str | None, Meta(description="In place of a template.")] = None
    template: Annotated[str | None, Meta(description="In place of a text.")] = None
    language: str | None = None
    sender: str | None = None
    message_class: Literal["otp", "transactional", "marketing"] | None = msgspec.field(name="class", default=None)
    variables: dict[str, Any] | None = None


class Skip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which time is left out."""

    occurrence: Annotated[str | None, Meta(description="A local time, as the preview gives it; none: the next.")] = None


class PreviewOf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule that is not kept yet."""

    starts_at: StartsAt
    zone: Zone = "UTC"
    rrule: Rule = None
    count: Annotated[int, Meta(ge=1, le=limits.SCHEDULE_PREVIEW_MAX)] = 10


class OccurrenceView(msgspec.Struct, frozen=True):
    """A time that comes. With the zone `recipient`, `at` is that of a phone in UTC."""

    local: str
    at: str


class ScheduleView(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule. Recipients are read by `GET /v1/schedules/{id}/recipients`."""

    id: str
    account_id: str
    test: bool
    name: str
    status: ScheduleStatus
    starts_at: str
    zone: str
    rrule: str | None
    recipients: int
    text: str | None
    template: str | None
    language: str | None
    sender: str | None
    message_class: Annotated[str | None, Meta(description="null: that of the template.")] = msgspec.field(name="class")
    flow_id: str | None
    variables: dict[str, Any]
    skipped: tuple[str, ...]
    last_at: str | None
    created_at: str
    updated_at: str


class _Count(msgspec.Struct, frozen=True):
    count: int


async def create(ctx: Context, actor: str, request: NewSchedule, *, account_id: str, test: bool) -> ScheduleView:
    """Keep a schedule. WhimbrelError: invalid_request, not_found (the flow), too_many_flows, template_not_found,
    template_not_approved, invalid_class, invalid_variable."""
    spec = ScheduleSpec(
        starts_at=request.starts_at, zone=request.zone, rrule=request.rrule or None, text=request.text,
        template=request.template, language=request.language, sender=request.sender,
        message_class=request.message_class or ("transactional" if request.template is None else ""),
        flow_id=request.flow_id, variables=request.variables,
    )  # fmt: skip
    async with ctx.lock:
        now = ctx.clock.now_us()
        phones = _checked(request.name, spec, request.recipients)
        await check_template(ctx.store, account_id, spec)
        if spec.flow_id is not None:
            await existing_flow(ctx, spec.flow_id, account_id)
        (kept,) = await ctx.store.fetch(_Count, "schedules_count", account_id)
        if kept.count >= limits.SCHEDULES_PER_ACCOUNT:
            raise WhimbrelError("too_many_flows")
        row = Schedule(
            ctx.ids.new(ids.SCHEDULE), account_id, test, request.name.strip(), "active", _text(spec), (), len(phones),
            0, None, now, now,
        )  # fmt: skip
        parts = _parts(row, spec, phones, now)
        entry = audit.entry(ctx, actor, "schedule.created", row.id, account_id)
        await commit(ctx, [Write("schedules_insert", (to_columns(row),)), _insert(parts), entry])
    return _view(row)


async def find(
    ctx: Context,
    *,
    account_id: str,
    test: bool,
    status: ScheduleStatus | None = None,
    paging: Paging = FIRST_PAGE,
) -> Page[ScheduleView]:
    """An account's schedules, newest first."""
    wanted = list(STATUSES) if status is None else [status]
    about = (account_id, int(test), wanted, after(paging), paging.limit + 1)
    rows = await ctx.store.fetch(Schedule, "schedules_page", *about)
    return page(rows, paging, _view, lambda row: row.id)


async def get(ctx: Context, schedule_id: str, *, account_id: str, test: bool) -> ScheduleView:
    """One of them; not_found where it is not the account's."""
    return _view(await _existing(ctx, schedule_id, account_id, test))


async def update(
    ctx: Context, actor: str, schedule_id: str, change: ScheduleChange, *, account_id: str, test: bool
) -> ScheduleView:
    """Change all of it, pause it, or let it go on. WhimbrelError: not_found, invalid_request, and what is said of a
    template."""
    async with ctx.lock:
        before = await _existing(ctx, schedule_id, account_id, test)
        now = ctx.clock.now_us()
        spec = _changed(_spec(before), change)
        given = change.recipients if change.recipients is not None else await _recipients(ctx, before)
        name = before.name if change.name is None else change.name
        phones = _checked(name, spec, given)
        if spec != _spec(before):  # a template that is gone is no reason to keep sending
            await check_template(ctx.store, account_id, spec)
        status = change.status or ("active" if before.status == "finished" else before.status)
        row = msgspec.structs.replace(
            before, name=name.strip(), status=status, spec=_text(spec), recipients=len(phones), updated_at=now
        )
        await _replace(ctx, row, spec, phones, audit.entry(ctx, actor, "schedule.updated", row.id, account_id))
    return _view(row)


async def skip(
    ctx: Context, actor: str, schedule_id: str, request: Skip, *, account_id: str, test: bool
) -> ScheduleView:
    """Leave one time out. WhimbrelError: not_found, invalid_request, conflict (none comes)."""
    async with ctx.lock:
        before = await _existing(ctx, schedule_id, account_id, test)
        now = ctx.clock.now_us()
        spec = _spec(before)
        coming = [each.local for each in _coming(spec, before, now, limits.SCHEDULE_PREVIEW_MAX)]
        if not coming:
            raise WhimbrelError("conflict", "No further time comes.")
        checks = Checks()
        chosen = request.occurrence or coming[0]
        checks.require(chosen in coming, "/occurrence", "is none of the next times, as the preview gives them")
        checks.done()
        row = msgspec.structs.replace(before, skipped=(*before.skipped, chosen)[-100:], updated_at=now)
        phones = await _recipients(ctx, before)
        await _replace(ctx, row, spec, phones, audit.entry(ctx, actor, "schedule.updated", row.id, account_id))
    return _view(row)


async def delete(ctx: Context, actor: str, schedule_id: str, *, account_id: str, test: bool) -> None:
    """Forget one with its recipients."""
    async with ctx.lock:
        row = await _existing(ctx, schedule_id, account_id, test)
        writes = [
            Write("schedule_parts_delete", ((row.id,),)),
            Write("schedules_delete", ((row.id,),)),
            audit.entry(ctx, actor, "schedule.deleted", row.id, account_id),
        ]
        await commit(ctx, writes)


async def coming(ctx: Context, schedule_id: str, *, account_id: str, test: bool, count: int) -> Page[OccurrenceView]:
    """The next times of a schedule."""
    row = await _existing(ctx, schedule_id, account_id, test)
    found = _coming(_spec(row), row, ctx.clock.now_us(), count) if row.status == "active" else ()
    return Page(tuple(found))


async def recipients(ctx: Context, schedule_id: str, *, account_id: str, test: bool) -> Page[str]:
    """Whom it goes to: all of them."""
    return Page(tuple(await _recipients(ctx, await _existing(ctx, schedule_id, account_id, test))))


def preview(ctx: Context, request: PreviewOf) -> Page[OccurrenceView]:
    """The next times of a schedule that is not kept. WhimbrelError: invalid_request."""
    checks = Checks()
    _check_times(checks, request.starts_at, request.zone, request.rrule)
    checks.done()
    spec = ScheduleSpec(starts_at=request.starts_at, zone=request.zone, rrule=request.rrule or None)
    return Page(tuple(_coming(spec, None, ctx.clock.now_us(), request.count)))


def _coming(spec: ScheduleSpec, row: Schedule | None, now: int, count: int) -> Sequence[OccurrenceView]:
    zone = "UTC" if spec.zone == RECIPIENT_ZONE else spec.zone
    skipped = () if row is None else row.skipped
    found = following(spec.starts_at, spec.rrule, zone, after_us=now, skipped=skipped)
    return [OccurrenceView(each.local, moments.to_text(each.at)) for each in islice(found, count)]


def _changed(spec: ScheduleSpec, change: ScheduleChange) -> ScheduleSpec:
    given = {
        name: value
        for name in ("starts_at", "zone", "rrule", "text", "template", "language", "sender", "message_class",
                     "variables")
        if (value := getattr(change, name)) is not None
    }  # fmt: skip
    if given.get("rrule") == "":
        given["rrule"] = None
    if change.text is not None and change.template is None and spec.template is not None:
        given = {"template": None, "language": None, "message_class": spec.message_class or "transactional"} | given
    elif change.template is not None and change.text is None and spec.text is not None:
        given = {"text": None, "message_class": ""} | given
    return msgspec.structs.replace(spec, **given)


def _checked(name: str, spec: ScheduleSpec, given: Sequence[str]) -> tuple[str, ...]:
    """The recipients in E.164, each once."""
    checks = Checks()
    checks.text(name.strip(), "/name")
    _check_times(checks, spec.starts_at, spec.zone, spec.rrule)
    ways = [way for way in _WAYS if getattr(spec, way) is not None]
    checks.require(len(ways) == 1, "/text", "one of `text`, `template` and `flow_id` must be there")
    checks.require(spec.language is None or spec.template is not None, "/language", "goes with `template`")
    problem = None if spec.text is None else text_problem(spec.text)
    checks.require(problem is None, "/text", problem or "")
    checks.require(spec.text != "", "/text", "must not be empty")
    for variable in spec.variables if spec.template is None else ():
        checks.require(variable not in RESERVED, f"/variables/{variable}", "is set by the run itself")
    numbers = [normalise(each) for each in given]
    for place, number in enumerate(numbers):
        checks.require(number is not None, f"/recipients/{place}", "must be a number in E.164")
    checks.done()
    return tuple(dict.fromkeys(number.e164 for number in numbers if number is not None))


def _check_times(checks: Checks, starts_at: str, zone: str, rule: str | None) -> None:
    problem = start_problem(starts_at)
    checks.require(problem is None, "/starts_at", problem or "")
    checks.require(is_zone(zone), "/zone", "must be `recipient` or a zone such as Europe/Berlin")
    problem = rule_problem(rule) if rule else None
    checks.require(problem is None, "/rrule", problem or "")


def _parts(row: Schedule, spec: ScheduleSpec, phones: Sequence[str], now: int) -> list[SchedulePart]:
    """Those of one zone together; invalid_request when no time comes in any."""
    by_zone: dict[str, list[str]] = {}
    for phone in phones:
        by_zone.setdefault(zone_of(phone) if spec.zone == RECIPIENT_ZONE else spec.zone, []).append(phone)
    parts: list[SchedulePart] = []
    for zone, numbers in by_zone.items():
        comes = first(spec.starts_at, spec.rrule, zone, after_us=now, skipped=row.skipped)
        is_due = comes is not None and row.status == "active"
        for start in range(0, len(numbers), limits.COMMIT_CHUNK):
            chunk = tuple(numbers[start : start + limits.COMMIT_CHUNK])
            local, at = ("", None) if comes is None else (comes.local, comes.at if is_due else None)
            parts.append(SchedulePart(row.id, len(parts), row.account_id, zone, chunk, local, at))
    checks = Checks()
    has_more = any(part.occurrence for part in parts) or row.status == "paused" or bool(row.skipped)
    checks.require(has_more, "/starts_at", "is past, and no further time comes")
    checks.done()
    return parts


async def _replace(ctx: Context, row: Schedule, spec: ScheduleSpec, phones: Sequence[str], entry: Write) -> None:
    parts = _parts(row, spec, phones, ctx.clock.now_us())
    skipped = msgspec.json.encode(row.skipped).decode()
    changed = (row.id, row.name, row.status, row.spec, skipped, row.recipients, row.updated_at)
    writes = [Write("schedules_set", (changed,)), Write("schedule_parts_delete", ((row.id,),)), _insert(parts), entry]
    await commit(ctx, writes)


def _insert(parts: Sequence[SchedulePart]) -> Write:
    return Write("schedule_part_insert", tuple(to_columns(part) for part in parts))


async def _recipients(ctx: Context, row: Schedule) -> list[str]:
    parts = await ctx.store.fetch(SchedulePart, "schedule_parts_of", row.account_id, row.id)
    return [phone for part in parts for phone in part.recipients]


async def _existing(ctx: Context, schedule_id: str, account_id: str, test: bool) -> Schedule:
    return await one(ctx, Schedule, "schedules_by_id", account_id, int(test), schedule_id)


def _spec(row: Schedule) -> ScheduleSpec:
    return msgspec.json.decode(row.spec, type=ScheduleSpec)


def _text(spec: ScheduleSpec) -> str:
    return msgspec.json.encode(spec).decode()


def _view(row: Schedule) -> ScheduleView:
    spec = _spec(row)
    return ScheduleView(
        id=row.id,
        account_id=row.account_id,
        test=row.test,
        name=row.name,
        status=row.status,
        starts_at=spec.starts_at,
        zone=spec.zone,
        rrule=spec.rrule,
        recipients=row.recipients,
        text=spec.text,
        template=spec.template,
        language=spec.language,
        sender=spec.sender,
        message_class=spec.message_class or None,
        flow_id=spec.flow_id,
        variables=spec.variables,
        skipped=row.skipped,
        last_at=moments.to_text_or_none(row.last_at),
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )
