"""Campaigns as they are stored, and the rules that need nothing else: which variant a recipient gets, who belongs to
the sample, whether a window is open, and which variant has won.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from whimbrel.domain.local_times import to_local, to_utc

CampaignStatus = Literal["draft", "scheduled", "running", "paused", "finished", "canceled"]
Phase = Literal["all", "sample", "wait", "rest"]
Metric = Literal["delivered", "clicked", "answered"]
Per = Literal["second", "minute", "hour"]
Activity = Literal["clicked", "answered", "opted_out", "converted"]

STATUSES: Final[tuple[CampaignStatus, ...]] = ("draft", "scheduled", "running", "paused", "finished", "canceled")
ACTIVITIES: Final[tuple[Activity, ...]] = ("clicked", "answered", "opted_out", "converted")
RECIPIENT_ZONE: Final = "recipient"
PER_S: Final[Mapping[str, int]] = {"second": 1, "minute": 60, "hour": 3600}
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPLIT: Final = 10_000
_MINUTE_US: Final = 60_000_000
_OPENINGS_MAX: Final = 1000
_LOOK_DAYS: Final = 8  # a week, and the day that has begun


class Group(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """People by what is known of them: whoever meets any of it. Labels and segments by id; `filter` in words, as a
    segment has it. `numbers`: how many stand in `campaign_numbers`."""

    everybody: bool = False
    lists: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    filter: str | None = None
    numbers: int = 0


class Variant(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One wording. `share`: its weight among the others."""

    name: str
    text: str | None = None
    template: str | None = None
    language: str | None = None
    variables: dict[str, Any] = {}
    share: int = 1


class Trial(msgspec.Struct, frozen=True, gc=False):
    """How a winner is found: the sample gets all variants; the others get the best one, if it is better by so many
    percentage points."""

    metric: Metric
    sample_percent: int
    wait_s: int
    min_difference: float = 0.0


class Pace(msgspec.Struct, frozen=True, gc=False):
    """So many messages in a second, a minute or an hour."""

    count: int
    per: Per = "second"

    @property
    def per_s(self) -> float:
        """The same in a second."""
        return self.count / PER_S[self.per]


class Window(msgspec.Struct, frozen=True, gc=False):
    """When it may send: `HH:MM` to `HH:MM` of these days, local; the end is not among it."""

    begin: str
    end: str
    days: tuple[str, ...] = DAYS


class CampaignSpec(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What is sent, to whom, and when. `starts_at`: a local time in `zone`, or none: at once. `zone`: an IANA zone, or
    `recipient`. `filters` and `left_out_filters`: the segments' own, as they stood when it began."""

    audience: Group
    exclude: Group = Group()
    variants: tuple[Variant, ...]
    trial: Trial | None = None
    sender: str | None = None
    pool: str | None = None
    message_class: str = "marketing"
    starts_at: str | None = None
    zone: str = "UTC"
    windows: tuple[Window, ...] = ()
    pace: Pace | None = None
    validity_s: int | None = None
    tags: tuple[str, ...] = ()
    short_links: bool = False  # every address becomes one; else those that are marked
    media: tuple[str, ...] = ()  # ids
    filters: tuple[str, ...] = ()
    left_out_filters: tuple[str, ...] = ()


class Campaign(msgspec.Struct, frozen=True, gc=False):
    """Column order of the `campaigns` table. `step` counts its turns: who writes goes by it. `last_id`: of the newest
    recipient that is in the counts. `author`: who wrote it last."""

    id: str
    account_id: str
    test: bool
    name: str
    status: CampaignStatus
    spec: str  # JSON of CampaignSpec
    author: str
    approved_by: str  # empty: nobody
    approved_at: int | None
    step: int
    seq: int  # number of its newest event
    phase: Phase
    pass_no: int  # of the passes by time zone
    cursor: str
    last_id: str
    taken: int  # recipients that were looked at
    accepted: int
    refused: int
    left_out: int
    due_at: int | None  # when there is something to do next
    started_at: int | None
    phase_at: int | None  # when the phase began
    ended_at: int | None
    reason: str  # why it pauses; a code
    winner: str
    clearing: int  # 1: what waits of it is being taken out of the queues, or back; 2: it is being deleted
    created_at: int
    updated_at: int


class Recipient(msgspec.Struct, frozen=True, gc=False):
    """Column order of the `campaign_recipients` table. `id`: of the message, also of one that was refused and so is
    none. `source`: the contact's id, or the number's place."""

    id: str
    campaign_id: str
    account_id: str
    number_hash: int
    source: str
    variant: int
    country: str
    state: str  # of the message; parked; refused
    code: str | None  # why it was refused
    created_at: int
    clicked_at: int | None
    answered_at: int | None
    opted_out_at: int | None
    converted_at: int | None


class Figures(msgspec.Struct, frozen=True, gc=False):
    """What became of recipients of one variant, country and carrier. Columns of `campaign_figures_of`."""

    variant: int
    country: str
    carrier_id: str
    currency: str
    accepted: int
    sent: int
    delivered: int
    undelivered: int
    failed: int
    expired: int
    rejected: int
    canceled: int
    unknown: int
    in_doubt: int
    segments: int
    charged_micros: int
    clicked: int
    answered: int
    opted_out: int
    converted: int
    converted_micros: int


def position(number_hash: int, salt: int) -> int:
    """Where a recipient stands among ten thousand: always the same, and another place for each salt."""
    mixed = (number_hash ^ (salt * 0x9E3779B97F4A7C15)) & 0xFFFFFFFFFFFFFFFF  # SplitMix64's finaliser
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (mixed ^ (mixed >> 31)) % _SPLIT


def salt_of(campaign_id: str) -> int:
    """So that who gets which variant is another matter in each campaign."""
    return int(campaign_id[-20:], 16)


def variant_of(number_hash: int, salt: int, shares: Sequence[int]) -> int:
    """The variant that a recipient gets, in proportion to the shares."""
    place = position(number_hash, salt) * sum(shares)
    for number, share in enumerate(shares):
        place -= share * _SPLIT
        if place < 0:
            return number
    return len(shares) - 1


def is_sample(number_hash: int, salt: int, percent: int) -> bool:
    """Whether a recipient is among those who get all variants."""
    return position(number_hash, salt + 1) < percent * _SPLIT // 100


def winner(figures: Sequence[Figures], trial: Trial, variants: int) -> int | None:
    """The variant that is better than each other one by the difference that is asked for; None: none is."""
    rates: list[float] = []
    for number in range(variants):
        own = [each for each in figures if each.variant == number]
        reached = sum(each.accepted for each in own)
        rates.append(100 * sum(getattr(each, trial.metric) for each in own) / reached if reached else 0.0)
    best = max(range(variants), key=lambda number: rates[number])
    ahead = [rates[best] - rate for number, rate in enumerate(rates) if number != best]
    if not ahead or min(ahead) <= 0 or min(ahead) < trial.min_difference:
        return None
    return best


def is_open(windows: Sequence[Window], now: int, zone: str) -> bool:
    """Whether it may send at a moment; without windows always."""
    if not windows:
        return True
    local = to_local(now, zone)
    shown = f"{local.hour:02}:{local.minute:02}"
    return any(DAYS[local.weekday()] in each.days and each.begin <= shown < each.end for each in windows)


def done_at(count: int, per_s: float | None, windows: Sequence[Window], begin: int, zone: str) -> int | None:
    """When so many are sent that begin then, at a pace and in windows; None: at no pace, or not within years."""
    if per_s is None:
        return None
    at, left = begin, round(count / per_s * 1_000_000)
    for _ in range(_OPENINGS_MAX):
        at = opens_at(windows, at, zone)
        room = closes_at(windows, at, zone) - at if windows else left
        if left <= room:
            return at + left
        left -= room
        at += room
    return None


def closes_at(windows: Sequence[Window], now: int, zone: str) -> int:
    """When it may not send any more, by the windows that are open at a moment."""
    local = to_local(now, zone)
    day, ends = local.replace(hour=0, minute=0, second=0, microsecond=0), [now + _MINUTE_US]
    for each in windows:
        if is_open((each,), now, zone):
            hour, minute = map(int, each.end.split(":"))
            end = day.fromordinal(day.toordinal() + hour // 24).replace(hour=hour % 24, minute=minute)
            ends.append(to_utc(end, zone))
    return max(ends)


def opens_at(windows: Sequence[Window], now: int, zone: str) -> int:
    """The next moment at which it may send: now, or when the next window opens."""
    if is_open(windows, now, zone):
        return now
    today = to_local(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    comes: list[int] = []
    for ahead in range(_LOOK_DAYS):
        day = today.fromordinal(today.toordinal() + ahead)
        for each in windows:
            hour, minute = map(int, each.begin.split(":"))
            at = to_utc(day.replace(hour=hour, minute=minute), zone)
            if DAYS[day.weekday()] in each.days and at > now:
                comes.append(at)
        if comes:
            return min(comes)
    return now + _LOOK_DAYS * 24 * 60 * _MINUTE_US
