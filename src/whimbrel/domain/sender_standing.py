"""From rows to what is decided by: the operator's rules among ours, which registrations hold for which sender, and how
much each number may send.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from whimbrel.domain.model import Sender
from whimbrel.domain.number_limits import Campaign, NumberLimits, campaign_limits, parts, stricter
from whimbrel.domain.registrations import Approval, Registration, regimes
from whimbrel.domain.sender_rules import Rulebook, SenderRule, rulebook

BRAND_LIMITED = "us_10dlc_campaign"
"""The regime whose approval bounds how much numbers send."""


class RuleRow(msgspec.Struct, frozen=True, gc=False):
    """An operator's rule as stored. `rule`: JSON; None where one of ours is only switched off."""

    id: str
    country: str
    rule: str | None
    enabled: bool
    updated_at: int


def book_of(rows: Iterable[RuleRow]) -> Rulebook:
    """Our rules with these."""
    own: list[SenderRule] = []
    disabled: list[str] = []
    for row in rows:
        if not row.enabled:
            disabled.append(row.id)
        elif row.rule is not None:
            own.append(rule_of(row.rule))
    return rulebook(own, disabled)


def rule_of(text: str) -> SenderRule:
    """A rule as it is stored."""
    return msgspec.json.decode(text, type=SenderRule)


def approvals_of(approved: Sequence[Registration]) -> Mapping[str, tuple[Approval, ...]]:
    """By sender id. One that stands under another holds as long as that one does."""
    by_id = {row.id: row for row in approved}
    found: defaultdict[str, list[Approval]] = defaultdict(list)
    for row in approved:
        regime = regimes().get(row.regime)
        parent = by_id.get(row.parent_id or "")
        if regime is None or (regime.parent and parent is None):
            continue
        until = _sooner(row.expires_at, parent.expires_at if parent else None)
        for sender_id in row.senders:
            found[sender_id].append(Approval(row.id, row.regime, row.country, until))
    return {sender_id: tuple(own) for sender_id, own in found.items()}


def limits_of(senders: Iterable[Sender], approved: Sequence[Registration]) -> Mapping[str, NumberLimits]:
    """By sender id; senders that nothing bounds are not there. Of what numbers share each has its part."""
    by_id = {row.id: row for row in approved}
    campaigns: dict[str, Campaign] = {}
    for row in approved:
        brand = by_id.get(row.parent_id or "")
        if row.regime != BRAND_LIMITED or brand is None:
            continue
        campaign = campaign_of(row, brand)
        campaigns |= dict.fromkeys(row.senders, campaign)
    own = {each.id: NumberLimits(each.per_minute, each.id, each.per_day, each.id) for each in senders}
    shares = parts({id_: campaign_limits(campaigns[id_]) for id_ in own if id_ in campaigns})
    return {
        id_: stricter(each, shares[id_]) if id_ in shares else each
        for id_, each in own.items()
        if id_ in shares or each.per_minute is not None or each.per_day is not None
    }


def campaign_of(row: Registration, brand: Registration) -> Campaign:
    """A campaign with the brand that it stands under."""
    return Campaign(
        row.id, brand.id, _object(row.answers), _object(row.decision), _object(brand.answers), _object(brand.decision)
    )


def _object(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any])


def _sooner(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)
