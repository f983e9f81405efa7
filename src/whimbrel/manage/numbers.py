"""Numbers: senders that people can call and answer. A number is the same row as its sender, under the same id, seen
with what is only of numbers: what it can do, who holds it, how much it may send. The operator assigns it; its account
says what it is called and where answers go.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.model import Carrier, Sender
from whimbrel.domain.number_limits import NumberLimits
from whimbrel.domain.sender_fitness import country_of
from whimbrel.domain.sender_rules import SenderKind
from whimbrel.manage import senders
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, page
from whimbrel.manage.senders import ANY, Approval, Wanted

Capability = Literal["sms", "mms", "voice", "inbound"]
Method = Literal["POST", "GET"]
Amount = Annotated[int, Meta(ge=1, le=1_000_000_000)]

_COUNTRY = Meta(description="Of a short code (ISO 3166); that of other numbers is known.")
_UNLIMITED = NumberLimits()


class NewNumber(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that an account gets."""

    number: Annotated[str, Meta(description="E.164, or the digits of a short code.")]
    country: Annotated[str, _COUNTRY] = ""
    label: str = ""
    capabilities: tuple[Capability, ...] = ("sms", "inbound")
    carrier_id: Annotated[
        str | None, Meta(description="The carrier that holds it: tried first where the route of a text has it.")
    ] = None
    approval: Annotated[Approval, Meta(description="Nothing is sent from a number that is not approved.")] = "approved"
    approval_reason: Annotated[str, Meta(description="Why it is not approved, for the account to read.")] = ""
    per_minute: Annotated[Amount | None, Meta(description="Texts a minute, at most.")] = None
    per_day: Annotated[Amount | None, Meta(description="Segments a day, at most.")] = None
    is_default: bool = False
    countries: tuple[str, ...] = ()
    sms_url: str | None = None
    sms_method: Method = "POST"
    sms_fallback_url: str | None = None
    sms_fallback_method: Method = "POST"


class NumberChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What its account changes; what is absent stays."""

    label: str | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET
    countries: tuple[str, ...] | UnsetType = UNSET
    sms_url: str | UnsetType | None = UNSET
    sms_method: Method | UnsetType = UNSET
    sms_fallback_url: str | UnsetType | None = UNSET
    sms_fallback_method: Method | UnsetType = UNSET


class NumberAssignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the operator changes; what is absent stays."""

    capabilities: tuple[Capability, ...] | UnsetType = UNSET
    carrier_id: str | UnsetType | None = UNSET
    approval: Approval | UnsetType = UNSET
    approval_reason: str | UnsetType = UNSET
    per_minute: Amount | UnsetType | None = UNSET
    per_day: Amount | UnsetType | None = UNSET


class LimitsView(msgspec.Struct, frozen=True, kw_only=True):
    """How much a number may send; null: nothing bounds it. `minute_of` and `day_of` are ids of whose amount it is:
    numbers with the same one share it, and each has an equal part. The network's day begins at midnight in
    `time_zone`."""

    per_minute: int | None
    minute_of: str
    per_day: int | None
    day_of: str
    time_zone: str


class NumberView(msgspec.Struct, frozen=True, kw_only=True):
    """A number as its account sees it."""

    id: str
    account_id: str
    number: str
    kind: SenderKind
    country: str
    label: str
    capabilities: tuple[Capability, ...]
    carrier_id: str | None
    approval: Approval
    approval_reason: str
    per_minute: Annotated[int | None, Meta(description="As the operator set it.")]
    per_day: int | None
    limits: Annotated[LimitsView, Meta(description="What holds, with what its registration allows.")]
    is_default: bool
    countries: tuple[str, ...]
    sms_url: str | None
    sms_method: Method
    sms_fallback_url: str | None
    sms_fallback_method: Method
    created_at: str
    updated_at: str


async def create(ctx: Context, actor: str, request: NewNumber, *, account_id: str) -> Sender:
    """Give an account a number. WhimbrelError: invalid_request, invalid_sender, conflict, webhook_url_refused."""
    value, kind, country = senders.recognised(request.number)
    checks = Checks()
    checks.require(kind != "alphanumeric", "/number", "is a name: see /v1/senders")
    checks.require(not request.country or kind == "short_code", "/country", "is known of such a number")
    if request.country:
        checks.country(request.country, "/country")
    checks.done()
    await _check(ctx, msgspec.structs.asdict(request))
    now = ctx.clock.now_us()
    sender = Sender(
        id=ctx.ids.new(ids.SENDER),
        account_id=account_id,
        value=value,
        kind=kind,
        is_default=request.is_default,
        countries=tuple(dict.fromkeys(request.countries)),
        sms_url=request.sms_url,
        sms_method=request.sms_method,
        sms_fallback_url=request.sms_fallback_url,
        created_at=now,
        updated_at=now,
        label=request.label,
        capabilities=tuple(dict.fromkeys(request.capabilities)),
        country=request.country or country,
        carrier_id=request.carrier_id,
        approval=request.approval,
        approval_reason=request.approval_reason,
        sms_fallback_method=request.sms_fallback_method,
        per_minute=request.per_minute,
        per_day=request.per_day,
    )
    await senders.put_new(ctx, actor, sender)
    return sender


async def get(ctx: Context, number_id: str, *, account_id: str) -> Sender:
    """One number of an account; a name is none."""
    sender = await senders.existing(ctx, number_id, account_id)
    if sender.kind == "alphanumeric":
        raise WhimbrelError("not_found")
    return sender


async def find(
    ctx: Context, wanted: Wanted = ANY, *, account_id: str | None, paging: Paging = FIRST_PAGE
) -> Page[Sender]:
    """The numbers of an account, or (None) of all, newest first."""
    place = (after(paging), paging.limit + 1)
    which = (wanted.kind, wanted.approval, wanted.country, wanted.part)
    if account_id is None:
        rows = await ctx.store.fetch(Sender, "numbers_page_of_all", *place, *which)
    else:
        rows = await ctx.store.fetch(Sender, "numbers_page", account_id, *place, *which)
    return page(rows, paging, lambda row: row, lambda row: row.id)


async def update(ctx: Context, actor: str, number_id: str, change: NumberChange, *, account_id: str) -> Sender:
    """What its account says of it."""
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    await get(ctx, number_id, account_id=account_id)
    await _check(ctx, given)
    return await senders.put_changed(ctx, actor, number_id, given, account_id=account_id)


async def assign(ctx: Context, actor: str, number_id: str, change: NumberAssignment, *, account_id: str) -> Sender:
    """What the operator says of it."""
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    before = await get(ctx, number_id, account_id=account_id)
    await _check(ctx, given)
    if given.get("approval", before.approval) != before.approval:
        given.setdefault("approval_reason", "")  # what was said of another verdict
    if "capabilities" in given:
        given["capabilities"] = tuple(dict.fromkeys(given["capabilities"]))
    return await senders.put_changed(ctx, actor, number_id, given, account_id=account_id)


async def delete(ctx: Context, actor: str, number_id: str, *, account_id: str) -> None:
    """Take it away; messages that were accepted with it are still sent."""
    await get(ctx, number_id, account_id=account_id)
    await senders.delete(ctx, actor, number_id, account_id=account_id)


def view(sender: Sender, known: NumberLimits | None = None) -> NumberView:
    """The public shape. `known`: what its registration allows."""
    held = known or _UNLIMITED
    return NumberView(
        id=sender.id,
        account_id=sender.account_id,
        number=sender.value,
        kind=sender.kind,
        country=country_of(sender),
        label=sender.label,
        capabilities=sender.capabilities,
        carrier_id=sender.carrier_id,
        approval=sender.approval,
        approval_reason=sender.approval_reason,
        per_minute=sender.per_minute,
        per_day=sender.per_day,
        limits=LimitsView(
            per_minute=held.per_minute,
            minute_of=held.minute_of,
            per_day=held.per_day,
            day_of=held.day_of,
            time_zone=held.zone,
        ),
        is_default=sender.is_default,
        countries=sender.countries,
        sms_url=sender.sms_url,
        sms_method=sender.sms_method,
        sms_fallback_url=sender.sms_fallback_url,
        sms_fallback_method=sender.sms_fallback_method,
        created_at=moments.to_text(sender.created_at),
        updated_at=moments.to_text(sender.updated_at),
    )


async def _check(ctx: Context, given: Mapping[str, Any]) -> None:
    checks = Checks()
    for name in ("label", "approval_reason"):
        checks.text(given.get(name, ""), f"/{name}", longest=limits.NAME_MAX, empty=True)
    carrier_id = given.get("carrier_id")
    is_there = carrier_id is None or bool(await ctx.store.fetch(Carrier, "carrier_by_id", carrier_id))
    checks.require(is_there, "/carrier_id", "is no carrier")
    checks.done()
