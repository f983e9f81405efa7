"""Rules of senders by country: those that Whimbrel brings, and the operator's own, which stand in their place, beside
them, or switch one off. They belong to the installation.
"""

import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.registrations import regimes
from whimbrel.domain.sender_fitness import day_of
from whimbrel.domain.sender_rules import (
    Confidence,
    CountryFacts,
    Origin,
    RuleVerdict,
    SenderKind,
    SenderRule,
    built_in,
    character_set,
    facts,
    rulebook,
)
from whimbrel.domain.sender_standing import RuleRow, rule_of
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, check_leads, commit
from whimbrel.store.interface import Write

Day = Annotated[datetime.date | None, Meta(description="A day (UTC).")]


class RuleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule of the operator's. With the id of one that Whimbrel brings it stands in its place."""

    country: str
    verdict: RuleVerdict
    source: Annotated[str, Meta(min_length=1, max_length=500)]
    as_of: Annotated[Day, Meta(description="When the source was read; today when not given.")] = None
    confidence: Confidence = "primary"
    kinds: Annotated[tuple[SenderKind, ...], Meta(min_length=1)] = ("alphanumeric",)
    regime: Annotated[str, Meta(description="Which registration is asked for; empty: any.")] = ""
    origin: Annotated[Origin, Meta(description="foreign: numbers of another country only.")] = "any"
    prefix: Annotated[str, Meta(max_length=16, description="Only senders that begin with it.")] = ""
    generic: Annotated[bool, Meta(description="Only names that are a generic word.")] = False
    marketing: Annotated[bool, Meta(description="Only of marketing.")] = False
    min_length: Annotated[int, Meta(ge=0, le=15)] = 0
    max_length: Annotated[int, Meta(ge=0, le=15)] = 0
    characters: Annotated[str, Meta(max_length=100, description="Such as `A-Z0-9 `; empty: any.")] = ""
    notice: Annotated[
        str, Meta(max_length=60, description="Words that the text has to say, close together: `STOP 36xxx`.")
    ] = ""
    since: Day = None
    until: Day = None
    note: Annotated[str, Meta(max_length=500)] = ""
    enforce: Annotated[
        bool | None, Meta(description="Whether it refuses; null: as `senders.enforcement` of the installation says.")
    ] = None


class RuleSwitch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a rule holds at all."""

    enabled: bool


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """A rule with where it is from."""

    id: str
    country: str
    kinds: tuple[SenderKind, ...]
    verdict: RuleVerdict
    regime: str
    origin: Origin
    prefix: str
    generic: bool
    marketing: bool
    min_length: int
    max_length: int
    characters: str
    notice: str
    since: str | None
    until: str | None
    note: str
    source: str
    as_of: str
    confidence: Confidence
    enforce: bool | None
    by: Annotated[Literal["whimbrel", "operator"], Meta(description="Who wrote it.")]
    replaces: Annotated[bool, Meta(description="Whether it stands in the place of one that Whimbrel brings.")]
    enabled: bool
    in_force: Annotated[bool, Meta(description="Today, as far as its days say.")]


class FactsView(msgspec.Struct, frozen=True, kw_only=True):
    """What a list says of a country beside names."""

    name: str
    short_codes: bool
    long_codes: bool
    two_way: bool | None
    source: str
    as_of: str


class CountryRules(msgspec.Struct, frozen=True, kw_only=True):
    """All rules of a country, the one that counts most first."""

    country: str
    facts: FactsView | None
    data: tuple[RuleView, ...]


class RuleList(msgspec.Struct, frozen=True, kw_only=True):
    """Rules by country, the one that counts most first."""

    data: tuple[RuleView, ...]


async def find(ctx: Context, country: str = "", *, own_only: bool = False) -> RuleList:
    """All of them, or those of a country, those of the operator; also what is switched off."""
    rows = {row.id: row for row in await _rows(ctx)}
    every = rulebook(rule_of(row.rule) for row in rows.values() if row.rule is not None)
    today = day_of(ctx.clock.now_us())
    countries = (country,) if country else every.countries()
    found = [rule for each in countries for rule in every.of(each)]
    return RuleList(data=tuple(_view(rule, rows, today) for rule in found if not own_only or rule.id in rows))


async def of_country(ctx: Context, country: str) -> CountryRules:
    """Those of a country, with what lists say beside. WhimbrelError not_found where nothing is known."""
    found = await find(ctx, country)
    known = facts().get(country)
    if not found.data and known is None:
        raise WhimbrelError("not_found")
    return CountryRules(country=country, facts=None if known is None else _facts(known), data=found.data)


async def get(ctx: Context, rule_id: str) -> RuleView:
    """One of them; `not_found`."""
    rule, rows = await _existing(ctx, rule_id)
    return _view(rule, rows, day_of(ctx.clock.now_us()))


async def put(ctx: Context, actor: str, rule_id: str, request: RuleChange) -> RuleView:
    """Add a rule, or put it in the place of another one. WhimbrelError: invalid_request, rule_limit."""
    check_leads(ctx)
    today = day_of(ctx.clock.now_us())
    rule = SenderRule(
        id=rule_id, own=True, **msgspec.structs.asdict(msgspec.structs.replace(request, as_of=request.as_of or today))
    )
    _check(rule, rule_id)
    async with ctx.lock:
        rows = {row.id: row for row in await _rows(ctx)}
        if rule_id not in rows and len(rows) >= limits.SENDER_RULES_MAX:
            raise WhimbrelError("rule_limit")
        row = RuleRow(rule_id, rule.country, msgspec.json.encode(rule).decode(), True, ctx.clock.now_us())
        await _put(ctx, actor, row, "sender_rule.put")
    return _view(rule, rows | {rule_id: row}, today)


async def switch(ctx: Context, actor: str, rule_id: str, request: RuleSwitch) -> RuleView:
    """Let a rule hold, or not."""
    check_leads(ctx)
    async with ctx.lock:
        rule, rows = await _existing(ctx, rule_id)
        before = rows.get(rule_id)
        row = RuleRow(
            rule_id, rule.country, before.rule if before is not None else None, request.enabled, ctx.clock.now_us()
        )
        await _put(ctx, actor, row, "sender_rule.enabled" if request.enabled else "sender_rule.disabled")
    return _view(rule, rows | {rule_id: row}, day_of(ctx.clock.now_us()))


async def delete(ctx: Context, actor: str, rule_id: str) -> None:
    """Take an operator's rule away; one of ours that it stood in the place of holds again."""
    check_leads(ctx)
    async with ctx.lock:
        if rule_id not in {row.id for row in await _rows(ctx)}:
            raise WhimbrelError("not_found")
        entry = audit.entry(ctx, actor, "sender_rule.deleted", rule_id)
        await commit(ctx, [Write("sender_rule_delete", ((rule_id,),)), entry], "senders")


async def _put(ctx: Context, actor: str, row: RuleRow, action: str) -> None:
    columns = (row.id, row.country, row.rule, int(row.enabled), row.updated_at)
    entry = audit.entry(ctx, actor, action, row.id, country=row.country)
    await commit(ctx, [Write("sender_rule_put", (columns,)), entry], "senders")


async def _rows(ctx: Context) -> list[RuleRow]:
    return await ctx.store.fetch(RuleRow, "sender_rules_all")


async def _existing(ctx: Context, rule_id: str) -> tuple[SenderRule, dict[str, RuleRow]]:
    rows = {row.id: row for row in await _rows(ctx)}
    own = rows.get(rule_id)
    if own is not None and own.rule is not None:
        return rule_of(own.rule), rows
    rule = next((each for each in built_in() if each.id == rule_id), None)
    if rule is None:
        raise WhimbrelError("not_found")
    return rule, rows


def _check(rule: SenderRule, rule_id: str) -> None:
    checks = Checks()
    checks.country(rule.country, "/country")
    valid = rule_id.replace("-", "").isalnum() and rule_id == rule_id.lower() and len(rule_id) <= 64
    checks.require(valid and rule_id.isascii(), "/id", "must be small letters, digits and dashes, at most 64")
    fits = not rule.max_length or rule.min_length <= rule.max_length
    checks.require(fits, "/max_length", "must not be below `min_length`")
    ordered = rule.since is None or rule.until is None or rule.since < rule.until
    checks.require(ordered, "/until", "must be after `since`")
    checks.require(not rule.regime or rule.regime in regimes(), "/regime", "is no regime")
    ours = next((each.country for each in built_in() if each.id == rule_id), rule.country)
    checks.require(rule.country == ours, "/country", f"must be {ours}, as of the rule that it stands in the place of")
    for name in ("source", "note", "prefix", "notice"):
        checks.text(getattr(rule, name), f"/{name}", longest=500, empty=name != "source")
    try:
        character_set(rule.characters)
    except ValueError as error:
        checks.require(False, "/characters", str(error))
    checks.done()


def _view(rule: SenderRule, rows: dict[str, RuleRow], today: datetime.date) -> RuleView:
    row = rows.get(rule.id)
    return RuleView(
        id=rule.id,
        country=rule.country,
        kinds=rule.kinds,
        verdict=rule.verdict,
        regime=rule.regime,
        origin=rule.origin,
        prefix=rule.prefix,
        generic=rule.generic,
        marketing=rule.marketing,
        min_length=rule.min_length,
        max_length=rule.max_length,
        characters=rule.characters,
        notice=rule.notice,
        since=rule.since.isoformat() if rule.since else None,
        until=rule.until.isoformat() if rule.until else None,
        note=rule.note,
        source=rule.source,
        as_of=rule.as_of.isoformat(),
        confidence=rule.confidence,
        enforce=rule.enforce,
        by="operator" if rule.own else "whimbrel",
        replaces=rule.own and any(each.id == rule.id for each in built_in()),
        enabled=row is None or row.enabled,
        in_force=rule.in_force(today),
    )


def _facts(known: CountryFacts) -> FactsView:
    return FactsView(
        name=known.name,
        short_codes=known.short_codes,
        long_codes=known.long_codes,
        two_way=known.two_way,
        source=known.source,
        as_of=known.as_of.isoformat(),
    )
