"""What changes with a verification, as writes of one commit: the turn of its number, its row, its event, what is
counted. No code and no number stands in an event.
"""

from typing import Final

import msgspec

from whimbrel.domain.verify import (
    APPROVED,
    CANCELED,
    EXPIRED,
    PENDING,
    SLOT_US,
    SPENT,
    NumberState,
    SendAttempt,
    Status,
    Verification,
)
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_EVENTS: Final = {
    PENDING: "verification.started",
    APPROVED: "verification.approved",
    SPENT: "verification.failed",
    EXPIRED: "verification.expired",
    CANCELED: "verification.canceled",
}
_encode = msgspec.json.Encoder().encode


class _Facts(msgspec.Struct, frozen=True):
    """What an event tells of a verification."""

    verification_id: str
    service_id: str
    status: str
    channel: str
    country: str
    sends: int
    checks: int


def turn(row: Verification, state: NumberState, now: int) -> Write:
    """The number's next state, where the one before it stands."""
    return _turn(row.account_id, row.test, row.number_hash, state, now)


def nobody(account_id: str, test: bool, state: NumberState, now: int) -> Write:
    """The same where there is no verification: a guess costs as much then."""
    return _turn(account_id, test, 0, msgspec.structs.replace(state, version=state.version + 1), now)


def _turn(account_id: str, test: bool, number_hash: int, state: NumberState, now: int) -> Write:
    failures, sends = _encode(state.failures).decode(), _encode(state.sends).decode()
    return Write("verify_number_turn", ((account_id, int(test), number_hash, state.version, failures, sends, now),))


def sent(row: Verification, attempt: SendAttempt, *, is_new: bool) -> tuple[Write, ...]:
    """A code goes out, the first time or again."""
    first = Write("verification_insert", (to_columns(row),)) if is_new else _changed(row)
    told = (_event(row),) if is_new else ()
    return (
        first,
        Write("verify_attempt_insert", (to_columns(attempt),)),
        *told,
        _count(row, starts=int(is_new), sends=1),
    )


def changed(row: Verification) -> tuple[Write, ...]:
    """A verification after a guess, or after its end; when it was approved, its newest text has converted."""
    if row.status == PENDING:
        return (_changed(row),)
    if row.status != APPROVED:
        return (_changed(row), _event(row))
    converted = Write("verify_attempts_converted", ((row.id, row.updated_at),))
    return (_changed(row), _event(row), converted, _count(row, approvals=1))


def ended(row: Verification, status: Status, now: int) -> Verification:
    """The row as it ends: a caller's own code is erased."""
    return msgspec.structs.replace(row, status=status, custom=None, seq=row.seq + 1, updated_at=now, ended_at=now)


def _changed(row: Verification) -> Write:
    return Write(
        "verification_set",
        (
            (
                row.id,
                row.status,
                row.checks,
                row.sends,
                row.custom,
                row.seq,
                row.updated_at,
                row.next_send_at,
                row.ended_at,
                row.channel,
            ),
        ),
    )


def _event(row: Verification) -> Write:
    facts = _Facts(row.id, row.service_id, row.status, row.channel, row.country, row.sends, row.checks)
    told = (row.account_id, int(row.test), row.id, row.seq, _EVENTS[row.status], _encode(facts).decode(), 0)
    return Write("event_insert", ((*told, row.updated_at),))


def _count(row: Verification, *, starts: int = 0, sends: int = 0, approvals: int = 0) -> Write:
    """Approvals count where the verification began: conversion is told of the same ones."""
    slot = row.created_at // SLOT_US
    place = (row.account_id, int(row.test), slot, row.prefix, row.service_id, row.country)
    return Write("verify_count", ((*place, starts, sends, approvals),))
