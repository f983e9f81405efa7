"""Sender pools: which member writes to whom. Several senders stand under one name; for each message the pool picks one
of them, by rules that are the same at every node and need no clock and no chance.

What a recipient sees comes first: whoever wrote to him before goes on writing (`sticky`), as long as he is a member and
can. Otherwise the members that may write to the country are asked in tiers: a name, where names are allowed; a number
with the recipient's area code; one of his country; any other. Within a tier the one with the greatest weighted hash of
member and recipient is taken (weighted rendezvous hashing): shares follow the weights, two nodes that know the same
choose the same, and a member that comes or goes moves only those that were, or become, its own.

A member that is sick (the share of its texts that carriers block) has its weight lowered, down to none; one with more
work waiting than the message may wait for, or with its day's quota used up, is passed over.
"""

from collections.abc import Callable, Iterable, Mapping
from math import log
from typing import Final, Literal, TypeAlias

import msgspec

from whimbrel.domain.model import Sender
from whimbrel.domain.numbers import Number, normalise
from whimbrel.domain.turns import Limits

Reason = Literal["sticky", "name", "area_code", "country", "any", "fallback"]
"""Why a member was taken."""
Objection = Literal["country", "queue", "daily_cap", "sick", "no_weight", ""]
"""Why a member was passed over; empty: it was not."""
WEIGHT_MAX: Final = 1_000
QUEUE_DEFAULT_S: Final = 14_400
SICK_BELOW: Final = 0.5  # of what carriers decided on
SAMPLE_MIN: Final = 20  # fewer decisions say nothing
_NANP: Final = 1
_AREA: Final = slice(1, 4)
_TIERS: Final[tuple[Reason, ...]] = ("name", "area_code", "country", "any")
_MASK: Final = (1 << 64) - 1

Allows = Callable[[Sender, str], bool]
"""Whether a sender may write to a country (ISO 3166)."""


class PoolSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a pool does; stored as JSON. The last ones are Twilio's, kept as given."""

    sticky: bool = True
    match_area: bool = True  # the recipient's area code goes before his country (calling code 1)
    names_first: bool = True
    queue_max_s: int = QUEUE_DEFAULT_S
    fallback: str | None = None  # id of a sender: where no member can
    validity_s: int | None = None  # of messages that say nothing
    smart: bool = False
    callback_url: str | None = None
    inbound_on_number: bool = True  # a number's own webhook goes before the pool's
    usecase: str = "undeclared"
    mms_converter: bool = True
    fallback_to_long_code: bool = True
    scan: str = "inherit"
    synchronous_validation: bool = False


class Pool(msgspec.Struct, frozen=True, gc=False):
    """Column order of the `pools` table."""

    id: str
    account_id: str
    name: str
    is_default: bool
    settings: str  # JSON of PoolSettings
    created_at: int
    updated_at: int


class Member(msgspec.Struct, frozen=True, gc=False):
    """A sender in a pool. Column order of the `pool_members` table."""

    pool_id: str
    sender_id: str
    account_id: str
    weight: int
    rate_per_min: int  # segments; 0: no limit
    daily_cap: int  # segments of a day in UTC; 0: none
    countries: tuple[str, ...]  # writes to these only (ISO 3166); empty: to all
    created_at: int


class Standing(msgspec.Struct, frozen=True, gc=False):
    """How a number does: what a node knew of it a moment ago."""

    work_s: float = 0.0  # for so long it is busy with what waits
    left_today: int | None = None  # segments; None: there is no cap
    delivered: int = 0  # of the last texts, by what carriers said
    blocked: int = 0

    @property
    def share(self) -> float:
        """Of its texts that carriers decided on, those that were not blocked; 1 while there are too few to tell."""
        decided = self.delivered + self.blocked
        return self.delivered / decided if decided >= SAMPLE_MIN else 1.0

    @property
    def is_sick(self) -> bool:
        """It gets nothing while another can."""
        return self.share < SICK_BELOW


WELL: Final = Standing()


class Seat(msgspec.Struct, frozen=True, gc=False):
    """A member, ready to be asked for every message."""

    sender: Sender
    weight: int
    countries: frozenset[str]
    country: str  # of the number; empty where the sender is none
    area: str
    seed: int


class Look(msgspec.Struct, frozen=True, gc=False):
    """A member that was looked at: its tier, and why it was passed over."""

    sender: Sender
    tier: Reason
    objection: Objection


class Choice(msgspec.Struct, frozen=True, gc=False):
    """Who writes, and why. `is_new`: the recipient is to be remembered as his."""

    sender: Sender
    reason: Reason
    is_new: bool = False


class Wish(msgspec.Struct, frozen=True, gc=False):
    """What is asked of a pool. `sticky`: id of the sender that wrote to the recipient before; `draw`: any number, the
    same for the same recipient where the pool is sticky; `patience_s`: how long the message may wait."""

    number: Number
    draw: int
    patience_s: float
    sticky: str | None = None
    segments: int = 1


def _any_country(sender: Sender, country: str) -> bool:
    return True


class OpenPool:
    """A pool with its members. Built anew when one of them changes."""

    __slots__ = ("_by_sender", "fallback", "pool", "seats", "settings")

    def __init__(
        self,
        pool: Pool,
        members: Iterable[Member],
        senders: Mapping[str, Sender],
    ) -> None:
        """`senders`: of the account, by id; members whose sender is gone are none."""
        self.pool = pool
        self.settings = msgspec.json.decode(pool.settings, type=PoolSettings)
        self.seats = tuple(_seat(each, senders[each.sender_id]) for each in members if each.sender_id in senders)
        self.fallback = senders.get(self.settings.fallback or "")
        self._by_sender = {seat.sender.id: seat for seat in self.seats}

    def choose(self, wish: Wish, standings: Mapping[str, Standing], allows: Allows = _any_country) -> Choice | str:
        """Who writes, or the code of the refusal: `pool_without_senders` (none may write there) or `pool_busy` (those
        who may have too much to do)."""
        before = self._by_sender.get(wish.sticky or "")
        if before is not None and self._objection(before, wish, standings, allows) in ("", "sick", "no_weight"):
            return Choice(before.sender, "sticky")
        best: list[Seat] = []
        best_tier = len(_TIERS)
        busy = False
        sick: list[Seat] = []
        for seat in self.seats:
            objection = self._objection(seat, wish, standings, allows)
            if objection:
                busy = busy or objection in ("queue", "daily_cap")
                if objection == "sick":
                    sick.append(seat)
                continue
            tier = self._tier(seat, wish.number)
            if tier < best_tier:
                best, best_tier = [], tier
            if tier == best_tier:
                best.append(seat)
        if not best and sick:
            best_tier = min(self._tier(seat, wish.number) for seat in sick)
            best = [seat for seat in sick if self._tier(seat, wish.number) == best_tier]
        if best:
            # one that only stands in for a busy one is not remembered: the recipient keeps his own
            return Choice(_drawn(best, wish.draw, standings).sender, _TIERS[best_tier], before is None)
        if self.fallback is not None and allows(self.fallback, wish.number.country):
            return Choice(self.fallback, "fallback")
        return "pool_busy" if busy else "pool_without_senders"

    def looks(self, wish: Wish, standings: Mapping[str, Standing], allows: Allows = _any_country) -> list[Look]:
        """What `choose` sees of each member."""
        return [
            Look(seat.sender, _TIERS[self._tier(seat, wish.number)], self._objection(seat, wish, standings, allows))
            for seat in self.seats
        ]

    def _objection(self, seat: Seat, wish: Wish, standings: Mapping[str, Standing], allows: Allows) -> Objection:
        country = wish.number.country
        if (seat.countries and country not in seat.countries) or not allows(seat.sender, country):
            return "country"
        standing = standings.get(seat.sender.id)
        if standing is not None:
            if standing.left_today is not None and standing.left_today < wish.segments:
                return "daily_cap"
            if standing.work_s > min(wish.patience_s, self.settings.queue_max_s):
                return "queue"
        if not seat.weight:
            return "no_weight"
        return "sick" if standing is not None and standing.is_sick else ""

    def _tier(self, seat: Seat, number: Number) -> int:
        if seat.sender.kind == "alphanumeric":
            return 0 if self.settings.names_first else 3
        if self.settings.match_area and seat.area and seat.area == area_of(number):
            return 1
        return 2 if seat.country == number.country or number.country in seat.countries else 3


def area_of(number: Number) -> str:
    """The area code, where numbers of several areas and countries share calling code 1; else nothing."""
    return number.digits[_AREA] if number.calling_code == _NANP else ""


def draw_of(recipient_hash: int, turn: int = 0) -> int:
    """The draw for a recipient; with a `turn` of its own a message is independent of those before it."""
    return mixed(recipient_hash ^ mixed(turn)) if turn else recipient_hash


def mixed(value: int) -> int:
    """64 bits that look random (splitmix64, Steele, Lea, Flood 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & _MASK
    return value ^ value >> 31


def _seat(member: Member, sender: Sender) -> Seat:
    number = normalise(sender.value) if sender.value.startswith("+") else None
    return Seat(
        sender,
        member.weight,
        frozenset(member.countries),
        number.country if number else "",
        area_of(number) if number else "",
        mixed(int(sender.id[2:], 16) & _MASK ^ int(sender.id[2:], 16) >> 64),
    )


def _drawn(seats: list[Seat], draw: int, standings: Mapping[str, Standing]) -> Seat:
    """Weighted rendezvous hashing: the least of -ln(u) / weight, u of member and draw."""
    if len(seats) == 1:
        return seats[0]
    return min(seats, key=lambda seat: _score(seat, draw, standings.get(seat.sender.id, WELL)))


def _score(seat: Seat, draw: int, standing: Standing) -> tuple[float, str]:
    u = (mixed(seat.seed ^ draw) + 1) / (_MASK + 2)
    weight = max(seat.weight, 1) * max(standing.share, 0.01) ** 2
    return -log(u) / weight, seat.sender.id


class PoolBook:
    """The pools of one account."""

    __slots__ = ("_by_id", "_by_name", "default", "pools")

    def __init__(self, pools: Iterable[OpenPool]) -> None:
        ordered = sorted(pools, key=lambda each: each.pool.id)
        self.pools = tuple(ordered)
        self._by_id = {each.pool.id: each for each in ordered}
        self._by_name = {each.pool.name: each for each in ordered}
        self.default = next((each for each in ordered if each.pool.is_default), None)

    def get(self, pool_id: str) -> OpenPool | None:
        """The pool of this id."""
        return self._by_id.get(pool_id)

    def named(self, name: str) -> OpenPool | None:
        """The pool of this name."""
        return self._by_name.get(name)


Opened: TypeAlias = tuple[Mapping[str, PoolBook], Mapping[str, Limits], Mapping[str, tuple[str, ...]]]
"""Pools by account; limits, and ids of pools, by sender."""


def opened(pools: Iterable[Pool], members: Iterable[Member], senders: Iterable[Sender]) -> Opened:
    """Everything about pools, of their rows."""
    of_account: dict[str, dict[str, Sender]] = {}
    for sender in senders:
        of_account.setdefault(sender.account_id, {})[sender.id] = sender
    of_pool: dict[str, list[Member]] = {}
    limits: dict[str, Limits] = {}
    pools_of: dict[str, tuple[str, ...]] = {}
    for member in members:
        if member.sender_id not in of_account.get(member.account_id, {}):
            continue
        of_pool.setdefault(member.pool_id, []).append(member)
        pools_of[member.sender_id] = (*pools_of.get(member.sender_id, ()), member.pool_id)
        own = Limits(member.rate_per_min, member.daily_cap)
        if own.holds:
            limits[member.sender_id] = limits.get(member.sender_id, Limits()).stricter(own)
    books: dict[str, list[OpenPool]] = {}
    for pool in pools:
        found = OpenPool(pool, of_pool.get(pool.id, ()), of_account.get(pool.account_id, {}))
        books.setdefault(pool.account_id, []).append(found)
    return {account_id: PoolBook(own) for account_id, own in books.items()}, limits, pools_of
