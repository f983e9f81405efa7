"""Pools as their account sees them: with the health of each sender and the work that waits for it."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.domain.model import Sender
from whimbrel.domain.pools import WELL, Member, Pool, PoolSettings, Standing
from whimbrel.domain.sender_rules import SenderKind


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """How a number does, as this node knew a few seconds ago."""

    queue_s: Annotated[float, Meta(description="Seconds of work that wait for it.")]
    left_today: Annotated[int | None, Meta(description="Segments of its quota; null without one.")]
    delivered: Annotated[int, Meta(description="Of the last hour's texts, as far as carriers decided.")]
    blocked: int
    share: Annotated[float, Meta(description="Delivered, of both; 1 while there are too few to tell.")]
    sick: Annotated[bool, Meta(description="It gets nothing while another can.")]


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """A sender in a pool."""

    sender_id: str
    sender: str
    kind: SenderKind
    weight: int
    rate_per_min: int
    daily_cap: int
    countries: tuple[str, ...]
    health: HealthView
    created_at: str


class PoolView(msgspec.Struct, frozen=True, kw_only=True):
    """A pool as its account sees it."""

    id: str
    account_id: str
    name: str
    is_default: bool
    sticky: bool
    match_area: bool
    names_first: bool
    queue_max_s: int
    fallback: str | None
    validity: int | None
    smart: bool
    callback_url: str | None
    inbound_on_number: bool
    usecase: str
    members: tuple[MemberView, ...]
    created_at: str
    updated_at: str


class Known(msgspec.Struct, frozen=True):
    """A pool with all that its views need."""

    pool: Pool
    settings: PoolSettings
    members: tuple[tuple[Member, Sender], ...]


def view(whole: Known, standings: Mapping[str, Standing]) -> PoolView:
    """The public shape, with how its members do."""
    pool, settings = whole.pool, whole.settings
    return PoolView(
        id=pool.id,
        account_id=pool.account_id,
        name=pool.name,
        is_default=pool.is_default,
        sticky=settings.sticky,
        match_area=settings.match_area,
        names_first=settings.names_first,
        queue_max_s=settings.queue_max_s,
        fallback=settings.fallback,
        validity=settings.validity_s,
        smart=settings.smart,
        callback_url=settings.callback_url,
        inbound_on_number=settings.inbound_on_number,
        usecase=settings.usecase,
        members=tuple(_member(member, sender, standings) for member, sender in whole.members),
        created_at=moments.to_text(pool.created_at),
        updated_at=moments.to_text(pool.updated_at),
    )


def _member(member: Member, sender: Sender, standings: Mapping[str, Standing]) -> MemberView:
    told = standings.get(sender.id, WELL)
    return MemberView(
        sender_id=sender.id,
        sender=sender.value,
        kind=sender.kind,
        weight=member.weight,
        rate_per_min=member.rate_per_min,
        daily_cap=member.daily_cap,
        countries=member.countries,
        health=HealthView(
            queue_s=round(told.work_s, 1),
            left_today=told.left_today,
            delivered=told.delivered,
            blocked=told.blocked,
            share=round(told.share, 3),
            sick=told.is_sick,
        ),
        created_at=moments.to_text(member.created_at),
    )
