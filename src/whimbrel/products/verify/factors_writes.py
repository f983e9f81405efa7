"""What changes with factors, as writes of one commit: the turn of a person's guesses, the rows, the events. No secret,
no code and no identity stands in an event.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.domain.factors import APPROVED, VERIFIED, Challenge, Entity, Factor, Guesses
from whimbrel.store.interface import Store, Write
from whimbrel.store.rows import to_columns

_ERASED: Final = 200  # people at once, with all that is theirs
_encode = msgspec.json.Encoder().encode


class Owner(msgspec.Struct, frozen=True):
    """A person of an account's application, by the keyed hash of service and identity: it stays the same when the
    person is deleted and made again."""

    account_id: str
    test: bool
    hashed: int


class _Facts(msgspec.Struct, frozen=True):
    """What an event tells of a factor."""

    factor_id: str
    service_id: str
    entity_id: str
    type: str
    status: str


class _ChallengeFacts(msgspec.Struct, frozen=True):
    """What an event tells of a challenge."""

    challenge_id: str
    service_id: str
    entity_id: str
    factor_id: str
    status: str
    reason: str | None


def turn(owner: Owner, state: Guesses, now: int) -> Write:
    """The person's next state, where the one before it stands."""
    place = (owner.account_id, int(owner.test), owner.hashed)
    return Write("verify_guesses_turn", ((*place, state.version, state.failures, state.waits_until, now),))


def person(row: Entity) -> Write:
    """Somebody new."""
    return Write("verify_entity_insert", (to_columns(row),))


def created(row: Factor, new: Entity | None) -> tuple[Write, ...]:
    """A new factor, of somebody who is `new` too (None: is known)."""
    first = () if new is None else (person(new),)
    told = (event(row, "factor.created"), *((event(row, "factor.verified"),) if row.status == VERIFIED else ()))
    return (*first, Write("verify_factor_insert", (to_columns(row),)), *told)


def changed(row: Factor) -> Write:
    """A factor after a code was accepted."""
    columns = (row.id, row.status, row.last_step, row.seq, row.updated_at, row.verified_at)
    return Write("verify_factor_set", (columns,))


def deleted(row: Factor, now: int) -> tuple[Write, ...]:
    """A factor that goes, with its secret."""
    last = msgspec.structs.replace(row, seq=row.seq + 1, updated_at=now)
    return (Write("verify_factor_delete", ((row.id,),)), event(last, "factor.deleted"))


def answered(row: Challenge, *, is_new: bool) -> tuple[Write, ...]:
    """A challenge after a code, with what is told of it."""
    return (stored(row) if is_new else _set(row), _told(row))


def stored(row: Challenge) -> Write:
    """A challenge as it begins."""
    return Write("verify_challenge_insert", (to_columns(row),))


def erased(account_id: str, entity_ids: Sequence[str]) -> tuple[Write, ...]:
    """People go, with all that is theirs but what is counted of wrong codes."""
    params = (account_id, list(entity_ids))
    names = ("verify_challenges_delete_of", "verify_factors_delete_of", "verify_entities_delete")
    return tuple(Write(name, (params,)) for name in names)


async def erase_service(store: Store, account_id: str, service_id: str, now: int) -> None:
    """The people of a service that is about to go, each factor told of as deleted."""
    while True:
        found = await store.fetch(str, "verify_entities_of_service", account_id, service_id, _ERASED)
        if not found:
            return
        rows = await store.fetch(Factor, "verify_factors_of_people", account_id, found)
        told = [write for row in rows for write in deleted(row, now)]
        await store.write([*told, *erased(account_id, found)])


def event(row: Factor, kind: str) -> Write:
    """What is told of a factor. One that begins verified (it was brought along) tells of both, one after the other."""
    seq = 1 if kind == "factor.created" else row.seq
    facts = _encode(_Facts(row.id, row.service_id, row.entity_id, row.kind, row.status)).decode()
    return Write("event_insert", ((row.account_id, int(row.test), row.id, seq, kind, facts, 0, row.updated_at),))


def _set(row: Challenge) -> Write:
    columns = (row.id, row.status, row.reason, row.seq, row.updated_at, row.responded_at)
    return Write("verify_challenge_set", (columns,))


def _told(row: Challenge) -> Write:
    kind = "challenge.approved" if row.status == APPROVED else "challenge.denied"
    told = _ChallengeFacts(
        row.id, row.service_id, row.entity_id, row.factor_id, row.status, None if row.status == APPROVED else row.reason
    )
    facts = _encode(told).decode()
    return Write("event_insert", ((row.account_id, int(row.test), row.id, row.seq, kind, facts, 0, row.updated_at),))
