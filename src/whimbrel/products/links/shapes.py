"""What the API says of short links and takes for them."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import limits, moments, money
from whimbrel.domain.links import Click, Conversion, Figures, Kind, Link, LinkSettings, Privacy, Repeats, Utm, is_gone

Name = Annotated[str, Meta(max_length=limits.LINK_NAME_MAX)]
_DAYS_MAX = 3650


class NewLinkRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A link that stands in no message of ours."""

    url: Annotated[str, Meta(description="Where it leads: http or https.", examples=["https://shop.example/sale"])]
    name: Annotated[Name, Meta(description="For people.")] = ""
    group_id: Annotated[Name, Meta(description="What its clicks are counted for, such as a campaign of yours.")] = ""
    variant: Annotated[Name, Meta(description="Which variant of that.")] = ""
    expires_at: Annotated[str | None, Meta(description="RFC 3339; without one it works until it is deleted.")] = None


class LinkChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays."""

    url: Annotated[str | UnsetType, Meta(description="Where it leads from now on.")] = UNSET
    name: Name | UnsetType = UNSET
    expires_at: Annotated[
        str | UnsetType | None, Meta(description="RFC 3339; a moment that is over ends it, null lets it work on.")
    ] = UNSET


class ClickFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Clicks on a link."""

    people: int
    others: Annotated[int, Meta(description="Previewers, bots, and who cannot have read the text yet.")]
    first_at: Annotated[str | None, Meta(description="By a person.")] = None
    last_at: str | None = None


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """A short link."""

    id: str
    account_id: str
    short_url: str
    url: Annotated[str, Meta(description="Where it leads.")]
    status: Annotated[str, Meta(extra_json_schema={"enum": ["active", "expired"]})]
    name: str
    message_id: str | None
    group_id: str
    variant: str
    test: bool
    created_at: str
    expires_at: str | None
    clicks: ClickFigures
    conversions: int


class ClickView(msgspec.Struct, frozen=True, kw_only=True):
    """A click, as far as the account keeps it."""

    id: str
    link_id: str
    kind: Kind
    reason: Annotated[
        str, Meta(description="Why it is no person's: agent, head, prefetch, no_agent, network or too_soon.")
    ]
    first: Annotated[bool, Meta(description="The first by a person.")]
    agent: str
    country: str
    ip: str
    at: str


class NewConversion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody did after a click. The click or the link is named."""

    click_id: Annotated[str | None, Meta(description="As the target was given it, or as the event names it.")] = None
    link_id: str | None = None
    name: Annotated[Name, Meta(min_length=1, description="What was done.", examples=["order"])] = "conversion"
    reference: Annotated[
        Name, Meta(description="Of one link, name and reference one counts; without one, the click's id.")
    ] = ""
    value: Annotated[str | None, Meta(description="A decimal number.", examples=["49.90"])] = None
    currency: Annotated[str, Meta(description="Of the value (ISO 4217).", examples=["EUR"])] = ""


class ConversionView(msgspec.Struct, frozen=True, kw_only=True):
    """A conversion. `new`: it was not told before."""

    link_id: str
    click_id: str | None
    name: str
    reference: str
    value: str | None
    currency: str
    at: str
    new: bool | UnsetType = UNSET


class FiguresView(msgspec.Struct, frozen=True, kw_only=True):
    """What the links of a group brought, of one variant."""

    group_id: str
    variant: str
    recipients: Annotated[int, Meta(description="Messages of which a person opened a link.")]
    people: Annotated[int, Meta(description="Clicks by people.")]
    others: int
    conversions: int


class LinkSettingsView(msgspec.Struct, frozen=True, kw_only=True):
    """What an account wants of its links, and what stands before their codes."""

    base_url: Annotated[str | None, Meta(description="Of the account's own domain.")]
    effective_base_url: Annotated[str | None, Meta(description="What is used; null: no links can be made.")]
    privacy: Privacy
    repeats: Repeats
    expires_days: int | None
    click_parameter: str
    utm: dict[Utm, str]


class LinkSettingsChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays."""

    base_url: Annotated[
        str | UnsetType | None,
        Meta(description="Of the account's own domain, which a proxy hands to us; the operator sets it. null: none."),
    ] = UNSET
    privacy: Annotated[
        Privacy | UnsetType,
        Meta(description="What is kept of who clicks: nothing, browser and country, or also address and whole agent."),
    ] = UNSET
    repeats: Annotated[
        Repeats | UnsetType, Meta(description="Whether `link.clicked` tells of each click by a person or the first.")
    ] = UNSET
    expires_days: Annotated[
        Annotated[int, Meta(ge=1, le=_DAYS_MAX)] | UnsetType | None,
        Meta(description="Days that links of messages work; null: the installation's."),
    ] = UNSET
    click_parameter: Annotated[
        Annotated[str, Meta(max_length=32, pattern=r"^[A-Za-z0-9_.-]*$")] | UnsetType,
        Meta(description="The parameter in which the target is given the click's id; empty: it is not."),
    ] = UNSET
    utm: Annotated[
        dict[Utm, Annotated[str, Meta(min_length=1, max_length=limits.LINK_NAME_MAX)]] | UnsetType,
        Meta(description="Parameters `utm_…` that targets are given which do not have them."),
    ] = UNSET


def view(link: Link, now: int) -> LinkView:
    """A link as it stands."""
    return LinkView(
        id=link.id,
        account_id=link.account_id,
        short_url=link.url,
        url=link.target,
        status="expired" if is_gone(link, now) else "active",
        name=link.name,
        message_id=link.message_id,
        group_id=link.group_id,
        variant=link.variant,
        test=bool(link.test),
        created_at=moments.to_text(link.created_at),
        expires_at=_moment(link.expires_at),
        clicks=ClickFigures(
            people=link.people,
            others=link.bots,
            first_at=_moment(link.first_click_at),
            last_at=_moment(link.last_click_at),
        ),
        conversions=link.conversions,
    )


def click_view(click: Click) -> ClickView:
    """A click."""
    return ClickView(
        id=click.id,
        link_id=click.link_id,
        kind=click.kind,
        reason=click.reason,
        first=bool(click.first),
        agent=click.agent,
        country=click.country,
        ip=click.ip,
        at=moments.to_text(click.at),
    )


def conversion_view(conversion: Conversion, new: bool | UnsetType = UNSET) -> ConversionView:
    """A conversion."""
    return ConversionView(
        link_id=conversion.link_id,
        click_id=conversion.click_id or None,
        name=conversion.name,
        reference=conversion.reference,
        value=None if conversion.value_micros is None else money.to_text(conversion.value_micros),
        currency=conversion.currency,
        at=moments.to_text(conversion.at),
        new=new,
    )


def figures_view(figures: Figures) -> FiguresView:
    """Figures of a group's variant."""
    return FiguresView(
        group_id=figures.group_id,
        variant=figures.variant,
        recipients=figures.recipients,
        people=figures.people,
        others=figures.bots,
        conversions=figures.conversions,
    )


def settings_view(settings: LinkSettings, base_url: str) -> LinkSettingsView:
    """What an account wants."""
    return LinkSettingsView(
        base_url=settings.base_url or None,
        effective_base_url=base_url or None,
        privacy=settings.privacy,
        repeats=settings.repeats,
        expires_days=settings.expires_days,
        click_parameter=settings.click_parameter,
        utm=settings.utm,
    )


def _moment(at: int | None) -> str | None:
    return None if at is None else moments.to_text(at)
