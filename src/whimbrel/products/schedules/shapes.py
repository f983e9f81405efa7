"""Schedules as requests and answers show them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import limits, moments
from whimbrel.domain.campaigns import Group
from whimbrel.domain.schedules import Schedule, ScheduleSpec, ScheduleStatus
from whimbrel.products.media.named import MediaIds

Names = Annotated[tuple[str, ...], Meta(max_length=limits.CAMPAIGN_GROUPS_MAX)]
STATUSES: tuple[ScheduleStatus, ...] = ("active", "paused", "finished")
StartsAt = Annotated[str, Meta(description="A local time in the zone, such as `2026-12-24T09:00`.")]
Zone = Annotated[str, Meta(description="An IANA zone, or `recipient`: that of each phone's number.")]
Rule = Annotated[str | None, Meta(description="A recurrence rule of RFC 5545, such as `FREQ=WEEKLY;BYDAY=MO`.")]
Recipients = Annotated[
    tuple[str, ...], Meta(max_length=limits.SCHEDULE_RECIPIENTS_MAX, description="Numbers in E.164.")
]
ShortenLinks = Annotated[
    bool,
    Meta(description="Make every address a short link, one for each recipient; without, those in `{url=…}`."),
]


class PeopleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contacts: whoever meets any of this when the schedule runs."""

    everybody: Annotated[bool, Meta(description="All contacts.")] = False
    lists: Annotated[Names, Meta(description="By name or id.")] = ()
    tags: Annotated[Names, Meta(description="By name or id.")] = ()
    segments: Annotated[Names, Meta(description="By id.")] = ()
    filter: Annotated[str | None, Meta(description="A filter as segments have it.")] = None


NOBODY = PeopleBody()


class NewSchedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text, or a flow, at a time, for numbers, contacts or both. One of `text`, `template` and `flow_id` is there."""

    name: str
    starts_at: StartsAt
    recipients: Recipients = ()
    audience: Annotated[PeopleBody, Meta(description="Contacts, looked for each time that it runs.")] = NOBODY
    exclude: Annotated[PeopleBody, Meta(description="Contacts of the audience that get nothing.")] = NOBODY
    zone: Zone = "UTC"
    rrule: Rule = None
    text: Annotated[
        str | None, Meta(description="In which `{{ name }}` stands for a variable, or what is known of a contact.")
    ] = None
    template: Annotated[
        str | None, Meta(description="Name or id of a template, with @ and a number for a fixed version.")
    ] = None
    language: Annotated[str | None, Meta(description="Of the template; none: the contact's, or its default.")] = None
    sender: str | None = None
    message_class: Annotated[
        Literal["otp", "transactional", "marketing"] | None, Meta(description="None: transactional, or the template's.")
    ] = msgspec.field(name="class", default=None)
    flow_id: Annotated[str | None, Meta(description="A flow that begins for each phone.")] = None
    variables: Annotated[dict[str, Any], Meta(description="Values for all; what is known of a contact wins.")] = {}
    shorten_links: ShortenLinks = False
    media: MediaIds = ()


class ScheduleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different, for all times from now on; what is not given stays."""

    name: str | None = None
    status: Literal["active", "paused"] | None = None
    starts_at: str | None = None
    zone: str | None = None
    rrule: Annotated[str | None, Meta(description="Empty: once.")] = None
    recipients: Recipients | None = None
    audience: PeopleBody | None = None
    exclude: PeopleBody | None = None
    text: Annotated[str | None, Meta(description="In place of a template or a flow.")] = None
    template: Annotated[str | None, Meta(description="In place of a text or a flow.")] = None
    flow_id: Annotated[str | None, Meta(description="In place of another flow, a text or a template.")] = None
    language: str | None = None
    sender: Annotated[str | UnsetType | None, Meta(description="null: the account's default for each country.")] = UNSET
    message_class: Literal["otp", "transactional", "marketing"] | None = msgspec.field(name="class", default=None)
    variables: dict[str, Any] | None = None
    shorten_links: bool | None = None
    media: MediaIds | None = None


class Skip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which time is left out."""

    occurrence: Annotated[str | None, Meta(description="A local time, as the preview gives it; none: the next.")] = None


class PreviewOf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule that is not kept yet."""

    starts_at: StartsAt
    zone: Zone = "UTC"
    rrule: Rule = None
    recipients: Recipients = ()
    audience: PeopleBody = NOBODY
    exclude: PeopleBody = NOBODY
    count: Annotated[int, Meta(ge=1, le=limits.SCHEDULE_PREVIEW_MAX)] = 10


class OccurrenceView(msgspec.Struct, frozen=True):
    """A time that comes. With the zone `recipient`, `at` is that of a phone in UTC."""

    local: str
    at: str
    people: Annotated[int, Meta(description="How many it would be sent to if it were now.")]


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
    recipients: Annotated[int, Meta(description="Numbers that it names; contacts are counted by the next times.")]
    audience: PeopleBody
    exclude: PeopleBody
    text: str | None
    template: str | None
    language: str | None
    sender: str | None
    message_class: Annotated[str | None, Meta(description="null: that of the template.")] = msgspec.field(name="class")
    flow_id: str | None
    variables: dict[str, Any]
    shorten_links: bool
    media: tuple[str, ...]
    reason: Annotated[str | None, Meta(description="Why it pauses, where nobody asked for it.")]
    skipped: tuple[str, ...]
    last_at: str | None
    created_at: str
    updated_at: str


def spec_of(row: Schedule) -> ScheduleSpec:
    """What it says."""
    return msgspec.json.decode(row.spec, type=ScheduleSpec)


def text_of(spec: ScheduleSpec) -> str:
    """As it is stored."""
    return msgspec.json.encode(spec).decode()


def view(row: Schedule) -> ScheduleView:
    """A schedule as answers show it."""
    spec = spec_of(row)
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
        audience=_people(spec.audience),
        exclude=_people(spec.exclude),
        text=spec.text,
        template=spec.template,
        language=spec.language,
        sender=spec.sender,
        message_class=spec.message_class or None,
        flow_id=spec.flow_id,
        variables=spec.variables,
        shorten_links=spec.shorten_links,
        media=spec.media,
        reason=row.reason or None,
        skipped=row.skipped,
        last_at=moments.to_text_or_none(row.last_at),
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )


def _people(group: Group) -> PeopleBody:
    return PeopleBody(
        everybody=group.everybody, lists=group.lists, tags=group.tags, segments=group.segments, filter=group.filter
    )
