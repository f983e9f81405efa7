"""Explain: the verdict of every step on one message, with its evidence, as accept would reach it now. It renders the
sheet that accept's own steps filled in, so the two cannot disagree; then it reads the balance, which accept asks last
of all, in its commit.
"""

from typing import Literal

import msgspec

from whimbrel.base import moments, money
from whimbrel.base.errors import CATALOGUE
from whimbrel.codec import gsm7
from whimbrel.codec.shifts import LANGUAGE_NAMES
from whimbrel.domain.pools import WELL
from whimbrel.domain.quiet_hours import Reason
from whimbrel.domain.sender_fitness import Step
from whimbrel.domain.sender_rules import SenderRule
from whimbrel.journey.explain_consent import ConsentStep
from whimbrel.journey.fit import refuses, said
from whimbrel.journey.plan import Plan
from whimbrel.journey.pools import NO_SENDERS, allowed_by
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Store


class ForeignCharacter(msgspec.Struct, frozen=True, gc=False):
    """A character that GSM-7 does not hold: it makes the whole text UCS-2."""

    position: int
    character: str
    code_point: str


class EncodingStep(msgspec.Struct, frozen=True, gc=False):
    """How the text goes on the air."""

    encoding: str
    segments: int
    text: str
    foreign: tuple[ForeignCharacter, ...]
    replaced: tuple[tuple[int, str, str], ...]
    languages: tuple[str, ...] = ()  # whose shift tables make it fit GSM-7


class RouteCandidate(msgspec.Struct, frozen=True, gc=False):
    """A route or carrier that was looked at, and why it was taken or left."""

    route_id: str | None
    carrier_id: str | None
    carrier: str | None
    verdict: str
    reason: str


class RoutingStep(msgspec.Struct, frozen=True, gc=False):
    """Where the message would go."""

    route_id: str | None
    carriers: tuple[str, ...]
    considered: tuple[RouteCandidate, ...]


class PriceStep(msgspec.Struct, frozen=True, gc=False):
    """What it would cost. `mms`: as one message with media, and not by its segments."""

    price: str
    currency: str
    per_segment: str
    prefix: str
    own_price: bool
    mms: bool = False


class MediaStep(msgspec.Struct, frozen=True, gc=False):
    """How its media reach the phone, and why by a link."""

    way: Literal["mms", "link"]
    why: str | None


class BalanceStep(msgspec.Struct, frozen=True, gc=False):
    """Whether the account can pay for it now."""

    available: str
    needed: str
    currency: str
    covered: bool


class PoolMember(msgspec.Struct, frozen=True, gc=False):
    """A member of a pool, why it comes before others or after them, and why it was passed over."""

    sender: str
    tier: str
    verdict: str  # taken, usable, or why not: country, queue, daily_cap, sick, no_weight
    queue_s: float
    share: float


class PoolStep(msgspec.Struct, frozen=True, gc=False):
    """Which member of a pool would write, and why."""

    pool_id: str
    name: str
    sender: str | None
    reason: str | None  # sticky, name, area_code, country, any, fallback
    considered: tuple[PoolMember, ...]


class TimingStep(msgspec.Struct, frozen=True, gc=False):
    """Whether marketing may be sent when it is due. `reason`, `rule` and `until`: what puts it off last; `reasons`:
    what the hours of the recipient say of the moment that was asked for."""

    allowed: bool
    reason: str | None
    rule: str | None
    until: str | None
    reasons: tuple[Reason, ...]


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why it would be refused."""

    code: str
    detail: str
    pointer: str


class SenderRuleStep(msgspec.Struct, frozen=True, gc=False):
    """A rule of a country, with where it is from. `since` and `until` are days (UTC)."""

    id: str
    country: str
    verdict: str
    registration: str  # the regime that is asked for; empty: any
    notice: str  # what the text has to say
    note: str
    source: str
    as_of: str
    confidence: str
    since: str | None
    until: str | None


class SenderStep(msgspec.Struct, frozen=True, gc=False):
    """Whether the message may go with its sender to the country. `code`: what is to be said; `others`: rules in force
    that say something else, and are older or less particular."""

    sender: str
    kind: str
    verdict: Step
    code: str | None
    detail: str
    rule: SenderRuleStep | None
    others: tuple[SenderRuleStep, ...]
    enforcement: str


class Explanation(msgspec.Struct, frozen=True, gc=False):
    """The dry run of one message."""

    verdict: Literal["accepted", "refused"]
    refusal: Refusal | None
    to: str | None
    country: str | None
    sender: str | None
    send_at: str | None  # RFC 3339
    expires_at: str | None
    encoding: EncodingStep | None
    routing: RoutingStep | None
    price: PriceStep | None
    balance: BalanceStep | None = None  # of what has a price
    consent: ConsentStep | None = None  # where something keeps the number from being texted
    timing: TimingStep | None = None  # of marketing that hours or limits concern
    pool: PoolStep | None = None
    sender_rules: SenderStep | None = None  # of a sender that was found
    media: MediaStep | None = None  # of what has media


class _Available(msgspec.Struct, frozen=True, gc=False):
    account_id: str
    micros: int


def explanation(plan: Plan, tables: Tables, consent: ConsentStep | None = None) -> Explanation:
    """Render a filled-in plan."""
    refusal = None
    if plan.refusal is not None:
        refusal = Refusal(plan.refusal, plan.detail, plan.pointer)
    number = plan.number
    return Explanation(
        verdict="refused" if refusal else "accepted",
        refusal=refusal,
        to=number.e164 if number else None,
        country=number.country if number else None,
        sender=plan.sender_value or None,
        send_at=moments.to_text(plan.due_at) if plan.due_at else None,
        expires_at=moments.to_text(plan.expires_at) if plan.expires_at else None,
        encoding=_encoding(plan) if plan.segments else None,
        routing=_routing(plan, tables) if number else None,
        price=_price(plan, tables) if plan.currency else None,
        consent=consent,
        timing=_timing(plan),
        pool=_pool(plan, tables) if plan.wish is not None else None,
        sender_rules=_sender_rules(plan, tables) if plan.sender and number else None,
        media=MediaStep("mms" if plan.is_mms else "link", plan.media_by_link or None) if _has_way(plan) else None,
    )


async def with_balance(told: Explanation, account_id: str, store: Store) -> Explanation:
    """The same with the balance looked at: accept refuses what it does not cover; what is free needs none."""
    if told.price is None:
        return told
    needed = money.from_text(told.price.price)
    rows = await store.fetch(_Available, "balances_available", [account_id])
    available = rows[0].micros if rows else 0
    covered = not needed or available >= needed
    step = BalanceStep(money.to_text(available), told.price.price, told.price.currency, covered)
    if covered or told.refusal is not None:
        return msgspec.structs.replace(told, balance=step)
    refusal = Refusal("insufficient_balance", CATALOGUE["insufficient_balance"].title, "")
    return msgspec.structs.replace(told, verdict="refused", refusal=refusal, balance=step)


def _encoding(plan: Plan) -> EncodingStep:
    foreign = tuple(
        ForeignCharacter(o.position, o.character, f"U+{ord(o.character):04X}") for o in gsm7.foreign(plan.text)
    )
    shifts = dict.fromkeys(language for language in (plan.shift.locking, plan.shift.single) if language)
    languages = tuple(LANGUAGE_NAMES[language] for language in shifts)
    return EncodingStep(plan.encoding, plan.segments, plan.text, foreign, plan.replaced, languages)


def _sender_rules(plan: Plan, tables: Tables) -> SenderStep:
    assert plan.sender is not None
    assert plan.number is not None
    sender, country, law = plan.sender, plan.number.country, tables.sender_law
    marketing = plan.draft.message_class == "marketing"
    found = said(plan, tables.senders[plan.draft.account_id])
    first = next((each for each in found if refuses(plan, each)), found[0] if found else None)
    finding = law.finding(sender, country, plan.now, marketing=marketing)
    verdict: Step = "allowed"
    if first is not None:
        verdict = "refused" if refuses(plan, first) else "warned"
    return SenderStep(
        sender=sender.value,
        kind=sender.kind,
        verdict=verdict,
        code=None if first is None else first.code,
        detail=" ".join(each.detail for each in found),
        rule=None if finding is None else _rule(finding.rule),
        others=() if finding is None else tuple(map(_rule, finding.others)),
        enforcement=law.enforcement,
    )


def _rule(rule: SenderRule) -> SenderRuleStep:
    return SenderRuleStep(
        rule.id,
        rule.country,
        rule.verdict,
        rule.regime,
        rule.notice,
        rule.note,
        rule.source,
        rule.as_of.isoformat(),
        rule.confidence,
        rule.since.isoformat() if rule.since else None,
        rule.until.isoformat() if rule.until else None,
    )


def _pool(plan: Plan, tables: Tables) -> PoolStep | None:
    if plan.pool is None or plan.wish is None:
        return None
    chosen = plan.choice.sender if plan.choice is not None else None
    members: list[PoolMember] = []
    marketing = plan.draft.message_class == "marketing"
    allows = allowed_by(tables.senders.get(plan.draft.account_id, NO_SENDERS), plan.now, marketing=marketing)
    for look in plan.pool.looks(plan.wish, tables.pools.standings, allows):
        standing = tables.pools.standings.get(look.sender.id, WELL)
        verdict = "taken" if look.sender == chosen else look.objection or "usable"
        members.append(
            PoolMember(look.sender.value, look.tier, verdict, round(standing.work_s, 1), round(standing.share, 3))
        )
    row = plan.pool.pool
    reason = plan.choice.reason if plan.choice is not None else None
    return PoolStep(row.id, row.name, chosen.value if chosen else None, reason, tuple(members))


def _timing(plan: Plan) -> TimingStep | None:
    wait, look = plan.wait, plan.look
    if wait is None and look is None:
        return None
    reasons = look.reasons if look is not None else ()
    if wait is None:
        return TimingStep(look is None or look.allowed, None, None, None, reasons)
    return TimingStep(False, wait.reason, wait.rule, moments.to_text_or_none(wait.until or None), reasons)


def _routing(plan: Plan, tables: Tables) -> RoutingStep:
    assert plan.number is not None
    decision = tables.router.candidates(plan.number, plan.draft.account_id, plan.draft.test, plan.holder)
    considered = tuple(
        RouteCandidate(c.route_id, c.carrier_id, _carrier_name(c.carrier_id, tables), c.verdict, c.reason)
        for c in decision.considered
    )
    return RoutingStep(decision.route_id, decision.carriers, considered)


def _carrier_name(carrier_id: str | None, tables: Tables) -> str | None:
    carrier = tables.carriers.get(carrier_id) if carrier_id else None
    return carrier.name if carrier else None


def _has_way(plan: Plan) -> bool:
    return bool(plan.draft.options.media and plan.carriers)


def _price(plan: Plan, tables: Tables) -> PriceStep | None:
    assert plan.number is not None
    found = tables.prices.price(plan.draft.account_id, plan.number.digits, plan.segments, mms=plan.is_mms)
    if found is None:
        return None
    micros, currency, row = found
    return PriceStep(
        price=money.to_text(micros),
        currency=currency,
        per_segment=money.to_text(row.price_micros),
        prefix=row.prefix,
        own_price=row.account_id is not None,
        mms=plan.is_mms and row.mms_price_micros is not None,
    )
