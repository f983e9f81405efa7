"""Which carriers take a message. Pure: a router compiled from routes and carriers, asked once for each message.

The rules, in order:
1. The first enabled route by position (then id) that matches the number's prefix, its country and the account, and that
   has a carrier which is active, wins; its active carriers are the candidates, in the route's order.
2. Test traffic, and the reserved sandbox numbers in any traffic, go to sandbox carriers only: the other carriers of a
   route do not count. When no route leads to one, every active sandbox carrier is a candidate, so that a test key
   works before the first route is drawn.
3. Among the candidates, the carrier that holds the sender's number comes first: others may refuse a number that is not
   theirs, and answers come back through that one.
4. A message that no carrier takes has no route; it is refused at accept.

`pick` is asked on the hot path and remembers its answers. What decides is the set of route prefixes that match (which
the longest of them determines), the country, the account where a route names it, and whether only a sandbox will do:
few answers serve all numbers. `candidates` gives the same verdict with the evidence, remembered nowhere.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from whimbrel.domain.model import Carrier, Route
from whimbrel.domain.numbers import SANDBOX_PREFIX, Number, is_sandbox
from whimbrel.domain.prefixes import PrefixMap

_SANDBOX_DIGITS = SANDBOX_PREFIX[1:]
Pick = tuple[str | None, tuple[str, ...]]  # route and carriers, as in `Decision`
MEMO_MAX = 50_000  # answers kept: prefixes x countries x accounts with routes of their own, and no more than memory


Reason = Literal[
    "matches",
    "holds_number",
    "sandbox_without_route",
    "earlier_route",
    "disabled",
    "other_account",
    "other_country",
    "other_prefix",
    "unknown_carrier",
    "not_sandbox",
    "paused",
]


class Considered(msgspec.Struct, frozen=True, gc=False):
    """One look at a route or at one carrier of it."""

    route_id: str | None
    carrier_id: str | None  # None: the route as a whole
    verdict: Literal["taken", "passed"]
    reason: Reason


class Decision(msgspec.Struct, frozen=True):
    """Where a message goes, and everything that was looked at, in order."""

    route_id: str | None  # None with carriers: a sandbox carrier without a route
    carriers: tuple[str, ...]  # in order of preference; none: nowhere (`no_route`)
    considered: tuple[Considered, ...]


class Router:
    """The routes and carriers of an installation, as of one moment. Built anew when one changes."""

    __slots__ = ("_accounts", "_carriers", "_classes", "_memo", "_routes")

    def __init__(self, routes: Iterable[Route], carriers: Iterable[Carrier]) -> None:
        self._routes = tuple(sorted(routes, key=lambda route: (route.position, route.id)))
        self._carriers = {carrier.id: carrier for carrier in sorted(carriers, key=lambda carrier: carrier.id)}
        self._accounts = frozenset(route.account_id for route in self._routes if route.account_id)
        prefixes = {route.prefix for route in self._routes if route.enabled} | {"", _SANDBOX_DIGITS}
        self._classes = PrefixMap((prefix, prefix) for prefix in prefixes)
        self._memo: dict[tuple[str | None, str, str | None, bool], Pick] = {}

    def pick(self, number: Number, account_id: str, test: bool, holder: str | None = None) -> Pick:
        """The route and the carriers for a message, as in `Decision`. `holder`: the carrier that holds its sender."""
        named = account_id if account_id in self._accounts else None
        digits = number.digits
        sandbox_only = test or (digits.startswith(_SANDBOX_DIGITS) and is_sandbox(number.e164))
        key = (self._classes.longest(digits), number.country, named, sandbox_only)
        found = self._memo.get(key)
        if found is None:
            decision = self.candidates(number, account_id, test)
            found = (decision.route_id, decision.carriers)
            if len(self._memo) < MEMO_MAX:
                self._memo[key] = found
        return found if holder is None else (found[0], _holder_first(found[1], holder))

    def candidates(self, number: Number, account_id: str, test: bool, holder: str | None = None) -> Decision:
        """The same verdict with all evidence."""
        sandbox_only = test or is_sandbox(number.e164)
        considered: list[Considered] = []
        winner: str | None = None
        carriers: tuple[str, ...] = ()
        for route in self._routes:
            reason = "earlier_route" if winner else _mismatch(route, number, account_id)
            if reason is not None:
                considered.append(Considered(route.id, None, "passed", reason))
                continue
            looks = [self._look(route.id, carrier_id, sandbox_only) for carrier_id in route.carriers]
            considered += looks
            carriers = _taken(looks)
            winner = route.id if carriers else None
        if winner is None and sandbox_only:
            looks = [self._look(None, carrier.id, sandbox_only) for carrier in self._carriers.values()]
            considered += looks
            carriers = _taken(looks)
        if holder is not None:
            carriers = _holder_first(carriers, holder)
            considered = [_as_holder(look) if look.carrier_id == holder else look for look in considered]
        return Decision(winner, carriers, tuple(considered))

    def _look(self, route_id: str | None, carrier_id: str, sandbox_only: bool) -> Considered:
        carrier = self._carriers.get(carrier_id)
        if carrier is None:
            return Considered(route_id, carrier_id, "passed", "unknown_carrier")
        if sandbox_only and not carrier.sandbox:
            return Considered(route_id, carrier_id, "passed", "not_sandbox")
        if carrier.status != "active":
            return Considered(route_id, carrier_id, "passed", "paused")
        return Considered(route_id, carrier_id, "taken", "matches" if route_id else "sandbox_without_route")


def _mismatch(route: Route, number: Number, account_id: str) -> Reason | None:
    """Why a route is not for this message; None when it is."""
    if not route.enabled:
        return "disabled"
    if route.account_id and route.account_id != account_id:
        return "other_account"
    if route.country and route.country != number.country:
        return "other_country"
    return None if number.digits.startswith(route.prefix) else "other_prefix"


def _taken(looks: Iterable[Considered]) -> tuple[str, ...]:
    """The carriers that were taken, each once, in order."""
    return tuple(dict.fromkeys(look.carrier_id for look in looks if look.verdict == "taken" and look.carrier_id))


def _holder_first(carriers: tuple[str, ...], holder: str) -> tuple[str, ...]:
    """The same carriers; the one that holds the sender before the others."""
    if holder not in carriers:
        return carriers
    return (holder, *(carrier_id for carrier_id in carriers if carrier_id != holder))


def _as_holder(look: Considered) -> Considered:
    return msgspec.structs.replace(look, reason="holds_number") if look.verdict == "taken" else look
