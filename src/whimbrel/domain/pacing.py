"""Who goes next, and how fast. Three small machines without a clock: time is an argument.

`FairRank` is start-time fair queuing (Goyal, Vin, Cheng 1996) over the accounts of a lane. Each message gets a rank
at accept; the queue is served in the order of ranks. The virtual time V of a lane and priority is the greatest rank
served. An account's message gets max(V, the account's last rank + its cost): an account that sends one message starts
at V, next to be served, however many the others have waiting; an account with a backlog queues behind itself only.

`Bucket` is a token bucket, for the rate of a key and the throughput of a carrier. `Second` holds a carrier's limit in
every second, bursts included. `Pace` finds the rate that a
throttling carrier bears: halve at once, recover slowly (additive increase, multiplicative decrease).
"""

from collections.abc import Mapping
from typing import Final

SECOND_US = 1_000_000
PRUNE_AT = 4096  # accounts remembered in a lane before those without a backlog are forgotten
HALVE_EVERY_US = SECOND_US  # a window of refusals comes at once and means one thing, so it halves once
RECOVER_SHARE = 0.05  # of the ceiling, a second: twenty seconds from the floor to the top
_SLOT_US: Final = 20_000
_SLOTS: Final = SECOND_US // _SLOT_US + 2
RATE_MIN = 1.0  # segments a second: slower is a standstill, and would hide a carrier that works again
UNKNOWN_NONE: Final = -1
"""The floor of a lane whose backlogs are all known."""


class _Lane:
    """Virtual time of one lane and priority, the last rank of each account that is ahead of it, and what the last rank
    of any other account may be."""

    __slots__ = ("floor", "last", "prune_at", "served")

    def __init__(self) -> None:
        self.served = 0
        self.floor = UNKNOWN_NONE
        self.last: dict[str, int] = {}
        self.prune_at = PRUNE_AT

    def prune(self) -> None:
        """An account whose last rank is served has no backlog and starts at the virtual time anyway. The next look is
        at twice of what remains, so that looking stays cheap however many are behind."""
        served = self.served
        self.last = {account: rank for account, rank in self.last.items() if rank >= served}
        self.prune_at = max(PRUNE_AT, 2 * len(self.last))


class FairRank:
    """Ranks for the queue; one for each node. State is in memory and is rebuilt with `resume` and `learn`."""

    __slots__ = ("_lanes",)

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, int], _Lane] = {}

    def rank(self, lane: str, priority: int, account_id: str, cost: int = 1) -> int:
        """The rank of an account's next message; greater than its earlier ones. `cost` is what the message takes of
        the lane, in segments."""
        state = self._lane(lane, priority)
        before = state.last.get(account_id, state.floor)
        rank = state.served if before < state.served else before + cost
        state.last[account_id] = rank
        if len(state.last) > state.prune_at:
            state.prune()
        return rank

    def advance(self, lane: str, priority: int, rank: int) -> None:
        """A message of this rank was claimed: virtual time goes on to it."""
        state = self._lane(lane, priority)
        if rank > state.served:
            state.served = rank

    def served(self, lane: str) -> dict[int, int]:
        """How far each priority of a lane is served: its virtual times."""
        return {key[1]: state.served for key, state in self._lanes.items() if key[0] == lane}

    def resume(self, lane: str, priority: int, smallest: int, greatest: int) -> None:
        """After a restart: go on from the ranks that are queued. Whose they are is not known yet, so no account's new
        message passes the greatest, until `learn` says more."""
        state = self._lane(lane, priority)
        state.served = max(state.served, smallest)
        state.floor = greatest

    def learn(self, lane: str, priority: int, backlog: Mapping[str, int], floor: int) -> None:
        """The greatest queued rank of accounts. All others have none above `floor`; UNKNOWN_NONE: they have none."""
        state = self._lane(lane, priority)
        for account_id, rank in backlog.items():
            state.last[account_id] = max(rank, state.last.get(account_id, rank))
        state.floor = floor

    def _lane(self, lane: str, priority: int) -> _Lane:
        key = (lane, priority)
        state = self._lanes.get(key)
        if state is None:
            state = self._lanes[key] = _Lane()
        return state


class Bucket:
    """A token bucket: `rate_per_s` tokens a second flow in, at most `burst` stay. A rate of 0 is no limit."""

    __slots__ = ("_at_us", "_level", "burst", "rate_per_s")

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._level = burst
        self._at_us: int | None = None

    def take(self, count: float, now_us: int) -> int:
        """Take `count` tokens: 0 when they were there and are taken; else the microseconds to wait until they will be,
        and nothing is taken. More than the burst is given when the bucket is full, as a debt."""
        if not self.rate_per_s:
            return 0
        level = self._fill(now_us)
        missing = (count if count < self.burst else self.burst) - level
        if missing > 0:
            return int(missing * SECOND_US / self.rate_per_s) + 1
        self._level = level - count
        return 0

    def available(self, now_us: int) -> int:
        """Whole tokens that could be taken now; of no meaning without a limit."""
        level = self._fill(now_us)
        return int(level) if level > 0 else 0

    def set_rate(self, rate_per_s: float, now_us: int) -> None:
        """Another rate from now on; what has flowed in stays."""
        self._fill(now_us)
        self.rate_per_s = rate_per_s

    def _fill(self, now_us: int) -> float:
        since_us = self._at_us
        if since_us is None:
            self._at_us = now_us
        elif now_us > since_us:
            self._at_us = now_us
            level = self._level + (now_us - since_us) * self.rate_per_s / SECOND_US
            self._level = level if level < self.burst else self.burst
        return self._level


class Second:
    """What left within the last second, wherever that second begins: counted in slots of 20 ms, two of them more than a
    second has, so that what the network brings closer together still holds the limit where it arrives."""

    __slots__ = ("_counts", "_slot", "_total")

    def __init__(self) -> None:
        self._counts = [0] * _SLOTS
        self._slot = 0
        self._total = 0

    def room(self, limit_per_s: float, now_us: int) -> int:
        """How many more may leave now; one in a second at least."""
        self._forget(now_us)
        return max(0, int(max(1.0, limit_per_s)) - self._total)

    def add(self, count: int, now_us: int) -> None:
        """So many left."""
        self._forget(now_us)
        self._counts[self._slot % _SLOTS] += count
        self._total += count

    def _forget(self, now_us: int) -> None:
        slot = now_us // _SLOT_US
        for passed in range(self._slot + 1, min(slot, self._slot + _SLOTS) + 1):
            self._total -= self._counts[passed % _SLOTS]
            self._counts[passed % _SLOTS] = 0
        self._slot = max(slot, self._slot)


class Pace:
    """The rate that we grant ourselves at a carrier that answers ESME_RTHROTTLED or ESME_RMSGQFUL."""

    __slots__ = ("_ceiling", "_changed_us", "_limit", "_rate")

    def __init__(self, limit_per_s: float = 0) -> None:
        self._limit = limit_per_s  # the configured throughput; 0: none
        self._ceiling = limit_per_s
        self._rate = 0.0  # 0: not slowed
        self._changed_us = 0

    def throttled(self, now_us: int, observed_per_s: float) -> None:
        """The carrier asked us to slow down while it took `observed_per_s`. Halves, at most once a second."""
        if self._rate and now_us - self._changed_us < HALVE_EVERY_US:
            return
        before = self.rate_per_s(now_us)
        if not before:
            self._ceiling = before = max(observed_per_s, 2 * RATE_MIN)
        self._rate = max(RATE_MIN, before / 2)
        self._changed_us = now_us

    def rate_per_s(self, now_us: int) -> float:
        """Segments a second as of now; 0 is no limit. Once it is back at the ceiling the configured limit holds."""
        if not self._rate:
            return self._limit
        calm_s = max(0, now_us - self._changed_us - HALVE_EVERY_US) / SECOND_US
        rate = self._rate + self._ceiling * RECOVER_SHARE * calm_s
        if rate < self._ceiling:
            return rate
        self._rate = 0.0
        return self._limit
