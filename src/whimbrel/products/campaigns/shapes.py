"""Campaigns as requests and answers show them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import limits, moments
from whimbrel.domain.campaigns import DAYS, Campaign, CampaignSpec, CampaignStatus, Group, Metric, Per, Phase, Variant
from whimbrel.products.media.named import MediaIds

Names = Annotated[tuple[str, ...], Meta(max_length=limits.CAMPAIGN_GROUPS_MAX)]
Numbers = Annotated[tuple[str, ...], Meta(max_length=limits.CAMPAIGN_NUMBERS_MAX, description="In E.164.")]
Validity = Annotated[int, Meta(ge=5, le=604_800)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", description="`HH:MM`.")]


class AudienceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People: whoever meets any of this."""

    everybody: Annotated[bool, Meta(description="All contacts.")] = False
    lists: Annotated[Names, Meta(description="By name or id.")] = ()
    tags: Annotated[Names, Meta(description="By name or id.")] = ()
    segments: Annotated[Names, Meta(description="By id.")] = ()
    filter: Annotated[str | None, Meta(description="A filter as segments have it.")] = None
    numbers: Numbers = ()


class VariantBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One wording: a text, or a template."""

    name: Annotated[str, Meta(description="Such as A.")] = "A"
    text: Annotated[
        str | None,
        Meta(
            description="In which `{{ name }}` stands for what is known of the contact; with "
            '`{{ first_name|default:"there" }}` for those of whom it is not.'
        ),
    ] = None
    template: Annotated[str | None, Meta(description="Name or id, with @ and a number for a fixed version.")] = None
    language: Annotated[str | None, Meta(description="Of the template; none: the contact's.")] = None
    variables: Annotated[dict[str, Any], Meta(description="Values for all; what is known of a contact wins.")] = {}
    share: Annotated[int, Meta(ge=1, le=100, description="Its weight among the variants.")] = 1


class TrialBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sample gets all variants; the others get the one that did best."""

    metric: Metric
    sample_percent: Annotated[int, Meta(ge=1, le=90)] = 20
    wait_s: Annotated[int, Meta(ge=1, le=7 * 24 * 3600, description="How long the sample is watched.")] = 3600
    min_difference: Annotated[
        float, Meta(ge=0, le=100, description="Percentage points; nearer together, and somebody chooses.")
    ] = 0.0


class PaceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many messages in a second, a minute or an hour."""

    count: Annotated[int, Meta(ge=1, le=1_000_000)]
    per: Per = "second"


class WindowBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it may send, by the clocks of `zone`."""

    begin: Clock
    end: Clock
    days: Annotated[tuple[Day, ...], Meta(min_length=1)] = DAYS


class ScheduleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it is sent."""

    at: Annotated[str | None, Meta(description="A local time such as `2026-12-24T09:00`; none: at once.")] = None
    zone: Annotated[str, Meta(description="An IANA zone, or `recipient`: each one's own.")] = "UTC"
    windows: Annotated[tuple[WindowBody, ...], Meta(max_length=14)] = ()
    pace: PaceBody | None = None


class NewCampaign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft. One of `text`, `template` and `variants` is there."""

    name: str
    audience: AudienceBody
    exclude: AudienceBody = AudienceBody()
    text: Annotated[str | None, Meta(description="Short for one variant.")] = None
    template: Annotated[str | None, Meta(description="Short for one variant.")] = None
    variants: Annotated[tuple[VariantBody, ...], Meta(max_length=limits.CAMPAIGN_VARIANTS_MAX)] = ()
    winner: Annotated[TrialBody | None, Meta(description="None: all variants go to everybody's share.")] = None
    sender: Annotated[str | None, Meta(description="None: the account's default for each country.")] = None
    pool: Annotated[str | None, Meta(description="A pool of senders.")] = None
    message_class: Annotated[
        Literal["transactional", "marketing"] | None, Meta(description="None: marketing, or the template's.")
    ] = msgspec.field(name="class", default=None)
    schedule: ScheduleBody = ScheduleBody()
    validity: Annotated[Validity | None, Meta(description="Seconds of each message.")] = None
    tags: Annotated[tuple[str, ...], Meta(max_length=10)] = ()
    short_links: Annotated[
        bool, Meta(description="Make every address a short link, one for each recipient; without, those in `{url=…}`.")
    ] = False
    media: MediaIds = ()


class CampaignChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different of a draft; what is not given stays. Where null is taken it takes away what is there."""

    name: str | None = None
    audience: AudienceBody | None = None
    exclude: AudienceBody | None = None
    text: str | None = None
    template: str | None = None
    variants: Annotated[tuple[VariantBody, ...], Meta(max_length=limits.CAMPAIGN_VARIANTS_MAX)] | None = None
    winner: TrialBody | UnsetType | None = UNSET
    sender: str | UnsetType | None = UNSET
    pool: str | UnsetType | None = UNSET
    message_class: Literal["transactional", "marketing"] | UnsetType | None = msgspec.field(name="class", default=UNSET)
    schedule: ScheduleBody | None = None
    validity: Validity | UnsetType | None = UNSET
    tags: Annotated[tuple[str, ...], Meta(max_length=10)] | None = None
    short_links: bool | None = None
    media: MediaIds | None = None


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    """People. `numbers`: how many; they are read by `GET /v1/campaigns/{id}/numbers`."""

    everybody: bool
    lists: tuple[str, ...]
    tags: tuple[str, ...]
    segments: tuple[str, ...]
    filter: str | None
    numbers: int


class VariantView(msgspec.Struct, frozen=True, kw_only=True):
    """One wording."""

    name: str
    text: str | None
    template: str | None
    language: str | None
    variables: dict[str, Any]
    share: int


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it has come."""

    looked_at: Annotated[int, Meta(description="Recipients so far.")]
    accepted: Annotated[int, Meta(description="Messages made.")]
    refused: Annotated[int, Meta(description="Those that accept refused; `refusals` of the results says why.")]
    left_out: Annotated[int, Meta(description="Duplicates and excluded ones.")]


class CampaignView(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign."""

    id: str
    account_id: str
    test: bool
    name: str
    status: CampaignStatus
    phase: Annotated[Phase, Meta(description="`sample`, then `wait`, then `rest`, where a winner is looked for.")]
    reason: Annotated[str | None, Meta(description="Why it pauses, where nobody asked for it.")]
    audience: GroupView
    exclude: GroupView
    variants: tuple[VariantView, ...]
    winner: TrialBody | None
    won: Annotated[str | None, Meta(description="The variant that the others get.")]
    sender: str | None
    pool: str | None
    message_class: Annotated[str | None, Meta(description="null: that of the template.")] = msgspec.field(name="class")
    schedule: ScheduleBody
    validity: int | None
    tags: tuple[str, ...]
    short_links: bool
    media: tuple[str, ...]
    waiting: Annotated[
        bool,
        Meta(
            description="Whether messages of it wait here still, in queues or for their hour. One that is `finished` "
            "has looked at everybody; with this it is sending out, and can be paused and canceled."
        ),
    ]
    progress: Progress
    author: Annotated[str, Meta(description="Who wrote it last.")]
    approved_by: str | None
    approved_at: str | None
    due_at: str | None
    started_at: str | None
    ended_at: str | None
    created_at: str
    updated_at: str


def spec_of(row: Campaign) -> CampaignSpec:
    """What it says."""
    return msgspec.json.decode(row.spec, type=CampaignSpec)


def view(row: Campaign, *, waiting: bool = False) -> CampaignView:
    """A campaign as answers show it. `waiting`: whether messages of it wait here."""
    spec = spec_of(row)
    return CampaignView(
        id=row.id,
        account_id=row.account_id,
        test=row.test,
        name=row.name,
        status=row.status,
        phase=row.phase,
        reason=row.reason or None,
        audience=_group(spec.audience),
        exclude=_group(spec.exclude),
        variants=tuple(_variant(each) for each in spec.variants),
        winner=None if spec.trial is None else msgspec.convert(msgspec.structs.asdict(spec.trial), TrialBody),
        won=row.winner or None,
        sender=spec.sender,
        pool=spec.pool,
        message_class=spec.message_class or None,
        schedule=_schedule(spec),
        validity=spec.validity_s,
        tags=spec.tags,
        short_links=spec.short_links,
        media=spec.media,
        waiting=waiting,
        progress=Progress(looked_at=row.taken, accepted=row.accepted, refused=row.refused, left_out=row.left_out),
        author=row.author,
        approved_by=row.approved_by or None,
        approved_at=moments.to_text_or_none(row.approved_at),
        due_at=moments.to_text_or_none(row.due_at),
        started_at=moments.to_text_or_none(row.started_at),
        ended_at=moments.to_text_or_none(row.ended_at),
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )


def _group(group: Group) -> GroupView:
    return GroupView(**msgspec.structs.asdict(group))


def _variant(variant: Variant) -> VariantView:
    return VariantView(**msgspec.structs.asdict(variant))


def _schedule(spec: CampaignSpec) -> ScheduleBody:
    said = {"at": spec.starts_at, "zone": spec.zone, "windows": spec.windows, "pace": spec.pace}
    return msgspec.convert(msgspec.to_builtins(said), ScheduleBody)
