"""Policies of accounts and of the installation, and the rules of quiet hours with what the operator makes of them. What
holds for an account is decided by `domain/policies.py`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain import quiet_rules
from whimbrel.domain.policies import (
    INSTALLATION,
    NOTHING,
    Cap,
    InForce,
    KeywordOptIn,
    OnCap,
    OptOutScope,
    Policy,
    QuietHours,
    in_force,
)
from whimbrel.domain.quiet_rules import Confidence, Rule, RuleBook, RuleCap
from whimbrel.manage import accounts, audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, check_leads, commit
from whimbrel.store.interface import Write

KIND: Final = "policies"
_CAPS_MAX: Final = 10
_NOTE_MAX: Final = 500
_RULES_MAX: Final = 500
_ID: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}").fullmatch
_SUBDIVISION: Final = re.compile(r"[A-Z0-9]{1,3}").fullmatch

_HOURS: Final = (
    "Local times by day: `every`, `weekdays`, `weekends`, `mon` to `sun` and `holiday`, each `09:00-20:00` or `closed`."
)


class NewPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy as a whole: what is absent is not decided."""

    quiet_hours: Annotated[
        QuietHours | None,
        Meta(description="Marketing at an hour at which it may not be sent waits, or is refused; `off`: it is sent."),
    ] = None
    hours: Annotated[dict[str, str], Meta(description=f"{_HOURS} Narrower hours than the rules of law.")] = {}
    caps: Annotated[
        tuple[Cap, ...], Meta(max_length=_CAPS_MAX, description="How often one person may be sent marketing.")
    ] = ()
    on_cap: Annotated[
        OnCap | None, Meta(description="Whether a message that a cap holds back waits or is refused.")
    ] = None
    require_consent: Annotated[
        bool | None, Meta(description="Whether marketing goes only to those whose consent is on record.")
    ] = None
    opt_out_scope: Annotated[
        OptOutScope | None,
        Meta(
            description="How far a STOP to one sender reaches: that sender, the senders of its pools, its brand (the "
            "default), or all senders."
        ),
    ] = None
    keyword_opt_in: Annotated[
        KeywordOptIn | None,
        Meta(description="Whether a word of your own that agrees asks for a YES (the default), or grants at once."),
    ] = None


class PolicyView(msgspec.Struct, frozen=True, kw_only=True):
    """A policy, and what holds with the installation's over it. `account_id` null: the installation's."""

    account_id: str | None
    quiet_hours: QuietHours | None
    hours: dict[str, str]
    caps: tuple[Cap, ...]
    on_cap: OnCap | None
    require_consent: bool | None
    opt_out_scope: OptOutScope | None
    keyword_opt_in: KeywordOptIn | None
    in_force: InForce
    updated_at: str | None


class NewRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule of quiet hours as the operator has it."""

    title: str
    country: str
    subdivisions: Annotated[
        tuple[str, ...], Meta(max_length=60, description="Such as FL (ISO 3166-2); empty: all.")
    ] = ()
    hours: Annotated[dict[str, str], Meta(description=_HOURS)] = {}
    cap: RuleCap | None = None
    source: str = ""
    note: str = ""
    enabled: Annotated[bool, Meta(description="Whether it holds.")] = True


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """A rule in force or switched off. `origin`: the product's row, one that the operator changed, or his own."""

    id: str
    title: str
    country: str
    subdivisions: tuple[str, ...]
    hours: dict[str, str]
    cap: RuleCap | None
    source: str
    as_of: str
    confidence: Confidence
    note: str
    enabled: bool
    origin: str


class RuleList(msgspec.Struct, frozen=True, kw_only=True):
    """All rules, by country."""

    data: tuple[RuleView, ...]


class _Stored(msgspec.Struct, frozen=True, gc=False):
    document: str
    updated_at: int


class _Row(msgspec.Struct, frozen=True, gc=False):
    id: str
    document: str


# ---------------------------------------------------------------- policies


async def get(ctx: Context, *, account_id: str | None) -> PolicyView:
    """The policy of an account, or (None) of the installation."""
    own, at = await _read(ctx, account_id or INSTALLATION)
    floor = own if account_id is None else (await _read(ctx, INSTALLATION))[0]
    return _view(own, account_id, in_force(NOTHING if account_id is None else own, floor), at)


async def put(ctx: Context, actor: str, request: NewPolicy, *, account_id: str | None) -> PolicyView:
    """Set a policy as a whole."""
    if account_id is None:
        check_leads(ctx)
    else:
        await accounts.existing(ctx, account_id)
    _check(request)
    policy = msgspec.convert(msgspec.structs.asdict(request), Policy)
    async with ctx.lock:
        row = (account_id or INSTALLATION, account_id, msgspec.json.encode(policy).decode(), ctx.clock.now_us())
        fields = sorted(msgspec.to_builtins(policy))
        entry = audit.entry(ctx, actor, "policy.set", account_id or INSTALLATION, account_id, fields=fields)
        await commit(ctx, [Write("policy_put", (row,)), entry], KIND)
    return await get(ctx, account_id=account_id)


async def _read(ctx: Context, id_: str) -> tuple[Policy, int | None]:
    rows = await ctx.store.fetch(_Stored, "policy_of", id_)
    return (msgspec.json.decode(rows[0].document, type=Policy), rows[0].updated_at) if rows else (NOTHING, None)


def _check(request: NewPolicy) -> None:
    checks = Checks()
    _check_hours(checks, request.hours)
    checks.done()


def _check_hours(checks: Checks, hours: Mapping[str, str]) -> None:
    wrong = quiet_rules.problem(hours)
    if wrong is not None:
        checks.require(False, f"/hours/{wrong[0]}", wrong[1])


def _view(policy: Policy, account_id: str | None, holds: InForce, at: int | None) -> PolicyView:
    return PolicyView(
        account_id=account_id,
        quiet_hours=policy.quiet_hours,
        hours=policy.hours,
        caps=policy.caps,
        on_cap=policy.on_cap,
        require_consent=policy.require_consent,
        opt_out_scope=policy.opt_out_scope,
        keyword_opt_in=policy.keyword_opt_in,
        in_force=holds,
        updated_at=moments.to_text(at) if at is not None else None,
    )


# ---------------------------------------------------------------- rules


async def rules(ctx: Context) -> RuleList:
    """All rules, also those that are switched off."""
    book = await rule_book(ctx)
    ordered = sorted(book.rules.values(), key=lambda rule: (rule.country, bool(rule.subdivisions), rule.id))
    return RuleList(data=tuple(_rule_view(rule, book) for rule in ordered))


async def put_rule(ctx: Context, actor: str, rule_id: str, request: NewRule) -> RuleView:
    """Add a rule, or put one in place of a rule of the product."""
    check_leads(ctx)
    _check_rule(rule_id, request)
    rule = Rule(id=rule_id, as_of=moments.to_text(ctx.clock.now_us())[:10], **msgspec.structs.asdict(request))
    async with ctx.lock:
        rows = await _own_rules(ctx)
        if len(rows) >= _RULES_MAX and rule_id not in {row.id for row in rows}:
            raise WhimbrelError("conflict", f"There are {_RULES_MAX} rules of your own, which is the most.")
        row = (rule_id, msgspec.json.encode(rule).decode(), ctx.clock.now_us())
        entry = audit.entry(ctx, actor, "quiet_rule.set", rule_id, enabled=rule.enabled)
        await commit(ctx, [Write("quiet_rule_put", (row,)), entry], KIND)
    return _rule_view(rule, await rule_book(ctx))


async def delete_rule(ctx: Context, actor: str, rule_id: str) -> None:
    """Take a rule of the operator's away: the product's own of that id holds again."""
    check_leads(ctx)
    async with ctx.lock:
        if rule_id not in {row.id for row in await _own_rules(ctx)}:
            raise WhimbrelError("not_found")
        entry = audit.entry(ctx, actor, "quiet_rule.deleted", rule_id)
        await commit(ctx, [Write("quiet_rule_delete", ((rule_id,),)), entry], KIND)


async def rule_book(ctx: Context) -> RuleBook:
    """The rules as they are stored now."""
    return RuleBook([msgspec.json.decode(row.document, type=Rule) for row in await _own_rules(ctx)])


async def _own_rules(ctx: Context) -> Sequence[_Row]:
    return await ctx.store.fetch(_Row, "quiet_rules_all")


def _check_rule(rule_id: str, request: NewRule) -> None:
    checks = Checks()
    checks.require(bool(_ID(rule_id)), "/id", "must be up to 32 capital letters, digits and dashes, such as DE-OWN")
    checks.text(request.title, "/title")
    checks.country(request.country, "/country")
    for place, name in enumerate(request.subdivisions):
        checks.require(bool(_SUBDIVISION(name)), f"/subdivisions/{place}", "must be up to three capital letters")
    checks.text(request.source, "/source", longest=_NOTE_MAX, empty=True)
    checks.text(request.note, "/note", longest=_NOTE_MAX, empty=True)
    _check_hours(checks, request.hours)
    checks.done()


def _rule_view(rule: Rule, book: RuleBook) -> RuleView:
    known = {row.id for row in quiet_rules.of_product()}
    origin = ("changed" if rule.id in known else "own") if rule.id in book.own else "product"
    return RuleView(origin=origin, **{name: getattr(rule, name) for name in rule.__struct_fields__})
