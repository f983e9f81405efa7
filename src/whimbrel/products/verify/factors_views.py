"""What is told of factors: a secret once, when it is made, and never again."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.codec import qr
from whimbrel.domain import factors as rules
from whimbrel.domain import totp
from whimbrel.domain.factors import Challenge, Details, Entity, Factor, Guesses

_decode = msgspec.json.Decoder(Details).decode


class FactorView(msgspec.Struct, frozen=True, kw_only=True):
    """A factor, without its secret."""

    id: str
    account_id: str
    service_id: str
    entity_id: str
    identity: str
    type: str
    name: str
    status: Annotated[str, Meta(description="`unverified` until its first code was given, then `verified`.")]
    algorithm: str
    code_length: int
    step_s: int
    skew: int
    metadata: dict[str, Any] | None
    test: bool
    created_at: str
    updated_at: str
    verified_at: str | None


class FactorCreated(FactorView, frozen=True, kw_only=True):
    """A factor that was just made; the only answer with its secret."""

    secret: Annotated[str, Meta(description="Base32, as authenticators take it.")]
    uri: Annotated[str, Meta(description="The same with all that an authenticator has to know (`otpauth://…`).")]
    qr: Annotated[str, Meta(description="That as a QR code: an SVG as a `data:` URI, for the source of an image.")]


class FactorCheckView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a first code."""

    valid: bool
    factor: FactorView


class ChallengeView(msgspec.Struct, frozen=True, kw_only=True):
    """A code that was asked for, or given."""

    id: str
    account_id: str
    service_id: str
    entity_id: str
    identity: str
    factor_id: str
    status: Annotated[str, Meta(description="`pending`, `approved`, `denied` or `expired`.")]
    reason: Annotated[str | None, Meta(description="`wrong_code`, or `used_before`: a code is accepted once.")]
    metadata: dict[str, Any] | None
    test: bool
    created_at: str
    updated_at: str
    expires_at: str
    responded_at: str | None


class GuessesView(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted of a person's wrong codes, over all factors."""

    failures: int
    retry_at: Annotated[str | None, Meta(description="From then on a code is looked at again.")]
    locked: Annotated[bool, Meta(description="Only unlocking helps.")]


class EntityView(msgspec.Struct, frozen=True, kw_only=True):
    """One of your application's people."""

    id: str
    account_id: str
    service_id: str
    identity: str
    test: bool
    created_at: str
    updated_at: str
    guesses: Annotated[GuessesView | None, Meta(description="Left out of lists.")] = None


def details_of(row: Factor) -> Details:
    """What a factor was made with."""
    return _decode(row.details)


def factor_view(row: Factor, identity: str) -> FactorView:
    """As it stands."""
    return FactorView(**_members(row, identity))


def created_view(row: Factor, identity: str, *, secret: str, issuer: str) -> FactorCreated:
    """As it was just made."""
    manner = details_of(row).manner
    uri = totp.address(secret, issuer=issuer, name=row.name, manner=manner)
    return FactorCreated(**_members(row, identity), secret=secret, uri=uri, qr=qr.svg_uri(uri))


def _members(row: Factor, identity: str) -> dict[str, Any]:
    details = details_of(row)
    return {
        "id": row.id,
        "account_id": row.account_id,
        "service_id": row.service_id,
        "entity_id": row.entity_id,
        "identity": identity,
        "type": row.kind,
        "name": row.name,
        "status": row.status,
        "algorithm": details.manner.algorithm,
        "code_length": details.manner.digits,
        "step_s": details.manner.step_s,
        "skew": details.manner.skew,
        "metadata": details.metadata,
        "test": row.test,
        "created_at": moments.to_text(row.created_at),
        "updated_at": moments.to_text(row.updated_at),
        "verified_at": None if row.verified_at is None else moments.to_text(row.verified_at),
    }


def challenge_view(row: Challenge, identity: str, now: int) -> ChallengeView:
    """As it stands now."""
    return ChallengeView(
        id=row.id,
        account_id=row.account_id,
        service_id=row.service_id,
        entity_id=row.entity_id,
        identity=identity,
        factor_id=row.factor_id,
        status=rules.status_at(row, now),
        reason=row.reason or None,
        metadata=msgspec.json.decode(row.metadata),
        test=row.test,
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
        expires_at=moments.to_text(row.expires_at),
        responded_at=None if row.responded_at is None else moments.to_text(row.responded_at),
    )


def entity_view(row: Entity, guesses: Guesses | None = None, now: int = 0) -> EntityView:
    """As it stands; of one also what is counted."""
    return EntityView(
        id=row.id,
        account_id=row.account_id,
        service_id=row.service_id,
        identity=row.identity,
        test=row.test,
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
        guesses=None if guesses is None else _guesses_view(guesses, now),
    )


def _guesses_view(state: Guesses, now: int) -> GuessesView:
    waits = moments.to_text(state.waits_until) if state.waits_until > now else None
    return GuessesView(failures=state.failures, retry_at=waits, locked=rules.is_locked(state))
