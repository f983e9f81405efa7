"""How much networks take of a number: what its 10DLC campaign and brand allow (`sender_data/us_10dlc.toml`), and what
the operator set for the number itself. Whoever sends by several numbers of a campaign shares its minute, and by several
campaigns of a brand its day.

AT&T counts by the minute, T-Mobile by the day and Verizon by the minute of each number. Which network a number is in is
not known here, so all of it holds for all.
"""

import datetime
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from whimbrel.domain.sender_rules import Confidence

_DATA: Final = files(__package__) / "sender_data"


class NumberLimits(msgspec.Struct, frozen=True, gc=False):
    """What a number may send; None: nothing says. `minute_of` and `day_of`: whose count it is, an id: numbers with the
    same one share it. The day begins at midnight in `zone`, and counts segments."""

    per_minute: int | None = None
    minute_of: str = ""
    per_day: int | None = None
    day_of: str = ""
    zone: str = "UTC"


class _Class(msgspec.Struct, frozen=True):
    classes: tuple[str, ...]
    per_minute: int
    source: str
    as_of: datetime.date
    confidence: Confidence
    scores: tuple[int, int] | None = None
    use_cases: tuple[str, ...] = ()


class _Days(msgspec.Struct, frozen=True):
    name: str
    tiers: tuple[tuple[int, int], ...]
    low_volume: int
    sole_proprietor: int
    russell_3000: int
    source: str
    as_of: datetime.date
    confidence: Confidence


class _Number(msgspec.Struct, frozen=True):
    per_minute: int
    source: str
    as_of: datetime.date
    confidence: Confidence


class _Table(msgspec.Struct, frozen=True):
    zone: str
    number: _Number
    classes: tuple[_Class, ...]
    days: tuple[_Days, ...]


@lru_cache(maxsize=1)
def _table() -> _Table:
    return msgspec.toml.decode((_DATA / "us_10dlc.toml").read_bytes(), type=_Table)


class Campaign(msgspec.Struct, frozen=True):
    """An approved campaign with its brand: answers of people and what the operator entered."""

    id: str
    brand_id: str
    answers: Mapping[str, Any]
    decision: Mapping[str, Any]
    brand_answers: Mapping[str, Any]
    brand_decision: Mapping[str, Any]


def stricter(own: NumberLimits, shared: NumberLimits) -> NumberLimits:
    """A number's own limits within what it shares, or within its part of that."""
    minute = own.per_minute is not None and (shared.per_minute is None or own.per_minute < shared.per_minute)
    day = own.per_day is not None and (shared.per_day is None or own.per_day < shared.per_day)
    return NumberLimits(
        own.per_minute if minute else shared.per_minute,
        own.minute_of if minute else shared.minute_of,
        own.per_day if day else shared.per_day,
        own.day_of if day else shared.day_of,
        shared.zone,
    )


def campaign_limits(campaign: Campaign) -> NumberLimits:
    """What networks take of all numbers of a campaign. What the network told stands before what tables say."""
    per_minute = campaign.decision.get("per_minute") or _per_minute(campaign)
    per_day = campaign.decision.get("per_day") or _per_day(campaign)
    return NumberLimits(per_minute, campaign.id, per_day, campaign.brand_id or campaign.id, _table().zone)


def parts(held: Mapping[str, NumberLimits]) -> dict[str, NumberLimits]:
    """What each number of a campaign may send by itself, by the sender's id: numbers that share an amount get an equal
    part of it, so that together they never send more, and none more than a network takes of one number."""
    minutes = Counter(each.minute_of for each in held.values())
    days = Counter(each.day_of for each in held.values())
    return {
        sender_id: msgspec.structs.replace(
            each,
            per_minute=_at_most(_part(each.per_minute, minutes[each.minute_of])),
            per_day=_part(each.per_day, days[each.day_of]),
        )
        for sender_id, each in held.items()
    }


def _at_most(per_minute: int | None) -> int:
    most = _table().number.per_minute
    return most if per_minute is None else min(per_minute, most)


def _part(amount: int | None, of: int) -> int | None:
    return None if amount is None else max(1, amount // of)


def _per_minute(campaign: Campaign) -> int | None:
    told = campaign.decision.get("throughput_class")
    if told is not None:
        return next((row.per_minute for row in _table().classes if told in row.classes), None)
    use_case = campaign.answers.get("use_case")
    for row in _table().classes:
        if use_case in row.use_cases:
            return row.per_minute
    score = campaign.brand_decision.get("trust_score")
    if score is None:
        return None
    return next(
        (row.per_minute for row in _table().classes if row.scores and row.scores[0] <= score <= row.scores[1]), None
    )


def _per_day(campaign: Campaign) -> int | None:
    wanted = campaign.decision.get("day_table")
    table = next((row for row in _table().days if row.name == wanted), _table().days[0])
    if (
        campaign.answers.get("use_case") == "SOLE_PROPRIETOR"
        or campaign.brand_answers.get("entity_type") == "SOLE_PROPRIETOR"
    ):
        return table.sole_proprietor
    if campaign.answers.get("use_case") == "LOW_VOLUME":
        return table.low_volume
    if campaign.brand_decision.get("russell_3000"):
        return table.russell_3000
    score = campaign.brand_decision.get("trust_score")
    return None if score is None else next((most for least, most in table.tiers if score >= least), None)
