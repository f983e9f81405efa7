"""Schedules as accounts keep them: create, read, change all of one, pause, skip one time, delete, and what comes next.

A change makes all parts anew (`parts`), from the present on: what was missed while a schedule rested is not made up
for, and a run that is under way ends where it is. A new name and a time that is left out change nothing else.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

import msgspec
from msgspec import UNSET

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.campaigns import Group
from whimbrel.domain.flow_checks import RECIPIENT_ZONE, is_zone
from whimbrel.domain.flow_documents import RESERVED
from whimbrel.domain.flow_expressions import text_problem
from whimbrel.domain.numbers import normalise
from whimbrel.domain.recurrence import following, rule_problem, start_problem
from whimbrel.domain.schedules import Schedule, SchedulePart, ScheduleSpec, ScheduleStatus
from whimbrel.manage import audit, own_senders
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.products.flows.keeping import existing as existing_flow
from whimbrel.products.media.named import check_media
from whimbrel.products.schedules import audience, parts, runs
from whimbrel.products.schedules.saying import check_template
from whimbrel.products.schedules.shapes import (
    NOBODY,
    NewSchedule,
    OccurrenceView,
    PreviewOf,
    ScheduleChange,
    ScheduleView,
    Skip,
    spec_of,
    text_of,
    view,
)
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

STATUSES: tuple[ScheduleStatus, ...] = ("active", "paused", "finished")
_WAYS = ("text", "template", "flow_id")
_SAME_NAME = ("starts_at", "zone", "rrule", "text", "template", "language", "message_class", "flow_id",
              "variables", "shorten_links", "media")  # fmt: skip


class _Count(msgspec.Struct, frozen=True):
    count: int


async def create(ctx: Context, actor: str, request: NewSchedule, *, account_id: str, test: bool) -> ScheduleView:
    """Keep a schedule. WhimbrelError: invalid_request, not_found (a flow, a segment), invalid_filter, too_many_flows,
    template_not_found, template_not_approved, invalid_class, invalid_variable, sender_not_allowed, invalid_sender."""
    checks = Checks()
    wanted, without = await audience.groups_of(
        ctx, request.audience, request.exclude, account_id=account_id, test=test, checks=checks
    )
    spec = ScheduleSpec(
        starts_at=request.starts_at, zone=request.zone, rrule=request.rrule or None, text=request.text,
        template=request.template, language=request.language, sender=request.sender,
        message_class=request.message_class or ("transactional" if request.template is None else ""),
        flow_id=request.flow_id, variables=request.variables, audience=wanted, exclude=without,
        shorten_links=request.shorten_links, media=request.media,
    )  # fmt: skip
    async with ctx.lock:
        now = ctx.clock.now_us()
        phones = _checked(request.name, spec, request.recipients, checks)
        await own_senders.check(ctx, {"/sender": spec.sender}, account_id=account_id)
        await check_media(ctx, spec.media, account_id=account_id, test=test)
        await check_template(ctx.store, account_id, spec)
        if spec.flow_id is not None:
            await existing_flow(ctx, spec.flow_id, account_id)
        (kept,) = await ctx.store.fetch(_Count, "schedules_count", account_id)
        if kept.count >= limits.SCHEDULES_PER_ACCOUNT:
            raise WhimbrelError("too_many_flows")
        row = Schedule(
            ctx.ids.new(ids.SCHEDULE), account_id, test, request.name.strip(), "active", text_of(spec), (), len(phones),
            0, None, now, now,
        )  # fmt: skip
        made = parts.parts_of(row, spec, phones, now)
        entry = audit.entry(ctx, actor, "schedule.created", row.id, account_id)
        await commit(ctx, [Write("schedules_insert", (to_columns(row),)), parts.insert(made), entry])
    return view(row)


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
    return page(rows, paging, view, lambda row: row.id)


async def get(ctx: Context, schedule_id: str, *, account_id: str, test: bool) -> ScheduleView:
    """One of them; not_found where it is not the account's."""
    return view(await _existing(ctx, schedule_id, account_id, test))


async def update(
    ctx: Context, actor: str, schedule_id: str, change: ScheduleChange, *, account_id: str, test: bool
) -> ScheduleView:
    """Change all of it, pause it, or let it go on. WhimbrelError: not_found, invalid_request, invalid_filter, and what
    is said of a template and a sender."""
    async with ctx.lock:
        before = await _existing(ctx, schedule_id, account_id, test)
        now, checks, was = ctx.clock.now_us(), Checks(), spec_of(before)
        spec = _changed(was, change)
        if change.audience is not None or change.exclude is not None:
            wanted, without = await audience.groups_of(
                ctx, change.audience or NOBODY, change.exclude or NOBODY, account_id=account_id, test=test,
                checks=checks,
            )  # fmt: skip
            spec = msgspec.structs.replace(
                spec,
                audience=spec.audience if change.audience is None else wanted,
                exclude=spec.exclude if change.exclude is None else without,
            )
        old = await _parts(ctx, before)
        numbers = _numbers(old)
        name = before.name if change.name is None else change.name
        phones = _checked(name, spec, numbers if change.recipients is None else change.recipients, checks)
        if spec != was:  # a template that is gone is no reason to keep sending
            await check_template(ctx.store, account_id, spec)
        if spec.media != was.media:
            await check_media(ctx, spec.media, account_id=account_id, test=test)
        if spec.sender != was.sender:
            await own_senders.check(ctx, {"/sender": spec.sender}, account_id=account_id)
        if spec.flow_id is not None and spec.flow_id != was.flow_id:
            await existing_flow(ctx, spec.flow_id, account_id)
        status = change.status or ("active" if before.status == "finished" else before.status)
        entry = audit.entry(ctx, actor, "schedule.updated", before.id, account_id)
        if spec == was and change.recipients is None and change.status in (None, before.status):
            row = msgspec.structs.replace(before, name=name.strip(), updated_at=now)
            await commit(ctx, [_set(row), entry])
            return view(row)
        row = msgspec.structs.replace(
            before, name=name.strip(), status=status, spec=text_of(spec), recipients=len(phones), updated_at=now,
            reason="",
        )  # fmt: skip
        made = parts.parts_of(row, spec, phones, now)
        gone = Write("schedule_parts_delete", ((row.id,),))
        await commit(ctx, [_set(row), gone, *_stopped(old, now), parts.insert(made), entry])
    return view(row)


async def skip(
    ctx: Context, actor: str, schedule_id: str, request: Skip, *, account_id: str, test: bool
) -> ScheduleView:
    """Leave one time out. WhimbrelError: not_found, invalid_request, conflict (none comes)."""
    async with ctx.lock:
        before = await _existing(ctx, schedule_id, account_id, test)
        now = ctx.clock.now_us()
        spec = spec_of(before)
        coming = [each.local for each in _coming(spec, before, now, limits.SCHEDULE_PREVIEW_MAX, 0)]
        if not coming:
            raise WhimbrelError("conflict", "No further time comes.")
        checks = Checks()
        chosen = request.occurrence or coming[0]
        checks.require(chosen in coming, "/occurrence", "is none of the next times, as the preview gives them")
        checks.done()
        row = msgspec.structs.replace(before, skipped=(*before.skipped, chosen)[-100:], updated_at=now)
        old = [part for part in await _parts(ctx, before) if part.occurrence == chosen]
        moved = [parts.next_of(part, spec, row.skipped, now) for part in old if part.kind != "people"]
        people = [part for part in old if part.kind == "people"]
        gone = tuple((part.schedule_id, part.part, part.occurrence) for part in people)
        if gone:
            moved.append(Write("schedule_part_done", gone))
        ended = Write("schedules_ended", ((row.id, now),))
        entry = audit.entry(ctx, actor, "schedule.updated", row.id, account_id)
        await commit(ctx, [_set(row), *moved, *_stopped(people, now), ended, entry])
    return view(row)


async def delete(ctx: Context, actor: str, schedule_id: str, *, account_id: str, test: bool) -> None:
    """Forget one with its recipients."""
    async with ctx.lock:
        row = await _existing(ctx, schedule_id, account_id, test)
        writes = [
            Write("schedule_parts_delete", ((row.id,),)),
            Write("schedule_outcomes_delete", ((row.id,),)),
            Write("schedules_delete", ((row.id,),)),
            audit.entry(ctx, actor, "schedule.deleted", row.id, account_id),
        ]
        await commit(ctx, writes)


async def coming(ctx: Context, schedule_id: str, *, account_id: str, test: bool, count: int) -> Page[OccurrenceView]:
    """The next times of a schedule."""
    row = await _existing(ctx, schedule_id, account_id, test)
    if row.status != "active":
        return Page(())
    spec, numbers = spec_of(row), _numbers(await _parts(ctx, row))
    people = await audience.count(ctx, spec, numbers, account_id=account_id, test=test)
    return Page(tuple(_coming(spec, row, ctx.clock.now_us(), count, people)))


async def recipients(ctx: Context, schedule_id: str, *, account_id: str, test: bool) -> Page[str]:
    """The numbers that it names: all of them."""
    return Page(tuple(_numbers(await _parts(ctx, await _existing(ctx, schedule_id, account_id, test)))))


async def preview(ctx: Context, request: PreviewOf, *, account_id: str, test: bool) -> Page[OccurrenceView]:
    """The next times of a schedule that is not kept. WhimbrelError: invalid_request, invalid_filter, not_found."""
    checks = Checks()
    _check_times(checks, request.starts_at, request.zone, request.rrule)
    wanted, without = await audience.groups_of(
        ctx, request.audience, request.exclude, account_id=account_id, test=test, checks=checks
    )
    numbers = _numbers_in(request.recipients, checks)
    checks.done()
    spec = ScheduleSpec(
        starts_at=request.starts_at, zone=request.zone, rrule=request.rrule or None, audience=wanted, exclude=without
    )
    people = await audience.count(ctx, spec, numbers, account_id=account_id, test=test)
    return Page(tuple(_coming(spec, None, ctx.clock.now_us(), request.count, people)))


def _coming(spec: ScheduleSpec, row: Schedule | None, now: int, count: int, people: int) -> Sequence[OccurrenceView]:
    zone = "UTC" if spec.zone == RECIPIENT_ZONE else spec.zone
    skipped = () if row is None else row.skipped
    found = following(spec.starts_at, spec.rrule, zone, after_us=now, skipped=skipped)
    return [OccurrenceView(each.local, moments.to_text(each.at), people) for each in islice(found, count)]


def _changed(spec: ScheduleSpec, change: ScheduleChange) -> ScheduleSpec:
    given = {name: value for name in _SAME_NAME if (value := getattr(change, name)) is not None}
    if given.get("rrule") == "":
        given["rrule"] = None
    if change.sender is not UNSET:
        given["sender"] = change.sender
    ways = [way for way in _WAYS if given.get(way) is not None]
    if len(ways) == 1 and getattr(spec, ways[0]) is None:  # another way of saying it takes the place of the one before
        kept_class = "" if ways[0] == "template" else spec.message_class or "transactional"
        media = () if ways[0] == "flow_id" else spec.media
        given = dict.fromkeys(_WAYS) | {"language": None, "message_class": kept_class, "media": media} | given
    return msgspec.structs.replace(spec, **given)


def _checked(name: str, spec: ScheduleSpec, given: Sequence[str], checks: Checks) -> tuple[str, ...]:
    """The numbers in E.164, each once."""
    checks.text(name.strip(), "/name")
    _check_times(checks, spec.starts_at, spec.zone, spec.rrule)
    ways = [way for way in _WAYS if getattr(spec, way) is not None]
    checks.require(len(ways) == 1, "/text", "one of `text`, `template` and `flow_id` must be there")
    checks.require(spec.language is None or spec.template is not None, "/language", "goes with `template`")
    problem = None if spec.text is None else text_problem(spec.text)
    checks.require(problem is None, "/text", problem or "")
    checks.require(spec.text != "", "/text", "must not be empty")
    checks.require(spec.flow_id is None or not spec.media, "/media", "goes with `text` or `template`")
    for variable in spec.variables if spec.template is None else ():
        checks.require(variable not in RESERVED, f"/variables/{variable}", "is set by the run itself")
    checks.require(bool(given) or spec.has_audience, "/recipients", "must name somebody, or `audience`")
    lonely = spec.exclude == Group() or spec.has_audience
    checks.require(lonely, "/exclude", "goes with `audience`")
    numbers = _numbers_in(given, checks)
    checks.done()
    return numbers


def _numbers_in(given: Sequence[str], checks: Checks) -> tuple[str, ...]:
    numbers = [normalise(each) for each in given]
    for place, number in enumerate(numbers):
        checks.require(number is not None, f"/recipients/{place}", "must be a number in E.164")
    return tuple(dict.fromkeys(number.e164 for number in numbers if number is not None))


def _check_times(checks: Checks, starts_at: str, zone: str, rule: str | None) -> None:
    problem = start_problem(starts_at)
    checks.require(problem is None, "/starts_at", problem or "")
    checks.require(is_zone(zone), "/zone", "must be `recipient` or a zone such as Europe/Berlin")
    day = 1 if problem else datetime.fromisoformat(starts_at).day
    problem = rule_problem(rule, day) if rule else None
    checks.require(problem is None, "/rrule", problem or "")


def _set(row: Schedule) -> Write:
    skipped = msgspec.json.encode(row.skipped).decode()
    changed = (row.id, row.name, row.status, row.spec, skipped, row.recipients, row.updated_at, row.reason)
    return Write("schedules_set", (changed,))


def _stopped(old: Sequence[SchedulePart], now: int) -> list[Write]:
    """People of a run that is under way get nothing any more."""
    people = [part for part in old if part.kind == "people"]
    counts = Counter(part.occurrence for part in people for _ in part.recipients)
    one_of = {part.occurrence: part for part in people}
    return [runs.added(one_of[local], {parts.STOPPED: count}, now) for local, count in counts.items()]


async def _parts(ctx: Context, row: Schedule) -> list[SchedulePart]:
    return await ctx.store.fetch(SchedulePart, "schedule_parts_of", row.account_id, row.id)


def _numbers(found: Sequence[SchedulePart]) -> list[str]:
    return [phone for part in found if part.kind == "numbers" for phone in part.recipients]


async def _existing(ctx: Context, schedule_id: str, account_id: str, test: bool) -> Schedule:
    return await one(ctx, Schedule, "schedules_by_id", account_id, int(test), schedule_id)
