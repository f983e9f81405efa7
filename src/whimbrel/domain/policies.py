"""Policies: what an account lets its marketing do, and what the operator demands of every account. The installation's
policy is a floor: an account may be stricter and never weaker.

Whatever else an account decides once for all of its messages belongs here; what a rule of law says is not a policy but
a row of data (`quiet_rules`).
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from whimbrel.domain.quiet_rules import Week, week

QuietHours = Literal["off", "wait", "refuse"]
"""What becomes of a marketing text at an hour at which it may not be sent; each is stricter than the one before."""
OnCap = Literal["wait", "refuse"]
Per = Literal["account", "sender"]
OptOutScope = Literal["sender", "pool", "brand", "all"]
"""How far a STOP to one of an account's senders reaches; each reaches farther than the one before."""
KeywordOptIn = Literal["request", "grant"]
"""What an account's own word that agrees does: a question that is answered with YES, or consent at once."""

INSTALLATION: Final = "installation"
"""Id of the policy that is the floor of all."""
_STRICTNESS: Final[Mapping[str, int]] = {name: place for place, name in enumerate(get_args(QuietHours))}


class Cap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most so many marketing texts to one person within any stretch of so many hours."""

    max: Annotated[int, Meta(ge=1, le=100, description="Messages to one person.")]
    hours: Annotated[
        int, Meta(ge=1, le=744, description="Length of the stretch: 24 for a day, 168 for a week, at most 31 days.")
    ]
    per: Annotated[
        Per, Meta(description="Whether all of the account's messages are counted together, or those of each sender.")
    ] = "account"
    senders: Annotated[
        tuple[str, ...],
        Meta(max_length=50, description="Senders of a brand, which are counted together; empty: all senders."),
    ] = ()


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an account, or the installation, has decided; None and empty: nothing. Stored as one JSON document, in which
    members of a newer version are passed over."""

    quiet_hours: QuietHours | None = None
    hours: dict[str, str] = {}
    caps: tuple[Cap, ...] = ()
    on_cap: OnCap | None = None
    require_consent: bool | None = None
    opt_out_scope: OptOutScope | None = None
    keyword_opt_in: KeywordOptIn | None = None


NOTHING: Final = Policy()


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for an account. `hours`: of the account and of the installation, each of them narrows. `floor` is the
    weakest answer to quiet hours that a message may ask for."""

    quiet_hours: QuietHours = "wait"
    floor: QuietHours = "off"
    hours: tuple[dict[str, str], ...] = ()
    caps: tuple[Cap, ...] = ()
    on_cap: OnCap = "wait"
    require_consent: bool = False
    opt_out_scope: OptOutScope = "brand"
    keyword_opt_in: KeywordOptIn = "request"


def in_force(own: Policy, floor: Policy) -> InForce:
    """What holds for an account with this policy over the installation's."""
    least: QuietHours = floor.quiet_hours or "off"
    return InForce(
        quiet_hours=stricter(own.quiet_hours or "wait", least),
        floor=least,
        hours=tuple(hours for hours in (floor.hours, own.hours) if hours),
        caps=(*floor.caps, *own.caps),
        on_cap="refuse" if "refuse" in (own.on_cap, floor.on_cap) else "wait",
        require_consent=bool(own.require_consent or floor.require_consent),
        opt_out_scope=_wider(own.opt_out_scope or "brand", floor.opt_out_scope),
        keyword_opt_in="request" if floor.keyword_opt_in == "request" else own.keyword_opt_in or "request",
    )


def stricter(one: QuietHours, other: QuietHours) -> QuietHours:
    """The stricter of two answers to quiet hours."""
    return one if _STRICTNESS[one] >= _STRICTNESS[other] else other


def _wider(one: OptOutScope, floor: OptOutScope | None) -> OptOutScope:
    """The one that reaches farther."""
    order = get_args(OptOutScope)
    return one if floor is None or order.index(one) >= order.index(floor) else floor


class PolicyBook:
    """All policies, by account."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self.floor = policies.get(INSTALLATION, NOTHING)
        self._others = in_force(NOTHING, self.floor)
        self._own = {account: in_force(policy, self.floor) for account, policy in policies.items()}
        self._weeks = {account: _weeks(policy) for account, policy in self._own.items()}
        self._weeks_of_others = _weeks(self._others)

    def of(self, account_id: str) -> InForce:
        """What holds for an account."""
        return self._own.get(account_id, self._others)

    def hours(self, account_id: str) -> tuple[Week, ...]:
        """The account's and the installation's own hours, each of which narrows those of the rules."""
        return self._weeks.get(account_id, self._weeks_of_others)


def _weeks(policy: InForce) -> tuple[Week, ...]:
    return tuple(week(hours) for hours in policy.hours)
