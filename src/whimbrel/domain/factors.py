"""Factors: how the people of an account's application prove who they are without a text. Values as stored, and the
rules of how often a code may be guessed: wrong ones are counted for a person in a service, over all of his factors, old
and new ones, so neither a new secret nor a factor made again sets the count back (NIST SP 800-63B-4 3.2.2).
"""

import re
from typing import Any, Final, Literal

import msgspec

from whimbrel.base.limits import VERIFY_FACTOR_FAILURES_FREE, VERIFY_FACTOR_FAILURES_MAX
from whimbrel.domain.totp import Manner
from whimbrel.domain.verify import SECOND_US

FactorStatus = Literal["unverified", "verified"]
ChallengeStatus = Literal["pending", "approved", "denied", "expired"]
Reason = Literal["", "wrong_code", "used_before"]

UNVERIFIED: Final = "unverified"
VERIFIED: Final = "verified"
PENDING: Final = "pending"
APPROVED: Final = "approved"
DENIED: Final = "denied"
EXPIRED: Final = "expired"
WRONG_CODE: Final = "wrong_code"
USED_BEFORE: Final = "used_before"
TOTP: Final = "totp"

_FIRST_WAIT_S: Final = 30
_WAIT_DOUBLINGS: Final = 7  # up to an hour
_WAIT_MAX_S: Final = 3600

is_identity = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~@:+=-]{0,63}").fullmatch
"""What an application calls one of its people: it stands in paths."""


class Entity(msgspec.Struct, frozen=True, gc=False):
    """One of an application's people. Column order of the `verify_entities` table."""

    id: str
    account_id: str
    test: bool
    service_id: str
    identity: str
    created_at: int
    updated_at: int


class Details(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a factor was made with; stored as one JSON column."""

    manner: Manner = Manner()
    metadata: dict[str, Any] | None = None


class Factor(msgspec.Struct, frozen=True, gc=False):
    """A factor of a person. Column order of the `verify_factors` table."""

    id: str
    account_id: str
    test: bool
    service_id: str
    entity_id: str
    kind: Literal["totp"]
    name: str
    status: FactorStatus
    secret: bytes  # sealed
    details: str  # JSON of Details
    last_step: int  # the newest step of time whose code was accepted
    seq: int  # number of its newest event
    created_at: int
    updated_at: int
    verified_at: int | None


class Challenge(msgspec.Struct, frozen=True, gc=False):
    """A code that was asked for, or given. Column order of the `verify_challenges` table."""

    id: str
    account_id: str
    test: bool
    service_id: str
    entity_id: str
    factor_id: str
    status: ChallengeStatus
    reason: Reason  # of the newest wrong code
    metadata: str  # JSON of what the caller keeps with it
    seq: int
    created_at: int
    updated_at: int
    expires_at: int
    responded_at: int | None


class Guesses(msgspec.Struct, frozen=True, gc=False):
    """What is counted of a person in a service. Columns of `verify_guesses`. Whoever writes says which version he has
    seen, so of two nodes that decide at once the second decides again."""

    version: int = 0
    failures: int = 0  # wrong codes since the last right one
    waits_until: int = 0


def wait_s(state: Guesses, now: int) -> int:
    """Seconds until a code is looked at again; 0: now."""
    return max(0, -(-(state.waits_until - now) // SECOND_US))


def is_locked(state: Guesses) -> bool:
    """Whether waiting does not help any more: somebody who knows the person by other means has to unlock."""
    return state.failures >= VERIFY_FACTOR_FAILURES_MAX


def failed(state: Guesses, now: int) -> Guesses:
    """One more wrong code: the first few cost nothing, each one after them a wait twice as long as the one before."""
    failures = state.failures + 1
    over = failures - VERIFY_FACTOR_FAILURES_FREE
    wait = 0 if over < 0 else min(_WAIT_MAX_S, _FIRST_WAIT_S << min(over, _WAIT_DOUBLINGS))
    return Guesses(state.version + 1, failures, now + wait * SECOND_US if wait else 0)


def passed(state: Guesses) -> Guesses:
    """The right code of a verified factor forgets the wrong ones."""
    return Guesses(state.version + 1)


def kept(state: Guesses) -> Guesses:
    """The next version with the same counts: something else was changed on it."""
    return Guesses(state.version + 1, state.failures, state.waits_until)


def status_at(row: Challenge, now: int) -> ChallengeStatus:
    """What a challenge is now: one that nobody answered in time has expired."""
    return EXPIRED if row.status == PENDING and row.expires_at <= now else row.status
