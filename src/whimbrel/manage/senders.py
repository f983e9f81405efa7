"""Senders: what may stand as the sender of an account's messages, and where answers to it go.

A number or short code belongs to one account only, because inbound texts to it are that account's; a name may be used
by several, and receives nothing. Of the senders of an account one may be the default for all countries, and one for
each country: making a sender the default takes the mark from the one that had it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.model import Sender
from whimbrel.domain.numbers import normalise
from whimbrel.domain.registrations import Registration
from whimbrel.domain.sender_names import name_problem
from whimbrel.domain.sender_rules import SenderKind
from whimbrel.domain.senders import kind_of
from whimbrel.manage import accounts, audit
from whimbrel.manage.checks import Checks, check_url
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

Method = Literal["POST", "GET"]
Approval = Literal["approved", "pending", "rejected"]


class _Name(msgspec.Struct, frozen=True, gc=False):
    """Columns of `senders_names`."""

    id: str
    value: str


class NewSender(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to give an account a sender. `countries` narrows a default to these (ISO 3166). `allow_name`: also a
    name that says nothing, or that reads as somebody else's."""

    value: str
    is_default: bool = False
    countries: tuple[str, ...] = ()
    sms_url: str | None = None
    sms_method: Method = "POST"
    sms_fallback_url: str | None = None
    approval: Annotated[Approval, Meta(description="Nothing is sent from one that is not approved.")] = "approved"
    approval_reason: Annotated[str, Meta(description="Why it is not approved, for the account to read.")] = ""
    allow_name: bool = False


class SenderChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays."""

    is_default: bool | UnsetType = UNSET
    countries: tuple[str, ...] | UnsetType = UNSET
    sms_url: str | UnsetType | None = UNSET
    sms_method: Method | UnsetType = UNSET
    sms_fallback_url: str | UnsetType | None = UNSET


class SenderAssignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the operator says of a sender; what is absent stays."""

    approval: Approval | UnsetType = UNSET
    approval_reason: str | UnsetType = UNSET


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the senders or numbers; None: any. `value`: a sender; `part`: digits of a number."""

    kind: SenderKind | None = None
    approval: Approval | None = None
    value: str | None = None
    country: str | None = None
    part: str | None = None


ANY: Final = Wanted()
_CHANGED: Final = "Somebody else has just changed the sender: read it again."


class SenderView(msgspec.Struct, frozen=True, kw_only=True):
    """A sender as its account sees it."""

    id: str
    account_id: str
    value: str
    kind: SenderKind
    is_default: bool
    countries: tuple[str, ...]
    sms_url: str | None
    sms_method: Method
    sms_fallback_url: str | None
    approval: Approval
    approval_reason: str
    created_at: str
    updated_at: str


# ---------------------------------------------------------------- verbs


async def create(ctx: Context, actor: str, request: NewSender, *, account_id: str) -> SenderView:
    """Give an account a sender. WhimbrelError: invalid_sender, sender_name_refused, conflict."""
    value, kind, country = recognised(request.value)
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
        capabilities=("sms",) if kind == "alphanumeric" else ("sms", "inbound"),
        country=country,
        approval=request.approval,
        approval_reason=request.approval_reason,
    )
    await put_new(ctx, actor, sender, allow_name=request.allow_name)
    return view(sender)


async def put_new(ctx: Context, actor: str, sender: Sender, *, allow_name: bool = False) -> None:
    """Check a sender, whichever door made it, and store it."""
    check(ctx, sender)
    await accounts.existing(ctx, sender.account_id)
    overruled = await _name_overruled(ctx, sender, allow_name=allow_name)
    async with ctx.lock:
        await _check_free(ctx, sender)
        more = {"overruled": overruled} if overruled else {}
        entry = audit.entry(ctx, actor, "sender.created", sender.id, sender.account_id, kind=sender.kind, **more)
        sender = msgspec.structs.replace(sender, seq=1)
        writes = [Write("sender_insert", (to_columns(sender),)), *await _unmark_others(ctx, sender), entry]
        await commit(ctx, [*writes, _event(ctx, sender, "created")], "senders")


async def get(ctx: Context, sender_id: str, *, account_id: str) -> SenderView:
    """One sender of an account."""
    return view(await existing(ctx, sender_id, account_id))


async def find(ctx: Context, wanted: Wanted = ANY, *, account_id: str, paging: Paging = FIRST_PAGE) -> Page[SenderView]:
    """The senders of an account, newest first."""
    which = (wanted.kind, wanted.approval, None if wanted.value is None else written(wanted.value))
    rows = await ctx.store.fetch(Sender, "senders_page", account_id, after(paging), paging.limit + 1, *which)
    return page(rows, paging, view, lambda row: row.id)


async def update(ctx: Context, actor: str, sender_id: str, change: SenderChange, *, account_id: str) -> SenderView:
    """Change defaults and where answers go; the value of a sender never changes."""
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    return view(await put_changed(ctx, actor, sender_id, given, account_id=account_id))


async def assign(ctx: Context, actor: str, sender_id: str, change: SenderAssignment, *, account_id: str) -> SenderView:
    """What the operator says of it."""
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    before = await existing(ctx, sender_id, account_id)
    if given.get("approval", before.approval) != before.approval:
        given.setdefault("approval_reason", "")  # what was said of another verdict
    return view(await put_changed(ctx, actor, sender_id, given, account_id=account_id))


async def put_changed(ctx: Context, actor: str, sender_id: str, given: Mapping[str, Any], *, account_id: str) -> Sender:
    """Change these fields of a sender, whichever door asks."""
    async with ctx.lock:
        sender = await existing(ctx, sender_id, account_id)
        changed = msgspec.structs.replace(sender, **given, updated_at=ctx.clock.now_us(), seq=sender.seq + 1)
        check(ctx, changed)
        entry = audit.entry(ctx, actor, "sender.updated", sender_id, account_id, fields=sorted(given))
        is_decided = changed.approval != sender.approval and changed.approval != "pending"
        event = _event(ctx, changed, changed.approval if is_decided else "updated", fields=sorted(given))
        if not await ctx.store.turn(_update(changed), [*await _unmark_others(ctx, changed), entry, event]):
            raise WhimbrelError("conflict", _CHANGED)
        await ctx.tables.refresh("senders")
    return changed


async def delete(ctx: Context, actor: str, sender_id: str, *, account_id: str) -> None:
    """Take a sender away; messages that were accepted with it are still sent."""
    async with ctx.lock:
        sender = await existing(ctx, sender_id, account_id)
        entry = audit.entry(ctx, actor, "sender.deleted", sender_id, account_id, kind=sender.kind)
        event = _event(ctx, msgspec.structs.replace(sender, seq=sender.seq + 1), "deleted")
        gone = Write("sender_delete", ((sender_id, sender.seq),))
        if not await ctx.store.turn(gone, [*_leaves(sender), entry, event]):
            raise WhimbrelError("conflict", _CHANGED)
        await ctx.tables.refresh("senders", "pools")


def _event(ctx: Context, sender: Sender, verb: str, **facts: Any) -> Write:
    """What is told of a sender; its value is the account's own and no person's."""
    data = {
        "id": sender.id,
        "value": sender.value,
        "kind": sender.kind,
        "approval": sender.approval,
        "approval_reason": sender.approval_reason,
        **facts,
    }
    told = (sender.account_id, 0, sender.id, sender.seq, f"sender.{verb}", msgspec.json.encode(data).decode(), 0)
    return Write("event_insert", ((*told, ctx.clock.now_us()),))


def _leaves(sender: Sender) -> list[Write]:
    """It is in no pool any more, and nothing is posted for it."""
    drop = Write("pool_members_of_sender_drop", ((sender.id,),))
    return [drop, Write("inbound_url_delete", ((sender.id, sender.account_id),))]


def view(sender: Sender) -> SenderView:
    """The public shape."""
    return SenderView(
        id=sender.id,
        account_id=sender.account_id,
        value=sender.value,
        kind=sender.kind,
        is_default=sender.is_default,
        countries=sender.countries,
        sms_url=sender.sms_url,
        sms_method=sender.sms_method,
        sms_fallback_url=sender.sms_fallback_url,
        approval=sender.approval,
        approval_reason=sender.approval_reason,
        created_at=moments.to_text(sender.created_at),
        updated_at=moments.to_text(sender.updated_at),
    )


# ---------------------------------------------------------------- parts of them


async def existing(ctx: Context, sender_id: str, account_id: str) -> Sender:
    """The row; `not_found`."""
    return await one(ctx, Sender, "sender_by_id", sender_id, account_id)


def written(text: str) -> str:
    """A sender as it is stored: numbers may be written with punctuation."""
    number = normalise(text)
    return number.e164 if number else text


def recognised(text: str) -> tuple[str, SenderKind, str]:
    """The value as it is stored, its kind, and the country of a number (else empty); numbers may be written with
    punctuation."""
    number, value = normalise(text), written(text)
    kind = kind_of(value)
    if kind is None:
        raise WhimbrelError("invalid_sender", errors=[FieldError("/value", "is no number, short code or name")])
    return value, kind, number.country if number else ""


async def _name_overruled(ctx: Context, sender: Sender, *, allow_name: bool) -> str:
    """What is wrong with a name that the operator wants all the same; empty where nothing is."""
    if sender.kind != "alphanumeric":
        return ""
    others = await ctx.store.fetch(_Name, "senders_names", sender.account_id)
    approved = await ctx.store.fetch(Registration, "registrations_approved")
    theirs = {each for row in approved if row.account_id != sender.account_id for each in row.senders}
    registered = [other.value for other in others if other.id in theirs]
    problem = name_problem(sender.value, registered, [other.value for other in others])
    if problem is None or allow_name:
        return "" if problem is None else problem.kind
    raise WhimbrelError("sender_name_refused", problem.detail, errors=[FieldError("/value", problem.detail)])


def check(ctx: Context, sender: Sender) -> None:
    """What holds for every sender. WhimbrelError: invalid_request, webhook_url_refused."""
    checks = Checks()
    for place, country in enumerate(sender.countries):
        checks.country(country, f"/countries/{place}")
    checks.require(sender.is_default or not sender.countries, "/countries", "only a default sender may name countries")
    receives = sender.kind != "alphanumeric"
    checks.text(sender.approval_reason, "/approval_reason", longest=limits.NAME_MAX, empty=True)
    checks.require(receives or sender.sms_url is None, "/sms_url", "a name receives no texts")
    checks.done()
    for pointer, url in (("/sms_url", sender.sms_url), ("/sms_fallback_url", sender.sms_fallback_url)):
        if url is not None:
            check_url(ctx, url, pointer)


async def _check_free(ctx: Context, sender: Sender) -> None:
    holders = await ctx.store.fetch(Sender, "senders_by_value", sender.value)
    if any(holder.account_id == sender.account_id for holder in holders):
        raise WhimbrelError("conflict", "The account has this sender already.")
    if holders and sender.kind != "alphanumeric":
        raise WhimbrelError("conflict", "This number belongs to another account.")


def _update(sender: Sender) -> Write:
    row = (
        sender.id,
        int(sender.is_default),
        msgspec.json.encode(sender.countries).decode(),
        sender.sms_url,
        sender.sms_method,
        sender.sms_fallback_url,
        sender.updated_at,
        sender.label,
        msgspec.json.encode(sender.capabilities).decode(),
        sender.carrier_id,
        sender.approval,
        sender.approval_reason,
        sender.sms_fallback_method,
        sender.per_minute,
        sender.per_day,
        sender.seq,
    )
    return Write("sender_update", (row,))


def _unmark(sender: Sender) -> Write:
    countries = msgspec.json.encode(sender.countries).decode()
    return Write("sender_unmark", ((sender.id, int(sender.is_default), countries, sender.updated_at),))


async def _unmark_others(ctx: Context, sender: Sender) -> list[Write]:
    """The writes by which other senders lose the mark that `sender` now has."""
    if not sender.is_default:
        return []
    others = await ctx.store.fetch(Sender, "senders_of_account", sender.account_id)
    return [_unmark(other) for other in unmarked(sender, others, sender.updated_at)]


def unmarked(sender: Sender, others: Iterable[Sender], at_us: int) -> Sequence[Sender]:
    """Those of `others` that change when `sender` becomes the default for its countries (none: for all)."""
    changed: list[Sender] = []
    for other in others:
        if other.id == sender.id or not other.is_default or bool(other.countries) != bool(sender.countries):
            continue
        left = tuple(country for country in other.countries if country not in sender.countries)
        if not sender.countries or left != other.countries:
            changed.append(msgspec.structs.replace(other, countries=left, is_default=bool(left), updated_at=at_us))
    return changed
